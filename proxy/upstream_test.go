package proxy

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// until tries until f says that it is done. Workers do the same.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	for end := time.Now().Add(limit); !f(); <-pace.C {
		if time.Now().After(end) {
			t.Fatalf("%s: never", what)
		}
	}
}

func (r *rig) refused() bool {
	c, err := net.Dial("tcp", r.addr)
	if err == nil {
		c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// knock connects a worker and sees it refused: accepted, and then reset.
func (r *rig) knock(t *testing.T) {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err == nil {
		expectReset(t, tested(t, c))
	} else if !errors.Is(err, syscall.ECONNRESET) { // it may come before the dial has looked
		t.Fatal(err)
	}
}

func TestUpstreamDownAndBack(t *testing.T) {
	r := newRig(t)
	worker, master := r.pair()
	r.master.Close()
	r.knock(t)
	if ev := r.sink.waitClose(t, 2); ev.How != howRefused || ev.By != byMaster || ev.Error == "" {
		t.Errorf("closed with %+v", ev)
	}
	until(t, "the tap refuses", r.refused)
	if s := r.tap.Status(); s.UpstreamUp || s.UpstreamError == "" || len(s.Connections) != 1 {
		t.Errorf("status %+v", s)
	}

	// The live connection is not touched.
	send(t, master, []byte("still\n"))
	expect(t, worker, []byte("still\n"))

	ln, err := net.Listen("tcp", r.tap.Upstream)
	if err != nil {
		t.Fatal(err)
	}
	r.master = ln.(*net.TCPListener)
	r.log.wait(t, "upstream is back")
	newWorker := r.dial()
	r.accept() // the probe that found the master again
	send(t, r.accept(), []byte("hello\n"))
	expect(t, newWorker, []byte("hello\n"))
	if s := r.tap.Status(); !s.UpstreamUp || s.UpstreamError != "" {
		t.Errorf("status %+v", s)
	}
	if down, up := r.log.count("upstream is down"), r.log.count("upstream is back"); down != 1 || up != 1 {
		t.Errorf("%d lines of going down and %d of coming back: %q", down, up, r.log.lines)
	}
	if n := len(r.log.lines); n != 2 {
		t.Errorf("%d log lines", n)
	}
}

// Another program may sit on the port when the upstream comes back.
func TestPortTakenMeanwhile(t *testing.T) {
	r := newRig(t)
	r.master.Close()
	r.knock(t)
	var squatter net.Listener
	until(t, "the port is free", func() (ok bool) {
		var err error
		squatter, err = net.Listen("tcp", r.addr)
		return err == nil
	})
	ln, err := net.Listen("tcp", r.tap.Upstream)
	if err != nil {
		t.Fatal(err)
	}
	r.master = ln.(*net.TCPListener)
	r.log.wait(t, "cannot listen again yet")
	squatter.Close()
	r.log.wait(t, "upstream is back")
	r.dial()
	if n := r.log.count("cannot listen again yet"); n != 1 {
		t.Errorf("said %d times", n)
	}
}

// A dial that was overtaken by a better one does not close the listener.
func TestLateFailureIsIgnored(t *testing.T) {
	r := newRig(t)
	began := time.Now()
	r.pair()
	until(t, "connected", func() bool { s := r.tap.Status(); return len(s.Connections) == 1 && s.Connections[0].State == "open" })
	r.tap.upstream.failed(began, syscall.ETIMEDOUT)
	r.tap.upstream.failed(time.Now(), os.NewSyscallError("socket", syscall.EMFILE))
	if s := r.tap.Status(); !s.UpstreamUp {
		t.Error("the upstream counts as down")
	}
	r.pair()
}

func TestUpstreamAcceptsAndResets(t *testing.T) {
	r := newRig(t)
	for range 3 {
		worker := r.dial()
		reset(r.accept())
		expectReset(t, worker)
	}
	if ev := r.sink.waitClose(t, 3); ev.How != howReset || ev.By != byMaster {
		t.Errorf("closed with %+v", ev)
	}
	if s := r.tap.Status(); !s.UpstreamUp {
		t.Error("the upstream counts as down")
	}
}

// slowMaster listens, but its kernel completes no connection beyond the first
// two, so that a dial hangs.
func slowMaster(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: sa.(*syscall.SockaddrInet4).Port}).String()
	for { // until the backlog is full
		c, err := net.DialTimeout("tcp", addr, 300*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { c.Close() })
	}
}

func TestSlowToAccept(t *testing.T) {
	addr := slowMaster(t)
	r := newRig(t, func(_ *RecorderOptions, tap *Tap, _ *sink) { tap.Upstream = addr })
	first, second := r.dial(), r.dial()
	dialing := func(n int) func() bool {
		return func() bool {
			s := r.tap.Status()
			return len(s.Connections) == n && s.Connections[n-1].State == "dialing"
		}
	}
	until(t, "both are being dialled for", dialing(2))
	send(t, first, []byte("NAME w1\n"))
	reset(second) // is noticed although nobody reads from it
	if ev := r.sink.waitClose(t, 2); ev.How != howReset || ev.By != byWorker {
		t.Errorf("closed with %+v", ev)
	}
	until(t, "one is left", dialing(1))
	r.stop()
	expectReset(t, first)
	if ev := r.sink.waitClose(t, 1); ev.How != howShutdown || ev.By != byTap {
		t.Errorf("closed with %+v", ev)
	}
	if !r.tap.Status().UpstreamUp {
		t.Error("the upstream counts as down")
	}
}

func TestStopWhileDown(t *testing.T) {
	r := newRig(t)
	r.master.Close()
	r.knock(t)
	until(t, "the tap refuses", r.refused)
	r.stop()
}

func TestCannotListen(t *testing.T) {
	r := newRig(t)
	rec := NewRecorder(newSink(), RecorderOptions{})
	defer rec.Close()
	second := &Tap{Listen: r.addr, Upstream: r.tap.Upstream, Recorder: rec}
	if err := second.Serve(t.Context()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Serve: %v", err)
	}
	if err := new(Tap).Serve(t.Context()); err == nil {
		t.Error("a tap without a recorder serves")
	}
}
