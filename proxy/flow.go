package proxy

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"repltap/journal"
	"repltap/wire"
)

// Why bytes are missing from a journal that the recorder feeds.
const (
	ReasonQueueFull = "queue full" // the sink could not keep up
	ReasonShutdown  = "shutdown"   // the tap was stopped while a copier waited for room
)

// recording is what the recorder holds of one connection.
type recording struct {
	id    uint64
	r     *Recorder
	flows [2]flow
	mute  bool // nothing of it is recorded; see unheard

	// The consumer's own.
	last  int64 // time of the latest entry told
	waits bool  // entries are being held back
}

// flow is one direction of a connection, as its copier hands it over.
type flow struct {
	rec *recording
	dir wire.Direction
	// mark is twice the number of the batch that the copier's latest chunk went
	// into, plus inHand from a read to the hand-over of what it brought. Only the
	// copier writes it.
	mark atomic.Uint64
	// read counts the bytes read from the sender; only the copier adds to it.
	read atomic.Int64
	gap  *journal.Event // what could not be queued since the last chunk that was
}

const inHand = 1

// open begins the recording of a connection.
func (r *Recorder) open(ev journal.Event) *recording {
	rec := &recording{id: r.nextConn(), r: r}
	rec.flows[0] = flow{rec: rec, dir: wire.S2C}
	rec.flows[1] = flow{rec: rec, dir: wire.C2S}
	if rec.mute = r.queued.Load() > 2*r.limit; !rec.mute {
		r.tell(&entry{t: r.now(), rec: rec, kind: journal.KindOpen, event: &ev}, nil)
	}
	return rec
}

func (rec *recording) flow(d wire.Direction) *flow {
	if d == wire.S2C {
		return &rec.flows[0]
	}
	return &rec.flows[1]
}

// close ends the recording. Both flows have ended.
func (rec *recording) close(ev journal.Event) {
	s2c, c2s := rec.flow(wire.S2C).read.Load(), rec.flow(wire.C2S).read.Load()
	if rec.mute {
		rec.r.leaveOut(rec.id, s2c, c2s)
		return
	}
	ev.S2C, ev.C2S = &s2c, &c2s
	rec.r.tell(&entry{t: rec.r.now(), rec: rec, kind: journal.KindClose, event: &ev}, nil)
}

// arrived stamps what a read brought. What is stamped from here on by the
// other direction is known to be later.
func (f *flow) arrived() int64 {
	f.mark.Store(f.mark.Load() | inHand)
	return f.rec.r.now()
}

// keep hands a chunk over, or notes that it is missing. The slab gets another
// holder if need be; the caller's own hold stays.
func (f *flow) keep(t int64, chunk []byte, s *slab, stop <-chan struct{}) {
	if f.rec.mute {
		f.emptyHand()
		f.read.Add(int64(len(chunk)))
		return
	}
	e := entry{t: t, rec: f.rec, kind: kindChunk, dir: f.dir, data: chunk, slab: s, offset: f.read.Load(), event: f.gap}
	if f.rec.r.put(&e, f, stop) {
		f.gap = nil
	} else {
		f.miss(t, chunk, stop)
	}
	f.read.Add(int64(len(chunk)))
}

func (f *flow) emptyHand() { f.mark.Store(f.mark.Load() &^ inHand) }

// miss adds a chunk to the gap.
func (f *flow) miss(t int64, chunk []byte, stop <-chan struct{}) {
	f.emptyHand()
	begun := 0
	if f.gap == nil {
		begun = 1
		f.gap = &journal.Event{From: t, Reason: f.rec.r.queueFull()}
		select {
		case <-stop:
			f.gap.Reason = ReasonShutdown
		default:
		}
	}
	f.gap.To = t
	f.gap.Bytes += int64(len(chunk))
	f.gap.Lines += int64(bytes.Count(chunk, newline))
	f.gap.MidLine = !bytes.HasSuffix(chunk, newline)
	f.rec.r.metrics.gap(f.gap.Reason, begun, int64(len(chunk)))
}

var newline = []byte{'\n'}

// note tells what happened on the way; any goroutine may. There is no end to how
// many notes a connection can have, so they too are bounded: at twice the limit,
// where connections are left out whole, so are they.
func (f *flow) note(t int64, kind journal.Kind, ev journal.Event) {
	if r := f.rec.r; !f.rec.mute && r.queued.Load() <= 2*r.limit {
		r.tell(&entry{t: t, rec: f.rec, kind: kind, dir: f.dir, event: &ev}, nil)
	}
}

// end tells of a gap that nothing followed, and how the sender ended, if that
// is what brought the copier to its end.
func (f *flow) end(t int64, c cause) {
	if f.gap != nil && !f.rec.mute {
		f.rec.r.tell(&entry{t: t, rec: f.rec, kind: journal.KindGap, dir: f.dir, event: f.gap}, nil)
	}
	f.gap = nil
	if c.how == howClosed || f.rec.mute {
		f.emptyHand()
		return
	}
	ev := c.event()
	f.rec.r.tell(&entry{t: t, rec: f.rec, kind: journal.KindEOF, dir: f.dir, event: &ev}, f)
}

// unheard is what the recorder knows of connections that it left out whole.
// What must not be dropped is a few entries a connection, but where the sink
// has stopped for good while workers come and go for days, even these have to
// be bounded. So at twice the limit new connections are only counted, and told
// when there is room again: as one, which has the number of the first to end
// and gaps for all the bytes of the others too.
type unheard struct {
	conns    int
	first    uint64
	from, to int64
	s2c, c2s int64
}

func (r *Recorder) leaveOut(conn uint64, s2c, c2s int64) {
	t := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	u := &r.unheard
	if u.conns == 0 {
		u.first, u.from = conn, t
	}
	u.conns++
	u.to = t
	u.s2c += s2c
	u.c2s += c2s
	r.metrics.gap(ReasonQueueFull, 1, s2c+c2s)
}

// confess queues what leaveOut counted; it is called with the lock.
func (r *Recorder) confess() {
	u := r.unheard
	if u.conns == 0 {
		return
	}
	r.unheard = unheard{}
	rec := &recording{id: u.first, r: r}
	push := func(kind journal.Kind, dir wire.Direction, ev journal.Event) {
		r.push(&entry{t: u.to, rec: rec, kind: kind, dir: dir, event: &ev})
	}
	push(journal.KindOpen, noDirection, journal.Event{Note: fmt.Sprintf("stands for %d connections that were left out whole", u.conns)})
	for dir, n := range map[wire.Direction]int64{wire.S2C: u.s2c, wire.C2S: u.c2s} {
		if n > 0 {
			push(journal.KindGap, dir, journal.Event{Bytes: n, Lines: -1, MidLine: true, From: u.from, To: u.to, Reason: ReasonQueueFull})
		}
	}
	push(journal.KindClose, noDirection, journal.Event{S2C: &u.s2c, C2S: &u.c2s, How: "unknown", By: byTap})
}
