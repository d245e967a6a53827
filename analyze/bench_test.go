package analyze

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"repltap/journal"
	"repltap/wire"
)

// rows writes a journal of many rows: conns connections at once, or one after
// the other, in a few streams, but for those that drop says.
func rows(t testing.TB, n, conns int, oneByOne bool, drop func(i int) bool) *journal.Reader {
	t.Helper()
	return rowsOf(t, n, conns, oneByOne, drop, "m.room.message")
}

// rowsOf is rows with something else in them.
func rowsOf(t testing.TB, n, conns int, oneByOne bool, drop func(i int) bool, what string) *journal.Reader {
	t.Helper()
	dir := t.TempDir()
	w, err := journal.Create(dir, journal.Options{Past: true})
	if err != nil {
		t.Fatal(err)
	}
	sc := journal.NewScribe(w, wire.AllReleases, nil)
	sent := make([]int64, conns)
	say := func(at int64, c int, line string) {
		sc.Chunk(at, uint64(c+1), wire.S2C, sent[c], []byte(line))
		sent[c] += int64(len(line))
	}
	for c := range conns {
		sc.Open(1e18, uint64(c+1), journal.Event{})
		sc.Chunk(1e18, uint64(c+1), wire.C2S, 0, fmt.Appendf(nil, "NAME w%d\nREPLICATE \n", c+1))
	}
	streams := []string{"events", "typing", "receipts", "presence"}
	for i := range n {
		c := i % conns
		if oneByOne {
			c = i * conns / n
		}
		if drop == nil || !drop(i) {
			say(1e18+int64(i+1)*1000, c, fmt.Sprintf("RDATA %s master %d [\"$%d\",\"!room:lab.test\",%q]\n", streams[i/conns%len(streams)], i+1, i*7919, what))
		}
	}
	for c := range conns {
		n := int64(len(fmt.Sprintf("NAME w%d\nREPLICATE \n", c+1)))
		sc.Close(1e18+int64(n+1)*1000, uint64(c+1), journal.Event{How: "fin", By: "master", S2C: &sent[c], C2S: &n})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestMemory: what a comparison holds does not grow with the journals, whatever
// is missing.
func TestMemory(t *testing.T) {
	n := 30_000
	a := rows(t, n, 3, false, nil)
	for _, x := range []struct {
		name string
		b    *journal.Reader
		most uint64 // MiB
		want string
	}{
		{"the same", rows(t, n, 3, false, nil), 6, Same},
		{"every thousandth missing", rows(t, n, 3, false, func(i int) bool { return i%1000 == 500 }), 6, Different},
		{"a third missing at once", rows(t, n, 3, false, func(i int) bool { return i > n/3 && i < 2*n/3 }), 10, Different},
		{"the second half missing", rows(t, n, 3, false, func(i int) bool { return i > n/2 }), 6, Different},
	} {
		var most uint64
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		k := 0
		c := compare(t, a, x.b, Options{Late: -1, Progress: func(int64) {
			if k++; k%3 == 0 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc-min(m.HeapAlloc, before.HeapAlloc))
			}
		}})
		t.Logf("%s: %d MiB; %.300s", x.name, most>>20, c.Why)
		if c.Verdict != x.want || most>>20 > x.most {
			t.Errorf("%s: %d MiB, %s", x.name, most>>20, text(c))
		}
	}
}

// TestManyMissing: what is counted is right where much is missing.
func TestManyMissing(t *testing.T) {
	n := 12_000
	a := rows(t, n, 2, false, nil)
	for _, part := range [][2]int{{100, 6_000}, {6_000, n}, {0, 2_000}, {1_000, 1_600}} {
		b := rows(t, n, 2, false, func(i int) bool { return i >= part[0] && i < part[1] })
		for _, c := range []*Comparison{compare(t, a, b, Options{Late: -1}), compare(t, b, a, Options{Late: -1})} {
			if got := c.Lines[Missing] + c.Lines[Extra]; got != int64(part[1]-part[0]) || c.Total() > 8 || c.Lines[Missing]*c.Lines[Extra] != 0 {
				t.Errorf("%v: %d lines: %s", part, got, text(c))
			}
		}
	}
}

// TestWindow: more may be missing than is looked at at once.
func TestWindow(t *testing.T) {
	defer func(n int) { maxWindow = n }(maxWindow)
	maxWindow = 1000
	n, from, to := 24_000, 3_000, 20_000
	a := rows(t, n, 1, false, nil)
	b := rows(t, n, 1, false, func(i int) bool { return i >= from && i < to })
	for _, c := range []*Comparison{compare(t, a, b, Options{Late: -1}), compare(t, b, a, Options{Late: -1})} {
		if c.Lines[Missing]+c.Lines[Extra] != int64(to-from) || c.Lines[Missing]*c.Lines[Extra] != 0 || c.Total() > 8 {
			t.Errorf("%v: %s", c.Lines, text(c))
		}
	}
}

// TestApart: connections that came all at once in the one journal and one after
// the other in the other are compared all the same.
func TestApart(t *testing.T) {
	defer func(n int) { maxWaiting = n }(maxWaiting)
	maxWaiting = 2000
	n := 12_000
	a := rows(t, n, 4, false, nil)
	var lines [4][]string
	for rec, err := range a.Records(t.Context(), journal.Filter{Dir: wire.S2C}) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Kind == journal.KindLine {
			lines[rec.Conn-1] = append(lines[rec.Conn-1], string(rec.Data))
		}
	}
	var s story
	for c, list := range lines {
		s = append(s, happening{t: 1e18, conn: uint64(c + 1), kind: journal.KindOpen},
			happening{t: 1e18, conn: uint64(c + 1), dir: wire.C2S, line: fmt.Sprintf("NAME w%d\nREPLICATE \n", c+1)})
		for i, l := range list {
			s = append(s, happening{t: 1e18 + int64(i)*4000, conn: uint64(c + 1), dir: wire.S2C, line: l})
		}
		s = append(s, happening{t: 2e18, conn: uint64(c + 1), kind: journal.KindClose, ev: journal.Event{How: "fin", By: "master"}})
	}
	if c := compare(t, a, s.write(t, journal.Options{}), Options{Late: -1}); c.Verdict != Same {
		t.Error(text(c))
	}
	slices.Reverse(s[2 : len(lines[0])+2]) // of one connection nothing is where it was
	c := compare(t, a, s.write(t, journal.Options{}), Options{Late: -1})
	if c.Verdict == Same || c.Verdict == Inconclusive && !strings.Contains(c.Why, "out of step") {
		t.Error(text(c))
	}
}

func BenchmarkCompare(b *testing.B) {
	const n = 200_000
	x, y := rows(b, n, 3, false, nil), rows(b, n, 3, false, nil)
	b.ReportAllocs()
	for b.Loop() {
		if c := compare(b, x, y, Options{}); c.Verdict != Same {
			b.Fatal(text(c))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/line")
}
