package wire

import (
	"bytes"
	"slices"
)

// What a worker does with the commands of one stream, one after the other.

// submit goes through a command, when those before it are done with.
func (f *Follower) submit(s *followed, cmd streamCommand) {
	if s.pending == nil {
		f.run(s, &cmd)
		return
	}
	if !cmd.owned {
		cmd.row, cmd.owned = bytes.Clone(cmd.row), true
	}
	f.held += len(cmd.row) + heldCost
	s.waiting = append(s.waiting, cmd)
}

// drain goes through what has waited, until something has to be waited for.
func (f *Follower) drain(s *followed) {
	for s.pending == nil && s.next < len(s.waiting) {
		cmd := s.waiting[s.next]
		s.waiting[s.next] = streamCommand{}
		s.next++
		f.held -= len(cmd.row) + heldCost
		f.run(s, &cmd)
	}
	if s.next == len(s.waiting) {
		s.waiting, s.next = emptied(s.waiting), 0
	} else if s.next > len(s.waiting)/2 {
		s.waiting, s.next = slices.Delete(s.waiting, 0, s.next), 0
	}
}

func (f *Follower) run(s *followed, cmd *streamCommand) {
	if cmd.command == CmdPosition {
		f.position(s, cmd)
	} else {
		f.rdata(s, cmd)
	}
}

// take looks whether the row fits.
func (f *Follower) take(s *followed, cmd *streamCommand) bool {
	row, ok := s.taker.take(cmd.row)
	if !ok {
		f.discard(s, cmd, ReasonBadRow, 1)
		return false
	}
	cmd.row, cmd.taken = row, true
	return true
}

func (f *Follower) rdata(s *followed, cmd *streamCommand) {
	if !cmd.taken && !f.take(s, cmd) {
		return
	}
	batch := &s.batch
	if f.has&ftSubscribes != 0 {
		batch = cmd.conn.batch(s, cmd.batch)
	}
	current := s.store.current(cmd.instance)
	why := TokenRule{f.has}.Discards(s.on == cmd.conn, cmd.token, current)
	switch {
	case why == ReasonNotConnected:
		f.discard(s, cmd, why, 1)
		return
	case cmd.batch:
		f.hold(s, cmd, batch)
		return
	}
	rows := f.group(batch, cmd.row)
	if why == ReasonOldToken {
		f.discard(s, cmd, why, len(rows)).Current = current
		return
	}
	s.counts.Live += int64(len(rows))
	f.deliver(s, cmd.effect(EffectDeliver, s.name), rows)
}

func (f *Follower) deliver(s *followed, e Effect, rows [][]byte) {
	e.Rows = rows
	f.add(e)
	s.move(e.Instance, e.Token)
	f.acknowledge(s, e.Token, len(rows))
}

// move is what a row or POSITION with the token does to where the worker is.
func (s *followed) move(instance string, token int64) {
	s.store.move(instance, token)
	if s.shares != nil {
		s.shares.store.move(instance, token)
	}
}

// batch is what a connection holds of a stream's batch, up to 1.12.
func (c *followConn) batch(s *followed, begin bool) *heldRows {
	b := c.batches[s]
	if b == nil && begin {
		b = &heldRows{}
		c.batches[s] = b
	}
	return b
}

// hold keeps a row until its batch is complete.
func (f *Follower) hold(s *followed, cmd *streamCommand, b *heldRows) {
	row := cmd.row
	if !cmd.owned {
		row = bytes.Clone(row)
	}
	b.rows = append(b.rows, row)
	b.bytes += len(row) + heldCost
	f.held += len(row) + heldCost
	e := cmd.effect(EffectHold, s.name)
	e.Count = len(b.rows)
	f.add(e)
}

// group is the rows that were held, which are held no more, and one that
// follows them.
func (f *Follower) group(b *heldRows, last []byte) [][]byte {
	begin := len(f.rows)
	if b != nil && len(b.rows) > 0 {
		f.rows = append(f.rows, b.rows...)
		f.held -= b.bytes
		clear(b.rows)
		b.rows, b.bytes = b.rows[:0], 0
	}
	if last != nil {
		f.rows = append(f.rows, last)
	}
	return f.rows[begin:len(f.rows):len(f.rows)]
}

// redundant reports whether a POSITION tells nothing new.
func (f *Follower) redundant(s *followed, cmd *streamCommand) bool {
	return TokenRule{f.has}.Redundant(s.store.rule.Move, s.on == cmd.conn, cmd.token, s.store.current(cmd.instance))
}

func (f *Follower) position(s *followed, cmd *streamCommand) {
	if f.redundant(s, cmd) {
		f.discard(s, cmd, ReasonRedundant, 0).Late = true
		return
	}
	s.on = nil
	if rows := f.group(&s.batch, nil); len(rows) > 0 {
		e := cmd.effect(EffectDropBatch, s.name)
		e.Rows, e.Count = rows, len(rows)
		s.counts.Discarded += int64(len(rows))
		f.add(e)
	}
	current := s.store.current(cmd.instance)
	if !(TokenRule{f.has}).Missed(cmd.prev, cmd.token, current) {
		f.arrive(s, cmd)
		return
	}
	pending := *cmd
	s.pending, s.from = &pending, current
	f.ask(s)
}

// ask fetches what the pending POSITION says was missed. Where there is nothing
// in between it is answered at once.
func (f *Follower) ask(s *followed) {
	e := s.pending.effect(EffectFetch, s.name)
	e.From, e.Query = s.from, s.from != e.Token
	s.counts.Fetches++
	if !e.Query {
		f.add(e)
		f.arrive(s, s.pending)
		return
	}
	f.lastFetch++
	s.fetch, e.Fetch = f.lastFetch, f.lastFetch
	f.fetching = append(f.fetching, s)
	f.add(e)
}

// arrive ends a POSITION: the stream is where it says.
func (f *Follower) arrive(s *followed, cmd *streamCommand) {
	f.add(cmd.effect(EffectPosition, s.name))
	s.counts.Positions++
	s.move(cmd.instance, cmd.token)
	f.acknowledge(s, cmd.token, 0)
	s.on, s.pending = cmd.conn, nil
}

// FetchedRow is a row and its token, as a fetch brings it.
type FetchedRow struct {
	Token int64
	Row   []byte // JSON
}

// Fetched answers a fetch: with rows, and the token that they lead up to. If
// they are not all, for their number is limited, the worker asks again.
func (f *Follower) Fetched(fetch int, rows []FetchedRow, token int64, limited bool) []Effect {
	f.begin()
	s := f.answered(fetch)
	switch {
	case s == nil:
		return f.effects
	case !f.takePage(s, rows):
		f.giveUp(s, ReasonBadFetchedRow)
	case limited:
		s.from = token
		f.ask(s)
	default:
		f.arrive(s, s.pending)
	}
	f.drain(s)
	return f.effects
}

// FetchFailed says that the rows could not be had. The POSITION is given up, so
// that the stream waits for the next one.
func (f *Follower) FetchFailed(fetch int) []Effect {
	f.begin()
	if s := f.answered(fetch); s != nil {
		f.giveUp(s, ReasonFetchFailed)
		f.drain(s)
	}
	return f.effects
}

// answered finds the stream of a fetch, which is no longer under way.
func (f *Follower) answered(fetch int) *followed {
	for i, s := range f.fetching {
		if s.fetch == fetch {
			f.fetching = append(f.fetching[:i], f.fetching[i+1:]...)
			return s
		}
	}
	return nil
}

func (f *Follower) giveUp(s *followed, why Reason) {
	e := s.pending.effect(EffectFailed, s.name)
	e.Why = why
	f.add(e)
	s.counts.Failures++
	s.pending = nil
}

// takePage delivers what was fetched, a token's rows at a time, up to those
// with one that does not fit.
func (f *Follower) takePage(s *followed, page []FetchedRow) bool {
	for i := 0; i < len(page); {
		begin, token := len(f.rows), page[i].Token
		for ; i < len(page) && page[i].Token == token; i++ {
			row, ok := s.taker.take(bytes.Trim(page[i].Row, jsonBlanks))
			if !ok {
				return false
			}
			f.rows = append(f.rows, row)
		}
		rows := f.rows[begin:len(f.rows):len(f.rows)]
		s.counts.Fetched += int64(len(rows))
		f.deliver(s, Effect{Kind: EffectDeliver, Command: CmdPosition, Fetched: true, Conn: s.pending.conn.id,
			Stream: s.name, Instance: s.pending.instance, Token: token}, rows)
	}
	return true
}
