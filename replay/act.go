package replay

import "strconv"

// ActKind says what an [Act] is.
type ActKind uint8

// The kinds of acts.
const (
	// ActRow: a row that was written, and told to those who were there.
	ActRow ActKind = iota
	// ActMove: a stream came to stand elsewhere without rows. A Line is what the
	// master said of it; without one nobody was told.
	ActMove
	// ActAnnounce: the master told everybody where it stands, because a worker
	// asked that is not among those looked at.
	ActAnnounce
	// ActLine: any other line that the master sent by itself.
	ActLine
	// ActAsk: a worker asked for streams.
	ActAsk
	// ActStall and ActResume: a worker stopped reading, and read again.
	ActStall
	ActResume
	// ActMute: the worker has said its last before the master gave it up, and
	// ActDeaf: the master has, before the worker gave up; see silence.go.
	ActMute
	ActDeaf
	// ActHold: what is sent from here on was still with the master when the
	// connection overflowed.
	ActHold
	// ActTip: the line that follows is the one that paused the connection.
	ActTip
	// ActOverflow: too much was queued.
	ActOverflow
	// ActCut: the beginning of a line that never went on.
	ActCut
	// ActEnd: the connection ended.
	ActEnd

	// What a worker did, where that is what is played. ActCut, ActEnd, ActStall and
	// ActResume are of both.

	// ActOpen: it connected.
	ActOpen
	// ActSay: it said a line.
	ActSay
	// ActFreeze and ActThaw: it did nothing at all, and went on.
	ActFreeze
	ActThaw

	numActKinds
)

var actKindNames = [numActKinds]string{
	"row", "move", "announce", "line", "ask", "stall", "resume", "mute", "deaf", "hold", "tip", "overflow", "cut", "end",
	"open", "say", "freeze", "thaw",
}

// String is the kind in a word.
func (k ActKind) String() string {
	if k < numActKinds {
		return actKindNames[k]
	}
	return strconv.Itoa(int(k))
}

// Act is something that a recorded master did, or that happened to it, or that a
// recorded worker did, in the order of the journal. It shares no memory with what it
// was read from.
type Act struct {
	Kind ActKind
	Seq  uint64 // of the record
	At   int64  // Unix nanoseconds, as recorded
	Conn uint64 // the recorded connection it was seen on
	nth  uint64 // its place among all acts of a master; numbers of records need not rise
	// Row and move: the stream, where it then stands, and where it stood. Batch
	// is a row whose token comes with a later one. Ask, up to 1.12: for what, from
	// where on; Batch stands for NOW.
	Stream      string
	Token, Prev int64
	Batch       bool
	Answer      bool   // move: it was told to all, as an answer to somebody who asked
	Past        bool   // row: its connection was being caught up with it
	JSON        []byte // row: part of Line
	Line        []byte // without the newline
	// Overflow: the connection was reset, with Line as what came of a last line.
	Reset bool
	// Say: it is REPLICATE.
	Ask bool
}

// named reports whether the act is about where a stream stands.
func (a *Act) named() bool { return a.Kind == ActRow || a.Kind == ActMove }
