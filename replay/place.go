package replay

import "repltap/wire"

// place is where a row stands among those of its stream: how many others came
// since the last token. Connections of one master are sent the same rows at
// different times, and a row that has no token of its own is known by this.
type place struct {
	after int64 // the last token before the row
	nth   int   // how many rows without one came since
}

// beyond says whether p is later in the stream than q.
func (p place) beyond(q place) bool {
	return p.after > q.after || p.after == q.after && p.nth > q.nth
}

// further reports whether of two flawed connections r is the better one to play
// a stream from: it came further, or to the same end sooner.
func (r *Recorded) further(other *Recorded, stream string) bool {
	a, b := r.places.of(stream), other.places.of(stream)
	return a.beyond(b) || a == b && r.overflow != nil && other.overflow != nil && r.overflow.at < other.overflow.at
}

// spot is a row of a stream.
type spot struct {
	stream string
	place
}

// places are where the next row of each stream of a connection stands.
type places map[string]*spot

// see gives the spot of what a line says of a stream, and goes on to the next.
func (ps places) see(g *wire.Gist) (at spot) {
	s := ps[string(g.Stream)]
	if s == nil {
		if len(ps) >= maxStreams {
			return spot{}
		}
		s = &spot{stream: string(g.Stream)}
		ps[s.stream] = s
	}
	at = *s
	if g.HasToken {
		s.place = place{after: g.Token}
	} else {
		s.nth++
	}
	return at
}

// of is where a stream's next row stands.
func (ps places) of(stream string) place {
	if s := ps[stream]; s != nil {
		return s.place
	}
	return place{}
}

// marks say what happened to connections when the master had come to certain
// rows. A connection that overflowed was sent rows that were in the buffers when
// others had taken them long before, or not yet: its own times say nothing of it.
type marks map[spot][]Act

// newMarks takes in where connections overflowed.
func newMarks(conns []*Recorded) marks {
	ms := marks{}
	for _, r := range conns {
		o := r.overflow
		switch {
		case o == nil || o.last.stream == "":
		case o.reset:
			ms[o.last] = append(ms[o.last], Act{Kind: ActOverflow, Conn: r.Conn, Reset: true, Line: o.part})
		default:
			ms[o.first] = append(ms[o.first], Act{Kind: ActHold, Conn: r.Conn})
			ms[o.last] = append(ms[o.last], Act{Kind: ActTip, Conn: r.Conn}, Act{Kind: ActOverflow, Conn: r.Conn})
		}
	}
	return ms
}

// around gives what happens before a row of a connection, and after it, to others.
func (ms marks) around(at spot, conn uint64) (before, after []Act) {
	for _, a := range ms[at] {
		switch {
		case a.Conn == conn:
		case a.Kind == ActOverflow:
			after = append(after, a)
		default:
			before = append(before, a)
		}
	}
	return before, after
}
