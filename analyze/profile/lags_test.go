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
