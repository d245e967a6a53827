package profile

import (
	"context"
	"os"
	"regexp"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// tape is a journal that a test writes. Its clock is that of the journal's start.
type tape struct {
	t    testing.TB
	dir  string
	w    *journal.Writer
	s    *journal.Scribe
	sent map[[2]uint64]int64
}

// tapeStart is when tapes begin.
var tapeStart = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newTape(t testing.TB) *tape {
	t.Helper()
	dir := t.TempDir()
	w, err := journal.Create(dir, journal.Options{Anchor: tapeStart, Past: true})
	if err != nil {
		t.Fatal(err)
	}
	return &tape{t: t, dir: dir, w: w, s: journal.NewScribe(w, wire.AllReleases, nil), sent: map[[2]uint64]int64{}}
}

func (x *tape) open(at time.Duration, conn uint64) {
	x.s.Open(tapeStart.UnixNano()+int64(at), conn, journal.Event{Peer: "127.0.0.1:1"})
}

// say puts text on a connection, in one read.
func (x *tape) say(at time.Duration, conn uint64, dir wire.Direction, text string) {
	k := [2]uint64{conn, uint64(dir)}
	x.s.Chunk(tapeStart.UnixNano()+int64(at), conn, dir, x.sent[k], []byte(text))
	x.sent[k] += int64(len(text))
}

func (x *tape) s2c(at time.Duration, conn uint64, text string) { x.say(at, conn, wire.S2C, text) }
func (x *tape) c2s(at time.Duration, conn uint64, text string) { x.say(at, conn, wire.C2S, text) }

func (x *tape) close(at time.Duration, conn uint64) {
	s2c, c2s := x.sent[[2]uint64{conn, uint64(wire.S2C)}], x.sent[[2]uint64{conn, uint64(wire.C2S)}]
	x.s.Close(tapeStart.UnixNano()+int64(at), conn, journal.Event{How: "fin", By: "worker", S2C: &s2c, C2S: &c2s})
}

// profile ends the tape and says what is in it.
func (x *tape) profile(o Options) *Profile {
	x.t.Helper()
	x.done()
	return x.take(o)
}

func (x *tape) done() {
	if err := x.w.Close(); err != nil {
		x.t.Fatal(err)
	}
}

func (x *tape) take(o Options) *Profile {
	x.t.Helper()
	r, err := journal.Open(x.dir)
	if err != nil {
		x.t.Fatal(err)
	}
	p, err := Take(context.Background(), r, o)
	if err != nil {
		x.t.Fatal(err)
	}
	return p
}

// records calls for each record of the tape.
func (x *tape) records(each func(*journal.Record)) {
	x.t.Helper()
	r, err := journal.Open(x.dir)
	if err != nil {
		x.t.Fatal(err)
	}
	for rec, err := range r.Records(context.Background(), journal.Filter{}) {
		if err != nil {
			x.t.Fatal(err)
		}
		each(rec)
	}
}

// Every code has its sentence.
func TestMeanings(t *testing.T) {
	text, err := os.ReadFile("../../wire/finding.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`= "([EWI]-[^"]+)"`).FindAllSubmatch(text, -1)
	if len(codes) < 30 {
		t.Fatalf("only %d codes were found", len(codes))
	}
	for _, c := range codes {
		if meanings[string(c[1])] == "" {
			t.Errorf("nothing says what %s means", c[1])
		}
	}
}
