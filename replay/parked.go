package replay

import (
	"slices"

	"repltap/journal"
	"repltap/wire"
)

// A worker that nothing reaches any more gives its master up, and comes back. What
// was on its way to it is seen on the old connection only when that is let through
// again, or thrown away: long after the new connection has asked. The master had
// sent it long before. So what is seen of a connection that began in between is
// parked until the old one is over; and of several that were given up like that, the
// ends are told together, after what all of them bring.

// parked is what waits.
type parked struct {
	trailing int // connections that their workers have left, and that bring more
	records  []*journal.Record
	bytes    int
	ends     []Act
}

// maxParked bounds the memory of parked records; at more of them they wait no
// longer.
const maxParked = 16 << 20

// park keeps a record for later.
func (k *parked) park(rec *journal.Record) bool {
	if k.bytes > maxParked {
		return false
	}
	own := *rec
	if own.Data = slices.Clone(rec.Data); rec.Kind == journal.KindLine {
		own.Gist = wire.GistOf(own.Data)
	}
	if rec.Event != nil {
		event := *rec.Event
		own.Event = &event
	}
	k.records = append(k.records, &own)
	k.bytes += len(own.Data) + 512
	if k.bytes > maxParked {
		k.trailing = 0
	}
	return true
}

// lasts: a connection of which there is no end is over with its last record.
func (g *reading) lasts(c *readConn, seq uint64) {
	if c.gone && !c.over && seq == c.last {
		g.over(c)
	}
}

// over: a connection has nothing more to bring.
func (g *reading) over(c *readConn) {
	c.over = true
	if c.gone && g.trailing > 0 {
		g.trailing--
	}
}

// catchUp takes in what has waited, as if it were of a number and time: that is when
// its worker saw it happen.
func (g *reading) catchUp(seq uint64, now int64) {
	g.tellEnds(seq, now)
	records := g.records
	g.records, g.bytes = nil, 0
	for _, rec := range records {
		last := rec.Seq
		rec.Seq, rec.Time = seq, now
		if c := g.conns[rec.Conn]; !c.over {
			g.take(c, rec)
			g.lasts(c, last)
		}
	}
	g.tellEnds(seq, now)
}

func (g *reading) tellEnds(seq uint64, now int64) {
	for _, a := range g.ends {
		a.Seq, a.At = seq, now
		g.emit(&a)
	}
	g.ends = g.ends[:0]
}
