package analyze

import (
	"fmt"
	"slices"
	"strings"

	"repltap/journal"
	"repltap/wire"
)

// survey is what the first reading of a journal finds.
type survey struct {
	conns map[uint64]*surveyed
	order []*surveyed // as they came
	last  uint64      // the last record's number: what comes later is not compared
	first int64       // the first record's time
	begun bool
	lines int64
	lag   lagCounts
	// What was left out as it could have held a secret is compared by its length:
	// whole lines only if both journals had to leave them out, and beginnings of
	// lines always.
	wholeBlanks bool
	run         bool // the comparison is that of a run: what is no line does not count as one
}

// surveyed is what the first reading finds of one connection.
type surveyed struct {
	id      uint64
	worker  string
	first   int64  // time of its first record
	until   int64  // and of its last
	seq     uint64 // its number
	begun   bool
	opened  bool // its open is in what was read
	lanes   [2]map[string]int64
	lines   [2]int64
	sketch  sketch
	ending  endingSide
	pauses  Pauses
	paused  int64 // since when, 0: it is not
	stops   []stop
	writers [2]int64 // lines of streams that name no writer, as up to 1.12, and that do
	queueAt *mark    // where the queue was longest; nil: nobody knows of one
	caught  catching
	aside   map[string]int64
	cuts    [2]cutting
	gaps    []string
	extents [2]extents
	plays   uint64 // in a run: the recorded connection that it plays, where that was known from its beginning; else 0
}

// sketchSize is how many sums of lines stand for a connection, when it has to
// be found out which of several is the one.
const sketchSize = 32

// sketch holds the smallest sums of a connection's lines: two connections that
// have many in common have many of these in common.
type sketch []uint64

func (s *sketch) add(sum uint64) {
	n := len(*s)
	if n == sketchSize && sum >= (*s)[n-1] {
		return
	}
	i, found := slices.BinarySearch(*s, sum)
	if found {
		return
	}
	*s = slices.Insert(*s, i, sum)
	*s = (*s)[:min(len(*s), sketchSize)]
}

// alike counts what two sketches have in common.
func (s sketch) alike(t sketch) (n int) {
	for _, sum := range s {
		if _, found := slices.BinarySearch(t, sum); found {
			n++
		}
	}
	return n
}

// survey reads a journal for the first time.
func (c *comparer) survey(side int) (*survey, error) {
	s := &survey{conns: map[uint64]*surveyed{}, run: c.run != nil, wholeBlanks: c.run == nil && c.readers[0].Info().Redact == c.readers[1].Info().Redact}
	l := c.lens(side)
	l.yield = func(rec *journal.Record, name []byte, it *item) { s.item(rec, name, it) }
	l.aside = func(rec *journal.Record) { s.conn(rec).aside[rec.Dir.String()+" "+rec.Gist.Command.String()]++ }
	var failed error
	for rec := range c.read(side, c.filter(side), func(err error) { failed = c.unreadable(side, err, failed) }) {
		s.last = max(s.last, rec.Seq)
		if rec.Conn == 0 {
			continue
		}
		if !s.begun {
			s.begun, s.first = true, rec.Time
		}
		s.record(rec)
		if rec.Dir != wire.NoDirection {
			s.conn(rec).extents[rec.Dir-wire.S2C].count(rec, l.wanted(rec))
		}
		l.take(rec)
	}
	l.finish()
	return s, failed
}

// excused says whether a gap is no reason for doubt.
func (s *survey) excused(ev *journal.Event) bool {
	return ev.Reason == journal.ReasonRedacted && (ev.Lines == 0 || s.wholeBlanks)
}

func (c *comparer) side(side int) *JournalSide {
	if side == 0 {
		return &c.out.Recorded
	}
	return &c.out.Replayed
}

var sideNames = [2]string{"recorded", "replayed"}

// unreadable takes an error of reading: one that is about a part only makes the
// comparison inconclusive.
func (c *comparer) unreadable(side int, err, before error) error {
	if c.ctx.Err() != nil || !journal.IsPartial(err) {
		return err
	}
	c.doubt(fmt.Sprintf("a part of the %s journal can't be read: %v", sideNames[side], err))
	return before
}

func (s *survey) conn(rec *journal.Record) *surveyed {
	v := s.conns[rec.Conn]
	if v == nil {
		v = &surveyed{id: rec.Conn, aside: map[string]int64{}}
		v.ending.open, v.pauses.Conn = true, rec.Conn
		s.conns[rec.Conn] = v
		s.order = append(s.order, v)
	}
	return v
}

// record takes in what a record says besides what its lines are compared by.
func (s *survey) record(rec *journal.Record) {
	v := s.conn(rec)
	if !v.begun {
		v.begun, v.first, v.seq = true, rec.Time, rec.Seq
	}
	v.until = max(v.until, rec.Time)
	if rec.Worker != "" {
		v.worker = rec.Worker
	}
	switch rec.Kind {
	case journal.KindOpen:
		v.opened, v.plays = true, rec.Event.Plays
	case journal.KindGap:
		if len(v.gaps) < 3 && !s.excused(rec.Event) {
			v.gaps = append(v.gaps, fmt.Sprintf("%d bytes of connection %d %s are missing at %s (%s)",
				rec.Event.Bytes, rec.Conn, rec.Dir, timeOf(rec.Event.From), strings.TrimSpace(rec.Event.Reason)))
		}
	case journal.KindStall, journal.KindResume:
		if rec.Dir != wire.C2S {
			v.pause(rec)
		} else if rec.Kind == journal.KindResume && rec.Event.By == "master" {
			v.caught.taken = rec.Time
		}
	case journal.KindSample:
		s.lag.add(rec.Event.Lag)
		v.queued(rec)
	case journal.KindEOF, journal.KindClose:
		v.ending.event(rec)
		if rec.Kind == journal.KindClose {
			v.resume(rec.Time)
		}
	case journal.KindLine:
		v.ending.line(rec)
		if g := &rec.Gist; rec.Dir == wire.S2C && (g.Command == wire.CmdRdata || g.Command == wire.CmdPosition) && g.Form != wire.FormUnclear {
			v.writers[min(1, len(g.Instance))]++
		}
		v.caught.line(rec)
	}
}

// item counts what is going to be compared.
func (s *survey) item(rec *journal.Record, name []byte, it *item) {
	v := s.conn(rec)
	lanes := &v.lanes[rec.Dir-wire.S2C]
	if *lanes == nil {
		*lanes = map[string]int64{}
	}
	if _, known := (*lanes)[string(name)]; !known && len(*lanes) >= maxLanes {
		name = []byte(laneOther)
	}
	(*lanes)[string(name)]++
	if it.flags&itemCut != 0 {
		g := wire.GistOf(it.text)
		v.cuts[rec.Dir-wire.S2C] = cutting{it.time, string(g.Stream)}
	}
	if it.flags&itemCut == 0 || !s.run {
		v.lines[rec.Dir-wire.S2C]++
		s.lines++
	}
	v.sketch.add(it.sum)
}

// lane is the lane that a name stands for.
func (v *surveyed) lane(dir wire.Direction, name []byte) (string, int64) {
	lanes := v.lanes[dir-wire.S2C]
	if n, ok := lanes[string(name)]; ok {
		return string(name), n
	}
	return laneOther, lanes[laneOther]
}
