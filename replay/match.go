package replay

import (
	"slices"

	"repltap/journal"
	"repltap/wire"
)

// Who plays which recorded connection, and from when on. A worker that is here
// before its recorded one was is greeted and kept alive, and no more: what it asks
// for is answered when that one asked.

// named matches a worker to a recorded one, that of the same name, and to the
// connection which that has at this point or the next one that it will have.
// Whoever has another name plays the first worker.
func (m *master) named(p *peer, name string) {
	p.name, p.stats.Worker = name, name
	if p.plays != nil {
		return
	}
	list := m.recordedOf(name)
	if name == "" || list == nil {
		list = m.recordedOf(m.plan.Conns[0].Worker)
	}
	p.plays = list[len(list)-1]
	for _, r := range list {
		if !m.isOver(r) {
			p.plays = r
			break
		}
	}
	m.played[p.plays.Worker]++
	p.stats.Plays = p.plays.Conn
	if p.plays != m.plan.first && !m.hasAsked(p.plays) {
		p.early = true
		m.s.Part(p.id)
	}
}

func (m *master) recordedOf(worker string) (list []*Recorded) {
	for _, r := range m.plan.Conns {
		if r.Worker == worker {
			list = append(list, r)
		}
	}
	return list
}

// hasAsked: at this point of the replay, or before it began.
func (m *master) hasAsked(r *Recorded) bool {
	return !r.asked || r.askedAt < m.plan.Start || m.askers[r.Conn]
}

func (m *master) isOver(r *Recorded) bool { return r.Closed < m.plan.Start || m.ended[r.Conn] }

// returns reports whether a recorded worker asked again after a connection.
func (m *master) returns(r *Recorded) bool {
	for _, next := range m.recordedOf(r.Worker) {
		if r.Worker != "" && next.asked && next.askedAt > r.Closed {
			return true
		}
	}
	return false
}

// goesOn reports whether there are recorded connections after one.
func (m *master) goesOn(r *Recorded) bool {
	return slices.ContainsFunc(m.plan.Conns, func(next *Recorded) bool { return next.Opened >= r.Closed && next != r })
}

// origin is when the first of the recorded workers asked that are played: there
// the replay begins.
func (m *master) origin(now int64) int64 {
	at := never
	for _, p := range m.byNumb {
		switch {
		case !p.ready(now):
		case !p.early:
			return m.plan.Start
		default:
			at = min(at, p.plays.askedAt)
		}
	}
	return max(at, m.plan.Start)
}

// admit takes in what those have asked for whose recorded connection asks now.
func (m *master) admit(now int64, conn uint64) {
	m.askers[conn] = true
	for _, p := range m.playing(conn) {
		if !p.early {
			continue
		}
		asks := p.asks
		if len(asks) > 0 {
			m.notes.add(note{t: now, conn: p.conn, dir: wire.C2S, kind: journal.KindResume, event: journal.Event{By: "master", From: p.askedAt, To: now}})
		}
		p.early, p.asks = false, nil
		m.s.Join(p.id)
		for _, line := range asks {
			m.counted(p)
			p.answered = true
			m.s.Receive(now, p.id, wire.Piece{Kind: wire.PieceLine, Text: line})
		}
	}
}

// counted: the REPLICATE of a worker is announced to all by itself, and that of
// its recorded one is not to be announced again.
func (m *master) counted(p *peer) {
	switch {
	case m.first == "":
		m.first = p.plays.Worker
	case !p.answered && p.plays.Worker != m.first:
		m.ghost++
	}
}
