package analyze

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	"repltap/journal"
	"repltap/wire"
)

// maxWaiting is how many lines, of both journals together, wait for their
// counterparts at most. It is a variable for tests.
var maxWaiting = 250_000

// maxChosen is up to how many connections are chosen in reading, and not after it.
const maxChosen = 64

// errApart says that too much waits.
var errApart = errors.New("the journals are too far out of step")

// comparePairs compares connections: all of them in one pass if that will do, or
// else in two halves, each in passes of its own.
func (c *comparer) comparePairs(pairs []*pairing) error {
	found := newDifferences()
	c.alone(pairs, found)
	both := slices.DeleteFunc(slices.Clone(pairs), func(p *pairing) bool { return p.conns[0] == nil || p.conns[1] == nil || c.mute(p) })
	if err := c.passes(both, found); err != nil {
		return err
	}
	c.late(pairs, found)
	c.stalled(pairs, found)
	c.ended(pairs, found)
	found.tell(c.out, c.opts.Differences)
	return nil
}

func (c *comparer) passes(pairs []*pairing, found *differences) error {
	if len(pairs) == 0 {
		return nil
	}
	p := newPass(c, pairs)
	err := p.run()
	switch {
	case err == nil:
		found.join(p.found)
		if p.far && p.found.lines[Missing] > 0 && p.found.lines[Extra] > 0 {
			c.note("some lines may have moved so far that they count as missing here and extra there")
		}
		return nil
	case !errors.Is(err, errApart):
		return err
	case len(pairs) == 1:
		c.doubt("connection " + pairs[0].name() + " is too far out of step to be compared: too many lines wait for their counterparts")
		return nil
	}
	half := len(pairs) / 2
	if err := c.passes(pairs[:half], found); err != nil {
		return err
	}
	return c.passes(pairs[half:], found)
}

// join takes over what another one has found.
func (d *differences) join(o *differences) {
	d.list = append(d.list, o.list[:min(len(o.list), maxKept-min(maxKept, len(d.list)))]...)
	for k, n := range o.counts {
		d.counts[k] += n
	}
	for k, n := range o.lines {
		d.lines[k] += n
	}
}

// pass is one reading of both journals, side by side, of some pairs.
type pass struct {
	c       *comparer
	pairs   []*pairState
	byConn  [2]map[uint64][]*pairState
	lenses  [2]*lens
	filters [2]journal.Filter
	found   *differences
	waiting [2]int
	taken   [2]int64
	shifts  map[string]*shift // of rebased tokens
	far     bool
	held    int // items in holes
}

// pairState is what is known of two connections while they are read.
type pairState struct {
	*pairing
	lanes  [2]map[string]*lane
	order  []*lane
	last   [2][2]mark // the last lines of a direction that have counterparts, in either journal
	begins [2]int64   // the times that lateness is reckoned from: of the connection
}

// shift is how much rebased tokens of a stream and writer are off.
type shift struct {
	known bool
	by    int64
}

func newPass(c *comparer, pairs []*pairing) *pass {
	p := &pass{c: c, found: newDifferences(), shifts: map[string]*shift{}}
	p.byConn = [2]map[uint64][]*pairState{{}, {}}
	for _, x := range pairs {
		x.missing, x.skipped = [2]int64{}, [2]int64{}
		s := &pairState{pairing: x, lanes: [2]map[string]*lane{{}, {}}}
		for side, v := range x.conns {
			s.begins[side] = v.first
			p.byConn[side][v.id] = append(p.byConn[side][v.id], s)
		}
		p.pairs = append(p.pairs, s)
	}
	for side := range p.lenses {
		p.lenses[side] = c.lens(side)
		p.lenses[side].yield = func(rec *journal.Record, name []byte, it *item) { p.take(side, rec, name, it) }
		p.filters[side] = c.filter(side)
		if len(p.byConn[side]) < len(c.surveys[side].order) && len(p.byConn[side]) <= maxChosen {
			p.filters[side].Conns, p.filters[side].Workers = nil, nil
			for id := range p.byConn[side] {
				p.filters[side].Conns = append(p.filters[side].Conns, id)
			}
		}
	}
	return p
}

// run reads both journals in step: always the one of which less waits.
func (p *pass) run() error {
	var next [2]func() (*journal.Record, bool)
	var failed error
	for side := range next {
		seq := p.c.read(side, p.filters[side], func(err error) {
			if p.c.ctx.Err() != nil || !journal.IsPartial(err) {
				failed = err // what can be read in part has been told by the survey
			}
		})
		var stop func()
		next[side], stop = iter.Pull(seq)
		defer stop()
	}
	for over := [2]bool{}; !over[0] || !over[1]; {
		side := p.behind(over)
		rec, ok := next[side]()
		if !ok || rec.Seq > p.c.surveys[side].last {
			over[side] = true
			p.lenses[side].finish()
			continue
		}
		if rec.Conn != 0 {
			p.lenses[side].take(rec)
		}
		if p.waiting[0]+p.waiting[1] > maxWaiting && !p.relieve() {
			return cmp.Or(failed, errApart)
		}
	}
	for _, s := range p.pairs {
		p.finish(s)
	}
	return cmp.Or(failed, context.Cause(p.c.ctx))
}

// behind is the side to read next.
func (p *pass) behind(over [2]bool) int {
	switch {
	case over[0]:
		return 1
	case over[1]:
		return 0
	case p.waiting[0] != p.waiting[1]:
		if p.waiting[0] < p.waiting[1] {
			return 0
		}
		return 1
	case p.taken[0] <= p.taken[1]:
		return 0
	}
	return 1
}

// take puts an item into its lanes: one, but where several connections are
// compared with the same.
func (p *pass) take(side int, rec *journal.Record, name []byte, it *item) {
	p.taken[side]++
	for _, s := range p.byConn[side][rec.Conn] {
		switch {
		case s.asking.apart[string(rec.Gist.Stream)]:
			s.leaves(side, rec, it)
		case s.skips(rec, it), it.flags&itemCut != 0 && p.c.skipsCut(s, side, rec):
			p.lane(s, side, rec.Dir, name, rec).skip(p, side)
			s.leaves(side, rec, it)
		default:
			p.lane(s, side, rec.Dir, name, rec).take(p, side, *it)
		}
	}
}

// leaves counts what is not compared.
func (s *pairState) leaves(side int, rec *journal.Record, it *item) {
	if side == 0 && it.flags&itemCut == 0 {
		s.skipped[rec.Dir-wire.S2C]++
	}
}

func (p *pass) lane(s *pairState, side int, dir wire.Direction, name []byte, rec *journal.Record) *lane {
	lanes := s.lanes[dir-wire.S2C]
	if l := lanes[string(name)]; l != nil {
		return l
	}
	key, _ := s.conns[side].lane(dir, name)
	if l := lanes[key]; l != nil {
		return l
	}
	l := &lane{pair: s, dir: dir, name: key, tryAt: firstTry}
	if key != laneOther {
		l.stream, l.instance = string(rec.Gist.Stream), p.lenses[side].instance(&rec.Gist)
	}
	for o, v := range s.conns {
		_, l.left[o] = v.lane(dir, []byte(key))
	}
	lanes[key] = l
	s.order = append(s.order, l)
	return l
}
