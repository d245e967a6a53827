package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
)

// FuzzLine holds together what must be true of every line, whatever it is: it is
// cut out of a stream in the same way however that comes, what is read strictly
// is written as it was, the verdict agrees with the parse, and redaction keeps
// both.
func FuzzLine(f *testing.F) {
	for _, line := range seedLines {
		f.Add([]byte(line), uint16(3))
	}
	for _, l := range redactLines {
		f.Add([]byte(l.line), uint16(20))
	}
	for _, line := range vectorSeeds(f) {
		f.Add(line, uint16(len(line)/2))
	}
	all := redactors()
	f.Fuzz(func(t *testing.T, text []byte, chop uint16) {
		pieces := splitAll(text, len(text))
		if chopped := splitAll(text, int(chop)+1); !samePieces(pieces, chopped) {
			t.Errorf("%q comes out differently when chopped", text)
		}
		for _, p := range pieces {
			if p.Kind == PieceLine {
				checkParse(t, p.Text)
				for _, level := range levels {
					checkRedacted(t, all[level], p.Text)
				}
			}
		}
		for _, level := range levels {
			checkFragments(t, all[level], pieces)
		}
	})
}

// vectorSeeds is some of the vectors.
func vectorSeeds(t testing.TB) (lines [][]byte) {
	files, _ := filepath.Glob(filepath.Join("..", "testdata", "vectors", "*.jsonl.zst"))
	for _, file := range files {
		n := 0
		for text := range bytes.Lines(readZstd(t, file)) {
			if n++; n%40 != 0 {
				continue
			}
			var v vector
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			if line, _ := base64.StdEncoding.DecodeString(v.Line); len(line) < 1000 {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// splitAll cuts a stream that comes n bytes at a time.
func splitAll(text []byte, n int) (pieces []Piece) {
	var s Splitter
	for len(text) > 0 {
		k := min(n, len(text))
		for p := range s.Split(text[:k]) {
			if p.Kind != PiecePartial {
				p.Text = bytes.Clone(p.Text)
				pieces = append(pieces, p)
			}
		}
		text = text[k:]
	}
	if p, ok := s.Flush(); ok {
		p.Text = bytes.Clone(p.Text)
		pieces = append(pieces, p)
	}
	return pieces
}

func samePieces(a, b []Piece) bool {
	return slices.EqualFunc(a, b, func(a, b Piece) bool {
		return a.Kind == b.Kind && a.Over == b.Over && bytes.Equal(a.Text, b.Text)
	})
}

// checkParse holds parse, append and verdict together.
func checkParse(t *testing.T, line []byte) {
	var p, q Parsed
	for _, d := range Dialects() {
		err := d.Parse(line, &p)
		for dir := S2C; dir <= C2S; dir++ {
			v := d.Receiver().Judge(dir, Piece{Text: line}, &q)
			if v.Action == ActAccept && (err != nil || !d.Allows(p.Command, dir)) {
				t.Errorf("%v %v: %q is accepted, but %v", d, dir, line, err)
			}
		}
		if err != nil {
			continue
		}
		again := bytes.Clone(p.Append(nil))
		if err := d.Parse(again, &q); err != nil || q.Command != p.Command || len(q.Fields()) != len(p.Fields()) {
			t.Errorf("%v: %q is written again %q: %v", d, line, again, err)
		}
		if d.ParseStrict(line, &p) == nil && !bytes.Equal(again, line) {
			t.Errorf("%v: strict %q is written again %q", d, line, again)
		}
	}
}

// checkFragments: what is kept of fragments is as long as they are, and lines
// among them change nothing.
func checkFragments(t *testing.T, r *Redactor, pieces []Piece) {
	var trail Trail
	for _, p := range pieces {
		if p.Kind != PieceFragment {
			continue
		}
		before := bytes.Clone(p.Text)
		out, ok := r.Fragment(nil, p, AllDialects, &trail)
		if ok && len(out) != len(p.Text) || !ok && out != nil {
			t.Errorf("%v: fragment %q became %q, %v", r.Level(), p.Text, out, ok)
		}
		if !bytes.Equal(before, p.Text) {
			t.Errorf("%v: fragment %q was written to", r.Level(), before)
		}
	}
}
