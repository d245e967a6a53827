package report

import (
	"bytes"
	"encoding/csv"
	"os"
	"reflect"
	"strings"
	"testing"

	"repltap/analyze/profile"
)

// TestChangesDocumented: each field of the JSON of changes is in changes.md.
func TestChangesDocumented(t *testing.T) {
	text, err := os.ReadFile("changes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []reflect.Type{
		reflect.TypeFor[Changes](), reflect.TypeFor[Side](), reflect.TypeFor[SummaryChange](), reflect.TypeFor[NewRow](),
		reflect.TypeFor[TrafficChange](), reflect.TypeFor[NumberChange](),
	} {
		for i := range of.NumField() {
			if f := of.Field(i); f.IsExported() && !strings.Contains(string(text), "`"+jsonName(f)+"`") {
				t.Errorf("changes.md has no word about %s of %s", jsonName(f), of.Name())
			}
		}
	}
	if !strings.Contains(string(text), "`"+ChangesSchema+"`") {
		t.Errorf("changes.md is about another version than %s", ChangesSchema)
	}
}

// TestSectionsHaveAllTables: no table is told twice or not at all, and each has a
// section of its own.
func TestSectionsHaveAllTables(t *testing.T) {
	seen := map[string]int{}
	for _, s := range Sections((&profile.Profile{}).Tables()) {
		for _, table := range s.Tables {
			seen[table.Name]++
		}
		if s.Name == "more" {
			t.Errorf("%d tables have no section: the first is %s", len(s.Tables), s.Tables[0].Name)
		}
	}
	for _, name := range profile.TableNames() {
		if seen[name] != 1 {
			t.Errorf("%s is told %d times", name, seen[name])
		}
	}
	for _, o := range order {
		for _, name := range o.tables {
			if seen[name] == 0 {
				t.Errorf("there is no table %s", name)
			}
		}
	}
}

// TestHostileNames: a name that somebody chose does nothing to a terminal, to a
// spreadsheet or to the form of CSV.
func TestHostileNames(t *testing.T) {
	for name, want := range map[string]string{
		"=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0",
		"+1":                 "'+1", "-1": "'-1", "@SUM(1)": "'@SUM(1)", "＝1": "'＝1",
		"\t=1":         `\x09=1`,
		"a,\"b\"\nc":   `a,"b"\x0ac`,
		"\x1b[2J":      `\x1b[2J`,
		"x\u202ey":     `x\u202ey`,
		"bad \xff":     `bad \xff`,
		"\r\n=1":       `\x0d\x0a=1`,
		"\ufeff=1":     `\ufeff=1`,
		" plain ✓ ":    " plain ✓ ",
		"typing":       "typing",
		"'already":     "'already",
		"get_user=by=": "get_user=by=",
	} {
		p := &profile.Profile{Streams: []profile.StreamRow{{Stream: name}}}
		table, _ := p.Table("streams")
		var out bytes.Buffer
		if err := WriteCSV(&out, table); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) != 2 || rows[1][0] != want {
			t.Errorf("%q is %q in CSV, want %q: %v", name, rows, want, err)
		}
		for face, write := range map[string]func() error{
			"text": func() error { return WriteText(&out, p, Style{}) },
			"json": func() error { return WriteJSON(&out, p) },
			"html": func() error { return WriteHTML(&out, p) },
		} {
			out.Reset()
			if err := write(); err != nil {
				t.Fatal(err)
			}
			if i := strings.IndexFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x202e || r == 0xfeff }); i >= 0 {
				t.Errorf("%s of %q has %q", face, name, out.String()[i:i+1])
			}
		}
	}
}

// Negative numbers stay numbers.
func TestNegativeNumbers(t *testing.T) {
	c := &Changes{Traffic: []TrafficChange{{Points: -1e4}}}
	var out bytes.Buffer
	for _, table := range c.Tables() {
		if table.Name == "traffic" {
			if err := WriteCSV(&out, table); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !strings.Contains(out.String(), ",-1.00,") {
		t.Errorf("%s", out.String())
	}
}
