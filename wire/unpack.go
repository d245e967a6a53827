package wire

import (
	"iter"
	"unicode/utf8"
)

// Receivers take a JSON argument apart with Python's unpacking, which is as
// happy with an object (it gives the names) and a string (it gives the
// characters) as with an array.

// unpacks says into how many parts JSON, which has been checked, would be taken
// apart; -1 if it can't be.
func unpacks(json []byte) int {
	if len(json) == 0 {
		return -1
	}
	switch json[0] {
	case '[':
		return elementsOf(json, nil)
	case '{':
		return distinctKeys(json)
	case '"':
		return characters(json)
	}
	return -1
}

// distinctKeys counts the names in an object: of equal ones the last wins, and
// an escaped one equals a plain one.
func distinctKeys(json []byte) int {
	seen := map[string]bool{}
	for name := range namesIn(json) {
		seen[string(unquote(nil, name))] = true
	}
	return len(seen)
}

// namesIn gives the names in an object, in their quotes.
func namesIn(json []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		depth, isKey := 0, false
		for i := 0; i < len(json); i++ {
			switch json[i] {
			case '{', '[':
				depth++
				isKey = true
			case '}', ']':
				depth--
			case ',':
				isKey = true
			case ':':
				isKey = false
			case '"':
				end := endOfString(json, i)
				if depth == 1 && isKey && !yield(json[i:end+1]) {
					return
				}
				i = end
			}
		}
	}
}

// characters counts the code points of a string.
func characters(quoted []byte) int {
	n := 0
	for _, r := range unquote(nil, quoted) {
		if r&0xC0 != 0x80 { // not the continuation of one
			n++
		}
	}
	return n
}

// unquote appends the text of a checked JSON string, in UTF-8. Halves of
// surrogate pairs are written as if they were characters, so that they stay
// apart from others.
func unquote(dst, quoted []byte) []byte {
	b := quoted[1 : len(quoted)-1]
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			dst = append(dst, b[i])
			continue
		}
		i++
		if b[i] != 'u' {
			dst = append(dst, unescaped(b[i]))
			continue
		}
		r, _ := hex4(b[i+1:])
		i += 4
		if low, ok := lowHalf(b[i+1:]); ok && r&0xFC00 == 0xD800 {
			r = 0x10000 + (r&0x3FF)<<10 + low&0x3FF
			i += 6
		}
		dst = appendRune(dst, r)
	}
	return dst
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// lowHalf reads an escaped second half of a surrogate pair.
func lowHalf(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	r, ok := hex4(b[2:])
	return r, ok && r&0xFC00 == 0xDC00
}

func appendRune(dst []byte, r rune) []byte {
	if r&0xF800 == 0xD800 {
		return append(dst, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(dst, r)
}
