package wire

import "bytes"

// Conversation follows one connection: what its sides speak, which tokens its
// streams are at, and what is odd about it. It is pure: no clock, no goroutine.
// What it remembers is bounded, whatever the traffic says.
type Conversation struct {
	fixed    ReleaseSet
	detector Detector
	fits     ReleaseSet // what Releases gives, as of so many
	changes  uint32     // of the detector
	judges   ReleaseSet // who may receive the line at hand
	speakers DialectSet // and what these speak
	verdict  Verdict    // on that line
	worker   string
	peers    [C2S + 1]peer // by who sends
	now      int64         // the latest time heard of
	ledger
	pairing
	view   rowView // of the line's row
	looked bool    // and that it is

	unknown often                // lines about streams that nobody has
	lenient [numLeniencies]often // lines that receivers bear with
	untold  []string
	parsed  Parsed
}

// peer is what is remembered of one sender.
type peer struct {
	known   bool // its first bytes were looked at, and are no other protocol's
	foreign bool // it speaks another protocol: nothing more to say about it
	over    bool // inside an over-long line

	heard  bool  // a line of it was seen
	ended  bool  // it is not going to say more
	pinged bool  // it sent PING, so it is timed out
	told   bool  // that it is silent
	last   int64 // when it was heard last, or when the connection began

	held    bool // what it says is held up, since its reader takes nothing
	unheard bool // and was, since it was heard last
}

// NewConversation follows a connection whose ends are of one of fixed; AllReleases
// (or the empty set) means that it has to be found out.
func NewConversation(fixed ReleaseSet) *Conversation {
	if fixed &= AllReleases; fixed == 0 {
		fixed = AllReleases
	}
	return &Conversation{fixed: fixed, fits: fixed}
}

// Releases is what the ends may be: those of the given releases that fit what was
// seen. It is empty when what was seen contradicts itself or them. Where those
// that are given speak a single dialect, that stays, whatever is seen.
func (c *Conversation) Releases() ReleaseSet {
	if c.changes == c.detector.changes {
		return c.fits
	}
	c.changes = c.detector.changes
	switch found := c.detector.Releases(); {
	case c.fixed == AllReleases:
		c.fits = found
	case c.fixed.Dialects().Len() == 1:
		c.fits = c.detector.within(c.fixed, true)
	default:
		c.fits = c.fixed & found
	}
	return c.fits
}

// Candidates is the set of the dialects that these releases speak.
func (c *Conversation) Candidates() DialectSet { return c.Releases().Dialects() }

// Conflict says in words what was contradictory; "" when nothing was.
func (c *Conversation) Conflict() string { return c.detector.Conflict() }

// Worker is what the worker last called itself with NAME, "" before.
func (c *Conversation) Worker() string { return c.worker }

// receivers is the set by which a line going dir is judged: what the ends may be
// or, when that is contradictory, what its receiver may be.
func (c *Conversation) receivers(dir Direction) ReleaseSet {
	if set := c.Releases(); set != 0 {
		return set
	}
	set := c.fixed & c.detector.Side(C2S+S2C-dir)
	if c.apart { // that is all there is to say about it, or the line that said so was a stray
		return set | c.fixed&c.detector.Side(dir)
	}
	if both := set & c.detector.Side(dir); both != 0 {
		return both
	}
	if set != 0 {
		return set
	}
	return c.fixed
}

// judgedBy says who may receive the line at hand.
func (c *Conversation) judgedBy(set ReleaseSet) {
	if set != c.judges {
		c.judges, c.speakers = set, set.Dialects()
	}
}

// Observe takes in a line or fragment that was sent in direction dir at t (Unix
// nanoseconds), in order of arrival, and says what is odd about it; nil nearly
// always. g is the gist of a line and may be nil. A PiecePartial may be shown
// too: it helps to recognise a peer that speaks something else and sends no
// newline.
//
// Some findings are about what came before or did not come: they are told with
// the line at which that shows. The Reply of a finding echoes the line as a
// receiver does, so it is to be treated like the line.
func (c *Conversation) Observe(t int64, dir Direction, piece Piece, g *Gist) []Finding {
	c.untold, c.verdict = c.untold[:0], Verdict{}
	if dir > C2S {
		return nil
	}
	c.tick(t)
	p := &c.peers[dir]
	if !p.known && !p.foreign {
		if f := c.sniff(p, dir, piece); f != nil {
			return f
		}
	}
	if p.foreign {
		if c.fixed != AllReleases && piece.Kind != PiecePartial {
			c.judgedBy(c.receivers(dir))
			c.verdict = c.judges.receiver(c.speakers.Last()).Judge(dir, piece, &c.parsed)
		}
		return nil
	}
	if piece.Kind != PieceLine {
		return c.fragment(p, dir, piece)
	}
	p.over = false // the end of an over-long line may be in a gap
	if g == nil {
		gist := GistOf(piece.Text)
		g = &gist
	}
	return c.line(p, dir, piece, g)
}

// tick moves the time on. It is the same for all there is before the first one.
func (c *Conversation) tick(t int64) {
	if c.now == 0 {
		for i := range c.peers {
			c.peers[i].last = t
		}
	}
	c.now = max(c.now, t)
}

func (c *Conversation) line(p *peer, dir Direction, piece Piece, g *Gist) []Finding {
	found := p.hear(dir, c.now, nil)
	if dir != NoDirection {
		found = c.peers[C2S+S2C-dir].silent(C2S+S2C-dir, c.now, found)
	}
	// That there is a command which nobody can have sent says nothing of releases.
	c.judgedBy(c.receivers(dir))
	heard := g.Form != FormPlain || allowedIn[dir][g.Command]&c.speakers != 0
	heard = heard && c.detector.hear(dir, piece.Text, g)
	c.judgedBy(c.receivers(dir))
	set, faults := c.speakers, len(found)
	c.looked = g.Row != nil && c.view.scan(g.Row)
	read := c.clean(dir, piece.Text, g, set)
	if !read {
		found, read = c.judge(dir, piece, g, found)
		row, _ := trimJSON(g.Row)
		c.looked = c.looked || g.Row != nil && c.view.scan(row)
	}
	if read && g.Form != FormUnclear {
		found = c.meaning(p, dir, piece.Text, g, set, found)
	} else if g.Stream != nil && dir == S2C {
		c.refused(g)
	}
	if heard {
		c.learn(dir, g)
	}
	return c.pair(dir, piece.Text, g, len(found) > faults, found)
}

// learn has the detector learn from the row, after it was held against what the
// rows before it say: what is odd about it is odd by these.
func (c *Conversation) learn(dir Direction, g *Gist) {
	var s *Stream
	switch {
	case g.Stream == nil:
		return
	case c.last != nil && string(g.Stream) == c.last.stream.Name:
		s = c.last.stream
	default:
		s = StreamOf(g.Stream)
	}
	if c.looked {
		c.detector.learn(dir, g, s, &c.view)
	} else {
		c.detector.learn(dir, g, s, nil)
	}
}

// Verdict is what receivers do with the line that Observe was last shown, also
// where there are so many such lines that no finding says so. Its Detail is that of
// the finding with its Code, if there is one.
func (c *Conversation) Verdict() Verdict { return c.verdict }

// does notes what receivers do with the line at hand for the reason that code is.
func (c *Conversation) does(a Action, code string) {
	if a > c.verdict.Action {
		c.verdict = Verdict{Action: a, Code: code}
	}
}

// Gap says that some of what went dir was not shown: what follows is not held
// against what came before.
func (c *Conversation) Gap(dir Direction) {
	if dir > C2S {
		return
	}
	p := &c.peers[dir]
	p.known, p.over, p.told, p.last, p.unheard = true, false, false, c.now, true
	c.forget()
}

// Stalled says that what goes dir is held up from now on, since its reader takes
// nothing, or not any longer: a sender may have said what was not heard.
func (c *Conversation) Stalled(dir Direction, held bool) {
	if dir <= C2S {
		p := &c.peers[dir]
		p.held, p.unheard = held, p.unheard || held
	}
}

// Ended says that nothing more will come from the sender of dir.
func (c *Conversation) Ended(dir Direction) {
	if dir <= C2S {
		c.peers[dir].ended = true
	}
}

// End says what is odd about the connection as a whole, now that it ended at t.
func (c *Conversation) End(t int64) []Finding {
	c.tick(t)
	var found []Finding
	for dir := S2C; dir <= C2S; dir++ {
		if p := &c.peers[dir]; p.heard {
			found = p.silent(dir, c.now, found)
		}
	}
	if c.apart && !c.toldPair && c.cause != CmdFederationAck && c.cause != CmdUserSync {
		found = append(found, c.misfit())
	}
	return c.leftUntold(append(found, c.openAtEnd()...))
}

// sniff looks at the first bytes of a peer, again and again until there is a
// line or fragment.
func (c *Conversation) sniff(p *peer, dir Direction, piece Piece) []Finding {
	p.known = piece.Kind != PiecePartial
	cmd := CommandOf(piece.Text)
	if p.known && (dir == S2C && cmd != CmdServer || dir == NoDirection) {
		c.blind = true // the beginning was not shown
	}
	if cmd != CmdUnknown {
		return nil
	}
	what, ok := Sniff(piece.Text)
	if !ok && p.known && isBinary(piece.Text) {
		what, ok = noText, true
	}
	if !ok {
		return nil
	}
	p.foreign = true
	f := Finding{Code: CodeNotReplication, Detail: what}
	if p.known {
		c.judgedBy(c.receivers(dir))
		if judged, _ := c.judge(dir, piece, &Gist{}, nil); len(judged) > 0 {
			f.Verdict, f.Reply, f.Plain = judged[0].Verdict, judged[0].Reply, judged[0].Plain
		}
	}
	return []Finding{f}
}

// fragment reports an over-long line once, at its first fragment.
func (c *Conversation) fragment(p *peer, dir Direction, piece Piece) []Finding {
	if piece.Kind == PiecePartial || !piece.Over {
		return nil
	}
	again := p.over
	p.over = piece.Text[len(piece.Text)-1] != '\n'
	if again {
		return nil
	}
	c.judgedBy(c.receivers(dir))
	found, _ := c.judge(dir, piece, &Gist{}, nil)
	return found
}

// meaning takes in a line that its receiver reads.
func (c *Conversation) meaning(p *peer, dir Direction, line []byte, g *Gist, set DialectSet, found []Finding) []Finding {
	switch g.Command {
	case CmdRdata:
		var known bool
		if found, known = c.stream(g, found); known {
			found = c.rdata(g, set, found)
		}
	case CmdPosition:
		var known bool
		if found, known = c.stream(g, found); known {
			found = c.position(g, set, found)
		}
	case CmdReplicate:
		if g.Form == FormReplicateToken && set&formIn[FormReplicateToken] != 0 {
			found, _ = c.stream(g, found)
			found = c.replicate(g, found)
		}
	case CmdPing:
		p.pinged = true
		if dir == S2C {
			found = c.between(nil, found)
		}
	case CmdName:
		c.name(line)
	case CmdServer, CmdError, CmdRemoteServerUp:
		found = c.names(p, dir, line, g, found)
	}
	return found
}

func (c *Conversation) name(line []byte) {
	_, name, _ := cut(trimNewline(line))
	name = bytes.TrimSuffix(name, []byte{'\r'})
	if string(name) != c.worker {
		c.worker = string(name)
	}
}
