package wire

import (
	"encoding/binary"
	"math/bits"
)

// rowView is what one walk over a row's JSON shows: whether it is JSON, how it
// is written, and what its elements are. It is scanJSON and elementsOf in one
// pass, for the data path; a test holds it to them.
type rowView struct {
	notes jsonNote
	whole jsonType  // of the row itself
	outer signature // of its elements
	inner signature // of what is in the second of them
	tag   []byte    // the text of the first, if that is a string
}

// scanDepth is how deep a view looks: a bit a level has to fit into a word.
const scanDepth = 60

// scan looks at b, which trimJSON has been over. It reports false when b is no
// JSON, or none that it can make out: scanJSON then says what is wrong.
func (v *rowView) scan(b []byte) bool {
	*v = rowView{}
	var arrays uint64 // a bit a level, the innermost last: set for an array
	depth, i := 0, 0
	for {
		if i >= len(b) {
			return false
		}
		c, begin := b[i], i
		t := typeByFirst[c]
		switch t {
		case typeString:
			i = v.text(b, i+1)
			if v.outer.n == 0 && depth == 1 && i > 0 {
				v.tag = b[begin+1 : i-1]
			}
		case typeNumber:
			i = number(b, i)
		case typeArray, typeObject:
			i = v.blanks(b, i+1)
		case 0:
			return false
		default:
			i = literal(b, i)
		}
		if i <= begin {
			return false
		}
		switch depth {
		case 0:
			v.whole = t
		case 1:
			v.outer.add(t)
		case 2:
			if v.outer.n == 2 {
				v.inner.add(t)
			}
		}
		if t == typeArray || t == typeObject {
			if i < len(b) && b[i] == c+2 { // ']' and '}' are two after their opposites
				i++
			} else if depth++; depth > scanDepth {
				return false
			} else if arrays <<= 1; t == typeArray {
				arrays |= 1
				continue
			} else if i = v.key(b, i); i < 0 {
				return false
			} else {
				continue
			}
		}
		for { // what comes after a value
			if i = v.blanks(b, i); i >= len(b) {
				return depth == 0
			}
			if depth == 0 {
				return false
			}
			if b[i] != ']'+byte(1-arrays&1)*('}'-']') {
				break
			}
			i++
			depth--
			arrays >>= 1
		}
		if b[i] != ',' {
			return false
		}
		if i = v.separated(b, i+1); arrays&1 == 0 {
			if i = v.key(b, i); i < 0 {
				return false
			}
		}
	}
}

// typeByFirst is the type of a value by its first byte.
var typeByFirst = func() (t [256]jsonType) {
	t['"'], t['['], t['{'] = typeString, typeArray, typeObject
	t['t'], t['f'], t['n'] = typeBool, typeBool, typeNull
	t['-'] = typeNumber
	for c := '0'; c <= '9'; c++ {
		t[c] = typeNumber
	}
	return t
}()

// text reads a string from after its opening quote on and gives the place
// after its closing one, 0 if it has a fault.
func (v *rowView) text(b []byte, i int) int {
	for {
		for i+8 <= len(b) {
			word := binary.LittleEndian.Uint64(b[i:])
			if odd := oddBytes(word); odd != 0 {
				i += bits.TrailingZeros64(odd) / 8
				break
			}
			i += 8
		}
		for i < len(b) && plainASCII[b[i]] {
			i++
		}
		if i >= len(b) {
			return 0
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c >= 0x80:
			v.notes |= jsonNonASCII
			i++
		case c == '\\':
			s := jsonScanner{notes: v.notes}
			n, fault := s.escape(b[i:])
			if fault != faultNone {
				return 0
			}
			v.notes, i = s.notes, i+n
		default:
			return 0
		}
	}
}

// oddBytes marks (with its highest bit) the first of eight bytes that is a
// quote, a backslash, a control character or not ASCII; what it marks after
// that is of no use.
func oddBytes(word uint64) uint64 {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quote, slash := word^ones*'"', word^ones*'\\'
	return (word | (word - ones*0x20) | (quote - ones) | (slash - ones)) & high
}

// plainASCII is plain without what is not ASCII.
var plainASCII = func() (t [256]bool) {
	copy(t[:0x80], plain[:0x80])
	return t
}()

// blanks skips blanks and notes that there were any where no sender writes any.
func (v *rowView) blanks(b []byte, i int) int {
	for i < len(b) && isJSONBlank(b[i]) {
		i++
		v.notes |= jsonLoose
	}
	return i
}

// separated skips the blanks after a comma or colon and notes the style.
func (v *rowView) separated(b []byte, i int) int {
	switch {
	case i >= len(b) || !isJSONBlank(b[i]):
		v.notes |= jsonTight
	case b[i] == ' ' && (i+1 == len(b) || !isJSONBlank(b[i+1])):
		v.notes |= jsonSpaced
		i++
	default:
		i = v.blanks(b, i)
	}
	return i
}

// key reads a member's name and colon, and gives the place of its value, -1
// if there is a fault.
func (v *rowView) key(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	if i = v.text(b, i+1); i == 0 {
		return -1
	}
	if i = v.blanks(b, i); i >= len(b) || b[i] != ':' {
		return -1
	}
	return v.separated(b, i+1)
}

// number reads a plain integer, which most are, and leaves the others to
// jsonScanner. It gives the place after it, or where it is if it is none.
func number(b []byte, i int) int {
	begin := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	plain := i > begin && i-begin <= 20 && (b[begin] != '0' || i == begin+1)
	if plain && (i == len(b) || b[i] != '.' && b[i]|0x20 != 'e') {
		return i
	}
	s := jsonScanner{b: b, i: begin}
	if !s.number() || s.notes != 0 {
		return begin
	}
	return s.i
}

func literal(b []byte, i int) int {
	word := "true"
	switch b[i] {
	case 'f':
		word = "false"
	case 'n':
		word = "null"
	}
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return i
	}
	return i + len(word)
}
