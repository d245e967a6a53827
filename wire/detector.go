package wire

import (
	"bytes"
	"fmt"
	"strings"
)

// Detector finds out of which releases the two ends of a connection are, from
// what both say. Who writes a command in a form is certain: that only ever rules
// out, and when it contradicts itself both sides of it are kept and Conflict says
// so. How rows look and which streams there are is counted: the releases that
// remain are those which the fewest lines speak against. The zero value is ready.
type Detector struct {
	sides   [C2S + 1]side // by who sent; index 0 is for transports without direction
	changes uint32        // how often what follows from it may have become another
	split   bool          // no release is left that nothing speaks against
	apart   bool          // the two sides have no dialect in common
	view    rowView
}

// side is what is known of one of the two peers.
type side struct {
	tallies  []tally         // in the order in which they were first seen
	place    [numKinds]uint8 // of each kind in tallies, from 1 on; 0: not seen
	ruledOut ReleaseSet      // by forms
	unlikely ReleaseSet      // that some row or stream speaks against
	clash    tally           // the first form that fits nothing left; without a count when there is none
}

// kind is a kind of evidence: the beginning of a range below, and which it is.
type kind uint8

const (
	kindCommand kind = 0
	kindForm         = kindCommand + kind(NumCommands)
	kindError        = kindForm + kind(numForms)
	kindStyle        = kindError + maxErrorKinds
	kindStream       = kindStyle + kind(numStyles)
	kindShape        = kindStream + maxStreamKinds
	numKinds         = kindShape + maxShapeKinds

	maxErrorKinds, maxStreamKinds, maxShapeKinds = 16, 40, 70 // at least as many as the tables have
)

// tally is a kind of evidence, the releases that do so, and in how many lines it
// was seen.
type tally struct {
	kind
	form bool // it is about how commands are written
	n    uint32
	in   ReleaseSet
}

// enoughRows is how many rows of a stream are looked at: in what follows, those
// that a side was not known by are not expected.
const enoughRows = 4096

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

// Observe takes in a line that was sent in direction dir, and its gist.
func (d *Detector) Observe(dir Direction, line []byte, g *Gist) {
	if !d.hear(dir, line, g) {
		return
	}
	var view *rowView
	s := StreamOf(g.Stream)
	if g.Row != nil && s != nil && d.sides[dir].count(kindStream+kind(s.index)) < enoughRows {
		if row, _ := trimJSON(g.Row); d.view.scan(row) {
			view = &d.view
		}
	}
	d.learn(dir, g, s, view)
}

// hear learns from how a line is written. It reports false for what its sender
// may not send in any release: that says nothing about releases.
func (d *Detector) hear(dir Direction, line []byte, g *Gist) bool {
	if dir > C2S || g.Command >= NumCommands || g.Form >= numForms {
		return false
	}
	allowed := allowedIn[dir][g.Command]
	if allowed == 0 {
		return false
	}
	k := kindCommand + kind(g.Command)
	if g.Form > FormPlain {
		k = kindForm + kind(g.Form)
	}
	d.see(dir, k, func() ReleaseSet {
		in := (allowed & formIn[g.Form]).Releases()
		if g.Command == CmdServer {
			in &= overTCP
		}
		return in
	})
	if g.Command == CmdError {
		_, text, _ := cut(trimNewline(line))
		d.errorText(dir, text)
	}
	return true
}

func (d *Detector) errorText(dir Direction, text []byte) {
	for i := range errorClues {
		if c := &errorClues[i]; bytes.HasPrefix(text, []byte(c.text)) && bytes.Contains(text, []byte(c.about)) && (!c.pair || hasPair(text)) {
			d.see(dir, kindError+kind(i), func() ReleaseSet { return releasesBetween(c.since, c.before) })
		}
	}
}

// learn learns from a line's stream, nil if no release has it, and, with a view of
// it, from its row.
func (d *Detector) learn(dir Direction, g *Gist, s *Stream, v *rowView) {
	if s != nil && d.sides[dir].count(kindStream+kind(s.index)) >= enoughRows {
		return
	}
	if v != nil {
		for i, is := range v.styles() {
			if is {
				d.see(dir, kindStyle+kind(i), func() ReleaseSet { return styleIn[i] })
			}
		}
	}
	if s == nil || g.Form <= FormPlain {
		return
	}
	d.see(dir, kindStream+kind(s.index), s.In)
	if v != nil {
		if r := s.only(v); r != nil {
			d.see(dir, r.kind, r.In)
		}
	}
}

// see counts evidence; in says which releases do so, and is asked the first time.
func (d *Detector) see(dir Direction, k kind, in func() ReleaseSet) {
	s := &d.sides[dir]
	if i := s.place[k]; i > 0 {
		s.tallies[i-1].n++
		if d.split {
			d.changes++
		}
		return
	}
	t := tally{kind: k, form: k < kindStyle, n: 1, in: in()}
	s.first(t)
	if d.split || t.in != AllReleases {
		d.judge()
	}
}

// judge works out anew what only evidence of a kind not seen before can change.
func (d *Detector) judge() {
	d.changes++
	d.split = d.within(AllReleases, false) == 0
	d.apart = d.speaks(C2S)&d.speaks(S2C) == 0
}

// first takes in evidence of a kind that was not seen before.
func (s *side) first(t tally) {
	s.tallies = append(s.tallies, t)
	s.place[t.kind] = uint8(len(s.tallies))
	if !t.form {
		s.unlikely |= ^t.in
	} else if left := s.spoken() & t.in; left != 0 {
		s.ruledOut |= ^t.in
	} else if s.clash.n == 0 {
		s.clash = t
	}
}

// count is in how many lines evidence was seen.
func (s *side) count(k kind) uint32 {
	if i := s.place[k]; i > 0 {
		return s.tallies[i-1].n
	}
	return 0
}

// spoken is the releases that write as this side does. It is never empty.
func (s *side) spoken() ReleaseSet { return AllReleases &^ s.ruledOut }

// within is those of set that the sides write like, and that nothing they said
// speaks against; with most, those that the fewest lines speak against where
// there are none.
func (d *Detector) within(set ReleaseSet, most bool) ReleaseSet {
	left := set
	for i := range d.sides {
		left &^= d.sides[i].unlikely | d.sides[i].ruledOut
	}
	if left != 0 || !most || set == 0 {
		return left
	}
	return likeliest(set, d.sides[:])
}

// says is the releases that fit all that this side says; where none does, those
// that write commands as it does. It is never empty.
func (s *side) says() ReleaseSet {
	if left := s.spoken() &^ s.unlikely; left != 0 {
		return left
	}
	return s.spoken()
}

// likeliest is those of set that the fewest lines of the sides speak against.
func likeliest(set ReleaseSet, sides []side) (best ReleaseSet) {
	fewest := ^uint64(0)
	for rest := set; rest != 0; rest &= rest - 1 {
		one := rest & -rest
		switch n := linesAgainst(one, sides); {
		case n < fewest:
			best, fewest = one, n
		case n == fewest:
			best |= one
		}
	}
	return best
}

// linesAgainst counts the lines of the sides that no release of set would send.
func linesAgainst(set ReleaseSet, sides []side) (n uint64) {
	for i := range sides {
		for _, t := range sides[i].tallies {
			if t.in&set == 0 {
				n += uint64(t.n)
			}
		}
	}
	return n
}

// Releases is the set of the releases that fit what was seen. It is empty when
// how commands are written contradicts itself; Conflict then says why.
func (d *Detector) Releases() ReleaseSet {
	if d.contradictory() {
		return 0
	}
	set := AllReleases
	for i := range d.sides {
		set &= d.sides[i].spoken()
	}
	return d.within(set, true)
}

// contradictory reports whether Releases is empty.
func (d *Detector) contradictory() bool {
	return d.apart || d.clashes(NoDirection) || d.clashes(S2C) || d.clashes(C2S)
}

// Candidates is the set of the dialects that these releases speak.
func (d *Detector) Candidates() DialectSet { return d.Releases().Dialects() }

// Side is the set of the releases that fit what one side said, judged by that
// alone; what contradicts the rest of it does not count. It is never empty.
func (d *Detector) Side(dir Direction) ReleaseSet {
	if dir > C2S {
		return AllReleases
	}
	s := &d.sides[dir]
	if left := s.spoken() &^ s.unlikely; left != 0 {
		return left
	}
	return likeliest(s.spoken(), d.sides[dir:dir+1])
}

// speaks is the dialects that fit what one side says by itself. It is never empty.
func (d *Detector) speaks(dir Direction) DialectSet { return d.sides[dir].says().Dialects() }

// Conflict says in words what contradicts what, and is "" when nothing does.
func (d *Detector) Conflict() string {
	for dir := range d.sides {
		if d.clashes(Direction(dir)) {
			return d.clashText(Direction(dir))
		}
	}
	if d.apart {
		return d.mismatch()
	}
	return ""
}

// clashes reports whether one side contradicts itself.
func (d *Detector) clashes(dir Direction) bool { return d.sides[dir].clash.n > 0 }

func (d *Detector) clashText(dir Direction) string {
	s := &d.sides[dir]
	return fmt.Sprintf("%s sent %s (%s) after %s", dir.sender(), s.clash.what(), s.clash.in, s.against(s.clash.in))
}

// mismatch says what of the two sides does not go together.
func (d *Detector) mismatch() string {
	worker, master := &d.sides[C2S], &d.sides[S2C]
	return fmt.Sprintf("the worker speaks %s (it sent %s), the master speaks %s (it sent %s)",
		d.speaks(C2S), worker.against(master.says()), d.speaks(S2C), master.against(worker.says()))
}

// against lists the evidence that speaks against set: what rules it out alone, or,
// if only all of it together does, all that narrowed what the side can be.
func (s *side) against(set ReleaseSet) string {
	var alone, all []string
	left := AllReleases
	for _, t := range s.tallies {
		if s.says()&^t.in != 0 || left&^t.in == 0 || left&t.in == 0 {
			continue
		}
		left &= t.in
		text := fmt.Sprintf("%s (%s)", t.what(), t.in)
		all = append(all, text)
		if t.in&set == 0 {
			alone = append(alone, text)
		}
	}
	if len(alone) == 0 {
		alone = all
	}
	return strings.Join(alone, ", ")
}

// what names the evidence.
func (k kind) what() string {
	switch {
	case k == kindCommand+kind(CmdServer):
		return "SERVER, which goes over TCP only"
	case k < kindForm:
		return Command(k - kindCommand).String()
	case k < kindError:
		return formText[k-kindForm]
	case k < kindStyle:
		return errorClues[k-kindError].what
	case k < kindStream:
		return jsonStyles[k-kindStyle].what
	case k < kindShape:
		return "the stream " + streams[k-kindStream].Name
	}
	s, r := shapeAt(int(k - kindShape))
	return fmt.Sprintf("%s with %d elements", r.title(s), r.elements())
}

// shapeAt is a shape by its place in the table.
func shapeAt(i int) (*Stream, *RowShape) {
	for j := range streams {
		if n := len(streams[j].Shapes); i >= n {
			i -= n
			continue
		}
		return &streams[j], &streams[j].Shapes[i]
	}
	return nil, nil
}
