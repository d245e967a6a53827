package wire

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"testing"
)

type writerTokens struct {
	AfterStep int              `json:"after_step"`
	Tokens    map[string]int64 `json:"tokens"`
	Upto      int64            `json:"persisted_upto"`
}

// TestWriterPositionsTraces holds WriterPositions to what the store of real
// workers said after each step.
func TestWriterPositionsTraces(t *testing.T) {
	for _, file := range traceFiles(t, "writer-positions") {
		n := 0
		for line := range bytes.Lines(readZstd(t, file)) {
			var s struct {
				Release string
				Seed    int
				Start   writerTokens
				Steps   []struct {
					Advance struct {
						Writer string
						Token  int64
					}
				}
				Trace []writerTokens
			}
			if err := json.Unmarshal(line, &s); err != nil {
				t.Fatal(err)
			}
			w := NewWriterPositions(receiver(t, s.Release).Release, s.Start.Tokens)
			if w.Upto() != s.Start.Upto {
				t.Errorf("%s %d: begins at %d, want %d", filepath.Base(file), s.Seed, w.Upto(), s.Start.Upto)
			}
			for i, step := range s.Steps {
				w.Advance(step.Advance.Writer, step.Advance.Token)
				got, want := map[string]int64{}, s.Trace[i]
				for writer := range want.Tokens {
					got[writer] = w.Token(writer)
				}
				if !maps.Equal(got, want.Tokens) || w.Upto() != want.Upto {
					t.Errorf("%s %d step %d: %v up to %d, want %v", filepath.Base(file), s.Seed, i, got, w.Upto(), want)
					break
				}
			}
			n++
		}
		if n == 0 {
			t.Errorf("%s: no scripts", file)
		}
	}
}

// TestWriterPositionsSpans: the spans stay apart and above what is there.
func TestWriterPositionsSpans(t *testing.T) {
	w := NewWriterPositions(receiver(t, "1.66.0").Release, map[string]int64{"a": 10, "b": 10})
	for _, token := range []int64{20, 14, 12, 13, 14, 21, 19, 5, 11} {
		w.Advance("a", token)
		last := w.upto + 1
		for _, s := range w.ahead {
			if s.first <= last || s.last < s.first {
				t.Fatalf("after %d: up to %d, then %v", token, w.upto, w.ahead)
			}
			last = s.last + 1
		}
	}
	if w.Upto() != 14 || len(w.ahead) != 1 || w.ahead[0] != (tokenRun{19, 21}) {
		t.Errorf("up to %d, then %v", w.Upto(), w.ahead)
	}
}
