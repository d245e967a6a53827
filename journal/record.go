package journal

import (
	"fmt"

	"repltap/wire"
)

// Kind says what a record is about.
type Kind uint8

// Lines and fragments carry bytes of a connection; every other kind carries
// an Event.
const (
	KindNone     Kind = iota // no record: bytes on disk
	KindLine                 // a line of the protocol with its terminator
	KindFragment             // bytes that are no line: unterminated at the end, or longer than the protocol's limit
	KindOpen                 // a worker connected
	KindClose                // both directions ended
	KindEOF                  // one side ended its sending (half-close or reset)
	KindStall                // a peer stopped reading
	KindResume               // and reads again
	KindGap                  // bytes that went over the wire and are not in the journal
	KindFinding              // something odd that belongs to no single line
	KindFile                 // a recording began or ended here
	KindSample               // how a replay's sender stands just now
	KindRun                  // what a replay is to play, or came to
	KindClock                // the wall clock was set, which times are not
)

var kindNames = [...]string{"none", "line", "fragment", "open", "close", "eof", "stall", "resume", "gap", "finding", "file", "sample", "run", "clock"}

// String is the kind as `log` prints it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Record is one thing that happened, in the order of Seq.
type Record struct {
	// Seq is the place in the journal's order, from 1, rising over all files of
	// a journal. A line that came in several reads has the number of its last
	// piece, so numbers may be left out.
	Seq uint64
	// Time is in nanoseconds since the Unix epoch: the recording's wall clock
	// anchor plus monotonic time since. It never goes back within a connection.
	Time int64
	// Conn numbers the connections of a journal from 1; 0 is the recording itself.
	Conn uint64
	// Dir is which way the bytes went, or wire.NoDirection for what concerns both.
	Dir  wire.Direction
	Kind Kind
	// Data is the bytes of a line (terminator included) or a fragment. When read
	// from a journal it is valid until the next record is asked for.
	Data []byte
	// ReadEnd says that one read of the tap returned with the last of these bytes.
	ReadEnd bool
	// Headless says that the beginning of these bytes lies before what was read:
	// in an earlier file, before a damaged block or in a gap.
	Headless bool
	// Part numbers the fragments of one over-long line from 1; it is 0 for every
	// other record. The last part ends in a newline, unless the line was cut off.
	Part int
	// LastByte is when the last byte of a fragment came that was cut off: Time is not
	// before what the connection did before that was known. 0 for all else.
	LastByte int64
	// Gist is set for lines and for parts of an over-long line. A part after the
	// first has no bytes that it could alias but those of the first: its Row is nil.
	Gist wire.Gist
	// Worker is the name that the connection's worker gave itself anywhere in
	// this file, "" when it gave none.
	Worker string
	// Findings are what is odd about this line or fragment.
	Findings []wire.Finding
	// Event is set for all kinds but lines and fragments.
	Event *Event
}

// HowCut is how a connection ended of which the end was not recorded, since the
// recording was killed or lost its power: where the recording ends.
const HowCut = "cut"

// Arrived is when the last byte of a line or fragment came. For a line that was cut
// off this may be before the times of records before it.
func (r *Record) Arrived() int64 {
	if r.LastByte != 0 {
		return r.LastByte
	}
	return r.Time
}

// Event is what a record says that is not bytes. Which fields are set depends
// on the record's kind. It is kept as JSON, and `log --format json` shows it as
// it is.
type Event struct {
	// Open: the addresses of the worker and of the upstream.
	Peer     string `json:"peer,omitempty"`
	Upstream string `json:"upstream,omitempty"`
	// Open, of a replay: the recorded connection that this one plays, where that is
	// known by then.
	Plays uint64 `json:"plays,omitempty"`

	// EOF and close: how it ended ("fin", "reset", "timeout", "refused", "error",
	// "shutdown", "enforced", "cut", "unknown") and who did it ("worker", "master", "tap").
	How   string `json:"how,omitempty"`
	By    string `json:"by,omitempty"`
	Error string `json:"error,omitempty"`

	// Close: bytes of either direction as counted by the copiers, independently
	// of the recorder, and what of them could not be delivered any more.
	S2C            *int64 `json:"s2c_bytes,omitempty"`
	C2S            *int64 `json:"c2s_bytes,omitempty"`
	S2CUndelivered int64  `json:"s2c_undelivered,omitempty"`
	C2SUndelivered int64  `json:"c2s_undelivered,omitempty"`
	Dialect        string `json:"dialect,omitempty"`

	// Gap: what is missing and why. Lines are the newlines in it, -1 when unknown;
	// Offset is how many bytes went that way before it.
	// Gap and stall: when it began and ended, Unix nanoseconds.
	Bytes int64 `json:"bytes,omitempty"`
	Lines int64 `json:"lines,omitempty"`
	From  int64 `json:"from,omitempty"`
	To    int64 `json:"to,omitempty"`
	// MidLine says that what follows a gap does not begin a line.
	Offset  *int64 `json:"offset,omitempty"`
	MidLine bool   `json:"mid_line,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Gap of the journal itself: the numbers of the records that are missing.
	First uint64 `json:"first_seq,omitempty"`
	Last  uint64 `json:"last_seq,omitempty"`

	// Stall and resume: bytes held by the kernel at either end. Where a replay's
	// sender paused or resumed itself, By is "master" (or "worker", when that is
	// played), and Unsent what waits in its own buffer; so it is in a sample.
	Unread int64 `json:"unread,omitempty"`
	Unsent int64 `json:"unsent,omitempty"`

	// Sample, and stall and resume of a replay: the commands that wait behind that
	// buffer. Sample: the most that a send was behind its schedule since the
	// sample before, in nanoseconds, and the Seq of the record of the replayed
	// journal that was played last.
	Queue    int64  `json:"queue,omitempty"`
	Lag      int64  `json:"lag,omitempty"`
	Position uint64 `json:"position,omitempty"`

	// Run: what a replay is to play, or what came of that.
	Run *Run `json:"run,omitempty"`

	// File: a recording's beginning or end. Finding of an enforcing tap: the
	// command that was refused.
	What    string `json:"what,omitempty"` // "begin", "end"
	Source  string `json:"source,omitempty"`
	Redact  string `json:"redact,omitempty"`
	Program string `json:"program,omitempty"`

	// Clock: by how much the clock that the times are read from was set, in
	// nanoseconds, negative where it went back, and what it says at this record.
	// Times do not follow it. May says that it may have been something else: all of
	// it stood still.
	Step int64 `json:"step,omitempty"`
	Wall int64 `json:"wall,omitempty"`
	May  bool  `json:"may,omitempty"`

	// Findings are those that belong to no line.
	Findings []wire.Finding `json:"findings,omitempty"`

	// Note is free text: what an import could not translate, for example.
	Note string `json:"note,omitempty"`
}
