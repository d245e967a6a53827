package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"repltap/journal"
	"repltap/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit is how long a test waits for what must come; nothing is measured by it.
const limit = 60 * time.Second

// told is one call that a sink got.
type told struct {
	t      int64
	conn   uint64
	dir    wire.Direction
	kind   journal.Kind // kindChunk: bytes
	offset int64
	data   []byte
	ev     journal.Event
}

// sink keeps what it is told. It can be held up.
type sink struct {
	mu   sync.Mutex
	cond *sync.Cond
	all  []told
	deaf bool          // keeps no chunks
	gate chan struct{} // when not nil, each chunk needs one from it; closed: no more
}

func newSink() *sink {
	s := &sink{}
	s.cond = sync.NewCond(&s.mu)
	return s
}

func (s *sink) add(e told) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, e)
	s.cond.Broadcast()
}

func (s *sink) Open(t int64, conn uint64, ev journal.Event) {
	s.add(told{t: t, conn: conn, kind: journal.KindOpen, ev: ev})
}

func (s *sink) Chunk(t int64, conn uint64, dir wire.Direction, offset int64, data []byte) {
	if s.gate != nil {
		<-s.gate
	}
	if s.deaf {
		return
	}
	s.add(told{t: t, conn: conn, dir: dir, offset: offset, data: bytes.Clone(data)})
}

func (s *sink) Gap(t int64, conn uint64, dir wire.Direction, ev journal.Event) {
	s.add(told{t: t, conn: conn, dir: dir, kind: journal.KindGap, ev: ev})
}

func (s *sink) Event(t int64, conn uint64, dir wire.Direction, kind journal.Kind, ev journal.Event) {
	s.add(told{t: t, conn: conn, dir: dir, kind: kind, ev: ev})
}

func (s *sink) Close(t int64, conn uint64, ev journal.Event) {
	s.add(told{t: t, conn: conn, kind: journal.KindClose, ev: ev})
}

// wait blocks until f holds for what was told.
func (s *sink) wait(t testing.TB, what string, f func([]told) bool) {
	t.Helper()
	late := time.AfterFunc(limit, s.cond.Broadcast)
	defer late.Stop()
	end := time.Now().Add(limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	for !f(s.all) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come; told so far: %s", what, summary(s.all))
		}
		s.cond.Wait()
	}
}

// waitClose waits for the end of a connection and returns what was said of it.
func (s *sink) waitClose(t testing.TB, conn uint64) journal.Event {
	t.Helper()
	var ev journal.Event
	s.wait(t, fmt.Sprintf("the close of connection %d", conn), func(all []told) bool {
		for _, e := range all {
			if e.kind == journal.KindClose && e.conn == conn {
				ev = e.ev
				return true
			}
		}
		return false
	})
	return ev
}

func summary(all []told) string {
	var b strings.Builder
	for _, e := range all[max(0, len(all)-30):] {
		fmt.Fprintf(&b, "\n\tconn %d %s kind %d offset %d +%d %s %s", e.conn, e.dir, e.kind, e.offset, len(e.data), e.ev.How, e.ev.By)
	}
	return b.String()
}

// stream is what a sink was told of one direction of one connection.
type stream struct {
	data        []byte // with zeros for what is missing
	chunks, gap int64  // bytes
	gaps        []gapSeen
	eof         []journal.Event
}

type gapSeen struct {
	offset, bytes, lines int64
	midLine              bool
}

// matches checks what was recorded against what was sent, line counts of the
// gaps included.
func (st stream) matches(t testing.TB, sent []byte) {
	t.Helper()
	if len(st.data) != len(sent) {
		t.Errorf("%d bytes in chunks and gaps, %d were sent", len(st.data), len(sent))
		return
	}
	sent = bytes.Clone(sent)
	for _, g := range st.gaps {
		missing := sent[g.offset : g.offset+g.bytes]
		if n := int64(bytes.Count(missing, newline)); n != g.lines {
			t.Errorf("a gap says %d lines, it has %d", g.lines, n)
		}
		if cut := missing[len(missing)-1] != '\n'; cut != g.midLine {
			t.Errorf("a gap ends inside a line: %v; it says %v", cut, g.midLine)
		}
		clear(missing)
	}
	if !bytes.Equal(st.data, sent) {
		t.Error("what was recorded is not what was sent")
	}
}

// stream checks that offsets and gaps fit together without a seam.
func (s *sink) stream(t testing.TB, conn uint64, dir wire.Direction) stream {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var st stream
	for _, e := range s.all {
		if e.conn != conn || e.dir != dir {
			continue
		}
		switch e.kind {
		case kindChunk:
			if e.offset != st.chunks+st.gap {
				t.Errorf("conn %d %s: a chunk at offset %d, but %d bytes and gaps of %d before it", conn, dir, e.offset, st.chunks, st.gap)
			}
			st.chunks += int64(len(e.data))
			st.data = append(st.data, e.data...)
		case journal.KindGap:
			st.gaps = append(st.gaps, gapSeen{st.chunks + st.gap, e.ev.Bytes, e.ev.Lines, e.ev.MidLine})
			st.gap += e.ev.Bytes
			st.data = append(st.data, make([]byte, e.ev.Bytes)...)
		case journal.KindEOF:
			st.eof = append(st.eof, e.ev)
		}
	}
	return st
}

// balanced checks forwarded = journalled + gaps for every connection that was
// closed, and that time never went back inside one.
func (s *sink) balanced(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	all := s.all
	s.mu.Unlock()
	last := map[uint64]int64{}
	for _, e := range all {
		if e.t < last[e.conn] {
			t.Errorf("conn %d: time went back by %d ns", e.conn, last[e.conn]-e.t)
		}
		last[e.conn] = e.t
		if e.kind != journal.KindClose {
			continue
		}
		if s.deaf {
			continue
		}
		for dir, want := range map[wire.Direction]int64{wire.S2C: *e.ev.S2C, wire.C2S: *e.ev.C2S} {
			if st := s.stream(t, e.conn, dir); st.chunks+st.gap != want {
				t.Errorf("conn %d %s: %d bytes forwarded, %d journalled and %d in gaps", e.conn, dir, want, st.chunks, st.gap)
			}
		}
	}
}

// logbook keeps log lines.
type logbook struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{}
}

func (b *logbook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, string(p))
	select {
	case b.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (b *logbook) count(part string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.lines {
		if strings.Contains(l, part) {
			n++
		}
	}
	return n
}

func (b *logbook) wait(t testing.TB, part string) {
	t.Helper()
	late := time.After(limit)
	for b.count(part) == 0 {
		select {
		case <-b.more:
		case <-late:
			t.Fatalf("the log never said %q", part)
		}
	}
}

// rig is a tap between a master and workers that the test plays.
type rig struct {
	t      testing.TB
	tap    *Tap
	sink   *sink
	log    *logbook
	reg    *prometheus.Registry
	master *net.TCPListener
	addr   string
	stop   func() // ends the tap and waits for it and its recorder
}

func newRig(t testing.TB, change ...func(*RecorderOptions, *Tap, *sink)) *rig {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, sink: newSink(), reg: prometheus.NewPedanticRegistry(), log: &logbook{more: make(chan struct{}, 1)}, master: ln.(*net.TCPListener)}
	ready := make(chan net.Addr, 1)
	r.tap = &Tap{
		Listen: "127.0.0.1:0", Upstream: ln.Addr().String(), Metrics: NewMetrics(r.reg),
		Log: slog.New(slog.NewTextHandler(r.log, nil)), Ready: func(a net.Addr) { ready <- a },
	}
	o := RecorderOptions{Metrics: r.tap.Metrics}
	for _, f := range change {
		f(&o, r.tap, r.sink)
	}
	r.tap.Recorder = NewRecorder(r.sink, o)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.tap.Serve(ctx) }()
	select {
	case a := <-ready:
		r.addr = a.String()
	case err := <-served:
		t.Fatal(err)
	}
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		r.tap.Recorder.Close()
	})
	t.Cleanup(func() { r.master.Close(); r.stop(); r.sink.balanced(t) })
	return r
}

// dial is a worker that connects to the tap.
func (r *rig) dial() *net.TCPConn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	return tested(r.t, c)
}

// accept is the master's side of the next connection.
func (r *rig) accept() *net.TCPConn {
	r.t.Helper()
	r.master.SetDeadline(time.Now().Add(limit))
	c, err := r.master.Accept()
	if err != nil {
		r.t.Fatal(err)
	}
	return tested(r.t, c)
}

func (r *rig) pair() (worker, master *net.TCPConn) {
	r.t.Helper()
	worker = r.dial()
	return worker, r.accept()
}

// tested keeps a connection from outliving, or holding up, its test.
func tested(t testing.TB, c net.Conn) *net.TCPConn {
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(limit))
	return c.(*net.TCPConn)
}

func send(t testing.TB, c net.Conn, data []byte) {
	t.Helper()
	if _, err := c.Write(data); err != nil {
		t.Errorf("write: %v", err)
	}
}

func expect(t testing.TB, c net.Conn, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil {
		t.Fatalf("got %d of %d bytes: %v", n, len(want), err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("other bytes than were sent")
	}
}

func expectEOF(t testing.TB, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("read: %d bytes, %v; want the end", n, err)
	}
}

// expectReset reads what there is, and wants a reset behind it.
func expectReset(t testing.TB, c net.Conn) []byte {
	t.Helper()
	b, err := io.ReadAll(c)
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("after %d bytes: %v; want a reset", len(b), err)
	}
	return b
}

func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// text is n bytes of lines of odd lengths.
func text(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, 0, n+300)
	for len(b) < n {
		b = fmt.Appendf(b, "RDATA caches master %d [\"%s\"]\n", len(b), strings.Repeat("x", r.IntN(200)))
	}
	return b[:n]
}

// value is that of the metric whose label values are these, in the order of
// the labels' names.
func value(t testing.TB, reg *prometheus.Registry, name string, labels ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var got []string
			for _, l := range m.GetLabel() {
				got = append(got, l.GetValue())
			}
			if f.GetName() == name && slices.Equal(got, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Errorf("no metric %s%q", name, labels)
	return 0
}
