package replay

import (
	"slices"
	"time"
)

// A recorded connection on which one side gave the other up after 25 seconds
// without a word: the link in between keeps quiet again, so that the keep-alive of
// whoever is there now comes to the same end by itself. That takes as long as it
// took, at any speed.

const (
	// silence is how long before it was given up a side is taken to have said its
	// last word: more than 25 s, and by half a tick, so that today's keep-alive, which
	// ticks as long after the connection began, gives up at the same tick.
	silence = int64(27_500 * time.Millisecond)
	// silencePatience is how long the end of a connection waits for that.
	silencePatience = int64(40 * time.Second)
	pingTimeoutText = "ping timeout"
)

// silent notes that a side gave up at t.
func (r *Recorded) silent(t int64, master bool) {
	since := max(r.Opened, t-silence)
	switch {
	case r.muteAt != 0 || r.deafAt != 0: // the other side was first
	case master:
		r.muteAt = since
	default:
		r.deafAt = since
	}
}

// silences tells of those who have said, or heard, their last by t.
func (g *reading) silences(seq uint64, t int64) {
	g.quiet = slices.DeleteFunc(g.quiet, func(c *readConn) bool {
		kind, at := ActMute, c.muteAt
		if at == 0 {
			kind, at = ActDeaf, c.deafAt
		}
		if at > t {
			return false
		}
		g.emit(&Act{Kind: kind, Seq: seq, At: at, Conn: c.Conn})
		return true
	})
}

// mute has nothing more of a worker arrive. What the recorded one said last
// arrives now.
func (m *master) mute(now int64, p *peer) {
	if out := m.s.Outbox(p.id); out != nil && !p.ending() {
		p.mute = true
		out.Received(now, true)
	}
}

// quietAll is quiet of the connection that is to end now, and of all that are to
// end right after it: those who were given up together are so again, and not one
// after the other.
func (m *master) quietAll() (waits bool) {
	for i, a := range m.feed.now[m.feed.at:] {
		if a.Kind != ActEnd {
			break
		}
		if quiet := m.quiet(a.Conn); i == 0 {
			waits = quiet
		}
	}
	return waits
}

// quiet reports whether a connection is to last until its silence has been too
// long for somebody.
func (m *master) quiet(conn uint64) bool {
	waits := false
	for _, p := range m.playing(conn) {
		switch {
		case p.ending():
		case p.mute:
			waits = true
		case p.plays.deafAt != 0 && !p.gaveUp:
			p.deaf, waits = true, true
		}
	}
	return waits
}
