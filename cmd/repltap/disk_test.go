package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"repltap/journal"
)

// steady is traffic that flows all the time, counted at both ends.
type steady struct {
	t        *testing.T
	behind   *net.TCPConn
	stopped  chan struct{}
	group    sync.WaitGroup
	sent     atomic.Int64 // bytes
	lines    atomic.Int64 // that arrived
	received atomic.Int64
	fast     atomic.Bool
}

// flow begins it.
func flow(t *testing.T, tap string, master *net.TCPListener) *steady {
	worker, behind := link(t, tap, master)
	f := &steady{t: t, behind: behind, stopped: make(chan struct{})}
	f.group.Go(f.send)
	f.group.Go(func() { f.receive(worker) })
	return f
}

// send writes lines until it is stopped, some each few milliseconds or as many as
// pass.
func (f *steady) send() {
	defer f.behind.CloseWrite()
	tick := time.NewTicker(4 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; {
		select {
		case <-f.stopped:
			return
		case <-tick.C:
		}
		var text []byte
		n := 4
		if f.fast.Load() {
			n = 20000
		}
		for range n {
			text = append(text, killLine(i)...)
			i++
		}
		n, err := f.behind.Write(text)
		f.sent.Add(int64(n))
		if err != nil {
			f.t.Errorf("the master's end broke: %v", err)
			return
		}
	}
}

func (f *steady) receive(worker net.Conn) {
	r := bufio.NewReaderSize(worker, 64<<10)
	for i := 0; ; i++ {
		line, err := r.ReadSlice('\n')
		f.received.Add(int64(len(line)))
		if err != nil {
			if err != io.EOF {
				f.t.Errorf("the worker's end broke: %v", err)
			}
			return
		}
		if string(line) != killLine(i) {
			f.t.Errorf("line %d is %q", i, line)
			return
		}
		f.lines.Add(1)
	}
}

// passes waits until so many more lines have arrived.
func (f *steady) passes(lines int64) {
	f.t.Helper()
	from := f.lines.Load()
	until(f.t, "the traffic goes on", func() bool { return f.lines.Load() >= from+lines })
}

// stop ends it in good order.
func (f *steady) stop() {
	f.t.Helper()
	close(f.stopped)
	f.group.Wait()
	if f.sent.Load() != f.received.Load() {
		f.t.Errorf("%d bytes were sent and %d arrived", f.sent.Load(), f.received.Load())
	}
}

// health asks a recorder how it is.
func health(t *testing.T, admin string) (ok bool, text string) {
	t.Helper()
	resp, err := http.Get("http://" + admin + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode == http.StatusOK, string(body)
}

// together runs tests that wait for a disk and little else: more at a time than there
// are processors.
func together[C any](t *testing.T, cases []C, name func(C) string, test func(*testing.T, C)) {
	t.Parallel()
	var all sync.WaitGroup
	free := make(chan struct{}, 8)
	for _, c := range cases {
		all.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			t.Run(name(c), func(t *testing.T) { test(t, c) })
		})
	}
	all.Wait()
}

func nameOf(name string) string { return name }

// diskTrouble is something that happens to the disk while traffic flows.
type diskTrouble struct {
	name   string
	args   []string
	begin  func(t *testing.T, d *faultyDisk, dir string) // dir is the journal, on the disk that has no faults
	end    func(t *testing.T, d *faultyDisk, dir string) // and how it ends; nil: at once
	health string                                        // what healthz says meanwhile; "" when the recording is not touched
	log    string
	reason string // how the reasons of all gaps begin; "" when nothing is lost
	damage bool   // something is missing from what is left
	flood  bool   // traffic that fills all queues
	old    bool   // what is old is removed all the time
}

// littleQueued is less than 10,000 bytes.
var littleQueued = regexp.MustCompile(`(?m)^repltap_recorder_queue_bytes \d{1,4}$`)

// meet has a recorder meet it.
func (c *diskTrouble) meet(t *testing.T, d *faultyDisk, mounted, dir string) {
	admin := freePort(t)
	args := append([]string{"--flush-interval", "100ms", "--admin", admin, "--queue", "1MiB"}, c.args...)
	p, addr, master := startRecorder(t, mounted, args...)
	f := flow(t, addr, master)
	f.passes(400)
	begun := time.Now()
	c.begin(t, d, dir)
	if f.fast.Store(c.flood); c.health != "" {
		until(t, "healthz says "+c.health, func() bool {
			ok, text := health(t, admin)
			return !ok && strings.Contains(text, c.health)
		})
	}
	f.passes(200)
	if c.flood {
		until(t, "the queue is full", func() bool {
			return strings.Contains(get(t, admin, "/metrics", 200), `repltap_gaps_total{reason="queue full"} 1`)
		})
		f.fast.Store(false)
	}
	if c.log != "" {
		until(t, "the log says "+c.log, func() bool { return strings.Contains(p.said(), c.log) })
	}
	if c.end != nil {
		c.end(t, d, dir)
	}
	until(t, "healthz says that all is well", func() bool { ok, _ := health(t, admin); return ok })
	if c.flood { // what waits in sockets may fill the queue once more
		until(t, "the flood is over", func() bool {
			return f.sent.Load()-f.received.Load() < 10_000 && littleQueued.MatchString(get(t, admin, "/metrics", 200))
		})
		f.passes(400) // a gap ends with what comes after it
	}
	ended := time.Now()
	f.passes(400)
	f.stop()
	if status := p.end(syscall.SIGTERM); status != 0 {
		t.Errorf("exit status %d", status)
	}
	c.account(t, f, dir, begun, ended)
	if t.Failed() {
		t.Logf("it said:\n%s", p.said())
	}
}

// account compares what the journal has and says with what was sent.
func (c *diskTrouble) account(t *testing.T, f *steady, dir string, begun, ended time.Time) {
	t.Helper()
	out, _, _ := repltap(t, "verify", dir, "--format", "json")
	var rep journal.Report
	if err := json.Unmarshal([]byte(out), &rep); err != nil {
		t.Fatalf("verify says %q: %v", out, err)
	}
	if rep.Unaccounted != 0 || len(rep.Damage) > 0 != c.damage || len(rep.Gaps) > 0 != (c.reason != "") {
		t.Errorf("unaccounted %d, damage %v, gaps %v", rep.Unaccounted, rep.Damage, rep.Gaps)
	}
	raw, _, _ := repltap(t, "log", dir, "--format", "raw", "--conn", "1", "--direction", "s2c")
	lines := int64(strings.Count(raw, "\n"))
	for i, g := range rep.Gaps {
		if c.flood && i > 0 {
			g.Reason = strings.Replace(g.Reason, "queue full", c.reason, 1) // the disk answers again by then
		}
		from, _ := time.Parse(time.RFC3339Nano, g.From)
		to, _ := time.Parse(time.RFC3339Nano, g.To)
		// What is lost with a file was written before.
		if !strings.HasPrefix(g.Reason, c.reason) || to.After(ended) || from.Before(begun.Add(-time.Second)) && !strings.HasPrefix(c.reason, "file lost") {
			t.Errorf("between %v and %v: gap %+v", begun, ended, g)
		}
		lines += g.Lines
	}
	if lines != f.lines.Load() && !c.old {
		t.Errorf("%d lines passed, %d are in the journal or its gaps", f.lines.Load(), lines)
	}
	i := slices.IndexFunc(rep.Connections, func(l journal.Ledger) bool { return l.Conn == 1 && l.Dir == "s2c" })
	if i < 0 || !c.old && rep.Connections[i].Forwarded != f.sent.Load() {
		t.Errorf("%d bytes were sent: %+v", f.sent.Load(), rep.Connections)
	}
	if last := killLine(int(f.lines.Load() - 1)); !strings.HasSuffix(raw, last) {
		t.Errorf("the journal does not end with %q", last)
	}
}

// openFile is the file that is being written.
func openFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.journal"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no open file: %v", err)
	}
	return slices.Max(files)
}

func fine(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var takings = []diskTrouble{
	{name: "cut to nothing", begin: func(t *testing.T, _ *faultyDisk, dir string) { fine(t, os.Truncate(openFile(t, dir), 0)) },
		health: "0000000001.journal was cut short", log: "taken away", reason: "file lost: 0000000001.journal was cut short", damage: true},
	{name: "cut at a page", begin: func(t *testing.T, _ *faultyDisk, dir string) { fine(t, os.Truncate(openFile(t, dir), 2*4096)) },
		health: "0000000001.journal was cut short", log: "taken away", reason: "file lost: 0000000001.journal was cut short", damage: true},
	{name: "removed", begin: func(t *testing.T, _ *faultyDisk, dir string) { fine(t, os.Remove(openFile(t, dir))) },
		health: "0000000001.journal was removed", log: "taken away", reason: "file lost: 0000000001.journal was removed"},
	{name: "replaced", begin: func(t *testing.T, _ *faultyDisk, dir string) {
		fine(t, os.WriteFile(filepath.Join(dir, "other"), []byte("something else"), 0o600))
		fine(t, os.Rename(filepath.Join(dir, "other"), openFile(t, dir)))
	}, health: "0000000001.journal was replaced", log: "taken away", reason: "file lost: 0000000001.journal was replaced", damage: true},
	{name: "directory removed", begin: func(t *testing.T, _ *faultyDisk, dir string) { fine(t, os.RemoveAll(dir)) },
		health: "directory was removed", log: "taken away", reason: "file lost: the journal's directory was removed"},
	{name: "directory gone for good", begin: func(t *testing.T, _ *faultyDisk, dir string) {
		fine(t, os.Rename(dir, dir+".away"))
		fine(t, os.WriteFile(dir, nil, 0o600)) // so that there can't be a new one
	}, end: func(t *testing.T, _ *faultyDisk, dir string) { fine(t, os.Remove(dir)) },
		health: "not a directory", log: "taken away", reason: "file lost: the journal's directory was re"},
	{name: "directory away and back", begin: func(t *testing.T, _ *faultyDisk, dir string) {
		fine(t, os.Rename(dir, dir+".away"))
		fine(t, os.Rename(dir+".away", dir))
	}},
}

// TestJournalTakenAway: traffic flows while the journal is taken away from its
// recorder, and none of it is missing without a word.
func TestJournalTakenAway(t *testing.T) {
	together(t, takings, func(c diskTrouble) string { return c.name }, func(t *testing.T, c diskTrouble) {
		dir := filepath.Join(t.TempDir(), "journal")
		c.meet(t, nil, dir, dir)
	})
}

// TestNothingIsMapped: a file that is cut short below a memory map ends the process.
func TestNothingIsMapped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	p, addr, master := startRecorder(t, dir, "--flush-interval", "20ms")
	f := flow(t, addr, master)
	f.passes(400)
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.cmd.Process.Pid))
	if err != nil {
		t.Skip("what a process has mapped is shown on Linux only: ", err)
	}
	if strings.Contains(string(maps), dir) {
		t.Error("a file of the journal is mapped into memory")
	}
	f.stop()
}

// TestCutAgainAndAgain cuts the open file at any moment of a commit,
// with as much traffic as passes.
func TestCutAgainAndAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "journal")
	p, addr, master := startRecorder(t, dir, "--flush-interval", "50ms", "--redact", "none")
	f := flow(t, addr, master)
	f.fast.Store(true)
	for range 8 {
		f.passes(30000) // the moment: so much traffic, not a wait for something
		if path := openFile(t, dir); path != "" {
			os.Truncate(path, 8*4096) // it may have been given up meanwhile
		}
	}
	f.fast.Store(false)
	f.passes(400)
	f.stop()
	if status := p.end(syscall.SIGTERM); status != 0 {
		t.Errorf("exit status %d:\n%s", status, p.said())
	}
	out, _, _ := repltap(t, "verify", dir, "--format", "json")
	var rep journal.Report
	if err := json.Unmarshal([]byte(out), &rep); err != nil {
		t.Fatal(err)
	}
	if rep.Unaccounted != 0 || len(rep.Gaps) == 0 {
		t.Errorf("unaccounted %d, gaps %v:\n%s", rep.Unaccounted, rep.Gaps, p.said())
	}
}
