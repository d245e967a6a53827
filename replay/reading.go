package replay

import (
	"bytes"
	"slices"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// reading turns the records of the chosen connections into acts: what one master
// did, although it is seen on several connections at once.
//
// From 1.13 on every connection is sent everything, and up to 1.12 what its
// worker subscribed to. So for each stream one connection leads, and what the
// others bring is taken for copies. The next one takes over when it ends, from
// the token that was reached. One that its worker held up, or of which something
// is missing, leads only while there is no better one.
//
// Two readings of the same journal give the same acts. Memory: what is held of
// each connection and stream, and the rows of one batch where the lead changes.
type reading struct {
	subscribes bool   // up to 1.12
	instance   string // whose rows these are, from 1.13
	streams    []string
	emit       func(*Act)

	conns map[uint64]*readConn
	leads map[string]*lead
	quiet []*readConn // on which somebody is to be silent from a time on
	marks marks       // from 1.13
	parked
}

// readConn is a recorded connection while it is read.
type readConn struct {
	*Recorded
	over bool
	seen bool   // a record of it has come
	gone bool   // its worker sent the last it did, and there is more to come from the master
	late bool   // it began while that was so of another
	at   places // how far it has been read
	// From 1.13: how many of its REPLICATE are not answered yet, and which streams
	// the answer that is being given has named.
	asked    int
	answer   map[string]bool
	answered int64 // when it was last added to
	mine     bool  // and whether it is an answer to this connection
	// Up to 1.12: the streams that are being caught up, with the highest token
	// known when that began.
	catching map[string]int64
}

// lead is who leads a stream, and what is known of where that stands.
type lead struct {
	conn    *readConn
	known   bool
	token   int64 // where the stream stands
	high    int64 // the highest token that was seen
	joining bool  // the leader is new, and may repeat what the last one said
	told    int   // how many rows without a token were told of since token
	held    []joined
}

// joined is a row of a batch whose token is not known yet, while joining.
type joined struct {
	act Act
	at  place
}

// maxHeld bounds lead.held: a batch that is longer is let go.
const maxHeld = 100_000

// setPause is how long an answer to REPLICATE takes at most.
const setPause = int64(time.Second)

func newReading(conns []*Recorded, subscribes bool, instance string, emit func(*Act)) *reading {
	g := &reading{subscribes: subscribes, instance: instance, emit: emit, conns: map[uint64]*readConn{}, leads: map[string]*lead{}}
	for _, r := range conns {
		c := &readConn{Recorded: r, at: places{}, catching: map[string]int64{}}
		g.conns[r.Conn] = c
		if r.muteAt != 0 || r.deafAt != 0 {
			g.quiet = append(g.quiet, c)
		}
	}
	if !subscribes {
		g.marks = newMarks(conns)
	}
	return g
}

func (g *reading) record(rec *journal.Record) {
	c := g.conns[rec.Conn]
	if c == nil || c.over {
		return
	}
	if g.trailing == 0 { // too much waits
		g.catchUp(rec.Seq, rec.Time)
	}
	if !c.seen {
		c.seen, c.late = true, g.trailing > 0
	}
	if c.late && g.trailing > 0 && g.park(rec) {
		return
	}
	g.take(c, rec)
	g.lasts(c, rec.Seq)
	if g.trailing == 0 {
		g.catchUp(rec.Seq, rec.Time)
	}
}

// take takes in a record of a connection that is not over.
func (g *reading) take(c *readConn, rec *journal.Record) {
	g.silences(rec.Seq, rec.Time)
	switch {
	case rec.Kind == journal.KindLine && rec.Dir == wire.C2S:
		g.fromWorker(c, rec)
	case rec.Kind == journal.KindLine:
		g.fromMaster(c, rec)
	case rec.Kind == journal.KindStall && rec.Dir == wire.S2C:
		g.tell(Act{Kind: ActStall}, rec)
	case rec.Kind == journal.KindResume && rec.Dir == wire.S2C:
		g.tell(Act{Kind: ActResume}, rec)
	case rec.Kind == journal.KindEOF && rec.Dir == wire.C2S && rec.Event.By == "worker" && c.trails && !c.gone:
		c.gone = true
		g.trailing++
	case rec.Kind == journal.KindClose:
		g.over(c)
		if o := c.overflow; o != nil && o.reset && g.byRecord(c) {
			g.tell(Act{Kind: ActOverflow, Reset: true, Line: o.part}, rec)
		}
		if c.gone {
			g.ends = append(g.ends, Act{Kind: ActEnd, Conn: rec.Conn})
			return
		}
		g.tell(Act{Kind: ActEnd}, rec)
	}
}

func (g *reading) tell(a Act, rec *journal.Record) {
	a.Seq, a.At, a.Conn = rec.Seq, rec.Time, rec.Conn
	g.emit(&a)
}

func (g *reading) fromWorker(c *readConn, rec *journal.Record) {
	if rec.Gist.Command != wire.CmdReplicate {
		return
	}
	if !g.subscribes {
		g.tell(Act{Kind: ActAsk}, rec)
		c.asked++
		return
	}
	for _, name := range g.askedFor(&rec.Gist) {
		g.stood(c, name, rec)
	}
	ask := Act{Kind: ActAsk, Stream: string(rec.Gist.Stream), Token: rec.Gist.Token, Batch: !rec.Gist.HasToken}
	g.tell(ask, rec)
	for _, name := range g.askedFor(&rec.Gist) {
		c.catching[name] = 0
		if l := g.leads[name]; l != nil {
			c.catching[name] = l.high
		}
	}
}

// stood tells, before a stream is asked for up to 1.12, where it stood then, as the
// answer says. What moved it was no row of its own, as when it shares its tokens with
// another, or the master was started anew; rows that others are sent a moment later
// move it by themselves.
func (g *reading) stood(c *readConn, name string, rec *journal.Record) {
	a, l := c.answerTo(name), g.leads[name]
	if a == nil || l == nil || !l.known || a.upto == l.token {
		return
	}
	if a.upto > l.token && a.rows > 0 && a.high > l.token {
		return
	}
	if a.upto < l.token && l.conn != c && !l.conn.over {
		return // rows have overtaken the question
	}
	g.tell(Act{Kind: ActMove, Stream: name, Token: a.upto, Prev: l.token, Answer: true}, rec)
	l.joining = l.joining && a.upto > l.token
	l.token, l.high, l.told, l.held = a.upto, a.upto, 0, nil
}

func (g *reading) askedFor(gist *wire.Gist) []string {
	if name := string(gist.Stream); name != "ALL" {
		return []string{name}
	}
	return g.streams
}

func (g *reading) fromMaster(c *readConn, rec *journal.Record) {
	if o := c.overflow; o != nil && g.byRecord(c) {
		if rec.Seq == o.hold && o.hold != 0 {
			g.tell(Act{Kind: ActHold}, rec)
		}
		if rec.Seq == o.tip && o.tip != 0 {
			g.tell(Act{Kind: ActTip}, rec)
		}
		if rec.Seq == o.end {
			g.tell(Act{Kind: ActOverflow}, rec)
		}
	}
	switch rec.Gist.Command {
	case wire.CmdServer, wire.CmdPing, wire.CmdError:
	case wire.CmdRdata, wire.CmdPosition:
		g.ofStream(c, rec)
	default:
		if l := g.follow("", c, rec.Time); l != nil {
			g.line(rec)
		}
	}
}

// byRecord reports whether an overflow of a connection is told of with its own
// records: if its rows are what is played. With another's it is told of when that
// has come to the same row, see marks.
func (g *reading) byRecord(c *readConn) bool {
	l := g.leads[c.overflow.last.stream]
	return g.subscribes || c.overflow.last.stream == "" || l == nil || l.conn == c
}

func (g *reading) line(rec *journal.Record) {
	g.tell(Act{Kind: ActLine, Line: slices.Clone(bytes.TrimSuffix(rec.Data, newline))}, rec)
}

// ofStream is RDATA and POSITION. What is not of the master itself, or does not
// read as a stream's, is sent as it is.
func (g *reading) ofStream(c *readConn, rec *journal.Record) {
	gist := &rec.Gist
	name := string(gist.Stream)
	l := g.follow(name, c, rec.Time)
	at := c.at.see(gist)
	switch {
	case name == "" || !gist.HasToken && !gist.Batch || !g.subscribes && string(gist.Instance) != g.instance:
		if l != nil {
			g.line(rec)
		}
	case gist.Command == wire.CmdPosition:
		g.position(c, l, name, rec)
	case l == nil:
	default:
		g.row(c, l, name, rec, at.place)
	}
}

// follow gives what is known of a stream if c leads it, nil otherwise. The empty
// name stands for all that is of no stream.
func (g *reading) follow(name string, c *readConn, t int64) *lead {
	l := g.leads[name]
	if l == nil {
		if len(g.leads) > maxStreams {
			return nil
		}
		l = &lead{}
		g.leads[name] = l
		if name != "" {
			g.streams = append(g.streams, name)
		}
	}
	better := l.conn == nil || l.conn.over || l.conn.flawed() && (!c.flawed() || !g.subscribes && c.further(l.conn.Recorded, name))
	switch {
	case l.conn == c:
	case !better || c.flawed() && g.sound(name, t):
		return nil
	default:
		l.joining = l.conn != nil && l.known
		l.conn, l.held = c, nil
	}
	return l
}

// sound reports whether there is at t a connection without flaws that has the
// stream, up to 1.12 or with another writer not all do.
func (g *reading) sound(name string, t int64) bool {
	for _, c := range g.conns {
		if !c.over && !c.flawed() && c.Opened <= t && t <= c.Closed && (name == "" || c.places[name] != nil) {
			return true
		}
	}
	return false
}

func (g *reading) row(c *readConn, l *lead, name string, rec *journal.Record, at place) {
	gist := &rec.Gist
	line := slices.Clone(bytes.TrimSuffix(rec.Data, newline))
	a := Act{
		Kind: ActRow, Seq: rec.Seq, At: rec.Time, Conn: rec.Conn, Stream: name, Token: gist.Token, Batch: gist.Batch,
		Line: line, JSON: line[len(line)-len(gist.Row):],
	}
	if g.subscribes {
		// What is caught up was written before, and may be known.
		high, catching := c.catching[name]
		if catching && l.known && !gist.Batch && gist.Token <= high {
			return
		}
		a.Past = catching
	}
	if l.joining {
		g.join(l, joined{a, at})
		return
	}
	g.wrote(l, &a)
}

// wrote tells of a row. What is caught up says where the stream was, and where it
// stands only if that is known already.
func (g *reading) wrote(l *lead, a *Act) {
	at := spot{a.Stream, place{l.token, l.told}}
	if l.told++; !a.Batch {
		l.told = 0
		if a.Prev = l.token; !l.known {
			a.Prev = a.Token - 1
		}
		l.high = max(l.high, a.Token)
		if l.known || !a.Past {
			l.token, l.known = a.Token, true
		}
	}
	before, after := g.marks.around(at, a.Conn)
	g.tellAll(before, a)
	g.emit(a)
	g.tellAll(after, a)
}

// tellAll tells of what happened at a row, to others than its connection.
func (g *reading) tellAll(acts []Act, row *Act) {
	for _, a := range acts {
		a.Seq, a.At = row.Seq, row.At
		g.emit(&a)
	}
}

// join tells of the rows of a new leader that are newer than the last one's.
func (g *reading) join(l *lead, row joined) {
	if row.act.Batch {
		if l.held = append(l.held, row); len(l.held) > maxHeld {
			l.held = nil
		}
		return
	}
	held := append(l.held, row)
	l.held = nil
	if row.act.Token <= l.token {
		return
	}
	l.joining = false
	reached := place{l.token, l.told}
	for i := range held {
		// The last one may have ended in the middle of this very batch.
		if at := held[i].at; g.subscribes || at.after != reached.after || at.nth >= reached.nth {
			g.wrote(l, &held[i].act)
		}
	}
}

// position is a POSITION. Up to 1.12 it ends a subscription; from 1.13 on it
// answers somebody's REPLICATE, or says that the stream has moved.
func (g *reading) position(c *readConn, l *lead, name string, rec *journal.Record) {
	gist := &rec.Gist
	if g.subscribes {
		delete(c.catching, name)
	}
	moved := gist.HasPrev && gist.Prev != gist.Token
	if !g.subscribes && !moved {
		g.answered(c, l, name, rec)
	}
	if l == nil || l.known && l.token == gist.Token && !moved {
		return
	}
	if l.joining && gist.Token <= l.token && moved {
		return
	}
	a := Act{Kind: ActMove, Stream: name, Token: gist.Token, Prev: l.token, Answer: !g.subscribes && !moved}
	if gist.HasPrev && moved {
		a.Prev = gist.Prev
	}
	if !g.subscribes {
		a.Line = slices.Clone(bytes.TrimSuffix(rec.Data, newline))
	}
	if !l.known && !moved {
		a.Prev = gist.Token
	}
	l.token, l.told, l.known, l.joining, l.held = gist.Token, 0, true, false, nil
	l.high = max(l.high, gist.Token)
	g.tell(a, rec)
}

// answered: POSITION of all streams, one after the other, answers a REPLICATE.
// Each of this connection's own explains one; another is due to a worker that is
// not looked at, or whose connection leads nothing.
func (g *reading) answered(c *readConn, l *lead, name string, rec *journal.Record) {
	if c.answer == nil || c.answer[name] || rec.Time-c.answered > setPause {
		c.answer = map[string]bool{}
		c.mine = c.asked > 0
		if c.mine {
			c.asked--
		} else if l != nil {
			g.tell(Act{Kind: ActAnnounce}, rec)
		}
	}
	c.answer[name], c.answered = true, rec.Time
}
