package replay

import "slices"

// overflow has a recorded overflow happen again: what was in the master's own
// buffer is held there by the link, the line that was the last to go into it
// pauses the connection, and stand-ins for what was queued and dropped do the
// rest.
func (m *master) overflow(now int64, a *Act) {
	for _, p := range m.playing(a.Conn) {
		if p.ending() {
			continue
		}
		out := m.s.Outbox(p.id)
		switch {
		case a.Kind == ActHold:
			p.hold = &hold{}
		case p.hold == nil && !a.Reset:
		case a.Kind == ActTip:
			p.hold.tip = true
		case a.Reset:
			p.hold = &hold{until: now + resetPatience, part: a.Line}
			m.s.Overflow(now, p.id)
		default:
			if out.State() == StatePaused {
				m.s.Overflow(now, p.id)
			}
			p.hold = nil
		}
	}
	if a.Kind == ActOverflow && !slices.ContainsFunc(m.byNumb, func(p *peer) bool { return p.asked && !p.ending() }) {
		m.group = batches{} // whoever would be told the end of a group is gone
		m.release(now)
	}
}

// fit makes room for a line of n bytes in the buffers of those whose link holds
// back: as full as they can be without a pause, but for the line that is to pause
// them.
func (m *master) fit(n int) {
	high := m.cfg.Limits.orDefault().HighWater
	for _, p := range m.byNumb {
		if p.hold == nil || p.hold.tip || p.hold.until != 0 {
			continue
		}
		if out := m.s.Outbox(p.id); out != nil {
			if over := out.Buffered() + n - high; over > 0 {
				m.let(p, over)
			}
		}
	}
}
