package proxy

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"

	"repltap/journal"
	"repltap/wire"
)

func gated(queue int64, block bool) (func(*RecorderOptions, *Tap, *sink), chan struct{}) {
	gate := make(chan struct{})
	return func(o *RecorderOptions, _ *Tap, s *sink) { o.Queue, o.Block, s.gate = queue, block, gate }, gate
}

// through sends data from the master to the worker and compares.
func through(t *testing.T, worker, master net.Conn, data []byte) {
	t.Helper()
	go send(t, master, data)
	expect(t, worker, data)
}

// With a sink that has stopped the traffic flows, and what could not be queued
// is accounted for to the byte and the line.
func TestOverflowLeavesAGap(t *testing.T) {
	change, gate := gated(300_000, false)
	r := newRig(t, change)
	worker, master := r.pair()
	data := text(4_000_000, 1)
	through(t, worker, master, data)
	if q, most := r.tap.Recorder.QueueBytes(), int64(300_000+4*entryCost); q > most {
		t.Errorf("%d bytes are queued, at most %d may be", q, most)
	}
	close(gate) // the sink comes back, and with it the recording
	until(t, "what was queued is told", func() bool { return r.tap.Recorder.QueueBytes() == 0 })
	after := text(100_000, 2)
	through(t, worker, master, after)
	worker.Close()
	master.Close()
	r.sink.waitClose(t, 1)

	st := r.sink.stream(t, 1, wire.S2C)
	st.matches(t, append(data, after...))
	if len(st.gaps) != 1 || st.gap < 3_000_000 {
		t.Errorf("%d bytes missing in %d gaps", st.gap, len(st.gaps))
	}
	if n := value(t, r.reg, "repltap_gap_bytes_total", ReasonQueueFull); int64(n) != st.gap {
		t.Errorf("%v bytes counted", n)
	}
	if n := value(t, r.reg, "repltap_gaps_total", ReasonQueueFull); n != 1 {
		t.Errorf("%v gaps counted", n)
	}
}

// A gap that nothing followed is told with the end.
func TestGapAtTheEnd(t *testing.T) {
	change, gate := gated(100_000, false)
	r := newRig(t, change)
	worker, master := r.pair()
	through(t, worker, master, text(1_000_000, 1))
	worker.Close()
	master.Close()
	until(t, "the connection is over", func() bool { return len(r.tap.Status().Connections) == 0 })
	close(gate)
	ev := r.sink.waitClose(t, 1)
	if st := r.sink.stream(t, 1, wire.S2C); *ev.S2C != 1_000_000 || len(st.gaps) != 1 || len(st.eof) != 1 {
		t.Errorf("%d bytes, %d gaps, ends %+v", *ev.S2C, len(st.gaps), st.eof)
	}
}

// A sink that is slow but moves, many connections, a small queue: whatever is
// dropped, the books balance (newRig checks that at the end).
func TestSlowSinkBalances(t *testing.T) {
	change, gate := gated(200_000, false)
	r := newRig(t, change)
	const conns = 8
	var all sync.WaitGroup
	for i := range uint64(conns) {
		worker, master := r.pair()
		data := text(1_000_000, i)
		all.Go(func() { sendChopped(t, master, data, i) })
		all.Go(func() { receive(t, worker, data); worker.Close() })
	}
	received := make(chan struct{})
	go func() { all.Wait(); close(received) }()
	for moves := gate; moves != nil; {
		select {
		case moves <- struct{}{}:
			runtime.Gosched()
		case <-received:
			moves = nil
		}
	}
	close(gate)
	for i := range uint64(conns) {
		r.sink.waitClose(t, i+1)
	}
}

// The policy block prefers the journal: with a tiny queue nothing is lost.
func TestBlockLosesNothing(t *testing.T) {
	change, gate := gated(1000, true)
	r := newRig(t, change)
	worker, master := r.pair()
	const size = 3_000_000
	data := text(size, 1)
	go sendChopped(t, master, data, 1)
	// As long as the sink does not move, the worker gets no more than what is
	// in hand and in the queue.
	if _, err := io.CopyN(io.Discard, worker, 1); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(gate)
		for range 10 {
			gate <- struct{}{}
		}
	}()
	receive(t, worker, data[1:])
	worker.Close()
	r.sink.waitClose(t, 1)
	if st := r.sink.stream(t, 1, wire.S2C); len(st.gaps) != 0 || !bytes.Equal(st.data, data) {
		t.Errorf("%d of %d bytes recorded, %d gaps", len(st.data), size, len(st.gaps))
	}
}

// A stop ends waiting for a sink that has stopped too; what had to be left out
// is a gap.
func TestStopWhileBlocked(t *testing.T) {
	change, gate := gated(1000, true)
	r := newRig(t, change)
	worker, master := r.pair()
	go master.Write(text(5_000_000, 1)) // fails when the tap stops
	if _, err := io.CopyN(io.Discard, worker, 1); err != nil {
		t.Fatal(err)
	}
	until(t, "the sender waits", func() bool { return r.tap.Recorder.QueueBytes() > 1000 })
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	until(t, "the connection is over", func() bool { return len(r.tap.Status().Connections) == 0 })
	close(gate)
	<-stopped
	if ev := r.sink.waitClose(t, 1); ev.How != howShutdown {
		t.Errorf("closed with %+v", ev)
	}
}

// When the sink has stopped for good, connections that come and go must not
// fill the memory either.
func TestUnheardConnections(t *testing.T) {
	s := newSink()
	s.gate = make(chan struct{})
	r := NewRecorder(s, RecorderOptions{Queue: 2000})
	slab := newSlab()
	begin := func() *recording { return r.open(journal.Event{Peer: "p"}) }
	first := begin()
	first.flow(wire.S2C).keep(first.flow(wire.S2C).arrived(), slab.buf[:10], slab, nil)
	const many = 10_000
	for range many {
		rec := begin()
		f := rec.flow(wire.C2S)
		f.keep(f.arrived(), slab.buf[:7], slab, nil)
		f.end(r.now(), cause{how: howFin, by: byWorker})
		rec.close(journal.Event{How: howFin, By: byWorker})
	}
	if q := r.QueueBytes(); q > 2*2000+5*(entryCost+10) {
		t.Errorf("%d bytes are queued", q)
	}
	first.close(journal.Event{How: howFin, By: byMaster})
	slab.release()
	close(s.gate)
	r.Close()
	s.balanced(t)
	var conns, bytes, left int64
	for _, e := range s.all {
		switch e.kind {
		case journal.KindClose:
			conns++
			bytes += *e.ev.C2S
		case journal.KindOpen:
			if n := int64(0); e.ev.Note != "" {
				fmt.Sscanf(e.ev.Note, "stands for %d", &n)
				left += n - 1
			}
		}
	}
	if conns+left != many+1 || bytes != many*7 || left < many/2 {
		t.Errorf("%d connections recorded and %d counted, with %d bytes, of %d with %d", conns, left, bytes, many+1, many*7)
	}
}
