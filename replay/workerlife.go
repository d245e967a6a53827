package replay

import (
	"context"
	"time"

	"repltap/wire"
)

// How a worker ails, dies and comes back.

// ail sees what is wrong with the worker from now on.
func (w *worker) ail(now int64) {
	since := time.Duration(now - w.first)
	if w.config.Die.Set && since >= w.config.Die.For && !w.died {
		w.die(now)
	}
	stalled, frozen, next, ok := ailing(w.config.Faults, since)
	if w.config.Die.Set && !w.died && (!ok || w.config.Die.For < next) {
		next, ok = w.config.Die.For, true
	}
	if w.ailsNext = never; ok {
		w.ailsNext = w.first + int64(next)
	}
	if reads := !w.stalled && !w.frozen; reads != (!stalled && !frozen) && w.conn != nil {
		w.conn.stalls(now, reads)
	}
	w.stalled, w.frozen = stalled, frozen
}

// die ends the process without a word.
func (w *worker) die(now int64) {
	w.died = true
	w.hangUp("killed", "worker", "")
	if !w.config.Back.Set {
		w.over = true
		return
	}
	w.backAt = now + int64(w.config.Back.For)
	w.await()
}

// comeBack is the start of the next process.
func (w *worker) comeBack() {
	w.backAt, w.dialAt = never, 0
	w.restart(w.follower.Release(), true)
}

// restart begins anew where the worker stands. What only memory held is at its
// beginning again if the process is another one.
func (w *worker) restart(r wire.Release, another bool) {
	w.await()
	streams := carriedStreams(&w.config, w.follower, r, another)
	if err := w.begin(r, streams, startOfAll(w.config.Start)); err != nil {
		w.err, w.over = err, true
	}
	w.life, w.kill = context.WithCancel(w.ctx)
}

// await ends dials and fetches and waits for that.
func (w *worker) await() {
	w.kill()
	done := make(chan struct{})
	go func() { w.group.Wait(); close(done) }()
	for waiting := true; waiting; {
		select {
		case <-done:
			waiting = false
		case d := <-w.dials:
			if d.conn != nil {
				d.conn.Close()
			}
		case <-w.answers:
		}
	}
	w.dialing, w.assumed = false, nil
	if w.fetcher != nil {
		w.fetcher.close()
	}
}
