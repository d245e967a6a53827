package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// part is a recorded connection of a worker that is played.
type part struct {
	p      *player
	id     int
	number uint64 // in the run's journal
	rec    *Recorded
	opened int64 // when it began to connect

	pump    *pump // nil: it is not connected
	out     *Outbox
	waiting []waitingSay // what it was to say before it was connected
	unsaid  int64        // lines that it could not say
	backoff *wire.Backoff
	dialErr error // of the last attempt
	dialAt  int64 // when it tries again, 0: it does not
	ready   int64 // when it was connected
	split   wire.Splitter

	greeted, asked, answered bool
	answers                  map[string]bool // streams that POSITION came of
	askedAt                  int64           // when it last asked for streams
	heardAt                  int64           // when bytes last came
	sentAt                   int64           // when bytes last went
	stalled, frozen, still   bool            // still: it does not read, for either of these or its link
	stalledAt                int64           // since when that is noted, 0: it is not
	readAt                   int64           // when it may read again
	s2c                      int64
	heard                    int64 // lines but for PING

	owed        int64 // since when it waits with its end (see mayEnd), 0: it does not
	recordedEnd bool  // the recorded one has ended, by the master
	left        bool  // it has no more to say
	bye         int64 // when its side was closed
	note        string
	gone        bool
	pausedAt    int64
	lag         int64
	shown       shownSample
	stats       Connection
	lastLine    lastLine
}

type waitingSay struct {
	due int64
	act Act
}

// dialledPart is what came of a dial.
type dialledPart struct {
	part *part
	conn *net.TCPConn
	err  error
}

func (c *part) dial(life context.Context) {
	c.dialAt = 0
	p := c.p
	p.tasks.Go(func() {
		d := net.Dialer{Timeout: connectTimeout, KeepAlive: -1}
		conn, err := d.DialContext(life, "tcp", p.cfg.Connect)
		r := dialledPart{part: c, err: err}
		if err == nil {
			r.conn = conn.(*net.TCPConn)
		}
		p.dials <- r // wait, or finish, takes it
	})
}

// dialled: the first of all connections has to come about. A later one is tried
// again as a worker of the release does, as long as the recorded one lasted.
func (c *part) dialled(d dialledPart) {
	p := c.p
	now := p.clock.now()
	if d.err == nil && c.gone {
		d.conn.Close()
		return
	}
	if d.err == nil {
		c.pump, d.err = newPump(d.conn, p.clock, p.reports)
		if d.err != nil {
			d.conn.Close()
		}
	}
	switch {
	case c.gone, errors.Is(d.err, context.Canceled):
	case d.err != nil && !p.times.begun && isLocal(d.err):
		p.fault = fmt.Errorf("connecting to %s: %w", p.cfg.Connect, unwrapDial(d.err))
		c.drop()
	case d.err != nil && !p.times.begun:
		p.fault = &NoMasterError{p.cfg.Connect, unwrapDial(d.err)}
		c.drop()
	case d.err != nil:
		p.result.note("the master could not be reached again at once: " + unwrapDial(d.err).Error())
		c.dialErr, c.dialAt = d.err, now+int64(c.backoff.Next())
	default:
		c.connected(now)
	}
}

func (c *part) connected(now int64) {
	p := c.p
	p.byPump[c.pump] = c
	c.ready, c.number = now, p.notes.conn(c.id)
	c.stats.Conn = c.number
	p.notes.add(note{t: now, conn: c.number, kind: journal.KindOpen, event: journal.Event{
		Peer: c.pump.conn.LocalAddr().String(), Upstream: c.pump.conn.RemoteAddr().String(), Plays: c.rec.Conn,
	}})
	c.out.open(now, c.rec.pings)
	for i := range c.waiting {
		c.say(now, c.waiting[i].due, &c.waiting[i].act)
	}
	c.waiting = nil
	if c.recordedEnd {
		c.end(now)
	}
}

// say sends a line of the recorded worker. Its first PING follows its name, or
// whatever it says first.
func (c *part) say(now, due int64, a *Act) {
	if c.pump == nil {
		if len(c.waiting) < SynapseLimits.MaxQueue {
			c.waiting = append(c.waiting, waitingSay{due, *a})
		} else {
			c.unsaid++
		}
		return
	}
	c.p.dues = append(c.p.dues, max(due, c.ready))
	line := c.p.cfg.Retell.line(a, now)
	if a.Kind == ActCut {
		c.out.Cut(now, a.Line)
		return
	}
	if err := c.out.Send(now, line); err != nil {
		c.p.result.note(err.Error())
	}
	if !c.greeted && c.rec.pings {
		c.out.Send(now, pingLine(now))
	}
	if c.greeted = true; a.Ask {
		c.asked, c.askedAt = true, now
	}
}

// due does what is due by itself.
func (c *part) due(life context.Context, now int64) {
	if c.dialAt != 0 && now >= c.dialAt {
		c.dial(life)
	}
	if c.owed != 0 {
		c.mayEnd(now)
	}
	if c.pump == nil || c.gone {
		return
	}
	if !c.frozen {
		c.out.Tick(now)
	}
	c.look(now)
	if c.bye != 0 && now-c.bye > farewellPatience {
		c.hangUp(ending{how: "fin", by: "worker", note: c.note})
	}
}

// next is when something is due by itself.
func (c *part) next(now int64) int64 {
	at := never
	if c.dialAt != 0 {
		at = c.dialAt
	}
	if c.pump == nil {
		if c.owed != 0 {
			at = min(at, c.owed+dialPatience)
		}
		return at
	}
	if t, ok := c.out.NextTick(); ok && !c.frozen {
		at = min(at, t)
	}
	if c.readAt > now {
		at = min(at, c.readAt)
	}
	if c.owed != 0 {
		at = min(at, max(c.heardAt, c.owed)+quietFor, c.owed+maxOwed)
	}
	if c.bye != 0 {
		at = min(at, c.bye+farewellPatience+1)
	}
	if c.p.times.begun {
		since := time.Duration(now - c.p.times.real)
		for _, s := range c.p.cfg.Link.Stalls {
			for _, t := range []time.Duration{s.At, s.At + s.For} {
				if t > since {
					at = min(at, now+int64(t-since))
				}
			}
		}
	}
	return at
}

// drain offers the kernel what there is to be written.
func (c *part) drain() {
	for c.pump != nil && !c.gone && !c.pump.writing {
		pending := c.out.Pending()
		if len(pending) == 0 {
			c.written()
			return
		}
		n, full, err := writeNow(c.pump.raw, pending)
		c.took(c.p.clock.now(), n)
		switch {
		case err != nil:
			c.lost(err)
		case full && !c.gone:
			if pending = c.out.Pending(); len(pending) > 0 {
				c.pump.askWrite(pending)
			}
		}
	}
}

// took notes what the kernel took.
func (c *part) took(now int64, n int) {
	if n > 0 {
		sent := bytes.Clone(c.out.Pending()[:n])
		c.p.notes.add(note{t: now, conn: c.number, dir: wire.C2S, data: sent, offset: c.stats.Sent})
		c.stats.Sent += int64(n)
		c.p.result.Bytes += int64(n)
		c.p.moved, c.sentAt = now, now
		c.lastLine.see(sent)
	}
	if err := c.out.Took(now, n); err != nil {
		c.p.result.note(err.Error())
		c.hangUp(ending{how: "error", by: "worker", err: err.Error()})
	}
}
