package wire

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// An ERROR line often echoes the line it is about: as Python's repr, with the
// command's name (from 1.13) or without (before). What can be read of that is
// treated as the line itself would be. Of all the rest only words stay that
// Synapse and the libraries under it write themselves, and short numbers: the
// text is free, so that is always possible.

// errorWords are the texts of ERRORs, of which every word is known. What is
// quoted in them is not.
const errorWords = `ping timeout. Failed to keep up. Line length exceeded. Wrong remote. server shutting down. invalid command.
failed to parse line for. failed to parse line. failed to handle replicate. unknown stream %s. stream has fallen behined behind.
too long. Failed to send command as too long. start end batch None NOW now ALL master u b
ValueError KeyError JSONDecodeError Exception TypeError RecursionError IndexError AttributeError RuntimeError
NotImplementedError AssertionError UnicodeDecodeError UnicodeEncodeError
invalid literal for int() with base. Invalid USER_SYNC state. Invalid JSON value. NaN Infinity -Infinity
not enough values to unpack (expected, got). too many values to unpack. need more than value to unpack.
cannot unpack non-iterable int float bool NoneType object. substring not found. list index out of range.
Expecting value line column char. Expecting delimiter or. Expecting property name enclosed in double quotes. Extra data.
Expecting value or. Expecting object. Unterminated string starting at. Invalid control character at.
Invalid \escape escape sequence. Invalid \uXXXX escape sequence. Invalid \X escape sequence.
No JSON object could be decoded. Illegal trailing comma before of array object.
Exceeds the limit (digits) for integer string conversion value has digits; use sys.set_int_max_str_digits() to increase the limit
maximum recursion depth exceeded while decoding a JSON array object from unicode string. in comparison calling Python`

// knownWord has the words of errorWords, the commands and the streams.
var knownWord = map[string]bool{}

func init() {
	for _, w := range strings.FieldsFunc(errorWords, func(c rune) bool { return c < 128 && betweenWords[c] }) {
		knownWord[w], knownWord[strings.TrimSuffix(w, ".")] = true, true
	}
	for _, name := range commandNames[CmdUnknown+1:] {
		knownWord[name] = true
	}
	for i := range streams {
		knownWord[streams[i].Name] = true
	}
}

// betweenWords is what ends a word in an ERROR.
var betweenWords = func() (set [256]bool) {
	for c := range 0x21 {
		set[c] = true
	}
	for _, c := range []byte("\"'()[]{},:;\\") {
		set[c] = true
	}
	return set
}()

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

// words puts pseudonyms in the place of all words but the known ones. It
// reports whether there were any.
func words(r *Redactor, text []byte) (changed bool) {
	eachWord(text, func(word []byte) {
		r.alias.write(word, word, 0)
		changed = true
	})
	return changed
}

// eachWord gives the words of a text that are not known.
func eachWord(text []byte, unknown func(word []byte)) {
	for i := 0; i < len(text); {
		if betweenWords[text[i]] {
			i++
			continue
		}
		begin := i
		for i < len(text) && !betweenWords[text[i]] {
			i++
		}
		if word := text[begin:i]; !isKnown(word) {
			unknown(word)
		}
	}
}

// isKnown reports whether a word tells nothing: a known one, a number shorter
// than any secret, punctuation.
func isKnown(word []byte) bool {
	if knownWord[string(word)] {
		return true
	}
	digits := 0
	for _, c := range word {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case wordByte[c] && c != '-' && c != '.' && c != '_', c >= utf8.RuneSelf, c == '%':
			return false
		}
	}
	return digits < 8 && len(word) < 12
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
