package profile

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"repltap/wire"
)

// LineLimit is how lines stand to the limit of the protocol, which counts a line
// without its newline.
type LineLimit struct {
	Limit int64 `json:"limit"`
	Near  int64 `json:"near"`       // from here on a line is near the limit: 80 % of it
	Lines int64 `json:"lines_near"` // that are as long or longer
	Max   Count `json:"longest"`
}

// LineLengthRow is how many lines were of a length between two powers of two.
type LineLengthRow struct {
	From     int64   `json:"from" col:"from bytes"` // without the newline
	To       int64   `json:"to" col:"to"`           // included
	Commands int64   `json:"commands" col:"commands"`
	Bytes    int64   `json:"bytes" col:"bytes"` // with newlines
	Share    Percent `json:"share_percent" col:"% of commands"`
}

// LongLineRow is a line that is long.
type LongLineRow struct {
	Place
	Worker    string  `json:"worker" col:"worker"`
	Direction string  `json:"direction" col:"dir"`
	Topic     string  `json:"topic" col:"what"`    // its stream, else its command
	Length    int64   `json:"length" col:"length"` // without the newline
	OfLimit   Percent `json:"of_limit_percent" col:"% of limit"`
}

// StreamLongestRow is a stream's longest line.
type StreamLongestRow struct {
	Stream string `json:"stream" col:"stream"`
	LongLineRow
	Lines int64 `json:"lines_near" col:"lines near the limit"`
}

const (
	nearLimit    = wire.MaxLine * 8 / 10
	maxLongLines = 20
	maxNearLines = 100 // that are listed; all are counted
)

// lengths looks at how long lines are.
type lengths struct {
	names   *subjects
	powers  [32]tally // by how many bits the length has
	streams [maxSubjects]longest
	long    []LongLineRow // at most twice maxLongLines; those that count are among them
	least   int64         // a line that is no longer is not among the longest
	near    []LongLineRow
	lines   int64
	nears   int64
	max     int64
}

type longest struct {
	row   LongLineRow
	lines int64
	any   bool
}

func newLengths(names *subjects) *lengths { return &lengths{names: names, least: -1, max: None} }

func (l *lengths) take(e *entry) {
	if !e.line() {
		return
	}
	n := lineLength(e.Data)
	l.lines++
	l.powers[bits.Len(uint(n))].add(len(e.Data))
	length := int64(n)
	l.max = max(l.max, length)
	near := n >= nearLimit
	if s := &l.streams[e.stream]; e.stream != 0 && (length > s.row.Length || !s.any || near) {
		if length > s.row.Length || !s.any {
			s.any, s.row = true, longLine(e, length)
		}
		if near {
			s.lines++
		}
	}
	if length > l.least {
		if l.long = append(l.long, longLine(e, length)); len(l.long) >= 2*maxLongLines {
			l.cut()
		}
	}
	if near {
		if l.nears++; len(l.near) < maxNearLines {
			l.near = append(l.near, longLine(e, length))
		}
	}
}

// cut leaves the longest, the first of those that are as long.
func (l *lengths) cut() {
	slices.SortStableFunc(l.long, func(x, y LongLineRow) int { return cmp.Compare(y.Length, x.Length) })
	if len(l.long) > maxLongLines {
		l.long = l.long[:maxLongLines]
	}
	if len(l.long) == maxLongLines {
		l.least = l.long[maxLongLines-1].Length
	}
}

func lineLength(data []byte) int {
	if n := len(data); n > 0 && data[n-1] == '\n' {
		return n - 1
	}
	return len(data)
}

func longLine(e *entry, length int64) LongLineRow {
	return LongLineRow{
		Place: e.place(), Worker: e.conn.worker, Direction: e.Dir.String(), Topic: e.topic(),
		Length: length, OfLimit: share(length, wire.MaxLine),
	}
}

func (l *lengths) finish(p *Profile) {
	p.LineLimit = LineLimit{Limit: wire.MaxLine, Near: nearLimit, Lines: l.nears, Max: Count(l.max)}
	p.LineLengths = []LineLengthRow{}
	for i, t := range l.powers {
		if t.commands == 0 {
			continue
		}
		row := LineLengthRow{To: 1<<i - 1, Commands: t.commands, Bytes: t.bytes, Share: share(t.commands, l.lines)}
		if i > 0 {
			row.From = 1 << (i - 1)
		}
		p.LineLengths = append(p.LineLengths, row)
	}
	p.StreamLongest = []StreamLongestRow{}
	for i, name := range l.names.names {
		if s := &l.streams[i]; s.any {
			p.StreamLongest = append(p.StreamLongest, StreamLongestRow{Stream: name, LongLineRow: s.row, Lines: s.lines})
		}
	}
	slices.SortFunc(p.StreamLongest, func(x, y StreamLongestRow) int {
		return cmp.Or(cmp.Compare(y.Length, x.Length), cmp.Compare(x.Stream, y.Stream))
	})
	l.cut()
	p.LongLines = append([]LongLineRow{}, l.long...)
	p.NearLimit = append([]LongLineRow{}, l.near...)
	if more := l.nears - int64(len(l.near)); more > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("Of %d lines near the limit the first %d are listed.", l.nears, len(l.near)))
	}
}
