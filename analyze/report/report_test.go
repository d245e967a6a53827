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

// TestCompareInTime: what there is more of because a journal is longer is no
// change, and what is only in one is new or gone.
func TestCompareInTime(t *testing.T) {
	take := func(seconds, typing, events int64, more ...string) *profile.Profile {
		row := func(name string, n int64) profile.StreamRow {
			all := typing + events
			return profile.StreamRow{Stream: name, Rows: n, Volume: profile.Volume{Commands: n, Bytes: 10 * n, Share: profile.Percent(n * 1e6 / all), SizeP50: 10}}
		}
		p := &profile.Profile{Streams: []profile.StreamRow{row("typing", typing), row("events", events)}}
		for _, code := range more {
			p.Findings = append(p.Findings, profile.FindingRow{Code: code, Count: 3})
		}
		p.Journal.Duration = profile.Seconds(seconds * 1e9)
		return p
	}
	same := Compare(take(10, 100, 300), take(20, 200, 600))
	if len(same.Traffic) != 0 || len(same.New) != 0 || len(same.Numbers) != 0 {
		t.Errorf("twice as long with twice as much: %+v %+v %+v", same.Traffic, same.New, same.Numbers)
	}
	c := Compare(take(10, 100, 300, "W-crlf"), take(20, 600, 200, "E-json"))
	if len(c.Traffic) != 2 || c.Traffic[0].Points.Digits() != "50.00" && c.Traffic[0].Points.Digits() != "-50.00" {
		t.Fatalf("%+v", c.Traffic)
	}
	for _, x := range c.Traffic {
		want := map[string]string{"typing": "3.00", "events": "0.33"}[x.What]
		if x.Ratio.Digits() != want {
			t.Errorf("%s comes %s times as fast, want %s", x.What, x.Ratio.Digits(), want)
		}
	}
	want := []NewRow{{"findings", "E-json", "new", 3}, {"findings", "W-crlf", "gone", 3}}
	if !reflect.DeepEqual(c.New, want) {
		t.Errorf("new: %+v, want %+v", c.New, want)
	}
}
