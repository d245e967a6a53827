package replay

import (
	"repltap/journal"
	"repltap/wire"
)

// heard is a line or fragment of a worker.
func (m *master) heard(now int64, p *peer, piece wire.Piece) {
	if p.gone || p.mute {
		return
	}
	p.spokeAt = now
	if len(p.deferred) > 0 || !p.early && m.group.busy(now) && wire.CommandOf(piece.Text) == wire.CmdReplicate && !p.closing {
		p.deferred = append(p.deferred, piece)
		return
	}
	if piece.Kind == wire.PieceLine {
		m.listen(now, p, piece.Text)
		if p.early && wire.CommandOf(piece.Text) == wire.CmdReplicate {
			if len(p.asks) == 0 {
				m.notes.add(note{t: now, conn: p.conn, dir: wire.C2S, kind: journal.KindStall, event: journal.Event{By: "master", From: now, Note: "its recorded one has not asked yet"}})
			}
			if len(p.asks) < maxStreams {
				p.asks = append(p.asks, piece.Text)
			}
			return
		}
	}
	m.s.Receive(now, p.id, piece)
}

// release takes in what waited for a group to end.
func (m *master) release(now int64) {
	for _, p := range m.byNumb {
		waiting := p.deferred
		p.deferred = nil
		for _, piece := range waiting {
			m.heard(now, p, piece)
		}
	}
}

// listen notes what a worker says of itself.
func (m *master) listen(now int64, p *peer, line []byte) {
	g := wire.GistOf(line)
	switch g.Command {
	case wire.CmdName:
		m.named(p, string(trimLine(line[len("NAME"):])))
	case wire.CmdError:
		p.gaveUp = true
	case wire.CmdReplicate:
		if p.plays == nil {
			m.named(p, "")
		}
		if !p.early {
			m.counted(p)
			p.answered = true
		}
		p.asked, p.askedAt = true, now
		m.rows.asked(m.s, now, &g, m.clock.begun)
	}
}
