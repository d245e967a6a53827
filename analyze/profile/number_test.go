package profile

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// The digits of a number are those of its JSON, and rounding does what people do.
func TestDigits(t *testing.T) {
	for _, c := range []struct {
		n    Number
		want string
	}{
		{Millis(1_234_567), "1.235"}, {Millis(0), "0.000"}, {Millis(999_999_600), "1000.000"}, {Millis(-1_500_000), "-1.500"},
		{Millis(-100), "0.000"}, {Seconds(61_000_499_999), "61.000"}, {Seconds(61_000_500_000), "61.001"},
		{At(1_000_000_999), "1.000000"}, {At(-1), "-0.000001"}, {Percent(1_000_000), "100.00"}, {Percent(5), "0.00"}, {Percent(50), "0.01"},
		{Rate(1_235), "1.24"}, {Count(-7), "-7"}, {Count(1_000_000), "1000000"},
		{Millis(None), ""}, {Seconds(None), ""}, {At(None), ""}, {Percent(None), ""}, {Rate(None), ""}, {Count(None), ""},
	} {
		if got := c.n.Digits(); got != c.want {
			t.Errorf("%T(%v) is %q, want %q", c.n, c.n, got, c.want)
		}
		text, err := json.Marshal(c.n)
		if want := c.want; err != nil || string(text) != want && !(want == "" && string(text) == "null") {
			t.Errorf("%T(%v) is %s in JSON (%v), want %q", c.n, c.n, text, err, want)
		}
	}
}

// What is counted is rounded once, when it is shown.
func TestRoundedOnce(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{rate(189, 2000*time.Second).Digits(), "0.09"}, // 0.0945
		{rate(19, 200*time.Second).Digits(), "0.10"},   // 0.095
		{share(7498, 10_000_000).Digits(), "0.07"},     // 0.07498
		{share(75, 100_000).Digits(), "0.08"},          // 0.075
		{share(1, 3).Digits(), "33.33"},
		{share(1<<62, 1<<62).Digits(), "100.00"},
		{rate(1<<62, 1<<62).Digits(), "1000000000.00"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

// A quantile has the fewest digits among the values that the histogram does not
// tell apart, and stays within the error that is printed.
func TestRoundest(t *testing.T) {
	for _, c := range []struct{ value, most, want int64 }{
		{0, 0, 0}, {7, 7, 7}, {103, 147, 103}, {255, 255, 255}, {1_003_519, 2_000_000, 1_000_000}, {1_003_519, 999_990, 999_500}, {970_751, 1_000_000, 970_000},
	} {
		if got := roundest(c.value, c.most); got != c.want {
			t.Errorf("%d of at most %d is shown as %d, not %d", c.value, c.most, got, c.want)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		v := r.Int64N(1 << (1 + r.IntN(40)))
		h := newHistogram(maxGap)
		h.add(v)
		h.add(2*v + 1)
		got := int64(h.quantiles().p50)
		if off := math.Abs(float64(got - v)); off > float64(v)/100 {
			t.Fatalf("%d is shown as %d", v, got)
		}
	}
}
