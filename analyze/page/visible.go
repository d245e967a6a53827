package page

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"repltap/analyze/safetext"
)

// maxText is how many characters of a text are shown. Names of streams, workers,
// users and caches are far shorter.
const maxText = 160

// Visible is text of strangers as it is shown: what can't be seen, or changes
// what is around it, is written out, and what is too long is cut with a word on
// how long it was.
func Visible(s string) string { return visible(s, maxText) }

// maxSentence is how many characters of a sentence of our own are shown, in which
// there may be text of strangers.
const maxSentence = 1000

// Sentence is Visible for sentences, which are longer than names.
func Sentence(s string) string { return visible(s, maxSentence) }

func visible(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		if out := safetext.String(s); utf8.RuneCountInString(out) <= limit {
			return out
		}
	}
	return first(safetext.String(first(s, limit)), limit) + fmt.Sprintf("… (%d bytes)", len(s))
}

// first is as much of a text as is shown: written out it may have become longer.
func first(s string, limit int) string {
	shown := 0
	for i := range s {
		if shown == limit {
			return s[:i]
		}
		shown++
	}
	return s
}

// Grouped sets the digits of a whole number in groups of three; what is anything
// else stays.
func Grouped(digits string) string {
	rest, negative := strings.CutPrefix(digits, "-")
	if rest == "" || strings.Trim(rest, "0123456789") != "" {
		return digits
	}
	for i := len(rest) - 3; i > 0; i -= 3 {
		rest = rest[:i] + "," + rest[i:]
	}
	if negative {
		return "-" + rest
	}
	return rest
}
