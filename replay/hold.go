package replay

import "slices"

// pressed: at the highest speed the queue is never used.
func (m *master) pressed() bool {
	return slices.ContainsFunc(m.byNumb, func(p *peer) bool {
		return !p.ending() && p.hold == nil && m.s.Outbox(p.id).State() == StatePaused
	})
}

// held reports whether an act has to wait although it is due.
func (m *master) held(now int64, a *Act) bool {
	if m.clock.speed == 0 && m.pressed() || a.Kind == ActAsk && m.feed.short() {
		return true
	}
	if m.waits == 0 {
		m.waits = now
	}
	waited := now - m.waits
	if a.Kind == ActEnd && m.clock.speed == 0 && !m.settled(now, m.playing(a.Conn)) {
		return true
	}
	ends := a.Kind == ActEnd && m.cfg.Link.Recorded
	holds := a.Kind == ActHold || a.Kind == ActOverflow && a.Reset
	switch {
	case ends && waited < silencePatience && m.quietAll(),
		holds && m.cfg.Link.Recorded && waited < holdPatience && m.undrained(a.Conn),
		a.Kind == ActAsk && m.clock.speed == 0 && waited < m.patience() && m.awaited(now, a.Conn):
		return true
	}
	if holds || ends {
		m.clock.real += waited // what is recorded is a time in which nothing waited
	}
	m.waits = 0
	return false
}

func (m *master) patience() int64 {
	if m.cfg.Patience > 0 {
		return int64(m.cfg.Patience)
	}
	return int64(defaultPatience)
}

// undrained: somebody on a recorded connection has not taken what was sent.
func (m *master) undrained(conn uint64) bool {
	return slices.ContainsFunc(m.playing(conn), func(p *peer) bool {
		return !p.ending() && (m.s.Outbox(p.id).Buffered() > 0 || p.link.held > 0)
	})
}

// awaited: a worker that was here is to come back before it goes on.
func (m *master) awaited(now int64, conn uint64) bool {
	i := slices.IndexFunc(m.plan.Conns, func(r *Recorded) bool { return r.Conn == conn })
	if i < 0 || m.played[m.plan.Conns[i].Worker] == 0 {
		return false
	}
	for _, p := range m.byNumb {
		if p.plays != nil && p.plays.Worker == m.plan.Conns[i].Worker && p.ready(now) {
			return false
		}
	}
	return true
}

// playing lists those that play a recorded connection.
func (m *master) playing(conn uint64) (list []*peer) {
	for _, p := range m.byNumb {
		if p.plays != nil && p.plays.Conn == conn {
			list = append(list, p)
		}
	}
	return list
}
