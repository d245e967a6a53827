package wire

import "bytes"

// What looks like an id, an e-mail address or an address of the network is
// somebody's, also where only the names of processes and streams should stand: at
// personal, a net under what is known of commands.

// holdsPerson reports whether a word is or has in it what looks like that. No
// process or stream is called so.
func holdsPerson(word []byte) bool {
	for _, c := range word {
		if personSign[c] {
			return certainlyPerson(word)
		}
	}
	return false
}

// personSign is the bytes of which every such thing has one.
var personSign = [256]bool{'@': true, '!': true, '#': true, '$': true, '+': true, '.': true, ':': true}

// certainlyPerson looks with all care.
func certainlyPerson(word []byte) bool {
	for i, c := range word {
		switch c {
		case '@', '!', '#', '$': // also in e-mail addresses
			return true
		case '+': // also before numbers, of which those that long are telephones
			if after := word[i+1:]; len(after) >= 7 || bytes.IndexByte(after, ':') > 0 {
				return true
			}
		}
	}
	return holdsAddress(word)
}

// holdsAddress reports whether an address of IPv4 or IPv6 is in a word.
func holdsAddress(word []byte) bool {
	if bytes.Count(word, dot) < 3 && bytes.Count(word, colon) < 2 {
		return false
	}
	digits, groups, colons := 0, 0, 0
	for _, c := range word {
		switch {
		case isDigit(c):
			if digits++; groups >= 3 {
				return true
			}
			continue
		case c == '.' && 0 < digits && digits <= 3:
			groups++
		case c == ':':
			if colons++; colons >= 2 {
				return true
			}
			groups = 0
		default:
			groups = 0
			if _, ok := hexDigit(c); !ok {
				colons = 0
			}
		}
		digits = 0
	}
	return false
}

var dot = []byte{'.'}

// isAppID reports whether it looks like an application's id, as pushers have it:
// a domain's name in reverse, or m. and a word. Keys have more digits and capital
// letters, and no dots.
func isAppID(b []byte) bool {
	odd, hex, label := 0, 0, 0
	for _, c := range b {
		letter := 'a' <= c && c <= 'z'
		switch {
		case c == '.' && label > 0:
			label, hex = 0, 0
			continue
		case letter:
		case label > 0 && c == '-':
		case isDigit(c) && label > 0 || 'A' <= c && c <= 'Z':
			odd++
		default:
			return false
		}
		if _, ok := hexDigit(c); !ok {
			hex = -1
		}
		hex++
		if label++; label > maxLabel || hex >= 8 || odd > 4 {
			return false
		}
	}
	return label > 0 && len(b) <= 64 && bytes.IndexByte(b, '.') > 0
}

// maxLabel is the longest part of an application's id.
const maxLabel = 20
