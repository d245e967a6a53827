package analyze

import (
	"fmt"
	"strings"

	"repltap/wire"
)

// finish settles all that still waits for two connections, and tells their
// differences.
func (p *pass) finish(s *pairState) {
	for _, l := range s.order {
		l.settle(p, true)
		if l.within {
			l.holes[len(l.holes)-1].tail = true
		}
	}
	for dir := wire.S2C; dir <= wire.C2S; dir++ {
		for side := range 2 {
			s.end(p, dir, side)
		}
	}
	for _, l := range s.order {
		l.sortHoles(p)
		s.crossed(p, l)
	}
	s.lanes, s.order = [2]map[string]*lane{}, nil
}

// crossed tells of the first POSITION of a stream that came before rows which it
// says, and was recorded after them, or the other way round.
func (s *pairState) crossed(p *pass, l *lane) {
	key, ok := strings.CutPrefix(l.name, firstPosition)
	if !ok || l.first[0] == nil {
		return
	}
	if rows := s.lanes[l.dir-wire.S2C][key]; rows != nil && rows.crossed > 0 {
		p.found.add(l.difference(Reordered, 1, l.first[0], l.first[1], "it stands on the other side of "+count(rows.crossed, "row")+" that it says"))
	}
}

// end makes one difference of what comes after all that is the same, where it is
// of several lanes: the other connection ended before.
func (s *pairState) end(p *pass, dir wire.Direction, side int) {
	var first *item
	var of *lane
	var lanes, lines int64
	var ends []*hole
	for _, l := range s.order {
		if l.dir != dir || !l.within {
			continue
		}
		h := l.holes[len(l.holes)-1]
		if len(h.items[side]) == 0 || len(h.items[1-side]) > 0 || h.items[side][0].seq <= s.last[dir-wire.S2C][side].seq {
			continue
		}
		lanes, lines, ends = lanes+1, lines+int64(len(h.items[side]))+h.more[side], append(ends, h)
		if first == nil || h.items[side][0].seq < first.seq {
			first, of = &h.items[side][0], l
		}
	}
	if lanes < 2 {
		return
	}
	kind := [2]string{Missing, Extra}[side]
	before := s.last[dir-wire.S2C][1-side]
	d := of.difference(kind, lines, of.place(side, first), of.after(1-side, before), fmt.Sprintf("all that came after it, of %d streams or commands", lanes))
	if side == 1 {
		d.Recorded, d.Replayed = d.Replayed, d.Recorded
	}
	d.Stream, d.Instance = "", ""
	p.found.add(d)
	if side == 0 {
		s.missing[dir-wire.S2C] += lines
	}
	for _, h := range ends {
		h.items[side], h.more[side] = nil, 0
	}
}

// sortHoles tells what the lines without counterparts are: of those in both
// journals, that they have moved.
func (l *lane) sortHoles(p *pass) {
	moved := l.moved(p)
	for _, h := range l.holes {
		l.sortHole(p, h, moved)
	}
	p.held -= l.held
	l.holes, l.within, l.held = nil, false, 0
}

// moved tells of what is in both journals at different places.
func (l *lane) moved(p *pass) map[*item]bool {
	missing := map[uint64][]*item{}
	after := map[*item]*item{} // the next one in the same hole
	for _, h := range l.holes {
		for side, items := range h.items {
			for i := range items {
				if i+1 < len(items) {
					after[&items[i]] = &items[i+1]
				}
				if side == 0 {
					missing[items[i].sum] = append(missing[items[i].sum], &items[i])
				}
			}
		}
	}
	moved := map[*item]bool{}
	var run *Difference
	var next [2]*item // what would go on with it
	for _, h := range l.holes {
		for i := range h.items[1] {
			b := &h.items[1][i]
			list := missing[b.sum]
			if len(list) == 0 {
				run = nil
				continue
			}
			a := list[0]
			missing[b.sum] = list[1:]
			moved[a], moved[b] = true, true
			if run != nil && next == [2]*item{a, b} {
				p.found.grow(run, 1)
			} else {
				run = p.found.add(l.difference(Reordered, 1, l.place(0, a), l.place(1, b), ""))
			}
			next = [2]*item{after[a], after[b]}
		}
	}
	return moved
}

// sortHole tells what is missing, extra or changed at one place.
func (l *lane) sortHole(p *pass, h *hole, moved map[*item]bool) {
	var rest [2][]*item
	for side := range rest {
		for i := range h.items[side] {
			if it := &h.items[side][i]; !moved[it] {
				rest[side] = append(rest[side], it)
			}
		}
	}
	partner := l.changed(rest[0], rest[1], h.more)
	isPartner := map[*item]bool{}
	for _, a := range rest[0] {
		if b := partner[a]; b != nil {
			isPartner[b] = true
			p.found.add(l.difference(Changed, 1, l.place(0, a), l.place(1, b), ""))
		}
	}
	l.runs(p, h, 0, rest[0], func(it *item) bool { return partner[it] != nil })
	l.runs(p, h, 1, rest[1], func(it *item) bool { return isPartner[it] })
}

// runs tells of lines that only one journal has: those in a row as one.
func (l *lane) runs(p *pass, h *hole, side int, items []*item, used func(*item) bool) {
	var run *Difference
	for _, it := range items {
		if side == 0 && !used(it) && it.flags&itemCut == 0 {
			l.pair.missing[l.dir-wire.S2C]++
		}
		switch {
		case used(it):
			run = nil
		case run != nil:
			p.found.grow(run, 1)
		default:
			run = l.difference([2]string{Missing, Extra}[side], 1, l.place(side, it), l.after(1-side, h.prev[1-side]), "")
			if side == 1 {
				run.Recorded, run.Replayed = run.Replayed, run.Recorded
			}
			p.found.add(run)
		}
	}
	if run != nil && h.more[side] > 0 {
		p.found.grow(run, h.more[side])
		if side == 0 {
			l.pair.missing[l.dir-wire.S2C] += h.more[side]
		}
	}
}

// maxByPlace is up to how many lines in one place are taken for each other by
// their places alone.
const maxByPlace = 8

// changed finds out which lines stand in the place of which: those with the same
// row or the same token, in order, and where there are as many of either, the
// first for the first.
func (l *lane) changed(a, b []*item, more [2]int64) map[*item]*item {
	out := map[*item]*item{}
	if len(a) == len(b) && len(a) <= maxByPlace && more == [2]int64{} {
		for i := range a {
			out[a[i]] = b[i]
		}
		return out
	}
	next := 0
	for _, x := range a {
		for j := next; j < len(b) && j < next+maxByPlace; j++ {
			if akin(x, b[j]) {
				out[x], next = b[j], j+1
				break
			}
		}
	}
	return out
}

func akin(a, b *item) bool {
	return a.row != 0 && a.row == b.row || a.flags&b.flags&itemToken != 0 && a.token == b.token
}

// difference makes one, of lines.
func (l *lane) difference(kind string, count int64, recorded, replayed *Place, detail string) *Difference {
	return &Difference{
		Kind: kind, What: AboutLine, Count: count, Dir: l.dir.String(), Worker: l.pair.worker,
		Stream: l.stream, Instance: l.instance, Recorded: recorded, Replayed: replayed, Detail: detail,
	}
}

// place is where a line stands.
func (l *lane) place(side int, it *item) *Place {
	shown := *it
	shown.keep()
	return &Place{Seq: it.seq, Time: timeOf(it.time), Conn: l.pair.conns[side].id, Line: string(shown.text)}
}

// after is where a line is missing: behind the one before it, or behind the
// beginning of the connection.
func (l *lane) after(side int, m mark) *Place {
	if v := l.pair.conns[side]; m.seq == 0 {
		m = mark{v.seq, v.first}
	}
	return &Place{Seq: m.seq, Time: timeOf(m.time), Conn: l.pair.conns[side].id, After: true}
}

// alone tells of connections that only one journal has.
func (c *comparer) alone(pairs []*pairing, found *differences) {
	absent := false
	for _, p := range pairs {
		for side, v := range p.conns {
			if v == nil || p.conns[1-side] != nil {
				continue
			}
			at := v.begin()
			absent = absent || side == 0
			d := &Difference{Kind: Missing, What: AboutConnection, Count: v.lines[0] + v.lines[1], Worker: p.worker, Recorded: at}
			if side == 1 {
				d.Kind, d.Recorded, d.Replayed = Extra, nil, at
			}
			found.add(d)
		}
		if c.mute(p) {
			found.add(&Difference{Kind: Missing, What: AboutConnection, Count: c.wanted(p.conns[0]), Worker: p.worker,
				Recorded: p.conns[0].begin(), Replayed: p.conns[1].begin(), Detail: "it was made, and the master said nothing on it"})
		}
	}
	if n := c.out.Coverage.missingWorkers; n > 0 && !absent {
		found.add(&Difference{Kind: Missing, What: AboutConnection, Detail: "of a worker that the run waited for"})
	}
}

// begin is where a connection begins.
func (v *surveyed) begin() *Place { return &Place{Conn: v.id, Time: timeOf(v.first), Seq: v.seq} }

// name is a pair for people.
func (p *pairing) name() string {
	if p.conns[0] == nil {
		return fmt.Sprint(p.conns[1].id)
	}
	return fmt.Sprint(p.conns[0].id)
}
