package replay

import (
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repltap/journal"
	"repltap/wire"
)

// TestCaptures: what real masters sent arrives again, row by row, in the order of
// each stream.
func TestCaptures(t *testing.T) {
	t.Run("1.66.0", func(t *testing.T) {
		rec := record(t)
		rec.capture("1.66.0/01-mix/conn-1.jsonl.zst")
		plan := rec.plan(PlanOptions{})
		run := serve(t, MasterConfig{Plan: plan})
		k := run.dial("NAME w1", "PING 1", "REPLICATE ").all()
		result := run.wait()
		sameRows(t, recordedLines(t, rec.dir, 1), k.got)
		sameRows(t, k.got, recordedLines(t, run.dir, 1))
		if !result.Complete || len(result.Connections) != 1 || k.got[0] != "SERVER lab.test" || !strings.HasPrefix(k.got[1], "PING ") {
			t.Errorf("complete %v, %d connections, greeting %q", result.Complete, len(result.Connections), k.got[:2])
		}
		if n := strings.Count(strings.Join(k.got, "\n"), "POSITION events master"); n < 1 {
			t.Error("no POSITION of events")
		}
	})
	t.Run("0.99.0", func(t *testing.T) {
		rec := record(t)
		rec.capture("0.99.0/01-mix/conn-1.jsonl.zst")
		plan := rec.plan(PlanOptions{})
		run := serve(t, MasterConfig{Plan: plan})
		asks := slices.Sorted(maps.Keys(plan.asked))
		hello := []string{"NAME synchrotron", "PING 1"}
		for _, stream := range asks {
			hello = append(hello, fmt.Sprintf("REPLICATE %s %d", stream, plan.asked[stream]))
		}
		// A stream that the recorded worker did not ask for stands where this one does.
		k := run.dial(append(hello, "REPLICATE pushers 5")...).all()
		run.wait()
		sameRows(t, recordedLines(t, rec.dir, 1), k.got)
		if plan.asked["pushers"] != 0 || !slices.Contains(k.got, "POSITION pushers 5") {
			t.Error("no POSITION of a stream that is not in the journal")
		}
	})
}

func sameRows(t *testing.T, want, got []string) {
	t.Helper()
	if len(rowsOf(want)) == 0 {
		t.Fatal("there are no rows to compare")
	}
	if diff := cmp.Diff(rowsOf(want), rowsOf(got)); diff != "" {
		t.Errorf("rows (-want +got):\n%.2000s", diff)
	}
}

const position = "POSITION to_device master 10 10\n"

// overflowed is a recording of a connection that got more than its worker took,
// which ends with what end says.
func overflowed(t *testing.T, rows int) *recording {
	rec := record(t)
	rec.open(1)
	rec.say(1, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(1, wire.C2S, "NAME w1\nPING 1\nREPLICATE \n")
	rec.say(1, wire.S2C, position)
	rec.pass(time.Second)
	for i := range rows {
		rec.say(1, wire.S2C, fmt.Sprintf("RDATA to_device master %d [\"@user%d:x\"]\n", 11+i, i))
	}
	return rec
}

// TestOverflowAgain: a recorded overflow happens again after the same command,
// to a worker that takes everything at once.
func TestOverflowAgain(t *testing.T) {
	for _, speed := range []float64{0, 1000} {
		rec := overflowed(t, 4000)
		rec.say(1, wire.S2C, "ERROR Failed to keep up\n")
		rec.close(1, "fin", "master")
		run := serve(t, MasterConfig{Plan: rec.plan(PlanOptions{}), Speed: speed, Link: Link{Recorded: true}})
		k := run.dial("NAME w1", "REPLICATE ").all()
		result := run.wait()
		want := recordedLines(t, rec.dir, 1)
		if diff := cmp.Diff(want[2:], withoutPings(k.got)[1:]); diff != "" || k.end != nil {
			t.Errorf("speed %v: ended with %v; (-want +got):\n%.1000s", speed, k.end, diff)
		}
		c := result.Connections[0]
		if c.Queue != 10_001 || c.Note != "Failed to keep up" || c.How != "fin" || c.By != "master" || c.LastLine != "ERROR Failed to keep up" {
			t.Errorf("speed %v: %+v", speed, c)
		}
	}
}

// TestResetAgain: so does one that ended in a reset, with what came of the last
// line, once the worker has said something.
func TestResetAgain(t *testing.T) {
	rec := overflowed(t, 4000)
	rec.say(1, wire.S2C, "RDATA to_dev")
	rec.close(1, "reset", "master")
	run := serve(t, MasterConfig{Plan: rec.plan(PlanOptions{}), Link: Link{Recorded: true}})
	k := run.dial("NAME w1", "PING 1", "REPLICATE ")
	k.pings()
	k.all()
	result := run.wait()
	if !errors.Is(k.end, syscall.ECONNRESET) || k.part != "RDATA to_dev" || len(rowsOf(k.got)["to_device"]) != 4000 {
		t.Errorf("ended with %v after %d rows and %q", k.end, len(rowsOf(k.got)["to_device"]), k.part)
	}
	if c := result.Connections[0]; c.How != "reset" || c.By != "master" || c.Queue != 10_001 {
		t.Errorf("%+v", c)
	}
}

func withoutPings(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, "PING ") })
}

// many is a recording of more than a kernel with small buffers takes.
func many(t *testing.T) *recording {
	rec := overflowed(t, 60_000)
	rec.pass(time.Second)
	rec.close(1, "unknown", "")
	return rec
}

// TestTooSlow: a worker that does not read gets what it gets from Synapse: what
// was in the buffers and then the ERROR, or a reset without it if it has pinged.
func TestTooSlow(t *testing.T) {
	for _, pings := range []bool{false, true} {
		full := make(chan struct{})
		var closed bool
		// More than the kernel takes is in the buffer, so that it is not closed before
		// the worker does something.
		limits := Limits{HighWater: 1 << 20}
		run := serve(t, MasterConfig{Plan: many(t).plan(PlanOptions{}), Speed: 1e6, Limits: limits, Progress: func(p Progress) {
			if !closed && p.Played > 60_000 {
				closed = true
				close(full)
			}
		}})
		k := run.dial("NAME w1", "PING 1", "REPLICATE ")
		<-full
		if pings {
			k.say("PING 2")
		}
		k.all()
		result := run.wait()
		c := result.Connections[0]
		rows := rowsOf(k.got)["to_device"]
		for i, row := range rows {
			if want := fmt.Sprintf("RDATA to_device master %d [\"@user%d:x\"]", 11+i, i); row != want {
				t.Fatalf("row %d is %q", i, row)
			}
		}
		last := k.got[len(k.got)-1]
		switch {
		case c.Queue != 10_001 || c.Pauses == 0 || len(rows) == 0 || len(rows) > 50_000:
			t.Errorf("pings %v: %d rows, %+v", pings, len(rows), c)
		case pings && (!errors.Is(k.end, syscall.ECONNRESET) || c.How != "reset"):
			// How much is lost is the kernel's: what it had sent is there.
			t.Errorf("pinging, it ended with %v after %q; %+v", k.end, last, c)
		case !pings && (k.end != nil || last != "ERROR Failed to keep up" || k.part != "" || c.How != "fin"):
			t.Errorf("silent, it ended with %v after %q; %+v", k.end, last, c)
		}
	}
}

// TestNeverFull: at the highest speed a worker that is slow makes the replay slow.
func TestNeverFull(t *testing.T) {
	run := serve(t, MasterConfig{Plan: many(t).plan(PlanOptions{})})
	k := run.dial("NAME w1", "PING 1", "REPLICATE ").all()
	result := run.wait()
	if n := len(rowsOf(k.got)["to_device"]); n != 60_000 || result.Connections[0].Queue > sliceActs {
		t.Errorf("%d rows, %+v", n, result.Connections[0])
	}
}

// TestComesBack: a worker that drops and returns plays the next recorded
// connection, and is told where the streams stand by then.
func TestComesBack(t *testing.T) {
	rec := record(t)
	for conn := uint64(1); conn <= 2; conn++ {
		rec.open(conn)
		rec.say(conn, wire.S2C, "SERVER x\nPING 1\n")
		rec.say(conn, wire.C2S, "NAME w1\nPING 1\nREPLICATE \n")
		at := 10 + 10*conn
		rec.say(conn, wire.S2C, fmt.Sprintf("POSITION typing master %d %d\n", at, at))
		rec.pass(time.Second)
		rec.say(conn, wire.S2C, fmt.Sprintf("RDATA typing master %d [\"!r:x\",[]]\n", at+1))
		rec.close(conn, "fin", "master")
		rec.pass(time.Minute)
	}
	run := serve(t, MasterConfig{Plan: rec.plan(PlanOptions{Filter: journal.Filter{Workers: []string{"w1"}}})})
	var got []string
	for range 2 {
		got = append(got, withoutPings(run.dial("NAME w1", "REPLICATE ").all().got)...)
	}
	result := run.wait()
	want := []string{
		"SERVER x", "POSITION typing master 20 20", `RDATA typing master 21 ["!r:x",[]]`,
		"SERVER x", "POSITION typing master 30 30", `RDATA typing master 31 ["!r:x",[]]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if c := result.Connections; len(c) != 2 || c[0].Plays != 1 || c[1].Plays != 2 || c[0].Note != "the recorded master stopped" {
		t.Errorf("%+v", c)
	}
}

// TestRewrite: tokens and names are those of another installation.
func TestRewrite(t *testing.T) {
	rec := overflowed(t, 2)
	rec.close(1, "fin", "worker")
	plan := rec.plan(PlanOptions{})
	w := Rewrite{Server: "y", Instance: "main", Tokens: map[string]int64{"to_device": 500}}
	run := serve(t, MasterConfig{Plan: plan, Rewrite: w})
	k := run.dial("NAME w1", "REPLICATE ").all()
	run.wait()
	want := []string{
		"SERVER y", "POSITION to_device main 500 500", `RDATA to_device main 501 ["@user0:x"]`, `RDATA to_device main 502 ["@user1:x"]`,
	}
	if diff := cmp.Diff(want, withoutPings(k.got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	h := &RowServer{Plan: plan, Rewrite: w, Secret: "s3"}
	answer := httptest.NewRecorder()
	r := httptest.NewRequest("GET", catchUpPath+"to_device/abc?from_token=501&upto_token=502", nil)
	h.ServeHTTP(answer, r)
	if answer.Code != 500 {
		t.Errorf("without the secret: %d", answer.Code)
	}
	r.Header.Set("Authorization", "Bearer s3")
	answer = httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	if got := answer.Body.String(); got != `{"updates":[[502,["@user1:x"]]],"upto_token":502,"limited":false}` {
		t.Errorf("%d %s", answer.Code, got)
	}
}
