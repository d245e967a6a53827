package report

import (
	"fmt"
	"io"

	"repltap/analyze/page"
	"repltap/analyze/profile"
	"repltap/analyze/safetext"
)

// changesRows is how many rows of a table of changes people are shown.
const changesRows = 15

// Tables are the tables of the changes.
func (c *Changes) Tables() []profile.Table { return profile.TablesOf(c) }

// ChangesTableNames are the names of these tables.
func ChangesTableNames() []string {
	var out []string
	for _, t := range (&Changes{}).Tables() {
		out = append(out, t.Name)
	}
	return out
}

// WriteChangesJSON writes the changes for programs.
func WriteChangesJSON(w io.Writer, c *Changes) error { return writeJSON(w, c) }

// WriteChangesTableJSON writes one table of them: the same document without the
// others.
func WriteChangesTableJSON(w io.Writer, c *Changes, name string) error {
	return writeTableJSON(w, c, name)
}

// WriteChangesTableText writes one table of them whole for people.
func WriteChangesTableText(w io.Writer, c *Changes, table profile.Table, s Style) error {
	t := newText(s, nil)
	t.missing("", &c.A)
	t.missing("", &c.B)
	t.whole(table)
	_, err := w.Write(t.Bytes())
	return err
}

// WriteChangesText writes the changes for people at a terminal.
func WriteChangesText(w io.Writer, c *Changes, s Style) error {
	t := newText(s, nil)
	fmt.Fprintf(t, "%sWhat changed from A to B%s\n\n", t.Bold, t.Off)
	t.side("A", &c.A)
	t.side("B", &c.B)
	for _, n := range c.Notes {
		t.hanging("  note  ", 8, safetext.String(n))
	}
	for _, table := range c.Tables() {
		t.title(table.Title, aboutChanges[table.Name])
		if len(table.Rows) == 0 {
			t.WriteString("  Nothing.\n")
			continue
		}
		t.rows(table, rowsOptions{limit: changesRows, width: t.Width, cell: textCell})
	}
	_, err := w.Write(t.Bytes())
	return err
}

// aboutChanges says how to read each table.
var aboutChanges = map[string]string{
	"summary": "The two journals as wholes.",
	"new":     "What only one of them has: commands, streams, workers, findings.",
	"traffic": "By how many points its share of the bytes changed, then by how many times as fast it comes.",
	"numbers": "By how many times as much it is; of what is counted, in the same time.",
}

// side says what one of the two is.
func (t *text) side(name string, s *Side) {
	j := s.Journal
	words := safetext.String(j.Path)
	if j.First.Digits() != "" {
		words += fmt.Sprintf(", %s to %s, %s s", clock(j.First), clock(j.Last), page.Grouped(j.Duration.Digits()))
	}
	t.line(flowing{mark: "  " + name + "  ", wide: 5, next: 5}, words)
	t.missing("     ", s)
	if j.Filter != "" && name == "B" {
		t.line(flowing{mark: "  ", wide: 2, next: 2}, "of both only what passes "+safetext.String(j.Filter))
	}
}

// missing says what share of the traffic a side has, if that is not all.
func (t *text) missing(prefix string, s *Side) {
	if text := coverageText(s.Coverage); text != "" {
		t.line(flowing{mark: prefix, wide: len(prefix), next: len(prefix), style: t.Red}, safetext.String(s.Journal.Path)+": "+text)
	}
}
