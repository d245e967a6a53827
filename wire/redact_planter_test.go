package wire

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// planter makes lines with secrets in them.
type planter struct{ *rand.Rand }

func (p planter) pick(of ...string) string { return of[p.IntN(len(of))] }

// order is two things in one of the two orders.
func (p planter) order(a, b string) []string {
	if p.IntN(2) == 0 {
		return []string{a, b}
	}
	return []string{b, a}
}

func (p planter) letters(n int, from string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = from[p.IntN(len(from))]
	}
	return string(b)
}

const (
	alnum     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	base64url = alnum + "-_"
)

// token is an access token as one of the releases makes it, or a push key.
func (p planter) token() string {
	switch p.IntN(9) {
	case 0:
		return "syt_" + p.letters(8, base64url) + "_" + p.letters(20, alnum) + "_" + p.letters(6, alnum)
	case 1:
		return p.pick("mct_", "mat_", "syr_") + p.letters(30, alnum) + "_" + p.letters(6, alnum)
	case 2:
		return "MDAxOGxvY2F0aW9uIGxhYi50ZXN0CjAwMTNp" + p.letters(200, base64url)
	case 3:
		return p.letters(22, alnum) + ":APA91b" + p.letters(60+p.IntN(80), base64url)
	case 4:
		return p.letters(12, alnum) + "@" + p.letters(9, alnum) + ".example.org"
	case 5:
		return p.letters(44, alnum+"+/") + "="
	case 6:
		return p.letters(10, alnum) + p.pick("\u00e9\u00fc", "\u2713", "\U0001F600") + p.letters(12, alnum)
	case 7:
		return p.letters(9, alnum) + p.pick(`"`, `\`, "/", "'", "%41", "\t") + p.letters(12, alnum)
	}
	return p.letters(16, "0123456789abcdef") + "-" + p.letters(12, "0123456789")
}

// style is how a JSON library writes.
type style struct {
	comma, colon string
	slash, raw   bool
}

var styles = []style{{comma: ",", colon: ":"}, {comma: ", ", colon: ": "}, {comma: ",", colon: ":", slash: true}, {comma: ",", colon: ":", raw: true}, {comma: " ,\t", colon: " : "}}

func (s style) str(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\' || c == '/' && s.slash:
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\t':
			b.WriteString(`\t`)
		case c >= 0x10000 && !s.raw:
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xD800+(c-0x10000)>>10, 0xDC00+(c-0x10000)&0x3FF)
		case c >= 0x80 && !s.raw:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (s style) array(elements ...string) string { return "[" + strings.Join(elements, s.comma) + "]" }

func (s style) object(members ...string) string {
	var parts []string
	for i := 0; i < len(members); i += 2 {
		parts = append(parts, s.str(members[i])+s.colon+members[i+1])
	}
	return "{" + strings.Join(parts, s.comma) + "}"
}

// line is a line with the secret where the protocol has secrets.
func (p planter) line(secret string) string {
	s := styles[p.IntN(len(styles))]
	user := s.str("@user" + p.letters(2, "0123456789") + ":lab.test")
	id := strings.Trim(user, `"`)
	q := s.str(secret)
	content := s.str(`{"key":` + s.str(secret) + `}`)
	rdata := func(stream, row string) string {
		return "RDATA " + stream + p.pick("", " master") + p.pick(" 5", " batch", " 1795187167391") + " " + row
	}
	switch p.IntN(13) {
	case 0:
		return "USER_IP " + id + " " + s.array(q, `"127.0.0.1"`, s.str(p.pick("", "Mozilla/5.0 (X11) 5 x")), p.pick("null", `"DEVICE"`), "1795187167391")
	case 1:
		return "USER_IP " + id + " " + strings.ReplaceAll(secret, " ", "_") + " 2001:db8::1 " + p.pick("None", "DEVICE") + " 1795187167391 Mozilla/5.0 (X11)"
	case 2:
		return "INVALIDATE_CACHE get_user_by_access_token " + s.array(q)
	case 3:
		return rdata("caches", s.array(`"get_user_by_access_token"`, s.array(q), "1795187167391"))
	case 4:
		return rdata("caches", s.array(`"get_user_by_access_token"`, s.array(s.array(q, "5"), q), "1795187167391"))
	case 5:
		return rdata("caches", s.object("cache_func", `"get_user_by_access_token"`, "keys", s.array(q), "invalidation_ts", "5"))
	case 6:
		return rdata("caches", s.object("keys", s.array(q), "invalidation_ts", "5", "cache_func", `"get_user_by_access\u005ftoken"`))
	case 7:
		return "REMOVE_PUSHER " + p.pick("lab.app "+secret, secret+" lab.app") + " " + id
	case 8:
		return rdata("pushers", s.array(append(append([]string{user}, p.order(`"lab.app"`, q)...), p.pick("true", "false", "0"))...))
	case 9:
		return rdata("pushers", s.object("user_id", user, "app_id", `"lab.app"`, "pushkey", q, "deleted", "false"))
	case 10:
		return rdata("account_data", s.array(user, p.pick("null", `"!r:lab.test"`), `"m.secret_storage.key"`, content))
	case 11:
		return rdata("tag_account_data", s.array(user, `"!r:lab.test"`, content))
	}
	return rdata(p.pick("new_stream", "pushers_v2"), s.array(user, q, s.object(secret, "5", "a", s.array(q))))
}

// pyRepr is Python's repr of a string.
func pyRepr(text string) string { return string(AppendRepr(nil, []byte(text))) }

// echo is an ERROR about a line, as old and new releases write it.
func (p planter) echo(line, secret string) string {
	name, args, _ := strings.Cut(line, " ")
	why := p.pick("ValueError('not enough values to unpack (expected 4, got 3)')",
		"KeyError("+pyRepr(name)+")",
		"ValueError("+pyRepr("invalid literal for int() with base 10: "+pyRepr(secret))+")",
		"ValueError("+pyRepr("invalid literal for int() with base 10: "+pyRepr(args))+")",
		"Exception("+pyRepr("Invalid USER_SYNC state "+pyRepr(secret))+")",
		"JSONDecodeError('Expecting value: line 1 column 5 (char 4)')")
	if p.IntN(2) == 0 {
		return "ERROR failed to parse line for  '" + name + "': " + why + " (" + pyRepr(args) + "):"
	}
	return "ERROR failed to parse line: " + why + " (" + pyRepr(line) + "):"
}

// spoil makes a line wrong.
func (p planter) spoil(line string) string {
	i := p.IntN(len(line) + 1)
	switch p.IntN(9) {
	case 0:
		return line[:i]
	case 1:
		return line[:i] + p.pick(" ", `"`, "[", "]", ",", "5", "\\", "\xff", "\r", "{", ":") + line[i:]
	case 2:
		return line[:max(0, i-1)] + line[i:]
	case 3:
		return strings.ToLower(line[:min(8, len(line))]) + line[min(8, len(line)):]
	case 4:
		return p.pick(" ", "PING 17951871", "RDATA to_device master 5 [\"@user7", "POSITION events", "NAME ", "NAME w1 ",
			"REPLICATE ", "SERVER ", "ERROR ", "ERROR invalid command: ", "USER_SYNC AbCdE ", "FEDERATION_ACK w1 ") + line
	case 5:
		return line + p.pick("\r", " ", "]", line, strings.Repeat("x", 200), ",5", " (')")
	case 6:
		return line + strings.Repeat(" ", MaxLine)
	case 7:
		return line[:i] + strings.Repeat("y", MaxLine) + line[i:]
	}
	return "Authorization: Bearer " + line
}
