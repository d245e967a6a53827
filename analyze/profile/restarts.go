package profile

import "repltap/wire"

// The tokens of a writer have generations: its counter begins anew with its
// process where it is kept in memory, and never where it is in the database,
// unless something is wrong there. A POSITION says so, or rows that come below
// what came before.

// generationOf is the number of the generation after so many restarts.
func generationOf(restarts int64) Count {
	if restarts == 0 {
		return None
	}
	return Count(restarts + 1)
}

// fall is a place where the tokens of a writer began anew.
type fall struct {
	from, to int64 // the highest token of the generation before, and the first of this one
	row      int64 // the highest token of a row of the generation before
	place    Place
}

// suspect is a row that may be the first of a generation.
type suspect struct {
	token      int64
	place      Place
	row        *DiscardRow // in which it was counted as thrown away, if it was
	rows, lost int64
}

// restart begins a generation of the writer's tokens.
func (w *writer) restart(e *entry, to, from int64) {
	w.fell = fall{from: from, to: to, row: w.topRow, place: e.place()}
	w.epoch++
	w.high, w.highAt, w.leader, w.marks, w.topRow = to, e.at, e.conn, w.marks[:0], None
}

// anew finds the row with which a generation begins that no POSITION announced,
// and the connections that get there later. One row alone that is lower than the
// one before may be out of its order; of a counter in memory it is a new one.
func (t *tracker) anew(e *entry, c *cursor) {
	w, token := c.writer, e.Gist.Token
	switch {
	case !c.known || token > c.high || w.known == nil || !w.known.Ordered(e.conn.dialects(&e.Gist)) && !c.floor.above(token, w.known):
		c.below = 0
		return
	case c.below > 0 && token > c.row:
		c.below++
	case c.hasRow && token < c.row, !c.hasRow && c.below == 0 && token < c.high/2:
		c.below, c.suspect = 1, suspect{token: token, place: e.place()}
	}
	if c.below == 0 || c.below == 1 && w.known.Tokens&wire.TokensInMemory == 0 {
		return
	}
	if c.epoch == w.epoch && c.high >= w.high {
		w.restart(e, token-1, w.high)
		w.fell.to, w.fell.place = c.suspect.token, c.suspect.place
	}
	e.step.anew = true
	c.epoch, c.high, c.below = w.epoch, token, 0
}

// A floor is the highest token that a connection was sent before its last pause.
// Where rows come in no order within what is sent at once, those after a pause are
// still above it.
type floor struct {
	set   bool
	token int64
	at    int64 // when a row came last, or what begins anew
}

// burstOver is how long a pause is after which rows are not of what was sent before.
const burstOver = int64(5e9)

// come notes that a row comes.
func (f *floor) come(at int64, c *cursor) {
	if c.known && at-f.at >= burstOver {
		f.set, f.token = true, c.high
	}
	f.at = at
}

// above says that a token is lower than what was sent at once could have it.
func (f *floor) above(token int64, stream *wire.Stream) bool {
	return f.set && token <= f.token && stream.Tokens&wire.TokensUnordered == 0
}

// dialects is what the connection may speak, as far as that is known.
func (c *connection) dialects(g *wire.Gist) wire.DialectSet {
	if c.speak != nil {
		if set := c.speak.Candidates(); set != 0 {
			return set
		}
	}
	return g.Form.Dialects()
}

// greet notes whether what the master says is read from its beginning.
func (c *connection) greet(e *entry) {
	if e.Dir == wire.S2C && !c.heard {
		c.heard, c.greeted = true, e.Gist.Command == wire.CmdServer
	}
}

// blind is for when something was not read: where the worker stands then is not
// known before the next POSITION.
func (c *connection) blind() {
	if c == nil {
		return
	}
	c.heard, c.greeted = true, false
	for _, k := range c.cursors {
		k.standing.known = k.writer.rule.Move == wire.MoveZero
		k.open, k.floor = 0, floor{at: k.floor.at}
	}
}

// connected says that a POSITION of the cursor's stream came on the connection,
// whichever side sent it: that is when a worker takes in rows.
func (c *connection) connected(k *cursor) bool {
	if k.ready || len(c.cursors) < 2 {
		return k.ready
	}
	for _, other := range c.cursors {
		if other.ready && other.writer.stream == k.writer.stream {
			return true
		}
	}
	return false
}

// cut is how many rows of the stream wait for their token, which a POSITION of
// any of its writers makes receivers forget, and whose the last of them are.
func (c *connection) cut(k *cursor) (rows int64, of *writer) {
	for _, other := range c.cursors {
		if other.open > 0 && other.writer.stream == k.writer.stream {
			rows, of, other.open = rows+other.open, other.writer, 0
		}
	}
	return rows, of
}
