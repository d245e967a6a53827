package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"repltap/wire"
)

// TestOneRelease: every command that needs a release takes the same one for the
// same journal, and it is one that the recorded release is like.
func TestOneRelease(t *testing.T) {
	captures, _ := filepath.Glob(filepath.Join("..", "..", "testdata", "captures", "*", "*"))
	for _, capture := range captures {
		name := filepath.Base(capture)
		if strings.HasSuffix(name, "probes") || strings.HasSuffix(name, "fakemaster") { // one of the ends is no Synapse
			continue
		}
		recorded := filepath.Base(filepath.Dir(capture))
		t.Run(recorded+"/"+name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "j")
			toRun(t, statusFine, "import", capture, "--journal", dir)
			answers := releaseAnswers(t, dir)
			for command, release := range answers {
				if release != answers["replay"] {
					t.Errorf("%s says %s, replay %s", command, release, answers["replay"])
				}
			}
			was, err := wire.ParseRelease(recorded)
			plays, err2 := wire.ParseRelease(answers["replay"])
			if err != nil || err2 != nil || plays.Set().Dialects() != was.Set().Dialects() {
				t.Errorf("%s is played as %s", recorded, answers["replay"])
			}
		})
	}
}

// releaseAnswers is the release of a journal by each command.
func releaseAnswers(t *testing.T, dir string) map[string]string {
	t.Helper()
	var report struct {
		Announced struct{ Release string }
	}
	fromJSON(t, toRun(t, statusFine, "report", dir, "--format", "json"), &report)
	answers := map[string]string{"report": report.Announced.Release}
	for command, args := range map[string][]string{
		"explain": {"explain", dir, "events", "53", "--format", "json"},
		"replay":  {"replay", dir, "--dry-run", "--format", "json"},
		"like":    {"worker", "--like", dir, "--connect", "127.0.0.1:1", "--once", "--format", "json"},
	} {
		var answer struct{ Release string }
		fromJSON(t, toRun(t, -1, args...), &answer)
		answers[command] = answer.Release
	}
	return answers
}

func fromJSON(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
}

// toRun runs a command and gives what it prints; a status of -1 may be any.
func toRun(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if status := run(t.Context(), args, strings.NewReader(""), &out, &errs); status != want && want >= 0 {
		t.Fatal(fmt.Sprintf("%q: status %d, want %d: ", args, status, want), errs.String())
	}
	return out.String()
}
