package profile

import "repltap/wire"

// What a line does to where everybody stands.

func (t *tracker) row(e *entry, c *cursor) {
	g, s := &e.Gist, &e.step
	*s = step{kind: stepRow, cursor: c, connected: e.conn.connected(c), greeted: e.conn.greeted}
	s.hadSeen, s.wasHigh, s.knew, s.from, s.reached = c.writer.seen, c.writer.high, c.known, c.at, c.high
	s.catching = c.owed > 0
	c.floor.come(e.at, c)
	if c.asked.set {
		c.asked.rows++
		c.asked.bytes += int64(len(e.Data))
	}
	if g.Batch {
		c.open++
		return
	}
	s.kind, s.token, s.rows = stepGroup, g.Token, c.open+1
	s.again = c.hasRow && c.row == g.Token
	c.open = 0
	s.knewWorker, s.current = c.standing.known, c.standing.current
	t.anew(e, c)
	t.ahead(e, s)
	c.high = max(c.high, g.Token)
	if !c.known {
		c.high = g.Token
	}
	c.known, c.hasRow, c.at, c.row = true, true, g.Token, g.Token
	if st := c.standing; g.Form == wire.FormRdata3 || s.connected && (!st.known || g.Token > st.current) {
		st.move(c, g.Token)
	}
}

// ahead says whether a token leads, and notes when it came first.
func (t *tracker) ahead(e *entry, s *step) {
	w := s.writer
	s.leads = w.leader == e.conn
	if s.epoch != w.epoch || w.seen && s.token <= w.high {
		return
	}
	s.front, s.leads = true, true
	w.seen, w.high, w.highAt, w.leader = true, s.token, e.at, e.conn
	if s.kind == stepGroup {
		w.topRow = s.token
	}
	w.mark(s.token, e.at)
}

func (t *tracker) position(e *entry, c *cursor) {
	g, s, w := &e.Gist, &e.step, c.writer
	*s = step{kind: stepPosition, cursor: c, token: g.Token, prev: g.Token, connected: e.conn.connected(c), greeted: e.conn.greeted}
	if g.HasPrev {
		s.prev = g.Prev
	}
	s.hadSeen, s.wasHigh, s.knew, s.from, s.reached = w.seen, w.high, c.known, c.at, c.high
	if !c.ready && e.conn.life != nil && e.conn.life.anew() {
		c.standing.known = c.writer.rule.Move == wire.MoveZero
	}
	s.knewWorker, s.current = c.standing.known, c.standing.current
	s.cut, s.cutOf = e.conn.cut(c)
	t.answer(e, c, s)
	// The writer went back if it said more before: on this connection, or before
	// this connection began. Otherwise the connection may only be behind.
	if w.seen && g.Token < w.high && s.epoch == w.epoch &&
		(c.known && g.Token < c.high || !c.known && e.conn.whole && e.conn.opened > e.Time-e.at+w.highAt) ||
		!w.seen && c.known && g.Token < c.high {
		s.reset = true
		w.restart(e, g.Token, max(w.high, c.high))
		w.mark(g.Token, e.at)
	}
	if s.reset || !c.known || g.Token < c.high {
		c.epoch = w.epoch
	}
	t.ahead(e, s)
	c.known, c.ready, c.at, c.high, c.hasRow = true, true, g.Token, g.Token, false
	if s.knewWorker && g.Token > s.current && rowRule.Missed(s.prev, g.Token, s.current) {
		c.standing.fetch(s.current, g.Token)
	}
	c.standing.move(c, g.Token)
	c.below, c.floor = 0, floor{at: e.at}
	e.conn.answers++
}

// answer finds whose REPLICATE a POSITION is about.
func (t *tracker) answer(e *entry, c *cursor, s *step) {
	if e.Gist.Form == wire.FormPosition2 {
		if s.answers = c.owed > 0; s.answers {
			c.owed--
		}
		if s.answers && c.owed == 0 {
			s.asked, c.asked = c.asked, askedFor{}
		}
		return
	}
	own := e.conn.asked
	if own.set && !c.ready {
		s.answers, s.asked = true, own
		s.asked.rows, s.asked.bytes = c.asked.rows, c.asked.bytes
	}
	if c.answered < t.asked && s.prev == s.token && e.at-t.askedAt <= maxAnswerWait {
		c.answered++
		s.announce = !s.answers
	}
}

// replicate is a worker that asks for streams.
func (t *tracker) replicate(e *entry) {
	g, c := &e.Gist, e.conn
	if g.Form == wire.FormReplicateBare {
		t.asked, t.askedAt = t.asked+1, e.at
		if !c.asked.set {
			c.asked, c.joined = askedFor{set: true, at: e.at, seq: e.Seq}, t.asked-1
			for _, k := range c.cursors {
				k.ready, k.asked = false, askedFor{set: true}
			}
		}
		return
	}
	if g.Form != wire.FormReplicateToken || string(g.Stream) == "ALL" {
		return
	}
	k := t.cursor(c, &wire.Gist{Stream: g.Stream})
	if k == nil {
		return
	}
	k.owed++
	k.asked = askedFor{set: true, hasToken: g.HasToken, token: g.Token, at: e.at, seq: e.Seq, head: k.writer.high, hasHead: k.writer.seen}
	k.known, k.hasRow, k.ready, k.open = g.HasToken, false, false, 0
	k.at, k.high, k.floor = g.Token, g.Token, floor{at: e.at}
	if st := k.standing; g.HasToken {
		st.known, st.current = true, g.Token
	}
}

func (t *tracker) close(c *connection) {
	t.cursors -= len(c.cursors)
	for _, k := range c.cursors {
		if k.writer.leader == c {
			k.writer.leader = nil
		}
	}
}

// move is what a row or a POSITION does to where a worker takes itself to be.
func (s *standing) move(c *cursor, token int64) {
	s.moveOne(c.writer, c.epoch, token)
	if s.shares != nil && s.shares.known {
		s.shares.moveOne(c.writer, s.shares.epoch, token)
	}
}

func (s *standing) moveOne(w *writer, epoch, token int64) {
	switch {
	case w.rule.Move == wire.MoveZero:
		s.current = 0
	case w.rule.Move == wire.MoveMax && s.known:
		s.current = max(s.current, token)
	default:
		s.current = token
	}
	if !s.known || epoch > s.epoch && s.current == token {
		s.begin(epoch, token)
	}
	s.known = true
}
