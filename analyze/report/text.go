package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"repltap/analyze/page"
	"repltap/analyze/profile"
	"repltap/analyze/safetext"
)

// Style is how a text is set. The colours are terminal sequences, all empty for
// a text without colours.
type Style struct {
	Bold, Dim, Red, Yellow, Green, Off string
	// Width is how many characters fit in a line; 0 means 110.
	Width int
}

// How much of a table a report shows; --table shows all of it.
const (
	textRows  = 10
	textWidth = 110
	textCell  = 400 // of a cell of text
	textShort = 40  // of a cell that stays in its row when not all fit
)

// briefly are tables of which a report shows fewer rows: one wants to know the
// first, and where there are more.
var briefly = map[string]int{"bursts": 6, "stream_longest": 5, "long_lines": 5}

// text is a report being written for people.
type text struct {
	bytes.Buffer
	Style
	p *profile.Profile
}

// WriteText writes a profile for people at a terminal.
func WriteText(w io.Writer, p *profile.Profile, s Style) error {
	if s.Width <= 0 {
		s.Width = textWidth
	}
	t := &text{Style: s, p: p}
	t.head()
	for _, section := range Sections(p.Tables()) {
		t.section(section)
	}
	fmt.Fprintf(&t.Buffer, "\n%sColumns that find no room are left out. --table NAME shows a table whole; --format json and csv have all.%s\n", t.Dim, t.Off)
	_, err := w.Write(t.Bytes())
	return err
}

// WriteTableText writes one table whole for people.
func WriteTableText(w io.Writer, p *profile.Profile, table profile.Table, s Style) error {
	t := &text{Style: s, p: p}
	t.coverage("")
	t.rows(table, rowsOptions{})
	_, err := w.Write(t.Bytes())
	return err
}

// head says what was read, and how much of the traffic that is.
func (t *text) head() {
	p, j := t.p, &t.p.Journal
	fmt.Fprintf(t, "%sReport of %s%s", t.Bold, safetext.String(j.Path), t.Off)
	if j.Live {
		t.WriteString(", which is being recorded")
	}
	t.WriteString("\n\n")
	line := func(name, format string, args ...any) {
		fmt.Fprintf(t, "  %-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	if j.First.Digits() == "" {
		line("time", "nothing was found%s", when(j.Filter != "", " that passes the filter"))
	} else {
		line("time", "%s to %s, %s s", clock(j.First), clock(j.Last), page.Grouped(j.Duration.Digits()))
	}
	line("traffic", "%s, %s, %s, %s", count(p.Totals.Commands, "command"), count(p.Totals.Bytes, "byte"),
		count(p.Totals.Connections, "connection"), count(p.Totals.Workers, "worker"))
	t.coverage("  coverage   ")
	t.wrapped("  source     ", safetext.String(fmt.Sprintf("%s (%s, redact %s)", j.Source, j.Program, j.Redact)))
	if j.Filter != "" {
		line("filter", "%s: all numbers are about what passes it", safetext.String(j.Filter))
	}
	for _, n := range p.Notes {
		t.wrapped("  note       ", safetext.String(n))
	}
	line("quantiles", "p50, p95 and p99 are within %s %% of a value that was there; counts and max are exact", p.QuantileError.Digits())
}

// wrapped writes a text after a name, in as many lines as it takes.
func (t *text) wrapped(name, words string) { t.hanging(name, len(name), words) }

// hanging writes a text after a mark that is so wide, in as many lines as it
// takes.
func (t *text) hanging(mark string, wide int, words string) {
	t.WriteString(mark)
	at := wide
	for word := range strings.FieldsSeq(words) {
		n := utf8.RuneCountInString(word)
		switch {
		case at == wide:
		case at+1+n > t.Width:
			t.WriteString("\n" + strings.Repeat(" ", wide))
			at = wide
		default:
			t.WriteString(" ")
			at++
		}
		t.WriteString(word)
		at += n
	}
	t.WriteString("\n")
}

// coverage says how much of the traffic the journal has; with no prefix only if
// that is not all.
func (t *text) coverage(prefix string) {
	c := t.p.Coverage
	if c.Gaps == 0 && c.Damage == 0 {
		if prefix != "" {
			fmt.Fprintf(t, "%sall of the traffic: the journal has no gaps and no damage\n", prefix)
		}
		return
	}
	fmt.Fprintf(t, "%s%s%s%s\n", prefix, t.Red, CoverageText(t.p), t.Off)
}

// CoverageText says in a sentence what share of the traffic a profile is about;
// "" when it is all.
func CoverageText(p *profile.Profile) string { return coverageText(p.Coverage) }

func coverageText(c profile.Coverage) string {
	var parts []string
	if c.Gaps > 0 {
		lines := count(c.GapLines, "line")
		if c.Unknown > 0 {
			lines = "at least " + lines
		}
		percent := ""
		if c.Percent != profile.None {
			percent = c.Percent.Digits() + " % of the bytes: "
		}
		parts = append(parts, fmt.Sprintf("%s%s (%s) were forwarded and not journalled, in %s",
			percent, count(c.GapBytes, "byte"), lines, count(c.Gaps, "gap")))
	}
	if c.Removed > 0 {
		parts = append(parts, count(c.Removed, "record")+" were removed by retention before they were read")
	}
	if c.Damage > 0 {
		parts = append(parts, fmt.Sprintf("%s of the journal can't be read, and what was in there is in no number", count(c.Damage, "part")))
	}
	return strings.Join(parts, "; ")
}

// section writes a section with its tables, as far as there is anything in them.
func (t *text) section(s Section) {
	var tables []profile.Table
	var none []string
	for _, table := range s.Tables {
		if len(table.Rows) > 0 {
			tables = append(tables, table)
		} else {
			none = append(none, lowerFirst(table.Title))
		}
	}
	fmt.Fprintf(t, "\n%s%s%s  %s%s%s\n", t.Bold, s.Title, t.Off, t.Dim, s.Question, t.Off)
	for _, table := range tables {
		fmt.Fprintf(t, "\n  %s%s%s\n", t.Bold, table.Title, t.Off)
		if draw := textCharts[table.Name]; draw != nil {
			draw(t)
			continue
		}
		limit := textRows
		if n := briefly[table.Name]; n > 0 {
			limit = n
		}
		t.rows(table, rowsOptions{limit: limit, width: t.Width, cell: textCell})
	}
	if none != nil {
		fmt.Fprintf(t, "\n  None: %s.\n", strings.Join(none, ", "))
	}
	for _, table := range tables {
		if at, ok := placeIn(table); ok && textCharts[table.Name] == nil {
			fmt.Fprintf(t, "\n  %sSee the first of “%s”: %s%s\n", t.Dim, table.Title, at.command(t.p.Journal.Path), t.Off)
			break
		}
	}
}

// lowerFirst is a title inside a sentence. That of an abbreviation stays as it is.
func lowerFirst(title string) string {
	if len(title) > 1 && title[1] >= 'A' && title[1] <= 'Z' {
		return title
	}
	return strings.ToLower(title[:1]) + title[1:]
}

func when(ok bool, text string) string {
	if ok {
		return text
	}
	return ""
}

// clock is a moment for people, to the millisecond.
func clock(t profile.Time) string {
	d := t.Digits()
	if len(d) < 23 {
		return d
	}
	return d[:10] + " " + d[11:23] + " UTC"
}

// count is "1 line", "1,204 lines".
func count(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return page.Grouped(fmt.Sprint(n)) + " " + one + "s"
}
