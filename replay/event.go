package replay

import "strconv"

// EventKind says what an [Event] is.
type EventKind uint8

// The kinds of events.
const (
	// EventLine: a line, without its newline, went into the connection's buffer.
	EventLine EventKind = iota
	// EventPause: the buffer is over its high water; commands are queued now.
	EventPause
	// EventResume: the buffer is empty again, or was when the queue was flushed.
	EventResume
	// EventStop: the transport of an open connection is gone.
	EventStop
	// EventKeepUp: too much is queued; an ERROR and the close follow.
	EventKeepUp
	// EventSilent: the peer was silent for too long; ERROR, if it can be sent,
	// and the close follow.
	EventSilent
	// EventClose: no more is read; what is buffered is still to be written, then
	// the connection is to be closed.
	EventClose
	// EventAbort: the grace after the close is over; the connection is to be
	// reset at once.
	EventAbort
	// EventDrop: the connection is to be dropped at once, without a word; Text
	// says why.
	EventDrop
	// EventFetch: rows are wanted; Fetch says which.
	EventFetch
	// EventRowLost: a line could not be sent to the connection and is gone, a row
	// of the live loop or what a subscription failed of; Text says why.
	EventRowLost
	// EventRoundFailed: a notifier round ended early, and the streams that would
	// have come later were left out; Text says why.
	EventRoundFailed
	// EventIgnored: a line came on a connection that is being closed.
	EventIgnored
	// EventServerUp: a worker said that a server is back. A master has its
	// notifier tell everybody, see Streamer.ServerUp.
	EventServerUp

	numEventKinds
)

var eventKindNames = [numEventKinds]string{
	"line", "pause", "resume", "stop", "keep-up", "silent", "close", "abort", "drop",
	"fetch", "row-lost", "round-failed", "ignored", "server-up",
}

// String is the kind in a word.
func (k EventKind) String() string {
	if k < numEventKinds {
		return eventKindNames[k]
	}
	return strconv.Itoa(int(k))
}

// Event is something that a state machine did or wants done.
type Event struct {
	Kind  EventKind
	Conn  int    // the connection; 0 for none
	Line  []byte // shared with other events and buffers: not to be changed
	Text  string
	Fetch *Fetch
}

// Events is a list of events in order. Those who drive a state machine take
// them after each call, with Take.
type Events struct {
	list, spare []Event
}

// manyEvents is a list that is not kept for the next time.
const manyEvents = 4096

// Take gives the events since the last Take. They are valid until the next one;
// what happens meanwhile does not change them.
func (e *Events) Take() []Event {
	taken := e.list
	clear(e.spare)
	e.list, e.spare = e.spare[:0], taken
	if cap(e.list) > manyEvents {
		e.list = nil
	}
	return taken
}

func (e *Events) add(ev Event) { e.list = append(e.list, ev) }
