package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A journal that is damaged or cut short anywhere is told to be so in plain
// words, or gives back exactly what it got. Nothing in between.
func TestDamagedJournal(t *testing.T) {
	var text strings.Builder
	for i := range 20000 {
		text.WriteString(killLine(i * 31))
	}
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain.txt")
	if err := os.WriteFile(plain, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "import", plain, "--journal", filepath.Join(dir, "j"))
	whole, err := os.ReadFile(filepath.Join(dir, "j", "0000000001.journal"))
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRun(t, "log", filepath.Join(dir, "j"), "--conn", "1", "--format", "raw"); got != text.String() {
		t.Fatal("the whole journal does not give back what it got")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	noticed := 0
	for i := range 120 {
		b := bytes.Clone(whole)
		at := rnd.IntN(len(b))
		what := fmt.Sprintf("bit flipped at byte %d", at)
		if i%3 == 0 {
			b, what = b[:at], fmt.Sprintf("cut at byte %d", at)
		} else {
			b[at] ^= 1 << rnd.IntN(8)
		}
		if damaged(t, filepath.Join(dir, "0000000001.journal"), b, what, text.String()) {
			noticed++
		}
	}
	if noticed == 0 {
		t.Error("no damage was noticed at all")
	}
}

// damaged looks at one damaged file, and says whether that was noticed.
func damaged(t *testing.T, file string, b []byte, what, want string) bool {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	raw, logErr, logStatus := repltap(t, "log", file, "--conn", "1", "--format", "raw")
	out, verifyErr, verifyStatus := repltap(t, "verify", file)
	for _, said := range []string{logErr, out, verifyErr} {
		if strings.Contains(said, "fault in repltap") || strings.Contains(said, "goroutine") {
			t.Fatalf("%s: %s", what, said)
		}
	}
	switch {
	case logStatus == statusFine && raw != want:
		t.Errorf("%s: log gives %d of %d bytes and says that all is fine", what, len(raw), len(want))
	case verifyStatus == statusFine && raw != want:
		t.Errorf("%s: verify says that all is fine, and log gives %d of %d bytes", what, len(raw), len(want))
	case logStatus == statusUsage || verifyStatus == statusUsage:
		t.Errorf("%s: exit statuses %d and %d", what, logStatus, verifyStatus)
	}
	return verifyStatus != statusFine
}
