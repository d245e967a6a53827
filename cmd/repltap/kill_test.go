package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The promise: kill -9 costs at most --flush-interval of traffic, and the
// journal opens without a repair step. The recorder is a real process and dies
// at random moments under load. What it had passed on graceful before its death
// must be there; grace is much longer than the interval, so that a busy machine
// does not make this fail.
const (
	killFlush = 200 * time.Millisecond
	killGrace = 2 * time.Second
)

func TestKilledRecorder(t *testing.T) {
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	for i := range rounds {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			killOnce(t, killGrace+time.Duration(rand.Int64N(int64(1500*time.Millisecond))))
		})
	}
}

func killOnce(t *testing.T, after time.Duration) {
	dir := filepath.Join(t.TempDir(), "journal")
	p, addr, master := startRecorder(t, dir, "--flush-interval", killFlush.String(), "--rotate-size", "1MiB")
	worker, behind := link(t, addr, master)
	load := &killLoad{begun: make(chan struct{})}
	var group sync.WaitGroup
	group.Go(func() { load.send(behind) })
	group.Go(func() { load.receive(worker) })
	<-load.begun
	<-time.After(after) // the random moment: the load's length, not a wait for something
	killed := time.Now()
	p.end(syscall.SIGKILL)
	group.Wait()
	safe, passed := load.before(killed.Add(-killGrace)), load.before(killed.Add(time.Hour))

	raw, stderr, status := repltap(t, "log", dir, "--format", "raw", "--conn", "1", "--direction", "s2c")
	if status != 0 {
		t.Fatalf("log: status %d:\n%s", status, stderr)
	}
	kept := 0
	for line := range strings.Lines(raw) {
		if strings.HasSuffix(line, "\n") && line != killLine(kept) {
			t.Fatalf("line %d is %q", kept, line)
		}
		kept++
	}
	t.Logf("killed after %v: %d lines passed, %d of them %v before, %d in the journal", after, passed, safe, killGrace, kept)
	if kept < safe {
		t.Errorf("%d lines are missing that had passed %v before the kill", safe-kept, killGrace)
	}
	if safe == 0 {
		t.Errorf("nothing had passed in time: this round showed nothing")
	}
	if out, stderr, status := repltap(t, "verify", dir); status != 0 {
		t.Errorf("verify: status %d\n%s%s", status, out, stderr)
	}
}

// killLoad sends numbered lines and notes when they arrived.
type killLoad struct {
	mu    sync.Mutex
	marks []killMark
	begun chan struct{} // closed with the first mark
}

// killMark says that so many lines had arrived by then.
type killMark struct {
	at    time.Time
	lines int
}

func killLine(i int) string {
	return fmt.Sprintf("RDATA to_device master %d [\"@user%d:lab.test\"]\n", i, i*7919%900)
}

// send writes until the connection breaks: a load that any machine carries, so
// that nothing waits in the recorder's queue for long.
func (l *killLoad) send(conn net.Conn) {
	defer conn.Close()
	const perTick = 200
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	w := bufio.NewWriter(conn)
	for i := 0; ; i++ {
		if i%perTick == 0 {
			if w.Flush() != nil {
				return
			}
			<-ticker.C
		}
		w.WriteString(killLine(i)) // Flush says what went wrong
	}
}

// receive counts until the connection breaks.
func (l *killLoad) receive(conn net.Conn) {
	defer conn.Close()
	defer func() {
		if l.marks == nil {
			close(l.begun) // it never will: nothing is to wait for it
		}
	}()
	r := bufio.NewReaderSize(conn, 64<<10)
	for n := 1; ; n++ {
		if _, err := r.ReadSlice('\n'); err != nil {
			return
		}
		if n%100 == 0 {
			l.mu.Lock()
			if l.marks == nil {
				close(l.begun)
			}
			l.marks = append(l.marks, killMark{time.Now(), n})
			l.mu.Unlock()
		}
	}
}

// before is how many lines had arrived by then.
func (l *killLoad) before(t time.Time) (lines int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.marks {
		if m.at.Before(t) {
			lines = m.lines
		}
	}
	return lines
}
