package wire

import "bytes"

// rowTaker takes the rows of one stream in as workers of one release do: by
// how many parts they have, no more.
type rowTaker struct {
	columns int
	// inner is how many parts the second column has, by the text of the first,
	// for a stream whose rows the worker takes apart once more; else nil.
	inner map[string]int
}

func rowTakerOf(r Release, s *Stream) (t rowTaker) {
	for i := range s.Shapes {
		shape := &s.Shapes[i]
		if r < shape.Since || r >= shape.Before {
			continue
		}
		t.columns = len(shape.Columns)
		if shape.Tag == "" || shape.Columns[1].Kind != FieldTuple {
			continue
		}
		if t.inner == nil {
			t.inner = map[string]int{}
		}
		t.inner[shape.Tag] = len(shape.Columns[1].Columns)
	}
	return t
}

// take gives the row as the array that it stands for: itself, nearly always. It
// reports false for a row that does not fit.
func (t *rowTaker) take(row []byte) ([]byte, bool) {
	var parts [2][]byte
	if len(row) > 0 && row[0] != '[' && unpacks(row) == t.columns {
		row = unpacked(row)
	}
	if elementsOf(row, parts[:]) != t.columns {
		return nil, false
	}
	if t.inner == nil {
		return row, true
	}
	tag, data := parts[0], parts[1]
	if tag[0] != '"' {
		return nil, false
	}
	n, known := t.innerOf(tag)
	if !known || unpacks(data) != n {
		return nil, false
	}
	if data[0] == '[' {
		return row, true
	}
	return bytes.Join([][]byte{[]byte("["), tag, []byte(","), unpacked(data), []byte("]")}, nil), true
}

func (t *rowTaker) innerOf(tag []byte) (n int, known bool) {
	if bytes.IndexByte(tag, '\\') < 0 {
		n, known = t.inner[string(tag[1:len(tag)-1])]
		return n, known
	}
	n, known = t.inner[string(unquote(nil, tag))]
	return n, known
}

// unpacked is JSON that unpacks as the array of what it unpacks into.
func unpacked(json []byte) []byte {
	switch json[0] {
	case '{':
		return keysOf(json)
	case '"':
		return charactersOf(json)
	}
	return json
}

// keysOf is the names in an object, each once, in the order in which they come.
func keysOf(json []byte) []byte {
	out, seen := []byte("["), map[string]bool{}
	for name := range namesIn(json) {
		if text := string(unquote(nil, name)); !seen[text] {
			seen[text] = true
			out = append(appendComma(out), name...)
		}
	}
	return append(out, ']')
}

// charactersOf is the characters of a string, each as a string.
func charactersOf(quoted []byte) []byte {
	out := []byte("[")
	for i := 1; i < len(quoted)-1; {
		n := characterAt(quoted[i:])
		out = append(append(appendComma(out), '"'), quoted[i:i+n]...)
		out = append(out, '"')
		i += n
	}
	return append(out, ']')
}

func appendComma(out []byte) []byte {
	if len(out) > 1 {
		return append(out, ',')
	}
	return out
}

// characterAt is the length of the first character inside a JSON string.
func characterAt(b []byte) int {
	if b[0] != '\\' {
		n := 1
		for b[n]&0xC0 == 0x80 {
			n++
		}
		return n
	}
	if b[1] != 'u' {
		return 2
	}
	if r, _ := hex4(b[2:]); r&0xFC00 == 0xD800 {
		if _, ok := lowHalf(b[6:]); ok {
			return 12
		}
	}
	return 6
}
