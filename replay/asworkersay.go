package replay

import (
	"bytes"
	"strconv"
	"time"

	"repltap/wire"
)

// Retell is what a played worker says otherwise than the recorded one. Everything
// else is the recorded bytes.
type Retell struct {
	Tokens map[string]int64 // where streams stood when it began, instead of where they did
	// Now asks for what comes from now on, instead of what comes after a token. Only
	// up to 1.12 do workers say either.
	Now bool
	// Times moves the time stamps of USER_SYNC and USER_IP to now. A master that gets
	// them as they were takes the users to have been gone for long.
	Times bool

	shifts map[string]int64
}

func (r *Retell) begin(p *Plan) {
	r.shifts = map[string]int64{}
	for _, s := range p.Streams {
		if to, ok := r.Tokens[s.Name]; ok {
			r.shifts[s.Name] = to - s.Token
		}
	}
}

// line is what is said for an act.
func (r *Retell) line(a *Act, now int64) []byte {
	g := wire.GistOf(a.Line)
	switch g.Command {
	case wire.CmdReplicate:
		if g.Form != wire.FormReplicateToken {
			break
		}
		if r.Now {
			return append(cutToken(a.Line), "NOW"...)
		}
		return r.moved(a.Line, &g, r.shifts[string(g.Stream)])
	case wire.CmdFederationAck:
		return r.moved(a.Line, &g, r.shifts["federation"])
	case wire.CmdUserSync, wire.CmdUserIP:
		if r.Times {
			return laterBy(a.Line, &g, now-a.At)
		}
	}
	return a.Line
}

// moved is a line that ends with a token.
func (r *Retell) moved(line []byte, g *wire.Gist, shift int64) []byte {
	if shift == 0 || !g.HasToken {
		return line
	}
	return strconv.AppendInt(cutToken(line), g.Token+shift, 10)
}

// cutToken is a copy of a line up to its last field.
func cutToken(line []byte) []byte {
	return bytes.Clone(line[:bytes.LastIndexByte(line, ' ')+1])
}

// laterBy is a line with its time stamp, which is in milliseconds, moved.
func laterBy(line []byte, g *wire.Gist, ns int64) []byte {
	end := len(line)
	switch g.Form {
	case wire.FormUserSync3, wire.FormUserSync4, wire.FormUserSync5, wire.FormUserSync6:
	case wire.FormUserIPJSON:
		end = len(bytes.TrimRight(line, "] \r"))
	case wire.FormUserIPText: // the fifth of the arguments; the rest is the user agent
		for end = 0; end < len(line); end++ {
			if line[end] == ' ' && bytes.Count(line[:end], []byte{' '}) == 5 {
				break
			}
		}
	default:
		return line
	}
	begin := end
	for begin > 0 && line[begin-1] >= '0' && line[begin-1] <= '9' {
		begin--
	}
	ms, err := strconv.ParseInt(string(line[begin:end]), 10, 64)
	if err != nil {
		return line
	}
	out := strconv.AppendInt(bytes.Clone(line[:begin]), ms+ns/int64(time.Millisecond), 10)
	return append(out, line[end:]...)
}
