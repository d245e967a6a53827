// Package namesake finds connections that call themselves by one name at the
// same time, and are not one worker.
//
// The one idea: a worker that reconnects may have two connections for a while,
// since the tap learns of the end of the old one late, but it speaks on the new
// one only. Two connections that both go on speaking are two processes.
package namesake

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// A moment is how long two connections have to go on speaking, each by itself,
// until they are taken for two processes. What a dead connection still had in
// the kernel's buffers comes at once, however late; a living worker says PING
// every 5 s.
const moment = int64(time.Second)

const (
	maxSuspects = 10_000 // connections that are looked at
	maxPairs    = 1000
)

// Place is where something was said.
type Place struct {
	Seq, Conn uint64
	Time      int64 // Unix nanoseconds
}

// Group is the connections of one name.
type Group struct {
	Worker string
	Conns  []uint64
	AtOnce int   // most of them at a time
	From   Place // the first word of the second of them
	To     int64 // until when at least two spoke
}

// Set is the groups of a journal.
type Set struct {
	Groups []Group // by name
	conns  map[uint64]bool
}

// Has says whether a connection is one of several of its name at a time, so that
// its name does not say which process it is.
func (s *Set) Has(conn uint64) bool { return s.conns[conn] }

// pair is two connections of a name that both have spoken.
type pair struct {
	from Place      // when the later one began
	said [2]saying  // since then, of the first and the second
	a, b *candidate // the first and the second to speak
}

type saying struct {
	any         bool
	first, last int64
}

func (p *pair) two() bool {
	return p.said[0].last-p.said[0].first >= moment && p.said[1].last-p.said[1].first >= moment
}

// until is when the first of the two fell silent.
func (p *pair) until() int64 { return min(p.said[0].last, p.said[1].last) }

// candidate is a connection that may be one of two.
type candidate struct {
	conn   uint64
	worker string
	spoken bool
	pairs  []*pair
}

// Find looks for namesakes in what a filter selects by time, connection and
// worker. It reads lines only if connections of one name overlap in time at all.
func Find(ctx context.Context, r *journal.Reader, f journal.Filter) *Set {
	suspects := overlapping(r.Connections(ctx))
	if len(suspects) == 0 {
		return &Set{}
	}
	f = journal.Filter{From: f.From, To: f.To, Conns: f.Conns, Workers: f.Workers}
	if len(f.Conns) == 0 && len(suspects) <= 64 {
		f.Conns = slices.Collect(maps.Keys(suspects))
	}
	s := &search{suspects: suspects, open: map[string][]*candidate{}}
	for rec, err := range r.InTime(ctx, f) {
		if err == nil { // damage is told by who reads the records for their own sake
			s.take(rec)
		}
	}
	return s.set()
}

// overlapping are the connections of which another of the same name was open at
// the same time.
func overlapping(list []journal.Connection) map[uint64]bool {
	out := map[uint64]bool{}
	slices.SortStableFunc(list, func(a, b journal.Connection) int {
		return cmp.Or(cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.From, b.From))
	})
	var longest journal.Connection // of those before with the same name, the one that lasted longest
	for _, c := range list {
		if c.Worker == "" || len(out) >= maxSuspects {
			continue
		}
		if c.Worker == longest.Worker && c.From < longest.To {
			out[c.Conn], out[longest.Conn] = true, true
		}
		if c.Worker != longest.Worker || c.To > longest.To {
			longest = c
		}
	}
	return out
}

// search follows what suspects say.
type search struct {
	suspects map[uint64]bool
	open     map[string][]*candidate // by name
	recent   *candidate
	pairs    []*pair
}

func (s *search) take(rec *journal.Record) {
	switch {
	case !s.suspects[rec.Conn] || rec.Worker == "":
	case rec.Kind == journal.KindClose:
		s.recent = nil
		s.open[rec.Worker] = slices.DeleteFunc(s.open[rec.Worker], func(c *candidate) bool { return c.conn == rec.Conn })
	case rec.Kind == journal.KindLine && rec.Dir == wire.C2S:
		s.said(s.candidate(rec), Place{rec.Seq, rec.Conn, rec.Time})
	}
}

func (s *search) candidate(rec *journal.Record) *candidate {
	if c := s.recent; c != nil && c.conn == rec.Conn && c.worker == rec.Worker {
		return c
	}
	list := s.open[rec.Worker]
	i := slices.IndexFunc(list, func(c *candidate) bool { return c.conn == rec.Conn })
	if i < 0 {
		i = len(list)
		list = append(list, &candidate{conn: rec.Conn, worker: rec.Worker})
		s.open[rec.Worker] = list
	}
	s.recent = list[i]
	return list[i]
}

func (s *search) said(c *candidate, at Place) {
	if !c.spoken {
		c.spoken = true
		for _, o := range s.open[c.worker] {
			if o != c && o.spoken && len(s.pairs) < maxPairs {
				p := &pair{from: at, a: o, b: c}
				s.pairs, o.pairs, c.pairs = append(s.pairs, p), append(o.pairs, p), append(c.pairs, p)
			}
		}
	}
	for _, p := range c.pairs {
		x := &p.said[0]
		if p.b == c {
			x = &p.said[1]
		}
		if !x.any {
			x.any, x.first = true, at.Time
		}
		x.last = at.Time
	}
}

// set makes groups of the pairs that are two processes.
func (s *search) set() *Set {
	out := &Set{conns: map[uint64]bool{}}
	pairs := slices.DeleteFunc(s.pairs, func(p *pair) bool { return !p.two() })
	byName := map[string][]*pair{}
	for _, p := range pairs {
		byName[p.a.worker] = append(byName[p.a.worker], p)
		out.conns[p.a.conn], out.conns[p.b.conn] = true, true
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out.Groups = append(out.Groups, group(name, byName[name]))
	}
	return out
}

// group is the pairs of a name, which are in the order in which they began.
func group(name string, pairs []*pair) Group {
	g := Group{Worker: name, From: pairs[0].from}
	all := map[uint64]bool{}
	for i, p := range pairs {
		g.To = max(g.To, p.until())
		all[p.a.conn], all[p.b.conn] = true, true
		now := map[uint64]bool{}
		for _, q := range pairs[:i+1] {
			if q.until() >= p.from.Time {
				now[q.a.conn], now[q.b.conn] = true, true
			}
		}
		g.AtOnce = max(g.AtOnce, len(now))
	}
	g.Conns = slices.Sorted(maps.Keys(all))
	return g
}
