package replay

import (
	"bytes"
	"slices"

	"repltap/journal"
	"repltap/wire"
)

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
