package wire

import (
	"bytes"
	"fmt"
)

// judge has those who may receive a line or fragment that is not clean judge it,
// by dialects. It reports whether some accept it: while it is not known which one the receiver
// speaks, nobody is blamed for what one of them reads.
func (c *Conversation) judge(dir Direction, piece Piece, g *Gist, found []Finding) (all []Finding, read bool) {
	set := c.speakers
	var sum verdicts
	var asked Receiver // the last one, if it refuses
	command := CommandOf(piece.Text)
	for d := noDialect + 1; d < endDialect; d++ {
		if !set.Has(d) {
			continue
		}
		r := c.judges.receiver(d)
		if asked.dialect != noDialect && r.Same(asked, command) {
			continue
		}
		v := r.Judge(dir, piece, &c.parsed)
		sum.add(v, c.parsed.Lenient)
		if asked = r; v.Action == ActAccept {
			asked = Receiver{} // those that accept differ in what they bear with
		}
	}
	if sum.accepted {
		return c.leniencies(&sum, found), true
	}
	f := sum.finding(sum.code, sum.detail)
	c.verdict = Verdict{Action: sum.action, Reply: sum.reply, Code: sum.code, Detail: sum.detail, plain: sum.plain}
	switch {
	case sum.code == CodeDirection:
		f.Detail = directionText(g.Command, dir, set)
	case sum.code == CodeUnknownCommand:
		f.Detail, f.PlainDetail = unknownText(g, set), noCommandText
	case sum.code == CodeBlank:
		f.Detail = "a blank line"
	}
	if hasDeviceSpace(g, set, piece.Text) {
		f.Code, f.Detail = CodeDeviceSpace, "USER_SYNC has too many fields: a space in the device id makes it unreadable"
	}
	return append(found, f), false
}

// verdicts are those of several dialects, added up.
type verdicts struct {
	any      bool
	accepted bool // by one at least
	action   Action
	reply    string
	plain    string // reply without what it repeats of the line
	differ   bool   // in what they do
	code     string
	detail   string

	fewest [numLeniencies]Leniency // of the dialect that has the fewest to bear with
	n      int
}

func (s *verdicts) add(v Verdict, lenient []Leniency) {
	accepted := v.Action == ActAccept
	if accepted && (!s.accepted || len(lenient) < s.n) {
		s.n = copy(s.fewest[:], lenient)
	}
	s.accepted = s.accepted || accepted
	if !s.any {
		s.any, s.action, s.reply, s.plain, s.code, s.detail = true, v.Action, v.Reply, v.plain, v.Code, v.Detail
		return
	}
	s.differ = s.differ || v.Action != s.action
	if v.Reply != s.reply {
		s.reply, s.plain = "", ""
	}
	// The newest one's reason, but for what is wrong in all whatever it holds.
	if s.code != CodeDirection {
		s.code, s.detail = v.Code, v.Detail
	}
}

// leniencies tells what receivers bear with in a line, if it is to be told.
func (c *Conversation) leniencies(sum *verdicts, found []Finding) []Finding {
	if sum.n == 0 {
		return found
	}
	n := &c.lenient[sum.fewest[0]]
	if !c.again(n, sum.fewest[0].Code()) {
		return found
	}
	begin := len(found)
	found = sum.leniencies(found)
	if begin < len(found) {
		found[begin] = n.counted(found[begin])
	}
	return found
}

// leniencies are the findings of a line that is accepted, one a code.
func (s *verdicts) leniencies(found []Finding) []Finding {
	begin := len(found)
next:
	for _, l := range s.fewest[:s.n] {
		if l != LenientCR && s.isCR(l) {
			continue
		}
		for i := range found[begin:] {
			if f := &found[begin+i]; f.Code == l.Code() {
				f.Detail += "; " + l.String()
				continue next
			}
		}
		found = append(found, s.finding(l.Code(), l.String()))
	}
	return found
}

// isCR reports whether a leniency is only what a CR at the end looks like.
func (s *verdicts) isCR(l Leniency) bool {
	cr := false
	for _, have := range s.fewest[:s.n] {
		cr = cr || have == LenientCR
	}
	return cr && (l == LenientInteger || l == LenientArguments || l == LenientBlanks)
}

// finding is one with what the dialects agree to do with it.
func (s *verdicts) finding(code, detail string) Finding {
	f := Finding{Code: code, Detail: detail}
	if !s.differ {
		f.Verdict, f.Reply, f.Plain = s.action.String(), s.reply, s.plain
	}
	return f
}

// hasDeviceSpace knows a USER_SYNC that would be one without the spaces in its
// fourth field and after it.
func hasDeviceSpace(g *Gist, set DialectSet, line []byte) bool {
	if g.Command != CmdUserSync || set&formIn[FormUserSync5] == 0 {
		return false
	}
	var f [16][]byte
	n := fields(trimNewline(line), f[:])
	if n <= 6 || n > len(f) || !isState(f[n-2]) {
		return false
	}
	_, ok := plainInt(f[n-1])
	return ok
}

const noCommandText = "the line does not begin with a command"

// unknownText shows a name only if it looks like one: what stands first in a
// line that is none may be anything, a secret too.
func unknownText(g *Gist, receivers DialectSet) string {
	if g.Command != CmdUnknown {
		return fmt.Sprintf("%s is no command of %s, only of %s", g.Command, receivers, allowedIn[NoDirection][g.Command])
	}
	name := bytes.TrimSuffix(g.Name, []byte{'\r'})
	if c := commandNamed(name); c != CmdUnknown {
		return fmt.Sprintf("%s with a CR at its end is no command", c)
	}
	if c := commandNamed(bytes.ToUpper(name)); c != CmdUnknown {
		return fmt.Sprintf("%q is no command: names are upper case (%s)", name, c)
	}
	if !isCommandLike(name) {
		return noCommandText
	}
	return fmt.Sprintf("%s is no command of any release", name)
}

func isCommandLike(name []byte) bool {
	for _, c := range name {
		if (c < 'A' || c > 'Z') && c != '_' {
			return false
		}
	}
	return len(name) > 0 && len(name) <= 32
}

func directionText(cmd Command, dir Direction, receivers DialectSet) string {
	if allowedIn[S2C+C2S-dir][cmd]&receivers == 0 {
		return fmt.Sprintf("%s sent %s, which goes over Redis only (%s)", dir.sender(), cmd, receivers)
	}
	return fmt.Sprintf("%s sent %s, which only %s may send (%s)", dir.sender(), cmd, dir.receiver(), receivers)
}
