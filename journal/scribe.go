package journal

import (
	"repltap/wire"
)

// Observer hears what a Scribe makes of the traffic, for counters. It is called
// by the goroutine that feeds the Scribe, and keeps nothing it is shown.
type Observer interface {
	Line(at int64, conn uint64, dir wire.Direction, g *wire.Gist, bytes int) // at is its record's time: that of the read which ended it
	Finding(conn uint64, dir wire.Direction, f *wire.Finding, line []byte)
	Untold(conn uint64, dir wire.Direction, code string) // odd too, but there are so many of them that it is no finding
	Worker(conn uint64, name string)                     // the worker said NAME
	Gap(conn uint64, dir wire.Direction, ev *Event)
}

// Scribe turns what was read from connections into records: it splits the bytes
// into lines, has them judged, and appends them. The tap and imports use the
// same. It belongs to one goroutine.
type Scribe struct {
	w     *Writer
	fixed wire.ReleaseSet
	obs   Observer
	conns map[uint64]*conversation
	err   error
	rec   Record

	redactor *wire.Redactor // nil when everything is kept as it is
	buf      []byte         // what it has written over
}

// conversation is what the scribe knows of an open connection.
type conversation struct {
	wire   *wire.Conversation
	last   int64 // time of the last record: it never goes back
	worker string
	sides  [2]side
}

// side is one direction of a connection.
type side struct {
	split    wire.Splitter
	offset   int64      // bytes seen, gaps included
	headless bool       // a gap swallowed the beginning of this line
	long     *wire.Gist // of the over-long line that goes on, nil when there is none
	veil     veil
}

// NewScribe makes a scribe for a journal, which redacts as the journal's Options
// say. fixed are the releases to reckon with; obs may be nil.
func NewScribe(w *Writer, fixed wire.ReleaseSet, obs Observer) *Scribe {
	return &Scribe{w: w, fixed: fixed, obs: obs, conns: map[uint64]*conversation{}, redactor: w.redactor()}
}

// Err is the first error of the journal, which only a closed journal gives: what
// a disk refuses is noted as a gap.
func (s *Scribe) Err() error { return s.err }

func (s *Scribe) conn(id uint64) *conversation {
	c := s.conns[id]
	if c == nil {
		c = &conversation{wire: wire.NewConversation(s.fixed)}
		s.conns[id] = c
	}
	return c
}

func (s *Scribe) append(c *conversation, r *Record) {
	c.last = max(c.last, r.Time)
	r.Time = c.last
	if err := s.w.Append(r); err != nil && s.err == nil {
		s.err = err
	}
}

// Open notes a new connection.
func (s *Scribe) Open(t int64, conn uint64, ev Event) {
	s.append(s.conn(conn), &Record{Time: t, Conn: conn, Kind: KindOpen, Event: &ev})
}

// Event notes what is not bytes: an end of sending, a stall.
func (s *Scribe) Event(t int64, conn uint64, dir wire.Direction, kind Kind, ev Event) {
	c := s.conn(conn)
	if kind == KindGap {
		s.Gap(t, conn, dir, ev)
		return
	}
	if kind == KindEOF {
		s.cutOff(t, conn, dir)
		c.wire.Ended(dir)
	}
	if kind == KindStall || kind == KindResume {
		c.wire.Stalled(dir, kind == KindStall)
	}
	s.append(c, &Record{Time: t, Conn: conn, Dir: dir, Kind: kind, Event: &ev})
}

// cutOff notes that a line which has begun is not going to be finished: a record
// without bytes, so that the fragment has a place of its own in the order.
func (s *Scribe) cutOff(t int64, conn uint64, dir wire.Direction) {
	c := s.conn(conn)
	d := &c.sides[dir-wire.S2C]
	if p, ok := d.split.Flush(); ok {
		s.piece(c, d, &Record{Time: t, Conn: conn, Dir: dir, Kind: KindFragment}, p)
	}
}

// Dialect is what an open connection has been found to speak.
func (s *Scribe) Dialect(conn uint64) string { return s.conn(conn).wire.Candidates().String() }

// Close notes a connection's end, and with it what it spoke.
func (s *Scribe) Close(t int64, conn uint64, ev Event) {
	c := s.conn(conn)
	// What the copiers counted and was never told of is a gap too.
	for i, total := range []*int64{ev.S2C, ev.C2S} {
		dir := wire.S2C + wire.Direction(i)
		if total != nil {
			s.missing(t, conn, dir, *total)
		}
		s.cutOff(t, conn, dir)
	}
	if ev.Dialect == "" {
		ev.Dialect = s.Dialect(conn)
	}
	r := &Record{Time: t, Conn: conn, Kind: KindClose, Event: &ev, Findings: c.wire.End(t)}
	s.tell(r, nil, false)
	s.append(c, r)
	delete(s.conns, conn)
}

// Gap notes bytes of a direction that are not going to be told.
func (s *Scribe) Gap(t int64, conn uint64, dir wire.Direction, ev Event) {
	c := s.conn(conn)
	s.cutOff(t, conn, dir)
	c.wire.Gap(dir)
	d := &c.sides[dir-wire.S2C]
	d.offset += ev.Bytes
	d.headless = ev.MidLine
	d.veil.trail, d.long = wire.Trail{}, nil // an over-long line that was going on may have ended in there
	ev.Offset = nil                          // the writer counts by itself
	if s.obs != nil {
		s.obs.Gap(conn, dir, &ev)
	}
	s.append(c, &Record{Time: t, Conn: conn, Dir: dir, Kind: KindGap, Event: &ev})
}

// missing notes a gap up to offset, if there is one.
func (s *Scribe) missing(t int64, conn uint64, dir wire.Direction, offset int64) {
	if n := offset - s.conn(conn).sides[dir-wire.S2C].offset; n > 0 {
		s.Gap(t, conn, dir, Event{Bytes: n, Lines: -1, From: t, To: t, MidLine: true, Reason: "unknown"})
	}
}

// Chunk takes what one read returned. offset is how many bytes went that way
// before it: a jump is noted as a gap.
func (s *Scribe) Chunk(t int64, conn uint64, dir wire.Direction, offset int64, data []byte) {
	c := s.conn(conn)
	d := &c.sides[dir-wire.S2C]
	if offset != d.offset {
		s.missing(t, conn, dir, offset)
	}
	d.offset += int64(len(data))
	left := len(data)
	for p := range d.split.Split(data) {
		left -= p.New
		r := &s.rec
		*r = Record{Time: t, Conn: conn, Dir: dir, Kind: KindFragment, ReadEnd: left == 0}
		s.piece(c, d, r, p)
	}
}

// piece has a piece judged and appends its new bytes. What is redacted is redacted
// before anything else looks at it, so that neither findings nor counters know
// more than the journal does.
func (s *Scribe) piece(c *conversation, d *side, r *Record, p wire.Piece) {
	whole, kept := p.Kind == wire.PieceLine && !d.headless, true
	if whole {
		r.Kind = KindLine
		r.Gist = wire.GistOf(p.Text)
	}
	if s.redactor != nil {
		p.Text, kept = s.redact(c, d, p, &r.Gist)
	}
	if !d.headless {
		r.Findings = c.wire.Observe(r.Time, r.Dir, p, &r.Gist)
		if !kept {
			withoutEcho(r.Findings)
		} else if r.Gist.Command == wire.CmdName {
			s.named(c, r.Conn)
		}
		s.tell(r, p.Text, whole)
		if s.obs != nil {
			for _, code := range c.wire.Untold() {
				s.obs.Untold(r.Conn, r.Dir, code)
			}
		}
	}
	if p.Kind == wire.PieceFragment && p.Over && !d.headless {
		r.Gist = d.partOf(p.Text)
	}
	if p.Kind != wire.PiecePartial && p.Text[len(p.Text)-1] == '\n' {
		d.headless, d.long = false, nil
	}
	r.Data = p.Text[len(p.Text)-p.New:]
	switch {
	case s.redactor == nil:
	case p.Kind == wire.PiecePartial:
		d.veil.wait(r, p.New)
		return
	case !kept:
		s.hide(c, d, r, p.Text)
		return
	default:
		s.unveil(c, d, r, p.Text)
	}
	if p.Kind == wire.PieceFragment && p.New > 0 && p.Text[len(p.Text)-1] != '\n' {
		s.part(c, r)
	}
	s.append(c, r)
}

// partOf is what a part of an over-long line is about: what its first part says.
func (d *side) partOf(text []byte) wire.Gist {
	if d.long == nil {
		g := wire.GistOf(text)
		g = g.Named()
		d.long = &g
	}
	return *d.long
}

// part appends the bytes of a fragment that ends within an over-long line, and
// leaves r as the record without bytes that says so: to a reader these bytes
// alone could be a line whose newline is still to come. The record is also what
// is left when a line is found to be over-long only by the byte after.
func (s *Scribe) part(c *conversation, r *Record) {
	s.append(c, &Record{Time: r.Time, Conn: r.Conn, Dir: r.Dir, Kind: KindFragment, Data: r.Data})
	r.Data = nil
}

// named notes the name that a worker has given itself.
func (s *Scribe) named(c *conversation, conn uint64) {
	name := c.wire.Worker()
	if name == c.worker {
		return
	}
	c.worker = name
	s.w.Named(conn, name)
	if s.obs != nil {
		s.obs.Worker(conn, name)
	}
}

// tell passes on what a line or fragment was.
func (s *Scribe) tell(r *Record, text []byte, whole bool) {
	if s.obs == nil {
		return
	}
	if whole {
		s.obs.Line(r.Time, r.Conn, r.Dir, &r.Gist, len(text))
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; r.Kind != KindClose || f.Count == 0 { // else each of them was told of
			s.obs.Finding(r.Conn, r.Dir, f, text)
		}
	}
}
