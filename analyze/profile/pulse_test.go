package profile

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestPulse: what stops is found, whatever its pace; what fades, comes in bursts,
// at random or seldom is not silent.
func TestPulse(t *testing.T) {
	const second, hour = float64(time.Second), float64(time.Hour)
	exponential := func(mean float64) func(*rand.Rand, float64) float64 {
		return func(r *rand.Rand, _ float64) float64 { return r.ExpFloat64() * mean }
	}
	for _, c := range []struct {
		name     string
		interval func(r *rand.Rand, at float64) float64
		for_     float64 // how long it goes on
		holes    [][2]float64
		want     int
	}{
		{"steady, stops for 5 min", func(*rand.Rand, float64) float64 { return second }, 600 * second, [][2]float64{{120, 420}}, 1},
		{"ten a second, stops for 40 s", exponential(second / 10), 600 * second, [][2]float64{{300, 340}}, 1},
		{"at random, stops for an hour", exponential(5 * second), 4 * hour, [][2]float64{{4000, 7600}}, 1},
		{"every two seconds, stops three times", func(*rand.Rand, float64) float64 { return 2 * second }, 3000 * second,
			[][2]float64{{200, 500}, {800, 1400}, {2000, 2300}}, 3},
		{"a longer interval early on", func(_ *rand.Rand, at float64) float64 {
			if at == 0 {
				return 60 * second
			}
			return second / 2
		}, 600 * second, [][2]float64{{200, 400}}, 1},
		{"at random", exponential(2 * second), 24 * hour, nil, 0},
		{"at random, seldom", exponential(60 * second), 24 * hour, nil, 0},
		{"day and night", func(r *rand.Rand, at float64) float64 {
			return r.ExpFloat64() * second * math.Pow(10, 1-math.Cos(2*math.Pi*at/(24*hour))) / 10 // 10 a second to one in 10 s
		}, 26 * hour, nil, 0},
		{"fades within a quarter of an hour", func(r *rand.Rand, at float64) float64 {
			return r.ExpFloat64() * second * math.Pow(2, max(0, at-hour)/(100*second))
		}, 1.25 * hour, nil, 0},
		{"bursts", func(r *rand.Rand, at float64) float64 {
			if r.IntN(50) == 0 {
				return r.ExpFloat64() * 120 * second
			}
			return r.ExpFloat64() * second / 20
		}, 24 * hour, nil, 0},
		{"a minute of talk in every ten", func(r *rand.Rand, at float64) float64 {
			if math.Mod(at, 600*second) > 60*second {
				return 540 * second
			}
			return second
		}, 4 * hour, nil, 0},
		{"people", func(r *rand.Rand, _ float64) float64 { return math.Min(second*math.Pow(1-r.Float64(), -1), 3*hour) }, 24 * hour, nil, 0},
		{"people on several streams", func(r *rand.Rand, _ float64) float64 {
			return math.Min(second/10*math.Pow(1-r.Float64(), -1/1.5), 3*hour)
		}, 24 * hour, nil, 0},
		{"three rows", func(*rand.Rand, float64) float64 { return 400 * second }, 1300 * second, nil, 0},
		{"slower from now on", func(_ *rand.Rand, at float64) float64 {
			if at > 300*second {
				return 120 * second
			}
			return second
		}, 2 * hour, nil, 0},
	} {
		for seed := range uint64(2) {
			r, p := rand.New(rand.NewPCG(1, seed)), newPulse()
			at := 0.0
			for at < c.for_ {
				in := false
				for _, h := range c.holes {
					in = in || at > h[0]*second && at < h[1]*second
				}
				if !in {
					p.come(int64(at), 1, 0, Place{})
				}
				at += c.interval(r, at)
			}
			if got := p.lulls(); len(got) != c.want {
				t.Errorf("%s, seed %d: %d silences, want %d: %+v", c.name, seed, len(got), c.want, got)
			}
		}
	}
}
