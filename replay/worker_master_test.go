package replay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"repltap/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long anything may take; it is no measure of speed.
const patience = 30 * time.Second

// testSpeed is how much faster than the world the clock of tests goes that
// wait for what takes a worker seconds.
const testSpeed = 50

// testMaster is a hand-made master: a listener, and what tests do with it.
type testMaster struct {
	t  *testing.T
	ln *net.TCPListener
}

func newTestMaster(t *testing.T) *testMaster {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return &testMaster{t, ln.(*net.TCPListener)}
}

// masterConn is a connection of a worker's at the master.
type masterConn struct {
	*net.TCPConn
	t     *testing.T
	lines *bufio.Scanner
}

func (m *testMaster) accept() *masterConn {
	m.t.Helper()
	m.ln.SetDeadline(time.Now().Add(patience))
	conn, err := m.ln.AcceptTCP()
	if err != nil {
		m.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	m.t.Cleanup(func() { conn.Close() })
	return &masterConn{conn, m.t, bufio.NewScanner(conn)}
}

// send writes lines.
func (c *masterConn) send(lines ...string) {
	c.t.Helper()
	if _, err := c.Write([]byte(strings.Join(lines, "\n") + "\n")); err != nil {
		c.t.Fatal(err)
	}
}

// line is the next line of the worker, "" at the end.
func (c *masterConn) line() string {
	c.lines.Scan()
	return c.lines.Text()
}

// expect wants lines of the worker. What PING says is not looked at.
func (c *masterConn) expect(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		got := c.line()
		if strings.HasPrefix(got, "PING ") {
			got = "PING"
		}
		if got != want {
			c.t.Fatalf("the worker says %q, want %q (%v)", got, want, c.lines.Err())
		}
	}
}

func (c *masterConn) reset() {
	c.SetLinger(0)
	c.Close()
}

// running is a worker under test.
type running struct {
	t      *testing.T
	cancel context.CancelFunc
	done   chan struct{}
	report *WorkerReport
	err    error
}

// start runs a worker whose clock goes at a speed. What the test left open is
// closed before it waits for the worker.
func (m *testMaster) start(c WorkerConfig, speed float64) *running {
	m.t.Helper()
	return m.startAt(m.ln.Addr().String(), c, speed)
}

// startAt runs one that connects elsewhere.
func (m *testMaster) startAt(addr string, c WorkerConfig, speed float64) *running {
	m.t.Helper()
	c.Connect = addr
	if c.Name == "" {
		c.Name = "w1"
	}
	if c.Release == 0 {
		c.Release = LastTCPRelease
	}
	clock := newClock()
	clock.speed = speed
	w, err := newWorker(c, clock)
	if err != nil {
		m.t.Fatal(err)
	}
	w.normal = func() float64 { return 0 }
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r := &running{t: m.t, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.report, r.err = w.run(ctx)
	}()
	m.t.Cleanup(func() { cancel(); <-r.done })
	return r
}

// end waits until the worker has ended by itself.
func (r *running) end() *WorkerReport {
	r.t.Helper()
	<-r.done
	if r.err != nil {
		r.t.Fatal(r.err)
	}
	return r.report
}

// stop ends the worker.
func (r *running) stop() *WorkerReport {
	r.t.Helper()
	r.cancel()
	return r.end()
}

// of finds a stream in a report.
func (r *WorkerReport) of(t *testing.T, stream string) WorkerStream {
	t.Helper()
	for _, s := range r.Streams {
		if s.Stream == stream {
			return s
		}
	}
	t.Fatalf("nothing of %s in the report: %+v", stream, r.Streams)
	return WorkerStream{}
}

func (s *WorkerStream) discarded() (n int64) {
	for _, rows := range s.Discarded {
		n += rows
	}
	return n
}

// captured is what one side of a capture sent.
func captured(t *testing.T, name, dir string) (data []byte) {
	t.Helper()
	for line := range bytes.Lines(readZstd(t, filepath.Join("..", "testdata", "captures", name+".jsonl.zst"))) {
		var r struct {
			Dir  string
			Data []byte
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		if r.Dir == dir {
			data = append(data, r.Data...)
		}
	}
	return data
}

func testRelease(t *testing.T, s string) wire.Release {
	t.Helper()
	r, err := wire.ParseRelease(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
