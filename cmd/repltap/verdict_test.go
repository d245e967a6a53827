package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repltap/analyze"
)

// manyWorkers records n workers that come within a second. There is a row for all, and then
// each speaks twice. The events, if any, come to all of them at the end.
func manyWorkers(t *testing.T, n int, events ...string) (journal string) {
	t.Helper()
	dir := t.TempDir()
	var text strings.Builder
	line := func(ms, conn int, dir, data string) {
		fmt.Fprintf(&text, "{\"t\":%d,\"conn\":%d,\"dir\":%q,\"data\":%q}\n", 19e17+int64(ms)*1e6, conn, dir, base64.StdEncoding.EncodeToString([]byte(data)))
	}
	for i := range n {
		ms, conn := i*500/n, i+1
		fmt.Fprintf(&text, "{\"t\":%d,\"conn\":%d,\"event\":\"open\"}\n", 19e17+int64(ms)*1e6, conn)
		line(ms+1, conn, "s2c", "SERVER hunt.test\nPING 1900000000010\n")
		line(ms+2, conn, "c2s", fmt.Sprintf("NAME w%d\nPING 1900000000010\nREPLICATE \n", conn))
		line(ms+3, conn, "s2c", "POSITION events master 100 100\nPOSITION caches master 1 1\n")
	}
	for i := range n {
		line(800, i+1, "s2c", "RDATA events master 101 [\"ev\",[\"$a\",\"!r:hunt.test\",\"m.room.message\",null,null,null,null,false,false]]\n")
	}
	for i := range 2 * n {
		line(1000+i, i%n+1, "c2s", "USER_SYNC abcdefgh @u:hunt.test start 1900000001000\n")
	}
	for _, event := range events {
		for i := range n {
			fmt.Fprintf(&text, "{\"t\":%d,\"conn\":%d,\"event\":%q}\n", 19e17+int64(2e9), i+1, event)
		}
	}
	file := filepath.Join(dir, "many.jsonl")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return imported(t, file)
}

// pickyMaster is a master that answers the first workers only.
type pickyMaster struct {
	ln    *net.TCPListener
	takes int
	// After that many: it listens no more, or it takes them and says nothing.
	mute bool
	// It resets each connection on which something is said after the question.
	resets bool
	asked  chan bool // of each worker that it has answered
}

func (m *pickyMaster) start(t *testing.T) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.ln, m.asked = ln.(*net.TCPListener), make(chan bool, 1000)
	t.Cleanup(func() { ln.Close() })
	go m.accept()
	return ln.Addr().String()
}

func (m *pickyMaster) accept() {
	for n := 0; ; n++ {
		if n == m.takes && !m.mute {
			m.ln.Close()
		}
		c, err := m.ln.AcceptTCP()
		if err != nil {
			return
		}
		if n < m.takes {
			go m.serve(c)
		} else {
			go io.Copy(io.Discard, c)
		}
	}
}

func (m *pickyMaster) serve(c *net.TCPConn) {
	defer c.Close()
	io.WriteString(c, "SERVER hunt.test\nPING 1900000000010\n")
	var got []byte
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		before := bytes.Contains(got, []byte("REPLICATE"))
		switch got = append(got, buf[:n]...); {
		case before && m.resets:
			c.SetLinger(0)
			return
		case !before && bytes.Contains(got, []byte("REPLICATE")):
			io.WriteString(c, "POSITION events master 100 100\nPOSITION caches master 1 1\n")
			m.asked <- true
		}
	}
}

// sameAfterwards reports where diff says something else of a run than replay did,
// whose JSON it gives in parts.
func sameAfterwards(t *testing.T, name, out string, status int, journal, run string) *analyze.Comparison {
	t.Helper()
	again, _, later := repltap(t, "diff", journal, run, "--format", "json")
	if d := cmp.Diff(out, again); d != "" || later != status {
		t.Errorf("%s: replay says with status %d and diff with %d: %s", name, status, later, d)
	}
	var c analyze.Comparison
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatalf("%s: status %d: %v in %q", name, status, err, out)
	}
	if want := map[string]int{analyze.Same: 0, analyze.Different: 3, analyze.Inconclusive: 4}[c.Verdict]; status != want {
		t.Errorf("%s: status %d for %s", name, status, c.Verdict)
	}
	return &c
}

// TestVerdicts: played workers whose master takes not all of them, or not to their
// end, say so with the cause first, and diff says the same of the run's journal.
func TestVerdicts(t *testing.T) {
	journal := manyWorkers(t, 12)
	for _, x := range []struct {
		name    string
		master  pickyMaster
		flags   []string
		verdict string
		why     string // ADDR is the master's
		played  int
		left    []analyze.LeftOut
	}{
		{"all", pickyMaster{takes: 12}, nil, analyze.Same, "All 60 lines of 12 connections", 12, nil},
		{"as fast as possible", pickyMaster{takes: 12}, []string{"--speed", "max"}, analyze.Same, "All 60 lines of 12 connections", 12, nil},
		{"one fewer", pickyMaster{takes: 11}, nil, analyze.Different, "1 of 12 connections was refused by ADDR: connection refused. There is 1 difference: 1 missing. The first: missing connection (recorded connection 12 ", 11,
			[]analyze.LeftOut{{Why: "refused", Detail: "ADDR: connection refused", Extent: analyze.Extent{Connections: 1, Lines: 4}}}},
		{"silent afterwards", pickyMaster{takes: 5, mute: true}, nil, analyze.Different, "On 7 of 12 connections the master never said a word. There are 7 differences: 7 missing. The first: missing connection (recorded connection 6 ", 5,
			[]analyze.LeftOut{{Why: "no answer", Extent: analyze.Extent{Connections: 7, Lines: 28}}}},
		{"too late", pickyMaster{takes: 12}, []string{"--lag-limit", "1ns"}, analyze.Inconclusive, "It can't be told: the replay could not keep time", 12, nil},
		{"a part", pickyMaster{takes: 2}, []string{"--worker", "w3,w9"}, analyze.Same, "All 10 lines of 2 connections", 2,
			[]analyze.LeftOut{{Why: "filter", Extent: analyze.Extent{Connections: 10, Lines: 40}}}},
		{"a part that is not taken", pickyMaster{takes: 1}, []string{"--worker", "w3,w9"}, analyze.Different, "1 of 2 connections was refused by ADDR", 1,
			[]analyze.LeftOut{{Why: "refused", Detail: "ADDR: connection refused", Extent: analyze.Extent{Connections: 1, Lines: 4}}, {Why: "filter", Extent: analyze.Extent{Connections: 10, Lines: 40}}}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			addr, run := x.master.start(t), filepath.Join(t.TempDir(), "run")
			args := []string{"replay", journal, "--as", "worker", "--connect", addr, "--speed", "2", "--lag-limit", "1m", "--journal", run, "--format", "json"}
			out, stderr, status := repltap(t, append(args, x.flags...)...)
			c := sameAfterwards(t, x.name, out, status, journal, run)
			why := strings.ReplaceAll(x.why, "ADDR", addr)
			want := analyze.Coverage{Recorded: analyze.Extent{Connections: 12, Lines: 48}, Played: analyze.Extent{Connections: x.played, Lines: 4 * int64(x.played)}, LeftOut: []analyze.LeftOut{}}
			for _, l := range x.left {
				l.Detail = strings.ReplaceAll(l.Detail, "ADDR", addr)
				want.LeftOut = append(want.LeftOut, l)
			}
			if d := cmp.Diff(want, c.Coverage, cmp.AllowUnexported(analyze.Coverage{})); d != "" || c.Verdict != x.verdict || !strings.HasPrefix(c.Why, why) {
				t.Errorf("%s: %s\n%s%s", c.Verdict, c.Why, d, stderr)
			}
		})
	}
}

// TestVerdictOfMany: many workers that leave at once wait for the last words of a master
// at once, and not until it seems to them that it has died.
func TestVerdictOfMany(t *testing.T) {
	journal, run := manyWorkers(t, 180, "close"), filepath.Join(t.TempDir(), "run")
	addr := (&pickyMaster{takes: 180}).start(t)
	out, _, status := repltap(t, "replay", journal, "--connect", addr, "--speed", "max", "--journal", run, "--format", "json")
	c := sameAfterwards(t, "many", out, status, journal, run)
	if c.Verdict != analyze.Same || c.Coverage.Played.Connections != 180 {
		t.Errorf("%s: %s", c.Verdict, c.Why)
	}
}

// TestVerdictOnResets: how much was said before a reset came is not the same each
// time, but what was is never all.
func TestVerdictOnResets(t *testing.T) {
	journal, run := manyWorkers(t, 12), filepath.Join(t.TempDir(), "run")
	addr := (&pickyMaster{takes: 12, resets: true}).start(t)
	out, _, status := repltap(t, "replay", journal, "--connect", addr, "--lag-limit", "1m", "--journal", run, "--format", "json")
	c := sameAfterwards(t, "resets", out, status, journal, run)
	if c.Verdict != analyze.Different || len(c.Endings) != 12 || c.Counts[analyze.Changed] != 12 {
		t.Errorf("%s: %s", c.Verdict, c.Why)
	}
}

// TestVerdictInterrupted: what a run that was interrupted has not reached is no
// difference, and no sameness.
func TestVerdictInterrupted(t *testing.T) {
	journal, run := manyWorkers(t, 12), filepath.Join(t.TempDir(), "run")
	m := &pickyMaster{takes: 12}
	addr := m.start(t)
	ctx, stop := context.WithCancel(t.Context())
	var out, errs lockedBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- runMain(ctx, []string{"replay", journal, "--connect", addr, "--speed", "0.05", "--lag-limit", "1m", "--journal", run, "--format", "json"}, &out, &errs)
	}()
	<-m.asked
	stop()
	status := <-ended
	c := sameAfterwards(t, "interrupted", out.String(), status, journal, run)
	if c.Verdict != analyze.Inconclusive || !strings.HasPrefix(c.Why, "It can't be told: the replay was interrupted before its end") ||
		c.Coverage.Played.Lines == 48 || c.Coverage.LeftOut[0].Why != "not reached" {
		t.Errorf("%s: %s %+v", c.Verdict, c.Why, c.Coverage)
	}
}

func runMain(ctx context.Context, args []string, out, errs io.Writer) int {
	return run(ctx, args, strings.NewReader(""), out, errs)
}

// TestVerdictOutOfFiles: connections that this process can't make show nothing about
// the master.
func TestVerdictOutOfFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no ulimit")
	}
	journal, run := manyWorkers(t, 60), filepath.Join(t.TempDir(), "run")
	addr := (&pickyMaster{takes: 60}).start(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `ulimit -n 40; exec "$0" "$@"`, exe, "replay", journal, "--connect", addr, "--lag-limit", "1m", "--journal", run, "--format", "json")
	cmd.Env = append(os.Environ(), asProgram+"=1", "GORACE="+raceOptions)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	c := sameAfterwards(t, "out of files", string(out), exit.ExitCode(), journal, run)
	if c.Verdict != analyze.Inconclusive || !strings.Contains(c.Why, "of 60 connections could not be made by the replay itself: too many open files") || c.Coverage.Played.Connections >= 40 {
		t.Errorf("%s: %s\n%s", c.Verdict, c.Why, exit.Stderr)
	}
}

// TestVerdictOfMaster: workers that come late, that do not come, and that come too
// few. The late one has the replay begin late, and nothing in it.
func TestVerdictOfMaster(t *testing.T) {
	journal := manyWorkers(t, 2)
	play := func(t *testing.T, workers int, flags ...string) *analyze.Comparison {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		dir := filepath.Join(t.TempDir(), "run")
		var out, errs lockedBuffer
		replayed := make(chan int, 1)
		go func() {
			args := []string{"replay", journal, "--listen", "127.0.0.1:0", "--workers", "2", "--linger", "50ms", "--lag-limit", "1m", "--journal", dir, "--format", "json"}
			replayed <- runMain(ctx, append(args, flags...), &out, &errs)
		}()
		said := func(text string) {
			until(t, "it says "+text, func() bool { return strings.Contains(errs.String(), text) || len(replayed) > 0 })
		}
		said("listening on ")
		_, addr, _ := strings.Cut(errs.String(), "listening on ")
		addr, _, _ = strings.Cut(addr, "\n")
		over, end := context.WithCancel(ctx)
		ended := make(chan int, workers)
		for i := range workers {
			if i > 0 {
				said(fmt.Sprintf("%d there", i))
				time.Sleep(2 * analyze.DefaultLate) // more than a line may be late
			}
			go func() {
				ended <- runMain(over, []string{"worker", "--connect", addr, "--name", fmt.Sprint("w", i+1), "--dialect", "1.66.0"}, io.Discard, io.Discard)
			}()
		}
		status := <-replayed
		end()
		for range workers {
			<-ended
		}
		return sameAfterwards(t, fmt.Sprint(workers), out.String(), status, journal, dir)
	}
	t.Run("late", func(t *testing.T) {
		t.Parallel()
		c := play(t, 2)
		if c.Verdict != analyze.Same || c.Coverage.Played != (analyze.Extent{Connections: 2, Lines: 8}) {
			t.Errorf("%s: %s %+v", c.Verdict, c.Why, c.Coverage)
		}
	})
	t.Run("not asked for", func(t *testing.T) {
		t.Parallel()
		c := play(t, 1, "--worker", "w1,w2", "--workers", "1")
		if c.Verdict != analyze.Same || !strings.HasSuffix(c.Why, "Not compared are 1 of 2 recorded workers, which did not come.") {
			t.Errorf("%s: %s", c.Verdict, c.Why)
		}
	})
	t.Run("too few", func(t *testing.T) {
		t.Parallel()
		c := play(t, 1, "--wait", "300ms")
		if c.Verdict != analyze.Different || !strings.HasPrefix(c.Why, "1 of 2 workers that the run waited for did not come.") ||
			c.Coverage.Played != (analyze.Extent{Connections: 1, Lines: 4}) || c.Coverage.Recorded != (analyze.Extent{Connections: 2, Lines: 8}) {
			t.Errorf("%s: %s %+v", c.Verdict, c.Why, c.Coverage)
		}
	})
}
