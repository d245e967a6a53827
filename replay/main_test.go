package replay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"repltap/journal"
	"repltap/wire"
)

// recording writes a journal for a test.
type recording struct {
	t      *testing.T
	dir    string
	w      *journal.Writer
	scribe *journal.Scribe
	now    int64
	bytes  map[uint64]*[3]int64
}

func record(t *testing.T) *recording {
	t.Helper()
	r := &recording{t: t, dir: t.TempDir(), now: traceBegan, bytes: map[uint64]*[3]int64{}}
	var err error
	r.w, err = journal.Create(r.dir, journal.Options{Anchor: time.Unix(0, r.now), Past: true, Redact: wire.RedactNone})
	if err != nil {
		t.Fatal(err)
	}
	r.scribe = journal.NewScribe(r.w, wire.AllReleases, nil)
	return r
}

func (r *recording) open(conn uint64) {
	r.bytes[conn] = &[3]int64{}
	r.scribe.Open(r.now, conn, journal.Event{})
}

func (r *recording) say(conn uint64, dir wire.Direction, text string) {
	r.scribe.Chunk(r.now, conn, dir, r.bytes[conn][dir], []byte(text))
	r.bytes[conn][dir] += int64(len(text))
}

func (r *recording) pass(d time.Duration) { r.now += int64(d) }

func (r *recording) close(conn uint64, how, by string) {
	dir := wire.S2C
	if by == "worker" {
		dir = wire.C2S
	}
	r.scribe.Event(r.now, conn, dir, journal.KindEOF, journal.Event{How: how, By: by})
	r.scribe.Close(r.now, conn, journal.Event{How: how, By: by})
}

// plan ends the recording and plans its replay.
func (r *recording) plan(o PlanOptions) *Plan {
	r.t.Helper()
	p, err := r.tryPlan(o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { p.Close() })
	return p
}

func (r *recording) tryPlan(o PlanOptions) (*Plan, error) {
	r.t.Helper()
	if err := r.w.Close(); err != nil {
		r.t.Fatal(err)
	}
	reader, err := journal.Open(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	o.Temp = r.t.TempDir()
	return NewPlan(context.Background(), reader, o)
}

// capture adds the connections of capture files.
func (r *recording) capture(files ...string) {
	r.t.Helper()
	for i, name := range files {
		r.captured(uint64(i+1), filepath.Join("../testdata/captures", name))
	}
}

func (r *recording) captured(conn uint64, path string) {
	f, err := os.Open(path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		r.t.Fatal(err)
	}
	defer z.Close()
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	by := "unknown"
	for lines.Scan() {
		var l struct {
			T          int64
			Dir, Event string
			Data       []byte
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			r.t.Fatal(err)
		}
		r.now = l.T
		if r.bytes[conn] == nil {
			r.open(conn)
		}
		switch dir, _ := wire.ParseDirection(l.Dir); {
		case l.Data != nil:
			r.say(conn, dir, string(l.Data))
		case l.Event == "eof_s2c" && by == "unknown":
			by = "master"
		case l.Event == "eof_c2s" && by == "unknown":
			by = "worker"
		}
	}
	if err := lines.Err(); err != nil {
		r.t.Fatal(err)
	}
	r.close(conn, "fin", by)
}

// replayed is a replay that runs.
type replayed struct {
	t      *testing.T
	addr   string
	dir    string // of its journal
	result *Result
	done   chan struct{}
	stop   context.CancelFunc
}

func serve(t *testing.T, cfg MasterConfig) *replayed {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	// A small buffer, so that a worker that does not read is seen soon.
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 64<<10) })
	}}
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &replayed{t: t, addr: ln.Addr().String(), dir: t.TempDir(), done: make(chan struct{}), stop: stop}
	if cfg.Journal, err = journal.Create(r.dir, journal.Options{Redact: wire.RedactNone}); err != nil {
		t.Fatal(err)
	}
	cfg.Listener = ln.(*net.TCPListener)
	go func() {
		defer close(r.done)
		r.result, err = ServeMaster(ctx, cfg)
		if err = errors.Join(err, cfg.Journal.Close()); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stop(); <-r.done })
	return r
}

// wait gives what came of it, after a look at its journal.
func (r *replayed) wait() *Result {
	r.t.Helper()
	<-r.done
	report, err := journal.Verify(context.Background(), r.dir, nil)
	if err != nil || !report.OK || report.Unaccounted != 0 || len(report.Gaps) > 0 {
		r.t.Errorf("the journal of the run: %+v, %v", report, err)
	}
	return r.result
}

// client is a hand-made worker.
type client struct {
	t    *testing.T
	conn *net.TCPConn
	got  []string
	part string // of a last line
	end  error
	// The error with which pinging ended. The kernel tells of a reset once, whoever
	// asks first.
	pinged chan error
}

func (r *replayed) dial(hello ...string) *client {
	r.t.Helper()
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 64<<10) })
	}}
	c, err := d.DialContext(r.t.Context(), "tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	k := &client{t: r.t, conn: c.(*net.TCPConn)}
	k.say(hello...)
	return k
}

func (k *client) say(lines ...string) {
	k.t.Helper()
	if _, err := k.conn.Write([]byte(strings.Join(append(lines, ""), "\n"))); err != nil {
		k.t.Fatal(err)
	}
}

// pings has it say PING all the time, so that something of it is always unread.
func (k *client) pings() {
	k.pinged = make(chan error, 1)
	go func() {
		for {
			if _, err := k.conn.Write([]byte("PING 2\n")); err != nil {
				k.pinged <- err
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
}

// all reads to the end, and closes its side then.
func (k *client) all() *client {
	var b bytes.Buffer
	_, k.end = io.Copy(&b, k.conn)
	k.conn.Close()
	if k.pinged != nil {
		if err := <-k.pinged; errors.Is(err, syscall.ECONNRESET) {
			k.end = err
		}
	}
	k.got = strings.Split(b.String(), "\n")
	k.part = k.got[len(k.got)-1]
	k.got = k.got[:len(k.got)-1]
	return k
}

// rows are the RDATA of each stream, in order.
func rowsOf(lines []string) map[string][]string {
	rows := map[string][]string{}
	for _, l := range lines {
		if f := strings.SplitN(l, " ", 3); f[0] == "RDATA" {
			rows[f[1]] = append(rows[f[1]], l)
		}
	}
	return rows
}

// recordedLines are the lines of a connection's master in a journal.
func recordedLines(t *testing.T, dir string, conn uint64) (lines []string) {
	t.Helper()
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for rec, err := range r.Records(t.Context(), journal.Filter{Conns: []uint64{conn}, Dir: wire.S2C}) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Kind == journal.KindLine {
			lines = append(lines, strings.TrimSuffix(string(rec.Data), "\n"))
		}
	}
	return lines
}

var release = wire.MustRelease
