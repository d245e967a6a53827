package profile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// Lengths are counted by powers of two, and the long lines are found where they are.
func TestLengths(t *testing.T) {
	x := newTape(t)
	x.open(0, 1)
	x.s2c(0, 1, "SERVER lab.test\n")
	line := func(n int) string {
		head, tail := `RDATA caches master 7 ["f",["`, `"],1]`
		return head + strings.Repeat("k", n-len(head)-len(tail)) + tail + "\n"
	}
	for i, n := range []int{63, 64, 127, 128, nearLimit - 1, nearLimit, wire.MaxLine} {
		x.s2c(time.Duration(i+1)*time.Second, 1, line(n))
	}
	x.close(time.Minute, 1)
	p := x.profile(Options{})

	want := map[int64]int64{8: 1, 32: 1, 64: 2, 128: 1, 8192: 2, 16384: 1}
	for _, r := range p.LineLengths {
		if want[r.From] != r.Commands || r.To != 2*r.From-1 {
			t.Errorf("%d lines of %d to %d bytes, want %d", r.Commands, r.From, r.To, want[r.From])
		}
		delete(want, r.From)
	}
	if len(want) > 0 {
		t.Errorf("no lines are counted of the lengths %v", want)
	}
	if got, want := p.LineLimit, (LineLimit{Limit: 16384, Near: 13107, Lines: 2, Max: 16384}); got != want {
		t.Errorf("the limit is %+v, want %+v", got, want)
	}
	if len(p.NearLimit) != 2 || p.NearLimit[0].Length != nearLimit || p.NearLimit[0].At != At(6*time.Second) || p.NearLimit[0].OfLimit.Digits() != "80.00" {
		t.Errorf("near the limit: %+v", p.NearLimit)
	}
	if len(p.LongLines) != 8 || p.LongLines[0].Length != wire.MaxLine || p.LongLines[7].Topic != "SERVER" {
		t.Errorf("the longest: %+v", p.LongLines)
	}
	if len(p.StreamLongest) != 1 || p.StreamLongest[0].Stream != "caches" || p.StreamLongest[0].Length != wire.MaxLine || p.StreamLongest[0].Lines != 2 {
		t.Errorf("the longest of each stream: %+v", p.StreamLongest)
	}
}

// Of many lines of rising length the longest twenty are kept, and of equals the first.
func TestLongLines(t *testing.T) {
	l := newLengths(newSubjects())
	e := entry{conn: &connection{}}
	for i := range 500 {
		data := []byte("PING " + strings.Repeat("1", i/2) + "\n")
		e.Record = &journal.Record{Seq: uint64(i + 1), Kind: journal.KindLine, Dir: wire.S2C, Data: data, Gist: wire.GistOf(data)}
		l.take(&e)
	}
	var p Profile
	l.finish(&p)
	if len(p.LongLines) != maxLongLines {
		t.Fatalf("%d lines", len(p.LongLines))
	}
	for i, r := range p.LongLines {
		if r.Seq != uint64(499-i/2*2+i%2) {
			t.Errorf("number %d is record %d", i, r.Seq)
		}
	}
}

// Findings are counted with those that are not told one by one, violations come
// first, and the example shows nobody's name.
func TestFindings(t *testing.T) {
	x := newTape(t)
	x.open(0, 1)
	x.s2c(0, 1, "SERVER lab.test\nPING 1600000000000\n")
	x.c2s(0, 1, "NAME w1\nPING 1600000000000\nREPLICATE \n")
	x.s2c(time.Second, 1, "POSITION typing master 0 0\n")
	const odd = 1000
	for i := range odd {
		x.s2c(time.Second, 1, fmt.Sprintf("RDATA typing master %d [\"!secret:lab.test\",[\"@alice:lab.test\"],7]\n", i+1))
	}
	x.c2s(2*time.Second, 1, "USER_SYNC abcde @alice:lab.test begin 1600000000000\n")
	x.close(3*time.Second, 1)
	x.done()

	p := x.take(Options{})
	if len(p.Findings) < 2 || p.Findings[0].Code != wire.CodeStateWord || p.Findings[0].Severity != "violation" {
		t.Fatalf("findings: %+v", p.Findings)
	}
	f := p.Findings[0]
	if f.Count != 1 || f.Conns != 1 || f.Worker != "w1" || f.Dir != "c2s" || f.Topic != "USER_SYNC" || f.At != At(2*time.Second) || f.Verdict != "error" || f.Meaning == "" {
		t.Errorf("the violation: %+v", f)
	}
	for _, f := range p.Findings {
		if all := f.Line + f.Detail + f.Reply; strings.Contains(all, "alice") || strings.Contains(all, "secret") {
			t.Errorf("%s names names: %s", f.Code, all)
		}
		if f.Code == wire.CodeRowShape && (f.Count != odd || f.Told >= odd || f.Told < 100 || f.Topic != "typing" || !strings.HasPrefix(f.Line, "RDATA typing master 1 [")) {
			t.Errorf("of the rows: %+v", f)
		}
	}
	f = x.take(Options{Reveal: true}).Findings[0]
	if f.Line != "USER_SYNC abcde @alice:lab.test begin 1600000000000" || !strings.Contains(f.Reply, "alice") {
		t.Errorf("with names: %+v", f)
	}
}

// Of a worker's name as long as a line only the beginning is shown.
func TestLongWorker(t *testing.T) {
	x := newTape(t)
	x.c2s(0, 1, "NAME "+strings.Repeat("w", 16000)+"\n")
	x.c2s(0, 2, "NAME w1\n")
	p := x.profile(Options{})
	if got := p.Workers[1].Worker; len(p.Workers) != 2 || got != strings.Repeat("w", maxWorkerName)+"…" {
		t.Errorf("workers: %+v", p.Workers)
	}
}

// Whatever bytes names are made of, texts of a profile are UTF-8.
func TestTexts(t *testing.T) {
	x := newTape(t)
	x.s2c(0, 1, "RDATA \xff\xfe\u00e9 master 1 [1]\n")
	p := x.profile(Options{})
	if got := p.Streams[0].Stream; got != `\xff\xfeé` {
		t.Errorf("the stream is called %q", got)
	}
}
