package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"repltap/analyze/profile"
)

// ChangesSchema names the form of the JSON of Changes, as profile.Schema does
// that of a profile.
const ChangesSchema = "repltap.report.changes/1"

// Changes is what is different between two profiles, A and B, most of all first.
// Its fields with a table tag are tables as those of a profile are.
type Changes struct {
	Schema string `json:"schema"`
	A      Side   `json:"a"`
	B      Side   `json:"b"`

	Summary []SummaryChange `json:"summary" table:"Altogether"`
	New     []NewRow        `json:"new" table:"New in B, or gone"`
	Traffic []TrafficChange `json:"traffic" table:"Traffic that changed"`
	Numbers []NumberChange  `json:"numbers" table:"Other numbers that changed"`

	Notes []string `json:"notes"`
}

// Side is one of the two profiles.
type Side struct {
	Journal  profile.Journal  `json:"journal"`
	Coverage profile.Coverage `json:"coverage"`
	Totals   profile.Totals   `json:"totals"`
}

// SummaryChange is a number about the whole of both journals.
type SummaryChange struct {
	What       string         `json:"what" col:"what"`
	A          profile.Number `json:"a" col:"A"`
	B          profile.Number `json:"b" col:"B"`
	Difference profile.Number `json:"difference" col:"B - A"`
	Ratio      profile.Ratio  `json:"ratio" col:"times"`
}

// NewRow is a row of a table that only one of the profiles has.
type NewRow struct {
	Table  string `json:"table" col:"table"`
	What   string `json:"what" col:"what"`
	Status string `json:"status" col:"status"` // new, or gone
	Count  int64  `json:"count" col:"count"`   // how many there are in the one that has it
}

// TrafficChange is some traffic that both profiles may have: a row of one of the
// tables that tell commands, bytes and a share.
type TrafficChange struct {
	Table     string          `json:"table" col:"table"`
	What      string          `json:"what" col:"what"`
	Status    string          `json:"status" col:"status,wide"` // new, gone, or both when both have it
	ShareA    profile.Percent `json:"share_percent_a" col:"% A"`
	ShareB    profile.Percent `json:"share_percent_b" col:"% B"`
	Points    profile.Percent `json:"share_points" col:"points"` // by how much the share changed
	RateA     profile.Rate    `json:"per_second_a" col:"per s A"`
	RateB     profile.Rate    `json:"per_second_b" col:"per s B"`
	Ratio     profile.Ratio   `json:"ratio" col:"times"` // of the rates
	CommandsA int64           `json:"commands_a" col:"commands A"`
	CommandsB int64           `json:"commands_b" col:"commands B"`
	BytesA    int64           `json:"bytes_a" col:"bytes A,wide"`
	BytesB    int64           `json:"bytes_b" col:"bytes B,wide"`
	score     float64
}

// NumberChange is a number in a row that both profiles have.
type NumberChange struct {
	Table      string         `json:"table" col:"table"`
	What       string         `json:"what" col:"what"`
	Number     string         `json:"number" col:"number"` // the column's name
	A          profile.Number `json:"a" col:"A"`
	B          profile.Number `json:"b" col:"B"`
	Difference profile.Number `json:"difference" col:"B - A"`
	// Ratio is that of the numbers, or if they count something that of how many
	// there were in the same time.
	Ratio profile.Ratio `json:"ratio" col:"times"`
	// InTime says that it counts something.
	InTime bool `json:"in_time" col:"in the same time,wide"`
	score  float64
}

// maxChanges is how many rows are listed of each kind.
const maxChanges = 500

// The statuses of a row.
const (
	inBoth = "both"
	isNew  = "new"
	isGone = "gone"
)

// Compare says what is different between two profiles.
//
// Rows belong together when what they are about is the same (see keys). Traffic
// is ordered by how many points its share of the bytes changed, then by how many
// times as fast it comes; other numbers by how many times as much they are. So
// that what is rare or short does not come first, a little is added to both
// numbers before that: ten to a count, a millisecond to a time, a point to a
// share (see unit). What there is more of because one journal is longer is no
// change: counts are compared as so many in the same time. Of fewer than 20 lines
// the quantiles are not compared.
func Compare(a, b *profile.Profile) *Changes {
	c := &Changes{
		Schema: ChangesSchema, A: sideOf(a), B: sideOf(b), Notes: []string{},
		New: []NewRow{}, Traffic: []TrafficChange{}, Numbers: []NumberChange{},
	}
	c.Summary = summary(a, b)
	m := matching{c: c, a: a, b: b, spanA: seconds(a), spanB: seconds(b)}
	m.all()
	slices.SortStableFunc(c.Traffic, func(x, y TrafficChange) int {
		return cmp.Or(cmp.Compare(abs(y.Points), abs(x.Points)), cmp.Compare(y.score, x.score))
	})
	slices.SortStableFunc(c.Numbers, func(x, y NumberChange) int { return cmp.Compare(y.score, x.score) })
	c.New = first(c, "rows that are new or gone", c.New)
	c.Traffic = first(c, "changes of traffic", c.Traffic)
	c.Numbers = first(c, "other numbers", c.Numbers)
	return c
}

// first is what is listed of a list.
func first[T any](c *Changes, what string, list []T) []T {
	if len(list) <= maxChanges {
		return list
	}
	c.Notes = append(c.Notes, fmt.Sprintf("of %d %s the %d that changed most are listed", len(list), what, maxChanges))
	return list[:maxChanges]
}

func sideOf(p *profile.Profile) Side {
	return Side{Journal: p.Journal, Coverage: p.Coverage, Totals: p.Totals}
}

// summary compares the wholes.
func summary(a, b *profile.Profile) []SummaryChange {
	var out []SummaryChange
	add := func(what string, x, y profile.Number) {
		out = append(out, SummaryChange{What: what, A: x, B: y, Difference: difference(x, y), Ratio: ratio(value(x), value(y))})
	}
	counts := func(what string, x, y int64) { add(what, profile.Count(x), profile.Count(y)) }
	add("seconds", a.Journal.Duration, b.Journal.Duration)
	counts("commands", a.Totals.Commands, b.Totals.Commands)
	add("commands per second", perSecond(a.Totals.Commands, a), perSecond(b.Totals.Commands, b))
	counts("bytes", a.Totals.Bytes, b.Totals.Bytes)
	add("bytes per second", perSecond(a.Totals.Bytes, a), perSecond(b.Totals.Bytes, b))
	counts("connections", a.Totals.Connections, b.Totals.Connections)
	counts("workers", a.Totals.Workers, b.Totals.Workers)
	for _, t := range troubles {
		counts(t.what, t.count(a), t.count(b))
	}
	add("% of the traffic in the journal", a.Coverage.Percent, b.Coverage.Percent)
	return out
}

// troubles are what went wrong in a journal, as it is counted in its tables.
var troubles = []struct {
	what  string
	count func(*profile.Profile) int64
}{
	{"reconnects", func(p *profile.Profile) (n int64) {
		for i := range p.Reconnects {
			n += p.Reconnects[i].Reconnects
		}
		return n
	}},
	{"connections with an ERROR", func(p *profile.Profile) (n int64) {
		for i := range p.Endings {
			if e := &p.Endings[i]; e.MasterError != "" || e.WorkerError != "" {
				n++
			}
		}
		return n
	}},
	{"stalls", func(p *profile.Profile) int64 { return int64(len(p.Stalls)) }},
	{"failed to keep up", func(p *profile.Profile) int64 { return int64(len(p.Overflows)) }},
	{"violations", func(p *profile.Profile) int64 { return found(p, "violation") }},
	{"warnings", func(p *profile.Profile) int64 { return found(p, "warning") }},
}

// found is how many findings of a severity there are.
func found(p *profile.Profile, severity string) (n int64) {
	for i := range p.Findings {
		if f := &p.Findings[i]; f.Severity == severity {
			n += f.Count
		}
	}
	return n
}

// seconds is how long what was read took.
func seconds(p *profile.Profile) float64 {
	if p.Journal.Duration == profile.None {
		return 0
	}
	return float64(p.Journal.Duration) / 1e9
}

func perSecond(n int64, p *profile.Profile) profile.Rate {
	return profile.RateOf(n, time.Duration(max(p.Journal.Duration, 0)))
}

// ratio is how many times as much b is; None when there is no telling.
func ratio(a, b float64) profile.Ratio {
	r := b / a
	if math.IsNaN(r) || math.IsInf(r, 0) || r < 0 || r > 1e12 {
		return profile.None
	}
	return profile.Ratio(math.Floor(r*1e3 + 1e-6)) // down: it is rounded when it is shown
}

func abs(v profile.Percent) profile.Percent { return max(v, -v) }
