package profile

import (
	"fmt"
	"strings"
	"testing"
)

// TestHighlightsOfTrouble: what operators have looked for by hand is told without
// being asked for, with a table that shows it.
func TestHighlightsOfTrouble(t *testing.T) {
	greeting := func(at, conn int, worker string, streams ...string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "%d %d open\n%d %d > SERVER lab.test\n%d %d < NAME %s\n%d %d < REPLICATE \n", at, conn, at, conn, at+1, conn, worker, at+1, conn)
		for _, s := range streams {
			fmt.Fprintf(&b, "%d %d > POSITION %s master 5 5\n", at+2, conn, s)
		}
		return b.String()
	}
	each := func(from, to, step int, line func(i, at int) string) string {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintln(&b, line(i, 100+(i-from)*step))
		}
		return b.String()
	}
	event := func(conn int) func(i, at int) string {
		return func(i, at int) string {
			return fmt.Sprintf(`%d %d > RDATA events master %d ["ev",["$e%d","!r","m.room.message",null,null]]`, at, conn, i, i)
		}
	}
	for _, c := range []struct {
		name, story string
		table, want string // of one of the highlights
	}{
		{"slow reader", greeting(0, 1, "w1", "events") + each(6, 60, 10, event(1)) + `700 1 stall s2c {"by":"worker","unread":70000,"unsent":1000}
			5001 1 > ERROR Failed to keep up
			5002 1 close fin master`, "overflows", "gave up on a reader that failed to keep up, once; first on connection 1 (w1), whose last commands were events"},
		{"held bytes", greeting(0, 1, "w1", "events") + `700 1 stall s2c {"by":"worker","unread":70000,"unsent":1000}
			5000 1 resume s2c {"by":"worker"}`, "stalls", "the worker read nothing for 4.300 s, 71000 bytes waited"},
		{"fallen behind", `0 1 open
			1 1 < NAME w2
			1 1 < REPLICATE events 12345
			2 1 > POSITION events 12345
			3 2 open
			4 2 < NAME w1
			4 2 < REPLICATE events 1
			5 2 > ERROR failed to handle replicate: Exception('stream events has fallen behind')
			6 2 close fin master`, "catch_ups", "Worker w1 asked for events from 12344 tokens back"},
		{"cut batch", greeting(0, 1, "w1", "caches") + `10 1 > RDATA caches master batch ["f",["a"],1]
			10 1 > RDATA caches master batch ["f",["b"],1]
			11 1 > POSITION caches master 5 20
			12 1 > RDATA caches master 21 ["f",["c"],1]`, "token_gaps", "the largest is 2 rows of caches for worker w1"},
		{"missed while away", greeting(0, 1, "w1", "to_device") + `10 1 > RDATA to_device master 39 ["@u:lab.test"]
			20 1 close fin master
			` + greeting(30, 2, "w1") + `31 2 > POSITION to_device master 46 46`, "position_outliers", "A worker that came back may have to fetch rows, if it is the process that it was: the widest is of to_device for worker w1, from 39 to 46"},
		{"over rows", greeting(0, 1, "w1", "to_device") + `10 1 > POSITION to_device master 5 155
			20 1 > RDATA to_device master 100 ["@u:lab.test"]`, "position_outliers", "A POSITION of to_device by master says there are no rows from 5 to 155, and there was one, once"},
		{"much without rows", greeting(0, 1, "w1", "to_device") + `10 1 > POSITION to_device master 5 155
			20 1 > RDATA to_device master 156 ["@u:lab.test"]`, "position_outliers", "says there are no rows in 150 tokens, from 5 to 155"},
		{"silent stream", greeting(0, 1, "w1", "events", "presence") + each(6, 70, 1000, event(1)) +
			each(6, 400, 500, func(i, at int) string {
				return fmt.Sprintf(`%d 1 > RDATA presence master %d ["@u:lab.test","online",1,2,3,null,true]`, at+64000, i)
			}), "silence", "No row of stream events to anybody for 197.500 s (from 2023-11-14 22:14:23 to 22:17:40 UTC) while 394 rows of others came; 1.00 a second were usual in the 63.000 s before; none has come since."},
		{"storm", greeting(0, 1, "w1", "events") + each(6, 20, 10, event(1)) +
			each(0, 200, 5, func(i, at int) string { return fmt.Sprintf("%d 1 > POSITION events master 15 16", at+400) }),
			"positions", "fetch rows, 200 times before 1.96, 200 times in 1.96, never from 1.97 on, all workers together; 200 are of events by master"},
		{"backwards", greeting(0, 1, "w1", "events") + each(6, 20, 10, event(1)) + strings.Repeat("900 1 > POSITION events master 15 16\n", 12), "positions", "12 POSITIONs went backwards"},
		{"flood", greeting(0, 1, "w1", "events", "device_lists") + each(6, 200, 100, event(1)) +
			each(0, 3000, 0, func(i, at int) string {
				return fmt.Sprintf(`%d 1 > RDATA device_lists master 6 ["host%d.test"]`, at+10000, i%5)
			}), "bursts", "% were of stream device_lists"},
		{"talker", greeting(0, 1, "w1", "presence") + each(6, 1500, 10, func(i, at int) string {
			return fmt.Sprintf(`%d 1 > RDATA presence master %d ["@bad:lab.test","online",1,2,3,null,true]`, at, i)
		}), "talkers", "Of stream presence, 100.00 % of the bytes are of one user, user 1"},
		{"who fills the wire", greeting(0, 1, "w1", "presence") + each(6, 150, 10, func(i, at int) string {
			return fmt.Sprintf(`%d 1 < USER_IP @u:lab.test ["t","127.0.0.1","ua","D",%d]`, at, i)
		}), "streams", "What fills the wire, by bytes: USER_IP c2s "},
		{"reconnects", each(1, 7, 300, func(i, at int) string {
			return strings.TrimSpace(greeting(at, i, "w1", "events")) + fmt.Sprintf("\n%d %d close fin master", at+200, i)
		}), "reconnects", "Worker w1 connected 6 times within a minute, 6 times in all; it stayed 0.200 s on average, and was away for 0.1"},
		{"cut recordings", each(1, 7, 300, func(i, at int) string {
			return strings.TrimSpace(greeting(at, i, "w1", "events")) + fmt.Sprintf("\n%d %d close cut tap", at+200, i)
		}), "reconnects", "6 times in all; how long it stayed is not known: a recording was cut each time."},
		{"wrong port", "0 1 open\n1 1 < NAME w1\n1 1 < REPLICATE \n2 1 > HTTP/1.1 400 Bad Request\r", "findings", "The first: an HTTP response"},
		{"other server", greeting(0, 1, "w1") + "2 1 < ERROR Wrong remote\n3 1 close fin worker", "endings", "with “Wrong remote” by the worker"},
		{"long line", greeting(0, 1, "w1", "account_data") + `10 1 > RDATA account_data master 6 ["@u:lab.test",null,"m.direct","` + strings.Repeat("x", 14000) + `"]`,
			"near_limit", "1 line near the limit of 16384 bytes"},
		{"row shape", greeting(0, 1, "w1", "device_lists") + `10 1 > RDATA device_lists w9 6 ["@u:lab.test",true,"x"]`, "findings", "The first: a row of device_lists has 3 elements"},
		{"silent process", greeting(0, 1, "w1", "events") + `10 1 < USER_SYNC abcde @u1:lab.test start 1
			20 1 < USER_SYNC abcde @u2:lab.test end 1
			400000 1 > PING 1
			400001 1 close fin worker
			` + greeting(400100, 2, "w1", "events") + `400200 2 < USER_SYNC fghij @u1:lab.test start 1`,
			"session_events", "was replaced with sessions open and no CLEAR_USER_SYNC, once; first abcde of w1 with 1"},
		{"end without start", greeting(0, 1, "w1", "events") + `20 1 < USER_SYNC abcde @u2:lab.test end 1`, "sessions", "ended that never started, once"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := profiled(t, c.story)
			var all strings.Builder
			found := false
			for _, h := range p.Highlights {
				fmt.Fprintf(&all, "%s %s: %s\n", h.Severity, h.Table, h.Text)
				found = found || h.Table == c.table && strings.Contains(h.Text, c.want)
			}
			if !found {
				t.Fatalf("nothing of %s says %q:\n%s", c.table, c.want, all.String())
			}
			if table, ok := p.Table(c.table); !ok || len(table.Rows) == 0 {
				t.Errorf("the table %s has no rows", c.table)
			}
		})
	}
}
