package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// raceOptions keep a program under the race detector from sleeping a second
// before it exits.
const raceOptions = "atexit_sleep_ms=0"

// asProgram makes the test binary be repltap.
const asProgram = "REPLTAP_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(realMain())
	}
	testscript.Main(m, map[string]func(){"repltap": func() { os.Exit(realMain()) }})
}

// TestScripts runs the command line as its users do.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": statusIs},
		Setup: func(env *testscript.Env) error {
			repo, err := os.Getwd()
			env.Setenv("CAPTURES", repo+"/../../testdata/captures")
			env.Setenv("GORACE", raceOptions)
			return err
		},
	})
}

// statusIs is `status N COMMAND…` in a script: exec, and N is the exit status.
func statusIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command [args...]")
	}
	status := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status, err = exit.ExitCode(), nil
	}
	ts.Check(err)
	if got := fmt.Sprint(status); got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}

// patience is how long anything may take before a test gives up. It is no
// measure of speed.
const patience = 30 * time.Second

// repltap runs a command in this process.
func repltap(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	status = run(ctx, args, strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), status
}

// mustRun is repltap, when nothing may go wrong.
func mustRun(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	stdout, stderr, status := repltap(t, args...)
	if status != 0 {
		t.Fatalf("repltap %s: status %d\n%s", strings.Join(args, " "), status, stderr)
	}
	return stdout
}

// process is repltap as a process of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string // of stderr
	done  chan struct{}

	mu     sync.Mutex
	stderr strings.Builder
}

// start starts repltap as a process, which ends with the test.
func start(t *testing.T, stdout io.Writer, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(exe, args...), lines: make(chan string, 1000), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asProgram+"=1", "GORACE="+raceOptions)
	p.cmd.Stdout = stdout
	pipe, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(pipe)
	t.Cleanup(func() { p.cmd.Process.Kill(); <-p.done })
	return p
}

func (p *process) read(stderr io.Reader) {
	defer close(p.done)
	defer close(p.lines)
	for sc := bufio.NewScanner(stderr); sc.Scan(); {
		p.mu.Lock()
		fmt.Fprintln(&p.stderr, sc.Text())
		p.mu.Unlock()
		select {
		case p.lines <- sc.Text():
		default: // nobody waits for any of them
		}
	}
}

// said is all of stderr so far.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// expect waits for a line of stderr that begins with prefix and gives the rest.
func (p *process) expect(prefix string) string {
	p.t.Helper()
	late := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("it ended without saying %q:\n%s", prefix, p.said())
			}
			if rest, found := strings.CutPrefix(line, prefix); found {
				return rest
			}
		case <-late:
			p.t.Fatalf("it did not say %q:\n%s", prefix, p.said())
		}
	}
}

// end sends a signal, waits for the end and gives the exit status, -1 when a
// signal was it.
func (p *process) end(sig os.Signal) int {
	p.t.Helper()
	if sig != nil {
		p.cmd.Process.Signal(sig)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.cmd.Process.Signal(syscall.SIGQUIT) // shows what it was at
		<-p.done
		p.t.Fatalf("it did not end:\n%s", p.said())
	}
	p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// until polls until ok holds.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(5 * time.Millisecond); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// listen opens a listener for a test's master.
func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.(*net.TCPListener)
}

// link makes a connection through a tap and gives both ends.
func link(t *testing.T, tap string, master *net.TCPListener) (worker, behind *net.TCPConn) {
	t.Helper()
	w, err := net.DialTimeout("tcp", tap, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	master.SetDeadline(time.Now().Add(patience))
	m, err := master.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	for _, c := range []net.Conn{w, m} {
		c.SetDeadline(time.Now().Add(2 * patience))
	}
	return w.(*net.TCPConn), m.(*net.TCPConn)
}
