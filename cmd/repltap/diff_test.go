package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"repltap/analyze"
)

// TestDiffCaptures: every capture that is imported twice, each time under a key of
// its own, is the same.
func TestDiffCaptures(t *testing.T) {
	folders, _ := filepath.Glob(filepath.Join("..", "..", "testdata", "captures", "*", "*"))
	if len(folders) < 5 {
		t.Fatalf("only %d captures", len(folders))
	}
	for _, folder := range folders {
		files, _ := filepath.Glob(filepath.Join(folder, "*.zst"))
		for _, redact := range []string{"none", "secrets"} {
			a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
			mustRun(t, append([]string{"import", "--redact", redact, "--journal", a}, files...)...)
			mustRun(t, append([]string{"import", "--redact", redact, "--journal", b}, files...)...)
			checkSame(t, len(files), a, b)
		}
	}
}

// checkSame compares two journals, of which nothing may be different.
func checkSame(t *testing.T, conns int, a, b string) {
	t.Helper()
	var c analyze.Comparison
	if err := json.Unmarshal([]byte(mustRun(t, "diff", a, b, "--format", "json")), &c); err != nil {
		t.Fatal(err)
	}
	if c.Verdict != analyze.Same || len(c.Differences) != 0 || len(c.Endings) != conns || c.Recorded.Lines == 0 {
		t.Errorf("%s: %s of %d connections: %s", a, c.Verdict, len(c.Endings), c.Why)
	}
}

// TestDiffCutOff: that redaction leaves out a line which a reset cut off is no
// reason for doubt.
func TestDiffCutOff(t *testing.T) {
	dir := t.TempDir()
	capture := filepath.Join(dir, "cut.jsonl")
	text := fmt.Sprintf(`{"t":1,"event":"open"}
{"t":2,"dir":"c2s","data":%q}
{"t":3,"dir":"s2c","data":%q}
{"t":4,"event":"reset_s2c"}
{"t":5,"event":"close"}
`, base64.StdEncoding.EncodeToString([]byte("NAME w1\n")),
		base64.StdEncoding.EncodeToString([]byte("RDATA to_device master batch [\"@a:b\"]\nRDATA to_device master ba")))
	if err := os.WriteFile(capture, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		mustRun(t, "import", capture, "--journal", filepath.Join(dir, name))
	}
	mustRun(t, "import", capture, "--redact", "none", "--journal", filepath.Join(dir, "plain"))
	checkSame(t, 1, filepath.Join(dir, "a"), filepath.Join(dir, "b"))
	checkSame(t, 1, filepath.Join(dir, "a"), filepath.Join(dir, "plain"))
}
