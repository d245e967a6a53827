package profile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"repltap/wire"
)

// read is what one read of a capture returned.
type read struct {
	at   int64
	conn uint64
	dir  string
	data []byte
}

// reads are all of a folder of captures, in order of time.
func reads(t *testing.T, folder string) (all []read) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("..", "..", "testdata", "captures", filepath.FromSlash(folder), "*.jsonl.zst"))
	for i, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		for dec := json.NewDecoder(z); ; {
			var l struct {
				T    int64
				Dir  string
				Data []byte
			}
			if err := dec.Decode(&l); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if l.Data != nil {
				all = append(all, read{l.T, uint64(i + 1), l.Dir, l.Data})
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("nothing in %s", folder)
	}
	slices.SortStableFunc(all, func(a, b read) int { return cmp.Compare(a.at, b.at) })
	return all
}

// captured is the profile of a folder of captures.
func captured(t *testing.T, folder string) *Profile {
	t.Helper()
	s := newTeller(t)
	for _, r := range reads(t, folder) {
		what := map[string]string{"s2c": ">", "c2s": "<"}[r.dir]
		s.happen(r.at, r.conn, what, string(r.data[:len(r.data)-1])) // no read of these ended within a line
	}
	return take(t, s.end())
}

// What is counted of tokens is what a plain look at all lines at once gives: a
// row was seen first where its token was first seen, and rows count once.
func TestTokensAgainstAPlainCount(t *testing.T) {
	for _, folder := range []string{"0.99.0/01-mix", "1.12.4/02-reconnect-catchup", "1.19.0/01-mix", "1.66.0/01-mix"} {
		t.Run(folder, func(t *testing.T) {
			p := captured(t, folder)
			lines, tokens := map[string]int64{}, map[string]map[int64]bool{}
			for _, r := range reads(t, folder) {
				for l := range bytes.Lines(r.data) {
					g := wire.GistOf(l)
					if g.Command != wire.CmdRdata {
						continue
					}
					name := fmt.Sprintf("%s %s", g.Stream, g.Instance)
					lines[name]++
					if tokens[name] == nil {
						tokens[name] = map[int64]bool{}
					}
					if g.HasToken {
						tokens[name][g.Token] = true
					}
				}
			}
			anew := map[string]bool{}
			for _, row := range p.Tokens {
				name := row.Stream + " " + row.Instance
				lines[name] -= row.Lines
				anew[name] = anew[name] || row.Generation != None
			}
			for _, row := range p.Tokens {
				name := row.Stream + " " + row.Instance
				if lines[name] != 0 {
					t.Errorf("%s: %d lines more than are counted in all generations", name, lines[name])
				}
				if k := wire.StreamOf([]byte(row.Stream)); k.Tokens != 0 || anew[name] {
					continue // tokens come again by nature
				}
				if once := row.Groups - row.Repeats; once != int64(len(tokens[name])) {
					t.Errorf("%s: %d tokens, and plainly %d", name, once, len(tokens[name]))
				}
			}
		})
	}
}

// Streams of real masters are all announced.
func TestAnnouncedByRealMasters(t *testing.T) {
	for folder, n := range map[string]int{"1.19.0/01-mix": 16, "1.66.0/01-mix": 15} {
		if p := captured(t, folder); p.Announced.Expected != n || p.Announced.Announced != n {
			t.Errorf("%s: %+v, want all %d", folder, p.Announced, n)
		}
	}
}
