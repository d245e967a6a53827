package wire

import (
	"bytes"
	"unicode/utf8"
)

// An ERROR line often echoes the line it is about: as Python's repr, with the
// command's name (from 1.13) or without (before). What can be read of that is
// treated as the line itself would be. Of all the rest only words stay that
// Synapse and the libraries under it write themselves, and short numbers next to
// them: the text is free, so that is always possible.

// errorLine is line for an ERROR.
func (r *Redactor) errorLine(dst, line []byte) (out []byte, ok bool) {
	if !isUTF8(line) {
		return nil, false
	}
	out = append(dst, line...)
	text := trimNewline(out[len(dst):])
	_, rest, _ := cut(text)
	changed := false
	if lo, hi := echoIn(rest); lo < hi {
		args := rest[:lo] // what comes before the echo
		changed = words(r, args)
		changed = r.echoed(rest, lo, hi) || changed
	} else {
		changed = words(r, rest)
	}
	if !changed {
		return line, true
	}
	return out, true
}

// echoIn finds the inside of the echo: the string literal that ends the text
// but for a bracket and a colon. lo is hi if there is none.
func echoIn(text []byte) (lo, hi int) {
	end := len(bytes.TrimSuffix(text, []byte{'\r'})) - len("'):")
	if end < 0 || string(text[end+1:end+3]) != "):" {
		return 0, 0
	}
	for i, tries := 0, 0; ; tries++ {
		n := bytes.Index(text[i:end], []byte(" ("))
		if n < 0 || tries == maxBrackets {
			return 0, 0
		}
		i += n + 2
		lo = i
		if lo < end && (text[lo] == 'u' || text[lo] == 'b') {
			lo++
		}
		if lo < end && (text[lo] == '\'' || text[lo] == '"') && endOfLiteral(text, lo) == end {
			return lo + 1, end
		}
	}
}

// maxBrackets is how many brackets before an echo are looked at.
const maxBrackets = 64

// endOfLiteral is where the Python string that begins at i ends.
func endOfLiteral(text []byte, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i
		}
	}
	return i
}

// echoed treats the echo that stands at lo to hi in an ERROR's text.
func (r *Redactor) echoed(text []byte, lo, hi int) (changed bool) {
	echo := &r.echo
	echo.reset()
	if name, ok := namedIn(text); ok {
		echo.line = append(append(echo.line, name...), ' ')
		for range echo.line {
			echo.places = append(echo.places, int32(lo))
		}
	}
	echo.read(text, lo, hi)
	r.begin(echo.line)
	g := GistOf(echo.line)
	if g.Command == CmdError || bytes.IndexByte(echo.line, '\n') >= 0 || !r.find(&g) {
		return words(r, text[lo:hi])
	}
	r.apply(text, echo.places)
	any, _ := r.tokens(text[lo:hi], false)
	return len(r.edits) > 0 || any
}

// namedIn is the command's name in the words of releases up to 1.12.
func namedIn(text []byte) (name []byte, ok bool) {
	rest, ok := bytes.CutPrefix(text, []byte("failed to parse line for  '"))
	if !ok {
		return nil, false
	}
	if i := bytes.IndexByte(rest, '\''); i > 0 && commandNamed(rest[:i]) != CmdUnknown {
		return rest[:i], true
	}
	return nil, false
}

// unrepr is the line that a literal stands for.
type unrepr struct {
	line   []byte
	places []int32 // where in the text each byte of line stands, and where it ends
}

func (u *unrepr) reset() { u.line, u.places = u.line[:0], u.places[:0] }

// read unescapes what stands at lo to hi.
func (u *unrepr) read(text []byte, lo, hi int) {
	for i := lo; i < hi; {
		n, c := 1, rune(-1)
		if text[i] == '\\' && i+1 < hi {
			n, c = escapeOf(text[i:hi])
		}
		before := len(u.line)
		if c < 0 {
			u.line = append(u.line, text[i:i+n]...)
		} else {
			u.line = appendRune(u.line, c)
		}
		for k := range len(u.line) - before {
			if c < 0 {
				u.places = append(u.places, int32(i+k))
			} else {
				u.places = append(u.places, int32(i))
			}
		}
		i += n
	}
	u.places = append(u.places, int32(hi))
}

// escapeOf reads one of Python's escapes: its length and what it stands for, -1
// for what is none and stays.
func escapeOf(b []byte) (n int, c rune) {
	digits := 0
	switch b[1] {
	case 'n':
		return 2, '\n'
	case 'r':
		return 2, '\r'
	case 't':
		return 2, '\t'
	case '\\', '\'', '"':
		return 2, rune(b[1])
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	}
	if digits == 0 || len(b) < 2+digits {
		return 1, -1
	}
	for _, h := range b[2 : 2+digits] {
		d, ok := hexDigit(h)
		if !ok || c > utf8.MaxRune {
			return 1, -1
		}
		c = c<<4 | d
	}
	if c > utf8.MaxRune {
		return 1, -1
	}
	return 2 + digits, c
}

func hexDigit(h byte) (rune, bool) {
	switch {
	case '0' <= h && h <= '9':
		return rune(h - '0'), true
	case 'a' <= h|0x20 && h|0x20 <= 'f':
		return rune(h|0x20-'a') + 10, true
	}
	return 0, false
}
