package analyze

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repltap/journal"
	"repltap/wire"
)

// heldUp is a story of a row every 100 ms, in which the sender is held up at some
// of them, in milliseconds, and its queue becomes as long as it says.
func heldUp(rows int, queue int64, pauses map[int]int64) story {
	out := story{{t: 1e18, conn: 1, kind: journal.KindOpen}, {t: 1e18, conn: 1, dir: wire.C2S, line: "NAME w1\n"}}
	for i := range rows {
		at := 1e18 + int64(i)*1e8
		out = append(out, happening{t: at, conn: 1, dir: wire.S2C, line: fmt.Sprintf("RDATA events master %d [%d]\n", i+1, i)})
		if ms := pauses[i]; ms > 0 {
			out = append(out, happening{t: at, conn: 1, dir: wire.S2C, kind: journal.KindStall, ev: journal.Event{By: "worker"}},
				happening{t: at + ms*1e6, conn: 1, dir: wire.S2C, kind: journal.KindResume, ev: journal.Event{By: "worker"}})
		}
	}
	end := 1e18 + int64(rows)*1e8 + 60e9
	if queue > 0 {
		out = append(out, happening{t: end, conn: 1, dir: wire.S2C, kind: journal.KindSample, ev: journal.Event{Queue: queue}})
	}
	return append(out, happening{t: end, conn: 1, kind: journal.KindClose, ev: journal.Event{How: "fin", By: "master"}})
}

// TestStops: each pause has its counterpart, and lasts as long; a queue becomes as
// long.
func TestStops(t *testing.T) {
	t.Parallel()
	was := map[int]int64{10: 3000, 60: 5000, 100: 400}
	for _, x := range []struct {
		name      string
		is        map[int]int64
		queue     [2]int64
		kind      string
		old, anew uint64 // rows after which the pauses are, 0 for none
	}{
		{"the same", map[int]int64{10: 3100, 60: 4800, 100: 700}, [2]int64{100, 180}, "", 0, 0},
		{"the first is missing", map[int]int64{60: 5000, 100: 400}, [2]int64{}, Missing, 10, 0},
		{"the second is missing", map[int]int64{10: 3000}, [2]int64{}, Missing, 60, 0},
		{"one is extra", map[int]int64{10: 3000, 40: 1200, 60: 5000}, [2]int64{}, Extra, 0, 40},
		{"one takes longer", map[int]int64{10: 3000, 60: 9000}, [2]int64{}, Changed, 60, 60},
		{"a longer queue", was, [2]int64{10, 9000}, Changed, 0, 0},
		{"a queue that only one knows of", was, [2]int64{0, 9000}, "", 0, 0},
	} {
		a, b := heldUp(120, x.queue[0], was).write(t, journal.Options{}), heldUp(120, x.queue[1], x.is).write(t, journal.Options{})
		c := compare(t, a, b, Options{Late: -1})
		if x.kind == "" {
			if c.Verdict != Same {
				t.Errorf("%s: %s", x.name, text(c))
			}
			continue
		}
		if c.Total() != 1 || c.Counts[x.kind] != 1 {
			t.Errorf("%s: %s", x.name, text(c))
			continue
		}
		d := &c.Differences[0]
		for side, row := range []uint64{x.old, x.anew} {
			p := []*Place{d.Recorded, d.Replayed}[side]
			if want := fmt.Sprintf("RDATA events master %d ", row+1); row > 0 && !strings.HasPrefix(p.Line, want) || p.Seq == 0 {
				t.Errorf("%s: %s is %+v, want %s", x.name, sideNames[side], p, want)
			}
		}
		if d.Detail == "" || (d.What == AboutQueue) != (x.queue[1] > 0) {
			t.Errorf("%s: %s", x.name, text(c))
		}
	}
}

// TestWhoWasFirst: of two ends the first counts, unless they came at once.
func TestWhoWasFirst(t *testing.T) {
	ends := func(first wire.Direction, between time.Duration) *journal.Reader {
		s := talk("", "> NAME w1", "< RDATA events master 6 [1]")
		last := len(s) - 1
		at := s[last].t
		by := map[wire.Direction]string{wire.S2C: "master", wire.C2S: "worker"}
		other := wire.S2C + wire.C2S - first
		s[last].t, s[last].ev = at+int64(between), journal.Event{How: "fin", By: by[other]}
		return append(s[:last:last], happening{t: at, conn: 1, dir: first, kind: journal.KindEOF, ev: journal.Event{How: "fin", By: by[first]}},
			happening{t: at + int64(between), conn: 1, dir: other, kind: journal.KindEOF, ev: journal.Event{How: "fin", By: by[other]}}, s[last]).write(t, journal.Options{})
	}
	slow, quick := 500*time.Microsecond, 100*time.Microsecond
	for _, x := range []struct {
		a, b *journal.Reader
		same bool
	}{
		{ends(wire.S2C, slow), ends(wire.S2C, slow), true},
		{ends(wire.S2C, slow), ends(wire.C2S, slow), false},
		{ends(wire.S2C, quick), ends(wire.C2S, slow), true},
		{ends(wire.C2S, slow), ends(wire.S2C, quick), true},
	} {
		if c := compare(t, x.a, x.b, Options{}); (c.Verdict == Same) != x.same {
			t.Error(text(c))
		}
	}
}

// TestFirstPosition: where the first POSITION of a stream stands in a run.
func TestFirstPosition(t *testing.T) {
	old := []string{"> NAME w1", "> REPLICATE events 4", "< RDATA events 5 [1]", "< RDATA events 6 [2]", "< POSITION events 6", "< RDATA events 7 [3]", "< RDATA events 8 [4]"}
	at := func(place int) []string {
		l := append(append([]string{}, old[:4]...), old[5:]...)
		return append(append(append([]string{}, l[:place]...), old[4]), l[place:]...)
	}
	for _, x := range []struct {
		name string
		is   []string
		want map[string]int64
	}{
		{"where it was", at(4), map[string]int64{}},
		{"before the rows that it says", at(2), map[string]int64{Reordered: 1}},
		{"among them", at(3), map[string]int64{Reordered: 1}},
		{"after rows beyond it", at(6), map[string]int64{Reordered: 1}},
		{"another token", replaced("POSITION events 6", "POSITION events 9")(at(4)), map[string]int64{Changed: 1}},
	} {
		c := compare(t, talk("", old...).write(t, journal.Options{}), talk("", x.is...).ran(t, journal.Run{Speed: 1}), Options{})
		if d := cmp.Diff(x.want, c.Counts); d != "" {
			t.Errorf("%s: %s%s", x.name, d, text(c))
		}
	}
}

// TestTwins: of lines that are the same it is told which one is missing, as far
// as their times tell.
func TestTwins(t *testing.T) {
	lines := []string{"> NAME w1", "< POSITION events master 5 5"}
	for range 150 {
		lines = append(lines, "< RDATA typing master 1 []")
	}
	s := talk("", append(lines, "< POSITION events master 5 5")...)
	b := append(append(story{}, s[:2]...), s[3:]...).write(t, journal.Options{}) // the first is gone, not the one 1.5 s later
	c := compare(t, s.write(t, journal.Options{}), b, Options{})
	if c.Total() != 1 || c.Counts[Missing] != 1 || c.Differences[0].Recorded.Time != timeOf(s[2].t) {
		t.Error(text(c))
	}
}

// TestEverythingChanged: where no row is as it was, rows are compared by their
// tokens, however many there are and however little may wait.
func TestEverythingChanged(t *testing.T) {
	defer func(n int) { maxWaiting = n }(maxWaiting)
	maxWaiting = 2000
	const n = 12_000
	a := rows(t, n, 1, false, nil)
	b := rowsOf(t, n, 1, false, nil, "another")
	c := compare(t, a, b, Options{Late: -1})
	if c.Verdict != Different || c.Lines[Changed] != n || c.Lines[Missing]+c.Lines[Extra] != 0 || len(c.Differences) != DefaultDifferences {
		t.Errorf("%v: %s", c.Lines, text(c))
	}
	shifted := rowsOf(t, n, 1, false, func(i int) bool { return i < n/3 }, "another")
	c = compare(t, a, shifted, Options{Late: -1})
	if c.Lines[Changed] != n-n/3 || c.Lines[Missing] != n/3 || c.Lines[Extra] != 0 {
		t.Errorf("shifted, %v: %s", c.Lines, text(c))
	}
}

// TestDifferentThings: journals of different things prove nothing.
func TestDifferentThings(t *testing.T) {
	young := []string{"> NAME w1", "< RDATA events master 6 [1]", "< RDATA events master 7 [2]", "< RDATA events master 8 [3]"}
	old := []string{"> NAME w1", "< RDATA events 6 [1]", "< RDATA events 7 [2]", "< RDATA events 8 [3]"}
	other := []string{"> NAME w2", "< RDATA typing master 16 [1]", "< RDATA typing master 17 [2]"}
	for _, x := range []struct {
		b    []string
		want string
	}{
		{old, "recorded connection 1 and replayed connection 1 speak different dialects"},
		{other, "no connection of the one journal is that of a worker in the other"},
	} {
		c := compare(t, talk("", young...).write(t, journal.Options{}), talk("", x.b...).write(t, journal.Options{}), Options{})
		if c.Verdict != Inconclusive || !strings.Contains(c.Why, x.want) {
			t.Error(text(c))
		}
	}
}
