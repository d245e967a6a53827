package wire

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Conversation follows one connection: what its sides speak, and what is odd
// about it. It is pure: no clock, no goroutine.
type Conversation struct {
	fixed    DialectSet
	detector Detector
	worker   string
	peers    [C2S + 1]peer // by who sends
}

// peer is what is remembered of one sender.
type peer struct {
	known   bool // its first bytes were looked at, and are no other protocol's
	foreign bool // it speaks another protocol: nothing more to say about it
	over    bool // inside an over-long line
}

// NewConversation follows a connection that speaks one of fixed; AllDialects
// (or the empty set) means that it has to be found out.
func NewConversation(fixed DialectSet) *Conversation {
	if fixed &= AllDialects; fixed == 0 {
		fixed = AllDialects
	}
	return &Conversation{fixed: fixed}
}

// Candidates is what the connection may speak: those of the given dialects
// that fit what was seen. It is empty when what was seen contradicts itself or
// them. A single given dialect stays, whatever is seen.
func (c *Conversation) Candidates() DialectSet {
	if c.fixed.Len() == 1 {
		return c.fixed
	}
	return c.fixed & c.detector.Candidates()
}

// Conflict says in words what was contradictory; "" when nothing was.
func (c *Conversation) Conflict() string { return c.detector.Conflict() }

// Worker is what the worker last called itself with NAME, "" before.
func (c *Conversation) Worker() string { return c.worker }

// receivers is the set by which a line going dir is judged: what the
// connection speaks or, when that is contradictory, what its receiver does.
func (c *Conversation) receivers(dir Direction) DialectSet {
	if set := c.Candidates(); set != 0 {
		return set
	}
	if set := c.fixed & c.detector.Side(C2S+S2C-dir); set != 0 {
		return set
	}
	return c.fixed
}

// Observe takes in a line or fragment that was sent in direction dir at t (Unix
// nanoseconds), in order of arrival, and says what is odd about it; nil nearly
// always. g is the gist of a line and may be nil. A PiecePartial may be shown
// too: it helps to recognise a peer that speaks something else and sends no
// newline.
func (c *Conversation) Observe(t int64, dir Direction, piece Piece, g *Gist) []Finding {
	if dir > C2S {
		return nil
	}
	p := &c.peers[dir]
	if !p.known && !p.foreign {
		if f := p.sniff(piece); f != nil {
			return f
		}
	}
	if p.foreign {
		return nil
	}
	if piece.Kind != PieceLine {
		return p.fragment(piece)
	}
	p.over = false // the end of an over-long line may be in a gap
	if g == nil {
		gist := GistOf(piece.Text)
		g = &gist
	}
	c.detector.Observe(dir, piece.Text, g)
	if g.Command == CmdName && dir == C2S {
		c.name(piece.Text)
	}
	return c.judge(dir, piece.Text, g)
}

// Gap says that some of what went dir was not shown: what follows is not held
// against what came before.
func (c *Conversation) Gap(dir Direction) {
	if dir <= C2S {
		c.peers[dir].over = false
	}
}

// End says what is odd about the connection as a whole, now that it ended at t.
func (c *Conversation) End(t int64) []Finding { return nil }

// sniff looks at the first bytes of a peer, again and again until there is a
// line or fragment.
func (p *peer) sniff(piece Piece) []Finding {
	p.known = piece.Kind != PiecePartial
	if CommandOf(piece.Text) != CmdUnknown {
		return nil
	}
	what, ok := Sniff(piece.Text)
	if !ok {
		return nil
	}
	p.foreign = true
	return []Finding{{Code: CodeNotReplication, Detail: what}}
}

// fragment reports an over-long line once, at its first fragment.
func (p *peer) fragment(piece Piece) []Finding {
	if piece.Kind == PiecePartial || !piece.Over {
		return nil
	}
	again := p.over
	p.over = piece.Text[len(piece.Text)-1] != '\n'
	if again {
		return nil
	}
	return []Finding{{Code: CodeTooLong, Detail: fmt.Sprintf("the line is longer than %d bytes", MaxLine)}}
}

func (c *Conversation) name(line []byte) {
	_, name, _ := cut(trimNewline(line))
	name = bytes.TrimSuffix(name, []byte{'\r'})
	if string(name) != c.worker {
		c.worker = string(name)
	}
}

// judge applies the rules that need no parse.
func (c *Conversation) judge(dir Direction, line []byte, g *Gist) []Finding {
	var found []Finding
	if !utf8.Valid(line) {
		found = append(found, Finding{Code: CodeUTF8, Detail: "the line is not UTF-8"})
	}
	if n := len(line); n > 1 && line[n-2] == '\r' {
		found = append(found, Finding{Code: CodeCRLF, Detail: "the line ends in CR LF; the CR is part of the last argument"})
	}
	receivers := c.receivers(dir)
	switch {
	case receivers&allowedIn[dir][g.Command] != 0:
	case g.Command == CmdUnknown && isBlank(line):
		found = append(found, Finding{Code: CodeBlank, Detail: "a blank line"})
	case receivers&allowedIn[NoDirection][g.Command] == 0:
		found = append(found, Finding{Code: CodeUnknownCommand, Detail: unknownText(g, receivers)})
	default:
		found = append(found, Finding{Code: CodeDirection, Detail: directionText(g.Command, dir, receivers)})
	}
	return found
}

func isBlank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

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
		return "the line does not begin with a command"
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
