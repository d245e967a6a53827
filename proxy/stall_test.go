package proxy

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"testing"

	"repltap/journal"
	"repltap/wire"
)

// kernelTells says that the kernel says what it holds.
const kernelTells = runtime.GOOS == "linux"

// notes are the stalls and resumes that were told of one direction.
func (s *sink) notes(conn uint64, dir wire.Direction) (all []told) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.all {
		if e.conn == conn && e.dir == dir && (e.kind == journal.KindStall || e.kind == journal.KindResume) {
			all = append(all, e)
		}
	}
	return all
}

func (s *sink) waitNote(t *testing.T, dir wire.Direction, kind journal.Kind, n int) {
	t.Helper()
	s.wait(t, kind.String(), func(all []told) bool {
		found := 0
		for _, e := range all {
			if e.dir == dir && e.kind == kind {
				found++
			}
		}
		return found >= n
	})
}

// flood sends from one side until the other end, which must not read, makes
// the tap note a stall. It returns how to read what is sent then.
func flood(t *testing.T, r *rig, from *net.TCPConn, dir wire.Direction, data []byte) (sent chan error) {
	t.Helper()
	from.SetWriteBuffer(64 << 10)
	sent = make(chan error, 1)
	go func() {
		_, err := from.Write(data)
		sent <- err
	}()
	r.sink.waitNote(t, dir, journal.KindStall, 1)
	return sent
}

const floodSize = 8 << 20 // more than the kernel holds on both sides

// A reader that stops is noted while it stops, and when it reads again.
func TestStallAndResume(t *testing.T) {
	ways(t, func(t *testing.T, r *rig, from, to *net.TCPConn, dir wire.Direction) {
		to.SetReadBuffer(64 << 10)
		data := text(floodSize, 1)
		before := r.tap.Recorder.now()
		sent := flood(t, r, from, dir, data)
		d := dir.String()
		if n, now := value(t, r.reg, "repltap_stalls_total", d), value(t, r.reg, "repltap_stalled_connections", d); n != 1 || now != 1 {
			t.Errorf("%v stalls counted, %v of them now", n, now)
		}
		first := value(t, r.reg, "repltap_stall_seconds_total", d)
		if first < stallAfter.Seconds() || value(t, r.reg, "repltap_stall_seconds_total", d) <= first {
			t.Error("the seconds of a stall that lasts do not count up")
		}
		status := r.tap.Status().Connections[0]
		if len(status.Stalls) != 1 || status.Stalls[0].Direction != d || kernelTells && (status.Stalls[0].Unsent == 0 || status.Stalls[0].Unread == 0) {
			t.Errorf("status %+v", status)
		}
		got := make([]byte, len(data))
		if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, data) {
			t.Errorf("what came is not what was sent: %v", err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		r.sink.waitNote(t, dir, journal.KindResume, 1)
		from.Close()
		expectEOF(t, to)
		to.Close()
		r.sink.waitClose(t, 1)
		checkPairs(t, r.sink.notes(1, dir), before)
		if n := r.sink.notes(1, opposite(dir)); len(n) != 0 {
			t.Errorf("the other direction has %+v", n)
		}
		if now := value(t, r.reg, "repltap_stalled_connections", d); now != 0 {
			t.Errorf("%v connections are stalled after the end", now)
		}
		if st := r.sink.stream(t, 1, dir); !bytes.Equal(st.data, data) {
			t.Error("the recording is another")
		}
	})
}

// checkPairs wants stall and resume in turn, with times that fit together, and
// with what the kernel held.
func checkPairs(t *testing.T, notes []told, after int64) {
	t.Helper()
	if len(notes) == 0 || len(notes)%2 != 0 {
		t.Fatalf("%d notes", len(notes))
	}
	for i := 0; i < len(notes); i += 2 {
		begin, end := notes[i], notes[i+1]
		if begin.kind != journal.KindStall || end.kind != journal.KindResume {
			t.Fatalf("%v, then %v", begin.kind, end.kind)
		}
		if begin.ev.From < after || begin.t-begin.ev.From < int64(stallAfter) || begin.ev.To != 0 {
			t.Errorf("a stall at %d from %d to %d", begin.t, begin.ev.From, begin.ev.To)
		}
		if end.ev.From != begin.ev.From || end.ev.To != end.t || end.t < begin.t {
			t.Errorf("a resume at %d from %d to %d", end.t, end.ev.From, end.ev.To)
		}
		if kernelTells && (begin.ev.Unsent == 0 || end.ev.Unread == 0) {
			t.Errorf("held: %d unread, %d unsent at first; %d and %d at last", begin.ev.Unread, begin.ev.Unsent, end.ev.Unread, end.ev.Unsent)
		}
		after = end.ev.To
	}
}

// A reader that never reads again: the stall is on the record while it lasts,
// and the connection's end is its end.
func TestStallForGood(t *testing.T) {
	ends := map[string]func(r *rig, from, to *net.TCPConn){
		"the reader resets":  func(r *rig, from, to *net.TCPConn) { reset(to) },
		"the sender resets":  func(r *rig, from, to *net.TCPConn) { reset(from) },
		"the tap is stopped": func(r *rig, from, to *net.TCPConn) { r.stop() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			ways(t, func(t *testing.T, r *rig, from, to *net.TCPConn, dir wire.Direction) {
				sent := flood(t, r, from, dir, text(floodSize, 1))
				end(r, from, to)
				<-sent
				r.sink.waitClose(t, 1)
				if n := r.sink.notes(1, dir); len(n) != 1 || n[0].kind != journal.KindStall {
					t.Errorf("told: %+v", n)
				}
				if now := value(t, r.reg, "repltap_stalled_connections", dir.String()); now != 0 {
					t.Errorf("%v connections are stalled after the end", now)
				}
			})
		})
	}
}

// Both directions at once are two stalls.
func TestStallBothWays(t *testing.T) {
	r := newRig(t)
	worker, master := r.pair()
	s2c, c2s := text(floodSize, 1), text(floodSize, 2)
	sent := []chan error{flood(t, r, master, wire.S2C, s2c), flood(t, r, worker, wire.C2S, c2s)}
	if s := r.tap.Status().Connections[0]; len(s.Stalls) != 2 {
		t.Errorf("status %+v", s)
	}
	done := make(chan struct{})
	go func() { defer close(done); expect(t, master, c2s) }()
	expect(t, worker, s2c)
	<-done
	for _, s := range sent {
		if err := <-s; err != nil {
			t.Error(err)
		}
	}
	for _, d := range directions {
		r.sink.waitNote(t, d, journal.KindResume, 1)
		checkPairs(t, r.sink.notes(1, d), 0)
	}
}

// A late timer finds the copier gone on, or waiting anew: no stall either way.
func TestStallTimerTooLate(t *testing.T) {
	r := newRig(t)
	worker, _ := r.pair()
	dst, err := newSide(byWorker, wire.C2S, worker)
	if err != nil {
		t.Fatal(err)
	}
	s := &stallWatch{live: r.tap.Metrics.stalls, flow: &flow{dir: wire.S2C}, dst: dst}
	s.look()
	s.wait()
	s.look()
	if !s.waiting || s.begun {
		t.Errorf("waiting %v, begun %v", s.waiting, s.begun)
	}
	s.done()
	s.look()
	if n, total, now := s.live.read(wire.S2C); n != 0 || total != 0 || now != 0 {
		t.Errorf("%d stalls of %v, %d now", n, total, now)
	}
}

// A sink that has stopped for good does not make stalls pile up in memory.
func TestStallNotesAreBounded(t *testing.T) {
	r := still(newSink())
	rec := r.open(journal.Event{})
	f := rec.flow(wire.S2C)
	for range 3 * r.limit / entryCost {
		f.note(r.now(), journal.KindStall, journal.Event{})
	}
	if q := r.QueueBytes(); q > 2*r.limit+entryCost {
		t.Errorf("%d bytes queued with a limit of %d", q, r.limit)
	}
}

// BenchmarkWait is what a write that has to wait for a moment costs more.
func BenchmarkWait(b *testing.B) {
	r := benchRig(b)
	worker, _ := r.pair()
	dst, err := newSide(byWorker, wire.C2S, worker)
	if err != nil {
		b.Fatal(err)
	}
	s := &stallWatch{live: r.tap.Metrics.stalls, flow: &flow{dir: wire.S2C}, dst: dst}
	for b.Loop() {
		s.wait()
		s.wrote(1)
		s.done()
	}
}
