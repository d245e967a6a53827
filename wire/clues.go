package wire

import "bytes"

// What gives a release away beyond its grammar: which streams it has, how long
// their rows are, how it writes JSON, the words of its errors. A clue holds from
// one release on (zero: the first) until before another one (zero: for ever).

// clue is something seen that only some releases do.
type clue struct {
	what          string
	since, before Release
	in            DialectSet // worked out from the two
}

// streamClue says in which releases a stream exists.
type streamClue struct {
	stream        string
	since, before Release
}

var streamClues = []streamClue{
	{"presence_federation", release(1, 33, 0), unreleased},
	{"public_rooms", 0, release(1, 41, 0)},
	{"user_signature", release(1, 6, 0), release(1, 76, 0)},
	{"tag_account_data", 0, release(1, 76, 0)},
	{"current_state_deltas", release(0, 22, 0), release(0, 99, 4)},
	{"groups", release(0, 24, 0), release(1, 61, 0)},
	{"un_partial_stated_room", release(1, 74, 0), unreleased},
	{"un_partial_stated_event", release(1, 75, 0), unreleased},
	{"thread_subscriptions", release(1, 135, 0), unreleased},
	{"sticky_events", release(1, 148, 0), unreleased},
	{"quarantined_media", release(1, 152, 0), unreleased},
}

// rowClue is a clue in the shape of a stream's rows.
type rowClue struct {
	stream   string
	what     string
	length   int      // of the row; 0: any
	element  int      // which one must begin like one of prefixes
	prefixes []string // none: whatever
	inner    int      // the length of the second element, an array; 0: any

	since, before Release
}

var rowClues = []rowClue{
	{stream: "events", what: "an events row without a tag", prefixes: []string{`"$`}, before: release(0, 99, 4)},
	{stream: "events", what: "a tagged events row", prefixes: []string{`"ev"`, `"state"`}, since: release(0, 99, 4)},
	{stream: "events", what: "an ev row of 5", prefixes: []string{`"ev"`}, inner: 5, since: release(0, 99, 4), before: release(0, 99, 5)},
	{stream: "events", what: "an ev row of 6", prefixes: []string{`"ev"`}, inner: 6, since: release(0, 99, 5), before: release(1, 23, 0)},
	{stream: "events", what: "an ev row of 8", prefixes: []string{`"ev"`}, inner: 8, since: release(1, 23, 0), before: release(1, 64, 0)},
	{stream: "events", what: "an ev row of 9", prefixes: []string{`"ev"`}, inner: 9, since: release(1, 64, 0)},
	{stream: "events", what: "a state-all row", prefixes: []string{`"state-all"`}, since: release(1, 96, 0)},
	{stream: "receipts", what: "a receipts row of 5", length: 5, before: release(1, 69, 0)},
	{stream: "receipts", what: "a receipts row of 6", length: 6, since: release(1, 69, 0)},
	{stream: "receipts", what: "receipt data in a string", length: 5, element: 4, prefixes: []string{`"`}, before: release(0, 99, 3)},
	{stream: "account_data", what: "an account_data row of 4", length: 4, before: release(1, 7, 0)},
	{stream: "account_data", what: "an account_data row of 3", length: 3, since: release(1, 7, 0)},
	{stream: "device_lists", what: "a device_lists row with a destination", length: 2, element: 1, prefixes: []string{`"`, `n`}, before: release(1, 13, 0)},
	{stream: "device_lists", what: "a device_lists row of 1", length: 1, since: release(1, 13, 0), before: release(1, 76, 0)},
	{stream: "device_lists", what: "a device_lists row with a flag", length: 2, element: 1, prefixes: []string{`t`, `f`, `0`, `1`}, since: release(1, 76, 0), before: release(1, 110, 0)},
	{stream: "device_lists", what: "a device_lists row of 3", length: 3, since: release(1, 110, 0)},
}

// How the JSON libraries in use over time set their separators.
var (
	clueSpaced  = clue{what: "JSON with spaces", since: release(0, 26, 1), before: release(1, 19, 0)}
	clueObject  = clue{what: "a row that is an object", since: release(0, 26, 1), before: release(0, 27, 2)}
	clueCompact = clue{what: "JSON without spaces"} // in two eras: see init
	clueSlash   = clue{what: "a slash that is escaped", before: release(0, 26, 1)}
	clueTCP     = clue{what: "SERVER, which goes over TCP only", before: release(1, 67, 0)}
)

// errorClues are the words of ERROR lines, by their beginning. What it was that
// could not be read says more: about is how its echo begins, and with pair it
// was taken for one number, but had a space in it.
var errorClues = []struct {
	text  string
	about string
	pair  bool
	clue
}{
	{text: "failed to parse line for  '", clue: clue{what: "the words of an ERROR", before: release(1, 13, 0)}},
	{text: "failed to parse line: ", clue: clue{what: "the words of an ERROR", since: release(1, 13, 0)}},
	{text: "failed to handle replicate: ", clue: clue{what: "the words of an ERROR", before: release(1, 13, 0)}},
	{text: "server shutting down", clue: clue{what: "the words of an ERROR", before: release(1, 13, 0)}},
	{text: "Line length exceeded", clue: clue{what: "the words of an ERROR", since: release(0, 99, 2)}},

	{text: "failed to parse line: ValueError('not enough values to unpack (expected 4", about: "('POSITION ",
		clue: clue{what: "an ERROR about too short a POSITION", since: release(1, 22, 0)}},
	{text: "failed to parse line: ValueError('not enough values to unpack (expected 3", about: "('POSITION ",
		clue: clue{what: "an ERROR about too short a POSITION", since: release(1, 13, 0), before: release(1, 22, 0)}},
	{text: "failed to parse line: ValueError(", about: "('POSITION ", pair: true,
		clue: clue{what: "an ERROR about too long a POSITION", since: release(1, 13, 0), before: release(1, 22, 0)}},
	{text: "failed to parse line: ValueError('not enough values to unpack (expected 2", about: "('FEDERATION_ACK ",
		clue: clue{what: "an ERROR about too short a FEDERATION_ACK", since: release(1, 18, 0)}},
	{text: "failed to parse line: ValueError(", about: "('FEDERATION_ACK ", pair: true,
		clue: clue{what: "an ERROR about too long a FEDERATION_ACK", since: release(1, 13, 0), before: release(1, 18, 0)}},
}

// hasPair reports whether an ERROR is about a number with a space in it.
func hasPair(text []byte) bool {
	_, literal, ok := bytes.Cut(text, []byte("int() with base 10: '"))
	literal, _, _ = bytes.Cut(literal, []byte("'"))
	return ok && bytes.IndexByte(literal, ' ') >= 0
}

// streamWatch is all there is to learn from one stream.
type streamWatch struct {
	bit  uint32 // its place in side.settled
	name clue   // that it exists
	rows []*rowClue
	in   []DialectSet // of rows
}

var streamWatches = map[string]*streamWatch{}

// settledStyle is the place in side.settled for how JSON is written.
const settledStyle uint32 = 1 << 31

func (c *clue) work() { c.in = clueRange(c.since, c.before) }

// clueRange is the set of the dialects that some release of a clue speaks.
func clueRange(since, before Release) DialectSet {
	if before == 0 || before == unreleased {
		return releaseRange(since, unreleased) | vNext.Set()
	}
	return releaseRange(since, before)
}

// watch finds or makes the watch of a stream.
func watch(stream string) *streamWatch {
	w := streamWatches[stream]
	if w == nil {
		w = &streamWatch{bit: 1 << len(streamWatches), name: clue{what: "the stream " + stream, in: AllDialects}}
		streamWatches[stream] = w
	}
	return w
}

func init() {
	for _, c := range []*clue{&clueSpaced, &clueObject, &clueSlash, &clueTCP} {
		c.work()
	}
	clueCompact.in = releaseRange(0, release(0, 26, 1)) | clueRange(release(1, 19, 0), unreleased)
	for i := range errorClues {
		errorClues[i].work()
	}
	for _, c := range streamClues {
		watch(c.stream).name.in = clueRange(c.since, c.before)
	}
	for i := range rowClues {
		c := &rowClues[i]
		w := watch(c.stream)
		w.rows = append(w.rows, c)
		w.in = append(w.in, clueRange(c.since, c.before))
	}
}

// telling reports whether seeing any of the stream's clues could narrow set.
func (w *streamWatch) telling(set DialectSet) bool {
	for _, in := range w.in {
		if narrows(set, in) {
			return true
		}
	}
	return narrows(set, w.name.in)
}

func narrows(set, in DialectSet) bool { return set&in != 0 && set&^in != 0 }

// matches reports whether a row, cut into its elements, has the clue's shape.
func (c *rowClue) matches(elements [][]byte, n int) bool {
	if c.length != 0 && n != c.length || c.element >= n {
		return false
	}
	if len(c.prefixes) > 0 && !hasAnyPrefix(elements[c.element], c.prefixes) {
		return false
	}
	if c.inner == 0 {
		return true
	}
	return n > 1 && elementsOf(elements[1], nil) == c.inner
}

func hasAnyPrefix(b []byte, prefixes []string) bool {
	for _, p := range prefixes {
		if len(b) >= len(p) && string(b[:len(p)]) == p {
			return true
		}
	}
	return false
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

// styleOf is the clue in how a row is written: by the first separator outside
// of strings. Rows of one element have none and give no clue.
func styleOf(row []byte) *clue {
	if len(row) > 0 && row[0] == '{' {
		return &clueObject
	}
	for i := 0; i < len(row); i++ {
		switch row[i] {
		case '"':
			i = endOfString(row, i)
		case ',', ':':
			if i+1 < len(row) && row[i+1] == ' ' {
				return &clueSpaced
			}
			return &clueCompact
		}
	}
	return nil
}
