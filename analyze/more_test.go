package analyze

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// TestSeveralChanges: each of several changes far from each other is found.
func TestSeveralChanges(t *testing.T) {
	t.Parallel()
	for _, folder := range captureFolders[:4] {
		s := capture(t, folder)
		counts := s.counts()
		chosen := s.places(77, 12, func(i int) bool {
			return isRdata(s, i) && hasToken(s, i) && counts[fmt.Sprint(s[i].conn, s[i].dir, s[i].line)] == 1
		})
		slices.Sort(chosen)
		out := slices.Clone(s)
		var lanes []string
		want := map[string]int64{}
		for k := len(chosen) - 1; k >= 0; k-- {
			x := []seeded{seededChanges[0], seededChanges[1], seededChanges[3], seededChanges[4]}[k%4]
			if lane := s[chosen[k]].lane(); slices.Contains(lanes, lane) && k%4 == 0 {
				continue // what is dropped there could be a neighbour's
			} else {
				lanes = append(lanes, lane)
			}
			out, _, _ = x.change(out, chosen[k])
			want[x.kind]++
		}
		c := compare(t, s.write(t, journal.Options{}), out.write(t, journal.Options{}), Options{})
		if c.Verdict != Different || fmt.Sprint(want) != fmt.Sprint(c.Counts) {
			t.Errorf("%s: want %v: %s", folder, want, text(c))
		}
	}
}

// TestBlocks: rows in a row that are missing, extra or elsewhere are one
// difference.
func TestBlocks(t *testing.T) {
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf("< RDATA events master %d [%d]", i+1, i))
	}
	a := talk("", append([]string{"> NAME w1"}, lines...)...).write(t, journal.Options{})
	for _, x := range []struct {
		name  string
		lines []string
		kind  string
		count int64
	}{
		{"dropped", slices.Delete(slices.Clone(lines), 100, 140), Missing, 40},
		{"dropped at the beginning", slices.Clone(lines[5:]), Missing, 5},
		{"dropped at the end", slices.Clone(lines[:290]), Missing, 10},
		{"moved up", append(append(append(slices.Clone(lines[:50]), lines[200:230]...), lines[50:200]...), lines[230:]...), Reordered, 30},
		{"moved down", append(append(append(slices.Clone(lines[:50]), lines[60:250]...), lines[50:60]...), lines[250:]...), Reordered, 10},
		{"twice", append(slices.Clone(lines), lines[280:]...), Extra, 20},
	} {
		c := compare(t, a, talk("", append([]string{"> NAME w1"}, x.lines...)...).write(t, journal.Options{}), Options{Late: -1})
		if c.Total() != 1 || c.Counts[x.kind] != 1 || c.Differences[0].Count != x.count {
			t.Errorf("%s: %s", x.name, text(c))
		}
	}
}

// TestEndings: how a connection ended counts; in a run it does where it was not
// just cut off.
func TestEndings(t *testing.T) {
	lines := []string{"> NAME w1", "> REPLICATE ", "< POSITION events master 5 5", "< RDATA events master 6 [1]"}
	ended := func(how, by string, run bool) *journal.Reader {
		s := talk("", lines...)
		s[len(s)-1].ev = journal.Event{How: how, By: by}
		if by, ok := strings.CutSuffix(by, ", at its end"); ok {
			s[len(s)-1].ev = journal.Event{How: how, By: by, Note: EndOfReplay}
		}
		if run {
			return s.ran(t, journal.Run{Speed: 1})
		}
		return s.write(t, journal.Options{})
	}
	for _, x := range []struct {
		was, wasBy, is, isBy string
		run, same            bool
	}{
		{"fin", "master", "fin", "master", false, true},
		{"fin", "master", "reset", "master", false, false},
		{"fin", "master", "fin", "worker", false, false},
		{"fin", "master", "shutdown", "tap", false, false},
		{"fin", "master", "shutdown", "master", true, true},
		{"unknown", "", "fin", "master", true, true},
		{"fin", "worker", "fin", "master, at its end", true, true}, // it was stopped then
		{"fin", "worker", "fin", "master", true, false},
		{"fin", "master", "fin", "worker", true, false},
		{"fin", "master", "reset", "master", true, false},
		{"reset", "master", "fin", "master", true, false},
	} {
		c := compare(t, ended(x.was, x.wasBy, false), ended(x.is, x.isBy, x.run), Options{})
		if same := c.Verdict == Same; same != x.same || c.Endings[0].Same != x.same || !same && (c.Total() != 1 || c.Differences[0].What != AboutEnding) {
			t.Errorf("%+v: %s", x, text(c))
		}
	}
}

// TestPauses: a sender that was held up in one journal only.
func TestPauses(t *testing.T) {
	s := talk("", "> NAME w1", "< POSITION events master 5 5", "< RDATA events master 6 [1]", "< PING 1")
	for _, long := range []time.Duration{100 * time.Millisecond, 3 * time.Second} {
		paused := slices.Clone(s)
		at := paused[3].t
		for i := range paused[4:] {
			paused[4+i].t += int64(long)
		}
		paused = slices.Insert(paused, 4, happening{t: at, conn: 1, dir: wire.S2C, kind: journal.KindStall, ev: journal.Event{By: "master", Queue: 9, Unsent: 70000}},
			happening{t: at + int64(long), conn: 1, dir: wire.S2C, kind: journal.KindResume, ev: journal.Event{By: "master"}})
		c := compare(t, s.write(t, journal.Options{}), paused.write(t, journal.Options{}), Options{Late: -1})
		if got, want := c.Counts[Extra] == 1, long >= time.Second; got != want || len(c.Pauses) != 1 || c.Pauses[0].Replayed.LongestUs != long.Microseconds() ||
			c.Pauses[0].Replayed.QueuePeak != 9 || c.Pauses[0].Replayed.After != "RDATA events master 6 [1]" {
			t.Errorf("%v: %+v %s", long, c.Pauses, text(c))
		}
		if c := compare(t, paused.write(t, journal.Options{}), paused.write(t, journal.Options{}), Options{}); c.Verdict != Same {
			t.Error(text(c))
		}
	}
}

// TestLate: how late counts in the time of the run, and neither from when the
// connection began nor from when all did does it count alone.
func TestLate(t *testing.T) {
	var lines []string
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("< RDATA events master %d [%d]", i+1, i))
	}
	s := talk("", append([]string{"> NAME w1", "> REPLICATE ", "< POSITION events master 0 0"}, lines...)...)
	a := s.write(t, journal.Options{})
	for _, x := range []struct {
		name  string
		speed float64
		from  int // the line that is the first to be late
		by    time.Duration
		late  int64 // lines
	}{
		{"in time", 1, 10, 200 * time.Millisecond, 0},
		{"late", 1, 10, 300 * time.Millisecond, int64(len(s) - 1 - 10)},
		{"late at double speed", 2, 10, 300 * time.Millisecond, int64(len(s) - 1 - 10)},
		{"in time at double speed", 2, 10, 200 * time.Millisecond, 0},
		{"no time to keep", 0, 10, 300 * time.Millisecond, 0},
		{"all of it", 1, 0, time.Hour, 0},
		{"the catch-up", 1, 3, 400 * time.Millisecond, int64(len(s) - 1 - 4)},
		{"the catch-up behind all that is sent", 0, 3, 2400 * time.Millisecond, 0},
		{"only the catch-up", 0, 3, 2600 * time.Millisecond, 0},
	} {
		played := slices.Clone(s)
		for i := range played {
			played[i].t = s[0].t + int64(float64(s[i].t-s[0].t)/max(x.speed, 1))
			if i >= x.from {
				played[i].t += int64(x.by)
			}
		}
		c := compare(t, a, played.ran(t, journal.Run{Speed: x.speed}), Options{})
		wantCatchUp := strings.Contains(x.name, "catch-up")
		wantAll := int64(0)
		if x.late > 0 {
			wantAll = 1
		}
		if wantCatchUp && x.name != "the catch-up behind all that is sent" {
			wantAll++
		}
		if c.Lines[Late] != x.late || c.Total() != wantAll || c.Counts[Late] != wantAll {
			t.Errorf("%s: %v %s", x.name, c.Lines, text(c))
		}
		if len(c.CatchUp) != 1 || wantCatchUp != (c.CatchUp[0].LateUs > 100_000) {
			t.Errorf("%s: %+v", x.name, c.CatchUp)
		}
	}
}

// TestRunAsWorker: when the worker was played, what it says counts, and of the
// master what it answers for.
func TestRunAsWorker(t *testing.T) {
	lines := []string{"< SERVER lab.test", "> NAME w1", "> REPLICATE events 5", "< POSITION events 5", "< RDATA events 6 [1]", "> FEDERATION_ACK 3", "> USER_SYNC @u:x start 5"}
	run := journal.Run{Speed: 1, As: journal.RunWorker}
	a := talk("", lines...).write(t, journal.Options{})
	for _, x := range []struct {
		edit func([]string) []string
		want map[string]int64
	}{
		{replaced("RDATA events 6 [1]", "RDATA events 99 [7]"), map[string]int64{}},
		{replaced("POSITION events 5", "POSITION events 98"), map[string]int64{}},
		{without("POSITION"), map[string]int64{Missing: 1}},
		{without("FEDERATION_ACK"), map[string]int64{Missing: 1}},
		{replaced("ACK 3", "ACK 4"), map[string]int64{Changed: 1}},
		{replaced("REPLICATE events 5", "REPLICATE events 6"), map[string]int64{Changed: 1}},
		{func(l []string) []string { return append(l, "< ERROR invalid command: FOO") }, map[string]int64{Extra: 1}},
	} {
		c := compare(t, a, talk("", x.edit(slices.Clone(lines))...).ran(t, run), Options{})
		if fmt.Sprint(c.Counts) != fmt.Sprint(x.want) {
			t.Errorf("want %v: %s", x.want, text(c))
		}
	}
}

// TestDamage: a journal of which a part can't be read is like none.
func TestDamage(t *testing.T) {
	s := capture(t, "1.19.0/01-mix")
	a, b := s.write(t, journal.Options{}), s.write(t, journal.Options{})
	files, _ := filepath.Glob(filepath.Join(b.Info().Path, "*.journal"))
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(data), "\xb7RTBLOCK")
	for ; at >= 0 && at+30_000 > len(data); at -= 1000 {
	}
	for i := range 64 {
		data[at+20_000+i] ^= 0x55
	}
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Comparison{compare(t, a, b, Options{}), compare(t, b, a, Options{}), compare(t, b, b, Options{})} {
		if c.Verdict != Inconclusive || !strings.Contains(c.Why, "can't be read") {
			t.Error(text(c))
		}
	}
}
