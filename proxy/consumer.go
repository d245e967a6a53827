package proxy

import (
	"slices"

	"repltap/journal"
)

// run is the consumer.
func (r *Recorder) run() {
	defer close(r.done)
	for {
		batch, number, closing := r.take()
		r.deliver(batch, number, closing)
		if closing {
			if len(batch) == 0 {
				return
			}
			continue
		}
		r.rest(len(batch) > 0)
	}
}

// take gets what is queued, behind what was held back the last time.
func (r *Recorder) take() (batch []entry, number uint64, closing bool) {
	r.mu.Lock()
	queue := r.queue
	r.queue, r.spare, r.fresh = r.spare, nil, 0
	r.batch++
	number, closing = r.batch, r.closing
	r.mu.Unlock()
	r.work = append(append(r.work[:0], r.later...), queue...)
	r.spare, r.later = emptied(queue), emptied(r.later)
	return r.work, number, closing
}

// emptied lets go of what entries held, and of the slice itself when a busy
// time has left it larger than what is worth keeping.
func emptied(s []entry) []entry {
	if cap(s) > spareEntries {
		return nil
	}
	clear(s)
	return s[:0]
}

// deliver tells the sink. Copiers hand over after they have forwarded, so the
// two directions of a connection may come in another order than they were
// read in, an answer before its question. The time of reading says how it was.
func (r *Recorder) deliver(batch []entry, number uint64, final bool) {
	if !slices.IsSortedFunc(batch, byTime) {
		slices.SortStableFunc(batch, byTime)
	}
	for i := range batch {
		batch[i].rec.waits = false
	}
	var done int64
	recent := r.now() - int64(maxWait)
	for i := range batch {
		e := &batch[i]
		if !final && e.early(number, recent) {
			r.later = append(r.later, *e)
			continue
		}
		done += e.cost()
		r.tellSink(e)
		if done >= releaseStep {
			r.release(done)
			done = 0
		}
	}
	r.release(done)
	r.work = emptied(batch)
}

func byTime(a, b entry) int {
	switch {
	case a.t < b.t:
		return -1
	case a.t > b.t:
		return 1
	}
	return 0
}

// early says whether something read before e may still be on its way, because
// the other direction
//   - has had a chunk in hand since before e was taken from the queue, or
//   - has handed one over since this batch was taken.
//
// Then e waits for the next batch, and what follows on its connection with it.
func (e *entry) early(batch uint64, recent int64) bool {
	if e.batch == 0 {
		e.batch = batch
	}
	if !e.rec.waits && e.dir != noDirection && e.t > recent {
		mark := e.rec.flow(opposite(e.dir)).mark.Load()
		last, hand := mark/2, mark&inHand != 0
		e.rec.waits = hand && last < e.batch || last >= batch
	}
	return e.rec.waits
}

// tellSink passes one entry on.
func (r *Recorder) tellSink(e *entry) {
	rec := e.rec
	e.t = max(e.t, rec.last) // two reads at once may be told in either order, but time does not go back
	rec.last = e.t
	switch e.kind {
	case kindChunk:
		if e.event != nil {
			r.sink.Gap(e.t, rec.id, e.dir, *e.event)
		}
		r.sink.Chunk(e.t, rec.id, e.dir, e.offset, e.data)
		e.slab.release()
	case journal.KindOpen:
		r.sink.Open(e.t, rec.id, *e.event)
	case journal.KindGap:
		r.sink.Gap(e.t, rec.id, e.dir, *e.event)
	case journal.KindClose:
		r.sink.Close(e.t, rec.id, *e.event)
		r.observer.forget(rec.id)
	default:
		r.sink.Event(e.t, rec.id, e.dir, e.kind, *e.event)
		r.observer.event(rec.id, e)
	}
}

// release gives room back.
func (r *Recorder) release(n int64) {
	if n == 0 {
		return
	}
	r.mu.Lock()
	r.queued.Add(-n)
	if r.room != nil {
		close(r.room)
		r.room = nil
	}
	r.mu.Unlock()
}

// rest waits until there is something to do: for the tick when there was
// something just now, since more will follow, else for a copier's nudge.
func (r *Recorder) rest(busy bool) {
	r.mu.Lock()
	r.armed = busy || len(r.later) > 0 || len(r.queue) > 0
	if r.armed {
		r.timer.Reset(tick)
	}
	r.mu.Unlock()
	select {
	case <-r.timer.C:
	case <-r.urgent:
	}
}
