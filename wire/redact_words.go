package wire

import (
	"strings"
	"unicode/utf8"
)

// errorWords are the texts of ERRORs, of which every word is known. What is
// quoted in them is not.
const errorWords = `ping timeout. Failed to keep up. Line length exceeded. Wrong remote. server shutting down. invalid command.
failed to parse line for. failed to parse line. failed to handle replicate. unknown stream %s. stream has fallen behined behind.
too long. Failed to send command as too long. start end batch None NOW now ALL master
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

// words puts pseudonyms in the place of all words but the known ones. It
// reports whether there were any.
func words(r *Redactor, text []byte) (changed bool) {
	eachWord(text, func(word []byte) {
		r.alias.write(word, word, 0)
		changed = true
	})
	return changed
}

// eachWord gives the words of a text that are not known, and the numbers that
// don't count something.
func eachWord(text []byte, unknown func(word []byte)) {
	counts := false // the word before is a known one
	for lo, hi := nextWord(text, 0); lo < hi; lo, hi = nextWord(text, hi) {
		word := text[lo:hi]
		known := knownWord[string(word)]
		if !known && !isPunctuation(word) && !isLiteralSign(text, lo, hi) && !(counts && isCount(text, lo, hi)) {
			unknown(word)
		}
		counts = known
	}
}

// nextWord is where the next word stands, from i on.
func nextWord(text []byte, i int) (lo, hi int) {
	for i < len(text) && betweenWords[text[i]] {
		i++
	}
	lo = i
	for i < len(text) && !betweenWords[text[i]] {
		i++
	}
	return lo, i
}

func isPunctuation(word []byte) bool {
	for _, c := range word {
		if wordByte[c] && c != '-' && c != '.' && c != '_' || c >= utf8.RuneSelf || c == '%' {
			return false
		}
	}
	return len(word) < 12
}

// isLiteralSign reports whether a word is the u or b before one of Python's
// literals.
func isLiteralSign(text []byte, lo, hi int) bool {
	return hi == lo+1 && (text[lo] == 'u' || text[lo] == 'b') && hi < len(text) && (text[hi] == '\'' || text[hi] == '"')
}

// isCount reports whether the word at lo to hi, which follows a known one, is a
// number of something. Of an address, a telephone number or a key that was cut
// into pieces none is: those have other numbers next to them, or come last.
func isCount(text []byte, lo, hi int) bool {
	for _, c := range text[lo:hi] {
		if !isDigit(c) {
			return false
		}
	}
	if hi-lo > maxCount || hi+1 >= len(text) || text[lo-1] != ' ' && text[lo-1] != '(' {
		return false
	}
	switch text[hi] {
	case ')', ',':
		return true
	case ':':
		return text[hi+1] == ' '
	}
	lo, hi = nextWord(text, hi)
	return knownWord[string(text[lo:hi])]
}

// maxCount is the most digits of a number in an ERROR that stays: positions in a
// line, which are less than MaxLine.
const maxCount = 5
