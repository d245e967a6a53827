package page

import (
	"fmt"
	"strings"

	"repltap/safetext"
)

// maxText is how many characters of a text are shown. Names of streams, workers,
// users and caches are far shorter.
const maxText = 160

// Visible is text of strangers as it is shown: what can't be seen, or changes
// what is around it, is written out, and what is too long is cut with a word on
// how long it was.
func Visible(s string) string {
	if len(s) <= maxText {
		return safetext.String(s)
	}
	shown := 0
	for i := range s {
		if shown == maxText {
			return safetext.String(s[:i]) + fmt.Sprintf("… (%d bytes)", len(s))
		}
		shown++
	}
	return safetext.String(s)
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
