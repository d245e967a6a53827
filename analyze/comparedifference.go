package analyze

import (
	"cmp"
	"slices"
	"time"
)

// The kinds of differences.
const (
	Missing   = "missing"   // recorded, and not replayed
	Extra     = "extra"     // replayed, and not recorded
	Reordered = "reordered" // at another place in its lane
	Changed   = "changed"   // something else in its place
	Late      = "late"
)

// What a difference is about.
const (
	AboutLine       = "line"
	AboutConnection = "connection"
	AboutEnding     = "ending"
	AboutPauses     = "pauses"
	AboutCatchUp    = "catch-up"
	AboutQueue      = "queue"
)

// Place is a line, or another record, in a journal.
type Place struct {
	Seq  uint64 `json:"seq"`
	Time string `json:"time,omitempty"`
	Conn uint64 `json:"conn"`
	Line string `json:"line,omitempty"` // its beginning, without the newline
	// After says that this is the place behind which something is missing or, in
	// the other journal, extra.
	After bool `json:"after,omitempty"`
}

// Difference is one way in which the replayed journal is not as the recorded one.
type Difference struct {
	Kind     string `json:"kind"`
	What     string `json:"what"`
	Count    int64  `json:"count"` // of lines
	Dir      string `json:"dir,omitempty"`
	Worker   string `json:"worker,omitempty"`
	Stream   string `json:"stream,omitempty"`
	Instance string `json:"instance,omitempty"`
	Recorded *Place `json:"recorded,omitempty"`
	Replayed *Place `json:"replayed,omitempty"`
	LateUs   int64  `json:"late_us,omitempty"` // the most of its lines
	Detail   string `json:"detail,omitempty"`
}

// maxKept bounds the differences that are held while comparing: of more, the
// earliest found are told.
const maxKept = 20_000

// differences collects them.
type differences struct {
	list   []*Difference
	counts map[string]int64
	lines  map[string]int64
}

func newDifferences() *differences {
	return &differences{counts: map[string]int64{}, lines: map[string]int64{}}
}

// add takes a difference. Its Count may grow later, by grow.
func (d *differences) add(x *Difference) *Difference {
	d.counts[x.Kind]++
	if x.What == AboutLine {
		d.lines[x.Kind] += x.Count
	}
	if len(d.list) < maxKept {
		d.list = append(d.list, x)
	}
	return x
}

// full says that no more can be told, and tally counts one about a line.
func (d *differences) full() bool { return len(d.list) >= maxKept }

func (d *differences) tally(kind string) {
	d.counts[kind]++
	d.lines[kind]++
}

func (d *differences) grow(x *Difference, by int64) {
	x.Count += by
	d.lines[x.Kind] += by
}

// tell puts the differences into a comparison, in the order of the recording.
func (d *differences) tell(out *Comparison, most int) {
	slices.SortStableFunc(d.list, func(a, b *Difference) int {
		return cmp.Or(cmp.Compare(a.order(), b.order()), cmp.Compare(seqOf(a.Replayed), seqOf(b.Replayed)))
	})
	for _, x := range d.list[:min(most, len(d.list))] {
		out.Differences = append(out.Differences, *x)
	}
	for kind, n := range d.counts {
		out.Counts[kind] += n
	}
	for kind, n := range d.lines {
		out.Lines[kind] += n
	}
}

func (x *Difference) order() uint64 {
	if x.Recorded != nil {
		return x.Recorded.Seq
	}
	return seqOf(x.Replayed)
}

func seqOf(p *Place) uint64 {
	if p == nil {
		return 0
	}
	return p.Seq
}

// timeOf is a time as JSON has it.
func timeOf(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

// About is what a difference is about in words, without its kind and places.
func (d *Difference) About() string {
	out := d.What
	if d.What == AboutLine || d.What == AboutConnection && d.Count > 0 {
		out = grouped(d.Count, "line")
		if d.What == AboutConnection {
			out = "connection of " + out
		}
	}
	if d.Stream != "" {
		out += " of stream " + d.Stream
	}
	if d.Instance != "" {
		out += " by " + d.Instance
	}
	if d.Worker != "" {
		out += ", worker " + d.Worker
	}
	if d.Dir != "" {
		out += ", " + d.Dir
	}
	if d.LateUs > 0 {
		out += ", by " + DurationText(d.LateUs)
	}
	if d.Detail != "" {
		out += " (" + d.Detail + ")"
	}
	return out
}

// DurationText is microseconds as people read them.
func DurationText(us int64) string {
	d := time.Duration(us) * time.Microsecond
	if d >= time.Second {
		d = d.Round(time.Millisecond)
	}
	return d.String()
}
