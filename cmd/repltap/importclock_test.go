package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// set is a clock that is set by so much after so long.
type set struct{ after, by time.Duration }

// captureOfClock writes a capture of two workers for two minutes, one file each or
// one for both, by a clock that is set meanwhile.
func captureOfClock(t *testing.T, dir string, apart bool, rows time.Duration, sets []set) (files []string) {
	t.Helper()
	const length = 2 * time.Minute
	type event struct {
		at   time.Duration
		conn int
		dir  string
		text string
	}
	var events []event
	for conn := 1; conn <= 2; conn++ {
		shift := time.Duration(conn) * 1300 * time.Millisecond
		add := func(at time.Duration, dir, text string) { events = append(events, event{at, conn, dir, text}) }
		add(shift/100, "s2c", "SERVER lab.test\nPING 1\n")
		add(shift/90, "c2s", fmt.Sprintf("NAME w%d\nPING 1\nREPLICATE \n", conn))
		add(shift/80, "s2c", "POSITION events master 5 5\n")
		for at := shift; at < length; at += 5 * time.Second {
			add(at+time.Duration(at%7)*time.Millisecond, "s2c", "PING 2\n")
			add(at+600*time.Millisecond+time.Duration(at%11)*time.Millisecond, "c2s", "PING 2\n")
		}
		for i, at := 6, rows; rows > 0 && at < length; i, at = i+1, at+rows {
			add(at, "s2c", fmt.Sprintf("RDATA events master %d [\"ev\",[\"$e%d\",\"!r:x\",\"m.room.message\",null,null,null,null,false,false]]\n", i, i))
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
	texts := map[string]*strings.Builder{}
	for _, e := range events {
		name := "capture.jsonl"
		if apart {
			name = fmt.Sprintf("conn-%d.jsonl", e.conn)
		}
		if texts[name] == nil {
			texts[name] = &strings.Builder{}
			files = append(files, filepath.Join(dir, name))
		}
		at := time.Unix(1_900_000_000, 0).Add(e.at)
		for _, s := range sets {
			if e.at >= s.after {
				at = at.Add(s.by)
			}
		}
		fmt.Fprintf(texts[name], `{"t":%d,"conn":%d,"dir":%q,"data":%q}`+"\n", at.UnixNano(), e.conn, e.dir, base64.StdEncoding.EncodeToString([]byte(e.text)))
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// What a clock that was set did to the times of a capture is undone, and told: by
// import, log, report and verify.
func TestClockSet(t *testing.T) {
	seconds := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	for _, c := range []struct {
		sets []set
		want []string
	}{
		{nil, nil},
		{[]set{{seconds(50), seconds(-600)}}, []string{"went back by 600 s"}},
		{[]set{{seconds(50.3), seconds(-2)}}, []string{"went back by 2 s"}},
		{[]set{{seconds(61.1), seconds(-5)}}, []string{"went back by 5 s"}},
		{[]set{{seconds(50.3), seconds(3.5)}}, []string{"may have gone on by 3.5 s"}},
		{[]set{{seconds(50.3), seconds(10)}}, []string{"may have gone on by 10 s"}},
		{[]set{{seconds(50.3), seconds(600)}}, []string{"may have gone on by 600 s"}},
		{[]set{{seconds(40.3), seconds(-7200)}, {seconds(80.1), seconds(7200)}}, []string{"went back by 7200 s", "may have gone on by 7200 s"}},
	} {
		for _, rows := range []time.Duration{0, 300 * time.Millisecond, 7 * time.Second} {
			for _, apart := range []bool{false, true} {
				if name := fmt.Sprintf("%v, rows every %v, apart %v", c.sets, rows, apart); !t.Run(name, func(t *testing.T) { clockSet(t, apart, rows, c.sets, c.want) }) {
					return
				}
			}
		}
	}
}

func clockSet(t *testing.T, apart bool, rows time.Duration, sets []set, want []string) {
	dir := t.TempDir()
	j := filepath.Join(dir, "j")
	files := captureOfClock(t, dir, apart, rows, sets)
	_, said, status := repltap(t, append(append([]string{"import"}, files...), "--journal", j)...)
	if status != 0 || strings.Count(said, "the clock") != len(want) {
		t.Fatalf("import: status %d\n%s", status, said)
	}
	log, text, verify := mustRun(t, "log", j), mustRun(t, "report", j), mustRun(t, "verify", j)
	for _, w := range want {
		for what, s := range map[string]string{"import": said, "log": log, "verify": verify} {
			if !strings.Contains(s, w) {
				t.Errorf("%s does not say %q:\n%.3000s", what, w, s)
			}
		}
	}
	if (len(want) > 0) != strings.Contains(text, "- The clock ") {
		t.Errorf("report says\n%.3000s", text)
	}
	// The times are those of the same capture with a clock that is right.
	plain := t.TempDir()
	mustRun(t, append(append([]string{"import"}, captureOfClock(t, plain, apart, rows, nil)...), "--journal", filepath.Join(plain, "j"))...)
	got, right := timesOf(t, j), timesOf(t, filepath.Join(plain, "j"))
	if len(got) != len(right) {
		t.Fatalf("%d lines, want %d", len(got), len(right))
	}
	for i := range got {
		if d := got[i].Sub(right[i]).Abs(); d > 300*time.Millisecond {
			t.Fatalf("line %d is at %v, and was at %v", i, got[i], right[i])
		}
	}
}

// timesOf are the times of a journal's lines.
func timesOf(t *testing.T, j string) (out []time.Time) {
	t.Helper()
	for text := range strings.Lines(mustRun(t, "log", j, "--format", "json")) {
		var rec struct {
			Kind string
			Time time.Time
		}
		if err := json.Unmarshal([]byte(text), &rec); err != nil {
			t.Fatal(err)
		}
		if rec.Kind == "line" {
			out = append(out, rec.Time)
		}
	}
	return out
}

// No capture of real processes has a clock that was set, and files that were put
// one behind the other are none either.
func TestClockNotSet(t *testing.T) {
	folders, _ := filepath.Glob("../../testdata/captures/*/*")
	for _, folder := range folders {
		if st, err := os.Stat(folder); err != nil || !st.IsDir() {
			continue
		}
		if _, said, _ := repltap(t, "import", folder, "--journal", filepath.Join(t.TempDir(), "j")); strings.Contains(said, "the clock") {
			t.Errorf("%s:\n%s", folder, said)
		}
	}
	dir := t.TempDir()
	var both []byte
	for _, f := range captureOfClock(t, dir, true, time.Second, nil) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, b...)
	}
	one := filepath.Join(dir, "both.jsonl")
	if err := os.WriteFile(one, both, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, said, status := repltap(t, "import", one, "--journal", filepath.Join(dir, "j")); status != 0 || strings.Contains(said, "the clock") {
		t.Errorf("status %d\n%s", status, said)
	}
}
