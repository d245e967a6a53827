package replay

import (
	"repltap/journal"
	"repltap/wire"
)

// ending is how a connection ended.
type ending struct {
	how, by, err, note string
}

// happened is one event of the machines.
func (m *master) happened(ev *Event) {
	p := m.peers[ev.Conn]
	switch ev.Kind {
	case EventFetch:
		m.look(*ev.Fetch)
		return
	case EventServerUp:
		m.s.ServerUp(m.now(), ev.Line)
		return
	case EventRoundFailed:
		m.result.note("a round of the live loop failed: " + ev.Text)
		return
	}
	if p == nil || p.gone {
		return
	}
	now := m.now()
	switch ev.Kind {
	case EventLine:
		p.stats.Lines++
	case EventPause:
		if p.pausedAt != 0 {
			return // the ERROR that ends a pause goes into the full buffer, which says so again
		}
		p.pausedAt = now
		p.stats.Pauses++
		m.pressure(now, p, journal.KindStall)
	case EventResume:
		m.pressure(now, p, journal.KindResume)
		p.pausedAt = 0
	case EventKeepUp:
		p.note, p.stats.Queue = keepUpText, max(p.stats.Queue, m.cfg.Limits.orDefault().MaxQueue+1)
		m.pressure(now, p, journal.KindSample)
	case EventSilent:
		p.note = "ping timeout"
	case EventClose:
		p.closing = true
		if !m.bidding(p) {
			p.stopReading()
		}
	case EventAbort:
		m.abort(p, "it did not take what was left for it, and was reset")
	case EventDrop:
		m.gone(p, ending{how: "error", by: "master", err: ev.Text})
	case EventRowLost:
		m.result.note("a line was lost for a connection: " + ev.Text)
	}
}

// pressure notes how a sender stands.
func (m *master) pressure(now int64, p *peer, kind journal.Kind) {
	ev := journal.Event{By: "master", Position: m.place}
	if kind == journal.KindResume && p.pausedAt != 0 {
		ev.From, ev.To = p.pausedAt, now
	}
	if kind == journal.KindSample {
		ev.By = ""
	}
	if out := m.s.Outbox(p.id); out != nil {
		ev.Unsent, ev.Queue = int64(out.Buffered()), int64(out.Queued())
	}
	if kind == journal.KindStall {
		ev.Queue = 0 // what follows in the same turn is queued already
	}
	if p.note == keepUpText {
		ev.Queue = int64(p.stats.Queue)
	}
	m.notes.add(note{t: now, conn: p.conn, dir: wire.S2C, kind: kind, event: ev})
}

// drain lets out what a connection has for its worker, and closes it when that
// was asked for and nothing is left. It reports whether anything moved.
func (m *master) drain(p *peer) bool {
	before := p.sent
	moved := m.letOut(p)
	if p.gone {
		return true
	}
	out := m.s.Outbox(p.id)
	if out == nil || !out.Closing() {
		return moved || p.sent != before
	}
	switch left := p.link.held > 0 || p.hold != nil; {
	case !out.Drained():
	case left && unread(p.raw) > 0:
		// The link stands for what is in the kernel when Synapse closes the socket:
		// with something unread that is thrown away.
		if p.hold == nil || p.hold.until == 0 {
			m.abort(p, p.note)
			return true
		}
	case left:
	case m.bidding(p):
		m.bid(p)
	default:
		m.shut(p)
		return true
	}
	return moved || p.sent != before
}

// letOut moves what is ready from the outbox to the link and from there to the
// kernel.
func (m *master) letOut(p *peer) (moved bool) {
	now := m.now()
	out := m.s.Outbox(p.id)
	if out == nil {
		return false
	}
	if p.hold != nil {
		m.cut(now, p)
		return false
	}
	if p.deaf && out.Buffered() == 0 && p.link.held == 0 {
		p.link.stalled = true
	}
	if p.dying != 0 && out.Buffered() == 0 {
		m.die(now, p)
		return false
	}
	for !p.gone && !p.waiting {
		pending := out.Pending()
		switch {
		case p.link.plain():
			if len(pending) == 0 {
				return moved
			}
			n := p.out(pending)
			m.s.Took(now, p.id, n)
			moved = moved || n > 0
			continue
		case len(pending) > 0 && p.link.room() > 0:
			part := pending[:min(len(pending), p.link.room())]
			p.link.take(now, part)
			m.s.Took(now, p.id, len(part))
			moved = true
			continue
		}
		data := p.link.due(now, m.since(now))
		if len(data) == 0 {
			return moved
		}
		n := p.out(data)
		p.link.went(n)
		moved = moved || n > 0
	}
	if p.waiting && !p.link.plain() {
		if pending := out.Pending(); len(pending) > 0 && p.link.room() > 0 {
			part := pending[:min(len(pending), p.link.room())]
			p.link.take(now, part)
			m.s.Took(now, p.id, len(part))
			moved = true
		}
	}
	return moved
}

// let lets n bytes of a held connection out.
func (m *master) let(p *peer, n int) {
	if out := m.s.Outbox(p.id); !p.waiting && out != nil {
		pending := out.Pending()
		took := p.out(pending[:min(n, len(pending))])
		now := m.now()
		m.s.Took(now, p.id, took)
		m.s.Took(now, p.id, 0) // what was taken does not count any more
	}
}

// cut ends a held connection that is to be reset, once its worker has said
// something that is left unread: what its recorded one got of a last line, and
// then the reset that the kernel would send.
func (m *master) cut(now int64, p *peer) {
	if p.hold.until == 0 || p.waiting || p.dying == 0 && unread(p.raw) == 0 && now < p.hold.until {
		return
	}
	part := p.hold.part
	if p.hold.part = nil; len(part) > 0 {
		p.out(part)
	}
	m.die(now, p)
}

// die resets a connection as soon as the worker has what the kernel took: a reset
// takes back the rest, and the recorded worker had got it.
func (m *master) die(now int64, p *peer) {
	if p.dying == 0 {
		p.dying = now + farewellPatience
	}
	if !p.gone && (p.unsent() == 0 || now >= p.dying) {
		m.abort(p, p.note)
	}
}

// shut closes a connection of which all was taken. If the worker has sent
// something meanwhile, the kernel makes it a reset.
func (m *master) shut(p *peer) {
	e := ending{how: "fin", by: "master", note: p.note}
	if unread(p.raw) > 0 {
		e.how = "reset"
	}
	m.gone(p, e)
}

// abort resets a connection.
func (m *master) abort(p *peer, why string) {
	p.sock.SetLinger(0)
	m.gone(p, ending{how: "reset", by: "master", note: why})
}

// gone ends a connection for good.
func (m *master) gone(p *peer, e ending) {
	if p.gone {
		return
	}
	now := m.now()
	p.gone, p.closing = true, true
	undelivered := int64(p.link.held)
	if out := m.s.Outbox(p.id); out != nil {
		undelivered += int64(out.Buffered())
	}
	if e.how == "reset" {
		undelivered += int64(p.unsent())
	}
	p.sock.Close()
	m.s.Lost(p.id)
	m.forget(p)
	if e.note == "" && e.by == "worker" {
		e.note = p.note
	}
	p.ended(now, e, undelivered)
	m.result.Connections = append(m.result.Connections, p.stats)
	if e.by == "master" {
		m.notes.add(note{t: now, conn: p.conn, dir: wire.S2C, kind: journal.KindEOF, event: journal.Event{How: e.how, By: e.by, Note: e.note}})
	}
	p.last = note{t: now, conn: p.conn, kind: journal.KindClose, event: journal.Event{
		How: e.how, By: e.by, Error: e.err, Note: e.note, S2CUndelivered: undelivered,
	}}
	if m.leaving[p] = struct{}{}; !p.reading {
		m.closed(p)
	}
}

// closed notes the end of a connection, now that its reader has ended too.
func (m *master) closed(p *peer) {
	if _, ok := m.leaving[p]; !ok {
		return
	}
	delete(m.leaving, p)
	sent, read := p.sent, p.read.Load()
	p.last.event.S2C, p.last.event.C2S = &sent, &read
	p.last.t = max(p.last.t, m.now())
	m.notes.add(p.last)
}

func (m *master) forget(p *peer) {
	delete(m.peers, p.id)
	list := m.byNumb[:0:0]
	for _, other := range m.byNumb {
		if other != p {
			list = append(list, other)
		}
	}
	m.byNumb = list
}

// bidding: the end of the replay is no one's fault, and nobody is to lose the
// last lines by it; nor by an end that recorded was in order, and that comes sooner
// after them at a higher speed.
func (m *master) bidding(p *peer) bool { return p.orderly || m.ending && m.lingers != 0 }

// bid ends the sending, and waits for the worker to do the same.
func (m *master) bid(p *peer) {
	now := m.now()
	if p.farewell == 0 {
		p.farewell = now
		p.sock.CloseWrite()
	} else if now-p.farewell > farewellPatience {
		m.shut(p)
	}
}
