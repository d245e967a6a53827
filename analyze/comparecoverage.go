package analyze

import (
	"fmt"
	"slices"

	"repltap/journal"
	"repltap/wire"
)

// Coverage is how much of the recorded journal took place in a run, or is in
// another recording: Recorded is Played and LeftOut together. Lines are those of
// the side that was played, of both between recordings; PING is not counted. That
// they took place does not say that they are the same. The beginning of a line that
// never went on is no line here; whether it came again counts for the verdict.
type Coverage struct {
	Recorded Extent    `json:"recorded"`
	Played   Extent    `json:"played"`
	LeftOut  []LeftOut `json:"left_out"`
	// Untaken is on how many connections a run can't know whether the worker had taken
	// all that it was sent when the run ended them: it said nothing afterwards.
	Untaken int `json:"untaken"`

	missingWorkers int // that a run waited for, and that did not come
}

// Extent is so many connections and lines.
type Extent struct {
	Connections int   `json:"connections"`
	Lines       int64 `json:"lines"`
}

// LeftOut is what did not take place for one reason. Connections are those of which
// nothing did; Lines are also of others.
type LeftOut struct {
	Why    string `json:"why"`
	Detail string `json:"detail,omitempty"`
	Extent
}

// Why something recorded is left out of a comparison. A run has more to say: see
// journal.LeftOut.
const (
	leftFilter   = "filter"      // it was not chosen
	leftUnasked  = "not asked"   // the worker of the run did not ask for it
	leftUnplayed = "not matched" // no connection of the other journal is the same worker's
	leftMissing  = "missing"     // the other journal lacks it, and does not say why
	leftMute     = "no answer"   // the other side never said a word on the connection
	leftPending  = "not reached" // the run ended before
	leftRedacted = "redacted"    // the recorded journal has it not, as it could hold a secret
	leftGap      = "gap"         // the recorded journal has it not
)

// extents counts the lines of one direction of a connection, for its coverage.
type extents struct {
	any     int64 // of any kind
	counted int64 // but PING
	wanted  int64 // of these, what the filter lets be compared
	hidden  int64 // that redaction left out
	lost    int64 // in gaps
}

// count counts a record. wanted says that the filter lets it be compared.
func (e *extents) count(rec *journal.Record, wanted bool) {
	switch {
	case rec.Kind == journal.KindGap && rec.Event.Reason == journal.ReasonRedacted:
		e.hidden += max(rec.Event.Lines, 0)
	case rec.Kind == journal.KindGap:
		e.lost += max(rec.Event.Lines, 0)
	case rec.Kind != journal.KindLine && rec.Part != 1: // an over-long line is one, whatever its parts
	case rec.Gist.Command == wire.CmdPing:
		e.any++
	default:
		e.any, e.counted = e.any+1, e.counted+1
		if wanted {
			e.wanted++
		}
	}
}

// covers says whether a direction counts for the coverage.
func (c *comparer) covers(dir int) bool {
	return c.run == nil || playedSide(c.run) == wire.S2C+wire.Direction(dir)
}

// sum adds up what counts of both directions.
func (c *comparer) sum(of func(dir int) int64) (n int64) {
	for dir := range 2 {
		if c.covers(dir) {
			n += of(dir)
		}
	}
	return n
}

func (c *comparer) wanted(v *surveyed) int64 {
	return c.sum(func(dir int) int64 { return v.extents[dir].wanted })
}

// cover tells how much of the recorded journal took place.
func (c *comparer) cover(pairs []*pairing) error {
	out := &c.out.Coverage
	total, err := c.total()
	if err != nil {
		return err
	}
	rest := total
	byConn := map[*surveyed][]*pairing{}
	for _, p := range slices.Concat(pairs, c.absentees) {
		v := p.conns[0]
		if v == nil {
			continue
		}
		if byConn[v] == nil {
			rest.Connections--
			rest.Lines -= c.wanted(v)
			total.Lines += c.sum(func(dir int) int64 { return v.extents[dir].hidden + v.extents[dir].lost })
		}
		byConn[v] = append(byConn[v], p)
	}
	for _, v := range c.surveys[0].order {
		if list := byConn[v]; list != nil {
			c.coverConn(v, list)
		}
	}
	out.Recorded = total
	if c.run != nil {
		out.Untaken = len(c.run.Untaken)
	}
	out.leave(leftFilter, "", rest)
	return nil
}

// coverConn tells how much of one recorded connection took place, on those that it
// is compared with: of several, where most did.
func (c *comparer) coverConn(v *surveyed, list []*pairing) {
	out := &c.out.Coverage
	all, least := c.wanted(v), int64(-1)
	var best *pairing
	for _, p := range list {
		n := c.sum(func(dir int) int64 { return p.missing[dir] + p.skipped[dir] })
		if p.conns[1] != nil && !c.mute(p) && (best == nil || n < least) {
			best, least = p, n
		}
	}
	out.leave(leftRedacted, "", Extent{Lines: c.sum(func(dir int) int64 { return v.extents[dir].hidden })})
	out.leave(leftGap, "", Extent{Lines: c.sum(func(dir int) int64 { return v.extents[dir].lost })})
	if best == nil {
		otherwise := leftUnplayed
		if list[0].conns[1] != nil {
			otherwise = leftMute
		}
		why, detail := c.whyLeft(v, otherwise)
		out.leave(why, detail, Extent{1, all})
		return
	}
	skipped := min(all, c.sum(func(dir int) int64 { return best.skipped[dir] }))
	missing := min(all-skipped, least-skipped)
	why, detail := c.whyLeft(v, leftMissing)
	out.leave(leftUnasked, "", Extent{Lines: skipped})
	out.leave(why, detail, Extent{Lines: missing})
	out.Played.Connections++
	out.Played.Lines += all - skipped - missing
}

// whyLeft is why a recorded connection, or its end, did not take place.
func (c *comparer) whyLeft(v *surveyed, otherwise string) (why, detail string) {
	if l := c.reason(v.id); l != nil {
		return l.Why, l.Detail
	}
	if c.run != nil && !c.run.Complete {
		return leftPending, ""
	}
	return otherwise, ""
}

func (o *Coverage) leave(why, detail string, n Extent) {
	if n == (Extent{}) {
		return
	}
	i := slices.IndexFunc(o.LeftOut, func(l LeftOut) bool { return l.Why == why && l.Detail == detail })
	if i < 0 {
		i, o.LeftOut = len(o.LeftOut), append(o.LeftOut, LeftOut{Why: why, Detail: detail})
	}
	l := &o.LeftOut[i]
	l.Connections, l.Lines = l.Connections+n.Connections, l.Lines+n.Lines
}

// Text is the coverage in lines for people: what took place, and what was left out.
func (o *Coverage) Text(run bool) []string {
	verb := "compared"
	if run {
		verb = "played"
	}
	out := []string{fmt.Sprintf("coverage: %s %s of %s on %s of %s", verb, digits(o.Played.Lines), grouped(o.Recorded.Lines, "line"),
		digits(int64(o.Played.Connections)), grouped(int64(o.Recorded.Connections), "connection"))}
	for _, l := range o.LeftOut {
		text := "  left out: " + grouped(l.Lines, "line")
		if l.Connections > 0 {
			text += " on " + grouped(int64(l.Connections), "connection")
		}
		text += ": " + l.Why
		if l.Detail != "" {
			text += " (" + l.Detail + ")"
		}
		out = append(out, text)
	}
	if o.Untaken > 0 {
		out = append(out, "  not known: whether the worker had taken the last lines when the replay ended "+grouped(int64(o.Untaken), "connection")+"; it said nothing after them")
	}
	return out
}

// mute says whether a master never said a word on a connection that a run made to
// it, on which the recorded one spoke: it may not even have taken it.
func (c *comparer) mute(p *pairing) bool {
	a, b := p.conns[0], p.conns[1]
	return c.run != nil && ofWorker(c.run) && a != nil && b != nil && a.extents[0].any > 0 && b.extents[0].any == 0
}

// unanswered counts such connections.
func (c *comparer) unanswered(pairs []*pairing) (n int) {
	for _, p := range pairs {
		if c.mute(p) {
			n++
		}
	}
	return n
}

// total is all that is in the recorded journal, whether it is chosen or not.
func (c *comparer) total() (Extent, error) {
	f := c.filter(0)
	if !f.From.Set && !f.To.Set && len(f.Conns)+len(f.Workers) == 0 {
		n := Extent{Connections: len(c.surveys[0].order)}
		for _, v := range c.surveys[0].order {
			n.Lines += c.sum(func(dir int) int64 { return v.extents[dir].counted })
		}
		return n, nil
	}
	var n [2]extents
	conns := map[uint64]bool{}
	var failed error
	for rec := range c.read(0, journal.Filter{}, func(err error) {
		if c.ctx.Err() != nil || !journal.IsPartial(err) {
			failed = err // a part that can't be read is told where it is compared
		}
	}) {
		if rec.Conn == 0 {
			continue
		}
		conns[rec.Conn] = true
		if rec.Dir != wire.NoDirection {
			n[rec.Dir-wire.S2C].count(rec, true)
		}
	}
	return Extent{len(conns), c.sum(func(dir int) int64 { return n[dir].counted })}, failed
}
