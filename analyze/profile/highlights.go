package profile

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Highlight is something that a reader should see first, in a sentence. Its
// numbers stand in the tables, too.
type Highlight struct {
	Severity string `json:"severity" col:"severity"` // "problem", or "note" for what may well be as it should be
	Text     string `json:"text" col:"what stands out"`
	Table    string `json:"table" col:"table,wide"` // where the numbers are
	Place           // where it is, or begins; record 0 where it is in no one place
}

// maxHighlights is how many are told.
const maxHighlights = 14

// nowhere is the place of what is in no one place.
var nowhere = Place{At: None, Time: None}

// highlights are what stands out in the tables of a profile, problems first. Where
// only some lines passed the filter, what is told by others that did not come is
// not told.
func highlights(p *Profile, narrow bool) []Highlight {
	h := &highlighter{p: p, notes: []Highlight{}}
	h.missing()
	h.clock()
	h.findings()
	h.namesakes()
	h.pressure()
	h.endings()
	h.wentBack()
	h.discards()
	h.positions()
	h.tokens()
	if !narrow {
		h.silence()
		h.behind()
		h.acks()
	}
	h.sessions()
	h.traffic()
	all := append(append([]Highlight{}, h.problems...), h.notes...)
	return all[:min(len(all), maxHighlights)]
}

type highlighter struct {
	p               *Profile
	problems, notes []Highlight
}

func (h *highlighter) problem(table string, at Place, format string, args ...any) {
	h.problems = append(h.problems, Highlight{Severity: "problem", Table: table, Place: at, Text: fmt.Sprintf(format, args...)})
}

func (h *highlighter) note(table string, at Place, format string, args ...any) {
	h.notes = append(h.notes, Highlight{Severity: "note", Table: table, Place: at, Text: fmt.Sprintf(format, args...)})
}

// missing is what is in no number of the profile.
func (h *highlighter) missing() {
	if c := &h.p.Coverage; c.Gaps > 0 {
		what := "The journal lacks traffic"
		if c.Percent != None {
			what = "The journal has " + c.Percent.Digits() + " % of the traffic"
		}
		h.problem("gaps", h.p.Gaps[0].Place, "%s: %s, %s.", what, many(c.Gaps, "gap"), many(c.GapBytes, "byte"))
	}
	if n := h.p.Coverage.Removed; n > 0 {
		h.problem("gaps", nowhere, "%s removed by retention before they were read; what was in there is in no number.", many(n, "record"))
	}
	if n := len(h.p.Damage); n > 0 {
		h.problem("damage", nowhere, "The journal is damaged in %s; what was there is in no number.", many(int64(n), "place"))
	}
}

// clock is where times and the system's logs part.
func (h *highlighter) clock() {
	if len(h.p.Clock) > 0 {
		c := &h.p.Clock[0]
		more := ""
		if n := len(h.p.Clock) - 1; n > 0 {
			more = fmt.Sprintf(" That is the first of %d steps.", n+1)
		}
		h.note("clock", c.Place, "%s; times go on as before, the clock says %s here.%s", capital(c.What), c.Wall.Digits(), more)
	}
}

// How many codes of findings are told, most frequent first.
const (
	maxViolations = 5
	maxWarnings   = 3
)

func (h *highlighter) findings() {
	violations, warnings := 0, 0
	for i := range h.p.Findings {
		f := &h.p.Findings[i]
		first := ""
		if f.Meaning != "" && f.Detail != "" {
			first = " The first: " + full(brief(f.Detail))
		}
		if f.Severity == "violation" && violations < maxViolations {
			violations++
			h.problem("findings", f.Place, "%s, %s: %s%s", f.Code, times(f.Count), full(or(f.Meaning, f.Detail)), first)
		} else if f.Severity == "warning" && warnings < maxWarnings {
			warnings++
			h.note("findings", f.Place, "%s, %s: %s%s", f.Code, times(f.Count), full(or(f.Meaning, f.Detail)), first)
		}
	}
}

// placeOrNowhere is a place, where there is one.
func placeOrNowhere(at Place) Place {
	if at.Seq == 0 {
		return nowhere
	}
	return at
}

// greatest is the row that has most of something; nil of none.
func greatest[T any](rows []T, of func(*T) int64) *T {
	var out *T
	for i := range rows {
		if out == nil || of(&rows[i]) > of(out) {
			out = &rows[i]
		}
	}
	return out
}

// connOf is a connection in a sentence.
func connOf(conn uint64, worker string) string {
	if worker == "" {
		return fmt.Sprintf("connection %d", conn)
	}
	return fmt.Sprintf("connection %d (%s)", conn, worker)
}

// many is a number of things in a sentence.
func many(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + one + "s"
}

func times(n int64) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return many(n, "time")
}

func or(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}

// full is a text as a sentence ends.
func full(text string) string {
	if text == "" || text[len(text)-1] == '.' {
		return text
	}
	return text + "."
}

// maxBrief is how many bytes of text that came over the wire stand in a sentence.
const maxBrief = 300

// brief is a text of which a sentence shows the beginning.
func brief(text string) string {
	if len(text) <= maxBrief {
		return text
	}
	end := maxBrief
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
