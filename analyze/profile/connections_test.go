package profile

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestPings(t *testing.T) {
	p := profiled(t, `
		0 1 open
		0 1 > SERVER s
		0 1 > PING 1
		0 1 < NAME w1
		5000 1 > PING 2
		15000 1 > PING 3
		26000 1 < ERROR ping timeout
		45000 1 > PING 4
		46000 1 close fin worker`)
	want(t, shown(t, p, "pings", "worker", "direction", "lines", "pings", "interval_max_ms", "late_s", "silence_s", "at_s", "silences_over_25_s"), `
		w1 s2c 5 4 30000.000 25.000 30.000 15.000000 1
		w1 c2s 2 0 - 21.000 26.000 0.000000 1`)
}

// A stall, what filled it, and a sender that gives up.
func TestStalls(t *testing.T) {
	p := profiled(t, `
		0 1 open
		0 1 < NAME w1
		1 1 > POSITION typing m 1 1
		10 1 stall s2c {"unread":1000,"unsent":200}
		20 1 > RDATA typing m 2 ["!r",[]]
		21 1 > RDATA events m 2 ["ev",[]]
		22 1 > RDATA typing m 3 ["!r",[]]
		40 1 resume s2c {"unread":10,"unsent":2900}
		50 1 stall s2c {"by":"master","unsent":70000,"queue":5}
		60 1 sample s2c {"queue":77,"unsent":9,"lag":2000000}
		70 1 > ERROR Failed to keep up
		80 1 close reset master`)
	mean := len("POSITION typing m 1 1\n") + 2*len("RDATA typing m 2 [\"!r\",[]]\n") + len("RDATA events m 2 [\"ev\",[]]\n")
	want(t, shown(t, p, "stalls", "worker", "by", "ended", "length_s", "held_bytes", "held_at_end_bytes", "queue", "queue_estimate", "lines", "filled_by"), fmt.Sprintf(`
		w1 - resume 0.030 1200 2910 - %d 3 typing 66.67%%, events 33.33%%
		w1 master close 0.030 70000 - 5 %d 1 no stream 100.00%%`, 2910*4/mean, 70000*5/(mean+len("ERROR Failed to keep up\n"))))
	want(t, shown(t, p, "overflows", "worker", "direction", "pause_s", "commands", "filled_by"),
		"w1 s2c 0.020 5 typing 60.00%, no stream 20.00%, events 20.00%")
	want(t, shown(t, p, "samples", "worker", "samples", "queue_max", "unsent_max_bytes", "lag_max_ms"), "w1 1 77 9 2.000")
}

func TestLastCommandsAreARing(t *testing.T) {
	s := newTeller(t)
	for i := range int64(2 * maxRecent) {
		stream := "typing"
		if i >= maxRecent+1 {
			stream = "events"
		}
		s.happen(storyStart+i, 1, ">", "RDATA "+stream+" m "+itoa(i)+" []")
	}
	s.happen(storyStart+3*maxRecent, 1, ">", "ERROR Failed to keep up")
	p := take(t, s.end())
	want(t, shown(t, p, "overflows", "commands", "filled_by"), "10001 events 99.99%, no stream 0.01%")
}

func TestEndings(t *testing.T) {
	p := profiled(t, `
		0 1 open
		0 1 < NAME w1
		1 1 > POSITION events master 1 1
		2 1 > ERROR ping timeout
		3000 1 close fin master
		3500 2 open
		3500 2 < NAME w1
		4000 2 close reset worker
		4250 3 open
		4250 3 < NAME w1
		4300 4 open
		4300 4 < NAME w1
		5250 3 > POSITION events 1`)
	want(t, shown(t, p, "endings", "conn", "worker", "began_s", "ended_s", "lasted_s", "how", "by", "master_error"), `
		1 w1 0.000000 3.000000 3.000 fin master ping timeout
		2 w1 3.500000 4.000000 0.500 reset worker -
		3 w1 4.250000 - 1.000 - - -
		4 w1 4.300000 - 0.950 - - -`)
	want(t, shown(t, p, "reconnects", "worker", "connections", "reconnects", "overlaps", "away_max_s", "life_mean_s", "life_min_s", "most_in_a_minute", "conn", "pattern"),
		"w1 4 3 1 0.500 1.750 0.500 4 4 0.500 0.250")
	if got := cellOf(t, mustTable(t, p, "endings"), mustTable(t, p, "endings").Rows[2], "dialect"); !strings.HasPrefix(got, "v0.21") {
		t.Errorf("the open connection speaks %q", got)
	}
}

func mustTable(t *testing.T, p *Profile, name string) Table {
	t.Helper()
	table, ok := p.Table(name)
	if !ok {
		t.Fatal(name)
	}
	return table
}

func TestSilence(t *testing.T) {
	s := newTeller(t)
	s.tell("0 1 open")
	s.tell("0 1 < REPLICATE ")
	for _, stream := range strings.Fields("events backfill presence presence_federation typing receipts push_rules pushers caches device_lists federation tag_account_data account_data user_signature") {
		s.tell("1 1 > POSITION " + stream + " master 1 1")
	}
	for i := range int64(400) { // one a second; typing is quiet for 200 of them
		at := storyStart + i*1e9
		s.happen(at, 1, ">", "RDATA receipts master "+itoa(i+2)+` ["!r:x","m.read","@u:x","$e",{}]`)
		if i < 100 || i >= 300 {
			s.happen(at, 1, ">", "RDATA typing master "+itoa(i+2)+` ["!r:x",[]]`)
		}
	}
	p := take(t, s.end())
	want(t, strings.Join(grep(shown(t, p, "silence", "what", "stream", "lasted_s", "other_rows", "ended", "at_s"), "not announced to_device", "quiet"), "\n")+"\n", `
		not announced to_device - 0 false -
		quiet typing 201.000 201 true 99.000000`)
	if p.Announced.Expected != 15 || p.Announced.Announced != 14 {
		t.Errorf("%+v", p.Announced)
	}
}

// A stream that a worker up to 1.12 asked for, and that was never heard of.
func TestSilenceAsked(t *testing.T) {
	p := profiled(t, `
		0 1 open
		0 1 < REPLICATE events 5
		0 1 < REPLICATE typing 0
		1 1 > POSITION events 5`)
	want(t, shown(t, p, "silence", "what", "stream", "at_s"), `
		asked for, no answer typing 0.000000
		announced, no rows events -`)
}

func grep(text string, prefixes ...string) (out []string) {
	for _, line := range strings.Split(text, "\n") {
		for _, prefix := range prefixes {
			if strings.HasPrefix(line, prefix) {
				out = append(out, line)
			}
		}
	}
	return out
}

// However many connections, workers and streams there are, what is listed has an
// end, and says so.
func TestConnectionsAreBounded(t *testing.T) {
	s := newTeller(t)
	for i := range int64(maxPingRows + 200) {
		at, conn := storyStart+i*1_000_000, uint64(i+1)
		s.happen(at, conn, "open", "")
		s.happen(at, conn, "<", fmt.Sprintf("NAME w%d", i))
		s.happen(at, conn, "<", fmt.Sprintf("REPLICATE s%d 1", i%300))
		s.happen(at, conn, ">", fmt.Sprintf("POSITION s%d 7", i%300))
		s.happen(at, conn, "stall", "s2c")
		s.happen(at, conn, ">", "ERROR Failed to keep up")
		if i%2 == 0 {
			s.happen(at+5, conn, "close", "fin master")
		}
	}
	p := take(t, s.end())
	for _, c := range []struct {
		name string
		rows int
		max  int
	}{{"pings", len(p.Pings), maxPingRows}, {"stalls", len(p.Stalls), maxStallRows}, {"overflows", len(p.Overflows), maxOverflowRows},
		{"catch_ups", len(p.CatchUps), maxCatchUps}, {"reconnects", len(p.Reconnects), maxWorkers}} {
		if c.rows != c.max {
			t.Errorf("%s has %d rows, want %d", c.name, c.rows, c.max)
		}
		if !strings.Contains(strings.Join(p.Notes, "\n"), c.name+" ") {
			t.Errorf("no note says that %s is not whole: %q", c.name, p.Notes)
		}
	}
}
