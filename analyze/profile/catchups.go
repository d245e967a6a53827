package profile

import (
	"cmp"
	"slices"

	"repltap/wire"
)

// CatchUpRow is how long a stream took on a connection from REPLICATE to the
// POSITION that answers it.
//
// Up to 1.12 that is the catch-up: the master sends what was missed. From 1.13 on
// the POSITION says where the worker has to be, and it fetches what it lacks
// elsewhere: how long that takes the traffic does not show.
type CatchUpRow struct {
	Place             // of the POSITION; of one that never came, of the connection's end
	Worker    string  `json:"worker" col:"worker"`
	Stream    string  `json:"stream" col:"stream"`
	Instance  string  `json:"instance" col:"instance"`
	How       string  `json:"how" col:"how"` // answered, or why not
	Took      Millis  `json:"took_ms" col:"ms"`
	Connected Millis  `json:"since_connect_ms" col:"since connect"`
	Rows      int64   `json:"rows" col:"rows"` // that came for it in between
	Bytes     int64   `json:"bytes" col:"bytes"`
	Asked     Count   `json:"asked" col:"asked"` // by REPLICATE; later, where the worker had been
	Token     Count   `json:"token" col:"token"`
	Distance  Count   `json:"distance" col:"distance"`             // from what was asked to the last token seen of the stream then, or that of the answer
	Of10k     Percent `json:"of_10000_percent" col:"% of 10000"`   // up to 1.11 the master gives up at so many rows
	Of500k    Percent `json:"of_500000_percent" col:"% of 500000"` // 1.12
}

const maxCatchUps = 1000

// catchUps times the answers to REPLICATE.
type catchUps struct{ rows largest[CatchUpRow] }

func newCatchUps() *catchUps { return &catchUps{largest[CatchUpRow]{limit: maxCatchUps}} }

func (c *catchUps) take(e *entry) {
	s := &e.step
	switch {
	case s.kind == stepPosition && s.answers && s.asked.set:
		took := e.at - s.asked.at
		c.rows.add(took, func() CatchUpRow {
			row := caughtUp(e, s.cursor, &s.asked, s.token, s.knewWorker, s.current)
			row.How, row.Took, row.Token = "answered", Millis(took), Count(s.token)
			return row
		})
	case isClose(e):
		for _, k := range e.conn.cursors {
			if k.asked.set && k.owed > 0 {
				c.rows.add(1<<62, func() CatchUpRow { // the first to be kept
					row := caughtUp(e, k, &k.asked, k.asked.head, false, 0)
					row.How = "connection ended"
					if text := e.conn.sides[0].errorText; text != "" {
						row.How = "ERROR " + text
					}
					return row
				})
			}
		}
	}
}

func caughtUp(e *entry, k *cursor, a *askedFor, token int64, knew bool, current int64) CatchUpRow {
	row := CatchUpRow{Place: e.place(), Worker: e.conn.worker, Stream: k.writer.stream, Instance: k.writer.instance,
		Took: None, Connected: Millis(e.Time - e.conn.opened), Rows: a.rows, Bytes: a.bytes, Asked: None, Token: None, Distance: None, Of10k: None, Of500k: None}
	if !e.conn.whole {
		row.Connected = None
	}
	if k.writer.rule.Move == wire.MoveZero {
		return row
	}
	head := token
	if a.hasHead {
		head = max(a.head, token)
	}
	switch {
	case a.hasToken:
		row.Asked, row.Distance = Count(a.token), Count(max(head-a.token, 0))
		if known := k.writer.known; known == nil || !known.Unlimited {
			row.Of10k, row.Of500k = share(int64(row.Distance), 10_000), share(int64(row.Distance), 500_000)
		}
	case knew:
		row.Asked, row.Distance = Count(current), Count(max(token-current, 0))
	}
	return row
}

func (c *catchUps) finish(p *Profile) {
	p.CatchUps = c.rows.inOrder()
	slices.SortStableFunc(p.CatchUps, func(a, b CatchUpRow) int { return cmp.Compare(a.Seq, b.Seq) })
	c.rows.left(p, "catch_ups")
}
