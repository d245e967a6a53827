package analyze

import (
	"bytes"
	"hash/maphash"
	"strings"

	"repltap/journal"
	"repltap/wire"
)

// An over-long line is compared as the one line that it is, although it comes in
// parts; the beginning of a line at the end of a direction as it is.

// laneFragment is the lane of beginnings of lines, laneLong that of over-long lines
// that are no rows.
const (
	laneFragment = "(fragment)"
	laneLong     = "(over-long)"
)

// lensSide is what a lens remembers of one direction of a connection, for fragments.
type lensSide struct {
	parts    int // of an over-long line that has not ended
	all, row maphash.Hash
	begun    journal.Record // its beginning, or that of a line which never ended
}

// fragment takes in a part of an over-long line, or the beginning of a line.
func (l *lens) fragment(rec *journal.Record) {
	s := l.side(rec)
	if rec.Part == 0 {
		s.begin(rec)
		s.parts = 0
		s.all.Write(l.masked(rec))
		return
	}
	switch rec.Part {
	case 1:
		s.begin(rec)
	case s.parts + 1:
	default: // the parts before it can't be read
		*s = lensSide{}
		return
	}
	s.parts = rec.Part
	s.begun.Seq, s.begun.Time = rec.Seq, rec.Time
	data := l.masked(rec)
	s.all.Write(data)
	if rec.Part == 1 {
		data = data[len(data)-len(rec.Gist.Row):]
	}
	s.row.Write(data)
	if !bytes.HasSuffix(rec.Data, []byte{'\n'}) {
		return
	}
	line := *rec
	line.Data = s.begun.Data
	all, row := s.all.Sum64(), s.row.Sum64()|1
	*s = lensSide{}
	if rec.Gist.Command == wire.CmdRdata && rec.Gist.Form != wire.FormUnclear {
		l.row(&line, row)
	} else {
		l.give(&line, laneLong, nil, &item{sum: all})
	}
}

func (l *lens) side(rec *journal.Record) *lensSide { return &l.conn(rec.Conn).sides[rec.Dir-wire.S2C] }

// begin remembers the record of a beginning, and as much of that as is shown.
func (s *lensSide) begin(rec *journal.Record) {
	*s = lensSide{begun: journal.Record{Seq: rec.Seq, Time: rec.Time, Conn: rec.Conn, Dir: rec.Dir, Worker: rec.Worker,
		Data: bytes.Clone(rec.Data[:min(len(rec.Data), maxText)])}}
	s.all.SetSeed(seed)
	s.row.SetSeed(seed)
}

// cutOff gives the beginning of a line that a direction ended with.
func (l *lens) cutOff(conn uint64, dir wire.Direction) {
	c := l.conns[conn]
	if c == nil || dir == wire.NoDirection {
		return
	}
	s := &c.sides[dir-wire.S2C]
	if s.begun.Seq != 0 {
		rec := s.begun
		l.give(&rec, laneFragment, nil, &item{sum: s.all.Sum64(), flags: itemCut})
	}
	*s = lensSide{}
}

// gap: of a line that a gap took a part of, a run plays nothing.
func (l *lens) gap(rec *journal.Record) {
	if l.played == wire.NoDirection {
		l.cutOff(rec.Conn, rec.Dir)
	} else if rec.Dir != wire.NoDirection {
		*l.side(rec) = lensSide{}
	}
}

// cutting is what the survey finds of beginnings of lines.
type cutting struct {
	at     int64
	stream string
}

// skipsCut says whether the beginning of a line is not compared: in a run where it was
// cut off is the doing of the kernel or of the side that was not played, unless
// that of its recorded connection was played.
func (c *comparer) skipsCut(s *pairState, side int, rec *journal.Record) bool {
	if c.run == nil {
		return false
	}
	a := s.conns[0]
	_, recorded := a.lane(rec.Dir, []byte(laneFragment))
	return side == 1 && recorded == 0 || c.toldWhole(a, rec.Dir)
}

// toldWhole says whether the line whose beginning ended a connection may have come
// whole on another one: a played master then tells all workers the whole line.
func (c *comparer) toldWhole(v *surveyed, dir wire.Direction) bool {
	if ofWorker(c.run) {
		return false
	}
	at := v.cuts[dir-wire.S2C]
	for _, o := range c.surveys[0].order {
		if o != v && o.first <= at.at && at.at <= o.until && (at.stream == "" || o.has(dir, at.stream)) {
			return true
		}
	}
	return false
}

// has says whether a connection has lines of a stream.
func (v *surveyed) has(dir wire.Direction, stream string) bool {
	for name := range v.lanes[dir-wire.S2C] {
		name = strings.TrimPrefix(name, firstPosition)
		if name == stream || strings.HasPrefix(name, stream+"\x00") {
			return true
		}
	}
	return false
}
