package wire

import (
	"bytes"
	"testing"
)

// rowTexts are rows as they are and as they are not.
var rowTexts = []string{
	`[]`, `[1]`, `["a"]`, `{}`, `{"a":1}`, `["ev",["$a","!r",null,true,0]]`, `["pd",{"state":{"a":[]},"dests":[]}]`,
	`["a", "b"]`, `["a" ,"b"]`, `[ "a"]`, `["a",  "b"]`, `["a",]`, `[,]`, `["a"`, `["a"]]`, `["a"] x`, `"a"`, `5`, `-5`, `-`, `05`, `5.`, `5.5`, `5e3`, `5e`,
	`-0`, `1e999`, `NaN`, `[NaN]`, `[-Infinity]`, `[Infinity]`, `null`, `nul`, `[true,false,null]`, `[tru]`, `["\u00e4\ud800","\/","\n","\x"]`,
	`["\u00e4\ud800","\/","\n"]`, `["\u12"]`, "[\"\x01\"]", "[\"\x7f\"]", `["ä"]`, `[ä]`, `{"a" :1}`, `{"a":1,"b": 2}`, `{"a":1,}`, `{a:1}`, `{"a"}`, `{"a":1]`, `["a"}`,
	`[[[[[[1]]]]]]`, `[{"a":{"b":[{}]}},[]]`, ``, `[`, `{`, `"`, `"\`, `[1`, `[1,`, `{"a":`, `[12345678901234567890123]`,
	`["ev",["$a", "!r"],["x"]]`, `[[],["a",1]]`, `[[1,2],3,[4]]`,
}

// TestRowScanAgrees: the quick look says what the thorough ones say, or leaves
// it to them.
func TestRowScanAgrees(t *testing.T) {
	for _, text := range rowTexts {
		rowScanAgrees(t, []byte(text))
	}
	var skipped, looked int
	for _, c := range captures(t) {
		c.play(NewConversation(AllReleases), func(_ Direction, p Piece, _ []Finding) {
			if g := GistOf(p.Text); p.Kind == PieceLine && g.Row != nil {
				looked++
				if !rowScanAgrees(t, bytes.TrimSpace(g.Row)) {
					skipped++
				}
			}
		})
	}
	if looked < 1000 || skipped > 10 {
		t.Errorf("of %d real rows %d were left out", looked, skipped)
	}
}

func FuzzRowScan(f *testing.F) {
	for _, text := range rowTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) { rowScanAgrees(t, bytes.Trim(b, jsonBlanks)) })
}

func rowScanAgrees(t *testing.T, b []byte) bool {
	t.Helper()
	notes := scanJSON(b)
	var v rowView
	if !v.scan(b) {
		plain := notes&(jsonFails|jsonConstant) == 0
		if plain && bytes.Count(b, []byte{'['})+bytes.Count(b, []byte{'{'}) <= scanDepth {
			t.Errorf("%.80q is not made out, notes %b", b, notes)
		}
		return false
	}
	if v.notes != notes {
		t.Errorf("%.80q: notes %b, not %b", b, v.notes, notes)
	}
	var elements [2][]byte
	if n := elementsOf(b, elements[:]); v.whole == typeArray && v.outer.n != n {
		t.Errorf("%.80q: %d elements, not %d", b, v.outer.n, n)
	}
	if elements[0] != nil && elements[0][0] == '"' && string(v.tag) != string(elements[0][1:len(elements[0])-1]) {
		t.Errorf("%.80q: the tag is %q", b, v.tag)
	}
	if elements[1] != nil && elements[1][0] == '[' && v.inner.n != elementsOf(elements[1], nil) {
		t.Errorf("%.80q: %d inner elements", b, v.inner.n)
	}
	return true
}

func BenchmarkRowScan(b *testing.B) {
	_, _, lines := benchTraffic(b)
	var rows [][]byte
	for _, line := range lines {
		if g := GistOf(line); g.Row != nil {
			rows = append(rows, g.Row)
		}
	}
	b.ReportAllocs()
	var v rowView
	for b.Loop() {
		for _, row := range rows {
			if !v.scan(row) {
				b.Fatalf("%q", row)
			}
		}
	}
	perLine(b, len(rows))
}

func BenchmarkScanJSON(b *testing.B) {
	_, _, lines := benchTraffic(b)
	var rows [][]byte
	for _, line := range lines {
		if g := GistOf(line); g.Row != nil {
			rows = append(rows, g.Row)
		}
	}
	for b.Loop() {
		for _, row := range rows {
			if scanJSON(row)&jsonFails != 0 {
				b.Fatalf("%q", row)
			}
		}
	}
	perLine(b, len(rows))
}
