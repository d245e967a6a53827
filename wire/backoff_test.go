package wire

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// waits plays a worker that connects and is cut off n times.
func waits(t *testing.T, version string, normal func() float64, n int, between func(*Backoff)) []time.Duration {
	b := NewBackoff(receiver(t, version).Release, normal)
	var all []time.Duration
	for range n {
		all = append(all, b.Next())
		between(b)
	}
	return all
}

func TestBackoff(t *testing.T) {
	never := func(*Backoff) {}
	connects := (*Backoff).Connected
	finishes := func(b *Backoff) { b.Connected(); b.Finished() }
	tests := []struct {
		name    string
		release string
		between func(*Backoff)
		want    []float64 // seconds
	}{
		{"refused", "0.99.0", never, []float64{math.E, 5, 5, 5}},
		{"cut off: the tight loop", "0.99.0", connects, []float64{math.E, math.E, math.E, math.E}},
		{"cut off before it caught up", "0.99.3", connects, []float64{math.E, math.E * math.E, 20.0855, 30, 30}},
		{"cut off after it caught up", "1.7.3", finishes, []float64{math.E, math.E, math.E}},
		{"refused", "1.8.0", never, []float64{1, 1, 1}},
		{"cut off before it caught up", "1.12.4", connects, []float64{1, 1, 1}},
		{"cut off after it caught up", "1.12.4", finishes, []float64{1, 0.1 * math.E, 0.1 * math.E}},
		{"cut off", "1.13.0", connects, []float64{1, 0.1 * math.E, 0.1 * math.E}},
		{"refused", "1.66.0", never, []float64{1, 1, 1}},
	}
	for _, test := range tests {
		got := waits(t, test.release, nil, len(test.want), test.between)
		for i, want := range test.want {
			if math.Abs(got[i].Seconds()-want) > 1e-4 {
				t.Errorf("%s, %s: wait %d is %v, want %.4f s", test.release, test.name, i, got[i], want)
			}
		}
	}
}

// TestBackoffJitter: the jitter is a tenth or so, and the same for a seed.
func TestBackoffJitter(t *testing.T) {
	play := func(seed uint64) []time.Duration {
		return waits(t, "1.66.0", rand.New(rand.NewPCG(seed, 0)).NormFloat64, 4000, func(b *Backoff) { b.Connected() })[1:]
	}
	sum, squares := 0.0, 0.0
	one := play(1)
	for i, again := range play(1) {
		if again != one[i] {
			t.Fatalf("wait %d is %v, then %v", i, one[i], again)
		}
		sum += again.Seconds()
		squares += again.Seconds() * again.Seconds()
	}
	n := float64(len(one))
	mean := sum / n
	deviation := math.Sqrt(squares/n-mean*mean) / mean
	if math.Abs(mean-0.1*math.E) > 0.01 || math.Abs(deviation-backoffJitter) > 0.01 {
		t.Errorf("mean %.4f s, deviation %.4f", mean, deviation)
	}
}
