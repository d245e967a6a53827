package analyze

import (
	"fmt"
	"slices"
	"strings"

	"repltap/wire"
)

// Pair is a connection of either journal that are compared with each other. One
// of the numbers is 0 where the other has no partner.
type Pair struct {
	Worker   string `json:"worker"`
	Recorded uint64 `json:"recorded"`
	Replayed uint64 `json:"replayed"`
	Lines    int64  `json:"lines"` // of the recorded one; of the replayed one where that is alone
}

// Reconnects says how often a worker connected.
type Reconnects struct {
	Worker   string `json:"worker"`
	Recorded int    `json:"recorded"`
	Replayed int    `json:"replayed"`
}

// pairing is two connections that are compared, or one that has no partner.
type pairing struct {
	conns  [2]*surveyed
	worker string
	asking asking
	// Of the recorded connection: lines that are missing, and that are not compared
	// as they were not asked for, by direction.
	missing, skipped [2]int64
}

// group is the connections of one worker, in order.
type group struct {
	worker string
	conns  [2][]*surveyed
}

// pair finds out who is compared with whom.
func (c *comparer) pair() []*pairing {
	given, rest := c.givenPairs()
	rest[0] = c.oneSided(rest[0])
	groups := c.groups(rest)
	pairs := given
	for _, g := range groups {
		pairs = append(pairs, g.pairs(c)...)
	}
	pairs = c.likely(pairs)
	pairs = slices.DeleteFunc(pairs, func(p *pairing) bool { return !c.chosen(p) })
	slices.SortStableFunc(pairs, func(a, b *pairing) int { return int(a.number()) - int(b.number()) })
	counts := map[string]*Reconnects{}
	var names []string
	for _, p := range pairs {
		r := counts[p.worker]
		if r == nil {
			r = &Reconnects{Worker: p.worker}
			counts[p.worker] = r
			names = append(names, p.worker)
		}
		for side, v := range p.conns {
			if v == nil {
				continue
			}
			c.side(side).Connections++
			c.side(side).Lines += v.lines[0] + v.lines[1]
			if side == 0 {
				r.Recorded++
			} else {
				r.Replayed++
			}
		}
		c.out.Connections = append(c.out.Connections, p.told())
	}
	for _, name := range names {
		c.out.Reconnects = append(c.out.Reconnects, *counts[name])
	}
	return pairs
}

// number orders pairs: as recorded, and those without a partner last.
func (p *pairing) number() uint64 {
	if p.conns[0] != nil {
		return p.conns[0].id
	}
	return 1<<32 + p.conns[1].id
}

// chosen says whether the filter selects a pair.
func (c *comparer) chosen(p *pairing) bool {
	f := &c.opts.Filter
	if len(f.Workers) > 0 && !slices.Contains(f.Workers, p.worker) {
		return false
	}
	return len(f.Conns) == 0 || p.conns[0] != nil && slices.Contains(f.Conns, p.conns[0].id)
}

// givenPairs are the pairs that the options name, and who is left.
func (c *comparer) givenPairs() (pairs []*pairing, rest [2][]*surveyed) {
	taken := [2]map[*surveyed]bool{{}, {}}
	for _, ids := range c.opts.Pairs {
		p := &pairing{}
		for side, id := range ids {
			v := c.surveys[side].conns[id]
			if v == nil {
				c.doubt(fmt.Sprintf("the %s journal has no connection %d", sideNames[side], id))
				continue
			}
			p.conns[side], taken[side][v] = v, true
			if p.worker == "" {
				p.worker = v.worker
			}
		}
		if p.conns[0] != nil && p.conns[1] != nil {
			pairs = append(pairs, p)
		}
	}
	if len(c.opts.Pairs) > 0 && len(c.opts.Filter.Conns) == 0 {
		return pairs, rest // only these were asked for
	}
	pairs = append(pairs, c.playedPairs(taken)...)
	for side, s := range c.surveys {
		for _, v := range s.order {
			if !taken[side][v] {
				rest[side] = append(rest[side], v)
			}
		}
	}
	return pairs, rest
}

// playedPairs are those connections of a run that say which recorded one they play.
func (c *comparer) playedPairs(taken [2]map[*surveyed]bool) (pairs []*pairing) {
	if c.run == nil {
		return nil
	}
	recorded := map[uint64]*surveyed{}
	for _, v := range c.surveys[0].order {
		if id := v.id; !c.again {
			recorded[id] = v
		} else if v.plays != 0 {
			recorded[v.plays] = v
		}
	}
	for _, b := range c.surveys[1].order {
		a := recorded[b.plays]
		if a == nil || taken[0][a] || taken[1][b] {
			continue
		}
		taken[0][a], taken[1][b] = true, true
		pairs = append(pairs, &pairing{conns: [2]*surveyed{a, b}, worker: a.worker})
	}
	return pairs
}

// groups puts the connections of each worker together.
func (c *comparer) groups(conns [2][]*surveyed) []*group {
	var out []*group
	byName := map[string]*group{}
	for side, list := range conns {
		for _, v := range list {
			name := c.maskedName(v.worker)
			g := byName[name]
			if g == nil {
				g = &group{worker: v.worker}
				byName[name] = g
				out = append(out, g)
			}
			g.conns[side] = append(g.conns[side], v)
		}
	}
	if c.run == nil {
		return out
	}
	if c.run.Shared {
		return shareOut(out, conns[0])
	}
	return c.renamed(out)
}

// maskedName is a worker's name as it is compared: an odd one may have become a
// pseudonym.
func (c *comparer) maskedName(name string) string {
	if c.mask == wire.RedactNone {
		return name
	}
	out, ok := wire.NewMask(c.mask).Line(nil, []byte("NAME "+name+"\n"), nil, wire.AllDialects)
	if !ok {
		return strings.Repeat("x", len(name))
	}
	return string(out)
}

// shareOut gives every worker of a run all that was replayed.
func shareOut(groups []*group, recorded []*surveyed) []*group {
	groups = slices.DeleteFunc(groups, func(g *group) bool { return len(g.conns[1]) == 0 })
	for _, g := range groups {
		g.conns[0] = recorded
	}
	return groups
}

// named is a worker for people: one that never said its name is called by its
// connection.
func named(worker string, conns []*surveyed) string {
	if worker == "" && len(conns) > 0 {
		return fmt.Sprintf("the worker of connection %d, which never said its name,", conns[0].id)
	}
	return "worker " + worker
}

// renamed puts workers of a run that are not in the recording in the place of
// those that did not come, in order.
func (c *comparer) renamed(groups []*group) []*group {
	var absent, strange []*group
	for _, g := range groups {
		switch {
		case len(g.conns[1]) == 0:
			absent = append(absent, g)
		case len(g.conns[0]) == 0:
			strange = append(strange, g)
		}
	}
	for i := range min(len(absent), len(strange)) {
		a, s := absent[i], strange[i]
		c.note(fmt.Sprintf("%s of the run was compared with the recorded %s", named(s.worker, s.conns[1]), named(a.worker, a.conns[0])))
		a.conns[1], s.conns[1] = s.conns[1], nil
	}
	return slices.DeleteFunc(groups, func(g *group) bool { return len(g.conns[0])+len(g.conns[1]) == 0 })
}
