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
	cuts  []*readConn // that end in the middle of a line
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
	long     longLine
	mine     bool // and whether it is an answer to this connection
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
		if r.fragments[wire.S2C].cut != nil {
			g.cuts = append(g.cuts, c)
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
	g.cutOff(rec)
	switch {
	case rec.Kind == journal.KindLine && rec.Dir == wire.C2S:
		g.fromWorker(c, rec)
	case rec.Kind == journal.KindLine:
		g.fromMaster(c, rec)
	case rec.Kind == journal.KindFragment && rec.Dir == wire.S2C && rec.Part > 0:
		if line, _ := c.long.take(rec); line != nil {
			g.fromMaster(c, line)
		}
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

// cutOff tells of the beginnings of lines that were sent before a record and never
// went on.
func (g *reading) cutOff(rec *journal.Record) {
	g.cuts = slices.DeleteFunc(g.cuts, func(c *readConn) bool {
		begun := c.fragments[wire.S2C].cut
		if !begun.due(rec) {
			return false
		}
		g.emit(&Act{Kind: ActCut, Seq: begun.seq, At: begun.at, Conn: c.Conn, Line: begun.data})
		return true
	})
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
