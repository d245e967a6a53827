package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"repltap/wire"
)

// ways runs a test with the sender on either side.
func ways(t *testing.T, f func(t *testing.T, r *rig, from, to *net.TCPConn, dir wire.Direction)) {
	for _, dir := range []wire.Direction{wire.S2C, wire.C2S} {
		t.Run(dir.String(), func(t *testing.T) {
			r := newRig(t)
			worker, master := r.pair()
			if dir == wire.S2C {
				f(t, r, master, worker, dir)
			} else {
				f(t, r, worker, master, dir)
			}
		})
	}
}

// sender names the party that sends in a direction.
func sender(d wire.Direction) string {
	if d == wire.S2C {
		return byMaster
	}
	return byWorker
}

// acknowledged waits until the other end's kernel, which is the tap's, has
// all that was written.
func acknowledged(t *testing.T, c *net.TCPConn) {
	t.Helper()
	s, err := newSide("", 0, c)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(limit); s.unsent() > 0; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("the tap does not acknowledge")
		}
	}
}

func TestHalfClose(t *testing.T) {
	ways(t, func(t *testing.T, r *rig, from, to *net.TCPConn, dir wire.Direction) {
		last, reply := text(100_000, 1), text(500_000, 2)
		send(t, from, last)
		from.CloseWrite()
		expect(t, to, last)
		expectEOF(t, to)
		go send(t, to, reply)
		expect(t, from, reply)
		to.Close()
		expectEOF(t, from)
		if ev := r.sink.waitClose(t, 1); ev.How != howFin || ev.By != sender(dir) {
			t.Errorf("closed with %+v", ev)
		}
	})
}

func TestResetIsPassedOn(t *testing.T) {
	ways(t, func(t *testing.T, r *rig, from, to *net.TCPConn, dir wire.Direction) {
		last := text(60_000, 1)
		send(t, from, last)
		expect(t, to, last)
		reset(from)
		if rest := expectReset(t, to); len(rest) != 0 {
			t.Errorf("%d bytes from nowhere", len(rest))
		}
		if ev := r.sink.waitClose(t, 1); ev.How != howReset || ev.By != sender(dir) || ev.Error == "" {
			t.Errorf("closed with %+v", ev)
		}
		if st := r.sink.stream(t, 1, dir); len(st.eof) != 1 || st.eof[0].How != howReset || st.eof[0].By != sender(dir) {
			t.Errorf("the direction ended with %+v", st.eof)
		}
	})
}

// What a sender knew to have arrived before it reset arrives.
func TestBytesBeforeAReset(t *testing.T) {
	ways(t, func(t *testing.T, r *rig, from, to *net.TCPConn, dir wire.Direction) {
		last := text(90_000, 1)
		send(t, from, last)
		acknowledged(t, from)
		reset(from)
		if got := expectReset(t, to); !bytes.Equal(got, last) {
			t.Errorf("%d of %d bytes came before the reset", len(got), len(last))
		}
	})
}

// Nobody reads any more from a side that has ended its sending. Its reset
// must be noticed all the same.
func TestResetAfterHalfClose(t *testing.T) {
	ways(t, func(t *testing.T, r *rig, from, to *net.TCPConn, dir wire.Direction) {
		from.CloseWrite()
		expectEOF(t, to)
		reset(from)
		if ev := r.sink.waitClose(t, 1); ev.How != howReset || ev.By != sender(dir) {
			t.Errorf("closed with %+v", ev)
		}
		_, err := to.Write([]byte("x"))
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("writing after that: %v; want a reset", err)
		}
	})
}

// A worker that closes while the master talks: FIN first, and a reset when the
// master's bytes meet no one.
func TestTalkingToAClosedPeer(t *testing.T) {
	ways(t, func(t *testing.T, r *rig, from, to *net.TCPConn, dir wire.Direction) {
		to.Close()
		expectEOF(t, from)
		var err error
		for err == nil {
			_, err = from.Write([]byte("RDATA\n"))
		}
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("writing: %v; want a reset", err)
		}
		if ev := r.sink.waitClose(t, 1); ev.How != howReset || ev.By != sender(opposite(dir)) {
			t.Errorf("closed with %+v", ev)
		}
	})
}

// stall writes until nothing goes any more and returns what went.
func stall(t *testing.T, r *rig, from *net.TCPConn) int {
	t.Helper()
	block := text(64<<10, 3)
	total := 0
	for {
		from.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := from.Write(block)
		total += n
		if err != nil {
			var ne net.Error
			if !errors.As(err, &ne) || !ne.Timeout() {
				t.Fatalf("write: %v", err)
			}
			from.SetDeadline(time.Now().Add(limit))
			return total
		}
	}
}

// A reader that stops makes the sender stop after what the tap's buffers hold,
// besides the peers' own.
func TestBackPressure(t *testing.T) {
	const peers = 64 << 10
	ways(t, func(t *testing.T, r *rig, from, to *net.TCPConn, dir wire.Direction) {
		from.SetWriteBuffer(peers)
		to.SetReadBuffer(peers)
		// The kernel books twice what was asked for, and may go beyond by what
		// one more segment holds.
		const most = Buffering + 2*peers + 2*peers + 2*(64<<10)
		total := stall(t, r, from)
		if total > most {
			t.Errorf("the sender got rid of %d bytes, want at most %d", total, most)
		}
		t.Logf("held %d bytes, at most %d are stated", total, most)
		n, err := io.CopyN(io.Discard, to, int64(total))
		if err != nil {
			t.Fatalf("after %d of %d bytes: %v", n, total, err)
		}
		if st := r.sink.stream(t, 1, dir); len(st.gaps) != 0 {
			t.Errorf("%d gaps", len(st.gaps))
		}
	})
}

// A sender that gives up on a stalled reader by a reset: the journal has all
// it said, and when; the reader gets what its kernel had, and the reset.
func TestResetOfAStalledStream(t *testing.T) {
	ways(t, func(t *testing.T, r *rig, from, to *net.TCPConn, dir wire.Direction) {
		from.SetWriteBuffer(4096)
		stall(t, r, from)
		reset(from)
		ev := r.sink.waitClose(t, 1)
		if ev.How != howReset || ev.By != sender(dir) {
			t.Errorf("closed with %+v", ev)
		}
		lost, read := ev.S2CUndelivered, *ev.S2C
		if dir == wire.C2S {
			lost, read = ev.C2SUndelivered, *ev.C2S
		}
		if lost == 0 || lost >= read {
			t.Errorf("%d of %d bytes undelivered", lost, read)
		}
		if got := expectReset(t, to); int64(len(got)) > read-lost {
			t.Errorf("%d bytes arrived, %d were delivered", len(got), read-lost)
		}
	})
}

// While one direction is stalled the other goes on, and what it brings is
// told after the chunk that waits.
func TestStallLeavesTheOtherDirectionAlone(t *testing.T) {
	ways(t, func(t *testing.T, r *rig, from, to *net.TCPConn, dir wire.Direction) {
		stall(t, r, from)
		ping := []byte("PING 1\n")
		send(t, to, ping)
		expect(t, from, ping)
		r.sink.wait(t, "the ping", func(all []told) bool {
			return all[len(all)-1].dir == opposite(dir)
		})
		waiting := r.sink.stream(t, 1, dir).chunks
		to.Close()
		expectReset(t, from)
		r.sink.waitClose(t, 1)
		if got := r.sink.stream(t, 1, dir).chunks; got != waiting {
			t.Errorf("%d bytes were told before the ping, %d of them after it", got, got-waiting)
		}
	})
}
