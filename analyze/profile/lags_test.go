package profile

import (
	"strings"
	"testing"
)

// w2 gets each row later than w1, and is stuck at last; then it comes back.
func TestLags(t *testing.T) {
	p := profiled(t, `
		0 1 open
		0 1 < NAME w1
		0 2 open
		0 2 < NAME w2
		1 1 > POSITION events m 10 10
		1 2 > POSITION events m 10 10
		10 1 > RDATA events m 11 ["ev",[1]]
		20 1 > RDATA events m 12 ["ev",[1]]
		40 2 > RDATA events m 11 ["ev",[1]]
		50 2 > RDATA events m 12 ["ev",[1]]
		60 1 > RDATA events m 13 ["ev",[1]]
		90 1 > RDATA events m 16 ["ev",[1]]
		100 2 close reset worker
		150 3 open
		150 3 < NAME w2
		160 3 > POSITION events m 16 16
		170 1 > POSITION events m 16 16`)
	// At 40 it was 1 token behind and 30 ms, at 50 30 ms; at its end 4 tokens, of
	// which the first had come 40 ms before, which were 100 ms when it was told.
	want(t, shown(t, p, "lags", "worker", "stream", "measured", "tokens_max", "max_ms", "conn", "at_s", "end_tokens", "end_ms"), `
		w2 events 4 4 100.000 3 0.160000 4 100.000
		w1 events 4 0 0.000 1 0.010000 0 0.000`)
	want(t, shown(t, p, "lag_timeline", "worker", "at_s", "tokens", "lag_ms"), `
		w2 0.040000 1 30.000
		w2 0.050000 0 30.000
		w2 0.100000 4 40.000
		w2 0.160000 4 100.000`)
}

func TestLagTimelineIsBounded(t *testing.T) {
	s := newTeller(t)
	for i := range int64(3000) {
		for conn := range uint64(2) {
			s.happen(storyStart+i*50_000_000+int64(conn)*3_000_000, conn+1, ">", "RDATA typing "+itoa(i)+` ["!r",[]]`)
		}
	}
	p := take(t, s.end())
	if n := len(p.LagTimeline); n == 0 || n > 2*maxLagSlots {
		t.Errorf("%d rows", n)
	}
	for _, row := range p.LagTimeline {
		if row.Worker == "" && row.Lag != 0 && row.Lag != 3_000_000 {
			t.Errorf("%+v", row)
		}
	}
}

func TestAcks(t *testing.T) {
	p := profiled(t, `
		0 1 open
		0 1 < NAME w2
		0 1 < REPLICATE 
		1 1 > POSITION federation m 5 5
		10 1 > RDATA federation m 6 ["k",{}]
		20 1 > RDATA federation m 9 ["k",{}]
		30 1 < FEDERATION_ACK w2 6
		31 1 < FEDERATION_ACK w2 9`)
	want(t, shown(t, p, "acks", "worker", "acks", "acked", "sent", "behind", "behind_max", "delay_max_ms", "at_s"), "w2 2 9 9 0 4 20.000 0.020000")
}

func TestCatchUps(t *testing.T) {
	p := profiled(t, `
		0 1 open
		0 1 < NAME w1
		0 1 < REPLICATE events 2
		0 1 < REPLICATE receipts 5
		5 1 > RDATA events 3 ["ev",[1]]
		6 1 > RDATA events 4 ["ev",[1]]
		7 1 > POSITION events 4
		8 2 open
		9 2 < REPLICATE events 1
		10 2 > ERROR failed to handle replicate: Exception('stream events has fallen behind')
		11 2 close fin master
		12 1 close fin worker`)
	want(t, shown(t, p, "catch_ups", "worker", "stream", "took_ms", "rows", "bytes", "asked", "token", "distance", "of_10000_percent"), `
		w1 events 7.000 2 52 2 4 2 0.02
		- events - 0 0 1 - 3 0.03
		w1 receipts - 0 0 5 - 0 0.00`)
	if how := shown(t, p, "catch_ups", "how"); !strings.Contains(how, "has fallen behind") || !strings.HasSuffix(how, "connection ended\n") {
		t.Error(how)
	}
	p = profiled(t, `
		0 1 open
		0 1 < NAME w1
		1 1 < REPLICATE 
		3 1 > POSITION events m 10 10
		4 1 > RDATA events m 11 ["ev",[1]]
		5 1 close fin worker
		7 2 open
		7 2 < NAME w1
		8 2 < REPLICATE 
		11 2 > POSITION events m 15 15`)
	want(t, shown(t, p, "catch_ups", "conn", "how", "took_ms", "since_connect_ms", "asked", "token", "distance"), `
		1 answered 2.000 3.000 - 10 -
		2 answered 3.000 4.000 11 15 4`)
}

// TestAcksNone: a worker that asked for federation by name and acknowledges nothing
// stands out. Where all get it, one of them may be the sender if none acknowledges.
func TestAcksNone(t *testing.T) {
	bare := "0 %d open\n0 %d < NAME w%d\n0 %d < REPLICATE \n1 %d > POSITION federation master 7 7\n"
	named := "0 1 open\n0 1 < NAME w1\n0 1 < REPLICATE federation 7\n1 1 > POSITION federation 7\n"
	hello := strings.NewReplacer("%d", "1").Replace(bare) + strings.NewReplacer("%d", "2").Replace(bare)
	rows := "1000 1 > RDATA federation master 8 [\"k\",{}]\n1000 2 > RDATA federation master 8 [\"k\",{}]\n"
	for name, c := range map[string]struct{ story, table, highlight string }{
		"asked for": {named + "1000 1 > RDATA federation 8 [\"k\",{}]\n90000 1 > PING 1\n", "w1 0 1 89.000",
			"problem: Federation sender w1 acknowledged nothing for 89.000 s while rows of federation waited for it; it is 1 token behind."},
		"none of two": {hello + rows + "90000 1 > PING 1\n", "w1 0 1 89.000|w2 0 1 89.000",
			"note: Rows of federation came to 2 workers, and none acknowledged any, for 89.000 s at most: a federation sender does."},
		"for a short time": {hello + rows + "30000 1 > PING 1\n", "", ""},
		"one of two":       {hello + rows + "1100 2 < FEDERATION_ACK w2 8\n90000 1 > PING 1\n", "w2 1 0 0.100", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := profiled(t, c.story)
			if got := strings.ReplaceAll(strings.TrimSpace(shown(t, p, "acks", "worker", "acks", "behind", "waited_max_s")), "\n", "|"); got != c.table {
				t.Errorf("the table has %q, want %q", got, c.table)
			}
			told := ""
			for _, h := range p.Highlights {
				if h.Table == "acks" {
					told = h.Severity + ": " + h.Text
				}
			}
			if told != c.highlight {
				t.Errorf("the highlights say %q, want %q", told, c.highlight)
			}
		})
	}
}
