package replay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repltap/wire"
)

// TestOverflowOfSeveral: connections that overflowed together do so again, each
// after its own last row, wherever its worker stood when the other one's was
// written: the one that came further is what is played, in rows that mostly have
// no token of their own.
func TestOverflowOfSeveral(t *testing.T) {
	rec := record(t)
	const keepUp = "ERROR Failed to keep up\n"
	ends := map[uint64]int{1: 2500, 2: 4000, 3: 3100} // their rows
	for conn := uint64(1); conn <= 3; conn++ {
		rec.open(conn)
		rec.say(conn, wire.S2C, "SERVER x\nPING 1\n")
		rec.say(conn, wire.C2S, fmt.Sprintf("NAME w%d\nPING 1\nREPLICATE \n", conn))
		rec.say(conn, wire.S2C, position)
	}
	rec.pass(time.Second)
	// What the recorded workers took when they read again comes from one after the
	// other: the first two from their buffers, the last one before it began to wait.
	for _, conn := range []uint64{3, 1, 2} {
		for i := range ends[conn] {
			token := "batch"
			if i%900 == 899 {
				token = fmt.Sprint(11 + i/900)
			}
			rec.say(conn, wire.S2C, fmt.Sprintf("RDATA to_device master %s [\"@user%d:x\"]\n", token, i))
		}
		if conn == 3 {
			rec.say(conn, wire.S2C, "RDATA to_dev")
			rec.close(conn, "reset", "master")
		} else {
			rec.say(conn, wire.S2C, keepUp)
			rec.close(conn, "fin", "master")
		}
		rec.pass(10 * time.Millisecond)
	}
	plan := rec.plan(PlanOptions{})
	if plan.Rows["to_device"] != 4000 {
		t.Errorf("%d rows are to be played", plan.Rows["to_device"])
	}
	run := serve(t, MasterConfig{Plan: plan, Workers: 3, Link: Link{Recorded: true}})
	var workers []*client
	for conn := 1; conn <= 3; conn++ {
		workers = append(workers, run.dial(fmt.Sprint("NAME w", conn), "PING 1", "REPLICATE "))
	}
	workers[2].pings()
	done := make(chan *client)
	for _, k := range workers {
		go func() { done <- k.all() }()
	}
	for range workers {
		<-done
	}
	result := run.wait()
	for i, k := range workers {
		conn := uint64(i + 1)
		want, got := rowsOf(recordedLines(t, rec.dir, conn))["to_device"], rowsOf(k.got)["to_device"]
		if diff := cmp.Diff(want, got); diff != "" || len(got) != ends[conn] {
			t.Errorf("worker %d got %d rows; (-want +got):\n%.600s", conn, len(got), diff)
		}
		failed := slices.Contains(k.got, strings.TrimSpace(keepUp))
		if c := result.Connections[i]; failed != (conn != 3) || k.part != map[bool]string{false: "", true: "RDATA to_dev"}[conn == 3] || c.Queue != 10_001 {
			t.Errorf("worker %d: told %v, part %q; %+v", conn, failed, k.part, c)
		}
	}
}
