package report

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"repltap/analyze/page"
	"repltap/analyze/profile"
	"repltap/analyze/safetext"
)

// textCharts are tables that are drawn instead of listed.
var textCharts = map[string]func(*text){"timeline": drawTimeline, "highlights": drawHighlights}

// drawHighlights tells what stands out, each with the command that shows it.
func drawHighlights(t *text) {
	for _, x := range t.p.Highlights {
		mark := "    - "
		if x.Severity == "problem" {
			mark = "  " + t.Red + "!" + t.Off + " - "
		}
		t.hanging(mark, 6, safetext.String(x.Text))
		if at, ok := placeOf(x.Place); ok {
			t.command(6, at)
		}
	}
}

// sparks are the heights of a spark line.
var sparks = []rune("▁▂▃▄▅▆▇█")

// sparkWidth is how many characters a spark line has at most.
const sparkWidth = 60

// drawTimeline draws each series as a line, as high as it is of its own highest.
func drawTimeline(t *text) {
	l := &t.p.Timeline
	if len(l.Series) == 0 || l.Count == 0 {
		return
	}
	end := l.Start + profile.At(l.Bucket)*profile.At(l.Count)
	t.hanging("  ", 2, fmt.Sprintf("Commands from %s s to %s s; the number is the most in one of %s parts of %s s.",
		l.Start.Digits(), end.Digits(), page.Grouped(strconv.Itoa(l.Count)), l.Bucket.Digits()))
	name, most := 0, 0
	for _, s := range l.Series {
		name = max(name, utf8.RuneCountInString(safetext.String(s.Name)))
		most = max(most, len(peak(s.Commands)))
	}
	name = min(name, 24)
	room := min(sparkWidth, max(t.Width-name-most-6, 1))
	merge := (l.Count + room - 1) / room
	by := ""
	for _, s := range l.Series {
		if s.By != by {
			by = s.By
			fmt.Fprintf(t, "  %sby %s%s\n", t.Dim, by, t.Off)
		}
		fmt.Fprintf(t, "  %-*s  %*s  %s\n", name, clipped(safetext.String(s.Name), name), most, peak(s.Commands), spark(s.Commands, merge))
	}
}

// peak is the most of a series.
func peak(values []int64) string {
	if len(values) == 0 {
		return "0"
	}
	return page.Grouped(strconv.FormatInt(slices.Max(values), 10))
}

// spark draws values, the greatest of so many as one character. Nothing is a
// space, and something is never nothing.
func spark(values []int64, merge int) string {
	var most int64
	for _, v := range values {
		most = max(most, v)
	}
	var out []rune
	for part := range slices.Chunk(values, merge) {
		v := slices.Max(part)
		if v <= 0 {
			out = append(out, ' ')
			continue
		}
		out = append(out, sparks[(v*int64(len(sparks))-1)/most])
	}
	return string(out)
}
