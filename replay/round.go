package replay

import "strconv"

// round is the loop that tells connections what was written, stream by stream.
// There is one at a time; what comes up meanwhile makes it begin again.
type round struct {
	walking  bool
	again    bool
	announce bool // from 1.97: the next round begins with POSITION of every stream
	at       int  // the stream it has come to
}

// pageRow is a row as the live loop sends it.
type pageRow struct {
	Row
	batch bool   // it shares its token with the next one
	line  []byte // made once, for all connections
}

// Poke is the notifier's: something may have been written. Without connections
// the streams just move.
func (s *Streamer) Poke(t int64) {
	if len(s.conns) == 0 {
		for _, st := range s.streams {
			st.last, st.upto = st.current, st.current
		}
		return
	}
	if s.has&traitSubscribes == 0 && !s.round.announce && !s.news() {
		return
	}
	s.round.again = true
	if !s.round.walking {
		s.round.walking = true
		s.beginRound(t)
		s.walk(t)
	}
}

func (s *Streamer) news() bool {
	for _, st := range s.streams {
		if st.last != st.current {
			return true
		}
	}
	return false
}

func (s *Streamer) beginRound(t int64) {
	s.round.again, s.round.at = false, 0
	if s.round.announce {
		s.round.announce = false
		for _, st := range s.streams {
			s.sendAll(t, s.positionLine(st.name, st.last, st.last), nil)
		}
	}
	if s.has&traitSubscribes != 0 {
		s.look()
	}
}

// look is how a round begins up to 1.12: what is written later is the next
// round's.
func (s *Streamer) look() {
	for _, st := range s.streams {
		st.upto = st.current
	}
}

// walk goes on until rows have to be waited for, or the loop ends.
func (s *Streamer) walk(t int64) {
	for s.round.walking {
		if s.round.at == len(s.streams) {
			if s.round.walking = s.round.again; s.round.walking {
				s.beginRound(t)
			}
			continue
		}
		st := s.streams[s.round.at]
		s.round.at++
		if s.visit(t, st) {
			return
		}
	}
}

// visit reports whether it has to wait.
func (s *Streamer) visit(t int64, st *stream) bool {
	target := st.current
	if s.has&traitSubscribes != 0 {
		target = st.upto
	}
	if st.last == target {
		return false
	}
	if s.has&traitLooksFirst != 0 && st.last > target {
		s.live(t, &question{stream: st, Fetch: Fetch{From: st.last, Upto: target}}, Page{Upto: target})
		return false
	}
	s.ask(st, st.last, target, nil)
	return true
}

// live sends what the loop got for a stream.
func (s *Streamer) live(t int64, q *question, page Page) {
	st, upto := q.stream, q.Upto
	if s.has&traitSubscribes == 0 {
		upto = page.Upto
		s.round.again = s.round.again || page.Limited
	}
	st.last = upto
	rows := page.Rows
	switch {
	case s.has&traitSubscribes != 0:
		s.sendSubscribed(t, st.name, s.batched(st.name, rows))
	case len(rows) > 0:
		for _, row := range s.batched(st.name, rows) {
			s.sendAll(t, row.line, nil)
		}
		if last := rows[len(rows)-1].Token; last < upto && s.has&traitRestAnnounced != 0 {
			s.sendAll(t, s.positionLine(st.name, last, upto), nil)
		}
	case s.has&traitEmptyAll != 0, s.has&traitEmptyEvents != 0 && st.name == "events":
		s.sendAll(t, s.positionLine(st.name, q.From, upto), nil)
	}
	s.forget()
}

func (s *Streamer) roundFailed(why string) {
	s.round.walking = false
	s.Events.add(Event{Kind: EventRoundFailed, Text: why})
}

// batched marks the rows that share their token with the next one.
func (s *Streamer) batched(name string, rows []Row) []pageRow {
	out := make([]pageRow, len(rows))
	for i, row := range rows {
		batch := i+1 < len(rows) && rows[i+1].Token == row.Token
		out[i] = pageRow{Row: row, batch: batch, line: s.rowLine(name, row, batch)}
	}
	return out
}

// sendAll sends a line to every connection but one. What one of them can't
// take is lost for that one alone.
func (s *Streamer) sendAll(t int64, line []byte, but *conn) {
	for _, c := range s.conns {
		if c == but {
			continue
		}
		if err := c.out.Send(t, line); err != nil {
			s.Events.add(Event{Kind: EventRowLost, Conn: c.id, Line: line, Text: err.Error()})
		}
	}
}

func (s *Streamer) rowLine(name string, row Row, batch bool) []byte {
	line := make([]byte, 0, len("RDATA  batch ")+len(name)+len(s.prefix)+20+len(row.JSON))
	line = append(append(append(append(line, "RDATA "...), name...), ' '), s.prefix...)
	if batch {
		line = append(line, "batch"...)
	} else {
		line = strconv.AppendInt(line, row.Token, 10)
	}
	return append(append(line, ' '), row.JSON...)
}

func (s *Streamer) positionLine(name string, prev, token int64) []byte {
	line := append([]byte("POSITION "+name+" "), s.prefix...)
	if s.has&traitPositionPrev != 0 {
		line = append(strconv.AppendInt(line, prev, 10), ' ')
	}
	return strconv.AppendInt(line, token, 10)
}
