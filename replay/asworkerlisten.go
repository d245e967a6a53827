package replay

import (
	"bytes"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// What a played worker reads, and when it does not.

// stall has it stop reading, or go on.
func (c *part) stall(now int64, on bool) {
	c.stalled = on
	c.look(now)
}

// freeze has it do nothing at all, or go on: then what it missed comes first.
func (c *part) freeze(now int64, on bool) {
	thawed := c.frozen && !on
	c.frozen = on
	c.look(now)
	if thawed && c.pump != nil {
		c.out.Tick(now)
		if c.out.Closing() {
			c.swallow(now)
		}
	}
}

// swallow reads what has come in the meantime, as a process that goes on does before
// it closes.
func (c *part) swallow(now int64) {
	if c.pump.reading {
		return // it is being read
	}
	c.pump.conn.SetReadDeadline(time.Time{})
	buf := make([]byte, readChunk)
	for range maxSwallowed / readChunk {
		n := readNow(c.pump.raw, buf)
		if n <= 0 {
			return
		}
		c.read(now, buf[:n])
	}
}

// maxSwallowed is more than a kernel holds.
const maxSwallowed = 64 << 20

// look finds out whether it reads. That it stops is noted, unless it is all that
// stops: then nobody could tell in the recording either.
func (c *part) look(now int64) {
	if c.pump == nil {
		return
	}
	link := linkState{Link: c.p.cfg.Link}
	stalls := c.stalled || c.p.times.begun && link.standing(time.Duration(now-c.p.times.real))
	if still := stalls || c.frozen; still != c.still {
		if c.still = still; still {
			c.pump.stopReading()
		}
	}
	if stalls == (c.stalledAt != 0) {
		return
	}
	kind, ev := journal.KindResume, journal.Event{By: "worker", From: c.stalledAt, To: now, Position: c.p.place}
	c.stalledAt = 0
	if stalls {
		kind, ev = journal.KindStall, journal.Event{By: "worker", From: now, Position: c.p.place}
		c.stalledAt = now
	}
	c.p.notes.add(note{t: now, conn: c.number, dir: wire.S2C, kind: kind, event: ev})
}

// ask has the socket read, if it is to be.
func (c *part) ask(now int64) {
	if c.pump == nil || c.gone || c.still || c.out.Closing() || now < c.readAt {
		return
	}
	most := readChunk
	if rate := c.p.cfg.Link.Bandwidth; rate > 0 {
		most = int(min(max(rate/20, 64), readChunk))
	}
	c.pump.askRead(most)
}

// report is what became of a read or write.
func (c *part) report(r *report) {
	switch {
	case r.wrote:
		c.took(r.t, r.n)
	case len(r.data) > 0:
		c.read(r.t, r.data)
	}
	if r.err != nil && !c.gone {
		c.lost(r.err)
	}
}

func (c *part) read(t int64, data []byte) {
	c.p.notes.add(note{t: t, conn: c.number, dir: wire.S2C, data: bytes.Clone(data), offset: c.s2c})
	c.s2c += int64(len(data))
	c.heardAt = t
	if rate := c.p.cfg.Link.Bandwidth; rate > 0 {
		c.readAt = max(c.readAt, t) + int64(float64(len(data))/float64(rate)*float64(time.Second))
	}
	for piece := range c.split.Split(data) {
		if piece.Kind != wire.PieceLine {
			continue
		}
		g := wire.GistOf(piece.Text)
		c.out.Received(t, g.Command == wire.CmdPing)
		if g.Command != wire.CmdPing {
			c.heard++
		}
		if g.Command == wire.CmdPosition && c.rec.answered[string(g.Stream)] && !c.answered {
			if c.answers == nil {
				c.answers = map[string]bool{}
			}
			c.answers[string(g.Stream)] = true
		}
	}
	c.answered = c.answered || len(c.answers) == len(c.rec.answered)
}
