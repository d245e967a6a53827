package replay

import (
	"fmt"

	"repltap/wire"
)

// read has the kernel of a peer take some bytes, and the peer read them.
func (w *fuzzWorld) read(p *fuzzPeer, n int) {
	out := w.s.Outbox(p.id)
	part := out.Pending()
	part = part[:min(n, len(part))]
	for piece := range p.split.Split(part) {
		if piece.Kind == wire.PieceLine {
			w.hear(p, piece)
		}
	}
	if len(part) > 0 {
		w.s.Took(w.now, p.id, len(part))
	}
	if out.Drained() {
		w.lose(p)
	}
}

func (w *fuzzWorld) hear(p *fuzzPeer, piece wire.Piece) {
	var parsed wire.Parsed
	if v := w.receiver.Judge(wire.S2C, piece, &parsed); v.Action != wire.ActAccept {
		w.t.Fatalf("peer %d would not accept %q: %+v", p.id, piece.Text, v)
	}
	if p.ended {
		w.t.Fatalf("peer %d got %q after an ERROR", p.id, piece.Text)
	}
	p.ended = parsed.Command == wire.CmdError
	seen := p.streams[string(parsed.Stream())]
	switch parsed.Command {
	case wire.CmdPosition:
		if w.s.has&traitSubscribes != 0 {
			// What follows is live, and may overlap with what was caught up.
			seen.position, seen.next = true, -1
		}
	case wire.CmdRdata:
		var row int
		fmt.Sscanf(string(parsed.Row()), "[%d]", &row)
		if seen.next >= 0 && row != seen.next {
			w.t.Fatalf("peer %d got row %d of %s, want %d", p.id, row, parsed.Stream(), seen.next)
		}
		if token, ok := parsed.Token(); ok && token != w.rows[string(parsed.Stream())][row].Token {
			w.t.Fatalf("peer %d got %q with another row's token", p.id, piece.Text)
		}
		if row <= seen.upto {
			seen.upto = max(seen.upto, row+1)
		}
		seen.next = row + 1
	}
}

// settle looks at what happened, and ends what is to be ended.
func (w *fuzzWorld) settle() {
	for _, ev := range w.s.Events.Take() {
		var p *fuzzPeer
		if ev.Conn != 0 {
			p = w.peers[ev.Conn-1]
		}
		switch ev.Kind {
		case EventClose:
			p.closed = true
		case EventLine:
			if p.closed {
				w.t.Fatalf("peer %d is sent %q after the close", p.id, ev.Line)
			}
		case EventAbort:
			w.lose(p)
		case EventDrop, EventRowLost:
			w.t.Fatalf("peer %d: %v %s", p.id, ev.Kind, ev.Text)
		}
	}
	for _, p := range w.peers {
		out := w.s.Outbox(p.id)
		if p.open != (out != nil) {
			w.t.Fatalf("peer %d: open %v, but outbox %v", p.id, p.open, out)
		}
		if out != nil && (out.Queued() > fuzzLimits.MaxQueue || out.Buffered() > fuzzLimits.HighWater+300) {
			w.t.Fatalf("peer %d has %d queued, %d buffered", p.id, out.Queued(), out.Buffered())
		}
	}
}

// quiet answers everything, has everything read, and looks who has what.
func (w *fuzzWorld) quiet() {
	for again := true; again; {
		again = false
		w.s.Poke(w.now)
		for len(w.s.Fetching()) > 0 {
			w.answer(w.s.Fetching()[0], false)
			again = true
			w.settle()
			w.readAll()
		}
	}
	w.readAll()
	for _, p := range w.peers {
		for name, seen := range p.streams {
			wants := p.open && !p.closed && (seen.asked || w.s.has&traitSubscribes == 0)
			if wants && seen.upto != len(w.rows[name]) {
				w.t.Fatalf("peer %d has rows %d to %d of %s, want to %d", p.id, seen.first, seen.upto, name, len(w.rows[name]))
			}
			if seen.asked && wants && !seen.position {
				w.t.Fatalf("peer %d never heard POSITION of %s", p.id, name)
			}
		}
	}
}

func (w *fuzzWorld) readAll() {
	for _, p := range w.peers {
		for p.open && w.s.Outbox(p.id).Pending() != nil {
			w.read(p, 150)
			w.settle()
		}
	}
}
