package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestScenarioCaptures imports what testdata/scenarios gives as captures: the
// journals are complete, and hold every byte of them.
func TestScenarioCaptures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "scenarios", "captures", "*.jsonl"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d captures: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "journal")
			if _, stderr, status := repltap(t, "import", file, "--journal", dir, "--redact", "none"); status != 0 {
				t.Fatalf("import: status %d: %s", status, stderr)
			}
			if stdout, _, status := repltap(t, "verify", dir); status != 0 {
				t.Errorf("verify: status %d: %s", status, stdout)
			}
			for of, want := range captureBytes(t, file) {
				got, _, _ := repltap(t, "log", dir, "--format", "raw", "--conn", fmt.Sprint(of.Conn), "--direction", of.Dir)
				if got != want.String() {
					t.Errorf("conn %d %s: %d bytes, want %d", of.Conn, of.Dir, len(got), want.Len())
				}
			}
		})
	}
}

// captureSide is one direction of a connection.
type captureSide struct {
	Conn int
	Dir  string
}

// captureBytes is what a capture has of each.
func captureBytes(t *testing.T, file string) map[captureSide]*bytes.Buffer {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sides := map[captureSide]*bytes.Buffer{}
	for line := range bytes.Lines(text) {
		var l struct {
			captureSide
			Data []byte
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		if len(l.Data) == 0 {
			continue
		}
		if sides[l.captureSide] == nil {
			sides[l.captureSide] = &bytes.Buffer{}
		}
		sides[l.captureSide].Write(l.Data)
	}
	if len(sides) == 0 {
		t.Fatal("there is nothing in it")
	}
	return sides
}
