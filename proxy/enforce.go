package proxy

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// gate stands between the sockets of an enforced connection. Its copiers share
// it, for what one side says tells what the other has to understand.
type gate struct {
	mu sync.Mutex
	e  *wire.Enforcer
}

func (g *gate) admit(dir wire.Direction, data []byte, seen int) (pass int, refused *wire.Refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.e.Admit(dir, data, seen)
}

// runGated is run for a copier with a gate. What may pass of a read is written
// in one go, as ever; the line that has no end yet is held back. It lies in the
// slab before the place of the next read, so that it is whole there.
func (c *copier) runGated() ending {
	c.slab = newSlab()
	defer func() { c.slab.release(); c.stall.close() }()
	write := c.writeSome
	for {
		n, err := c.src.conn.Read(c.roomBehind())
		if n > 0 {
			c.take(n)
			refused, err := c.pass(write)
			switch {
			case err != nil:
				return c.gateWriteEnded(err)
			case refused != nil:
				return c.refuse(refused)
			}
		}
		if err != nil {
			return c.gateReadEnded(err, write)
		}
	}
}

// roomBehind is where the next read goes: behind what is held back.
func (c *copier) roomBehind() []byte {
	if len(c.slab.buf)-c.used < minRead {
		s := newSlab()
		n := copy(s.buf, c.slab.buf[c.used-c.held:c.used])
		c.slab.release()
		c.slab, c.used = s, n
	}
	return c.slab.buf[c.used:min(len(c.slab.buf), c.used+maxRead)]
}

// pass writes what may pass of what was held back and the chunk in hand, and
// then has the recorder take the chunk, all of it: it was read.
func (c *copier) pass(write func(uintptr) bool) (*wire.Refusal, error) {
	data := c.slab.buf[c.used-len(c.chunk)-c.held : c.used]
	n, refused := c.gate.admit(c.src.sends, data, c.held)
	c.held = len(data) - n
	if c.rest = data[:n]; n == 0 {
		c.keep()
		return refused, nil
	}
	err := c.forward(write)
	if gone := n - len(c.rest); gone > 0 {
		c.cut = data[gone-1] != '\n'
	}
	return refused, err
}

// refuse ends the copying at a line that may not pass. What the sender is told,
// and when, is the link's affair.
func (c *copier) refuse(r *wire.Refusal) ending {
	c.undelivered = int64(c.held)
	c.lost.Add(float64(c.held))
	c.flow.tellRefusal(c.t, r)
	c.flow.end(c.flow.arrived(), cause{how: howClosed})
	return ending{copier: c, at: c.src, cause: cause{how: howEnforced, by: byTap, note: r.Code + ": " + r.Detail}, refused: r}
}

// tellRefusal puts a refusal on record. The line is there already; what it says
// is not repeated here, since it may be secret.
func (f *flow) tellRefusal(t int64, r *wire.Refusal) {
	if f.rec.mute {
		return
	}
	f.rec.r.tell(&entry{t: t, rec: f.rec, kind: journal.KindFinding, dir: f.dir, event: &journal.Event{
		How: howEnforced, By: byTap, What: r.Command.String(),
		Findings: []wire.Finding{{Code: r.Code, Detail: r.Detail, Verdict: r.Action.String(), Reply: r.WithoutEcho()}},
	}}, nil)
}

// gateReadEnded passes on the beginning of a line behind which its sender ended.
// No receiver makes anything of it, so it does no harm, and the reader gets all
// the bytes that it would get without a gate. After any other end it stays.
func (c *copier) gateReadEnded(err error, write func(uintptr) bool) ending {
	if c.held > 0 && howOf(err) == howFin {
		c.rest, c.kept, c.cut = c.slab.buf[c.used-c.held:c.used], true, true
		c.chunk, c.held = nil, 0
		if err := c.forward(write); err != nil {
			return c.writeEnded(err)
		}
	}
	c.undelivered = int64(c.held)
	c.lost.Add(float64(c.held))
	return c.readEnded(err)
}

func (c *copier) gateWriteEnded(err error) ending {
	c.undelivered = int64(c.held)
	return c.writeEnded(err)
}

// linger is how long the tap waits for a peer to take its leave when a
// connection was refused. A Synapse does it at once. A test has more patience.
var linger = time.Second

// refused is told of a line that may not pass. The copier of the other direction
// writes what it has in hand, and ends: nobody but the link writes to the sender
// of that line after it, and nothing is cut in two.
func (l *link) refused(e ending) {
	l.state.Store(stateClosing)
	l.note(e.cause)
	l.refusals = append(l.refusals, e)
	l.tap.Metrics.refusal(e.copier.src.sends, e.refused)
	if other := l.other(e.copier.src); l.copying[other] {
		other.conn.SetReadDeadline(time.Unix(1, 0))
		e.copier.src.allow(grace)
	}
}

// dismiss ends a connection on which a line was refused. Its sender gets the
// answer that the receiver would have given, unless half a line went to it
// before that; both get an orderly end. What still comes from them is read and
// thrown away, since closing a socket with unread bytes takes back what was sent.
func (l *link) dismiss(ctx context.Context) {
	for _, e := range l.refusals {
		to := e.copier.src
		if e.refused.Action == wire.ActError && !to.finSent.Load() && !l.copierTo(to).cut {
			to.allow(grace)
			io.WriteString(to.conn, "ERROR "+e.refused.Reply+"\n") // fails if it is gone: then it is
		}
	}
	end := time.Now().Add(linger)
	sides := []*side{l.worker, l.master}
	for _, s := range sides {
		s.finish()
		s.conn.SetReadDeadline(end)
	}
	defer context.AfterFunc(ctx, func() {
		for _, s := range sides {
			s.conn.SetReadDeadline(time.Unix(1, 0))
		}
	})()
	var both sync.WaitGroup
	var more [2]int64
	for i, s := range sides {
		both.Go(func() { more[i], _ = io.Copy(io.Discard, s.conn) })
	}
	both.Wait()
	if n := more[0] + more[1]; n > 0 {
		l.cause.note += fmt.Sprintf("; %d bytes came after that and were thrown away", n)
	}
	if ctx.Err() != nil {
		l.worker.drained(stopGrace, nil)
		l.master.drained(stopGrace, nil)
	}
}

// copierTo is the copier that writes to a side.
func (l *link) copierTo(s *side) *copier {
	if l.copiers[0].dst == s {
		return l.copiers[0]
	}
	return l.copiers[1]
}
