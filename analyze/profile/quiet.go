package profile

import (
	"time"

	"repltap/journal"
	"repltap/wire"
)

// quiet finds where rows stopped coming: to all workers, of all streams, of one
// stream or of one of its writers (see pulse); and to one worker, while others got
// them.
//
// It is found only while rows would have been seen: somewhere in the time there
// has to be a connection on which something of a stream came, whose reader is not
// stalled, and of which the journal lacks nothing.
type quiet struct {
	tracker *tracker
	all     *pulse
	streams [maxSubjects]*streamPulse
	writers []*writerPulse
	pings   int64 // of masters
	rows    int64 // of all streams, each once
	able    int   // connections to which rows would come
	deaf    largest[SilenceRow]
}

// streamPulse is a stream's.
type streamPulse struct {
	pulse
	once    int64 // rows, each once
	writers int
}

// writerPulse is that of a writer of a stream.
type writerPulse struct {
	pulse
	writer *writer
	stream *streamPulse
	once   int64
	stood  int64 // its token when it said something last
}

// hearing is what a connection gets of rows.
type hearing struct {
	tuned bool  // something of a stream came, so that rows are due
	deaf  bool  // its reader takes nothing
	from  int64 // since when it would get them
	at    int64 // when the last came
	seq   uint64
	rows  int64
}

// heard is where a connection was in a writer's rows when something of it came last.
type heard struct {
	set  bool
	at   int64
	seq  uint64
	fore int64 // groups of the writer that had come to any connection
	rows int64 // that the connection had got, of all
}

const (
	quietExpected = 20 // rows that should have come
	maxDeaf       = 200
)

func newQuiet(t *tracker) *quiet {
	return &quiet{tracker: t, all: newPulse(), deaf: largest[SilenceRow]{limit: maxDeaf}}
}

func (q *quiet) take(e *entry) {
	if e.torn {
		q.gap(e.at)
	}
	switch {
	case e.Kind == journal.KindGap && e.Dir != wire.C2S:
		q.gap(max(e.Event.To-q.tracker.start, 0))
	case e.conn == nil:
	case isClose(e):
		q.leave(e)
	case e.Kind == journal.KindStall && e.Dir == wire.S2C:
		q.stall(e)
	case e.Kind == journal.KindResume && e.Dir == wire.S2C:
		q.drain(e)
	case !e.line() || e.Dir != wire.S2C:
	case e.Gist.Command == wire.CmdPing:
		q.pings++
	case e.step.kind == stepGroup, e.step.kind == stepPosition:
		q.tune(e)
		q.say(e)
		q.hear(e)
	}
}

// tune notes that a connection gets rows from now on.
func (q *quiet) tune(e *entry) {
	if h := &e.conn.hearing; !h.tuned {
		h.tuned, h.from, h.at, h.seq = true, e.at, e.at, e.Seq
		q.more(e.at, 1)
	}
}

// more changes the number of connections to which rows would come.
func (q *quiet) more(at int64, by int) {
	was := q.able
	q.able += by
	switch {
	case was == 0 && q.able > 0:
		q.each(func(p *pulse, others int64) { p.resume(at, others) })
	case was > 0 && q.able == 0:
		q.each(func(p *pulse, others int64) { p.pause(at, others) })
	}
}

// each calls for all pulses, with how much there was of what each is compared with.
func (q *quiet) each(do func(p *pulse, others int64)) {
	do(q.all, q.pings)
	for _, s := range q.streams {
		if s != nil {
			do(&s.pulse, q.rows-s.once)
		}
	}
	for _, w := range q.writers {
		if w != nil {
			do(&w.pulse, w.stream.once-w.once)
		}
	}
}

// stall is a worker that reads nothing any more.
func (q *quiet) stall(e *entry) {
	h := &e.conn.hearing
	if h.deaf {
		return
	}
	from := e.at
	if e.Event.From != 0 {
		from = min(from, e.Event.From-q.tracker.start)
	}
	q.check(e.conn, from, false)
	if h.deaf = true; h.tuned {
		q.more(from, -1)
	}
}

// drain is its reading on.
func (q *quiet) drain(e *entry) {
	h := &e.conn.hearing
	if !h.deaf {
		return
	}
	if h.deaf, h.from = false, e.at; h.tuned {
		q.more(e.at, 1)
	}
}

// gap is traffic that the journal lacks, up to at: what came before and after it
// says nothing of the time between.
func (q *quiet) gap(at int64) {
	for _, c := range q.tracker.conns {
		c.hearing.from = max(c.hearing.from, at)
	}
	if q.able > 0 {
		q.each(func(p *pulse, others int64) {
			if p.begun && at > p.since {
				p.paused = true
				p.resume(at, others)
			}
		})
	}
}

func (q *quiet) leave(e *entry) {
	q.check(e.conn, e.at, false)
	if h := &e.conn.hearing; h.tuned && !h.deaf {
		q.more(e.at, -1)
	}
	e.conn.hearing = hearing{}
}

// say notes what all of them together have come to.
func (q *quiet) say(e *entry) {
	st := &e.step
	w := q.writer(e)
	if st.kind == stepPosition {
		w.strict = w.strict || e.Gist.HasPrev && w.writer.stream == eventsStream
		w.come(e.at, 0, w.stream.once-w.once, e.place())
		w.stood = w.writer.high
		return
	}
	if !st.front && !st.leads {
		return
	}
	at := e.place()
	w.writer.groups++
	w.come(e.at, st.rows, w.stream.once-w.once, at)
	w.stream.come(e.at, st.rows, q.rows-w.stream.once, at)
	q.all.come(e.at, st.rows, q.pings, at)
	q.rows += st.rows
	w.stream.once += st.rows
	w.once += st.rows
	w.stood = w.writer.high
}

// eventsStream is the stream of which, from 1.22 on, every writer announces where
// it is when others write.
const eventsStream = "events"

func (q *quiet) writer(e *entry) *writerPulse {
	w := e.step.writer
	for len(q.writers) <= w.index {
		q.writers = append(q.writers, nil)
	}
	if q.writers[w.index] == nil {
		s := q.streams[e.stream]
		if s == nil {
			s = &streamPulse{pulse: *newPulse()}
			q.streams[e.stream] = s
		}
		s.writers++
		n := &writerPulse{pulse: *newPulse(), writer: w, stream: s}
		n.positions = func() (int64, int64) { return q.tracker.span(w, n.stood) }
		q.writers[w.index] = n
	}
	return q.writers[w.index]
}

// span is the lowest and the highest position of the writers of a stream, of which
// one stood at a token.
func (t *tracker) span(of *writer, stood int64) (lowest, highest int64) {
	lowest, highest = stood, stood
	for _, w := range t.streams[of.stream] {
		if w != of && w.seen {
			lowest, highest = min(lowest, w.high), max(highest, w.high)
		}
	}
	return lowest, highest
}

// hear notes what came to a connection.
func (q *quiet) hear(e *entry) {
	c, k, h := e.conn, e.step.cursor, &e.conn.hearing
	if row := e.step.kind == stepGroup; row {
		if e.at-max(h.at, h.from) >= quietLeast {
			q.connection(c, e.at, true)
		}
		q.part(c, k, e.at, true)
		h.at, h.seq = e.at, e.Seq
		h.rows++
	} else {
		q.part(c, k, e.at, false)
	}
	k.heard = heard{set: true, at: e.at, seq: e.Seq, fore: k.writer.groups, rows: h.rows}
}

// check looks whether a connection got nothing at its end, or before a stall.
func (q *quiet) check(c *connection, at int64, ended bool) {
	q.connection(c, at, ended)
	for _, k := range c.cursors {
		q.part(c, k, at, ended)
	}
}

// connection tells of a connection that got no row while others got some of its
// streams.
func (q *quiet) connection(c *connection, at int64, ended bool) {
	h := &c.hearing
	since := max(h.at, h.from)
	if !h.tuned || h.deaf || at-since < quietLeast {
		return
	}
	missed := int64(0)
	for _, k := range c.cursors {
		if k.heard.set {
			missed += k.writer.groups - k.heard.fore
		}
	}
	if missed >= quietExpected {
		q.tell(c, byAll, "", h.rows, at-since, missed, ended, q.tracker.placeOf(h.seq, c, since))
	}
}

// part tells of a connection that got nothing of a writer while others did, and
// got rows of others.
func (q *quiet) part(c *connection, k *cursor, at int64, ended bool) {
	h, last := &c.hearing, &k.heard
	since := max(last.at, h.from)
	if !last.set || h.deaf || at-since < quietLeast || h.rows-last.rows < quietExpected {
		return
	}
	if missed := k.writer.groups - last.fore; missed >= quietExpected {
		q.tell(c, k.writer.stream, k.writer.instance, last.rows, at-since, missed, ended, q.tracker.placeOf(last.seq, c, since))
	}
}

func (q *quiet) tell(c *connection, stream, instance string, rows, length, missed int64, ended bool, at Place) {
	q.deaf.add(length, func() SilenceRow {
		row := unspoken(stream)
		row.Instance, row.Worker, row.What, row.Rows = instance, or(c.key, "(no name)"), silentQuiet, rows
		row.Lasted, row.Others, row.Ended, row.Place = Seconds(length), missed, ended, at
		return row
	})
}

func (q *quiet) finish(p *Profile) {
	end := p.end()
	for _, c := range q.tracker.open() {
		q.check(c, end, false)
	}
	if q.able > 0 {
		q.each(func(p *pulse, others int64) { p.pause(end, others) })
	}
	p.Silence = []SilenceRow{}
	for _, l := range q.all.lulls() {
		row := l.row(byAll, q.all.rows)
		row.Pings, row.Others = l.others, 0
		p.Silence = append(p.Silence, row)
	}
	for i, s := range q.streams {
		if s != nil {
			p.Silence = append(p.Silence, s.rowsOf(q.tracker.subjects.names[i], q.rows-s.once)...)
		}
	}
	for _, w := range q.writers {
		if w != nil && w.stream.writers > 1 {
			p.Silence = append(p.Silence, w.rowsOf()...)
		}
	}
	p.Silence = append(p.Silence, q.deaf.heaviest()...)
	q.deaf.left(p, "silence")
}

// rowsOf are the silences of a stream in which so many of others came that it
// should have had some, too.
func (s *streamPulse) rowsOf(name string, others int64) (out []SilenceRow) {
	for _, l := range s.lulls() {
		if l.aside() && expected(l.others, s.once, others) {
			out = append(out, l.row(name, s.once))
		}
	}
	return out
}

func (w *writerPulse) rowsOf() (out []SilenceRow) {
	for _, l := range w.lulls() {
		usual := l.steady && l.aside() && w.unusual(l.length) && expected(l.others, w.once, w.stream.once-w.once)
		if !usual && l.others < quietExpected {
			continue
		}
		row := l.row(w.writer.stream, w.once)
		row.Instance = w.writer.instance
		if !usual {
			row.What, row.Usual, row.Over = silentStands, None, None
		}
		if !unordered(w.writer) {
			row.Lowest, row.Highest = Count(l.lowest), Count(l.highest)
		}
		out = append(out, row)
	}
	return out
}

// aside says whether what it is compared with went on as before, or at half the
// rate at least: where all of the traffic fades nothing is silent.
func (l *lull) aside() bool {
	return 2*float64(l.others)*float64(l.over) >= float64(l.before)*float64(l.length)
}

// expected says whether of as many rows as came of others there should have been
// some of its own, by its share in all.
func expected(came, own, others int64) bool {
	return float64(came)*float64(own) >= quietExpected*float64(max(others, 1))
}

func (l *lull) row(stream string, rows int64) SilenceRow {
	row := unspoken(stream)
	row.What, row.Rows, row.Lasted, row.Others, row.Ended, row.Place = silentQuiet, rows, Seconds(l.length), l.others, l.ended, l.place
	row.Usual, row.Over = rate(l.rows, time.Duration(l.over)), Seconds(l.over)
	return row
}
