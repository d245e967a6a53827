// Package safetext makes text that came off the wire fit to be shown.
//
// What replication lines hold comes from whoever uses the homeserver, and a
// terminal obeys what it is shown. So nothing that a terminal could take for an
// instruction is ever printed as it is.
package safetext

import (
	"encoding/json"
	"unicode/utf8"
)

// plainASCII has the bytes that can be copied as they are.
var plainASCII = func() (t [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = true
	}
	return t
}()

const hexDigits = "0123456789abcdef"

// Append appends text with everything that is not to be shown raw written
// as an escape: control characters and bytes that are not UTF-8 as \x1b,
// characters that are invisible or turn the direction of writing as \u202e.
// Long runs of plain text are copied at once. A backslash stays as it is: rows
// are full of them, and this is for people to read.
func Append(dst, text []byte) []byte {
	for len(text) > 0 {
		n := plainRun(text)
		dst, text = append(dst, text[:n]...), text[n:]
		if len(text) == 0 {
			break
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1, r < 0x20:
			dst = append(dst, '\\', 'x', hexDigits[text[0]>>4], hexDigits[text[0]&15])
		case isHazard(r):
			dst = appendHexRune(dst, r)
		default:
			dst = append(dst, text[:size]...)
		}
		text = text[size:]
	}
	return dst
}

// String is text that can be shown.
func String(text string) string { return string(Append(nil, []byte(text))) }

// plainRun is the length of the printable ASCII that text begins with.
func plainRun(text []byte) int {
	for i, c := range text {
		if !plainASCII[c] {
			return i
		}
	}
	return len(text)
}

// isHazard says whether a character from DEL on must not be shown raw: it and the
// C1 controls, line separators, and all that is invisible or reorders text.
func isHazard(r rune) bool {
	switch {
	case r >= 0x7f && r < 0xa0, // DEL and the C1 controls
		r == 0xad, r == 0x61c, // soft hyphen, Arabic letter mark
		r >= 0x200b && r <= 0x200f, // zero width and direction marks
		r >= 0x2028 && r <= 0x202e, // separators, direction overrides
		r >= 0x2060 && r <= 0x206f, // word joiner, isolates
		r == 0xfeff, r >= 0xfff9 && r <= 0xfffb,
		r >= 0xe0000 && r <= 0xe007f: // tags
		return true
	}
	return false
}

// appendHexRune appends \u202e, or a surrogate pair beyond the first plane, as
// JSON has it.
func appendHexRune(dst []byte, r rune) []byte {
	if r > 0xffff {
		r -= 0x10000
		dst = appendHexRune(dst, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// AppendJSON appends text as the inside of a JSON string. Bytes that are
// not UTF-8 become U+FFFD, and valid is false then. What would be a hazard on a
// terminal is escaped, which means the same to whoever parses it.
func AppendJSON(dst, text []byte) (_ []byte, valid bool) {
	valid = true
	for len(text) > 0 {
		n := jsonRun(text)
		dst, text = append(dst, text[:n]...), text[n:]
		if len(text) == 0 {
			break
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r == utf8.RuneError && size == 1:
			valid = false
			dst = append(dst, "\ufffd"...)
		case r < 0x20, isHazard(r):
			dst = appendHexRune(dst, r)
		default:
			dst = append(dst, text[:size]...)
		}
		text = text[size:]
	}
	return dst, valid
}

// jsonRun is the length of what text begins with that a JSON string takes as
// it is.
func jsonRun(text []byte) int {
	for i, c := range text {
		if !plainASCII[c] || c == '"' || c == '\\' {
			return i
		}
	}
	return len(text)
}

// AppendValue appends what encoding/json makes of v, with the hazards escaped that
// it leaves as they are. For what is rare.
func AppendValue(dst []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil { // can't be: these are plain structs of texts and numbers
		return append(dst, "null"...)
	}
	return Append(dst, text) // no control characters of ASCII are left in it
}
