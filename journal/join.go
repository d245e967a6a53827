package journal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"repltap/wire"
)

// joiner makes lines of the pieces that are stored, with the same splitter that
// the receivers' rules are in, so a line is the same however it was read or
// written. It holds at most one unfinished line for each direction of the
// connections that are open.
type joiner struct {
	halves  map[flowKey]*half
	last    map[uint64]*int64 // time of the last record of a connection
	workers map[uint64]string
	recent  *half
	rec     Record
}

// half is one direction of one connection.
type half struct {
	conn     uint64
	dir      wire.Direction
	split    wire.Splitter
	begun    bool           // something was read of it
	clean    bool           // what comes next begins a line
	headless bool           // the line that goes on has lost its beginning
	parts    int            // of the over-long line that goes on: how many are dealt with
	long     wire.Gist      // what such a line is about
	found    []wire.Finding // of bytes that are held
	offset   int64          // bytes that went this way so far
	seq      uint64         // of the last piece
	time     int64
	last     *int64 // time of the connection's last record
}

func newJoiner() *joiner {
	return &joiner{halves: map[flowKey]*half{}, last: map[uint64]*int64{}, workers: map[uint64]string{}}
}

// block prepares for the entries of a block: where bytes are missing before it,
// what was held of a line is no part of what comes.
func (j *joiner) block(h *blockHeader, yield func(*Record) bool) bool {
	for i := range h.flows {
		f := &h.flows[i]
		if f.dir == wire.NoDirection {
			continue
		}
		s := j.half(f.conn, f.dir)
		if s.begun && s.offset != f.start {
			if !j.cutOff(s, yield) {
				return false
			}
			s.begun = false
		}
		s.offset = f.start
	}
	return true
}

func (j *joiner) half(conn uint64, dir wire.Direction) *half {
	if s := j.recent; s != nil && s.conn == conn && s.dir == dir {
		return s
	}
	k := flowKey{conn, dir}
	s := j.halves[k]
	if s == nil {
		s = &half{conn: conn, dir: dir, clean: true, last: j.lastOf(conn)}
		j.halves[k] = s
	}
	j.recent = s
	return s
}

func (j *joiner) lastOf(conn uint64) *int64 {
	t := j.last[conn]
	if t == nil {
		t = new(int64)
		j.last[conn] = t
	}
	return t
}

// cutOff gives what is held of a line whose rest never comes, in case no entry
// said so: the journal was cut off too, or something before it is missing.
func (j *joiner) cutOff(s *half, yield func(*Record) bool) bool {
	p, ok := s.split.Flush()
	j.rec = Record{Seq: s.seq, Time: max(s.time, *s.last), Conn: s.conn, Dir: s.dir, Kind: KindFragment, Data: p.Text, Headless: s.headless,
		LastByte: s.time, Worker: j.workers[s.conn], Findings: s.found}
	if ok {
		s.part(&j.rec, s.parts > 0)
		s.found = nil
	}
	s.clean, s.headless, s.parts = true, false, 0
	return !ok || yield(&j.rec)
}

// finish gives what is held at the end of the journal.
func (j *joiner) finish(yield func(*Record) bool) bool {
	held := slices.SortedFunc(maps.Values(j.halves), func(a, b *half) int { return cmp.Compare(a.seq, b.seq) })
	for _, s := range held {
		if !j.cutOff(s, yield) {
			return false
		}
	}
	return true
}

// entry gives the records that an entry completes; false when yield did not want
// more.
func (j *joiner) entry(e *entry, yield func(*Record) bool) bool {
	if e.kind != KindNone {
		return j.event(e, yield)
	}
	s := j.half(e.conn, e.dir)
	if !s.begun {
		s.begun, s.headless, s.parts, s.clean = true, e.midLine, 0, !e.midLine
	}
	n := len(e.data)
	if n == 0 {
		return j.fragment(s, e, yield)
	}
	s.seq, s.time = e.seq, e.time
	s.offset += int64(n)
	if s.clean && n > 0 && n <= wire.MaxLine+1 && bytes.IndexByte(e.data, '\n') == n-1 {
		return yield(j.line(s, e, KindLine, e.data, true))
	}
	left := n
	for p := range s.split.Split(e.data) {
		left -= p.New
		if p.Kind == wire.PiecePartial {
			s.clean = false
			if e.note != nil {
				s.found = append(s.found, findings(e)...)
			}
			break
		}
		kind := KindLine
		if p.Kind != wire.PieceLine || s.headless || s.parts > 0 {
			kind = KindFragment
		}
		r := j.line(s, e, kind, p.Text, left == 0)
		r.Headless = s.headless
		s.part(r, p.Over || s.parts > 0)
		if s.clean = p.Text[len(p.Text)-1] == '\n'; s.clean {
			s.headless, s.parts = false, 0
		}
		if !yield(r) {
			return false
		}
	}
	return true
}

// fragment gives what is held when an entry without bytes says that it is no
// line. Its time is that of its last byte, unless the connection has gone on
// since. If it was as long as a line may be, what follows is its rest.
func (j *joiner) fragment(s *half, e *entry, yield func(*Record) bool) bool {
	p, ok := s.split.Flush()
	if !ok {
		return true
	}
	t := max(s.time, *s.last)
	r := j.line(s, e, KindFragment, p.Text, true)
	r.Headless, r.Time, r.LastByte, *s.last = s.headless, t, s.time, t
	s.part(r, s.parts > 0 || len(p.Text) == wire.MaxLine)
	s.clean = false
	return yield(r)
}

// part numbers a fragment of an over-long line. What a line is about whose
// beginning is missing nobody knows.
func (s *half) part(r *Record, long bool) {
	if !long || s.headless {
		return
	}
	if s.parts++; s.parts == 1 {
		r.Gist = wire.GistOf(r.Data)
		s.long = r.Gist.Named()
	} else {
		r.Gist = s.long
	}
	r.Part = s.parts
}

// line makes the record of a line or fragment. Findings and the read's end
// belong to the last one of an entry.
func (j *joiner) line(s *half, e *entry, kind Kind, data []byte, last bool) *Record {
	j.rec = Record{Seq: e.seq, Time: e.time, Conn: e.conn, Dir: e.dir, Kind: kind, Data: data, Worker: j.workers[e.conn]}
	*s.last = e.time
	if kind == KindLine {
		j.rec.Gist = wire.GistOf(data)
		if j.rec.Gist.Command == wire.CmdName && e.dir == wire.C2S {
			j.workers[e.conn] = string(bytes.TrimSpace(data[len("NAME"):]))
			j.rec.Worker = j.workers[e.conn]
		}
	}
	if last {
		j.rec.ReadEnd = e.readEnd
		if e.note != nil || s.found != nil {
			j.rec.Findings = append(s.found, findings(e)...)
			s.found = nil
		}
	}
	return &j.rec
}

// findings reads an entry's note. Only what a checksum has vouched for comes
// here; what is no JSON all the same is not worth the line.
func findings(e *entry) (found []wire.Finding) {
	if e.note != nil {
		_ = json.Unmarshal(e.note, &found)
	}
	return found
}

func (j *joiner) event(e *entry, yield func(*Record) bool) bool {
	ev := &Event{}
	_ = json.Unmarshal(e.note, ev) // as in findings
	ended := func(dir wire.Direction) bool {
		s := j.halves[flowKey{e.conn, dir}]
		return s == nil || j.cutOff(s, yield)
	}
	switch e.kind {
	case KindClose:
		if !ended(wire.S2C) || !ended(wire.C2S) {
			return false
		}
		delete(j.halves, flowKey{e.conn, wire.S2C})
		delete(j.halves, flowKey{e.conn, wire.C2S})
		j.recent = nil
	case KindEOF:
		if !ended(e.dir) {
			return false
		}
	case KindGap:
		s := j.half(e.conn, e.dir)
		if ev.Offset == nil || *ev.Offset >= s.offset {
			if !ended(e.dir) {
				return false
			}
			s.begun = false
			s.offset += ev.Bytes
		}
	}
	j.rec = Record{Seq: e.seq, Time: e.time, Conn: e.conn, Dir: e.dir, Kind: e.kind, Worker: j.workers[e.conn], Event: ev, Findings: ev.Findings}
	ev.Findings = nil
	*j.lastOf(e.conn) = e.time
	if e.kind == KindClose {
		delete(j.last, e.conn)
	}
	return yield(&j.rec)
}
