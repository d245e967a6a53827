package replay

import "bytes"

// What a recorded master did is known without asking anybody for rows: these
// are the live loop's sides that take it as it was. They keep the streams as the
// loop keeps them, so that what workers ask for is answered from the same place.

// Publish sends a row to those the live loop would send it to: everybody or, up
// to 1.12, those who have subscribed; for those who are being caught up it waits.
// Line is RDATA as it is to be sent. A row with batch moves nothing: the token is
// that of a later one.
func (s *Streamer) Publish(t int64, name string, row Row, batch bool, line []byte) {
	if s.has&traitSubscribes != 0 {
		s.sendSubscribed(t, name, []pageRow{{Row: row, batch: batch, line: line}})
	} else {
		s.sendAll(t, line, nil)
	}
	if !batch {
		s.stand(name, row.Token)
	}
	s.forget()
}

// Move says that a stream stands at token, in which there are no rows. From 1.13
// on everybody is sent line; without one nobody hears of it.
func (s *Streamer) Move(t int64, name string, token int64, line []byte) {
	s.stand(name, token)
	if line != nil && s.has&traitSubscribes == 0 {
		s.sendAll(t, line, nil)
		s.forget()
	}
}

func (s *Streamer) stand(name string, token int64) {
	if st := s.stream(name); st != nil {
		st.last, st.upto, st.current = token, token, token
	}
}

// Announce is what a REPLICATE of somebody else makes the master do, from 1.13
// on: everybody is told where all streams stand.
func (s *Streamer) Announce(t int64) {
	if s.has&traitSubscribes != 0 {
		return
	}
	for _, st := range s.streams {
		s.sendAll(t, s.positionLine(st.name, st.current, st.current), nil)
	}
	s.forget()
}

// PositionLine is what the master says of where a stream stands; nil for one
// that it does not publish.
func (s *Streamer) PositionLine(name string) []byte {
	if st := s.stream(name); st != nil {
		return s.positionLine(st.name, st.current, st.current)
	}
	return nil
}

// End closes connection id as a master that stops: with an ERROR, or without a
// word when there is no text.
func (s *Streamer) End(t int64, id int, text string) {
	c := s.conn(id)
	if c == nil {
		return
	}
	if text == "" || c.out.SendError(t, text) != nil {
		c.out.Close(t)
	}
	s.forget()
}

// Cut sends the beginning of a line on connection id, and nothing after it.
func (s *Streamer) Cut(t int64, id int, part []byte) {
	if c := s.conn(id); c != nil {
		c.out.Cut(t, part)
	}
}

// Overflow has the queue of connection id grow until it is too long. The
// commands that overflowed a recorded queue were dropped with it and are in no
// journal: these stand in for them, and are dropped too. What is in the buffer
// is sent, so a connection that is not paused yet is paused with the same
// stand-ins only if whoever drives it does not let them out.
func (s *Streamer) Overflow(t int64, id int) {
	c := s.conn(id)
	if c == nil {
		return
	}
	standIn := append([]byte("PING "), bytes.Repeat([]byte{'0'}, 45)...)
	for c.out.state == StateEstablished || c.out.state == StatePaused {
		if s.failed(c, c.out.Send(t, standIn)) {
			return
		}
	}
	s.forget()
}
