package replay

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestSchedule: times are absolute, pauses can be shortened, and what is earlier
// than what came before is due with it.
func TestSchedule(t *testing.T) {
	const s = int64(time.Second)
	acts := []int64{100 * s, 101 * s, 161 * s, 160 * s, 162 * s}
	for _, c := range []struct {
		name string
		schedule
		want []int64
	}{
		{"as recorded", schedule{speed: 1}, []int64{0, s, 61 * s, 60 * s, 62 * s}},
		{"ten times", schedule{speed: 10}, []int64{0, s / 10, 61 * s / 10, 6 * s, 62 * s / 10}},
		{"a half", schedule{speed: 0.5}, []int64{0, 2 * s, 122 * s, 120 * s, 124 * s}},
		{"at once", schedule{}, []int64{0, 0, 0, 0, 0}},
		{"without long pauses", schedule{speed: 1, skip: 2 * s}, []int64{0, s, 3 * s, 2 * s, 4 * s}},
		{"both", schedule{speed: 2, skip: 2 * s}, []int64{0, s / 2, 3 * s / 2, s, 2 * s}},
		{"very slow", schedule{speed: 1e-12}, []int64{0, 1 << 61, 1 << 61, 1 << 61, 1 << 61}},
	} {
		t.Run(c.name, func(t *testing.T) {
			const now = 7 * s
			c.begin(now, acts[0])
			for i, at := range acts {
				c.see(at)
				if got := c.due(at) - now; got != c.want[i] {
					t.Errorf("act %d is due after %v, want %v", i, time.Duration(got), time.Duration(c.want[i]))
				}
			}
		})
	}
}

// TestLags: quantiles are within two percent of those of a sorted list.
func TestLags(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var l Lags
	var all []time.Duration
	for range 10_000 {
		d := time.Duration(1) << random.IntN(36) // up to a minute
		d += time.Duration(random.Int64N(int64(d)))
		l.Add(d, 1)
		all = append(all, d)
	}
	l.Add(-time.Second, 0)
	slices.Sort(all)
	for _, q := range []float64{0, 0.1, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		if got := l.Quantile(q); (got - want).Abs() > want/50+time.Microsecond {
			t.Errorf("quantile %v is %v, want about %v", q, got, want)
		}
	}
	if l.Max() != all[len(all)-1] || l.Count() != uint64(len(all)) {
		t.Errorf("at most %v of %d", l.Max(), l.Count())
	}
	l.Add(1<<62, 1)
	if l.Quantile(1) > l.Max() {
		t.Error("the last bucket is beyond the largest")
	}
}

// TestPacer: what is asked for last counts, and it comes.
func TestPacer(t *testing.T) {
	p, err := newPacer()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	begun := time.Now()
	p.in(time.Hour)
	p.in(time.Millisecond)
	<-p.C
	if d := time.Since(begun); d < time.Millisecond {
		t.Errorf("it came after %v", d)
	}
	p.in(-time.Hour) // late already
	<-p.C
}
