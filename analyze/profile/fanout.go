package profile

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"

	"repltap/wire"
)

// FanOutRow is how often the rows of a stream were sent: a master sends each to
// all its workers.
type FanOutRow struct {
	Stream      string  `json:"stream" col:"stream"`
	Copies      int64   `json:"copies" col:"rows sent"` // to all connections together
	Bytes       int64   `json:"bytes" col:"bytes"`
	Unique      int64   `json:"unique" col:"different rows"`
	UniqueBytes int64   `json:"unique_bytes" col:"bytes once"`
	Each        Rate    `json:"copies_each" col:"times each"`
	Repeated    Percent `json:"repeated_percent" col:"% of bytes again"` // what is not the first of its kind
}

// fanOut tells the first of a row from its copies. A row is a copy if just the same
// line went to another connection lately: lately is as far back as a table of
// recentRows goes, in which a newer row takes the place of an older. So of workers
// that are far behind, some copies are taken for rows of their own.
type fanOut struct {
	names   *subjects
	recent  []recentRow
	streams [maxSubjects]fanOutCount
}

type recentRow struct {
	tag  uint32 // of the hash, what is not the place in the table
	conn uint32 // that it went to first
}

type fanOutCount struct{ copies, unique tally }

// recentRows keeps the table within what a processor has at hand.
const recentRows = 1 << 14

func newFanOut(names *subjects) *fanOut {
	return &fanOut{names: names, recent: make([]recentRow, recentRows)}
}

func (f *fanOut) take(e *entry) {
	if !e.line() || e.Dir != wire.S2C || e.Gist.Command != wire.CmdRdata {
		return
	}
	s := &f.streams[e.stream]
	s.copies.add(len(e.Data))
	hash := xxhash.Sum64(e.Data)
	r := &f.recent[hash%recentRows]
	x := recentRow{uint32(hash >> 32), uint32(e.Conn)}
	if r.tag == x.tag && r.conn != x.conn && r.conn != 0 {
		return
	}
	*r = x
	s.unique.add(len(e.Data))
}

func (f *fanOut) finish(p *Profile) {
	p.FanOut = []FanOutRow{}
	for i, name := range f.names.names {
		s := &f.streams[i]
		if s.copies.commands == 0 {
			continue
		}
		p.FanOut = append(p.FanOut, FanOutRow{
			Stream: name, Copies: s.copies.commands, Bytes: s.copies.bytes, Unique: s.unique.commands, UniqueBytes: s.unique.bytes,
			Each:     Rate((s.copies.commands*1000 + s.unique.commands/2) / s.unique.commands),
			Repeated: share(s.copies.bytes-s.unique.bytes, s.copies.bytes),
		})
	}
	slices.SortFunc(p.FanOut, func(x, y FanOutRow) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), cmp.Compare(x.Stream, y.Stream))
	})
}
