package wire

import (
	"fmt"
	"strconv"
	"strings"
)

// Release is a release of Synapse, comparable by <. The zero value is none.
type Release uint32

func release(major, minor, patch uint32) Release {
	return Release(major<<20 | minor<<10 | patch)
}

// String is the release as people write it: "1.66.0". The last of a dialect whose
// patches nobody counted is "1.21.x".
func (r Release) String() string {
	if r&1023 == 1023 {
		return fmt.Sprintf("%d.%d.x", r>>20, r>>10&1023)
	}
	return fmt.Sprintf("%d.%d.%d", r>>20, r>>10&1023, r&1023)
}

// lastRelease is the newest one that is known.
var lastRelease = release(1, 157, 1)

// unreleased stands for what no release has yet, forever for what none ends.
const (
	forever    = ^Release(0)
	unreleased = forever - 1
)

// ParseRelease reads "1.66.0", "v1.66.0", "1.66" or "1.66.0rc2".
func ParseRelease(s string) (Release, error) {
	text, _, _ := strings.Cut(strings.TrimPrefix(s, "v"), "rc")
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, fmt.Errorf("%q is not a release: want one like 1.66.0", s)
	}
	var n [3]uint32
	for i, part := range parts {
		v, err := strconv.ParseUint(part, 10, 10)
		if err != nil {
			return 0, fmt.Errorf("%q is not a release: want one like 1.66.0", s)
		}
		n[i] = uint32(v)
	}
	return release(n[0], n[1], n[2]), nil
}

// MustRelease is ParseRelease for a text of the program's own, which is right.
func MustRelease(s string) Release {
	r, err := ParseRelease(s)
	if err != nil {
		panic(err)
	}
	return r
}

// Writes reports whether processes of the release write a command in a form.
func (r Release) Writes(f Form) bool { return f < numForms && formIn[f].Has(dialectOf(r)) }

// Subscribes reports whether workers of the release ask for one stream after the
// other, from where they stand: up to 1.12. Later ones ask for all and fetch what
// they lack elsewhere.
func (r Release) Subscribes() bool { return r.Writes(FormReplicateToken) }

// trait is something receivers do in some releases and not in others, apart
// from the grammar of commands.
type trait uint16

const (
	traitNeedsSpace     trait = 1 << iota // a line without a space kills the connection
	traitDirectionFirst                   // the direction is checked before the arguments
	traitConstants                        // NaN, Infinity and -Infinity are JSON
	traitBOM                              // a byte order mark before JSON is swallowed
	traitLengthError                      // an over-long line is answered with an ERROR
	traitBlankIgnored                     // a line of ASCII blanks does nothing (TCP)
	traitEchoArguments                    // an ERROR names the command and echoes its arguments, not the line
	traitReplyLimit                       // an ERROR longer than MaxLine can't be sent: the connection drops
	traitSimplejson                       // JSON is read by simplejson, not by Python's own json
)

// traits says from which release on a trait holds, and before which one it
// ended. It is all of what cuts through the release ranges of dialects.
var traits = []struct {
	trait         trait
	since, before Release
}{
	{traitNeedsSpace, release(0, 21, 0), release(1, 13, 0)},
	{traitDirectionFirst, release(0, 21, 0), release(1, 13, 0)},
	{traitConstants, release(0, 26, 1), release(1, 20, 0)},
	{traitBOM, release(0, 26, 1), release(1, 20, 0)},
	{traitLengthError, release(0, 99, 2), forever},
	{traitBlankIgnored, release(1, 73, 0), forever},
	{traitEchoArguments, release(0, 21, 0), release(1, 13, 0)},
	{traitReplyLimit, release(0, 99, 2), forever},
	{traitSimplejson, release(0, 21, 0), release(1, 20, 0)},
}

// traitsIn says which traits some release between first and last has, and
// which of them all have.
func traitsIn(first, last Release) (some, all trait) {
	for _, t := range traits {
		if t.since <= last && first < t.before {
			some |= t.trait
		}
		if t.since <= first && last < t.before {
			all |= t.trait
		}
	}
	return some, all
}

// Receiver reads lines as one release does, where a [Dialect] stands for all
// releases that have one grammar.
type Receiver struct {
	Release Release
	dialect Dialect
	has     trait
}

// ReceiverOf is the receiver of a release. A release newer than those known is
// taken for the newest.
func ReceiverOf(r Release) (Receiver, error) {
	at := receiverAt(r)
	if at.dialect == noDialect {
		return Receiver{}, &UnknownDialectError{Name: r.String()}
	}
	return at, nil
}

// receiverAt is the receiver of a release that some dialect has.
func receiverAt(r Release) Receiver {
	some, _ := traitsIn(r, r)
	return Receiver{Release: r, dialect: dialectOf(r), has: some}
}

// Dialect is the dialect the receiver speaks.
func (r Receiver) Dialect() Dialect { return r.dialect }
