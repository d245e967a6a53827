package profile

import (
	"cmp"
	"slices"

	"repltap/wire"
)

// Timeline is the traffic over time, in buckets that are all as long. Lines are
// counted, fragments are not.
type Timeline struct {
	Start  At       `json:"start_s"`  // where the first bucket begins
	Bucket Seconds  `json:"bucket_s"` // how long each is
	Count  int      `json:"buckets"`  // how many there are
	Series []Series `json:"series"`
}

// Series is what one thing did: an element for each bucket.
type Series struct {
	By       string  `json:"by"` // "direction", "command" or "stream"
	Name     string  `json:"name"`
	Commands []int64 `json:"commands"`
	Bytes    []int64 `json:"bytes"`
}

const (
	maxBuckets = 240 // a plot that is wider than most screens
	maxSeries  = 12  // commands, and streams, with a series of their own
)

// table has a row for each bucket in which there was something.
func (t Timeline) table() Table {
	out := Table{Columns: []Column{
		{Name: "at_s", Title: "at s", Numeric: true}, {Name: "by", Title: "by"}, {Name: "name", Title: "name"},
		{Name: "commands", Title: "commands", Numeric: true}, {Name: "bytes", Title: "bytes", Numeric: true},
	}}
	for _, s := range t.Series {
		for i, n := range s.Commands {
			if n != 0 {
				at := t.Start + At(i)*At(t.Bucket)
				out.Rows = append(out.Rows, []string{at.Digits(), s.By, s.Name, Count(n).Digits(), Count(s.Bytes[i]).Digits()})
			}
		}
	}
	return out
}

// timeline keeps series of all commands and streams.
type timeline struct {
	slotClock
	names    *subjects
	commands [wire.NumCommands][2]series
	streams  [maxSubjects]series
}

func newTimeline(names *subjects) *timeline { return &timeline{names: names} }

func (l *timeline) take(e *entry) {
	if !e.line() {
		return
	}
	slot := l.slot(e.at)
	for slot >= maxSlots {
		l.widen()
		slot = l.slot(e.at)
	}
	l.commands[e.Gist.Command][e.Dir-wire.S2C].at(slot).add(len(e.Data))
	if e.stream != 0 {
		l.streams[e.stream].at(slot).add(len(e.Data))
	}
}

func (l *timeline) widen() {
	l.double++
	for i := range l.commands {
		for side := range l.commands[i] {
			l.commands[i][side].widen()
		}
	}
	for i := range l.streams {
		l.streams[i].widen()
	}
}

// namedSeries is a series by its name, with what it comes to.
type namedSeries struct {
	by, name string
	series   series
	total    tally
}

func newNamed(by, name string, s series) namedSeries {
	return namedSeries{by, name, s, s.total()}
}

// all are all series there are, each of its own memory: the directions, then the
// commands and the streams, the largest first.
func (l *timeline) all() (directions, commands, streams []namedSeries) {
	var byDir [2]series
	for c := range l.commands {
		var both series
		for side := range sides {
			byDir[side].add(l.commands[c][side])
			both.add(l.commands[c][side])
		}
		if len(both) > 0 {
			commands = append(commands, newNamed(byCommand, commandName(wire.Command(c)), both))
		}
	}
	for side, dir := range sides {
		directions = append(directions, newNamed(byDirection, dir.String(), byDir[side]))
	}
	for i, name := range l.names.names {
		if len(l.streams[i]) > 0 {
			streams = append(streams, newNamed(byStream, name, slices.Clone(l.streams[i])))
		}
	}
	for _, list := range [][]namedSeries{commands, streams} {
		slices.SortFunc(list, func(x, y namedSeries) int {
			return cmp.Or(cmp.Compare(y.total.bytes, x.total.bytes), cmp.Compare(x.name, y.name))
		})
	}
	return directions, commands, streams
}

// most keeps the first n and makes one series of the others.
func most(list []namedSeries, n int) []namedSeries {
	if len(list) <= n {
		return list
	}
	rest := namedSeries{by: list[0].by, name: other}
	for _, s := range list[n:] {
		rest.series.add(s.series)
	}
	for i := range list[:n] {
		if list[i].name == other {
			list[i].series.add(rest.series)
			return list[:n]
		}
	}
	return append(slices.Clone(list[:n]), rest)
}

func (l *timeline) finish(p *Profile) {
	directions, commands, streams := l.all()
	slots := 0
	for _, d := range directions {
		slots = max(slots, len(d.series))
	}
	fold := max((slots+maxBuckets-1)/maxBuckets, 1)
	out := Timeline{Start: None, Bucket: None, Count: (slots + fold - 1) / fold, Series: []Series{}}
	if slots > 0 {
		out.Start, out.Bucket = At(l.origin), Seconds(l.width()*int64(fold))
	}
	for _, s := range slices.Concat(directions, most(commands, maxSeries), most(streams, maxSeries)) {
		row := Series{By: s.by, Name: s.name, Commands: make([]int64, out.Count), Bytes: make([]int64, out.Count)}
		for i, t := range s.series.folded(fold) {
			row.Commands[i], row.Bytes[i] = t.commands, t.bytes
		}
		out.Series = append(out.Series, row)
	}
	p.Timeline = out
}
