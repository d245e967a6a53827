package proxy

import (
	"io"
	"sync"
	"testing"

	"repltap/wire"
)

// A stop in the middle of everything: streams that flow, a reader that has
// stopped, a worker that never spoke, a half-closed connection.
func TestStopInTheMiddle(t *testing.T) {
	r := newRig(t)
	var players sync.WaitGroup
	for i := range uint64(6) {
		worker, master := r.pair()
		players.Go(func() { master.Write(text(50_000_000, i)) }) // until the tap ends it
		players.Go(func() { io.Copy(io.Discard, worker) })
	}
	stuck, flood := r.pair()
	players.Go(func() { flood.Write(text(5_000_000, 9)) })
	r.pair()
	half, _ := r.pair()
	half.CloseWrite()
	r.sink.wait(t, "a few chunks and the half-close", func(all []told) bool {
		n, eof := 0, false
		for _, e := range all {
			if e.kind == kindChunk {
				n++
			}
			eof = eof || e.conn == 9 && e.ev.How == howFin
		}
		return n > 100 && eof
	})
	r.stop()
	if n := len(r.tap.Status().Connections); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	for conn := range uint64(9) {
		if ev := r.sink.waitClose(t, conn+1); ev.How != howShutdown || ev.By != byTap {
			t.Errorf("conn %d closed with %+v", conn+1, ev)
		}
	}
	if !r.refused() {
		t.Error("the tap still listens")
	}
	stuck.Close()
	players.Wait()
}

// What was read when the stop came is delivered to a peer that takes it, and
// the peers see an orderly end.
func TestStopDelivers(t *testing.T) {
	r := newRig(t)
	worker, master := r.pair()
	data := text(60_000, 1)
	send(t, master, data)
	until(t, "the data is read", func() bool {
		s := r.tap.Status()
		return len(s.Connections) == 1 && s.Connections[0].S2C == int64(len(data))
	})
	r.stop()
	expect(t, worker, data)
	expectEOF(t, worker)
	expectEOF(t, master)
	if st := r.sink.stream(t, 1, wire.S2C); len(st.eof) != 0 {
		t.Errorf("the master is said to have ended: %+v", st.eof)
	}
}
