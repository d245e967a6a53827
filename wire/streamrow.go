package wire

import "fmt"

// rowOdds is what is odd about the stream and the row of a line that can be read.
type rowOdds struct {
	unknown bool // there is no such stream
	near    *RowShape
	fault   rowFault
}

// oddsOf holds a line's stream (nil if no release has it) and, with a view of it,
// its row against what the releases of set have.
func oddsOf(g *Gist, s *Stream, v *rowView, set ReleaseSet) (o rowOdds) {
	switch {
	case s == nil || s.in&set == 0:
		o.unknown = g.Command != CmdReplicate || string(g.Stream) != "ALL"
	case v != nil:
		o.near, o.fault = s.fits(v, set)
	}
	return o
}

// among are those of set that have the rows which the odd one is nearest to.
func (o *rowOdds) among(set ReleaseSet) ReleaseSet {
	if o.near == nil {
		return set
	}
	return set & o.near.in
}

// does is what receivers of set do with the line for that.
func (o *rowOdds) does(g *Gist, s *Stream, set ReleaseSet) Action {
	switch {
	case o.unknown && g.Command == CmdReplicate:
		return ActError
	case o.unknown && g.Command == CmdPosition:
		return unknownPosition(set)
	case o.unknown, o.fault != rowFits && (s.Name == "federation" && o.fault == rowTag || !takesRow(set.Play(), s, g.Row)):
		return ActLog
	}
	return ActAccept
}

// takesRow reports whether workers of a release take a row in, whatever it is: from
// a text or an object they take as many characters or keys as there are columns.
func takesRow(r Release, s *Stream, row []byte) bool {
	taker := rowTakerOf(r, s)
	row, _ = trimJSON(row)
	_, ok := taker.take(row)
	return ok
}

// unknownPosition is what becomes of a POSITION of a stream that there is not: up
// to 1.12 workers do not look, and from 1.97 on it takes their connection down.
func unknownPosition(set ReleaseSet) Action {
	switch has := followTraitsOf(set.Play()); {
	case has&ftSubscribes != 0:
		return ActAccept
	case has&ftUnknownRaises != 0:
		return ActDrop
	}
	return ActLog
}

// finding says so in words; there is something odd. who names those of set.
func (o *rowOdds) finding(g *Gist, s *Stream, v *rowView, set ReleaseSet, who string) Finding {
	if o.unknown {
		return unknownStream(g, who, o.does(g, s, set))
	}
	f := shapeFinding(s, o.near, o.fault, v, who)
	f.Verdict = o.does(g, s, set).String()
	return f
}

// Take is Judge and, of a line that can be read, whether the release has its
// stream and takes in rows like its row. What depends on the lines before it
// [Conversation] says.
func (r Receiver) Take(dir Direction, piece Piece, p *Parsed) Verdict {
	verdict := r.Judge(dir, piece, p)
	if verdict.Action != ActAccept || dir != NoDirection && piece.Kind != PieceLine {
		return verdict
	}
	g := GistOf(piece.Text)
	if !g.hasStream() {
		return verdict
	}
	s, set := StreamOf(g.Stream), r.Release.Set()
	var view *rowView
	if row, _ := trimJSON(g.Row); g.Row != nil {
		if v := new(rowView); v.scan(row) {
			view = v
		}
	}
	o := oddsOf(&g, s, view, set)
	if o.does(&g, s, set) == ActAccept {
		return verdict
	}
	f := o.finding(&g, s, view, set, "the release")
	return Verdict{Action: o.does(&g, s, set), Reply: f.Reply, Code: f.Code, Detail: f.Detail, plain: f.Plain}
}

// hasStream reports whether the line is about a stream, for sure.
func (g *Gist) hasStream() bool {
	switch g.Command {
	case CmdRdata, CmdPosition:
		return g.Form != FormUnclear
	}
	return g.Form == FormReplicateToken
}

// stream holds the stream and the row of a line against the table. It reports
// whether the receiver has the stream at all.
func (c *Conversation) stream(g *Gist, found []Finding) (all []Finding, known bool) {
	t := c.find(g.Stream)
	var s *Stream
	if t != nil {
		s = t.stream
	}
	var view *rowView
	if g.Row != nil && c.looked {
		view = &c.view
	}
	o := oddsOf(g, s, view, c.judges)
	switch {
	case o.unknown:
		c.does(o.does(g, s, c.judges), CodeUnknownStream)
		if c.again(&c.unknown, CodeUnknownStream) {
			found = append(found, c.unknown.counted(o.finding(g, s, view, c.judges, c.judges.String())))
		}
	case o.fault != rowFits:
		c.does(o.does(g, s, c.judges), CodeRowShape)
		if c.again(&t.shape, CodeRowShape) {
			found = append(found, t.shape.counted(o.finding(g, s, view, c.judges, o.among(c.judges).String())))
		}
	}
	return found, !o.unknown
}

// unknownStream: a name is shown only if it looks like one.
func unknownStream(g *Gist, who string, does Action) Finding {
	name, plain := "that", isStreamLike(g.Stream)
	if plain {
		name = string(g.Stream)
	}
	f := Finding{Code: CodeUnknownStream, Verdict: does.String(), Detail: fmt.Sprintf("%s has no stream %s", who, name)}
	if g.Command == CmdReplicate && plain {
		return f.answered("failed to handle replicate: Exception('unknown stream %s', '" + name + "')")
	}
	return f
}

func isStreamLike(name []byte) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return len(name) > 0 && len(name) <= 40
}
