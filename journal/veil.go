package journal

import (
	"bytes"

	"repltap/wire"
)

// ReasonRedacted is why bytes are missing of which it is not sure that they hold
// no secret.
const ReasonRedacted = "redacted"

// veil is what redaction needs to remember of one direction of a connection.
// Whether a line may be kept, and what of it, is known when it is whole; so while
// something is to be left out nothing of a line is given to the Writer before its
// end has come. The bytes wait in the splitter, which holds at most wire.MaxLine.
type veil struct {
	trail wire.Trail
	reads []read         // that brought the bytes which wait
	found []wire.Finding // with them
}

// maxReads is how much room for reads is kept: few lines come in more, but one may
// come byte by byte.
const maxReads = 64

// read is one read of the tap: how many bytes, and when.
type read struct {
	n int
	t int64
}

// redactor is what a journal's lines go through, nil where nothing is redacted.
func (w *Writer) redactor() *wire.Redactor {
	if w.opts.Redact == wire.RedactNone {
		return nil
	}
	return wire.NewRedactor(w.opts.Redact, w.store.key)
}

// redact makes of a whole line or fragment what may be kept of it: text of the
// same length, or, where ok is false, nothing. g is the gist of a line, before
// and after.
func (s *Scribe) redact(c *conversation, d *side, p wire.Piece, g *wire.Gist) (text []byte, ok bool) {
	switch {
	case p.Kind == wire.PiecePartial:
		return p.Text, true
	case d.headless: // who knows of what these bytes are the rest
		d.veil.trail = wire.Trail{}
		return p.Text, false
	case p.Kind == wire.PieceLine:
		text, ok = s.redactor.Line(s.buf[:0], p.Text, g, c.wire.Candidates())
	default:
		text, ok = s.redactor.Fragment(s.buf[:0], p, c.wire.Candidates(), &d.veil.trail)
	}
	if !ok {
		return p.Text, false
	}
	if &text[0] != &p.Text[0] {
		s.buf = text
		if p.Kind == wire.PieceLine {
			*g = wire.GistOf(text)
		}
	}
	return text, true
}

// withoutEcho takes out of findings what a receiver would repeat of the line.
func withoutEcho(found []wire.Finding) {
	for i := range found {
		found[i] = found[i].WithoutEcho()
	}
}

// wait notes that bytes have come which are not appended yet.
func (v *veil) wait(r *Record, n int) {
	v.reads = append(v.reads, read{n, r.Time})
	v.found = append(v.found, r.Findings...)
}

// rest gives back to r the findings of the bytes that waited, and forgets these.
func (v *veil) rest(r *Record) {
	if v.found != nil {
		r.Findings = append(v.found, r.Findings...)
	}
	v.reads, v.found = v.reads[:0], nil
	if cap(v.reads) > maxReads {
		v.reads = nil
	}
}

// unveil appends the bytes of text that waited for the piece to be complete, read
// by read, and gives r those that are new. Their times are those of the reads,
// unless the connection has gone on since.
func (s *Scribe) unveil(c *conversation, d *side, r *Record, text []byte) {
	for _, p := range d.veil.reads {
		s.append(c, &Record{Time: p.t, Conn: r.Conn, Dir: r.Dir, Kind: KindFragment, Data: text[:p.n], ReadEnd: true})
		text = text[p.n:]
	}
	d.veil.rest(r)
	r.Data = text
}

// hide appends a gap in place of a piece that can't be kept. What is odd about it
// is told, but none of what it says.
func (s *Scribe) hide(c *conversation, d *side, r *Record, text []byte) {
	since := r.Time
	if len(d.veil.reads) > 0 {
		since = d.veil.reads[0].t
	}
	d.veil.rest(r)
	lines := int64(bytes.Count(text, []byte{'\n'}))
	ev := &Event{Bytes: int64(len(text)), Lines: lines, From: since, To: r.Time, MidLine: lines == 0, Reason: ReasonRedacted}
	if s.obs != nil {
		s.obs.Gap(r.Conn, r.Dir, ev)
	}
	s.append(c, &Record{Time: r.Time, Conn: r.Conn, Dir: r.Dir, Kind: KindGap, Event: ev, Findings: r.Findings})
}
