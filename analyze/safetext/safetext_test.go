package safetext

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestAppend(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		"RDATA events master 1 []":    "RDATA events master 1 []",
		"tab\there":                   `tab\x09here`,
		"PING\r":                      `PING\x0d`,
		"\x1b[31mred\x1b[0m":          `\x1b[31mred\x1b[0m`,
		"\x9b31m":                     `\x9b31m`,
		"\u009b31m":                   `\u009b31m`,
		"del\x7f":                     `del\u007f`,
		"a\u202eb\u2066c\u200fd":      `a\u202eb\u2066c\u200fd`,
		"zero\u200bwidth\ufeff":       `zero\u200bwidth\ufeff`,
		"tag\U000e0041":               `tag\udb40\udc41`,
		"grüße ✓ 日本":                  "grüße ✓ 日本",
		"bad \xff\xfe utf-8 \xe2\x82": `bad \xff\xfe utf-8 \xe2\x82`,
		`"\u2713"`:                    `"\u2713"`,
		"\x00":                        `\x00`,
		"\ufffd":                      "\ufffd",
	} {
		if got := string(Append(nil, []byte(text))); got != want {
			t.Errorf("Append(%q) = %q, want %q", text, got, want)
		}
	}
}

// hazards lists what a terminal must never be shown.
func hazards(text string) (found []rune) {
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			found = append(found, r)
		}
	}
	return found
}

func FuzzSafe(f *testing.F) {
	for _, s := range []string{"RDATA x", "\x1b]0;title\x07", "\u202e", "\xff", "\u0085", "\u2028", `\"`, "\U000e0001"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		shown := string(Append(nil, text))
		if bad := hazards(shown); bad != nil || !utf8.ValidString(shown) {
			t.Errorf("Append(%q) = %q lets %U through", text, shown, bad)
		}
		inside, valid := AppendJSON(nil, text)
		quoted := `"` + string(inside) + `"`
		if bad := hazards(quoted); bad != nil {
			t.Errorf("AppendJSON(%q) = %s lets %U through", text, quoted, bad)
		}
		var back string
		if err := json.Unmarshal([]byte(quoted), &back); err != nil {
			t.Fatalf("%s is not JSON: %v", quoted, err)
		}
		if want := strings.ToValidUTF8(string(text), "\ufffd"); valid != utf8.Valid(text) || valid && back != want {
			t.Errorf("%q was read back as %q (valid: %v)", text, back, valid)
		}
	})
}
