package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repltap/analyze"
	"repltap/journal"
)

// overLong records a worker of 1.66 that is told rows of caches: one before, some that
// are longer than a line may be, and one after.
func overLong(t *testing.T, redact string, rows ...string) (dir string) {
	t.Helper()
	var text strings.Builder
	ms := 0
	say := func(dir, data string) {
		for len(data) > 0 {
			n := min(len(data), 9000)
			ms++
			fmt.Fprintf(&text, "{\"t\":%d,\"dir\":%q,\"data\":%q}\n", 19e17+int64(ms)*1e6, dir, base64.StdEncoding.EncodeToString([]byte(data[:n])))
			data = data[n:]
		}
	}
	say("s2c", "SERVER hunt.test\nPING 1900000000010\n")
	say("c2s", "NAME w1\nPING 1900000000010\nREPLICATE \n")
	say("s2c", "POSITION caches master 480 480\n"+cacheRow(481, "short")+strings.Join(rows, "")+cacheRow(490, "short"))
	file := filepath.Join(t.TempDir(), "long.jsonl")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return imported(t, file, "--redact", redact)
}

func cacheRow(token int, key string) string {
	return fmt.Sprintf("RDATA caches master %d [\"f\",[%q],1900000000000]\n", token, key)
}

// TestOverLongLines: an over-long line is compared and explained as the one row that it
// is, and played to a worker, which does not take it.
func TestOverLongLines(t *testing.T) {
	key := strings.Repeat("k", 40_000)
	whole := overLong(t, "none", cacheRow(482, key), cacheRow(483, key))
	for name, c := range map[string]struct {
		rows    []string
		status  int
		verdict string
	}{
		"the same":    {[]string{cacheRow(482, key), cacheRow(483, key)}, 0, "SAME"},
		"one missing": {[]string{cacheRow(482, key)}, 3, "1 missing"},
		"one changed": {[]string{cacheRow(482, key), cacheRow(483, key[:39_999]+"x")}, 3, "1 changed"},
		"one more":    {[]string{cacheRow(482, key), cacheRow(483, key), cacheRow(484, key)}, 3, "1 extra"},
	} {
		stdout, stderr, status := repltap(t, "diff", whole, overLong(t, "none", c.rows...))
		if status != c.status || !strings.Contains(stdout, c.verdict) {
			t.Errorf("%s: status %d\n%s%s", name, status, stdout, stderr)
		}
	}
	stdout, _, status := repltap(t, "explain", whole, "caches", "483")
	if status != 3 || !strings.Contains(stdout, "over-long line of 40,0") || !strings.Contains(stdout, "RDATA caches master 483") {
		t.Errorf("explain: status %d\n%s", status, stdout)
	}
	run := filepath.Join(t.TempDir(), "run")
	c := selfReplay(t, whole, []string{"--speed", "max", "--journal", run}, []string{"--like", whole})
	if c.Verdict != analyze.Different || c.Coverage.Played.Lines < 4 || !strings.Contains(c.Why, "extra") {
		t.Errorf("%s: %s, %+v", c.Verdict, c.Why, c.Coverage)
	}
	if raw := mustRun(t, "log", run, "--format", "raw", "--direction", "s2c"); !strings.Contains(raw, cacheRow(482, key)) {
		t.Errorf("the line was not played as it was: %d bytes", len(raw))
	}
}

// TestReplayRedactsAsRecorded: the journal of a run is redacted as the recording is.
func TestReplayRedactsAsRecorded(t *testing.T) {
	for _, level := range []string{"none", "secrets", "personal"} {
		journalDir, run := overLong(t, level), filepath.Join(t.TempDir(), "run")
		c := selfReplay(t, journalDir, []string{"--speed", "max", "--journal", run}, []string{"--like", journalDir})
		r, err := journal.Open(run)
		if err != nil {
			t.Fatal(err)
		}
		if c.Verdict != analyze.Same || r.Info().Redact != level {
			t.Errorf("%s: %s, and the run is redacted %s: %s", level, c.Verdict, r.Info().Redact, c.Why)
		}
	}
}
