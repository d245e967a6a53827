package wire

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Receivers quote what they refuse as Python's repr() does.

// AppendRepr appends text, which is UTF-8, as repr() writes a string.
func AppendRepr(dst, text []byte) []byte {
	quote := reprQuote(text)
	dst = append(dst, quote)
	for {
		n := 0
		for n < len(text) && reprPlain[text[n]] {
			n++
		}
		dst, text = append(dst, text[:n]...), text[n:]
		if len(text) == 0 {
			return append(dst, quote)
		}
		r, n := utf8.DecodeRune(text)
		switch {
		case r == rune(quote) || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\'' || r == '"' || r > 0x7F && isPrintable(r):
			dst = append(dst, text[:n]...)
		default:
			dst = appendReprEscape(dst, r)
		}
		text = text[n:]
	}
}

// reprPlain has what is written as it is whatever the quote.
var reprPlain = func() (t [256]bool) {
	for c := ' '; c < 0x7F; c++ {
		t[c] = c != '\'' && c != '"' && c != '\\'
	}
	return t
}()

// reprQuote is the double quote only if that saves escaping.
func reprQuote(text []byte) byte {
	if bytes.IndexByte(text, '\'') >= 0 && bytes.IndexByte(text, '"') < 0 {
		return '"'
	}
	return '\''
}

func appendReprEscape(dst []byte, r rune) []byte {
	switch {
	case r == '\t':
		return append(dst, `\t`...)
	case r == '\n':
		return append(dst, `\n`...)
	case r == '\r':
		return append(dst, `\r`...)
	case r <= 0xFF:
		return appendHex(append(dst, `\x`...), r, 2)
	case r <= 0xFFFF:
		return appendHex(append(dst, `\u`...), r, 4)
	}
	return appendHex(append(dst, `\U`...), r, 8)
}

func appendHex(dst []byte, r rune, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[r>>shift&15])
	}
	return dst
}

// isPrintable is str.isprintable for what is not ASCII. Python 3.11, which the
// replies are modelled on, knows Unicode 14.
func isPrintable(r rune) bool {
	return strconv.IsPrint(r) && !unicode.Is(afterUnicode14, r)
}

// cutRunes is the first n characters of text.
func cutRunes(text []byte, n int) []byte {
	end := 0
	for ; n > 0 && end < len(text); n-- {
		_, size := utf8.DecodeRune(text[end:])
		end += size
	}
	return text[:end]
}

// percent does what Python's % does to a text with no arguments: a doubled
// percent sign becomes one, and any other fails.
func percent(text []byte) ([]byte, bool) {
	begin := bytes.IndexByte(text, '%')
	if begin < 0 {
		return text, true
	}
	out := text[:begin]
	for i := begin; i < len(text); i++ {
		if text[i] == '%' {
			if i++; i == len(text) || text[i] != '%' {
				return nil, false
			}
		}
		out = append(out, text[i])
	}
	return out, true
}
