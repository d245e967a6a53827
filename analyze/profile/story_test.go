package profile

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

// storyStart is when the journals of stories begin.
const storyStart = int64(1_700_000_000_000_000_000)

// told makes a journal of a story: lines of a time in milliseconds, the number
// of a connection, and what happened there: "> line" to the worker, "< line" from
// it, "open", "close how by", or the kind of an event with its JSON, after the
// direction.
func told(t testing.TB, story string) *journal.Reader {
	t.Helper()
	s := newTeller(t)
	for _, line := range strings.Split(story, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			s.tell(line)
		}
	}
	return s.end()
}

type teller struct {
	t      testing.TB
	dir    string
	writer *journal.Writer
	scribe *journal.Scribe
	sent   map[uint64]*[3]int64
}

func newTeller(t testing.TB) *teller {
	dir := filepath.Join(t.TempDir(), "j")
	w, err := journal.Create(dir, journal.Options{Anchor: time.Unix(0, storyStart), Past: true, Redact: wire.RedactNone})
	if err != nil {
		t.Fatal(err)
	}
	return &teller{t: t, dir: dir, writer: w, scribe: journal.NewScribe(w, wire.AllReleases, nil), sent: map[uint64]*[3]int64{}}
}

func (s *teller) end() *journal.Reader {
	s.t.Helper()
	if err := s.writer.Close(); err != nil {
		s.t.Fatal(err)
	}
	r, err := journal.Open(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { r.Close() })
	return r
}

func (s *teller) tell(line string) {
	s.t.Helper()
	ms, rest, _ := strings.Cut(line, " ")
	number, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
	what, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
	at, err := strconv.ParseFloat(ms, 64)
	conn, err2 := strconv.ParseUint(number, 10, 64)
	if err != nil || err2 != nil {
		s.t.Fatalf("what is %q?", line)
	}
	s.happen(storyStart+int64(at*1e6), conn, what, rest)
}

func (s *teller) happen(at int64, conn uint64, what, rest string) {
	s.t.Helper()
	n := s.sent[conn]
	if n == nil {
		n = &[3]int64{}
		s.sent[conn] = n
	}
	switch what {
	case ">", "<":
		dir := wire.S2C
		if what == "<" {
			dir = wire.C2S
		}
		s.scribe.Chunk(at, conn, dir, n[dir], []byte(rest+"\n"))
		n[dir] += int64(len(rest) + 1)
	case "open":
		s.scribe.Open(at, conn, journal.Event{})
	case "close":
		how, by, _ := strings.Cut(rest, " ")
		s.scribe.Close(at, conn, journal.Event{How: how, By: by, S2C: &n[wire.S2C], C2S: &n[wire.C2S]})
	case "stall", "resume", "sample", "gap":
		kind := map[string]journal.Kind{"gap": journal.KindGap, "stall": journal.KindStall, "resume": journal.KindResume, "sample": journal.KindSample}[what]
		side, text, _ := strings.Cut(rest, " ")
		dir, err := wire.ParseDirection(side)
		if err != nil {
			s.t.Fatal(err)
		}
		var ev journal.Event
		if text != "" {
			if err := json.Unmarshal([]byte(text), &ev); err != nil {
				s.t.Fatal(err)
			}
		}
		s.scribe.Event(at, conn, dir, kind, ev)
	default:
		s.t.Fatalf("what is %q?", what)
	}
}

// profiled is the profile of a story.
func profiled(t testing.TB, story string) *Profile {
	t.Helper()
	return take(t, told(t, story))
}

func take(t testing.TB, r *journal.Reader) *Profile {
	t.Helper()
	p, err := Take(t.Context(), r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shown is some columns of a table, a row a line.
func shown(t testing.TB, p *Profile, table string, columns ...string) string {
	t.Helper()
	all, ok := p.Table(table)
	if !ok {
		t.Fatalf("no table %q", table)
	}
	var b strings.Builder
	for _, row := range all.Rows {
		var cells []string
		for _, name := range columns {
			cells = append(cells, cellOf(t, all, row, name))
		}
		fmt.Fprintln(&b, strings.Join(cells, " "))
	}
	return b.String()
}

func cellOf(t testing.TB, table Table, row []string, name string) string {
	t.Helper()
	for i, c := range table.Columns {
		if c.Name == name {
			if row[i] == "" {
				return "-"
			}
			return row[i]
		}
	}
	t.Fatalf("%s has no column %q", table.Name, name)
	return ""
}

// want compares what shown gives with the lines of want, whatever their indent.
func want(t testing.TB, got, want string) {
	t.Helper()
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(want), "\n") {
		fmt.Fprintln(&b, strings.TrimSpace(line))
	}
	if w := b.String(); got != w && !(strings.TrimSpace(want) == "" && got == "") {
		t.Errorf("got\n%swant\n%s", got, w)
	}
}

var noFilter = journal.Filter{}
