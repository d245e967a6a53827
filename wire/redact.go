package wire

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// Redaction is how much of what lines hold is replaced by pseudonyms.
type Redaction uint8

// The levels of redaction.
const (
	RedactNone     Redaction = iota // nothing
	RedactSecrets                   // what gives access to an account, or was meant for its owner alone
	RedactPersonal                  // also who, where and what: ids, addresses, devices, texts
)

// What stays at RedactPersonal: the names of servers, workers, instances,
// streams and caches, the types of events and account data, presence and
// membership, tokens, times, numbers and all structure.

var redactionNames = [...]string{"none", "secrets", "personal"}

// String is the level's name: "none", "secrets" or "personal".
func (l Redaction) String() string {
	if int(l) < len(redactionNames) {
		return redactionNames[l]
	}
	return ""
}

// ParseRedaction reads what String writes.
func ParseRedaction(s string) (Redaction, error) {
	if i := slices.Index(redactionNames[:], s); i >= 0 {
		return Redaction(i), nil
	}
	return RedactNone, fmt.Errorf("unknown redaction %q: want secrets, personal or none", s)
}

// Redactor puts pseudonyms in the place of what a journal must not hold.
//
// A pseudonym is as long as what it stands for and made of lower-case letters
// and digits. The same value has the same pseudonym under one key, wherever it
// stands and however JSON escapes it, as far as the lengths on the wire are the
// same; of two lengths the shorter is how the longer begins. Without the key
// neither the value nor its pseudonym under another key can be told from it,
// but values of up to three bytes may share one. Of ids the sigil and the server
// stay: @localpart:server. So do percent signs, spaces and, in JSON, that a slash
// was escaped or something was outside of ASCII, since receivers and findings go
// by that. Thus of texts one sees how long the words are; tokens and push keys
// have no spaces.
//
// A redacted line is read as the line was, in every dialect: the same command,
// leniencies, integers, row shape and verdict (the text of an ERROR that answers
// it is another one: it echoes).
//
// What its caller holds to: only whole lines are given to Line, and only what
// the Splitter calls fragments to Fragment; a partial piece waits until it is
// one of the two. A line whose beginning was lost (after a gap) is neither, and
// none of it may be kept. Where ok is false none of it may be kept either, nor
// anything made of its text, such as a gist or the reply of a verdict; its
// length may. What else repeats the text of lines (findings, logs) is not seen
// by a Redactor.
//
// One Redactor serves any number of connections, from one goroutine at a time.
type Redactor struct {
	level  Redaction
	alias  aliases
	treats *[numFields]treatment

	src     []byte // what is being looked at: the edits are places in it
	edits   []edit
	unusual bool   // it was read by every dialect: the result is checked by them too
	echo    unrepr // the line in an ERROR
	a, b    Parsed

	stream *Stream // the last one that was looked up
}

// NewRedactor makes a redactor. The key ties pseudonyms together: one key a
// journal, of 32 random bytes, which whoever must not learn who is who must not
// have. An empty key will do for RedactNone only.
func NewRedactor(level Redaction, key []byte) *Redactor {
	r := &Redactor{level: level, treats: &treatmentOf[level]}
	r.alias.init(key)
	return r
}

// NewMask makes a redactor whose pseudonyms are all made of one letter. What
// it makes of a line it also makes of that line redacted at the same or a lower
// level, under any key: so it is for comparing what was redacted with different
// keys, and not for keeping anything.
func NewMask(level Redaction) *Redactor {
	r := NewRedactor(level, nil)
	r.alias.mask = true
	return r
}

// Level is the level it works at.
func (r *Redactor) Level() Redaction { return r.level }

// Line redacts a whole line, with or without its terminator. g is its gist and
// may be nil. What comes back is the line itself when nothing had to change,
// else it is appended to dst, as long as the line. ok is false for what can't
// be read far enough to be sure: then none of it may be kept.
//
// set is what the connection may speak, AllDialects when that is not known. It
// is only looked at for lines that no sender writes, of which the receivers in
// it must think as they did before.
func (r *Redactor) Line(dst, line []byte, g *Gist, set DialectSet) (out []byte, ok bool) {
	if r.level == RedactNone {
		return line, true
	}
	if g == nil {
		gist := GistOf(line)
		g = &gist
	}
	if r.harmless(line, g) && !hasToken(line) {
		return line, true
	}
	return r.line(dst, line, g, set)
}

// line is Line for what needs a closer look.
func (r *Redactor) line(dst, line []byte, g *Gist, set DialectSet) (out []byte, ok bool) {
	if g.Command == CmdError {
		return r.errorLine(dst, line)
	}
	r.begin(trimNewline(line))
	if !r.find(g) {
		return nil, false
	}
	if len(r.edits) == 0 && !hasToken(line) {
		return line, true
	}
	out = append(dst, line...)
	text := trimNewline(out[len(dst):])
	r.apply(text, nil)
	r.tokens(text, false)
	if r.unusual && !r.same(line, out[len(dst):], set) {
		return nil, false
	}
	return out, true
}

func (r *Redactor) begin(text []byte) {
	r.src, r.edits, r.unusual = text, r.edits[:0], false
}

// same reports whether the redacted line is read and judged as the line was.
// It is asked only where a pseudonym could be taken for something else.
func (r *Redactor) same(line, redacted []byte, set DialectSet) bool {
	for _, d := range readersOf[CommandOf(line)] {
		if d.Parse(line, &r.a) != nil {
			if d.Parse(redacted, &r.b) == nil {
				return false
			}
			continue
		}
		if d.Parse(redacted, &r.b) != nil || !slices.Equal(r.a.Lenient, r.b.Lenient) || r.a.n != r.b.n {
			return false
		}
		for i := range r.a.fields[:r.a.n] {
			a, b := &r.a.fields[i], &r.b.fields[i]
			if a.Kind != b.Kind || a.Null != b.Null || a.Big != b.Big || a.Int != b.Int {
				return false
			}
		}
	}
	// Whether a bad line is answered depends on how long the answer would be.
	return len(line) < MaxLine/8 || r.sameAction(line, redacted, set)
}

func (r *Redactor) sameAction(line, redacted []byte, set DialectSet) bool {
	for d := noDialect + 1; d < endDialect; d++ {
		for dir := NoDirection; dir <= C2S && set.Has(d); dir++ {
			was := d.Receiver().Judge(dir, Piece{Text: line}, &r.a)
			if is := d.Receiver().Judge(dir, Piece{Text: redacted}, &r.b); is.Action != was.Action {
				return false
			}
		}
	}
	return true
}

// edit is a place in what is looked at that gets a pseudonym: that of the value
// from..to is written over lo..hi, which is within it.
type edit struct {
	lo, hi, from, to int
	how              writing
}

// writing is how the place of an edit is written.
type writing uint8

const (
	leaveMarks writing = 1 << iota // an escaped slash, something outside of ASCII: some releases write none
	unescape                       // the value is inside a JSON string

	inWords = 0
	inJSON  = leaveMarks | unescape
)

// at is where a part of src begins. Parts are cut out of it in ways that leave
// their capacity.
func (r *Redactor) at(part []byte) int { return cap(r.src) - cap(part) }

// add notes that all of part gets a pseudonym.
func (r *Redactor) add(part []byte, how writing) {
	if len(part) == 0 {
		return
	}
	lo := r.at(part)
	r.edits = append(r.edits, edit{lo, lo + len(part), lo, lo + len(part), how})
}

// apply writes the pseudonyms into out, which is a copy of src. With places,
// out is where src was unescaped from, and places says which byte of it each
// byte of src comes from.
func (r *Redactor) apply(out []byte, places []int32) {
	for _, e := range r.edits {
		value := r.src[e.from:e.to]
		if e.how&unescape != 0 {
			value = r.alias.unquoted(r.src[e.from-1 : e.to+1])
		}
		if places != nil {
			r.alias.write(out[places[e.lo]:places[e.hi]], value, inWords)
			continue
		}
		r.alias.write(out[e.lo:e.hi], value, e.how)
	}
}

// isUTF8 is utf8.Valid for what is nearly always ASCII.
func isUTF8(b []byte) bool { return isASCII(b) || utf8.Valid(b) }
