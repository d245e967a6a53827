package explain

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

const storyStart = int64(1_700_000_000_000_000_000)

// told makes a journal of lines of a time in milliseconds, a connection, and ">"
// for what the worker gets or "<" for what it sends, and the line.
func told(t testing.TB, story string) *journal.Reader {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "j")
	w, err := journal.Create(dir, journal.Options{Anchor: time.Unix(0, storyStart), Past: true, Redact: wire.RedactNone})
	if err != nil {
		t.Fatal(err)
	}
	scribe := journal.NewScribe(w, wire.AllReleases, nil)
	sent := map[uint64]*[3]int64{}
	for _, line := range strings.Split(strings.TrimSpace(story), "\n") {
		f := strings.SplitN(strings.TrimSpace(line), " ", 4)
		ms, err1 := strconv.ParseInt(f[0], 10, 64)
		conn, err2 := strconv.ParseUint(f[1], 10, 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("what is %q?", line)
		}
		at := storyStart + ms*1e6
		if sent[conn] == nil {
			sent[conn] = &[3]int64{}
			scribe.Open(at, conn, journal.Event{})
		}
		n := sent[conn]
		switch f[2] {
		case "close":
			scribe.Close(at, conn, journal.Event{How: "fin", By: "worker", S2C: &n[wire.S2C], C2S: &n[wire.C2S]})
		case "gap":
			scribe.Gap(at, conn, wire.S2C, journal.Event{Bytes: 10, Lines: 1, Reason: "queue full"})
			n[wire.S2C] += 10
		default:
			dir := map[string]wire.Direction{">": wire.S2C, "<": wire.C2S}[f[2]]
			scribe.Chunk(at, conn, dir, n[dir], []byte(f[3]+"\n"))
			n[dir] += int64(len(f[3]) + 1)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func ask(t testing.TB, r *journal.Reader, q Question) *Story {
	t.Helper()
	s, err := Explain(t.Context(), r, q, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := json.Marshal(s); err != nil || strings.Contains(string(text), ":null,\"workers\"") {
		t.Fatalf("%s, %v", text, err)
	}
	return s
}

// fates is what became of the token, a worker a line.
func (s *Story) fates() string {
	var b strings.Builder
	for _, w := range s.Workers {
		at := "-"
		if w.Line != nil {
			at = w.Line.At.Digits()
		}
		fmt.Fprintf(&b, "%s %s%s at %s after %s\n", w.Worker, w.Instance, w.Fate, at, w.Delay.Digits())
	}
	return b.String()
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if g, w := strings.Fields(got), strings.Fields(want); strings.Join(g, " ") != strings.Join(w, " ") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// w1 gets a row at once and w2 later; w3 comes too late and is told by a POSITION;
// w4 gets it before any POSITION; w5 was told to be further; w6 gets nothing more.
const oneToken = `
	0 1 < NAME w1
	0 2 < NAME w2
	0 4 > SERVER s
	0 4 < NAME w4
	0 5 < NAME w5
	0 6 < NAME w6
	0 7 < NAME w3
	1 1 > POSITION to_device master 10 10
	1 2 > POSITION to_device master 10 10
	1 7 > POSITION to_device master 10 10
	2 6 > POSITION to_device master 10 10
	3 7 close
	10 1 > RDATA to_device master batch ["@a:x"]
	10 1 > RDATA to_device master 12 ["@b:x"]
	25 2 > RDATA to_device master batch ["@a:x"]
	25 2 > RDATA to_device master 12 ["@b:x"]
	30 4 > RDATA to_device master 12 ["@b:x"]
	40 3 < NAME w3
	41 3 > POSITION to_device master 15 15
	42 5 > POSITION to_device master 13 13
	43 1 > POSITION to_device master 12 13`

func TestOneToken(t *testing.T) {
	s := ask(t, told(t, oneToken), Question{Stream: "to_device", Token: 12})
	want(t, s.fates(), `
		w1 masterdelivered at 0.010000 after 0.000
		w2 masterdelivered at 0.025000 after 15.000
		w3 masterwould fetch at 0.041000 after 31.000
		w4 masterdiscarded at 0.030000 after 20.000
		w5 masterwas past it at 0.042000 after
		w6 masternot yet at - after`)
	if why := s.Workers[3].Why; !strings.Contains(why, "no POSITION") {
		t.Error(why)
	}
	if why := s.Workers[2].Why; !strings.Contains(why, "it was at 10") || !strings.Contains(why, "on connection 7") {
		t.Error(why)
	}
	if len(s.Writers) != 1 || s.Complete || !s.Came {
		t.Fatalf("%+v", s)
	}
	w := s.Writers[0]
	if w.Instance != "master" || w.Rows != 2 || len(w.Group) != 2 || w.Times != 3 || w.First.Conn != 1 || w.Before != nil || w.Announced.Token != 15 || w.Covered != nil {
		t.Errorf("%+v", w)
	}
}

// A token that never came: what is around it, and who said there is nothing. One
// release fetches it, and a later one believes that there is none.
func TestTokenThatNeverCame(t *testing.T) {
	r := told(t, `
		0 1 < NAME w1
		1 1 > POSITION to_device m 10 10
		2 1 > RDATA to_device m 11 ["@a:x"]
		3 1 > POSITION to_device m 11 20
		4 1 > RDATA to_device m 21 ["@a:x"]`)
	s := ask(t, r, Question{Stream: "to_device", Token: 15})
	w := s.Writers[0]
	if s.Came || s.Complete || w.First != nil || w.Before.Token != 11 || w.After.Token != 21 || w.Covered.Text != "POSITION to_device m 11 20" || w.Passed.Seq != w.Covered.Seq {
		t.Errorf("%+v", w)
	}
	want(t, s.fates(), "w1 mskipped at 0.003000 after")
	s = ask(t, r, Question{Stream: "to_device", Token: 99})
	if s.Writers[0].Before.Token != 21 || s.Writers[0].After != nil {
		t.Errorf("%+v", s.Writers[0])
	}
	want(t, s.fates(), "w1 mnot yet at - after")
}

// The same lines are taken in up to 1.15 and thrown away from then on.
func TestTheRuleOfTheRelease(t *testing.T) {
	r := told(t, `
		0 1 < NAME w1
		1 1 > POSITION push_rules master 8
		2 1 > RDATA push_rules master 5 ["@a:x"]`)
	for release, fate := range map[string]string{"1.14.0": Delivered, "1.16.0": Discarded} {
		s := ask(t, r, Question{Stream: "push_rules", Token: 5, Release: parse(t, release)})
		// At first it stood at 8, which is past it; the row decides.
		if got := s.Workers[0]; got.Fate != fate {
			t.Errorf("%s: %s (%s)", release, got.Fate, got.Why)
		}
	}
}

func parse(t *testing.T, release string) wire.Release {
	r, err := wire.ParseRelease(release)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Up to 1.12 REPLICATE says where a worker is.
func TestAskedToken(t *testing.T) {
	s := ask(t, told(t, `
		0 1 < NAME w1
		0 1 < REPLICATE events 5
		0 2 < NAME w2
		0 2 < REPLICATE events 7
		1 1 > RDATA events 6 ["ev", ["$e", "!r:x", "m.t", null, null, null]]
		2 1 > POSITION events 7
		2 2 > POSITION events 7`), Question{Stream: "events", Token: 6})
	want(t, s.fates(), `
		w1 delivered at 0.001000 after 0.000
		w2 was past it at 0.000000 after`)
	if !s.Complete {
		t.Errorf("%+v", s)
	}
}

// Two instances with the same token are two stories; a gap leaves doubt.
func TestInstancesAndGaps(t *testing.T) {
	r := told(t, `
		0 1 < NAME w1
		1 1 > POSITION caches a 5 5
		1 1 > POSITION caches w1 5 5
		2 1 > RDATA caches a 6 ["f",["x"],1]
		3 1 > RDATA caches w1 6 ["f",["x"],1]
		4 1 gap`)
	s := ask(t, r, Question{Stream: "caches", Token: 6})
	want(t, s.fates(), "w1 adelivered at 0.002000 after 0.000 w1 w1own at 0.003000 after 0.000")
	if len(s.Writers) != 2 || s.Gaps != 1 || s.Complete {
		t.Errorf("%+v", s)
	}
	if s := ask(t, r, Question{Stream: "caches", Token: 6, Instance: "a"}); len(s.Writers) != 1 || len(s.Workers) != 1 {
		t.Errorf("%+v", s)
	}
}

// Many instances and workers, and a batch that nothing closes.
func TestBounds(t *testing.T) {
	var b strings.Builder
	for i := range 400 {
		fmt.Fprintf(&b, "%d %d < NAME w%d\n", i, i+1, i)
		fmt.Fprintf(&b, "%d %d > POSITION caches i%d 1 1\n", i, i+1, i)
		fmt.Fprintf(&b, "%d %d > RDATA caches i%d 2 [\"f\",[\"x\"],1]\n", i, i+1, i%300)
	}
	s := ask(t, told(t, b.String()), Question{Stream: "caches", Token: 2})
	if len(s.Writers) > maxWriters || len(s.Workers) > 2*maxWorkers {
		t.Errorf("%d writers, %d workers", len(s.Writers), len(s.Workers))
	}
	if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, "instances") || !strings.Contains(notes, "workers") {
		t.Error(notes)
	}
}

// Two connections of one name that both live are two workers: each takes the row
// in, though the other connected later.
func TestNamesakes(t *testing.T) {
	var lines []string
	say := func(at int, conn int, text string) { lines = append(lines, fmt.Sprintf("%d %d %s", at, conn, text)) }
	for conn := 1; conn <= 2; conn++ {
		say(conn*400, conn, "< NAME w1")
		say(conn*400, conn, "< REPLICATE ")
		say(conn*400, conn, "> POSITION to_device master 5 5")
	}
	for at := 5000; at <= 30000; at += 5000 {
		say(at, 1, "< PING 1")
		say(at+100, 2, "< PING 1")
	}
	for conn := 1; conn <= 2; conn++ {
		say(31000+conn, conn, `> RDATA to_device master 6 ["@a:x"]`)
	}
	s := ask(t, told(t, strings.Join(lines, "\n")), Question{Stream: "to_device", Token: 6})
	want(t, s.fates(), "w1 masterdelivered at 31.001000 after 0.000\nw1 masterdelivered at 31.002000 after 1.000")
}
