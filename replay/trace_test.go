package replay

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"repltap/wire"
)

// The traces were made by running Synapse's own classes with a fake transport,
// clock and store; see testdata/traces/README.md. REPLTAP_TRACES names another
// folder of them.

// traceBegan is when the clock of every trace starts.
const traceBegan = 1600000000000 * int64(time.Millisecond)

// traceDisagreements are the scripts with which we do not agree, by file and
// name or seed, each with the reason. There are none.
var traceDisagreements = map[string]string{}

// eachTrace runs check on every script of the files that match. What check says
// is what differs; "" when nothing does.
func eachTrace[T any](t *testing.T, pattern string, check func(s *T) (name, difference string)) {
	dir := os.Getenv("REPLTAP_TRACES")
	if dir == "" {
		dir = filepath.Join("..", "testdata", "traces")
	}
	files, _ := filepath.Glob(filepath.Join(dir, pattern))
	if len(files) == 0 {
		t.Fatalf("no traces %s in %s", pattern, dir)
	}
	for _, file := range files {
		base, _, _ := strings.Cut(filepath.Base(file), ".jsonl")
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			n, bad := 0, 0
			for line := range bytes.Lines(readZstd(t, file)) {
				var s T
				if err := json.Unmarshal(line, &s); err != nil {
					t.Fatal(err)
				}
				n++
				name, difference := check(&s)
				reason, known := traceDisagreements[base+" "+name]
				if difference != "" && !known {
					if bad++; bad <= 5 {
						t.Errorf("script %s: %s", name, difference)
					}
				}
				if difference == "" && known {
					t.Errorf("script %s agrees, though it is listed: %s", name, reason)
				}
			}
			t.Logf("%d of %d scripts agree", n-bad, n)
			if n == 0 {
				t.Error("no scripts")
			}
		})
	}
}

func readZstd(t testing.TB, file string) []byte {
	t.Helper()
	packed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := r.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// firstDifference compares two lists of what happened, line by line.
func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		g, w := "nothing more", "nothing more"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			return "entry " + itoa(i) + " is\n     " + abbreviate(g) + "\nwant " + abbreviate(w)
		}
	}
	return ""
}

func abbreviate(s string) string {
	if len(s) > 400 {
		return s[:300] + " … " + s[len(s)-90:]
	}
	return s
}

func itoa(n int) string { return string(mustJSON(n)) }

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// spaced is compact JSON as releases up to 1.18 write it: with a space after
// commas and colons.
func spaced(compact []byte) []byte {
	var out []byte
	inside, escaped := false, false
	for _, c := range compact {
		out = append(out, c)
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = inside
		case c == '"':
			inside = !inside
		case (c == ',' || c == ':') && !inside:
			out = append(out, ' ')
		}
	}
	return out
}

var since1_19 = release("1.19.0")

// rowJSON is a row of a script as the release writes it.
func rowJSON(r wire.Release, raw json.RawMessage) []byte {
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		panic(err)
	}
	if r < since1_19 {
		return spaced(compact.Bytes())
	}
	return compact.Bytes()
}

// judge is what the receiver makes of a line without its newline.
func judge(r wire.Receiver, dir wire.Direction, line string, p *wire.Parsed) wire.Verdict {
	return r.Judge(dir, wire.Piece{Kind: wire.PieceLine, Text: []byte(line + "\n")}, p)
}
