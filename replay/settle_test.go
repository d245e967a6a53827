package replay

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// tellRun gives what a run says of itself at its end.
func tellRun(t *testing.T, dir string) *journal.Run {
	t.Helper()
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	run, _, err := r.LastRun(t.Context())
	if err != nil || run == nil || !run.Ended {
		t.Fatalf("%+v, %v", run, err)
	}
	return run
}

// rowsFor records a worker and so many rows for it, and then its end, by the side named, if there is one.
func rowsFor(t *testing.T, rows int, by string) *recording {
	r := record(t)
	r.open(1)
	r.say(1, wire.S2C, "SERVER lab.test\nPING 1\n")
	r.say(1, wire.C2S, "NAME w1\nPING 1\nREPLICATE \n")
	r.say(1, wire.S2C, "POSITION caches master 0 0\n")
	for i := range rows {
		r.pass(time.Millisecond)
		r.say(1, wire.S2C, fmt.Sprintf("RDATA caches master %d [\"f\",[\"k\"],1]\n", i+1))
	}
	r.pass(time.Second)
	if by != "" {
		r.close(1, "fin", by)
	}
	return r
}

// TestSettle: before it ends a connection, a master waits until its worker has said
// something some time after it had everything; a worker that never does is named.
func TestSettle(t *testing.T) {
	for _, by := range []string{"", "master"} {
		for _, pings := range []bool{true, false} {
			t.Run(fmt.Sprintf("%q %v", by, pings), func(t *testing.T) {
				t.Parallel()
				const settle = 3 * time.Second
				r := serve(t, MasterConfig{Plan: rowsFor(t, 500, by).plan(PlanOptions{}), Settle: settle, pace: 10})
				c := r.dial("NAME w1", "PING 1", "REPLICATE ")
				if pings {
					c.pings()
				}
				if rows := len(rowsOf(c.all().got)["caches"]); rows != 500 {
					t.Errorf("%d rows", rows)
				}
				r.wait()
				run := tellRun(t, r.dir)
				if !run.Complete || len(run.Untaken) > 0 == pings {
					t.Errorf("%+v", run)
				}
				last, end := lastRow(t, r.dir)
				if waited := end - last; waited < workOff || !pings && waited < int64(settle) {
					t.Errorf("it waited %v", time.Duration(waited))
				}
			})
		}
	}
}

// lastRow is when the last row went out in a run, and when the connection ended.
func lastRow(t *testing.T, dir string) (last, end int64) {
	t.Helper()
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for rec, err := range r.Records(t.Context(), journal.Filter{}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case rec.Kind == journal.KindLine && rec.Dir == wire.S2C && rec.Gist.Command == wire.CmdRdata:
			last = rec.Time
		case rec.Kind == journal.KindClose:
			end = rec.Time
		}
	}
	return last, end
}

// TestSettleInStep: a worker says PING just after the master does, as both do from the
// same moment on. That it has to take the master's, too, is no doubt about the rows.
func TestSettleInStep(t *testing.T) {
	r := serve(t, MasterConfig{Plan: rowsFor(t, 10, "").plan(PlanOptions{}), Settle: 12 * time.Second, pace: 10})
	k := r.dial("NAME w1", "PING 1", "REPLICATE ")
	for lines := bufio.NewScanner(k.conn); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "PING ") {
			io.WriteString(k.conn, "PING 2\n")
		}
	}
	k.conn.Close()
	r.wait()
	if run := tellRun(t, r.dir); len(run.Untaken) > 0 {
		t.Errorf("%+v", run)
	}
}

// long is a row of more bytes than the protocol's lines have.
func long(token, bytes int) string {
	return fmt.Sprintf("RDATA caches master %d [\"f\",[%q],1]\n", token, strings.Repeat("k", bytes))
}

// TestPlayFragments: over-long lines, and the beginnings of lines with which a
// connection ends, come as they were.
func TestPlayFragments(t *testing.T) {
	for name, said := range map[string]string{
		"an over-long line":                  long(1, 20_000) + "RDATA caches master 2 [\"f\",[\"k\"],1]\n",
		"over-long lines of all sizes":       long(1, wire.MaxLine) + long(2, 3*wire.MaxLine) + long(3, 1_000_000) + long(4, wire.MaxLine-35),
		"one that is cut off":                "RDATA caches master 1 [\"f\",[\"k\"],1]\n" + strings.TrimSuffix(long(2, 40_000), "\"],1]\n"),
		"half a line":                        "RDATA caches master 1 [\"f\",[\"k\"],1]\nRDATA caches mas",
		"half a line that is no text at all": "RDATA caches master 1 [\"f\",[\"k\"],1]\n\xff\xfe\x00",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := rowsFor(t, 0, "")
			for part := said; part != ""; {
				n := min(len(part), 7000)
				rec.say(1, wire.S2C, part[:n])
				part = part[n:]
			}
			rec.close(1, "fin", "master")
			r := serve(t, MasterConfig{Plan: rec.plan(PlanOptions{})})
			got := r.dial("NAME w1", "PING 1", "REPLICATE ").all()
			r.wait()
			all := strings.Join(append(got.got, got.part), "\n")
			if _, rest, ok := strings.Cut(all, "POSITION caches master 0 0\n"); !ok || rest != said {
				t.Errorf("%d bytes of %d: %.200q", len(rest), len(said), rest)
			}
		})
	}
}
