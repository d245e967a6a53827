package analyze

import (
	"hash/maphash"
	"slices"

	"repltap/journal"
	"repltap/wire"
)

// lens makes items of one journal's records, the same ones at each reading.
type lens struct {
	filter journal.Filter // on commands, streams, instances and direction
	mask   *wire.Redactor
	played wire.Direction // of a run: what came from the journal; else none
	ranged bool           // connections may have begun before what is read
	begun  []string       // streams that begin in the middle of a group, which was not played

	noServer, rebased bool
	rename            map[string]string // instances, in the recorded journal

	conns map[uint64]*lensConn
	hash  maphash.Hash
	name  []byte
	buf   []byte
	yield func(rec *journal.Record, name []byte, it *item)
	aside func(rec *journal.Record) // of what is counted and not compared; may be nil
}

// lensConn is what a lens remembers of a connection that is open.
type lensConn struct {
	lanes [2]map[string]*stand
	sides [2]lensSide
	over  bool // in a run: who was played has said ERROR, and reads no more
}

// stand is where a lane's stream stands, in a run.
type stand struct {
	known, first bool
	token        int64
	beyond       bool   // rows came after the first POSITION that it had not said
	held         []item // rows of a batch, up to 1.12
	record       journal.Record
}

func (c *comparer) lens(side int) *lens {
	l := &lens{filter: c.opts.Filter, conns: map[uint64]*lensConn{}}
	l.ranged = c.filter(side).From.Set
	if c.mask != wire.RedactNone {
		l.mask = wire.NewMask(c.mask)
	}
	if c.run == nil {
		return l
	}
	l.played, l.noServer, l.rebased = playedSide(c.run), c.run.ServerName != "", c.run.Rebased
	l.ranged = c.filter(0).From.Set
	if side == 0 {
		l.rename, l.begun = c.run.Rename, c.run.Begun
	}
	if len(c.run.Streams) > 0 && len(l.filter.Streams) == 0 {
		l.filter.Streams = c.run.Streams
	}
	return l
}

// joined says whether connections of a run may have begun before what was replayed:
// those that play them begin with a greeting and questions of their own.
func (l *lens) joined() bool { return l.ranged && l.played != wire.NoDirection }

// conn is what is remembered of a connection.
func (l *lens) conn(id uint64) *lensConn {
	c := l.conns[id]
	if c == nil {
		c = &lensConn{}
		l.conns[id] = c
	}
	return c
}

// take makes items of a record and gives them to yield. Data of items is valid
// until the next call.
func (l *lens) take(rec *journal.Record) {
	switch {
	case rec.Kind == journal.KindClose:
		l.close(rec.Conn)
		return
	case rec.Kind == journal.KindEOF:
		l.cutOff(rec.Conn, rec.Dir)
		return
	case rec.Kind == journal.KindGap:
		l.gap(rec)
	}
	switch {
	case rec.Kind == journal.KindGap && rec.Event.Reason == journal.ReasonRedacted && l.played == wire.NoDirection && rec.Dir != wire.NoDirection && l.wanted(rec):
		l.blank(rec)
	case rec.Data == nil || rec.Headless || rec.Dir == wire.NoDirection, !l.wanted(rec):
	case rec.Kind == journal.KindFragment:
		if l.played == wire.NoDirection || l.played == rec.Dir {
			l.fragment(rec)
		}
	case rec.Kind == journal.KindLine:
		l.line(rec)
	}
}

// wanted says whether the filter lets a line be compared. What is no line of a
// stream is left out when it asks for streams.
func (l *lens) wanted(rec *journal.Record) bool {
	f := &l.filter
	return (f.Dir == wire.NoDirection || f.Dir == rec.Dir) &&
		(len(f.Commands) == 0 || slices.Contains(f.Commands, string(rec.Gist.Name))) &&
		(len(f.Streams) == 0 || slices.Contains(f.Streams, string(rec.Gist.Stream))) &&
		(len(f.Instances) == 0 || slices.Contains(f.Instances, l.instance(&rec.Gist)))
}

// instance is the writer that a line names, as the other journal calls it.
func (l *lens) instance(g *wire.Gist) string {
	if to, ok := l.rename[string(g.Instance)]; ok {
		return to
	}
	return string(g.Instance)
}

func (l *lens) line(rec *journal.Record) {
	g := &rec.Gist
	switch {
	case g.Command == wire.CmdPing:
		return
	case l.played != wire.NoDirection && l.played != rec.Dir:
		l.answer(rec)
		return
	}
	switch g.Command {
	case wire.CmdError:
		l.conn(rec.Conn).over = true
		l.whole(rec, "ERROR")
	case wire.CmdServer:
		if !l.noServer && !l.joined() {
			l.whole(rec, "SERVER")
		}
	case wire.CmdName:
		if l.played == wire.NoDirection {
			l.whole(rec, "NAME")
		}
	case wire.CmdRdata:
		l.rdata(rec)
	case wire.CmdPosition:
		l.position(rec)
	case wire.CmdReplicate:
		l.replicate(rec)
	case wire.CmdUserSync, wire.CmdClearUserSync, wire.CmdUserSyncKeepalive, wire.CmdUserIP:
		l.volatile(rec)
	case wire.CmdFederationAck:
		l.ack(rec)
	case wire.CmdUnknown:
		l.whole(rec, "(unknown)")
	default:
		l.whole(rec, g.Command.String())
	}
}

// answer is a line of the side that was not played from the journal.
func (l *lens) answer(rec *journal.Record) {
	switch g := &rec.Gist; {
	case g.Command == wire.CmdError && !l.conn(rec.Conn).over:
		l.whole(rec, "ERROR")
	case g.Command == wire.CmdReplicate && rec.Dir == wire.C2S:
		l.replicate(rec)
	case g.Command == wire.CmdPosition && rec.Dir == wire.S2C:
		if s := l.stand(rec); s != nil && !s.first && !l.joined() {
			s.first = true
			l.give(rec, "POSITION ", g.Stream, &item{})
		}
	case g.Command == wire.CmdName || g.Command == wire.CmdServer:
	case l.aside != nil:
		l.aside(rec)
	}
}

// stand finds where the lane of a stream stands; nil between recordings, where
// that makes no difference, and for a lane too many.
func (l *lens) stand(rec *journal.Record) *stand {
	if l.played == wire.NoDirection {
		return nil
	}
	lanes := &l.conn(rec.Conn).lanes[rec.Dir-wire.S2C]
	if *lanes == nil {
		*lanes = map[string]*stand{}
	}
	l.laneName("", rec.Gist.Stream, l.instance(&rec.Gist))
	s := (*lanes)[string(l.name)]
	if s == nil && len(*lanes) < maxLanes {
		s = &stand{}
		(*lanes)[string(l.name)] = s
	}
	return s
}

func (l *lens) laneName(prefix string, stream []byte, instance string) {
	l.name = append(append(l.name[:0], prefix...), stream...)
	if instance != "" {
		l.name = append(append(l.name, 0), instance...)
	}
}

// give gives an item of a lane that is named by a prefix, the stream and, for
// lines that are about one, the writer.
func (l *lens) give(rec *journal.Record, prefix string, stream []byte, it *item) {
	it.seq, it.time, it.text = rec.Seq, rec.Time, rec.Data
	instance := ""
	if stream != nil && rec.Gist.Command != wire.CmdReplicate {
		instance = l.instance(&rec.Gist)
	}
	l.laneName(prefix, stream, instance)
	l.yield(rec, l.name, it)
}
