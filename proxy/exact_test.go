package proxy

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"repltap/journal"
	"repltap/wire"
)

// sendChopped writes data in pieces of odd sizes and ends the stream.
func sendChopped(t testing.TB, c *net.TCPConn, data []byte, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	for len(data) > 0 {
		n := min(len(data), 1+r.IntN(1<<r.IntN(18)))
		if _, err := c.Write(data[:n]); err != nil {
			t.Errorf("write: %v", err)
			return
		}
		data = data[n:]
	}
	c.CloseWrite()
}

// receive reads to the end of the stream and compares.
func receive(t testing.TB, c net.Conn, want []byte) {
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came, %d were sent: %v", len(got), len(want), err)
	}
}

func TestEveryByteBothWays(t *testing.T) {
	r := newRig(t)
	const conns, size = 24, 700_001
	var all sync.WaitGroup
	for i := range uint64(conns) {
		worker, master := r.pair() // numbered in this order
		s2c, c2s := text(size+int(i), i), text(size/2+int(i), i+1000)
		all.Go(func() { sendChopped(t, worker, c2s, i) })
		all.Go(func() { sendChopped(t, master, s2c, i) })
		all.Go(func() { receive(t, worker, s2c) })
		all.Go(func() { receive(t, master, c2s) })
		defer func() {
			for dir, want := range map[wire.Direction][]byte{wire.S2C: s2c, wire.C2S: c2s} {
				if got := r.sink.stream(t, i+1, dir); !bytes.Equal(got.data, want) || len(got.gaps) != 0 || len(got.eof) != 1 || got.eof[0].How != howFin {
					t.Errorf("conn %d %s: %d of %d bytes recorded, %d gaps, ends %v", i+1, dir, len(got.data), len(want), len(got.gaps), got.eof)
				}
			}
		}()
	}
	all.Wait()
	for i := range uint64(conns) {
		if ev := r.sink.waitClose(t, i+1); ev.How != howFin || ev.S2CUndelivered != 0 || ev.C2SUndelivered != 0 {
			t.Errorf("conn %d closed with %+v", i+1, ev)
		}
	}
}

// An answer must not be told before its question, although the question's
// copier may come back from its write later than the answer's.
func TestOrderAcrossDirections(t *testing.T) {
	r := newRig(t)
	worker, master := r.pair()
	const rounds = 3000
	go func() {
		defer master.Close()
		buf := make([]byte, 64)
		for {
			n, err := master.Read(buf)
			if err != nil {
				return
			}
			if _, err := master.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	line := []byte("PING 1\n")
	for range rounds {
		send(t, worker, line)
		expect(t, worker, line)
	}
	worker.Close()
	r.sink.waitClose(t, 1)
	want := wire.C2S
	for i, e := range r.sink.all {
		if e.kind != kindChunk {
			continue
		}
		if e.dir != want {
			t.Fatalf("chunk %d goes %s, want %s", i, e.dir, want)
		}
		want = opposite(want)
	}
}

func TestSilentWorkerHearsTheMaster(t *testing.T) {
	r := newRig(t)
	worker, master := r.pair()
	greeting := []byte("SERVER example.org\nPING 1\n")
	send(t, master, greeting)
	expect(t, worker, greeting)
	master.Close()
	expectEOF(t, worker)
	worker.Close()
	ev := r.sink.waitClose(t, 1)
	if ev.How != howFin || ev.By != byMaster || *ev.S2C != int64(len(greeting)) || *ev.C2S != 0 {
		t.Errorf("closed with %+v", ev)
	}
	if first := r.sink.all[0]; first.kind != journal.KindOpen || first.ev.Peer != worker.LocalAddr().String() || first.ev.Upstream != r.tap.Upstream {
		t.Errorf("opened with %+v", first)
	}
}

// A write of up to minRead is never cut by the end of a slab, so where a read
// ended is where the sender paused.
func TestReadsAreNotCut(t *testing.T) {
	c := &copier{slab: newSlab()}
	for range 1000 {
		room := c.room()
		if len(room) < minRead || len(room) > maxRead {
			t.Fatalf("room for %d bytes", len(room))
		}
		c.used += 1 + rand.IntN(len(room))
	}
	c.slab.release()
}
