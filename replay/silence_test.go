package replay

import (
	"strings"
	"testing"
	"time"

	"repltap/wire"
)

// again replays a recording to the built-in worker, with clocks that go fast.
func (r *recording) again(speed float64, c WorkerConfig) (*Result, *WorkerReport, string) {
	t := r.t
	t.Helper()
	run := serve(t, MasterConfig{Plan: r.plan(PlanOptions{}), Speed: speed, Link: Link{Recorded: true}, Linger: time.Millisecond, pace: testSpeed})
	m := &testMaster{t: t, ln: nil}
	c.Once = true
	w := m.startAt(run.addr, c, testSpeed)
	result := run.wait()
	report := w.end()
	return result, report, strings.Join(withoutPings(recordedLines(t, run.dir, 1)), "\n")
}

func quietConnection(t *testing.T) *recording {
	rec := record(t)
	rec.open(1)
	rec.say(1, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(1, wire.C2S, "NAME w1\nPING 1\nREPLICATE \n")
	rec.say(1, wire.S2C, "POSITION events master 5 5\n")
	return rec
}

// TestMasterGivesUp: where a recorded master gave its worker up for its silence,
// the replayed one does, although today's worker is alive.
func TestMasterGivesUp(t *testing.T) {
	for _, speed := range []float64{0, 1, 3} {
		rec := quietConnection(t)
		rec.pass(35 * time.Second)
		rec.say(1, wire.S2C, "PING 2\nERROR ping timeout\n")
		rec.close(1, "fin", "master")
		result, report, got := rec.again(speed, WorkerConfig{})
		c := result.Connections[0]
		if !strings.HasSuffix(got, "\nERROR ping timeout") || c.Note != "ping timeout" || c.By != "master" || report.Ended[0].Got != "ping timeout" {
			t.Errorf("speed %v: %s by %s (%s); sent was %q", speed, c.How, c.By, c.Note, got)
		}
	}
}

// TestFrozenWorker: so it is with a worker that is really frozen, without any link.
// When it is let go on it says what the recorded one said.
func TestFrozenWorker(t *testing.T) {
	rec := quietConnection(t)
	rec.pass(60 * time.Second)
	rec.close(1, "", "")
	run := serve(t, MasterConfig{Plan: rec.plan(PlanOptions{}), Speed: 1, Linger: time.Millisecond, pace: testSpeed})
	w := (&testMaster{t: t}).startAt(run.addr, WorkerConfig{Once: true, Faults: []Fault{{FaultFreeze, 6 * time.Second, 62 * time.Second}}}, testSpeed)
	c := run.wait().Connections[0]
	end := w.end().Ended[0]
	if c.Note != "ping timeout" || c.LastLine != "ERROR ping timeout" || end.Said != "ping timeout" || end.Got != "" {
		t.Errorf("the master: %+v\nthe worker: %+v", c, end)
	}
	if gone := time.Duration(c.Closed - c.Opened); gone < 25*time.Second || gone > 45*time.Second {
		t.Errorf("the master gave it up after %v of its time", gone)
	}
}

// TestWorkerGivesUp: where a recorded worker gave the master up, today's hears
// nothing either, until it does the same.
func TestWorkerGivesUp(t *testing.T) {
	for _, speed := range []float64{0, 1} {
		rec := quietConnection(t)
		rec.pass(30 * time.Second)
		rec.say(1, wire.C2S, "PING 2\nERROR ping timeout\n")
		rec.close(1, "fin", "worker")
		result, report, _ := rec.again(speed, WorkerConfig{})
		if c := result.Connections[0]; c.By != "worker" || report.Ended[0].Said != "ping timeout" {
			t.Errorf("speed %v: the master: %+v\nthe worker: %+v", speed, c, report.Ended[0])
		}
	}
}

// TestNobodyGivesUp: without the link a lively worker is not given up.
func TestNobodyGivesUp(t *testing.T) {
	rec := quietConnection(t)
	rec.pass(35 * time.Second)
	rec.say(1, wire.S2C, "ERROR ping timeout\n")
	rec.close(1, "fin", "master")
	run := serve(t, MasterConfig{Plan: rec.plan(PlanOptions{}), Speed: 1, Linger: time.Millisecond, pace: testSpeed})
	w := (&testMaster{t: t}).startAt(run.addr, WorkerConfig{Once: true}, testSpeed)
	if c := run.wait().Connections[0]; c.Note != "end of the replay" {
		t.Errorf("%+v", c)
	}
	w.end()
}
