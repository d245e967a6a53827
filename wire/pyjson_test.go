package wire

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestJSONExceptions holds what we say that Python's decoders raise against
// what they did (testdata/pyjson.jsonl: json of CPython 3.11 with a hook that
// refuses constants, as receivers have it, and simplejson 3.18.3). The file
// that REPLTAP_PYJSON names is taken as well.
func TestJSONExceptions(t *testing.T) {
	text, err := os.ReadFile("testdata/pyjson.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if more := os.Getenv("REPLTAP_PYJSON"); more != "" {
		b, err := os.ReadFile(more)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, b...)
	}
	libraries := map[string]jsonLibrary{
		"std":    {noConstants: true},
		"simple": {simple: true, skipsMark: true, callsInt: true},
	}
	n := 0
	for line := range bytes.Lines(text) {
		var v map[string]string
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		for name, lib := range libraries {
			if got := raises(&lib, v["t"]); got != v[name] {
				t.Errorf("%s: %.200q raises\n\t%s, want\n\t%s", name, v["t"], got, v[name])
			}
			if got := accepts(lib, v["t"]); got != (v[name] == "") {
				t.Errorf("%s: %.200q is accepted: %v", name, v["t"], got)
			}
			n++
		}
	}
	if n < 100 {
		t.Errorf("only %d texts", n)
	}
}

// accepts does what Parse does with a JSON argument.
func accepts(lib jsonLibrary, text string) bool {
	trimmed, around := trimJSON([]byte(text))
	notes := scanJSON(trimmed) | around
	return notes&jsonFails == 0 && (notes&jsonConstant == 0 || !lib.noConstants) && (notes&jsonMark == 0 || lib.skipsMark)
}

func raises(lib *jsonLibrary, text string) string {
	e := lib.exception([]byte(text))
	if e.kind == "" {
		return ""
	}
	return string(e.appendRepr(nil))
}

// TestDeepJSON: what is first to go one level too deep depends on the decoder.
func TestDeepJSON(t *testing.T) {
	const deep = "RecursionError('maximum recursion depth exceeded while "
	for unit, want := range map[string][2]string{
		`[`:           {deep + "decoding a JSON array from a unicode string')", deep + "decoding a JSON array from a unicode string')"},
		`{"a":`:       {deep + "decoding a JSON object from a unicode string')", deep + "decoding a JSON object from a unicode string')"},
		`[1,`:         {deep + "decoding a JSON array from a unicode string')", deep + "calling a Python object')"},
		`[1.5,`:       {deep + "decoding a JSON array from a unicode string')", deep + "decoding a JSON array from a unicode string')"},
		`{"a":1,"b":`: {deep + "decoding a JSON object from a unicode string')", deep + "calling a Python object')"},
	} {
		text := strings.Repeat(unit, 1200)
		if got := raises(&jsonLibrary{noConstants: true}, text); got != want[0] {
			t.Errorf("json: %s raises %s, want %s", unit, got, want[0])
		}
		if got := raises(&jsonLibrary{simple: true, callsInt: true}, text); got != want[1] {
			t.Errorf("simplejson: %s raises %s, want %s", unit, got, want[1])
		}
	}
}
