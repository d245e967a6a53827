package wire

import "bytes"

// partialJSON follows JSON that comes in parts, and of which the end may never
// come. It is stricter than JSON: deep nesting, escapes and blanks in strings,
// and words other than the three it takes for no row of ids.
type partialJSON struct {
	state  jsonState
	depth  int
	arrays uint64 // a bit a level, the innermost the lowest: 1 for an array
	name   bool   // the string is a member's name
	scalar int    // how long the number or word is so far
}

type jsonState uint8

const (
	wantValue  jsonState = iota
	wantFirst            // or the end of an empty array
	wantName             // in an object
	wantNoName           // or the end of an empty object
	wantColon
	wantMore // a comma or an end
	inString
	inScalar
)

// maxScalar is the longest number or word in a row.
const maxScalar = 20

// goesOn takes the next part, and reports false when the whole can't be JSON.
func (p *partialJSON) goesOn(part []byte) bool {
	for _, c := range part {
		if !p.next(c) {
			return false
		}
	}
	return true
}

func (p *partialJSON) next(c byte) bool {
	switch p.state {
	case inString:
		return p.inside(c)
	case inScalar:
		if isDigit(c) || bytes.IndexByte([]byte("truefalsn.+-"), c) >= 0 {
			p.scalar++
			return p.scalar <= maxScalar
		}
		p.state = wantMore
	}
	if isJSONBlank(c) {
		return true
	}
	switch p.state {
	case wantFirst, wantNoName:
		if c == ']' && p.state == wantFirst || c == '}' && p.state == wantNoName {
			return p.close(c)
		}
	case wantColon:
		p.state = wantValue
		return c == ':'
	case wantMore:
		if c != ',' {
			return p.close(c)
		}
		if p.state = wantValue; p.arrays&1 == 0 {
			p.state = wantName
		}
		return p.depth > 0
	}
	return p.begin(c)
}

// inside takes a byte of a string.
func (p *partialJSON) inside(c byte) bool {
	if c != '"' {
		return c > ' ' && c != '\\'
	}
	if p.state = wantMore; p.name {
		p.state = wantColon
	}
	return true
}

// begin takes the first byte of a value or name.
func (p *partialJSON) begin(c byte) bool {
	named := p.state == wantName || p.state == wantNoName
	switch {
	case c == '"':
		p.state, p.name = inString, named
		return true
	case named:
		return false
	case c == '[' || c == '{':
		p.depth++
		p.arrays <<= 1
		if p.state = wantNoName; c == '[' {
			p.state = wantFirst
			p.arrays |= 1
		}
		return p.depth <= 64
	}
	p.state, p.scalar = inScalar, 1
	return c == '-' || '0' <= c && c <= '9' || c == 't' || c == 'f' || c == 'n'
}

// close takes the end of an array or object.
func (p *partialJSON) close(c byte) bool {
	array := p.arrays&1 != 0
	if p.depth == 0 || c != ']' && c != '}' || array != (c == ']') {
		return false
	}
	p.depth--
	p.arrays >>= 1
	p.state = wantMore
	return true
}
