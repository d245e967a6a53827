package profile

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"repltap/wire"
)

// PeriodRow is something that comes again and again in equal intervals.
type PeriodRow struct {
	By       string  `json:"by" col:"by"` // "direction", "command" or "stream"
	Name     string  `json:"name" col:"what"`
	Period   Seconds `json:"period_s" col:"every s"`
	Within   Seconds `json:"resolution_s" col:"+/- s"`          // how exact the period is
	Strength Percent `json:"strength_percent" col:"strength %"` // autocorrelation: how much one interval is like the next
	Cycles   int64   `json:"cycles" col:"intervals"`            // in the time that was looked at
	Commands Rate    `json:"commands_per_cycle" col:"commands in each"`
	Expected string  `json:"expected" col:"expected"` // why it is so, where the protocol says so
}

// A period is found by autocorrelation: the counts of the slots, against the same
// counts some slots later. The rule of when it is one, so that chance seldom makes
// one:
//
//   - Counts are looked at as log(1+n), so that one burst does not outshine all else.
//   - The correlation at the period has to be at least minStrength, and peakSigmas
//     times what chance makes of it, by Bartlett's formula: that takes into account
//     how like itself traffic is from one slot to the next anyway.
//   - It has to come again after two and three periods, echoSigmas times chance: of
//     two bursts any two are some time apart, but that is no period.
//   - It has to be a peak: halfway to it there is a good deal less. Traffic that
//     rises and falls slowly has none.
//   - There are at least minCycles of it in the time that was looked at, with at
//     least minPerCycle commands each on average, and it is at least minLag slots
//     long: shorter ones can't be seen.
//
// Slots are looked at as they are and in fours, sixteens and so on, since what
// comes a little early or late is only in step when slots are wide.
const (
	minCycles   = 4
	minLag      = 4
	minStrength = 0.2
	peakSigmas  = 6
	echoSigmas  = 3
	minPerCycle = 1
	minSlots    = 64 // fewer say nothing
	zoom        = 4  // by how much slots are made wider at each step
)

// pingPeriod is how often a peer that has nothing else to say says PING.
const pingPeriod = 5 * time.Second

// periods looks for periods in the greatest series.
func periods(l *timeline, directions, commands, streams []namedSeries) []PeriodRow {
	out := []PeriodRow{}
	for _, s := range slices.Concat(directions, commands[:min(len(commands), maxSeries)], streams[:min(len(streams), maxSeries)]) {
		if r, ok := periodOf(s.series, l.width()); ok {
			r.By, r.Name = s.by, s.name
			if s.by == byCommand && s.name == wire.CmdPing.String() && near(int64(r.Period), int64(pingPeriod)) {
				r.Expected = "PING every 5 s is the protocol's sign of life"
			}
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(x, y PeriodRow) int { return cmp.Compare(y.Strength, x.Strength) })
	return out
}

func near(a, b int64) bool { return a > b*9/10 && a < b*11/10 }

// periodOf finds the shortest period of a series, in the narrowest slots in which
// there is one.
func periodOf(s series, width int64) (PeriodRow, bool) {
	total := s.total().commands
	first := slices.IndexFunc(s, func(t tally) bool { return t.commands > 0 })
	if first < 0 {
		return PeriodRow{}, false
	}
	counts := make([]float64, len(s)-first)
	for i, t := range s[first:] {
		counts[i] = float64(t.commands)
	}
	for ; len(counts) >= minSlots; counts, width = wider(counts), width*zoom {
		n := len(counts)
		lag, strength := findPeriod(counts)
		if lag == 0 {
			continue
		}
		cycles := float64(n) / lag
		if float64(total) < minPerCycle*cycles {
			continue
		}
		return PeriodRow{
			Period: Seconds(math.Round(lag * float64(width))), Within: Seconds(width / 2), Strength: Percent(math.Round(strength * 1e6)),
			Cycles: int64(cycles), Commands: Rate(math.Round(float64(total) / cycles * 1e3)),
		}, true
	}
	return PeriodRow{}, false
}

func wider(counts []float64) []float64 {
	out := make([]float64, (len(counts)+zoom-1)/zoom)
	for i, c := range counts {
		out[i/zoom] += c
	}
	return out
}

// findPeriod gives the period in slots, 0 when there is none.
func findPeriod(counts []float64) (period, strength float64) {
	n := len(counts)
	x := make([]float64, n)
	var mean, variance float64
	for i, c := range counts {
		x[i] = math.Log1p(c)
		mean += x[i] / float64(n)
	}
	for i := range x {
		x[i] -= mean
		variance += x[i] * x[i] / float64(n)
	}
	if variance < 1e-9 {
		return 0, 0
	}
	longest := n / minCycles
	r := correlations(x, variance, min(3*longest+2, n-1))
	sigma := func(lag int, spread float64) float64 { return math.Sqrt(spread / float64(n-lag)) }

	spread := 1.0 // of Bartlett's formula, of all lags before
	for lag := 1; lag <= longest; spread, lag = spread+2*r[lag]*r[lag], lag+1 {
		if lag < minLag || r[lag] < minStrength || r[lag] < r[lag-1] || r[lag] < r[lag+1] || r[lag] < peakSigmas*sigma(lag, spread) {
			continue
		}
		two, _ := highest(r, 2*lag, 1)
		three, at := highest(r, 3*lag, 2)
		if two < max(echoSigmas*sigma(2*lag, spread), r[lag]/3) || three < max(echoSigmas*sigma(3*lag, spread), r[lag]/4) {
			continue
		}
		if slices.Min(r[(lag+1)/2:lag+1]) > r[lag]/2 || slices.Min(r[lag:lag+(lag+1)/2+1]) > r[lag]/2 {
			continue
		}
		// Where three periods end tells the length of one best.
		return float64(at) / 3, r[lag]
	}
	return 0, 0
}

// correlations are those at the lags 0 to last, of what has the mean 0.
func correlations(x []float64, variance float64, last int) []float64 {
	r := make([]float64, last+1)
	for lag := range r {
		a, b := x[:len(x)-lag], x[lag:]
		r[lag] = product(a, b) / (variance * float64(len(a)))
	}
	return r
}

// product is the scalar product of two that are as long. Four sums at a time: each
// would have to wait for the one before.
func product(a, b []float64) float64 {
	var s [4]float64
	n := len(a) &^ 3
	b = b[:len(a)]
	for i := 0; i < n; i += 4 {
		x, y := a[i:i+4:i+4], b[i:i+4:i+4]
		s[0] += x[0] * y[0]
		s[1] += x[1] * y[1]
		s[2] += x[2] * y[2]
		s[3] += x[3] * y[3]
	}
	for i := n; i < len(a); i++ {
		s[0] += a[i] * b[i]
	}
	return s[0] + s[1] + s[2] + s[3]
}

// highest is the highest correlation within some slots of a lag, and where.
func highest(r []float64, lag, within int) (high float64, at int) {
	high = -1
	for i := lag - within; i <= min(lag+within, len(r)-1); i++ {
		if r[i] > high {
			high, at = r[i], i
		}
	}
	return high, at
}

// notePeriods says what was looked for.
func (l *timeline) notePeriods(p *Profile) {
	if p.Timeline.Count > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("Periods are looked for in slots of %s s: none shorter than %s s is found, and none of which there are fewer than %d.",
			Seconds(l.width()).Digits(), Seconds(minLag*l.width()).Digits(), minCycles))
	}
}
