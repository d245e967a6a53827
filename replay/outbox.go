package replay

import (
	"fmt"

	"repltap/wire"
)

// State is where a connection stands in its life.
type State uint8

// The states. Commands are queued in StateConnecting and StatePaused, and come
// to nothing in StateClosed.
const (
	StateConnecting State = iota
	StateEstablished
	StatePaused
	StateClosed
)

// String is the state in a word.
func (s State) String() string {
	switch s {
	case StateConnecting:
		return "connecting"
	case StateEstablished:
		return "established"
	case StatePaused:
		return "paused"
	}
	return "closed"
}

// Limits are the numbers of a sending side that may be set.
type Limits struct {
	HighWater int // bytes in the buffer above which the connection is paused
	MaxQueue  int // commands that may wait on a paused connection
}

// SynapseLimits are those that Synapse has in every release.
var SynapseLimits = Limits{HighWater: 65536, MaxQueue: 10_000}

func (l Limits) orDefault() Limits {
	if l.HighWater <= 0 {
		l.HighWater = SynapseLimits.HighWater
	}
	if l.MaxQueue <= 0 {
		l.MaxQueue = SynapseLimits.MaxQueue
	}
	return l
}

// Outbox is the sending side of one connection: its buffer, the queue behind
// it, and its keep-alive. It is the same at master and worker.
//
// Times are Unix nanoseconds of a clock that never goes back. Synapse counts
// in whole milliseconds, and so does this.
//
// Memory: the buffer is bounded by the high water and one line over it; the
// queue is bounded by MaxQueue lines, which are shared with whoever sent them.
type Outbox struct {
	conn   int
	limits Limits
	has    trait
	events *Events

	state   State
	closing bool // the transport was asked to close
	lost    bool // the transport is gone
	paused  bool // the transport is responsible for resuming

	// buf[:took] is what the last write took. It counts for the high water
	// until the next one, as it does in Twisted.
	buf   []byte
	took  int
	queue [][]byte
	cut   []byte // the beginning of a line that follows all this
	over  bool   // that is the last there is to be sent

	clock keepAlive
}

// NewOutbox is the sending side of a connection of a release, which is still
// connecting. What happens on it goes to events, under the number conn.
func NewOutbox(r wire.Release, limits Limits, conn int, events *Events) *Outbox {
	return &Outbox{conn: conn, limits: limits.orDefault(), has: traitsOf(r), events: events}
}

// State is where the connection stands.
func (o *Outbox) State() State { return o.state }

// Closing reports whether the connection is being closed or gone: then nothing
// more is read from it.
func (o *Outbox) Closing() bool { return o.closing || o.lost }

// Queued is the number of commands that wait behind the buffer.
func (o *Outbox) Queued() int { return len(o.queue) }

// Buffered is the number of bytes that the kernel has not taken yet.
func (o *Outbox) Buffered() int { return len(o.buf) - o.took }

// TooLongError is a line that can't be sent.
type TooLongError struct {
	Command string
	Bytes   int
}

// Error says what Synapse says.
func (e *TooLongError) Error() string {
	return fmt.Sprintf("Failed to send command %s as too long (%d > %d)", e.Command, e.Bytes, wire.MaxLine)
}

// Connected says that the connection is made. Greeting is what was to be sent
// before everything else: SERVER or NAME. What was sent before goes out, then
// the first PING. The error is that of Resume.
func (o *Outbox) Connected(t int64, greeting []byte) error {
	if o.lost {
		return nil
	}
	o.queue = append([][]byte{greeting}, o.queue...)
	o.state = StateEstablished
	o.clock.begin(t)
	if err := o.flush(t); err != nil {
		return err
	}
	return o.Send(t, pingLine(t))
}

// open is Connected for who says what is to be said by himself. Without pings there
// is no keep-alive.
func (o *Outbox) open(t int64, pings bool) {
	o.state = StateEstablished
	if pings {
		o.clock.begin(t)
	}
}

// sendsLong has over-long lines sent in every release, as the recorded side did.
func (o *Outbox) sendsLong() { o.has &^= traitLengthChecked }

// Cut sends the beginning of a line, behind what is queued. Nothing is sent after it,
// as that would be taken for the rest of the line.
func (o *Outbox) Cut(t int64, part []byte) {
	if o.over || o.state == StateClosed {
		return
	}
	o.over, o.cut = true, part
	if o.state == StateEstablished {
		o.cutNow(t)
	}
}

func (o *Outbox) cutNow(t int64) {
	if o.cut != nil {
		o.put(t, o.cut, nil)
		o.cut = nil
	}
}

// Send sends a line, which has no newline and is not changed any more. On a
// connection that is paused it is queued, on a closed one it comes to nothing.
// The error is a *TooLongError: the line was not sent, and all is as before.
func (o *Outbox) Send(t int64, line []byte) error {
	switch {
	case o.state == StateClosed, o.over:
		return nil
	case o.state == StateEstablished:
		return o.write(t, line)
	}
	o.queue = append(o.queue, line)
	if len(o.queue) > o.limits.MaxQueue {
		o.note(EventKeepUp)
		err := o.write(t, errorLine("Failed to keep up"))
		o.Close(t)
		return err
	}
	return nil
}

// SendError sends an ERROR and closes. On a paused connection the ERROR is
// queued, and lost with the queue. With a *TooLongError nothing happened: the
// connection is as before.
func (o *Outbox) SendError(t int64, text string) error {
	if err := o.Send(t, errorLine(text)); err != nil {
		return err
	}
	o.Close(t)
	return nil
}

// Close asks for the connection to be closed once the buffer is empty. The
// queue is dropped.
func (o *Outbox) Close(t int64) {
	o.clock.closed = millis(t)
	if !o.lost && !o.closing {
		o.closing = true
		o.note(EventClose)
	}
	o.end()
}

// Lost says that the transport is gone, for whatever reason.
func (o *Outbox) Lost() {
	if o.lost {
		return
	}
	if !o.closing {
		o.note(EventStop)
	}
	o.lost = true
	o.end()
}

// end: a transport that was asked to close neither pauses nor resumes.
func (o *Outbox) end() {
	o.state, o.queue, o.paused = StateClosed, nil, false
}

func (o *Outbox) note(k EventKind) { o.events.add(Event{Kind: k, Conn: o.conn}) }

// write puts a line into the buffer, past the queue.
func (o *Outbox) write(t int64, line []byte) error {
	if len(line) > wire.MaxLine && o.has&traitLengthChecked != 0 {
		name, _ := cutSpace(line)
		return &TooLongError{Command: string(name), Bytes: len(line)}
	}
	o.put(t, line, newline)
	return nil
}

func (o *Outbox) put(t int64, line, end []byte) {
	o.clock.sent = millis(t)
	if o.lost {
		return
	}
	o.events.add(Event{Kind: EventLine, Conn: o.conn, Line: line})
	o.buf = append(append(o.buf, line...), end...)
	if !o.closing && len(o.buf) > o.limits.HighWater {
		o.paused = true
		o.Pause()
	}
}
