package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"repltap/replay"
)

// workerAt starts a worker, and gives the master's end of its connection and
// what it says.
func workerAt(t *testing.T, stdout io.Writer, more ...string) (p *process, conn *net.TCPConn, says *bufio.Scanner) {
	t.Helper()
	master := listen(t)
	p = start(t, stdout, append([]string{"worker", "--connect", master.Addr().String()}, more...)...)
	c, err := master.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return p, c.(*net.TCPConn), bufio.NewScanner(c)
}

func expectLines(t *testing.T, says *bufio.Scanner, prefixes ...string) {
	t.Helper()
	for _, want := range prefixes {
		if says.Scan(); !strings.HasPrefix(says.Text(), want) {
			t.Fatalf("the worker says %q, want %s", says.Text(), want)
		}
	}
}

// A signal ends it, and it prints what it believes; what it got is in a journal.
func TestWorkerCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	var out lockedBuffer
	p, conn, says := workerAt(t, &out, "--name", "w7", "--journal", dir, "--redact", "none", "--syncing", "@a:x", "--start", "events=5,*=2")
	expectLines(t, says, "NAME w7", "PING ", "USER_SYNC ", "REPLICATE ")
	const sent = "SERVER lab.test\nPING 1\nPOSITION events master 5 5\nPOSITION typing master 9 9\nRDATA typing master 10 [\"!r:x\",[]]\n" +
		"RDATA receipts master 3 [\"!r:x\"]\n"
	io.WriteString(conn, sent)
	until(t, "it has fetched nothing", func() bool { return strings.Contains(p.said(), "no database to ask") })
	if status := p.end(syscall.SIGTERM); status != 3 { // the row of receipts does not fit
		t.Errorf("status %d:\n%s", status, p.said())
	}
	for _, want := range []string{
		"w7 as Synapse 1.66.0: 1 connection, 0 failed attempts, 1 row of 6 lines taken in\n",
		"typing    master    10     1          0        1        1        0\n",
		"events    master    5      0          0        0        0        0\n",
		"1 bad-row\n", "1 fetch was answered by nobody",
		"6 lines, 2 of them RDATA, the last command RDATA receipts master 3\n", "fault: rows that do not fit their stream\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	if got := mustRun(t, "log", dir, "--format", "raw", "--direction", "s2c"); got != sent {
		t.Errorf("in the journal: %q", got)
	}
}

// For scripts there is JSON, and the exit status is 0 when all was well.
func TestWorkerJSON(t *testing.T) {
	var out lockedBuffer
	p, conn, says := workerAt(t, &out, "--once", "--format", "json", "--dialect", "1.12.4", "--streams", "events")
	expectLines(t, says, "NAME w1", "PING ", "REPLICATE events 0")
	fmt.Fprintf(conn, "SERVER lab.test\nPOSITION events 7\n")
	conn.CloseWrite()
	if status := p.end(nil); status != 0 {
		t.Errorf("status %d:\n%s", status, p.said())
	}
	var r replay.WorkerReport
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	if r.Release != "1.12.4" || len(r.Ended) != 1 || r.Ended[0].How != "fin" || r.Ended[0].By != "master" || r.Streams[0].Token != 7 {
		t.Errorf("%+v", r)
	}
}

// An ERROR from the master is told, and is the exit status.
func TestWorkerError(t *testing.T) {
	var out lockedBuffer
	p, conn, _ := workerAt(t, &out, "--once")
	fmt.Fprintf(conn, "SERVER lab.test\nERROR Failed to keep\x1b[2J up\n")
	conn.CloseWrite()
	if status := p.end(nil); status != 3 {
		t.Errorf("status %d:\n%s", status, p.said())
	}
	if !strings.Contains(p.said(), "the master says ERROR") || !strings.Contains(out.String(), `the master said ERROR Failed to keep\x1b[2J up`) {
		t.Errorf("%s\n%s", p.said(), out.String())
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("the terminal is told what to do")
	}
}
