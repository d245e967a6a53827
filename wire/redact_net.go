package wire

import (
	"bytes"
	"encoding/binary"
)

// What looks like an access token by its form gets a pseudonym wherever it
// stands: a second net, under what is known of commands and rows.

// minToken is how much must follow a token's prefix, unless the text ends there.
const minToken = 6

// tokenByte may stand in a token.
var tokenByte = bytesOf("_=+/.~-")

// hasToken reports whether anything looks like a token. It looks for the rarest
// byte of each form, and then at what is next to it.
func hasToken(b []byte) bool {
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], '_')
		if n < 0 {
			break
		}
		if i += n; i >= 3 && (b[i-1] == 't' || b[i-1] == 'r') && isTokenPrefix(b, i-3) {
			return certainly(b)
		}
	}
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], 'M')
		if n < 0 {
			break
		}
		if i += n; bytes.HasPrefix(b[i:], macaroon) {
			return certainly(b)
		}
	}
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], 'B')
		if n < 0 {
			return false
		}
		if i += n; bytes.HasPrefix(b[i:], bearer) {
			return certainly(b)
		}
	}
}

// certainly looks with all care.
func certainly(b []byte) bool {
	lo, _ := nextToken(b, 0, false)
	return lo >= 0
}

// tokens puts pseudonyms in the place of what looks like tokens. With cut, the
// text goes on elsewhere, and what could become a token there is one. It reports
// whether anything was replaced, and whether the text ended within that.
func (r *Redactor) tokens(text []byte, cut bool) (any, atEnd bool) {
	for i := 0; ; {
		lo, hi := nextToken(text, i, cut)
		if lo < 0 {
			return any, atEnd
		}
		r.alias.write(text[lo:hi], text[lo:hi], inWords)
		any, atEnd, i = true, hi == len(text), hi
	}
}

// nextToken finds the first token from i on; lo is -1 if there is none.
func nextToken(b []byte, i int, cut bool) (lo, hi int) {
	lo, hi = -1, len(b)
	for j := i; ; j++ {
		n := bytes.IndexByte(b[j:hi], '_')
		if n < 0 {
			break
		}
		if j += n; j-3 < i || !isTokenPrefix(b, j-3) {
			continue
		}
		if end, ok := endOfToken(b, j+1, minToken, cut); ok {
			lo, hi = j-3, end
			break
		}
	}
	for j := i; ; j++ {
		n := bytes.Index(b[j:hi], macaroon)
		if n < 0 {
			break
		}
		j += n
		if end, ok := endOfToken(b, j+len(macaroon), 16, cut); ok && beginsWord(b, j) && (lo < 0 || j < lo) {
			lo, hi = j, end
			break
		}
	}
	for j := i; ; j++ {
		n := bytes.Index(b[j:hi], bearer)
		if n < 0 {
			return lo, hi
		}
		j += n + len(bearer)
		if end, ok := endOfToken(b, j, 1, cut); ok && (lo < 0 || j < lo) {
			return j, end
		}
	}
}

// endOfToken is where the token ends that has something certain before i, and
// whether what follows that is long enough.
func endOfToken(b []byte, i, least int, cut bool) (end int, ok bool) {
	for end = i; end < len(b) && tokenByte[b[end]]; end++ {
	}
	return end, end-i >= least || cut && end == len(b)
}

var (
	// macaroon is how the base64 of a macaroon begins: the length of its first
	// packet, of four digits.
	macaroon = []byte("MDA")
	bearer   = []byte("Bearer ")
)

// isTokenPrefix knows syt_ and syr_ (Synapse), and mat_, mar_, mct_, mcr_ (its
// authentication service), where a word begins. The b, n, r or t of an escape
// belongs to no word.
func isTokenPrefix(b []byte, i int) bool {
	switch string(b[i : i+4]) {
	case "syt_", "syr_", "mat_", "mar_", "mct_", "mcr_":
		return beginsWord(b, i)
	}
	return false
}

func beginsWord(b []byte, i int) bool {
	return i == 0 || !hostByte[b[i-1]] || b[i-1] == '-' || b[i-1] == '.' ||
		bytes.IndexByte(b[max(0, i-6):i], '\\') >= 0
}

// isASCII reports whether no byte is outside of ASCII.
func isASCII(b []byte) bool {
	const high = 0x8080808080808080
	var all uint64
	for ; len(b) >= 32; b = b[32:] {
		all |= binary.LittleEndian.Uint64(b) | binary.LittleEndian.Uint64(b[8:]) |
			binary.LittleEndian.Uint64(b[16:]) | binary.LittleEndian.Uint64(b[24:])
	}
	for ; len(b) >= 8; b = b[8:] {
		all |= binary.LittleEndian.Uint64(b)
	}
	for _, c := range b {
		all |= uint64(c)
	}
	return all&high == 0
}
