package wire

import "bytes"

// Gist is what can be said of a line without knowing its dialect. Its slices
// alias the line.
type Gist struct {
	Command Command
	Form    Form // which of the command's historic forms it has, if that is certain

	Name     []byte // what stands before the first space
	Stream   []byte // RDATA, POSITION, REPLICATE
	Instance []byte // the writer or process named; nil when there is none or it is not certain
	Row      []byte // RDATA: the row's JSON, not checked

	Token    int64 // RDATA, POSITION (the new one), REPLICATE, FEDERATION_ACK
	Prev     int64 // POSITION from 1.22
	HasToken bool
	HasPrev  bool
	Batch    bool // RDATA with "batch" for a token
}

// Form tells apart the argument lists that one command had over time.
type Form uint8

// The forms.
const (
	FormUnclear        Form = iota
	FormPlain               // the only one that the command ever had
	FormRdata3              // RDATA stream token row
	FormRdata4              // RDATA stream instance token row
	FormPosition2           // POSITION stream token
	FormPosition3           // POSITION stream instance token
	FormPosition4           // POSITION stream instance prev new
	FormReplicateBare       // REPLICATE
	FormReplicateToken      // REPLICATE stream token
	FormUserSync3           // USER_SYNC user state time
	FormUserSync4           // USER_SYNC instance user state time
	FormUserSync5           // USER_SYNC instance user device state time
	FormUserSync6           // USER_SYNC instance user device state presence time
	FormAck1                // FEDERATION_ACK token
	FormAck2                // FEDERATION_ACK instance token
	FormUserIPText          // USER_IP user token ip device time agent
	FormUserIPJSON          // USER_IP user json

	numForms
)

// GistOf reads a line, with or without its terminator. It allocates nothing
// and believes only what it can be sure of: a field that does not look as real
// senders write it is left out.
func GistOf(line []byte) Gist {
	var g Gist
	var rest []byte
	g.Name, rest, _ = cut(trimNewline(line))
	g.Command = commandNamed(g.Name)
	switch g.Command {
	case CmdRdata:
		g.rdata(rest)
	case CmdPosition:
		g.position(rest)
	case CmdReplicate:
		g.replicate(rest)
	case CmdUserSync:
		g.userSync(rest)
	case CmdFederationAck:
		g.federationAck(rest)
	case CmdUserIP:
		g.userIP(rest)
	case CmdClearUserSync, CmdUserSyncKeepalive:
		g.Instance, g.Form = rest, FormPlain
	case CmdLockReleased:
		g.Instance, g.Form = firstString(rest), FormPlain
	case CmdUnknown:
	default:
		g.Form = FormPlain
	}
	return g
}

// Named is what the gist says without the row, in memory of its own.
func (g *Gist) Named() Gist {
	own := *g
	own.Name, own.Stream, own.Instance, own.Row = bytes.Clone(g.Name), bytes.Clone(g.Stream), bytes.Clone(g.Instance), nil
	return own
}

// rdata tells the two forms by the field after the possible token: only a row
// begins with a bracket, so an instance named "7" confuses nobody.
func (g *Gist) rdata(rest []byte) {
	stream, rest, ok := cut(rest)
	if !ok {
		return
	}
	g.Stream = stream
	second, rest, ok := cut(rest)
	if !ok || len(rest) == 0 {
		return
	}
	if rest[0] != '[' && rest[0] != '{' {
		if third, row, ok := cut(rest); ok && g.token(third) {
			g.Form, g.Instance, g.Row = FormRdata4, second, row
			return
		}
	}
	if g.token(second) {
		g.Form, g.Row = FormRdata3, rest
	}
}

// token reads an RDATA token.
func (g *Gist) token(b []byte) bool {
	if string(b) == "batch" {
		g.Batch = true
		return true
	}
	g.Token, g.HasToken = plainInt(b)
	return g.HasToken
}

func (g *Gist) position(rest []byte) {
	stream, rest, ok := cut(rest)
	if !ok {
		return
	}
	g.Stream = stream
	second, rest, ok := cut(rest)
	if !ok {
		if g.Token, g.HasToken = plainInt(second); g.HasToken {
			g.Form = FormPosition2
		}
		return
	}
	third, fourth, ok := cut(rest)
	if !ok {
		if g.Token, g.HasToken = plainInt(third); g.HasToken {
			g.Form, g.Instance = FormPosition3, second
		}
		return
	}
	prev, okPrev := plainInt(third)
	token, okToken := plainInt(fourth)
	if okPrev && okToken {
		g.Form, g.Instance = FormPosition4, second
		g.Prev, g.HasPrev, g.Token, g.HasToken = prev, true, token, true
	}
}

func (g *Gist) replicate(rest []byte) {
	stream, token, ok := cut(rest)
	if !ok {
		if len(stream) == 0 {
			g.Form = FormReplicateBare
		}
		return
	}
	g.Token, g.HasToken = plainInt(token)
	if g.HasToken || string(token) == "NOW" || string(token) == "now" {
		g.Form, g.Stream = FormReplicateToken, stream
	}
}

// userSync goes by where the state word stands; the last field must be a time.
func (g *Gist) userSync(rest []byte) {
	var f [6][]byte
	n := fields(rest, f[:])
	if n < 3 || n > 6 {
		return
	}
	if _, ok := plainInt(f[n-1]); !ok {
		return
	}
	switch {
	case n < 6 && isState(f[n-2]):
		g.Form = FormUserSync3 + Form(n-3)
	case n == 6 && isState(f[3]):
		g.Form = FormUserSync6
	}
	if g.Form > FormUserSync3 {
		g.Instance = f[0]
	}
}

func isState(b []byte) bool { return string(b) == "start" || string(b) == "end" }

func (g *Gist) federationAck(rest []byte) {
	first, second, ok := cut(rest)
	if !ok {
		if g.Token, g.HasToken = plainInt(first); g.HasToken {
			g.Form = FormAck1
		}
		return
	}
	if g.Token, g.HasToken = plainInt(second); g.HasToken {
		g.Form, g.Instance = FormAck2, first
	}
}

func (g *Gist) userIP(rest []byte) {
	_, visit, ok := cut(rest)
	if !ok || len(visit) == 0 {
		return
	}
	if visit[0] == '[' {
		g.Form = FormUserIPJSON
		return
	}
	var f [5][]byte
	if fields(rest, f[:]) < len(f) {
		return
	}
	if _, ok := plainInt(f[4]); ok {
		g.Form = FormUserIPText
	}
}

// cut splits at the first space. It is a loop of its own because the fields
// are short: a call into the assembly of bytes.IndexByte costs more.
func cut(b []byte) (head, tail []byte, ok bool) {
	for i, c := range b {
		if c == ' ' {
			return b[:i], b[i+1:], true
		}
	}
	return b, nil, false
}

// fields splits at every space into out and says how many there are, which may
// be one more than out has room for.
func fields(b []byte, out [][]byte) int {
	for n := 0; n < len(out); n++ {
		head, tail, more := cut(b)
		out[n] = head
		if !more {
			return n + 1
		}
		b = tail
	}
	return len(out) + 1
}

// firstString is the first element of a JSON array if it is a string without
// escapes, else nil.
func firstString(json []byte) []byte {
	if len(json) < 3 || json[0] != '[' || json[1] != '"' {
		return nil
	}
	for i, c := range json[2:] {
		switch c {
		case '"':
			return json[2 : 2+i]
		case '\\':
			return nil
		}
	}
	return nil
}

// plainInt reads an integer as senders write them: a minus at most, digits, no
// zero in front, and within 64 bits.
func plainInt(b []byte) (int64, bool) {
	digits, negative := b, false
	if len(b) > 1 && b[0] == '-' {
		digits, negative = b[1:], true
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(b) > 1 {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	if negative {
		return -int64(n), n <= 1<<63
	}
	return int64(n), n < 1<<63
}
