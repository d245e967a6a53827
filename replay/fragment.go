package replay

import (
	"slices"

	"repltap/journal"
	"repltap/wire"
)

// A journal has what is no line of the protocol as fragments. Three kinds of them
// are played: over-long lines, each as the one line that it is, and the beginning
// of a line at the end of a direction, as it is. A line of which a gap took a part is
// not: what is left of it would go together with what follows to a line that was
// never sent.

// maxLong bounds an over-long line that is played. In real traffic such a line is a
// row that names each of a room's members.
const maxLong = 8 << 20

// longLine puts an over-long line together from its parts.
type longLine struct {
	data  []byte
	parts int
	at    int64 // of the last part
	seq   uint64
	over  bool // it is longer than maxLong
}

// take takes in a fragment. Done says that the line is over; its record is nil if
// it is too long to be played, or its beginning is missing.
func (l *longLine) take(rec *journal.Record) (line *journal.Record, done bool) {
	if rec.Part != l.parts+1 || rec.Headless {
		*l = longLine{}
		return nil, false
	}
	l.parts++
	if l.over = l.over || len(l.data)+len(rec.Data) > maxLong; l.over {
		l.data = nil
	} else {
		l.data = append(l.data, rec.Data...)
	}
	l.at, l.seq = rec.Arrived(), rec.Seq
	if rec.Data[len(rec.Data)-1] != '\n' {
		return nil, false
	}
	if !l.over {
		whole := *rec
		whole.Kind, whole.Part, whole.Data, whole.Gist = journal.KindLine, 0, l.data, wire.GistOf(l.data)
		line = &whole
	}
	*l = longLine{}
	return line, true
}

// cut is the beginning of a line that a direction ended with. It is recorded when
// that is known, and was sent at.
type cut struct {
	at   int64
	seq  uint64
	data []byte
}

// due reports whether it was sent before a record, or is that of the fragment itself.
func (c *cut) due(rec *journal.Record) bool {
	return c != nil && (rec.Time > c.at || rec.Seq == c.seq && rec.Kind == journal.KindFragment)
}

// fragments follows the fragments of one direction of a recorded connection.
type fragments struct {
	long    longLine
	cut     *cut // what may be the last of the direction, nil when there is none
	tooLong bool // a line is longer than is played
}

// fragment takes in a fragment, and gives the record of an over-long line that it
// completes.
func (f *fragments) fragment(rec *journal.Record) (line *journal.Record) {
	if rec.Part <= 1 {
		f.gap() // what has begun before this is not told to the end
	}
	switch {
	case rec.Headless:
	case rec.Part > 0:
		var done bool
		if line, done = f.long.take(rec); done && line == nil {
			f.tooLong = true
		}
	default:
		f.cut = &cut{at: rec.Arrived(), seq: rec.Seq, data: slices.Clone(rec.Data)}
	}
	return line
}

// gap is a gap, or anything else after which a line begins: what has begun before
// is not the end of the direction.
func (f *fragments) gap() { f.cut, f.long = nil, longLine{} }

// end is the end of the direction, or of what is recorded of it.
func (f *fragments) end() {
	switch l := &f.long; {
	case l.over:
		f.tooLong = true
	case l.parts > 0:
		f.cut = &cut{at: l.at, seq: l.seq, data: l.data}
	}
	f.long = longLine{}
}

// cuts chooses which beginnings of lines a master plays: not those of lines that
// another connection may have got whole, as then all get them whole.
func (p *Plan) cuts() {
	for _, r := range p.Conns {
		f := &r.fragments[wire.S2C]
		if f.cut == nil || r.overflow != nil { // that has it
			f.cut = nil
			continue
		}
		stream := string(wire.GistOf(f.cut.data).Stream)
		if slices.ContainsFunc(p.Conns, func(o *Recorded) bool {
			return o != r && o.Opened <= f.cut.at && f.cut.at <= o.Closed && (stream == "" || o.places[stream] != nil)
		}) {
			f.cut = nil
		}
	}
}
