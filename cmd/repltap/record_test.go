package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"repltap/proxy"
	"repltap/wire"
)

// startRecorder starts a recorder in front of a master of the test's.
func startRecorder(t *testing.T, dir string, more ...string) (p *process, addr string, master *net.TCPListener) {
	t.Helper()
	master = listen(t)
	args := append([]string{"record", "--listen", "127.0.0.1:0", "--upstream", master.Addr().String(), "--journal", dir}, more...)
	p = start(t, io.Discard, args...)
	return p, p.expect("listening on "), master
}

// Real traffic, from the sockets to what log and verify say of it, compared
// with a count that uses none of the project's packages.
func TestRecordRealTraffic(t *testing.T) {
	for _, more := range [][]string{nil, {"--enforce"}, {"--enforce", "--dialect", "1.66.0"}} {
		t.Run(strings.Join(more, " "), func(t *testing.T) { recordRealTraffic(t, more...) })
	}
}

func recordRealTraffic(t *testing.T, more ...string) {
	dir := filepath.Join(t.TempDir(), "journal")
	p, addr, master := startRecorder(t, dir, append(more, "--redact", "none")...)
	scripts, err := demoScripts()
	if err != nil {
		t.Fatal(err)
	}
	playScripts(t, scripts, addr, master)
	if status := p.end(syscall.SIGTERM); status != 0 {
		t.Fatalf("exit status %d:\n%s", status, p.said())
	}
	mustRun(t, "verify", dir)
	for i, s := range scripts {
		for d := wire.S2C; d <= wire.C2S; d++ {
			raw := mustRun(t, "log", dir, "--format", "raw", "--conn", fmt.Sprint(i+1), "--direction", d.String())
			if raw != string(s.whole[d]) {
				t.Errorf("connection %d %s: %d raw bytes, want %d", i+1, d, len(raw), len(s.whole[d]))
			}
		}
	}
	compareCounts(t, mustRun(t, "log", dir, "--format", "json"), scripts)
}

func playScripts(t *testing.T, scripts []*script, addr string, master *net.TCPListener) {
	t.Helper()
	var group sync.WaitGroup
	for _, s := range scripts {
		worker, behind := link(t, addr, master)
		for _, peer := range peersOf(s, worker, behind) {
			group.Go(func() {
				if err := peer.play(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
}

// compareCounts compares the JSON log with the bytes that were sent.
func compareCounts(t *testing.T, log string, scripts []*script) {
	t.Helper()
	want, got := map[string]int{}, map[string]int{}
	for i, s := range scripts {
		for d := wire.S2C; d <= wire.C2S; d++ {
			for _, line := range strings.Split(strings.TrimSuffix(string(s.whole[d]), "\n"), "\n") {
				name, _, _ := strings.Cut(line, " ")
				want[fmt.Sprintf("%d %s %s", i+1, d, name)]++
				want["bytes"] += len(line) + 1
			}
		}
	}
	last := map[uint64]string{}
	for _, text := range strings.Split(strings.TrimSuffix(log, "\n"), "\n") {
		var r jsonRecord
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if r.Time < last[r.Conn] {
			t.Errorf("connection %d: time went back to %s", r.Conn, r.Time)
		}
		last[r.Conn] = r.Time
		if r.Kind != "line" {
			continue
		}
		got[fmt.Sprintf("%d %s %s", r.Conn, r.Dir, *r.Command)]++
		got["bytes"] += *r.Bytes
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s: %d in the log, want %d", k, got[k], n)
		}
		delete(got, k)
	}
	if len(got) > 0 {
		t.Errorf("in the log and not in the traffic: %v", got)
	}
}

// A journal that is being recorded is read, followed and verified by others.
func TestReadWhileRecording(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	rec, addr, master := startRecorder(t, dir, "--flush-interval", "20ms")
	worker, behind := link(t, addr, master)
	var out lockedBuffer
	follow := start(t, &out, "log", dir, "--follow", "--direction", "s2c", "--format", "raw")
	want := ""
	for i := range 10 {
		line := fmt.Sprintf("RDATA typing master %d [\"!room:lab.test\",[]]\n", i+1)
		want += line
		io.WriteString(behind, line)
		got := make([]byte, len(line))
		if _, err := io.ReadFull(worker, got); err != nil || string(got) != line {
			t.Fatalf("%q, %v", got, err)
		}
		until(t, "line is followed", func() bool { return out.String() == want })
	}
	if got := mustRun(t, "log", dir, "--format", "raw", "--conn", "1"); got != want {
		t.Errorf("log of the live journal: %q", got)
	}
	mustRun(t, "verify", dir)
	if status := rec.end(syscall.SIGINT); status != 0 {
		t.Errorf("recorder: status %d:\n%s", status, rec.said())
	}
	if status := follow.end(nil); status != 0 || out.String() != want {
		t.Errorf("log -f: status %d, %d bytes of %d:\n%s", status, len(out.String()), len(want), follow.said())
	}
}

// lockedBuffer is a buffer that two goroutines use.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestAdmin(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	port := freePort(t)
	p, addr, master := startRecorder(t, dir, "--admin", port)
	worker, behind := link(t, addr, master)
	io.WriteString(worker, "NAME w1\nRDATA events master 1 []\n")
	io.ReadFull(behind, make([]byte, 33))
	until(t, "metrics show the lines", func() bool {
		m := get(t, port, "/metrics", 200)
		return strings.Contains(m, `repltap_commands_total{command="NAME",direction="c2s"} 1`) &&
			strings.Contains(m, `repltap_findings_total{code="E-direction"} 1`) && strings.Contains(m, "repltap_journal_files 1")
	})
	if body := get(t, port, "/healthz", 200); body != "ok\n" {
		t.Errorf("healthz: %q", body)
	}
	var s status
	if err := json.Unmarshal([]byte(get(t, port, "/status.json", 200)), &s); err != nil {
		t.Fatal(err)
	}
	if !s.Healthy || len(s.Tap.Connections) != 1 || s.Tap.Connections[0].Worker != "w1" || s.Tap.Connections[0].C2S != 33 || s.Journal.Files != 1 {
		t.Errorf("status: %+v", s)
	}
	get(t, port, "/debug/pprof/", 200)
	get(t, port, "/nothing", 404)
	if !strings.Contains(p.said(), "E-direction") {
		t.Errorf("the finding was not logged:\n%s", p.said())
	}
	if status := p.end(syscall.SIGTERM); status != 0 {
		t.Errorf("status %d:\n%s", status, p.said())
	}
}

// TestAdminLastRows: metrics and status have when the last rows came, by stream
// and by worker, once there were some.
func TestAdminLastRows(t *testing.T) {
	port := freePort(t)
	p, addr, master := startRecorder(t, filepath.Join(t.TempDir(), "journal"), "--admin", port)
	worker, behind := link(t, addr, master)
	io.WriteString(worker, "NAME w1\nPING 1\n")
	until(t, "the lines are counted", func() bool {
		return strings.Contains(get(t, port, "/metrics", 200), `repltap_commands_total{command="PING",direction="c2s"} 1`)
	})
	if m := get(t, port, "/metrics", 200); strings.Contains(m, "last_row_timestamp_seconds{") {
		t.Errorf("there is a last row before the first:\n%s", m)
	}
	var s status
	look := func() proxy.Status {
		s = status{}
		if err := json.Unmarshal([]byte(get(t, port, "/status.json", 200)), &s); err != nil {
			t.Fatal(err)
		}
		return s.Tap
	}
	if s := look(); s.Streams == nil || len(s.Streams)+len(s.Workers) > 0 {
		t.Errorf("before the first row: %+v %+v", s.Streams, s.Workers)
	}
	before := time.Now()
	io.WriteString(behind, "RDATA sticky_events master 2 [\"!r\",\"$e\"]\nRDATA invented master 2 []\n")
	until(t, "the rows are counted", func() bool { return len(look().Streams) == 2 })
	for i, name := range []string{"sticky_events", "other"} {
		row := s.Tap.Streams[i]
		if row.Stream != name || row.At.Before(before) || row.At.After(time.Now()) || row.Age < 0 || row.Age > time.Since(before).Seconds() {
			t.Errorf("of %s: %+v", name, row)
		}
	}
	if len(s.Tap.Workers) != 1 || s.Tap.Workers[0].Worker != "w1" || s.Tap.Workers[0].At.Before(before) {
		t.Errorf("of workers: %+v", s.Tap.Workers)
	}
	m := get(t, port, "/metrics", 200)
	for _, want := range []string{`repltap_stream_last_row_timestamp_seconds{stream="sticky_events"} 1`, `repltap_stream_last_row_timestamp_seconds{stream="other"} 1`,
		`repltap_worker_last_row_timestamp_seconds{stream="sticky_events",worker="w1"} 1`} {
		if !strings.Contains(m, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
	if status := p.end(syscall.SIGTERM); status != 0 {
		t.Errorf("status %d:\n%s", status, p.said())
	}
}

// freePort gives an address that nobody uses just now.
func freePort(t *testing.T) string {
	t.Helper()
	ln := listen(t)
	defer ln.Close()
	return ln.Addr().String()
}

func get(t *testing.T, addr, path string, status int) string {
	t.Helper()
	resp, err := http.Get("http://" + addr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		t.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
	return string(body)
}

// A worker that does not read is on the disk and on show while it does not, so
// that a recorder that dies meanwhile leaves that behind.
func TestStallIsOnRecordWhileItLasts(t *testing.T) {
	dir, port := filepath.Join(t.TempDir(), "journal"), freePort(t)
	p, addr, master := startRecorder(t, dir, "--flush-interval", "20ms", "--admin", port)
	_, behind := link(t, addr, master)
	go io.Copy(behind, neverending("RDATA typing master 1 [\"!room:lab.test\",[]]\n"))
	until(t, "the stall is in the journal", func() bool {
		return strings.Contains(mustRun(t, "log", dir), "worker has stopped reading (")
	})
	if m := get(t, port, "/metrics", 200); !strings.Contains(m, `repltap_stalled_connections{direction="s2c"} 1`) {
		t.Errorf("metrics: %s", m)
	}
	var s status
	if err := json.Unmarshal([]byte(get(t, port, "/status.json", 200)), &s); err != nil || len(s.Tap.Connections[0].Stalls) != 1 {
		t.Errorf("status: %+v, %v", s, err)
	}
	if !strings.Contains(p.said(), "stalled") {
		t.Errorf("not logged:\n%s", p.said())
	}
	p.end(syscall.SIGKILL)
	if log := mustRun(t, "log", dir, "--format", "json"); !strings.Contains(log, `"kind":"stall"`) {
		t.Error("the stall is not in the journal")
	}
	mustRun(t, "verify", dir)
}

// With --enforce a line that may not pass does not, and the journal says so.
func TestEnforce(t *testing.T) {
	dir, port := filepath.Join(t.TempDir(), "journal"), freePort(t)
	p, addr, master := startRecorder(t, dir, "--enforce", "--admin", port)
	worker, behind := link(t, addr, master)
	io.WriteString(worker, "NAME w1\nREPLICATE \nUSER_SYNC secret\nPING 5\n")
	if got, err := io.ReadAll(behind); err != nil || string(got) != "NAME w1\nREPLICATE \n" {
		t.Errorf("passed on: %q, %v", got, err)
	}
	const answer = "ERROR failed to parse line: ValueError('not enough values to unpack (expected 4, got 1)') ('USER_SYNC secret'):\n"
	if got, err := io.ReadAll(worker); err != nil || string(got) != answer {
		t.Errorf("answered: %q, %v", got, err)
	}
	worker.Close()
	behind.Close()
	until(t, "the refusal is counted", func() bool {
		return strings.Contains(get(t, port, "/metrics", 200), `repltap_refused_lines_total{code="E-arity",direction="c2s"} 1`)
	})
	if status := p.end(syscall.SIGTERM); status != 0 {
		t.Fatalf("exit status %d:\n%s", status, p.said())
	}
	mustRun(t, "verify", dir)
	log := mustRun(t, "log", dir)
	for _, want := range []string{
		"w1 worker's line is not passed on: USER_SYNC; the connection is closed\n", "! E-arity: ", "(a real receiver: error)",
		"w1 closed (enforced, by tap): 0 bytes s2c, 43 bytes c2s (24 of them undelivered)",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	if said := p.said(); !strings.Contains(said, "refused: ") || strings.Contains(said, "secret") {
		t.Errorf("logged:\n%s", said)
	}
}

// neverending reads as the same line again and again.
type neverending string

func (n neverending) Read(b []byte) (int, error) {
	for read := 0; ; {
		if len(b)-read < len(n) {
			return read, nil
		}
		read += copy(b[read:], n)
	}
}

// What keeps a recording from beginning is one sentence.
func TestRecordTrouble(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	_, addr, _ := startRecorder(t, dir)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"another process is recording into": {"--listen", "127.0.0.1:0", "--journal", dir},
		"another program listens there":     {"--listen", addr, "--journal", t.TempDir()},
		"does not have that address":        {"--listen", "203.0.113.7:0", "--journal", t.TempDir()},
		"can't listen on " + addr:           {"--listen", "127.0.0.1:0", "--admin", addr, "--journal", t.TempDir()},
		"not a directory":                   {"--listen", "127.0.0.1:0", "--journal", file},
	} {
		_, stderr, status := repltap(t, append([]string{"record", "--upstream", "127.0.0.1:1"}, args...)...)
		if status != statusFailed || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") > 3 {
			t.Errorf("record %v: status %d, want something about %q:\n%s", args, status, want, stderr)
		}
	}
}
