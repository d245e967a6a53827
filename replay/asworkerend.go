package replay

import (
	"errors"
	"net"
	"slices"
	"syscall"

	"repltap/journal"
	"repltap/wire"
)

// How the connections of played workers end.

// happen takes what the outboxes did.
func (p *player) happen() {
	for _, ev := range p.events.Take() {
		p.happened(&ev)
	}
}

// happened is one event of an outbox.
func (p *player) happened(ev *Event) {
	i := slices.IndexFunc(p.parts, func(c *part) bool { return c.id == ev.Conn })
	if i < 0 {
		return
	}
	c, now := p.parts[i], p.clock.now()
	switch ev.Kind {
	case EventLine:
		c.stats.Lines++
	case EventPause:
		c.pausedAt = now
		c.stats.Pauses++
		c.pressure(now, journal.KindStall)
	case EventResume:
		c.pressure(now, journal.KindResume)
		c.pausedAt = 0
	case EventKeepUp:
		c.note = keepUpText
		c.stats.Queue = max(c.stats.Queue, SynapseLimits.MaxQueue+1)
		c.pressure(now, journal.KindSample)
	case EventSilent:
		c.note = "ping timeout"
	case EventAbort:
		c.abort("it did not close in time")
	}
}

// pressure notes how the sender stands.
func (c *part) pressure(now int64, kind journal.Kind) {
	ev := journal.Event{Position: c.p.place, Unsent: int64(c.out.Buffered()), Queue: int64(c.out.Queued())}
	if kind != journal.KindSample {
		ev.By = "worker"
	}
	if kind == journal.KindResume && c.pausedAt != 0 {
		ev.From, ev.To = c.pausedAt, now
	}
	c.p.notes.add(note{t: now, conn: c.number, dir: wire.C2S, kind: kind, event: ev})
}

// mayEnd ends it, unless the master has yet to say what the recorded one had been
// told by then: each side keeps times of its own, and a moment between them would
// cut that off. A master that says nothing for a while has nothing more to say. How
// long the first attempt to connect takes is no reason not to play it.
func (c *part) mayEnd(now int64) {
	if c.connecting() && now-c.owed < dialPatience {
		return
	}
	if c.pump != nil && !c.still && !c.leaving() && c.p.times.speed > 0 && c.heard < c.rec.heard &&
		now-max(c.heardAt, c.owed) < quietFor && now-c.owed < maxOwed {
		return
	}
	c.end(now)
}

// end does what the recorded worker did, if it was the one that ended it.
func (c *part) end(now int64) {
	c.owed = 0
	r := c.rec
	switch {
	case c.pump == nil:
		c.drop()
	case r.By == "master":
		c.recordedEnd = true // it is up to the master
	case r.By == "worker" && r.How == "reset":
		c.drain()
		c.p.happen()
		c.abort("")
	case r.By == "worker":
		c.leave("")
	case r.How == journal.HowCut:
		c.leave("the recording was cut here")
	default:
		c.leave("the recording ends here")
	}
}

// connecting: it was not refused either yet.
func (c *part) connecting() bool { return c.pump == nil && c.dialErr == nil && !c.gone }

// leaving: it has no more to say.
func (c *part) leaving() bool { return c.left || c.out.Closing() }

// busy: something waits to be sent.
func (c *part) busy() bool {
	return c.pump != nil && (c.out.Buffered() > 0 || c.out.Queued() > 0)
}

// leave ends it in order: when all is written, its side is closed, and then the
// master's has its turn.
func (c *part) leave(note string) {
	if c.pump == nil {
		c.drop()
		return
	}
	if c.leaving() {
		return
	}
	c.note, c.left = note, true
	c.drain()
}

// written: all is with the kernel.
func (c *part) written() {
	switch {
	case c.out.Closing(), c.left && c.still:
		// It reads no more, and what has come unread makes it a reset.
		e := ending{how: "fin", by: "worker", note: c.note}
		if unread(c.pump.raw) > 0 {
			e.how = "reset"
		} else if peerEnded(c.pump.raw) {
			e.by = "master"
		}
		c.hangUp(e)
	case c.left && c.bye == 0:
		c.bye = c.p.clock.now()
		c.pump.conn.CloseWrite()
	}
}

// abort resets it.
func (c *part) abort(note string) {
	if c.pump != nil && !c.gone {
		c.pump.conn.SetLinger(0)
		c.hangUp(ending{how: "reset", by: "worker", note: note})
	}
}

// lost: the master has ended it, or answered an end.
func (c *part) lost(err error) {
	e := ending{how: howEnded(err), by: "master", note: c.note}
	if e.how == "error" {
		e.err = err.Error()
	}
	if c.bye != 0 { // however it is answered
		e = ending{how: "fin", by: "worker", note: c.note}
	}
	c.hangUp(e)
}

// hangUp ends it for good.
func (c *part) hangUp(e ending) {
	if c.gone {
		return
	}
	if c.pump == nil {
		c.drop()
		return
	}
	left := c.out.Pending()
	c.pump.close()
	if n := c.pump.untold; n > 0 {
		c.p.notes.add(note{t: c.p.clock.now(), conn: c.number, dir: wire.C2S, data: slices.Clone(left[:n]), offset: c.stats.Sent})
		c.stats.Sent += int64(n)
	}
	c.drop()
	now := c.p.clock.now()
	s := &c.stats
	s.Closed, s.Read, s.Undelivered, s.LastLine = now-c.p.clock.anchor.UnixNano(), c.s2c, int64(c.out.Buffered()), string(c.lastLine.line)
	s.How, s.By, s.Error, s.Note = e.how, e.by, e.err, e.note
	c.out.Lost()
	c.p.result.Connections = append(c.p.result.Connections, *s)
	if e.how != "shutdown" {
		dir := wire.C2S
		if e.by == "master" {
			dir = wire.S2C
		}
		c.p.notes.add(note{t: now, conn: c.number, dir: dir, kind: journal.KindEOF, event: journal.Event{How: e.how, By: e.by, Error: e.err, Note: e.note}})
	}
	sent, read := s.Sent, s.Read
	c.p.notes.add(note{t: now, conn: c.number, kind: journal.KindClose, event: journal.Event{
		How: e.how, By: e.by, Error: e.err, Note: e.note, S2C: &read, C2S: &sent, C2SUndelivered: s.Undelivered,
	}})
}

// drop forgets it.
func (c *part) drop() {
	c.gone, c.dialAt = true, 0
	c.p.parts = slices.DeleteFunc(c.p.parts, func(o *part) bool { return o == c })
	delete(c.p.byPump, c.pump)
	if c.pump == nil {
		c.unsaid += int64(len(c.waiting))
		c.unmade()
	}
	c.waiting = nil
}

// unmade notes why a connection was never there. One that was still being made when
// the replay was interrupted was not refused.
func (c *part) unmade() {
	p, err := c.p, c.dialErr
	why, detail := journal.LeftUnreachable, p.cfg.Connect+": no answer"
	switch {
	case !p.times.begun || err == nil && p.result.Interrupted:
		return
	case isLocal(err):
		why, detail = journal.LeftFailed, plainError(err)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		why, detail = journal.LeftRefused, p.cfg.Connect+": "+plainError(err)
	case err != nil:
		detail = p.cfg.Connect + ": " + plainError(err)
	}
	p.run.LeftOut = leave(p.run.LeftOut, why, detail, c.rec.Conn)
}

// unwrapDial is an error of dialling without the address, which is told anyway.
func unwrapDial(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
