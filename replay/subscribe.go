package replay

import "maps"

// subscription is one REPLICATE of one stream up to 1.12, until it is caught
// up. There may be several of one stream at once; they share the connection's
// marks for it.
type subscription struct {
	conn   *conn
	stream string
}

// subscribe is what REPLICATE does; now stands for NOW. A name that is no
// stream fails once it is known not to be ALL.
func (s *Streamer) subscribe(t int64, c *conn, name string, from int64, now bool) {
	if name == "ALL" {
		for _, st := range s.streams {
			s.subscribeTo(t, c, st.name, from, now)
		}
		return
	}
	s.subscribeTo(t, c, name, from, now)
}

func (s *Streamer) subscribeTo(t int64, c *conn, name string, from int64, now bool) {
	delete(c.subscribed, name)
	c.connecting[name] = true
	sub, st := &subscription{conn: c, stream: name}, s.stream(name)
	switch {
	case st == nil:
		s.subscriptionFailed(t, sub, "Exception('unknown stream %s', "+repr(name)+")")
	case now || from == st.upto:
		s.catchUp(t, sub, nil, st.upto)
	default:
		s.ask(st, from, st.upto, sub)
	}
}

// catchUp sends what a connection missed, every row with its own token, and
// then what came live meanwhile. Upto is fixed since the subscription began: a
// second one of the same stream may have gone further.
func (s *Streamer) catchUp(t int64, sub *subscription, rows []Row, upto int64) {
	if why := s.sendMissed(t, sub, rows, upto); why != "" {
		s.subscriptionFailed(t, sub, why)
		return
	}
	sub.conn.subscribed[sub.stream] = true
	delete(sub.conn.connecting, sub.stream)
	s.forget()
}

// sendMissed gives the exception, as Python's repr, that ended it.
func (s *Streamer) sendMissed(t int64, sub *subscription, rows []Row, upto int64) string {
	for _, row := range rows {
		if err := sub.conn.out.Send(t, s.rowLine(sub.stream, row, false)); err != nil {
			return exception(err)
		}
	}
	if err := sub.conn.out.Send(t, s.positionLine(sub.stream, upto, upto)); err != nil {
		return exception(err)
	}
	waiting := sub.conn.waiting[sub.stream]
	delete(sub.conn.waiting, sub.stream)
	return s.sendWaiting(t, sub, waiting, upto)
}

// sendWaiting sends the rows that are newer than upto. Those of a batch have the
// token of its last row. Up to 0.99.2 a batch was forgotten about, and compared
// what is no number: Python 3 raises.
func (s *Streamer) sendWaiting(t int64, sub *subscription, rows []pageRow, upto int64) string {
	var batch []pageRow
	for _, row := range rows {
		if batch = append(batch, row); row.batch {
			if s.has&traitBatchRaises != 0 {
				return `TypeError("'>' not supported between instances of 'NoneType' and 'int'")`
			}
			continue
		}
		if row.Token > upto {
			for _, r := range batch {
				if err := sub.conn.out.Send(t, s.rowLine(sub.stream, r.Row, false)); err != nil {
					return exception(err)
				}
			}
		}
		batch = batch[:0]
	}
	return ""
}

// subscriptionFailed answers with the exception and closes. An answer that is
// too long to send is only logged, and the connection stays.
func (s *Streamer) subscriptionFailed(t int64, sub *subscription, why string) {
	if err := sub.conn.out.SendError(t, "failed to handle replicate: "+why); err != nil {
		s.Events.add(Event{Kind: EventRowLost, Conn: sub.conn.id, Text: err.Error()})
	}
	delete(sub.conn.connecting, sub.stream)
	s.forget()
}

// sendSubscribed sends rows to those who asked for the stream, connection by
// connection, and keeps them for those who are being caught up.
func (s *Streamer) sendSubscribed(t int64, name string, rows []pageRow) {
	for _, c := range s.conns {
		for _, row := range rows {
			switch {
			case c.subscribed[name]:
				if err := c.out.Send(t, row.line); err != nil {
					s.Events.add(Event{Kind: EventRowLost, Conn: c.id, Line: row.line, Text: err.Error()})
				}
			case c.connecting[name]:
				c.waiting[name] = append(c.waiting[name], row)
			}
		}
	}
}

// exception is Python's repr of an exception with a plain text.
func exception(err error) string { return "Exception(" + repr(err.Error()) + ")" }

// Subscribed lists the streams of a connection up to 1.12: those that are
// caught up, and those that are not yet, in no order.
func (s *Streamer) Subscribed(id int) (caughtUp, connecting []string) {
	c := s.conn(id)
	if c == nil {
		return nil, nil
	}
	for name := range maps.Keys(c.subscribed) {
		caughtUp = append(caughtUp, name)
	}
	for name := range maps.Keys(c.connecting) {
		connecting = append(connecting, name)
	}
	return caughtUp, connecting
}
