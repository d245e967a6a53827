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
	// Width is how many characters fit in a line, at least 40. 0 means that nobody
	// knows: lines have about 110 then, but commands to paste stand in one line, and
	// a table that is shown whole is as wide as it is.
	Width int
}

// minWidth is the narrowest screen that a text is set for.
const minWidth = 40

// newText begins a text.
func newText(s Style, p *profile.Profile) *text {
	t := &text{Style: s, p: p, fold: s.Width > 0}
	if t.Width = max(s.Width, minWidth); !t.fold {
		t.Width = textWidth
	}
	return t
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
	p    *profile.Profile
	fold bool // no line is wider than Width, whatever stands in it
}

// WriteText writes a profile for people at a terminal.
func WriteText(w io.Writer, p *profile.Profile, s Style) error {
	t := newText(s, p)
	t.head()
	for _, section := range Sections(p.Tables()) {
		t.section(section)
	}
	t.WriteByte('\n')
	t.flow(flowing{style: t.Dim}, strings.Fields("Columns that find no room are left out. --table NAME shows a table whole; --format json and csv have all."))
	_, err := w.Write(t.Bytes())
	return err
}

// WriteTableText writes one table whole for people.
func WriteTableText(w io.Writer, p *profile.Profile, table profile.Table, s Style) error {
	t := newText(s, p)
	t.coverage("")
	t.whole(table)
	_, err := w.Write(t.Bytes())
	return err
}

// head says what was read, and how much of the traffic that is.
func (t *text) head() {
	p, j := t.p, &t.p.Journal
	t.line(flowing{style: t.Bold}, "Report of "+safetext.String(j.Path)+when(j.Live, ", which is being recorded"))
	t.WriteByte('\n')
	line := func(name, format string, args ...any) {
		t.hanging(fmt.Sprintf("  %-10s ", name), 13, fmt.Sprintf(format, args...))
	}
	if j.First.Digits() == "" {
		line("time", "nothing was found%s", when(j.Filter != "", " that passes the filter"))
	} else {
		line("time", "%s to %s, %s s", clock(j.First), clock(j.Last), page.Grouped(j.Duration.Digits()))
	}
	line("traffic", "%s, %s, %s, %s", count(p.Totals.Commands, "command"), count(p.Totals.Bytes, "byte"),
		count(p.Totals.Connections, "connection"), count(p.Totals.Workers, "worker"))
	t.coverage("  coverage   ")
	line("source", "%s", safetext.String(fmt.Sprintf("%s (%s, redact %s)", j.Source, j.Program, j.Redact)))
	if j.Filter != "" {
		line("filter", "%s: all numbers are about what passes it", safetext.String(j.Filter))
	}
	for _, n := range p.Notes {
		line("note", "%s", safetext.String(n))
	}
	line("quantiles", "p50, p95 and p99 are within %s %% of a value that was there; counts and max are exact", p.QuantileError.Digits())
}

// hanging writes a text after a mark that is so wide, in as many lines as it
// takes.
func (t *text) hanging(mark string, wide int, words string) {
	t.flow(flowing{mark: mark, wide: wide, next: wide}, strings.Fields(words))
}

// line writes a text in one line, unless it has to fit on a screen.
func (t *text) line(f flowing, words string) {
	if t.fold {
		t.flow(f, strings.Fields(words))
		return
	}
	t.WriteString(f.mark + f.style + words + when(f.style != "", t.Off) + "\n")
}

// flowing says how words fill lines.
type flowing struct {
	mark  string // before the first line
	wide  int    // how wide that is
	next  int    // how far the other lines are indented
	style string // of the words
	end   string // of a line that goes on
	cut   string // after the first part of a word that is cut; the next begins the line then
}

// flow writes words in as many lines as they take. A word that no line has room
// for is cut where it has to be.
func (t *text) flow(f flowing, words []string) {
	t.WriteString(f.mark + f.style)
	at, fresh := f.wide, true
	width := t.Width - utf8.RuneCountInString(f.end)
	breakLine := func(end string, next int) {
		t.WriteString(end + when(f.style != "", t.Off) + "\n" + strings.Repeat(" ", next) + f.style)
		at, fresh = next, true
	}
	for _, word := range words {
		n := utf8.RuneCountInString(word)
		switch {
		case fresh:
		case at+1+n > width:
			breakLine(f.end, f.next)
		default:
			t.WriteByte(' ')
			at++
		}
		for n > width-at && n > width-f.next && t.fold {
			runes := []rune(word)
			room := max(width-at, 1)
			t.WriteString(string(runes[:room]))
			word, n = string(runes[room:]), n-room
			next := f.next
			if f.cut != "" {
				next = 0
			}
			breakLine(f.cut, next)
		}
		t.WriteString(word)
		at, fresh = at+n, false
	}
	t.WriteString(when(f.style != "", t.Off) + "\n")
}

// command writes what shows a place of the journal, as it can be pasted.
func (t *text) command(indent int, p place) {
	mark, words := strings.Repeat(" ", indent), p.command(t.p.Journal.Path)
	// Inside of quotes a line can't be broken.
	if !t.fold || indent+utf8.RuneCountInString(words) <= t.Width || strings.ContainsAny(words, `'"`) {
		fmt.Fprintf(t, "%s%s%s%s\n", mark, t.Dim, words, t.Off)
		return
	}
	t.flow(flowing{mark: mark, wide: indent, next: indent, style: t.Dim, end: " \\", cut: "\\"}, strings.Fields(words))
}

// coverage says how much of the traffic the journal has; with no prefix only if
// that is not all.
func (t *text) coverage(prefix string) {
	c := t.p.Coverage
	style, words := t.Red, CoverageText(t.p)
	if c.Gaps == 0 && c.Damage == 0 {
		if prefix == "" {
			return
		}
		style, words = "", "all of the traffic: the journal has no gaps and no damage"
	}
	t.line(flowing{mark: prefix, wide: len(prefix), next: len(prefix), style: style}, words)
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
	t.title(s.Title, s.Question)
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
		t.WriteByte('\n')
		t.line(flowing{mark: "  ", wide: 2, next: 2}, "None: "+strings.Join(none, ", ")+".")
	}
	for _, table := range tables {
		if at, ok := placeIn(table); ok && textCharts[table.Name] == nil {
			t.seeFirst(table.Title, at)
			break
		}
	}
}

// title writes what a part is called and what it is about.
func (t *text) title(title, about string) {
	fmt.Fprintf(t, "\n%s%s%s", t.Bold, title, t.Off)
	if t.fold && utf8.RuneCountInString(title)+2+utf8.RuneCountInString(about) > t.Width {
		t.WriteByte('\n')
		t.flow(flowing{mark: "  ", wide: 2, next: 2, style: t.Dim}, strings.Fields(about))
		return
	}
	fmt.Fprintf(t, "  %s%s%s\n", t.Dim, about, t.Off)
}

// seeFirst says how to look at the first row of a table.
func (t *text) seeFirst(title string, at place) {
	see := "See the first of “" + title + "”:"
	if words := at.command(t.p.Journal.Path); !t.fold || 3+utf8.RuneCountInString(see+words) <= t.Width {
		fmt.Fprintf(t, "\n  %s%s %s%s\n", t.Dim, see, words, t.Off)
		return
	}
	t.WriteByte('\n')
	t.flow(flowing{mark: "  ", wide: 2, next: 2, style: t.Dim}, strings.Fields(see))
	t.command(4, at)
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
