package wire

import (
	"bytes"
	"fmt"
	"strings"
)

// Detector narrows down which dialect a connection speaks, from what both
// sides say. It starts with all of them and only ever rules out; when what it
// sees contradicts itself it keeps both sides of it and says so. The zero
// value is ready.
type Detector struct {
	sides [C2S + 1]side // by who sent; index 0 is for transports without direction
}

// side is what is known of one of the two peers.
type side struct {
	ruledOut DialectSet
	settled  uint32 // the streams, and the JSON style, from which nothing can be learned any more
	notes    []note // what narrowed it, in order; never more than there are dialects
	clash    note   // the first thing that fits nothing left
}

// note is a piece of evidence: what was seen, and who does that.
type note struct {
	what string
	in   DialectSet
}

var formText = [numForms]string{
	FormRdata3:         "RDATA without an instance",
	FormRdata4:         "RDATA with an instance",
	FormPosition2:      "POSITION with a stream and a token",
	FormPosition3:      "POSITION with an instance and one token",
	FormPosition4:      "POSITION with an instance and two tokens",
	FormReplicateBare:  "REPLICATE without arguments",
	FormReplicateToken: "REPLICATE with a stream and a token",
	FormUserSync3:      "USER_SYNC with 3 arguments",
	FormUserSync4:      "USER_SYNC with 4 arguments",
	FormUserSync5:      "USER_SYNC with 5 arguments",
	FormUserSync6:      "USER_SYNC with 6 arguments",
	FormAck1:           "FEDERATION_ACK with one argument",
	FormAck2:           "FEDERATION_ACK with two arguments",
	FormUserIPText:     "USER_IP with plain arguments",
	FormUserIPJSON:     "USER_IP with JSON",
}

// Observe takes in a line that was sent in direction dir, and its gist. Where
// nothing more can be learned it costs a look into a table.
func (d *Detector) Observe(dir Direction, line []byte, g *Gist) {
	if dir > C2S || g.Command >= NumCommands || g.Form >= numForms {
		return
	}
	allowed := allowedIn[dir][g.Command]
	if allowed == 0 { // sent by one who never may: says nothing about releases
		return
	}
	s := &d.sides[dir]
	if in := allowed & formIn[g.Form]; s.set()&^in != 0 {
		s.narrow(note{formNote(g), in})
	}
	switch g.Command {
	case CmdRdata, CmdPosition, CmdReplicate:
		if s.settled != ^uint32(0) {
			s.stream(g)
		}
	case CmdServer:
		s.narrow(note{clueTCP.what, clueTCP.in})
	case CmdError:
		s.errorText(line)
	}
}

func formNote(g *Gist) string {
	if text := formText[g.Form]; text != "" {
		return text
	}
	return g.Command.String()
}

func (s *side) set() DialectSet { return AllDialects &^ s.ruledOut }

// narrow rules out what does not do what was seen. What fits nothing that is
// left rules nothing out; it is kept as a contradiction.
func (s *side) narrow(n note) {
	set := s.set()
	switch {
	case set&^n.in == 0:
	case set&n.in == 0:
		if s.clash.what == "" {
			s.clash = n
		}
	default:
		s.ruledOut |= set &^ n.in
		s.notes = append(s.notes, n)
		s.settle()
	}
}

// settle marks what can't tell anything any more.
func (s *side) settle() {
	set := s.set()
	var open uint32
	for _, w := range streamWatches {
		if w.telling(set) {
			open |= w.bit
		}
	}
	if narrows(set, clueSpaced.in) || narrows(set, clueCompact.in) {
		open |= settledStyle
	}
	s.settled = ^open
}

// stream learns from a stream's name and from its row.
func (s *side) stream(g *Gist) {
	if g.Row != nil && s.settled&settledStyle == 0 {
		if c := styleOf(g.Row); c != nil {
			s.narrow(note{c.what, c.in})
		}
	}
	w := streamWatches[string(g.Stream)]
	if w == nil || s.settled&w.bit != 0 {
		return
	}
	s.narrow(note{w.name.what, w.name.in})
	if g.Row == nil {
		return
	}
	var elements [6][]byte
	n := elementsOf(g.Row, elements[:])
	for i, c := range w.rows {
		if c.matches(elements[:min(n, len(elements))], n) {
			s.narrow(note{c.what, w.in[i]})
		}
	}
}

func (s *side) errorText(line []byte) {
	_, text, _ := cut(trimNewline(line))
	for i := range errorClues {
		if c := &errorClues[i]; bytes.HasPrefix(text, []byte(c.text)) && bytes.Contains(text, []byte(c.about)) && (!c.pair || hasPair(text)) {
			s.narrow(note{c.what, c.in})
		}
	}
}

// Candidates is the set of the dialects that fit everything seen. It is empty
// when nothing does; Conflict then says why.
func (d *Detector) Candidates() DialectSet {
	set := AllDialects
	for i := range d.sides {
		if d.sides[i].clash.what != "" {
			return 0
		}
		set &= d.sides[i].set()
	}
	return set
}

// Side is the set of the dialects that fit what one side said, judged by that
// alone; what contradicts the rest of it does not count. It is never empty.
func (d *Detector) Side(dir Direction) DialectSet {
	if dir > C2S {
		return AllDialects
	}
	return d.sides[dir].set()
}

// Conflict says in words what contradicts what, and is "" when nothing does.
func (d *Detector) Conflict() string {
	for dir := range d.sides {
		if d.clashes(Direction(dir)) {
			return d.clashText(Direction(dir))
		}
	}
	if d.Candidates() != 0 {
		return ""
	}
	return d.mismatch()
}

// clashes reports whether one side contradicts itself.
func (d *Detector) clashes(dir Direction) bool { return d.sides[dir].clash.what != "" }

func (d *Detector) clashText(dir Direction) string {
	s := &d.sides[dir]
	return fmt.Sprintf("%s sent %s (%s) after %s", dir.sender(), s.clash.what, s.clash.in, s.against(s.clash.in))
}

// mismatch says what of the two sides does not go together.
func (d *Detector) mismatch() string {
	worker, master := &d.sides[C2S], &d.sides[S2C]
	return fmt.Sprintf("the worker speaks %s (it sent %s), the master speaks %s (it sent %s)",
		worker.set(), worker.against(master.set()), master.set(), master.against(worker.set()))
}

// against lists the evidence that speaks against set: what rules it out alone,
// or, if only all of it together does, all of it.
func (s *side) against(set DialectSet) string {
	var alone, all []string
	for _, n := range s.notes {
		text := fmt.Sprintf("%s (%s)", n.what, n.in)
		all = append(all, text)
		if n.in&set == 0 {
			alone = append(alone, text)
		}
	}
	if len(alone) == 0 {
		alone = all
	}
	return strings.Join(alone, ", ")
}
