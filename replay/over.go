package replay

import (
	"slices"

	"repltap/journal"
)

// over reports whether all is done: everything played and taken, and everybody
// told goodbye.
func (m *master) over(now int64) bool {
	switch {
	case !m.ending:
		return false
	case m.lingers == 0:
		if m.busy(now) || !m.settled(now, m.byNumb) {
			return false
		}
		m.lingers = now + int64(m.cfg.Linger)
		return false
	case now < m.lingers:
		return false
	case m.left == 0:
		m.left = now
		// Without a word, also where Synapse has one for its end: nobody said it then.
		for _, p := range slices.Clone(m.byNumb) {
			if p.note == "" {
				p.note = endOfReplay
			}
			m.s.End(now, p.id, "")
		}
		m.settle()
	}
	return len(m.byNumb) == 0 || now-m.left > 2*farewellPatience
}

// endOfReplay is the note of connections that nobody ended before.
const endOfReplay = "end of the replay"

// closingPatience is longer than the grace after which Synapse resets.
const closingPatience = 4 * drainPatience

// busy: somebody has not taken all yet, and may still do so.
func (m *master) busy(now int64) bool {
	if len(m.s.Fetching()) > 0 {
		return true
	}
	for _, p := range m.byNumb {
		out := m.s.Outbox(p.id)
		if out == nil || out.Buffered() == 0 && out.Queued() == 0 && p.link.held == 0 && p.hold == nil {
			continue
		}
		patience := drainPatience
		if p.closing {
			patience = closingPatience
		}
		if now-m.idle < patience {
			return true
		}
	}
	return false
}

// look has the rows of a fetch looked up.
func (m *master) look(f Fetch) {
	shift := m.rows.shift(f.Stream)
	if f.From < f.Upto && !m.plan.holds(f.Stream, f.From-shift) {
		m.result.note("a worker asked for rows of " + f.Stream + " that are older than the journal: it got those that are there")
	}
	if r := m.answered(f); r != nil {
		m.task(func() {
			rows, err := m.plan.answerAgain(m.reads, r, f)
			m.tell(message{kind: msgFetched, fetch: f.ID, page: Page{Rows: rows, Upto: f.Upto}, err: err})
		})
		return
	}
	m.task(func() {
		rows, err := m.plan.past.missed(f.Stream, f.From-shift, f.Upto-shift, f.Limit)
		for i := range rows {
			rows[i].Token += shift
		}
		m.tell(message{kind: msgFetched, fetch: f.ID, page: Page{Rows: rows, Upto: f.Upto}, err: err})
	})
}

// sampleEvery is the least time between two samples of a connection.
const sampleEvery = int64(lookEvery)

// sample notes how the senders stand, where that has changed.
func (m *master) sample(now int64) {
	for _, p := range m.byNumb {
		out := m.s.Outbox(p.id)
		if out == nil {
			continue
		}
		p.stats.Queue = max(p.stats.Queue, out.Queued())
		p.stats.Unsent = max(p.stats.Unsent, out.Buffered())
		s := shownSample{at: now, queue: out.Queued(), unsent: out.Buffered(), position: m.place}
		if now-p.shown.at < sampleEvery || s.queue == p.shown.queue && s.unsent == p.shown.unsent && s.position == p.shown.position {
			continue
		}
		p.shown = s
		m.notes.add(note{t: now, conn: p.conn, dir: s2c, kind: journal.KindSample, event: journal.Event{
			Queue: int64(s.queue), Unsent: int64(s.unsent), Lag: m.lagOf(p), Position: s.position,
		}})
	}
	m.show(now)
}
