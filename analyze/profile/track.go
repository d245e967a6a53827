package profile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"repltap/journal"
	"repltap/wire"
)

// Where everybody stands in the streams. A writer is one instance in one stream,
// as all connections together show it. A cursor is where one connection stands
// in it; a standing is where a worker does, whatever its connection. They are
// kept once, and what a line did to them is shown to all collectors as a step.

// Limits of what is followed. What is beyond is in the counts of lines only.
const (
	maxWriters     = 1024
	maxWriterName  = 255
	maxCursorsEach = 256 // of a connection
	maxCursors     = 100_000
	maxStandings   = 20_000
	maxAnswerWait  = int64(30e9) // a POSITION that comes later answers no REPLICATE
	maxMarks       = 1024        // of a writer
	maxMarked      = 64          // writers with that many marks; others have few
	fewMarks       = 64
)

// writer is one instance in one stream.
type writer struct {
	stream, instance string
	known            *wire.Stream // nil when no release has the stream
	rule             wire.StreamRule
	index            int

	seen    bool
	topRow  int64       // the highest token of a row, since then; None without one
	high    int64       // the most advanced token that any connection got, since the last reset
	highAt  int64       // when it came
	leader  *connection // on which it came, while that is open
	epoch   int64       // how often its tokens began anew
	fell    fall        // when they did last
	marks   []mark      // when tokens came first, older ones less densely
	marking int         // how many marks there may be
	groups  int64       // of rows, each once
}

// mark says that nobody had a token after the mark before, up to this one,
// before at.
type mark struct{ token, at int64 }

// cursor is one connection in one writer.
type cursor struct {
	writer   *writer
	standing *standing
	known    bool
	ready    bool  // a POSITION came on this connection
	at, high int64 // the last token, and the highest since the last POSITION
	row      int64 // the token of the last row
	hasRow   bool
	open     int64 // rows that wait for their token
	epoch    int64
	below    int     // rows one after the other that rise again below what came before
	suspect  suspect // the first of them
	floor    floor

	answered int64 // REPLICATEs of anybody whose POSITION came
	owed     int   // POSITIONs for the connection's own REPLICATE, up to 1.12
	asked    askedFor
	heard    heard // what the connection got last
}

// askedFor is a REPLICATE with a stream, up to 1.12, or the one without.
type askedFor struct {
	set, hasToken bool
	token         int64
	at            int64 // nanoseconds since the journal's start
	seq           uint64
	head          int64 // the last token that anybody had seen then
	hasHead       bool
	rows, bytes   int64 // that came since
}

// standing is where a worker is in a writer's tokens, as those from 1.16 on
// reckon: what they have is what came over any of their connections.
type standing struct {
	worker  string
	apart   Count
	known   bool
	current int64
	lag     *lagCount
	shares  *standing // in the stream that has the same counter, if any
	uptake
}

// What a step was.
const (
	noStep       = iota
	stepRow      // a row that waits for its token
	stepGroup    // a row with a token, and all that waited for it
	stepPosition // a POSITION
)

// step is what a line did to the tokens. The fields say how it was before.
type step struct {
	kind        int
	*cursor     // as it is now
	token, prev int64
	rows        int64 // of the group that the row ends
	cut         int64 // rows that a POSITION makes receivers forget
	cutOf       *writer

	hadSeen           bool // the writer was known
	wasHigh           int64
	knew              bool // the connection had been told
	from, reached     int64
	front             bool // nobody had been that far
	leads             bool // it came where the most advanced token came
	again             bool // the same token as the row before
	reset             bool
	anew              bool // it shows that a generation began, with the row before it
	greeted           bool // the connection was read from its beginning
	catching          bool // rows that REPLICATE asked for, up to 1.12
	knewWorker        bool
	current           int64
	connected         bool // a POSITION had come on this connection
	answers, announce bool
	asked             askedFor
}

// tracker finds and moves all of them.
type tracker struct {
	streams   map[string][]*writer
	writers   []*writer
	cursors   int // that are open
	standings map[standingKey]*standing
	asked     int64 // REPLICATEs without a stream, of all connections
	askedAt   int64
	untracked int64                  // rows and POSITIONs beyond the limits
	conns     map[uint64]*connection // those that are open
	lasting   []*connection          // those, at the end
	subjects  *subjects
	start     int64
	known     map[string]*role  // by worker
	ids       map[string]string // the last instance id of each worker
	met       map[string]bool   // workers that had a connection
}

type standingKey struct {
	worker string
	writer int
}

func newTracker(conns map[uint64]*connection, s *subjects, start int64) *tracker {
	return &tracker{streams: map[string][]*writer{}, standings: map[standingKey]*standing{}, known: map[string]*role{}, ids: map[string]string{}, met: map[string]bool{}, conns: conns, subjects: s, start: start}
}

// placeOf is a place on a connection.
func (t *tracker) placeOf(seq uint64, c *connection, at int64) Place {
	return Place{Seq: seq, Conn: c.id, At: At(at), Time: Time(t.start + at)}
}

// end is the time of the last record, since the journal's start.
func (p *Profile) end() int64 { return int64(p.Journal.Last) - int64(p.Journal.Start) }

// open are the connections that are open at the end, in order.
func (t *tracker) open() []*connection {
	if t.lasting == nil {
		t.lasting = slices.SortedFunc(maps.Values(t.conns), func(a, b *connection) int { return cmp.Compare(a.id, b.id) })
	}
	return t.lasting
}

// collectors are those that look at steps.
func (t *tracker) collectors() []collector {
	return []collector{
		newTokens(), newPositions(t), newLags(t), &acks{by: map[string]*ackCount{}}, newCatchUps(),
		newListener(t), newStalls(t), newEndings(t), newQuiet(t), newSilence(t), newDiscards(),
	}
}

func (t *tracker) finish(p *Profile) {
	if t.untracked > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("The tokens of %d lines are not followed: there are too many streams, instances or connections.", t.untracked))
	}
}

// track moves what the entry moves.
func (t *tracker) track(e *entry) {
	if e.line() {
		t.roles(e)
		e.conn.greet(e)
	}
	switch g := &e.Gist; {
	case e.Kind == journal.KindClose:
		t.close(e.conn)
	case e.Kind == journal.KindGap:
		e.conn.blind()
	case e.Kind == journal.KindResume && e.Dir == wire.S2C && e.conn != nil:
		for _, k := range e.conn.cursors {
			k.floor.at = e.at
		}
	case !e.line():
	case g.Command == wire.CmdRdata && e.Dir == wire.S2C && (g.Batch || g.HasToken):
		if c := t.cursor(e.conn, g); c != nil {
			t.row(e, c)
		}
	case g.Command == wire.CmdPosition && e.Dir == wire.S2C && g.HasToken:
		if c := t.cursor(e.conn, g); c != nil {
			t.position(e, c)
		}
	case g.Command == wire.CmdReplicate && e.Dir == wire.C2S:
		t.replicate(e)
	}
}

// cursor finds where a connection stands in the stream and instance of a line.
func (t *tracker) cursor(c *connection, g *wire.Gist) *cursor {
	if r := c.cursor; r != nil && string(g.Stream) == r.writer.stream && string(g.Instance) == r.writer.instance {
		return r
	}
	w := t.writer(g)
	if w == nil {
		t.untracked++
		return nil
	}
	for _, k := range c.cursors {
		if k.writer == w {
			c.cursor = k
			return k
		}
	}
	if len(c.cursors) >= maxCursorsEach || t.cursors >= maxCursors {
		t.untracked++
		return nil
	}
	t.cursors++
	k := &cursor{writer: w, standing: t.standing(c, w), epoch: w.epoch, answered: c.joined}
	if w.known != nil && w.known.SharesWith != "" {
		for _, other := range c.cursors {
			if other.writer.stream == w.known.SharesWith && other.writer.instance == w.instance {
				k.standing.shares, other.standing.shares = other.standing, k.standing
			}
		}
	}
	c.cursors = append(c.cursors, k)
	c.cursor = k
	return k
}

func (t *tracker) writer(g *wire.Gist) *writer {
	for _, w := range t.streams[string(g.Stream)] {
		if string(g.Instance) == w.instance {
			return w
		}
	}
	if len(t.writers) >= maxWriters || len(g.Stream) > maxWriterName || len(g.Instance) > maxWriterName {
		return nil
	}
	w := &writer{stream: string(g.Stream), instance: string(g.Instance), known: wire.StreamOf(g.Stream), index: len(t.writers), marking: fewMarks, topRow: None}
	if len(t.writers) < maxMarked {
		w.marking = maxMarks
	}
	release := ruleRelease
	if g.Instance == nil {
		release = oldRuleRelease
	}
	w.rule = wire.StreamRuleOf(release, w.stream)
	t.writers = append(t.writers, w)
	t.streams[w.stream] = append(t.streams[w.stream], w)
	return w
}

// The releases whose way to keep tokens is taken for the standing of workers;
// it is the same in all from 1.16 on, and in all up to 1.12.
var ruleRelease, oldRuleRelease = wire.MustRelease("1.66.0"), wire.MustRelease("1.12.4")

// standing is that of the connection's worker; one without a name begins anew
// with each connection.
func (t *tracker) standing(c *connection, w *writer) *standing {
	key := standingKey{c.key, w.index}
	if s := t.standings[key]; s != nil && c.key != "" {
		return s
	}
	s := &standing{worker: c.worker, apart: c.apart}
	if w.rule.Move == wire.MoveZero {
		s.known = true
	}
	if c.key != "" && len(t.standings) < maxStandings {
		t.standings[key] = s
	}
	return s
}
