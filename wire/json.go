package wire

import (
	"bytes"
	"unicode/utf8"
)

// A JSON argument is checked by the rules of Python's json and simplejson,
// which are not quite those of the standard: constants and a byte order mark
// pass in some releases, and nesting and integers have limits. It is never
// decoded: the bytes are what is kept.

// maxDepth is how deep JSON may be nested: Python's recursion limit less what
// a receiver has used of it by then, which varies by a few.
const maxDepth = 990

// jsonNote is something of a JSON text that the grammar does not tell.
type jsonNote uint16

const (
	jsonSpaced    jsonNote = 1 << iota // a separator with one space after it
	jsonTight                          // a separator with none
	jsonLoose                          // any other blank between tokens
	jsonAround                         // blanks before or after the whole
	jsonMark                           // a byte order mark in front
	jsonConstant                       // NaN, Infinity or -Infinity
	jsonNonASCII                       // a raw character outside ASCII
	jsonSlash                          // the escape \/
	jsonLongInt                        // fails: an integer of too many digits
	jsonTooDeep                        // fails: nested too deep
	jsonBadString                      // fails: a bad escape or a control character
	jsonBad                            // fails: anything else
	jsonFails     = jsonLongInt | jsonTooDeep | jsonBadString | jsonBad
)

// byte order marks as simplejson swallows them: the mark itself, and what
// becomes of its UTF-8 if that is read as Latin-1.
const (
	bom      = "\ufeff"
	bomTwice = "\u00ef\u00bb\u00bf"
)

// trimJSON takes the byte order mark and the blanks off a JSON argument.
func trimJSON(b []byte) ([]byte, jsonNote) {
	var notes jsonNote
	if n := markLength(b); n > 0 {
		b, notes = b[n:], jsonMark
	}
	begin, end := 0, len(b)
	for begin < end && isJSONBlank(b[begin]) {
		begin++
	}
	for begin < end && isJSONBlank(b[end-1]) {
		end--
	}
	if end-begin < len(b) {
		notes |= jsonAround
	}
	return b[begin:end], notes
}

// markLength is the length of the byte order mark that b begins with.
func markLength(b []byte) int {
	for _, mark := range [...]string{bom, bomTwice} {
		if len(b) >= len(mark) && string(b[:len(mark)]) == mark {
			return len(mark)
		}
	}
	return 0
}

func isJSONBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// jsonScanner walks over one JSON text. It keeps a bit a level of nesting, so
// that it needs neither recursion nor memory.
type jsonScanner struct {
	b     []byte
	i     int
	notes jsonNote
	depth int
	py    *jsonLibrary // whose faults are looked for; nil when only whether there is one counts
	fault jsonFault    // the first one, if a note fails
	at    int          // where that is
	// arrays has a bit for each level: set for an array, clear for an object.
	arrays [(maxDepth + 63) / 64]uint64
}

// scanJSON checks b, which trimJSON has been over, and says what is special
// about it; with one of jsonFails if it is no JSON.
func scanJSON(b []byte) jsonNote {
	s := jsonScanner{b: b}
	s.scan()
	return s.notes
}

func (s *jsonScanner) scan() {
	for s.value() {
		for s.depth > 0 && s.end() {
		}
		if s.depth == 0 || s.notes&jsonFails != 0 {
			break
		}
	}
	if s.notes&jsonFails != 0 {
		return
	}
	if s.blanks(); s.i < len(s.b) {
		s.fail(faultExtra, s.i)
	}
}

func (s *jsonScanner) fail(why jsonFault, at int) bool {
	s.notes |= jsonFaults[why].note
	s.fault, s.at = why, at
	return false
}

// peek is the next byte, 0 at the end: that is no token either.
func (s *jsonScanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// blanks skips blanks and notes them where no sender writes any.
func (s *jsonScanner) blanks() {
	if s.i < len(s.b) && s.b[s.i] <= ' ' {
		for s.i < len(s.b) && isJSONBlank(s.b[s.i]) {
			s.i++
			s.notes |= jsonLoose
		}
	}
}

// separated skips the blanks after a comma or colon and notes the style.
func (s *jsonScanner) separated() {
	begin := s.i
	for s.i < len(s.b) && isJSONBlank(s.b[s.i]) {
		s.i++
	}
	switch {
	case s.i == begin:
		s.notes |= jsonTight
	case s.i == begin+1 && s.b[begin] == ' ':
		s.notes |= jsonSpaced
	default:
		s.notes |= jsonLoose
	}
}

// value reads a value, or as much of one as comes before the first value
// inside it. It reports false when the text is no JSON.
func (s *jsonScanner) value() bool {
	for {
		switch c := s.peek(); c {
		case '"':
			return s.str()
		case '[', '{':
			if !s.open(c) {
				return s.notes&jsonFails == 0 // an empty one is whole
			}
		case 't':
			return s.literal("true", 0)
		case 'f':
			return s.literal("false", 0)
		case 'n':
			return s.literal("null", 0)
		case 'N':
			return s.literal("NaN", jsonConstant)
		case 'I':
			return s.literal("Infinity", jsonConstant)
		default:
			return s.number()
		}
	}
}

// open goes into an array or object, as far as its first value. It reports
// false when there is none.
func (s *jsonScanner) open(c byte) bool {
	s.i++
	s.blanks()
	if next := s.peek(); next == c+2 { // ']' and '}' are two after their opposites
		s.i++
		return false
	}
	if s.i == len(s.b) {
		return s.fail(faultOf(c, faultFirstValue, faultFirstName), s.i)
	}
	if s.depth == maxDepth {
		return s.fail(faultOf(c, faultDeepArray, faultDeepObject), s.i)
	}
	if s.arrays[s.depth/64] |= 1 << (s.depth % 64); c == '{' {
		s.arrays[s.depth/64] &^= 1 << (s.depth % 64)
	}
	s.depth++
	return c == '[' || s.key()
}

func (s *jsonScanner) inArray() bool {
	level := s.depth - 1
	return s.arrays[level/64]>>(level%64)&1 != 0
}

// key reads a member's name and colon.
func (s *jsonScanner) key() bool {
	if s.peek() != '"' {
		return s.fail(faultName, s.i)
	}
	if !s.str() {
		return false
	}
	s.blanks()
	if s.peek() != ':' {
		return s.fail(faultColon, s.i)
	}
	s.i++
	s.separated()
	return true
}

// end reads what comes after a value inside an array or object. It reports
// true when that closed it, so that a value has ended again; false when the
// next value follows, or on failure.
func (s *jsonScanner) end() bool {
	s.blanks()
	array := s.inArray()
	switch c := s.peek(); {
	case c == ',':
		s.i++
		s.separated()
		if !array {
			s.key()
		}
		return false
	case c == ']' && array, c == '}' && !array:
		s.i++
		s.depth--
		return true
	}
	if array {
		return s.fail(faultArrayEnd, s.i)
	}
	return s.fail(faultObjectEnd, s.i)
}

// plain has what may stand in a string as it is; the rest ends it, begins an
// escape, or is refused.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 256; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// str reads a string. Control characters must be escaped (DEL is none), and
// halves of surrogate pairs pass.
func (s *jsonScanner) str() bool {
	b, begin, i := s.b, s.i, s.i+1
	var high byte
	for {
		for i < len(b) && plain[b[i]] {
			high |= b[i]
			i++
		}
		if i < len(b) && b[i] == '"' {
			break
		}
		if i == len(b) {
			return s.fail(faultString, begin)
		}
		if b[i] != '\\' {
			return s.fail(faultControl, i)
		}
		n, why := s.escape(b[i:])
		switch why {
		case faultNone:
		case faultString:
			return s.fail(why, begin)
		case faultHex:
			return s.fail(why, i+1)
		default:
			return s.fail(why, i)
		}
		i += n
	}
	s.i = i + 1
	if high >= utf8.RuneSelf {
		s.notes |= jsonNonASCII
	}
	return true
}

// escape is the length of the escape that b begins with, or what is wrong.
func (s *jsonScanner) escape(b []byte) (int, jsonFault) {
	if len(b) < 2 {
		return 0, faultString
	}
	switch b[1] {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		return 2, faultNone
	case '/':
		s.notes |= jsonSlash
		return 2, faultNone
	case 'u':
		if _, ok := hex4(b[2:]); ok && len(b) > 6 { // the last four can't end a string
			return 6, faultNone
		}
		return 0, faultHex
	}
	return 0, faultEscape
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

func (s *jsonScanner) literal(word string, note jsonNote) bool {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		return s.fail(faultValue, s.i)
	}
	if note != 0 && s.py != nil && s.py.noConstants {
		return s.fail(faultConstant, s.i)
	}
	s.i += len(word)
	s.notes |= note
	return true
}

// number reads as much as is a number: what follows shows whether it fits.
func (s *jsonScanner) number() bool {
	begin := s.i
	if s.peek() == '-' {
		if bytes.HasPrefix(s.b[s.i:], negativeInfinity) {
			return s.literal(string(negativeInfinity), jsonConstant)
		}
		s.i++
	}
	first := s.i
	if s.digits() == 0 {
		if s.py != nil && s.py.simple && s.i < len(s.b) {
			begin = first // it points behind the sign, unless nothing is there
		}
		return s.fail(faultValue, begin)
	}
	if s.b[first] == '0' {
		s.i = first + 1
	}
	whole := s.i
	if s.fraction(); s.exponent() || s.i > whole {
		return true
	}
	return s.integer(begin, whole-first)
}

var negativeInfinity = []byte("-Infinity")

func (s *jsonScanner) fraction() {
	if s.peek() == '.' {
		if s.i++; s.digits() == 0 {
			s.i--
		}
	}
}

func (s *jsonScanner) exponent() bool {
	begin := s.i
	if s.peek()|0x20 != 'e' {
		return false
	}
	if s.i++; s.peek() == '+' || s.peek() == '-' {
		s.i++
	}
	if s.digits() == 0 {
		s.i = begin
	}
	return s.i > begin
}

func (s *jsonScanner) integer(begin, digits int) bool {
	if s.py != nil && s.py.callsInt && s.depth == maxDepth {
		return s.fail(faultDeepCall, begin)
	}
	if digits > maxIntDigits {
		return s.fail(faultLongInt, begin)
	}
	return true
}

func (s *jsonScanner) digits() int {
	begin := s.i
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		s.i++
	}
	return s.i - begin
}
