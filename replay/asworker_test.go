package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repltap/journal"
	"repltap/wire"
)

// playing is a worker's role that runs.
type playing struct {
	t      *testing.T
	dir    string // of its journal
	result *Result
	err    error
	done   chan struct{}
	stop   context.CancelFunc
}

// play plays a plan to an address, with a clock that goes at a speed.
func play(t *testing.T, addr string, cfg PlayerConfig, clockSpeed float64) *playing {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	r := &playing{t: t, dir: t.TempDir(), done: make(chan struct{}), stop: stop}
	var err error
	if cfg.Journal, err = journal.Create(r.dir, journal.Options{Redact: wire.RedactNone}); err != nil {
		t.Fatal(err)
	}
	cfg.Connect = addr
	clock := newClock()
	clock.speed = clockSpeed
	go func() {
		defer close(r.done)
		r.result, r.err = playWorkers(ctx, cfg, clock)
		if err := cfg.Journal.Close(); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stop(); <-r.done })
	return r
}

func (r *playing) wait() *Result {
	r.t.Helper()
	<-r.done
	if r.err != nil {
		r.t.Fatal(r.err)
	}
	report, err := journal.Verify(context.Background(), r.dir, nil)
	if err != nil || !report.OK || report.Unaccounted != 0 || len(report.Gaps) > 0 {
		r.t.Errorf("the journal of the run: %+v, %v", report, err)
	}
	return r.result
}

// saidIn are the bytes of the workers of a journal, by connection, without PING.
func saidIn(t *testing.T, dir string) map[uint64]string {
	t.Helper()
	said := map[uint64]string{}
	for rec := range records(t, dir) {
		if rec.Dir == wire.C2S && rec.Data != nil && rec.Gist.Command != wire.CmdPing {
			said[rec.Conn] += string(rec.Data)
		}
	}
	return said
}

func records(t *testing.T, dir string) func(func(*journal.Record) bool) {
	t.Helper()
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(*journal.Record) bool) {
		for rec, err := range r.Records(t.Context(), journal.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			if !yield(rec) {
				return
			}
		}
	}
}

// TestPlayCaptures: what real workers said, a replayed master hears again, and the
// one has the journal of the other.
func TestPlayCaptures(t *testing.T) {
	for _, x := range []struct {
		name  string
		speed float64
	}{
		{"1.12.4/02-reconnect-catchup/conn-1", 0},
		{"1.12.4/02-reconnect-catchup/conn-1", 10},
		{"1.19.0/01-mix/conn-1", 0},
		{"1.66.0/01-mix/conn-2", 0},
		{"1.66.0/01-mix/conn-4", 200},
	} {
		rec := record(t)
		rec.capture(x.name + ".jsonl.zst")
		master := serve(t, MasterConfig{Plan: rec.plan(PlanOptions{}), Speed: x.speed, Linger: patience})
		plan := rec.replan(PlanOptions{Worker: true})
		run := play(t, master.addr, PlayerConfig{Plan: plan, Speed: x.speed, Linger: 50 * time.Millisecond}, 1)
		result := run.wait()
		master.stop()
		master.wait()
		want := saidIn(t, rec.dir)
		if len(want[1]) == 0 || int64(strings.Count(want[1], "\n")) != result.Played || result.Played != plan.Lines || !result.Complete {
			t.Errorf("%s: played %d of %d, %d bytes", x.name, result.Played, plan.Lines, len(want[1]))
		}
		if diff := cmp.Diff(want, saidIn(t, run.dir)); diff != "" {
			t.Errorf("%s: said (-want +got)\n%.1000s", x.name, diff)
		}
		if diff := cmp.Diff(want, saidIn(t, master.dir)); diff != "" {
			t.Errorf("%s: heard (-want +got)\n%.1000s", x.name, diff)
		}
		// The master's role is timed from when a worker has asked, so the last rows are
		// not there at a speed when the worker leaves.
		if x.speed == 0 {
			sameRows(t, recordedLines(t, rec.dir, 1), recordedLines(t, run.dir, 1))
		} else if result.Lags.Count() != uint64(result.Played) {
			t.Errorf("%s: lags of %d", x.name, result.Lags.Count())
		}
	}
}

// replan plans a replay of what was planned before.
func (r *recording) replan(o PlanOptions) *Plan {
	r.t.Helper()
	p, err := r.tryReplan(o)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func (r *recording) tryReplan(o PlanOptions) (*Plan, error) {
	r.t.Helper()
	reader, err := journal.Open(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return NewPlan(context.Background(), reader, o)
}

const workerHello = "NAME w1\nPING 1\nREPLICATE \n"

// oneWorker is a recording of a worker that says more after a while.
func oneWorker(t *testing.T, later ...string) *recording {
	rec := record(t)
	rec.open(1)
	rec.say(1, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(1, wire.C2S, workerHello)
	rec.say(1, wire.S2C, position)
	for _, line := range later {
		rec.pass(time.Second)
		rec.say(1, wire.C2S, line)
	}
	return rec
}

// TestPlayBytes: what is no good line goes out as it is, too.
func TestPlayBytes(t *testing.T) {
	rec := oneWorker(t, "USER_SYNC abcde @u:x start 5\r\n", "\n", "FEDERATION_ACK w1 7 \n", "X\xff\x00 "+strings.Repeat("y", 20_000)+"\n", "USER_SY")
	rec.close(1, "reset", "worker")
	m := newTestMaster(t)
	run := play(t, m.ln.Addr().String(), PlayerConfig{Plan: rec.plan(PlanOptions{Worker: true})}, 1)
	c := m.accept()
	c.send("SERVER x", "PING 1", strings.TrimSpace(position))
	var got []byte
	buf := make([]byte, 1<<16)
	var end error
	for end == nil {
		var n int
		n, end = c.Read(buf)
		got = append(got, buf[:n]...)
	}
	result := run.wait()
	lines := bytes.SplitAfter(got, newline)
	if !bytes.HasPrefix(lines[1], []byte("PING 1")) || bytes.Equal(lines[1], []byte("PING 1\n")) {
		t.Errorf("the second line is %q", lines[1])
	}
	want := saidIn(t, rec.dir)[1]
	if string(bytes.Join(slices.Delete(lines, 1, 2), nil)) != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
	if e := result.Connections[0]; e.How != "reset" || e.By != "worker" || e.Plays != 1 || e.Lines < 8 || howEnded(end) != "reset" {
		t.Errorf("%+v, %v", e, end)
	}
}

// TestPlayClosedEarly: a master that ends it has not heard the rest.
func TestPlayClosedEarly(t *testing.T) {
	rec := oneWorker(t, "FEDERATION_ACK w1 1\n", "FEDERATION_ACK w1 2\n", "FEDERATION_ACK w1 3\n")
	rec.close(1, "fin", "worker")
	m := newTestMaster(t)
	run := play(t, m.ln.Addr().String(), PlayerConfig{Plan: rec.plan(PlanOptions{Worker: true}), Speed: 20}, 1)
	c := m.accept()
	c.expect("NAME w1", "PING", "REPLICATE ", "FEDERATION_ACK w1 1")
	c.Close()
	result := run.wait()
	if e := result.Connections[0]; e.How == "" || e.By != "master" || !result.Complete {
		t.Errorf("%+v", e)
	}
	if len(result.Notes) != 1 || !strings.Contains(result.Notes[0], "were not sent") {
		t.Errorf("%q", result.Notes)
	}
}

// TestPlayStaysToHear: a worker that was told something after its last line does not
// leave before it is told as much, and does not stay for ever for what never comes.
func TestPlayStaysToHear(t *testing.T) {
	for _, silent := range []bool{false, true} {
		rec := oneWorker(t, "FEDERATION_ACK w1 1\n")
		rec.say(1, wire.S2C, "RDATA federation master 2 [\"p\",{}]\n")
		rec.close(1, "fin", "worker")
		m := newTestMaster(t)
		clockSpeed := 1.0
		if !silent {
			clockSpeed = 0.01 // for it the silence is not yet long when it is told
		}
		run := play(t, m.ln.Addr().String(), PlayerConfig{Plan: rec.plan(PlanOptions{Worker: true}), Speed: 1e5}, clockSpeed)
		c := m.accept()
		c.send("SERVER x", strings.TrimSpace(position))
		c.expect("NAME w1", "PING", "REPLICATE ", "FEDERATION_ACK w1 1")
		if !silent {
			c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("before it was told all: %v", err)
			}
			c.SetReadDeadline(time.Now().Add(patience))
			c.send("RDATA federation master 2 [\"p\",{}]")
		}
		if got := c.line(); got != "" || c.lines.Err() != nil {
			t.Errorf("after the last line %q, %v", got, c.lines.Err())
		}
		c.Close()
		if e := run.wait().Connections[0]; e.By != "worker" || e.How != "fin" {
			t.Errorf("silent %v: it ended %s by %s", silent, e.How, e.By)
		}
	}
}

// TestPlayComesBack: recorded reconnects are made again, and who ended a connection
// ends it.
func TestPlayComesBack(t *testing.T) {
	for _, speed := range []float64{0, 100} {
		rec := record(t)
		for conn, by := range []string{"worker", "master", "unknown"} {
			rec.open(uint64(conn + 1))
			rec.say(uint64(conn+1), wire.C2S, workerHello)
			rec.say(uint64(conn+1), wire.S2C, "SERVER x\n"+position)
			rec.pass(2 * time.Second)
			rec.say(uint64(conn+1), wire.C2S, fmt.Sprintf("FEDERATION_ACK w1 %d\n", conn+1))
			rec.pass(time.Second)
			rec.close(uint64(conn+1), "fin", by)
			rec.pass(5 * time.Second)
		}
		m := newTestMaster(t)
		run := play(t, m.ln.Addr().String(), PlayerConfig{Plan: rec.plan(PlanOptions{Worker: true}), Speed: speed}, 1)
		for conn := range 3 {
			c := m.accept()
			c.send("SERVER x", strings.TrimSpace(position))
			c.expect("NAME w1", "PING", "REPLICATE ", fmt.Sprintf("FEDERATION_ACK w1 %d", conn+1))
			if conn == 1 {
				c.Close()
			} else if got := c.line(); got != "" || c.lines.Err() != nil {
				t.Errorf("after the last line %q, %v", got, c.lines.Err())
			}
			c.Close()
		}
		result := run.wait()
		var ends []string
		for _, e := range result.Connections {
			ends = append(ends, fmt.Sprintf("%d %s by %s %s", e.Plays, e.How, e.By, e.Note))
		}
		want := []string{"1 fin by worker ", "2 fin by master ", "3 fin by worker the recording ends here"}
		if diff := cmp.Diff(want, ends); diff != "" {
			t.Errorf("speed %v (-want +got)\n%s", speed, diff)
		}
	}
}

// TestPlayAlive: PING is the world's, and so is a master that says nothing.
func TestPlayAlive(t *testing.T) {
	rec := oneWorker(t)
	rec.pass(time.Second)
	rec.say(1, wire.C2S, "PING 2\n")
	for range 200 {
		rec.pass(5 * time.Second)
		rec.say(1, wire.C2S, "PING 3\n")
	}
	m := newTestMaster(t)
	run := play(t, m.ln.Addr().String(), PlayerConfig{Plan: rec.plan(PlanOptions{Worker: true}), Speed: 1}, testSpeed)
	c := m.accept()
	c.send("SERVER x", "PING 1")
	c.expect("NAME w1", "PING", "REPLICATE ", "PING")
	last := ""
	for line := c.line(); line != ""; line = c.line() {
		last = line
	}
	if last != "ERROR ping timeout" {
		t.Errorf("the last line is %q", last)
	}
	run.stop()
	result := run.wait()
	if e := result.Connections[0]; e.Note != "ping timeout" || e.How != "fin" || e.By != "worker" {
		t.Errorf("%+v", e)
	}
}

// TestPlayStall: a recorded worker that stopped reading does so again, and gets all
// when it goes on.
func TestPlayStall(t *testing.T) {
	rec := oneWorker(t)
	rec.pass(time.Second)
	rec.scribe.Event(rec.now, 1, wire.S2C, journal.KindStall, journal.Event{})
	rec.say(1, wire.C2S, "FEDERATION_ACK w1 1\n")
	rec.pass(time.Second)
	rec.say(1, wire.C2S, "FEDERATION_ACK w1 2\n")
	rec.pass(time.Second)
	rec.scribe.Event(rec.now, 1, wire.S2C, journal.KindResume, journal.Event{})
	rec.say(1, wire.C2S, "FEDERATION_ACK w1 3\n")
	rec.pass(10 * time.Second)
	rec.close(1, "fin", "worker")
	m := newTestMaster(t)
	run := play(t, m.ln.Addr().String(), PlayerConfig{Plan: rec.plan(PlanOptions{Worker: true}), Speed: 40, Link: Link{Recorded: true}}, 1)
	c := m.accept()
	c.expect("NAME w1", "PING", "REPLICATE ", "FEDERATION_ACK w1 1")
	written := make(chan struct{})
	go func() { // until it reads again this may block
		defer close(written)
		c.send(strings.Repeat("RDATA typing master 5 [\"!r:x\",[]]\n", 20_000))
	}()
	c.expect("FEDERATION_ACK w1 2", "FEDERATION_ACK w1 3")
	<-written
	run.wait()
	var order, acks []string
	rows := 0
	for r := range records(t, run.dir) {
		switch {
		case r.Gist.Command == wire.CmdRdata:
			if rows++; rows > 1 {
				continue
			}
			order = append(order, "rows")
		case r.Kind == journal.KindStall, r.Kind == journal.KindResume:
			order = append(order, r.Kind.String())
		case r.Gist.Command == wire.CmdFederationAck:
			acks = append(acks, string(r.Data[len(r.Data)-2]))
		}
	}
	if !slices.Equal(order, []string{"stall", "resume", "rows"}) || !slices.Equal(acks, []string{"1", "2", "3"}) || rows != 20_000 {
		t.Errorf("%d rows, %q, %q", rows, order, acks)
	}
}

// TestPlayFrozen: a recorded worker that said nothing, not even PING, for longer than
// anybody waits does that again, and gives up first thing when it goes on.
func TestPlayFrozen(t *testing.T) {
	rec := oneWorker(t)
	rec.pass(62 * time.Second)
	rec.say(1, wire.C2S, "PING 2\nERROR ping timeout\n")
	rec.close(1, "fin", "worker")
	m := newTestMaster(t)
	run := play(t, m.ln.Addr().String(), PlayerConfig{Plan: rec.plan(PlanOptions{Worker: true}), Speed: 1, Link: Link{Recorded: true}}, testSpeed)
	c := m.accept()
	c.send("SERVER x", "PING 1")
	c.expect("NAME w1", "PING", "REPLICATE ")
	c.send("ERROR ping timeout")
	c.CloseWrite()
	c.expect("PING", "ERROR ping timeout", "")
	result := run.wait()
	if e := result.Connections[0]; e.How != "fin" || len(result.Notes) != 0 {
		t.Errorf("%+v %q", e, result.Notes)
	}
	if got := recordedLines(t, run.dir, 1); got[len(got)-1] != "ERROR ping timeout" {
		t.Errorf("it got %q", got)
	}
}

// TestPlayNobody: a master that is not there is told.
func TestPlayNobody(t *testing.T) {
	rec := oneWorker(t)
	m := newTestMaster(t)
	m.ln.Close()
	run := play(t, m.ln.Addr().String(), PlayerConfig{Plan: rec.plan(PlanOptions{Worker: true})}, 1)
	<-run.done
	var nobody *NoMasterError
	if !errors.As(run.err, &nobody) || !strings.Contains(run.err.Error(), "refused") {
		t.Errorf("%v", run.err)
	}
}
