package replay

import (
	"bytes"
	"slices"
	"time"

	"repltap/wire"
)

// A worker reads what comes into a queue of its own, and forgets the queue when its
// connection ends. What the kernel took is therefore not yet taken in. There is no
// answer to a row; but a worker says PING every 5 s from the loop that reads, so a
// line that it says some time after its kernel had everything shows that it has read
// that, and had the time to work it off. FEDERATION_ACK and whatever else it says
// does as well. A worker that says nothing leaves it open.

// workOff is the time in which a worker works off what it has read.
const workOff = int64(time.Second)

// takes reports whether a worker has shown that it has taken what it was sent.
func (p *peer) takes(now int64) bool {
	if p.ackedAt == 0 && p.m.allOut(p) && p.unsent() == 0 {
		p.ackedAt = now
	}
	return p.ackedAt != 0 && p.spokeAt >= p.ackedAt+workOff
}

// isPing: it is a PING and nothing else. Both sides say one every five seconds, so a
// worker's comes just after the master's: it is not to show that this one was taken.
func isPing(data []byte) bool {
	return wire.CommandOf(data) == wire.CmdPing && bytes.IndexByte(data, '\n') == len(data)-1
}

// allOut: nothing waits for the kernel.
func (m *master) allOut(p *peer) bool {
	out := m.s.Outbox(p.id)
	return out == nil || out.Buffered() == 0 && out.Queued() == 0 && p.link.held == 0
}

// unsettled are those of some workers that may still show that they have taken what
// they were sent, and have not.
func (m *master) unsettled(now int64, peers []*peer) []*peer {
	return slices.DeleteFunc(slices.Clone(peers), func(p *peer) bool {
		return p.gone || p.ending() || !p.asked || p.mute || p.deaf || p.gaveUp || p.hold != nil || p.link.stalled || p.takes(now)
	})
}

// settled reports whether some workers have taken what they were sent, or have had
// the time to show it. It notes of which of them that is not known.
func (m *master) settled(now int64, peers []*peer) bool {
	if m.cfg.Settle == 0 {
		return true
	}
	open := m.unsettled(now, peers)
	switch {
	case len(open) > 0 && m.settling == 0:
		m.settling = now
		return false
	case len(open) > 0 && now-m.settling < int64(m.cfg.Settle):
		return false
	}
	for _, p := range open {
		if !slices.Contains(m.run.Untaken, p.conn) {
			m.run.Untaken = append(m.run.Untaken, p.conn)
		}
	}
	m.settling = 0
	return true
}
