package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"unicode/utf8"
)

// aliases makes pseudonyms: what HMAC-SHA-256 makes of a value and the key, five
// bits a letter.
type aliases struct {
	mac   hash.Hash
	plain []byte // an unescaped value
	sum   [sha256.Size]byte
	mask  bool // all pseudonyms are the same letter, again and again

	// What was made before, in two generations: when the young one is full, it
	// becomes the old one.
	young, old map[string]*alias
}

const (
	maxAliases    = 4096 // a generation
	maxAliasValue = 128  // longer values come once
)

// alphabet has no vowels but i: no pseudonym is a word that a receiver knows,
// such as batch, None, start, end or null. One that begins with one of the first
// 16 letters, as all do, is no number either.
const alphabet = "bcdfghijklmnpqrstvwxyz0123456789"

// firstLetter has for each letter of the alphabet one of the first 16: every word
// of a pseudonym begins with one, since any could be taken for an argument.
var firstLetter = func() (of [256]byte) {
	for i, c := range []byte(alphabet) {
		of[c] = alphabet[i&15]
	}
	return of
}()

// alias is the first letters of a pseudonym.
type alias struct {
	seed    [sha256.Size]byte
	letters [2 * sha256.Size]byte
}

func (a *aliases) init(key []byte) {
	a.mac = hmac.New(sha256.New, key)
	a.young = map[string]*alias{}
}

// of finds or makes the alias of a value.
func (a *aliases) of(value []byte) *alias {
	if found := a.young[string(value)]; found != nil {
		return found
	}
	found := a.old[string(value)]
	if found == nil {
		found = new(alias)
		a.mac.Reset()
		a.mac.Write(purposeSeed)
		a.mac.Write(value)
		a.mac.Sum(found.seed[:0])
		copy(found.letters[:], found.seed[:])
		copy(found.letters[sha256.Size:], a.block(found, 1))
		found.letters[0] &= 15
		letters(found.letters[:])
	}
	if len(value) <= maxAliasValue {
		if len(a.young) == maxAliases {
			a.old, a.young = a.young, make(map[string]*alias, maxAliases)
		}
		a.young[string(value)] = found
	}
	return found
}

// What is hashed begins with what for, so that no value can be taken for a seed.
var purposeSeed, purposeBlock = []byte{0}, []byte{1}

// block is the n-th block of an alias, not yet letters. It is valid until the
// next one.
func (a *aliases) block(of *alias, n uint32) []byte {
	a.mac.Reset()
	a.mac.Write(purposeBlock)
	a.mac.Write(of.seed[:])
	binary.BigEndian.PutUint32(a.sum[:], n)
	a.mac.Write(a.sum[:4])
	return a.mac.Sum(a.sum[:0])
}

func letters(b []byte) {
	for i, c := range b {
		b[i] = alphabet[c&31]
	}
}

// write puts the pseudonym of value over place. What receivers look at besides
// the value stays as it is: a percent sign, for which they don't answer a line;
// spaces, at which they split also what others take for JSON; in JSON, that there
// is an escaped slash or something outside of ASCII.
func (a *aliases) write(place, value []byte, how writing) {
	slash, wide := -1, -1
	if how&leaveMarks != 0 {
		slash, wide = escapedSlash(place), firstWide(place)
	}
	a.fill(place, value)
	if slash >= 0 {
		copy(place[slash:], `\/`)
	}
	if wide >= 0 {
		copy(place[wide:], "é")
	}
}

func (a *aliases) fill(place, value []byte) {
	if a.mask {
		for i, c := range place {
			if c != '%' && c != ' ' {
				place[i] = 'x'
			}
		}
		return
	}
	of := a.of(value)
	from := of.letters[:]
	if len(place) <= len(from) && bytes.IndexByte(place, ' ') < 0 && bytes.IndexByte(place, '%') < 0 {
		copy(place, from)
		return
	}
	spaced := false // the byte before is a space
	for n := uint32(2); ; n++ {
		for i, c := range place[:min(len(place), len(from))] {
			if c == '%' || c == ' ' {
				spaced = c == ' '
				continue
			}
			if place[i] = from[i]; spaced {
				place[i], spaced = firstLetter[from[i]], false
			}
		}
		if len(place) <= len(from) {
			return
		}
		place = place[len(from):]
		from = a.block(of, n)
		letters(from)
	}
}

// unquoted is what a JSON string says. It is valid until the next one.
func (a *aliases) unquoted(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	a.plain = unquote(a.plain[:0], quoted)
	return a.plain
}

// escapedSlash is where the first escaped slash stands in the inside of a JSON
// string, -1 if there is none.
func escapedSlash(body []byte) int {
	if bytes.IndexByte(body, '\\') < 0 {
		return -1
	}
	for i := 0; i+1 < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		if body[i+1] == '/' {
			return i
		}
		i++
	}
	return -1
}

// firstWide is where the first character outside of ASCII begins, -1 if there
// is none.
func firstWide(b []byte) int {
	if isASCII(b) {
		return -1
	}
	return bytes.IndexFunc(b, func(c rune) bool { return c >= utf8.RuneSelf })
}
