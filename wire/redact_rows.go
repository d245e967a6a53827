package wire

import (
	"bytes"
	"slices"
)

// maxElements is how many elements of a row are looked at; no row has as many.
const maxElements = 16

// row treats a stream's row, which is JSON. A row that has none of the stream's
// shapes, and all rows of streams that no release has, keep no string.
func (r *Redactor) row(name, json []byte) {
	s := r.streamOf(name)
	if s == nil {
		r.within(json, asID)
		return
	}
	if json[0] == '{' {
		r.rowObject(s, json)
		return
	}
	var room [maxElements][]byte
	elements := room[:min(elementsOf(json, room[:]), maxElements)]
	for i := range s.Shapes {
		if shape := &s.Shapes[i]; shape.matches(elements) && r.believable(elements[0], &shape.Columns[0]) {
			if s.secret || r.level == RedactPersonal {
				r.columns(elements, shape.Columns)
			}
			return
		}
	}
	r.shapeless(s, elements, json)
}

// believable reports whether the first element of a row with secrets is what
// the column says: else the others could be in disorder too.
func (r *Redactor) believable(first []byte, c *Column) bool {
	return r.level != RedactSecrets || c.Kind != FieldUser || isUserID(first[1:len(first)-1])
}

// shapeless treats a row of an unknown shape: only its tag stays.
func (r *Redactor) shapeless(s *Stream, elements [][]byte, json []byte) {
	if len(elements) > 1 && elements[0][0] == '"' {
		tag := string(elements[0][1 : len(elements[0])-1])
		if slices.ContainsFunc(s.Shapes, func(shape RowShape) bool { return shape.Tag == tag && tag != "" }) {
			json = json[cap(json)-cap(elements[1]):]
		}
	}
	r.within(json, asID)
}

// matches reports whether a row has the shape, tag and types and all.
func (r *RowShape) matches(elements [][]byte) bool {
	if !fit(elements, r.Columns) {
		return false
	}
	if r.Tag == "" {
		return true
	}
	tag := elements[0]
	if string(tag[1:len(tag)-1]) != r.Tag {
		return false
	}
	data := &r.Columns[1]
	if data.Kind != FieldTuple {
		return true
	}
	var room [maxElements][]byte
	return fit(room[:min(elementsOf(elements[1], room[:]), maxElements)], data.Columns)
}

// fit reports whether elements are as many as columns and of their types.
func fit(elements [][]byte, columns []Column) bool {
	if len(elements) != len(columns) {
		return false
	}
	for i, e := range elements {
		want := typesOf[columns[i].Kind]
		if want == 0 {
			want = typeString
		}
		if t := jsonTypeOf(e); t&want == 0 && t != typeNull {
			return false
		}
	}
	return true
}

func jsonTypeOf(json []byte) jsonType {
	switch json[0] {
	case '"':
		return typeString
	case '[':
		return typeArray
	case '{':
		return typeObject
	case 't', 'f':
		return typeBool
	case 'n':
		return typeNull
	}
	return typeNumber
}

// columns treats elements, which fit the columns.
func (r *Redactor) columns(elements [][]byte, columns []Column) {
	var name []byte // of a cache
	for i, e := range elements {
		switch c := &columns[i]; c.Kind {
		case FieldCache:
			name = bytes.Trim(e, `"`)
			r.column(e, c)
		case FieldKeys:
			r.keys(name, e)
		default:
			r.column(e, c)
		}
	}
}

// keys treats the keys of a cache.
func (r *Redactor) keys(name, json []byte) {
	switch {
	case isSecretCache(name):
		r.within(json, asText)
	case r.level == RedactPersonal:
		r.within(json, asID)
	}
}

// column treats one element, of which only the type is certain.
func (r *Redactor) column(json []byte, c *Column) {
	if json[0] == '"' {
		r.str(json, r.treats[c.Kind])
		return
	}
	if c.Columns == nil || r.level != RedactPersonal {
		r.within(json, r.treats[c.Kind])
		return
	}
	switch {
	case c.Kind == FieldObject && json[0] == '{':
		r.members(json, c.Columns)
		return
	case json[0] == '[':
		var room [maxElements][]byte
		n := elementsOf(json, room[:])
		if c.Kind == FieldList && n <= maxElements {
			for _, e := range room[:n] {
				r.column(e, &c.Columns[0])
			}
			return
		}
		if c.Kind == FieldTuple && n <= maxElements && fit(room[:n], c.Columns) {
			r.columns(room[:n], c.Columns)
			return
		}
	}
	r.within(json, asID)
}

// rowObject treats a row of 0.26.1 to 0.27.1: the columns by name.
func (r *Redactor) rowObject(s *Stream, json []byte) {
	var columns []Column
	for i := range s.Shapes {
		if s.Shapes[i].Tag == "" {
			columns = s.Shapes[i].Columns // the oldest comes last
		}
	}
	r.members(json, columns)
}

// members treats an object's members by the columns that are called as they
// are. Others keep no string, nor their names.
func (r *Redactor) members(json []byte, columns []Column) {
	cache := []byte(`\`) // unknown: to be sure, a secret one
	each(json, func(name, value []byte) {
		if string(name) == `"cache_func"` && value[0] == '"' {
			cache = value[1 : len(value)-1]
		}
	})
	each(json, func(name, value []byte) {
		for i := range columns {
			if c := &columns[i]; string(name[1:len(name)-1]) == c.Name {
				if c.Kind == FieldKeys {
					r.keys(cache, value)
				} else {
					r.column(value, c)
				}
				return
			}
		}
		if !isColumnName(name[1 : len(name)-1]) {
			r.str(name, asID)
		}
		r.within(value, asID)
	})
}

func isColumnName(b []byte) bool {
	for _, c := range b {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return len(b) <= 32
}

// each gives the members of an object, the names with their quotes.
func each(json []byte, member func(name, value []byte)) {
	for i := 1; i < len(json); {
		if json[i] != '"' {
			i++ // blanks, a comma, the end
			continue
		}
		end := endOfString(json, i) + 1
		name := json[i:end]
		for i = end; json[i] != ':'; i++ {
		}
		for i++; isJSONBlank(json[i]); i++ {
		}
		end = endOfValue(json, i)
		member(name, json[i:end])
		i = end
	}
}

// endOfValue is where the value that begins at i ends. The JSON is known to be
// whole.
func endOfValue(json []byte, i int) int {
	for depth := 0; i < len(json); i++ {
		switch json[i] {
		case '"':
			i = endOfString(json, i)
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i
			}
			depth--
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return i
}

// streamOf is StreamOf with a memory: rows come in runs.
func (r *Redactor) streamOf(name []byte) *Stream {
	if s := r.stream; s != nil && string(name) == s.Name {
		return s
	}
	s := StreamOf(name)
	if s != nil {
		r.stream = s
	}
	return s
}

// cacheName is the name in a row of caches as all senders but one era's write
// it, even if the row's end is missing.
func cacheName(row []byte) ([]byte, bool) {
	name := firstString(row)
	return name, name != nil && len(row) > len(name)+3 && bytes.IndexByte([]byte(", "), row[len(name)+3]) >= 0
}
