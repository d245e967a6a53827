package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"repltap/analyze/page"
	"repltap/analyze/profile"
	"repltap/analyze/report"
	"repltap/analyze/safetext"
)

// reportCaptures are what reports are tested with: four releases, connections
// that were cut off, and a hand-made master that says all kinds of things.
var reportCaptures = []string{"0.99.0/01-mix", "1.12.4/02-reconnect-catchup", "1.19.0/01-mix", "1.66.0/01-mix", "1.66.0/06-ping-timeout-sigstop-quiet", "1.66.0/10-fakemaster"}

// importCapture makes a journal of a folder of captures.
func importCapture(t *testing.T, folder string) (journal string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("..", "..", "testdata", "captures", filepath.FromSlash(folder), "*.zst"))
	if len(files) == 0 {
		t.Fatalf("no captures in %s", folder)
	}
	journal = filepath.Join(t.TempDir(), "journal")
	mustRun(t, append([]string{"import", "--redact", "none", "--journal", journal}, files...)...)
	return journal
}

// TestReportFacesAgree compares every cell of the faces of reports of real
// captures: what JSON has, CSV has, and the text of a table, and the page.
func TestReportFacesAgree(t *testing.T) {
	for _, folder := range reportCaptures {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			p := takeProfile(t, importCapture(t, folder))
			doc := jsonDoc(t, func(w io.Writer) error { return report.WriteJSON(w, p) })
			var page bytes.Buffer
			if err := report.WriteHTML(&page, p); err != nil {
				t.Fatal(err)
			}
			cells := 0
			for _, table := range p.Tables() {
				want := jsonRows(t, table, doc[table.Name])
				cells += len(want) * len(table.Columns)
				compareCSV(t, table, want)
				compareText(t, p, table, want)
				comparePage(t, page.String(), table, want)
			}
			if cells < 1000 {
				t.Errorf("only %d cells were compared", cells)
			}
			compareWhole(t, p, doc)
		})
	}
}

func takeProfile(t *testing.T, path string) *profile.Profile {
	t.Helper()
	r, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := profile.Take(t.Context(), r, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func jsonDoc(t *testing.T, write func(io.Writer) error) map[string]any {
	t.Helper()
	var text bytes.Buffer
	if err := write(&text); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(&text)
	dec.UseNumber()
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// jsonRows are the cells of a table as JSON has them.
func jsonRows(t *testing.T, table profile.Table, value any) [][]string {
	t.Helper()
	var objects []map[string]any
	switch v := value.(type) {
	case []any:
		for _, o := range v {
			objects = append(objects, o.(map[string]any))
		}
	case map[string]any:
		objects = composed[table.Name](v)
	default:
		t.Fatalf("%s is %T in JSON", table.Name, value)
	}
	var rows [][]string
	for _, o := range objects {
		var row []string
		for _, c := range table.Columns {
			v, ok := o[c.Name]
			if !ok {
				t.Fatalf("%s has no %s in JSON: %v", table.Name, c.Name, o)
			}
			row = append(row, jsonCell(v))
		}
		rows = append(rows, row)
	}
	return rows
}

func jsonCell(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case []any:
		var words []string
		for _, w := range x {
			words = append(words, jsonCell(w))
		}
		return strings.Join(words, " ")
	}
	return fmt.Sprint(v)
}

// composed makes the rows of the tables that JSON has in another form.
var composed = map[string]func(map[string]any) []map[string]any{
	"totals": func(totals map[string]any) []map[string]any {
		var rows []map[string]any
		for _, dir := range []string{"s2c", "c2s"} {
			flow := totals[dir].(map[string]any)
			rows = append(rows, map[string]any{
				"direction": dir, "commands": flow["commands"], "fragments": flow["fragments"],
				"connections": flow["connections"], "bytes": integer(flow["bytes"]) + integer(flow["fragment_bytes"]),
			})
		}
		all := map[string]any{"direction": "all"}
		for k, v := range totals {
			all[k] = v
		}
		return append(rows, all)
	},
	"timeline": func(line map[string]any) []map[string]any {
		var rows []map[string]any
		start, bucket := micros(line["start_s"]), micros(line["bucket_s"])
		for _, s := range line["series"].([]any) {
			series := s.(map[string]any)
			for i, n := range series["commands"].([]any) {
				if integer(n) != 0 {
					at := start + int64(i)*bucket
					rows = append(rows, map[string]any{
						"by": series["by"], "name": series["name"], "commands": n, "bytes": series["bytes"].([]any)[i],
						"at_s": fmt.Sprintf("%d.%06d", at/1e6, at%1e6),
					})
				}
			}
		}
		return rows
	},
}

func integer(v any) int64 {
	n, _ := v.(json.Number).Int64()
	return n
}

func micros(v any) int64 {
	f, _ := v.(json.Number).Float64()
	return int64(f*1e6 + 0.5)
}

func compareCSV(t *testing.T, table profile.Table, want [][]string) {
	t.Helper()
	var text bytes.Buffer
	if err := report.WriteCSV(&text, table); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", table.Name, err)
	}
	var names []string
	for _, c := range table.Columns {
		if slices.Contains(names, c.Name) {
			t.Errorf("%s has two columns %s", table.Name, c.Name)
		}
		names = append(names, c.Name)
	}
	compareRows(t, "CSV "+table.Name, append([][]string{names}, want...), got, func(want, got string) bool {
		return got == safetext.String(want) || got == "'"+safetext.String(want) && strings.ContainsRune("=+-@", rune(got[1]))
	})
}

func compareRows(t *testing.T, what string, want, got [][]string, same func(want, got string) bool) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s has %d rows, JSON has %d", what, len(got), len(want))
		return
	}
	for i := range want {
		if !slices.EqualFunc(want[i], got[i], same) {
			t.Errorf("%s row %d is %q, in JSON %q", what, i, got[i], want[i])
		}
	}
}

// compareText compares the text of a table: each line is the cells, without the
// columns that are for programs only, and nothing else.
func compareText(t *testing.T, p *profile.Profile, table profile.Table, want [][]string) {
	t.Helper()
	var text bytes.Buffer
	if err := report.WriteTableText(&text, p, table, report.Style{}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	if len(lines) != len(want)+1 {
		t.Errorf("text of %s has %d lines, JSON has %d rows:\n%s", table.Name, len(lines), len(want), text.String())
		return
	}
	for i, row := range want {
		var cells []string
		for k, c := range table.Columns {
			if !c.Wide {
				cells = append(cells, strings.Join(strings.Fields(textOf(c, row[k])), " "))
			}
		}
		got := strings.Join(strings.Fields(ungrouped(lines[i+1])), " ")
		if want := ungrouped(strings.Join(strings.Fields(strings.Join(cells, " ")), " ")); got != want {
			t.Errorf("text of %s row %d:\n%s\nin JSON:\n%s", table.Name, i, got, want)
		}
	}
}

func textOf(c profile.Column, cell string) string {
	if cell == "" {
		return "-"
	}
	return safetext.String(cell)
}

var groups = regexp.MustCompile(`\b(\d{1,3})((?:,\d{3})+)\b`)

// ungrouped takes the separators out of numbers.
func ungrouped(text string) string {
	return groups.ReplaceAllStringFunc(text, func(n string) string { return strings.ReplaceAll(n, ",", "") })
}

var (
	pageRow  = regexp.MustCompile(`(?s)<tr>(.*?)</tr>`)
	pageCell = regexp.MustCompile(`(?s)<td(?: class="n" data-value="([^"]*)")?>(.*?)</td>`)
	pageTag  = regexp.MustCompile(`<[^>]*>`)
)

// comparePage compares the rows that the page has of a table: of numbers both
// what is shown and what is sorted by.
func comparePage(t *testing.T, text string, table profile.Table, want [][]string) {
	t.Helper()
	_, text, ok := strings.Cut(text, `<table data-name="`+table.Name+`">`)
	if !ok {
		// Some are only drawn. What nobody has is not shown.
		if len(want) > 0 && table.Name != "timeline" && table.Name != "lag_timeline" && table.Name != "highlights" {
			t.Errorf("the page has no table %s", table.Name)
		}
		return
	}
	text, _, _ = strings.Cut(text, "</table>")
	_, text, _ = strings.Cut(text, "<tbody>")
	rows := pageRow.FindAllStringSubmatch(text, -1)
	if len(rows) != min(len(want), 200) {
		t.Errorf("the page has %d rows of %s, JSON %d", len(rows), table.Name, len(want))
		return
	}
	for i, row := range rows {
		cells := pageCell.FindAllStringSubmatch(row[1], -1)
		k := 0
		for j, c := range table.Columns {
			if c.Wide {
				continue
			}
			shown := html.UnescapeString(pageTag.ReplaceAllString(cells[k][2], ""))
			value := html.UnescapeString(cells[k][1])
			k++
			switch {
			case want[i][j] == "" && shown == "–" && value == "":
			case c.Numeric && value == want[i][j] && strings.ReplaceAll(shown, ",", "") == want[i][j]:
			case !c.Numeric && shown == page.Visible(want[i][j]):
			default:
				t.Errorf("the page has %q (%q) in %s row %d %s, JSON %q", shown, value, table.Name, i, c.Name, want[i][j])
			}
		}
	}
}

// compareWhole looks through the whole text for the rows of every table that it
// shows: their numbers are those of JSON, in order.
func compareWhole(t *testing.T, p *profile.Profile, doc map[string]any) {
	t.Helper()
	var text bytes.Buffer
	if err := report.WriteText(&text, p, report.Style{Dim: "\x01"}); err != nil {
		t.Fatal(err)
	}
	whole := text.String()
	totals := doc["totals"].(map[string]any)
	for _, name := range []string{"commands", "bytes", "connections", "workers"} {
		if n := plural(integer(totals[name]), strings.TrimSuffix(name, "s")); !strings.Contains(whole, n) {
			t.Errorf("the text lacks %s", n)
		}
	}
	rows := 0
	for _, table := range p.Tables() {
		_, rest, shown := strings.Cut(whole, "\n  "+table.Title+"\n")
		if shown != (len(table.Rows) > 0) {
			t.Errorf("%s is shown: %v, and has %d rows", table.Title, shown, len(table.Rows))
		}
		if !shown || table.Name == "timeline" || table.Name == "highlights" {
			continue
		}
		rest, _, _ = strings.Cut(rest, "\n\n")
		i := 0
		for line := range strings.Lines(rest) {
			if strings.Contains(line, "\x01") {
				continue // the titles, a text below its row, how many more there are
			}
			// Not all rows are shown, but those that are come in order.
			for ; i < len(table.Rows) && !numbersOf(line, table.Rows[i]); i++ {
			}
			if i >= len(table.Rows) {
				t.Fatalf("text of %s: no row has %s", table.Name, line)
			}
			i, rows = i+1, rows+1
		}
	}
	if rows < 50 {
		t.Errorf("the text shows only %d rows", rows)
	}
}

// numbersOf says whether the numbers in a line are those of a row, in order.
func numbersOf(line string, row []string) bool {
	i, texts := 0, " "+strings.Join(row, " ")+" "
	for word := range strings.FieldsSeq(ungrouped(line)) {
		if _, err := strconv.ParseFloat(word, 64); err != nil {
			continue
		}
		k := slices.Index(row[i:], word)
		switch {
		case k >= 0:
			i += k + 1
		case strings.Count(texts, " "+word+" ") == 0:
			return false
		}
	}
	return true
}
