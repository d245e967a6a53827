package replay

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"repltap/journal"
)

const (
	// quietAfter is how long up to 1.12 nothing more is asked for when a worker
	// has asked for all it wants.
	quietAfter = int64(20 * time.Millisecond)
	// holdPatience is how long a recorded overflow waits for what was sent before
	// to be taken.
	holdPatience = int64(5 * time.Second)
	// resetPatience is how long a connection whose recorded one was reset waits for
	// its worker to say something that is not read any more: two PINGs' time.
	resetPatience    = int64(10 * time.Second)
	defaultPatience  = time.Minute
	drainPatience    = int64(10 * time.Second)
	farewellPatience = int64(time.Second)
)

// play does what is due, sliceActs at most, and reports whether there may be more.
func (m *master) play(now int64) (more bool) {
	for range sliceActs {
		a := m.feed.head()
		if a == nil {
			if m.feed.ended {
				m.playedAll(now)
			}
			return false
		}
		if !m.clock.begun {
			if !m.ready(now) {
				return false
			}
			origin := m.origin(now)
			m.skipping = origin > m.plan.Start
			m.clock.begin(now, origin)
		}
		if m.skipping && a.At >= m.clock.origin {
			m.skipping, m.clock.real = false, now
		}
		if !m.feed.seen {
			m.clock.see(a.At)
			m.feed.seen = true
			if a.Kind == ActAsk {
				m.foresee(now, a.Conn)
			}
		}
		due := m.clock.due(a.At)
		if due > now || m.held(now, a) {
			return false
		}
		if (a.Line != nil || a.Kind == ActAnnounce) && !m.skipping {
			m.dues = append(m.dues, due)
		}
		m.place = a.Seq
		m.act(now, a)
		m.feed.pop()
		if m.clock.speed == 0 && m.pressed() {
			return true
		}
	}
	return true
}

// playedAll: the feed has no more, for one reason or the other.
func (m *master) playedAll(now int64) {
	if !m.ending && m.clock.begun {
		m.ending, m.idle = true, now
		m.refuse() // who comes now would get nothing
		if m.feed.err != nil {
			m.fault = m.feed.err
		}
	} else if !m.clock.begun && m.feed.err != nil {
		m.fault = m.feed.err
	}
}

// late notes how late the acts of this turn were, now that what they made was
// offered to the kernel. At the highest speed nothing is late.
func (m *master) late() {
	if len(m.dues) == 0 {
		return
	}
	now := m.now()
	if m.clock.speed > 0 {
		for _, due := range m.dues {
			m.result.Lags.Add(time.Duration(now-due), 1)
			m.recent = max(m.recent, now-due)
		}
		for _, p := range m.byNumb {
			p.lag = max(p.lag, now-m.dues[0])
		}
	}
	m.result.Played += int64(len(m.dues))
	m.dues = m.dues[:0]
}

// nextAct is when the next act is due, if that is all it waits for.
func (m *master) nextAct(now int64) (int64, bool) {
	if m.waits != 0 || m.ending || !m.clock.begun || m.feed.at == len(m.feed.now) {
		return 0, false
	}
	return m.clock.due(m.feed.now[m.feed.at].At), true
}

// ready reports whether enough workers have asked for it to begin.
func (m *master) ready(now int64) bool {
	n := 0
	for _, p := range m.byNumb {
		if p.ready(now) {
			n++
		}
	}
	late := m.cfg.Wait > 0 && now-m.anchor >= int64(m.cfg.Wait)
	switch {
	case n >= max(m.cfg.Workers, 1):
		return true
	case late && n == 0:
		m.fault = fmt.Errorf("%w within %s", ErrNobody, m.cfg.Wait)
	case late:
		m.result.note(fmt.Sprintf("it began with %d of %d workers, as no more asked within %s", n, m.cfg.Workers, m.cfg.Wait))
	}
	return late && n > 0
}

// ErrNobody is a replay to which no worker came.
var ErrNobody = errors.New("no worker asked for replication")

// act does what the recorded master did.
func (m *master) act(now int64, a *Act) {
	switch a.Kind {
	case ActRow:
		m.row(now, a)
	case ActMove:
		m.move(now, a)
	case ActAnnounce:
		if m.ghost > 0 {
			m.ghost-- // somebody who is here has asked in its place
			return
		}
		m.s.Announce(now)
	case ActLine:
		m.fit(len(a.Line) + 1)
		m.s.ServerUp(now, a.Line)
	case ActCut:
		for _, p := range m.playing(a.Conn) {
			m.s.Cut(now, p.id, a.Line)
		}
	case ActStall, ActResume:
		for _, p := range m.playing(a.Conn) {
			p.link.stalled = m.cfg.Link.Recorded && a.Kind == ActStall && m.clock.speed > 0
		}
	case ActMute, ActDeaf:
		for _, p := range m.playing(a.Conn) {
			switch {
			case !m.cfg.Link.Recorded:
			case a.Kind == ActMute:
				m.mute(now, p)
			default: // at the highest speed only when nothing more is to come
				p.deaf = m.clock.speed > 0
			}
		}
	case ActHold, ActTip, ActOverflow:
		if a.Kind == ActOverflow {
			m.ended[a.Conn] = true
		}
		if m.cfg.Link.Recorded {
			m.overflow(now, a)
		}
	case ActAsk:
		if !m.askers[a.Conn] {
			m.foresee(now, a.Conn)
			m.admit(now, a.Conn)
		}
	case ActEnd:
		m.end(now, a.Conn)
	}
}

func (m *master) row(now int64, a *Act) {
	if err := m.plan.past.add(a.Stream, Row{Token: a.Token, JSON: a.JSON}, a.Batch); err != nil {
		m.fault = err
		return
	}
	line := m.rows.rowLine(m.s, a)
	m.fit(len(line) + 1)
	m.group.row(now, a)
	m.s.Publish(now, a.Stream, Row{Token: a.Token + m.rows.shift(a.Stream), JSON: a.JSON}, a.Batch, line)
	if len(m.group.open) == 0 {
		m.release(now)
	}
}

// move: the first that is heard of a stream is where it stood already.
func (m *master) move(now int64, a *Act) {
	_, stands, known := m.s.Position(a.Stream)
	token := a.Token + m.rows.shift(a.Stream)
	switch {
	case !known:
		if a.Line != nil {
			m.s.ServerUp(now, a.Line)
		}
		return
	case stands == token && (a.Answer || a.Prev == a.Token):
		return
	case token < stands:
		m.plan.past.reset(a.Stream)
	}
	var line []byte
	if a.Line != nil {
		line = m.rows.positionLine(m.s, a)
		m.fit(len(line) + 1)
	}
	m.s.Move(now, a.Stream, token, line)
}

// foresee moves the streams to where a recorded worker that asks was told they
// stood: what moved them was no row, and is not in the journal before that. All
// hear of it, by the answer that goes to all. Where somebody has asked already and
// nobody asks now, it is told when it is due.
func (m *master) foresee(now int64, conn uint64) {
	asks := slices.ContainsFunc(m.playing(conn), func(p *peer) bool { return p.early && p.asked })
	if !asks && slices.ContainsFunc(m.byNumb, func(p *peer) bool { return p.asked && !p.early && !p.ending() }) {
		return
	}
	begun := m.feed.now[m.feed.at].At
	for _, a := range m.feed.now[m.feed.at+1:] {
		switch {
		case a.Kind == ActRow, a.Kind == ActMove && !a.Answer, a.At-begun > setPause:
			return
		case a.Kind != ActMove:
			continue
		}
		_, stands, known := m.s.Position(a.Stream)
		token := a.Token + m.rows.shift(a.Stream)
		if !known || stands == token {
			continue
		}
		if token < stands {
			m.plan.past.reset(a.Stream)
		}
		m.s.Move(now, a.Stream, token, nil)
	}
}

// end does what a recorded master did of itself: it stopped. Where a recorded
// worker went away and came back, the link breaks, so that today's comes back too;
// where it went away for good, today's is kept alive and told nothing more.
// Where a recording was cut and another follows it, the connections break: the later
// one has them anew. What ended connections otherwise comes about again, or it does not.
func (m *master) end(now int64, conn uint64) {
	m.ended[conn] = true
	for _, p := range m.playing(conn) {
		r := p.plays
		if r.overflow != nil || p.ending() {
			continue
		}
		switch {
		case r.By == "worker" && m.cfg.Link.Recorded && m.returns(r):
			p.note, p.orderly = "the recorded worker went away, and came back", r.How == "fin"
			m.s.End(now, p.id, "")
		case r.By == "worker" && m.cfg.Link.Recorded: // for good: it is sent no more
			m.s.Part(p.id)
		case r.How == journal.HowCut && m.goesOn(r):
			p.note, p.orderly = "the recording was cut here", true
			m.s.End(now, p.id, "")
		case r.By != "master":
		case r.How == "fin" && (r.LastError == "" || r.LastError == shutdownText):
			p.note, p.orderly = "the recorded master stopped", true
			m.s.End(now, p.id, r.LastError)
		case r.How == "reset":
			p.note, p.dying = "the recorded master was killed", now+farewellPatience
		}
	}
}

const shutdownText = "server shutting down"
