package wire

import (
	"unicode"
	"unicode/utf8"
)

// Receivers hand integers to Python's int(), which takes more than senders
// write: a plus, blanks around, underscores between digits, zeros in front,
// the decimal digits of any script, and any number of them up to a limit.

// maxIntDigits is where Python from 3.11 on refuses to read an integer. Zeros
// in front count, underscores do not.
const maxIntDigits = 4300

// appendInt appends the integer that int() makes of b, as Python writes it. It
// reports false, and dst as it was, when int() raises.
func appendInt(dst, b []byte) ([]byte, bool) {
	begin := len(dst)
	b = trimIntBlanks(b)
	negative := len(b) > 0 && b[0] == '-'
	if negative || len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	if negative {
		dst = append(dst, '-')
	}
	first, digits, after := len(dst), 0, byte('_') // an underscore wants a digit on both sides
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		if r == '_' && after != '_' {
			after = '_'
			continue
		}
		d, ok := decimal(r)
		if !ok {
			return dst[:begin], false
		}
		after = '0' + d
		if digits++; d != 0 || len(dst) > first {
			dst = append(dst, after)
		}
	}
	if after == '_' || digits > maxIntDigits {
		return dst[:begin], false
	}
	if len(dst) == first {
		return append(dst[:begin], '0'), true
	}
	return dst, true
}

// trimIntBlanks strips what int() does. U+001C to U+001F are blanks to Python's
// isspace, but not to int().
func trimIntBlanks(b []byte) []byte {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if !isIntBlank(r) {
			break
		}
		b = b[n:]
	}
	for len(b) > 0 {
		r, n := utf8.DecodeLastRune(b)
		if !isIntBlank(r) {
			break
		}
		b = b[:len(b)-n]
	}
	return b
}

func isIntBlank(r rune) bool { return unicode.IsSpace(r) }

// decimal is the value of a decimal digit of any script. The tables list the
// digits of a script from its zero on, in tens.
func decimal(r rune) (byte, bool) {
	if r < utf8.RuneSelf {
		return byte(r - '0'), '0' <= r && r <= '9'
	}
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10), true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10), true
		}
	}
	return 0, false
}
