package wire

import "bytes"

// What gives a release away beyond its grammar: which streams it has and how
// their rows look, which the table of streams says; how it writes JSON; the words
// of its errors. What is here holds from one release on (zero: the first) until
// before another one (zero: for ever).

// jsonStyle is how the JSON of rows is written.
type jsonStyle uint8

const (
	styleSpaced jsonStyle = iota
	styleTight
	styleSlash
	styleObject

	numStyles
)

// jsonStyles are how the JSON libraries in use over time write. Those that set no
// spaces are all that do not set them.
var jsonStyles = [numStyles]struct {
	what          string
	since, before Release
}{
	styleSpaced: {what: "JSON with spaces", since: release(0, 26, 1), before: release(1, 19, 0)},
	styleTight:  {what: "JSON without spaces"},
	styleSlash:  {what: "a slash that is escaped", before: release(0, 26, 1)},
	styleObject: {what: "a row that is an object", since: release(0, 26, 1), before: release(0, 27, 2)},
}

// styleIn is which releases write JSON in a style.
var styleIn = func() (in [numStyles]ReleaseSet) {
	for i := range jsonStyles {
		in[i] = releasesBetween(jsonStyles[i].since, jsonStyles[i].before)
	}
	in[styleTight] &^= in[styleSpaced]
	return in
}()

// styledBy is which dialects have a release that writes JSON in a style.
var styledBy = func() (by [numStyles]DialectSet) {
	for i, in := range styleIn {
		by[i] = in.Dialects()
	}
	return by
}()

// styles is how a row is written, as far as that tells anything: a row of one
// element has no separators.
func (v *rowView) styles() (is [numStyles]bool) {
	both := v.notes & (jsonSpaced | jsonTight)
	return [numStyles]bool{styleSpaced: both == jsonSpaced, styleTight: both == jsonTight,
		styleSlash: v.notes&jsonSlash != 0, styleObject: v.whole == typeObject}
}

// errorClues are the words of ERROR lines, by their beginning. What it was that
// could not be read says more: about is how its echo begins, and with pair it
// was taken for one number, but had a space in it.
var errorClues = []struct {
	text  string
	about string
	pair  bool

	what          string
	since, before Release
}{
	{text: "failed to parse line for  '", what: "the words of an ERROR", before: release(1, 13, 0)},
	{text: "failed to parse line: ", what: "the words of an ERROR", since: release(1, 13, 0)},
	{text: "failed to handle replicate: ", what: "the words of an ERROR", before: release(1, 13, 0)},
	{text: "server shutting down", what: "the words of an ERROR", before: release(1, 13, 0)},
	{text: "Line length exceeded", what: "the words of an ERROR", since: release(0, 99, 2)},

	{text: "failed to parse line: ValueError('not enough values to unpack (expected 4", about: "('POSITION ",
		what: "an ERROR about too short a POSITION", since: release(1, 22, 0)},
	{text: "failed to parse line: ValueError('not enough values to unpack (expected 3", about: "('POSITION ",
		what: "an ERROR about too short a POSITION", since: release(1, 13, 0), before: release(1, 22, 0)},
	{text: "failed to parse line: ValueError(", about: "('POSITION ", pair: true,
		what: "an ERROR about too long a POSITION", since: release(1, 13, 0), before: release(1, 22, 0)},
	{text: "failed to parse line: ValueError('not enough values to unpack (expected 2", about: "('FEDERATION_ACK ",
		what: "an ERROR about too short a FEDERATION_ACK", since: release(1, 18, 0)},
	{text: "failed to parse line: ValueError(", about: "('FEDERATION_ACK ", pair: true,
		what: "an ERROR about too long a FEDERATION_ACK", since: release(1, 13, 0), before: release(1, 18, 0)},
}

// hasPair reports whether an ERROR is about a number with a space in it.
func hasPair(text []byte) bool {
	_, literal, ok := bytes.Cut(text, []byte("int() with base 10: '"))
	literal, _, _ = bytes.Cut(literal, []byte("'"))
	return ok && bytes.IndexByte(literal, ' ') >= 0
}

// elementsOf cuts a JSON array into its elements as far as out has room, and
// says how many there are; 0 for what is not an array. It trusts the JSON: of
// text that is none it makes something, but nothing dangerous.
func elementsOf(json []byte, out [][]byte) int {
	json = bytes.Trim(json, jsonBlanks)
	if len(json) < 2 || json[0] != '[' {
		return 0
	}
	n, depth, begin := 0, 0, 1
	for i := 1; i < len(json); i++ {
		switch c := json[i]; c {
		case '"':
			i = endOfString(json, i)
		case '[', '{':
			depth++
		case ']', '}', ',':
			if c != ',' {
				depth--
			}
			if depth > 0 || depth == 0 && c != ',' {
				continue
			}
			if element := bytes.Trim(json[begin:i], jsonBlanks); len(element) > 0 {
				if n < len(out) {
					out[n] = element
				}
				n++
			}
			begin = i + 1
		}
	}
	return n
}

const jsonBlanks = " \t\r\n"

// endOfString is where the string that begins at i ends: at its closing quote,
// or at the end of json.
func endOfString(json []byte, i int) int {
	for i++; i < len(json); i++ {
		switch json[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return i
}
