package replay_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"repltap/replay"
	"repltap/wire"
)

// What goes between the two sides of a scenario, and begins and ends of
// connections.

// connect makes the next connection, with the greeting of whoever is told by the
// scenario.
func (r *scenarioRun) connect() {
	r.conn = max(r.conn, r.other) + 1
	r.back = 0
	if r.side != "worker" {
		r.connectMaster(r.conn, "w1")
	} else {
		r.opened(r.conn)
		r.said(r.conn, wire.S2C, []byte("SERVER example.com\n"))
		r.said(r.conn, wire.S2C, fmt.Appendf(nil, "PING %d\n", r.now/int64(time.Millisecond)))
	}
	if r.worker != nil {
		r.backoff.Connected()
		r.did(r.worker.Connected(r.conn, r.now))
	}
}

func (r *scenarioRun) connectMaster(conn int, name string) {
	r.opened(conn)
	r.master.Connect(r.now, conn)
	if r.worker == nil || name != "w1" {
		r.said(conn, wire.C2S, []byte("NAME "+name+"\n"))
		r.said(conn, wire.C2S, fmt.Appendf(nil, "PING %d\n", r.now/int64(time.Millisecond)))
	}
}

func (r *scenarioRun) opened(conn int) {
	r.open[conn] = true
	r.wire = append(r.wire, wireEvent{at: r.now, conn: conn, event: "open"})
}

// lost ends the last connection, if it is still there, and waits as the worker
// does before it connects again.
func (r *scenarioRun) lost() {
	r.gone("lost")
	if r.back > 0 {
		r.now = max(r.now, r.back)
	}
}

// gone says that the last connection ended.
func (r *scenarioRun) gone(how string) {
	if !r.open[r.conn] {
		return
	}
	r.open[r.conn] = false
	r.ends = append(r.ends, how)
	if end := map[string]string{"worker": "eof_c2s", "master": "eof_s2c"}[how[strings.LastIndex(how, " ")+1:]]; end != "" {
		r.wire = append(r.wire, wireEvent{at: r.now, conn: r.conn, event: end})
	}
	r.wire = append(r.wire, wireEvent{at: r.now, conn: r.conn, event: "close"})
	if r.master != nil {
		r.master.Lost(r.conn)
	}
	if r.worker != nil {
		r.did(r.worker.Lost(r.conn))
		wait := r.backoff.Next()
		r.waits = append(r.waits, wait)
		r.back = r.now + int64(wait)
	}
}

// said takes what a side sends, in the words of the scenario or by itself, to
// the other one and to the record.
func (r *scenarioRun) said(conn int, dir wire.Direction, text []byte) {
	if !r.open[conn] {
		return
	}
	r.wire = append(r.wire, wireEvent{at: r.now, conn: conn, dir: dir, text: text})
	key := fmt.Sprint(conn, dir)
	if r.halves[key] == nil {
		r.halves[key] = &wire.Splitter{}
	}
	for piece := range r.halves[key].Split(text) {
		piece.Text = bytes.Clone(piece.Text)
		switch {
		case dir == wire.S2C && r.worker != nil && conn == r.conn:
			r.pending = append(r.pending, func() { r.did(r.worker.Receive(conn, r.now, piece)) })
		case dir == wire.C2S && r.master != nil:
			r.pending = append(r.pending, func() { r.master.Receive(r.now, conn, piece) })
		}
	}
}

// settle lets all that was said arrive.
func (r *scenarioRun) settle() {
	for {
		r.tookPart()
		if len(r.pending) == 0 {
			return
		}
		next := r.pending[0]
		r.pending = r.pending[1:]
		next()
	}
}

// tookPart takes what the master did. The kernel takes all at once.
func (r *scenarioRun) tookPart() {
	if r.master == nil {
		return
	}
	for _, e := range slices.Clone(r.master.Events.Take()) {
		switch e.Kind {
		case replay.EventLine:
			r.said(e.Conn, wire.S2C, append(bytes.Clone(e.Line), '\n'))
		case replay.EventRowLost:
			r.rowsLost++
		case replay.EventRoundFailed:
			r.failed++
		case replay.EventClose:
			r.after(e.Conn, "closed by the master")
		case replay.EventDrop:
			r.after(e.Conn, "dropped by the master")
		case replay.EventServerUp:
			r.master.ServerUp(r.now, e.Line)
		}
	}
	for conn, open := range r.open {
		if o := r.master.Outbox(conn); open && o != nil {
			r.master.Took(r.now, conn, len(o.Pending()))
		}
	}
}

// after ends a connection when what was said before has arrived.
func (r *scenarioRun) after(conn int, how string) {
	r.pending = append(r.pending, func() {
		if conn == r.conn {
			r.gone(how)
		}
	})
}

// did does and notes what a worker did.
func (r *scenarioRun) did(effects []wire.Effect) {
	for _, e := range effects {
		s := r.stream(e.Stream)
		switch e.Kind {
		case wire.EffectWrite:
			r.said(e.Conn, wire.C2S, append(bytes.Clone(e.Line), '\n'))
		case wire.EffectClose:
			r.after(e.Conn, "closed by the worker")
		case wire.EffectCrash:
			r.after(e.Conn, "dropped by the worker")
		case wire.EffectFinished:
			r.backoff.Finished()
		case wire.EffectFetch:
			s.asked(e)
			if e.Query {
				e.Line, e.Rows = nil, nil
				r.wanted[e.Fetch] = e
			}
		case wire.EffectDeliver:
			s.deliver(e)
		case wire.EffectDiscard:
			s.throw(e.Why.String(), max(1, e.Count))
		case wire.EffectDropBatch:
			s.throw("cut-short", e.Count)
		case wire.EffectFailed:
			s.throw(e.Why.String(), 1)
		}
	}
}
