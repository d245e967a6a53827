package journal

import "bytes"

// A line is kept as a template and the values that fill its holes. Two lines
// that differ only in numbers, quoted strings and identifiers share a template,
// so what is said over and over (command, stream, writer, the row's shape) costs
// one small number a line, and values that belong together stand together in a
// column, where they compress well. The cut knows nothing of the protocol: it is
// exact for any bytes, and lines of the protocol merely happen to cut well.

// The bytes of a template that stand for a hole. A line that holds one of them
// itself is not cut but kept verbatim.
const (
	holeNumber byte = 1 // a decimal integer as it is written without leading zeros
	holeQuoted byte = 2 // the inside of a JSON string, quotes not included
	holeWord   byte = 3 // any other run of bytes without a delimiter
	lastHole        = holeWord
)

// maxHoles bounds the columns of one template; a line with more is kept verbatim.
const maxHoles = 64

// maxCut is the longest line that is cut. Longer ones are rare and their lists
// of users give every line a template of its own.
const maxCut = 2048

// hole is one value of a line: line[from:to], and its number if it is one.
type hole struct {
	from, to int
	number   int64
}

// delimiters end an unquoted run; letters make it part of the template.
var delimiters, letters [256]bool

func init() {
	for _, c := range []byte(" ,[]{}\"\n") {
		delimiters[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		letters[c], letters[c-'a'+'A'] = true, true
	}
	for _, c := range []byte("_-.") {
		letters[c] = true
	}
}

// cut appends line's template to tmpl and its values to holes. It reports false
// when the line has to be kept verbatim.
func cut(line, tmpl []byte, holes []hole) ([]byte, []hole, bool) {
	if len(line) > maxCut {
		return tmpl, holes, false
	}
	for i := 0; i < len(line); {
		c := line[i]
		switch {
		case c == '"':
			end := stringEnd(line, i+1)
			if end < 0 {
				return tmpl, holes, false
			}
			if end+1 < len(line) && line[end+1] == ':' { // a key belongs to the row's shape
				if bytes.IndexByte(line[i:end], holeNumber) >= 0 || bytes.IndexByte(line[i:end], holeQuoted) >= 0 || bytes.IndexByte(line[i:end], holeWord) >= 0 {
					return tmpl, holes, false
				}
				tmpl = append(tmpl, line[i:end+1]...)
			} else {
				tmpl = append(tmpl, holeQuoted)
				holes = append(holes, hole{from: i + 1, to: end})
			}
			i = end + 1
		case delimiters[c] || c == ':':
			tmpl = append(tmpl, c)
			i++
		default:
			j, word := i, true
			for j < len(line) && !delimiters[line[j]] {
				word = word && letters[line[j]]
				j++
			}
			if word {
				tmpl = append(tmpl, line[i:j]...)
			} else if n, ok := plainInt(line[i:j]); ok {
				tmpl = append(tmpl, holeNumber)
				holes = append(holes, hole{i, j, n})
			} else {
				tmpl = append(tmpl, holeWord)
				holes = append(holes, hole{from: i, to: j})
			}
			i = j
		}
	}
	return tmpl, holes, len(holes) <= maxHoles
}

// stringEnd gives the index of the quote that ends a JSON string whose inside
// begins at i, or -1.
func stringEnd(line []byte, i int) int {
	for j := i; ; {
		k := bytes.IndexByte(line[j:], '"')
		if k < 0 {
			return -1
		}
		j += k
		b := j
		for b > i && line[b-1] == '\\' {
			b--
		}
		if (j-b)%2 == 0 {
			return j
		}
		j++
	}
}

// plainInt reads b if writing the number again would give the same bytes.
func plainInt(b []byte) (int64, bool) {
	neg := len(b) > 1 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 18 || b[0] == '0' && (len(b) > 1 || neg) {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if neg {
		n = -n
	}
	return n, true
}

// isHole says whether a byte of a template stands for a value.
func isHole(c byte) bool { return c-1 < lastHole }
