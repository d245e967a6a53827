package replay

import (
	"bytes"
	"strconv"
	"time"
)

// The keep-alive's numbers, which are the same in every release. They are real
// time, whatever the speed of a replay.
const (
	pingEvery   = 5_000  // ms between two ticks, and of silence before a PING
	pingTimeout = 25_000 // ms of the peer's silence, or after a close, that are not too long yet
)

// keepAlive is what an outbox knows of times, all in milliseconds.
type keepAlive struct {
	begun    int64 // 0 before the connection was made
	next     int64 // the next tick
	sent     int64 // the last command that was really written
	received int64 // the last valid command
	pinged   bool  // the peer has sent a PING, so its silence counts
	closed   int64 // when the close was asked for, 0 before
}

func millis(t int64) int64 { return t / int64(time.Millisecond) }

func (k *keepAlive) begin(t int64) {
	now := millis(t)
	k.begun, k.next, k.sent, k.received = now, now+pingEvery, now, now
}

// advance sets the next tick: a multiple of the interval after the beginning.
func (k *keepAlive) advance(now int64) {
	k.next = k.begun + ((now-k.begun)/pingEvery+1)*pingEvery
}

// Received says that the peer sent a command that is valid, and whether that
// was a PING.
func (o *Outbox) Received(t int64, ping bool) {
	o.clock.received = millis(t)
	o.clock.pinged = o.clock.pinged || ping
}

// NextTick is when Tick is to be called next; false when never.
func (o *Outbox) NextTick() (t int64, ok bool) {
	return o.clock.next * int64(time.Millisecond), o.clock.begun != 0 && !o.lost
}

// Tick is the keep-alive's: a PING when nothing was sent for five seconds, the
// close when the peer was silent for too long, the reset when a close was.
// Before NextTick it does nothing.
func (o *Outbox) Tick(t int64) {
	now := millis(t)
	if o.clock.begun == 0 || o.lost || now < o.clock.next {
		return
	}
	o.clock.advance(now)
	if o.clock.closed != 0 {
		if now-o.clock.closed > pingTimeout {
			o.note(EventAbort)
		}
		return
	}
	if now-o.clock.sent >= pingEvery {
		o.Send(t, pingLine(t)) // short, so there is no error
	}
	if o.clock.pinged && now-o.clock.received > pingTimeout {
		o.note(EventSilent)
		o.SendError(t, "ping timeout")
	}
}

func pingLine(t int64) []byte {
	return strconv.AppendInt([]byte("PING "), millis(t), 10)
}

func errorLine(text string) []byte { return append([]byte("ERROR "), text...) }

func cutSpace(line []byte) (name, rest []byte) {
	name, rest, _ = bytes.Cut(line, []byte{' '})
	return name, rest
}
