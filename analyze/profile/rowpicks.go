package profile

import (
	"bytes"

	"repltap/wire"
)

// What a row is about stands in some of its elements. Which these are is in the
// table of streams (package wire); here that becomes a list of places for each
// stream, so that of a row no more is read than up to the last of them.

// aspect is what rows are told apart by.
type aspect uint8

const (
	noAspect aspect = iota
	aspectTag
	aspectFunction
	aspectType
	aspectUser
	aspectRoom
	aspectServer
	aspectApp
	aspectGroup
	aspectDevice
	numAspects
)

var aspectNames = [numAspects]string{"", "tag", "function", "type", "user", "room", "server", "app", "group", "device"}

var aspectOf = map[wire.FieldKind]aspect{
	wire.FieldCache: aspectFunction, wire.FieldType: aspectType, wire.FieldUser: aspectUser, wire.FieldEntity: aspectUser,
	wire.FieldRoom: aspectRoom, wire.FieldServer: aspectServer, wire.FieldAppID: aspectApp, wire.FieldGroup: aspectGroup,
}

// picks says what is in which element, by the element's place; it ends with the
// last that is of interest.
type picks []aspect

// rowPicks is where to look in the rows of a stream.
type rowPicks struct {
	plain picks
	tags  map[string]picks // for rows that begin with one of these
}

// picksOf are the places for a stream; nil when no release has it.
func picksOf(stream []byte) *rowPicks {
	s := wire.StreamOf(stream)
	if s == nil {
		return nil
	}
	out := &rowPicks{}
	first := true
	for i := range s.Shapes {
		shape := &s.Shapes[i]
		if shape.Tag == "" {
			p := picksIn(shape.Columns)
			if first {
				out.plain, first = p, false
			} else {
				out.plain = out.plain.both(p, shape.Columns)
			}
			continue
		}
		if out.tags == nil {
			out.tags = map[string]picks{}
		}
		if _, ok := out.tags[shape.Tag]; !ok { // the newest is the first and the longest
			out.tags[shape.Tag] = nil
			if shape.Columns[1].Kind == wire.FieldTuple {
				out.tags[shape.Tag] = picksIn(shape.Columns[1].Columns)
			}
		}
	}
	return out
}

func picksIn(columns []wire.Column) picks {
	var out picks
	for i, c := range columns {
		if a := aspectOf[c.Kind]; a != noAspect {
			out = append(out, make(picks, i+1-len(out))...)
			out[i] = a
		}
	}
	return out
}

// both leaves only what is in the same place in rows of another shape, if these
// are that long.
func (p picks) both(o picks, columns []wire.Column) picks {
	longer := p
	if len(o) > len(p) {
		longer = o
	}
	out := append(picks{}, longer...)
	for i := range out {
		if i < len(p) && i < len(o) && p[i] != o[i] || i >= len(o) && i < len(columns) {
			out[i] = noAspect
		}
	}
	return out
}

// read calls for each aspect of a row: with what it is, as JSON, without the
// quotes if it is a string.
func (r *rowPicks) read(row []byte, each func(aspect, []byte)) {
	list, ok := inside(row)
	if !ok {
		return
	}
	if r.tags != nil {
		tag, rest := element(list)
		if inner, ok := r.tags[string(unquoted(tag))]; ok {
			each(aspectTag, unquoted(tag))
			if len(inner) > 0 {
				data, _ := element(rest)
				if data, ok := inside(data); ok {
					inner.read(data, each)
				}
			}
			return
		}
	}
	r.plain.read(list, each)
}

func (p picks) read(list []byte, each func(aspect, []byte)) {
	for _, a := range p {
		if len(list) == 0 {
			return
		}
		var e []byte
		e, list = element(list)
		if name := unquoted(e); a != noAspect && name != nil {
			each(a, name)
		}
	}
}

// inside is what stands between the brackets of an array.
func inside(json []byte) ([]byte, bool) {
	if len(json) < 2 || json[0] != '[' {
		return nil, false
	}
	return json[1:], true
}

// element cuts the first element off what is inside an array. It trusts that it
// is JSON, and of what is not it gives something or nothing.
func element(list []byte) (e, rest []byte) {
	i := 0
	for i < len(list) && (list[i] == ' ' || list[i] == ',') {
		i++
	}
	list = list[i:]
	if len(list) == 0 || list[0] == ']' {
		return nil, nil
	}
	n := 0
	switch list[0] {
	case '"':
		n = stringEnd(list)
	case '[', '{':
		for depth := 0; n < len(list); {
			switch list[n] {
			case '"':
				n += stringEnd(list[n:])
				continue
			case '[', '{':
				depth++
			case ']', '}':
				depth--
			}
			n++
			if depth == 0 {
				break
			}
		}
	default:
		for n < len(list) && list[n] != ',' && list[n] != ']' {
			n++
		}
	}
	return list[:n], list[n:]
}

// stringEnd is how long the string is that b begins with, quotes included.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			break
		}
		i += n
		slashes := 0
		for b[i-1-slashes] == '\\' {
			slashes++
		}
		if i++; slashes%2 == 0 {
			return i
		}
	}
	return len(b)
}

// unquoted is a string without its quotes; its escapes stay.
func unquoted(e []byte) []byte {
	if len(e) < 2 || e[0] != '"' || e[len(e)-1] != '"' {
		return nil
	}
	return e[1 : len(e)-1]
}
