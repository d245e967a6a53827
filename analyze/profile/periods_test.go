package profile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// periodic runs moments through the collector and says what it finds.
func periodic(moments []time.Duration) (PeriodRow, bool) {
	slices.Sort(moments)
	names := newSubjects()
	l := newTimeline(names)
	data := []byte("RDATA presence master 1 [\"@u:s\"]\n")
	e := entry{Record: &journal.Record{Kind: journal.KindLine, Dir: wire.S2C, Data: data, Gist: wire.GistOf(data)}}
	e.stream = names.of(e.Gist.Stream)
	for _, at := range moments {
		e.at = int64(at)
		l.take(&e)
	}
	return periodOf(l.streams[e.stream], l.width())
}

// noise is Poisson traffic.
func noise(r *rand.Rand, n int, span time.Duration) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = time.Duration(r.Int64N(int64(span)))
	}
	return out
}

// comb is bursts every so often, each a little early or late.
func comb(r *rand.Rand, every, jitter, span time.Duration, burst int) (out []time.Duration) {
	for at := every / 3; at < span; at += every {
		start := at + time.Duration(r.Int64N(int64(jitter)+1))
		for range burst {
			out = append(out, start+time.Duration(r.Int64N(int64(min(2*time.Second, every/20)))))
		}
	}
	return out
}

// What comes in equal intervals is found, also in the midst of other traffic.
func TestPeriods(t *testing.T) {
	for _, c := range []struct {
		name          string
		every, jitter time.Duration
		span          time.Duration
		burst, noise  int
	}{
		{"presence every 25 minutes", 25 * time.Minute, 5 * time.Second, 10 * time.Hour, 200, 3000},
		{"the same, in few", 25 * time.Minute, 0, 10 * time.Hour, 1, 0},
		{"the same, loose", 25 * time.Minute, 90 * time.Second, 48 * time.Hour, 50, 5000},
		{"every minute for an hour", time.Minute, time.Second, time.Hour, 20, 600},
		{"every 5 s for ten minutes", 5 * time.Second, 0, 10 * time.Minute, 1, 0},
		{"every hour for five", time.Hour, 0, 5 * time.Hour, 100, 100},
	} {
		for seed := range uint64(3) {
			r := rand.New(rand.NewPCG(seed, 7))
			row, ok := periodic(append(comb(r, c.every, c.jitter, c.span, c.burst), noise(r, c.noise, c.span)...))
			if off := time.Duration(row.Period) - c.every; !ok || off.Abs() > time.Duration(row.Within) {
				t.Errorf("%s (%d): %v, every %s s +/- %s", c.name, seed, ok, row.Period.Digits(), row.Within.Digits())
			}
		}
	}
}

// Traffic that has no period is not said to have one.
func TestNoPeriods(t *testing.T) {
	const tries = 8 // of 400 with other seeds none was, of any kind
	found := map[string]int{}
	for seed := range uint64(tries) {
		r := rand.New(rand.NewPCG(seed, 11))
		span := time.Duration(1+r.IntN(100)) * 10 * time.Minute
		look := func(kind string, moments []time.Duration) {
			if row, ok := periodic(moments); ok {
				found[kind]++
				t.Logf("%s (%d): every %s s, %s %%", kind, seed, row.Period.Digits(), row.Strength.Digits())
			}
		}
		look("Poisson", noise(r, 20+r.IntN(5000), span))
		var bursts []time.Duration // that come by chance, of any size
		for range 5 + r.IntN(60) {
			at := time.Duration(r.Int64N(int64(span)))
			for range 1 + r.IntN(200) {
				bursts = append(bursts, at+time.Duration(r.ExpFloat64()*float64(time.Second)))
			}
		}
		look("bursts", bursts)
		look("bursts in noise", append(bursts, noise(r, 2000, span)...))
		var slope []time.Duration // more and more
		for range 3000 {
			slope = append(slope, max(time.Duration(r.Int64N(int64(span))), time.Duration(r.Int64N(int64(span)))))
		}
		look("slope", slope)
	}
	for kind, n := range found {
		t.Errorf("%s: %d of %d times a period is found", kind, n, tries)
	}
}

// PING is said to be what it should be.
func TestPingPeriod(t *testing.T) {
	x := newTape(t)
	x.open(0, 1)
	for i := range 200 {
		x.s2c(time.Duration(i)*5001*time.Millisecond, 1, fmt.Sprintf("PING %d\n", 1600000000000+i*5001))
	}
	p := x.profile(Options{})
	i := slices.IndexFunc(p.Periods, func(r PeriodRow) bool { return r.By == byCommand && r.Name == "PING" })
	if i < 0 || p.Periods[i].Expected == "" || !near(int64(p.Periods[i].Period), int64(pingPeriod)) {
		t.Errorf("periods: %+v", p.Periods)
	}
}
