package profile

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
)

// hello is the beginning of a connection.
func hello(at, conn int, worker string, positions ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d open\n%d %d > SERVER lab.test\n%d %d < NAME %s\n%d %d < REPLICATE \n", at, conn, at, conn, at+1, conn, worker, at+1, conn)
	for _, p := range positions {
		fmt.Fprintf(&b, "%d %d > POSITION %s\n", at+2, conn, p)
	}
	return b.String()
}

// every repeats a line, with the time before it.
func every(from, to, step int, line string) string {
	var b strings.Builder
	for at := from; at < to; at += step {
		fmt.Fprintf(&b, "%d %s\n", at, line)
	}
	return b.String()
}

// inOrder sorts the lines of a story by time.
func inOrder(parts ...string) string {
	lines := strings.Split(strings.TrimSpace(strings.Join(parts, "\n")), "\n")
	at := func(line string) (n int) { fmt.Sscan(line, &n); return n }
	out := []string{}
	for _, l := range lines {
		if strings.TrimSpace(l) == "" {
			continue
		}
		i := len(out)
		for i > 0 && at(out[i-1]) > at(l) {
			i--
		}
		out = append(out[:i], append([]string{l}, out[i:]...)...)
	}
	return strings.Join(out, "\n")
}

func highlightOf(p *Profile, table string) string {
	for _, h := range p.Highlights {
		if h.Table == table {
			return h.Severity + ": " + h.Text
		}
	}
	return ""
}

// Two processes of one name stand out and are counted apart; a worker that has a
// new connection while the tap still has its old one is one worker.
func TestNamesakes(t *testing.T) {
	const ping = " < PING 1"
	for _, c := range []struct {
		name, story string
		want        string // what stands out
		workers     int    // rows of w1
	}{
		{"two processes", inOrder(hello(0, 1, "w1"), every(5000, 60000, 5000, "1"+ping), hello(400, 2, "w1"), every(6000, 40000, 5000, "2"+ping)),
			"problem: Two connections call themselves w1 at the same time, from 0.401000 s to 36.000000 s: connections 1 and 2.", 2},
		{"three", inOrder(hello(0, 1, "w1"), every(5000, 60000, 5000, "1"+ping), hello(400, 2, "w1"), every(6000, 40000, 5000, "2"+ping),
			hello(10000, 3, "w1"), every(16000, 40000, 5000, "3"+ping)),
			"problem: Three connections call themselves w1 at the same time, from 0.401000 s to 36.000000 s: connections 1, 2 and 3.", 3},
		{"half open", inOrder(hello(0, 1, "w1"), every(5000, 60000, 5000, "1"+ping), every(5000, 90000, 5000, "1 > PING 1"), hello(66000, 2, "w1"), every(70000, 100000, 5000, "2"+ping), "90001 1 close timeout"),
			"", 1},
		{"what was under way comes late", inOrder(hello(0, 1, "w1"), every(5000, 60000, 5000, "1"+ping), hello(66000, 2, "w1"), every(70000, 100000, 5000, "2"+ping),
			every(85000, 85003, 1, "1"+ping), "85004 1 close fin worker"),
			"", 1},
		{"one after the other", inOrder(hello(0, 1, "w1"), every(5000, 20000, 5000, "1"+ping), "20001 1 close fin worker", hello(20500, 2, "w1"), every(25000, 40000, 5000, "2"+ping)),
			"", 1},
		{"of other names", inOrder(hello(0, 1, "w1"), every(5000, 60000, 5000, "1"+ping), hello(400, 2, "w2"), every(6000, 40000, 5000, "2"+ping)), "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := profiled(t, c.story)
			got := highlightOf(p, "namesakes")
			if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
				t.Errorf("it says %q", got)
			}
			rows, received := 0, 0
			for _, r := range p.Workers {
				if r.Worker == "w1" {
					rows++
				}
			}
			for _, r := range p.Receivers {
				if r.Worker == "w1" && r.Kind == byAll {
					received++
				}
			}
			if rows != c.workers || received != c.workers {
				t.Errorf("w1 has %d rows of workers and %d of receivers, not %d", rows, received, c.workers)
			}
		})
	}
}

// Connections without a name are nobody's reconnects.
func TestNamelessNeverComeBack(t *testing.T) {
	var story []string
	for i := 1; i <= 6; i++ {
		story = append(story, fmt.Sprintf("%d %d open\n%d %d < PING 1\n%d %d close fin worker", i*1000, i, i*1000+1, i, i*1000+2, i))
	}
	p := profiled(t, inOrder(story...))
	if len(p.Reconnects) != 0 || highlightOf(p, "reconnects") != "" {
		t.Errorf("reconnects: %+v", p.Reconnects)
	}
}

// TestAcksOfGenerations: what a federation sender acknowledged of tokens that
// started anew meanwhile does not count for the new ones.
func TestAcksOfGenerations(t *testing.T) {
	rows := func(conn, from, to, at, step int, acked bool) string {
		var b strings.Builder
		for i := from; i <= to; i, at = i+1, at+step {
			fmt.Fprintf(&b, "%d %d > RDATA federation master %d [\"k\",{}]\n", at, conn, i)
			if acked {
				fmt.Fprintf(&b, "%d %d < FEDERATION_ACK %d\n", at+1, conn, i)
			}
		}
		return b.String()
	}
	first := hello(0, 1, "fs", "federation master 500") + rows(1, 501, 530, 100, 1000, true)
	for _, c := range []struct {
		name, story             string
		acked, sent, behind     Count
		generations, mostBehind int64
		stands                  bool
	}{
		{"all acknowledged", first, 530, 530, 0, 1, 1, false},
		{"the master anew", first + "40000 1 close fin master\n" + hello(45000, 2, "fs", "federation master 1") + rows(2, 2, 101, 46000, 1000, false), None, 101, 100, 2, 100, true},
		{"the master anew, and a last word on the old tokens", first + "40000 1 close fin master\n" + hello(45000, 2, "fs", "federation master 1") +
			"45500 2 < FEDERATION_ACK 530\n" + rows(2, 2, 101, 46000, 1000, false), None, 101, 100, 2, 100, true},
		{"the sender anew", first + "40000 1 close fin worker\n" + hello(45000, 2, "fs", "federation master 530") + rows(2, 531, 630, 46000, 1000, false), 530, 630, 100, 1, 100, true},
		{"anew, and all acknowledged", first + "40000 1 close fin master\n" + hello(45000, 2, "fs", "federation master 1") + rows(2, 2, 101, 46000, 1000, true), 101, 101, 0, 2, 1, false},
		{"a POSITION owes nothing", first + "40000 1 > POSITION federation master 600\n" + every(45000, 140000, 5000, "1 > PING 1"), 530, 600, 0, 1, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := profiled(t, c.story)
			if len(p.Acks) != 1 {
				t.Fatalf("%d rows", len(p.Acks))
			}
			if r := p.Acks[0]; r.Acked != c.acked || r.Sent != c.sent || r.Behind != c.behind || r.Generations != c.generations || int64(r.BehindMax) != c.mostBehind {
				t.Errorf("acked %s, sent %s, behind %s, at most %s, in %d generations", r.Acked.Digits(), r.Sent.Digits(), r.Behind.Digits(), r.BehindMax.Digits(), r.Generations)
			}
			if got := highlightOf(p, "acks"); (got != "") != c.stands {
				t.Errorf("it says %q", got)
			}
		})
	}
}

// TestFetchesByRole: only federation senders fetch federation, and a process
// that was started anew has what the database has. What the traffic does not show
// may be.
func TestFetchesByRole(t *testing.T) {
	sync := func(at, conn int, id string) string {
		return fmt.Sprintf("%d %d < USER_SYNC %s @u:lab.test start 1\n", at, conn, id)
	}
	away := hello(0, 1, "w1", "presence master 39 39") + "%s20 1 close fin master\n" + hello(30, 2, "w1", "presence master 46 46") + "%s"
	for _, c := range []struct {
		name, story string
		would, may  int64
		stands      string
	}{
		{"a sender", hello(0, 1, "w1", "federation master 7 7") + "50 1 > RDATA federation master 8 [\"k\",{}]\n60 1 < FEDERATION_ACK w1 8\n", 1, 0, "note: POSITIONs would make"},
		{"who acknowledges nothing", hello(0, 1, "w1", "federation master 7 7") + "50 1 > RDATA federation master 8 [\"k\",{}]\n", 0, 1, ""},
		{"named as a sender", hello(0, 1, "federation_sender1", "federation master 7 7"), 0, 1, ""},
		{"the same process", fmt.Sprintf(away, sync(10, 1, "abc"), sync(40, 2, "abc")), 1, 0, "note: POSITIONs would make"},
		{"a new process", fmt.Sprintf(away, sync(10, 1, "abc"), sync(40, 2, "def")), 0, 0, ""},
		{"who knows which", fmt.Sprintf(away, sync(10, 1, "abc"), ""), 0, 1, "note: A worker that came back may have to fetch"},
		{"on the same connection", hello(0, 1, "w1", "presence master 39 39") + "50 1 > POSITION presence master 44 46\n", 1, 0, "note: POSITIONs would make"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := profiled(t, c.story)
			var would, may int64
			for _, r := range p.Positions {
				would, may = would+r.Fetch122, may+r.May
			}
			if would != c.would || may != c.may {
				t.Errorf("%d would fetch and %d may, not %d and %d", would, may, c.would, c.may)
			}
			got := cmp.Or(highlightOf(p, "positions"), highlightOf(p, "position_outliers"))
			if c.stands == "" && got != "" || !strings.HasPrefix(got, c.stands) {
				t.Errorf("it says %q", got)
			}
		})
	}
}

// How long a connection lasted, and how long its worker was away, is known of
// those whose end was seen: a recording that ends ends none.
func TestLivesThatEnded(t *testing.T) {
	p := profiled(t, inOrder(hello(0, 1, "w1"), "10000 1 close fin worker", hello(12000, 2, "w1"), "15000 2 close unknown", hello(60000, 3, "w1"), "64000 3 close fin worker"))
	want(t, shown(t, p, "reconnects", "worker", "connections", "reconnects", "life_mean_s", "life_min_s", "away_max_s"), "w1 3 2 7.000 4.000 2.000")
}

// Up to 1.12 a worker asks for what it has a use for, and a federation sender that
// says nothing yet is one.
func TestFederationIsOfUse(t *testing.T) {
	why := func(story string) string {
		for _, r := range profiled(t, story).Receivers {
			if r.Topic == "federation" {
				return r.Why
			}
		}
		return "nothing"
	}
	row := "20 1 > RDATA federation 8 [\"k\",{}]\n"
	if got := why("0 1 open\n0 1 < NAME w1\n1 1 < REPLICATE federation 7\n2 1 > POSITION federation 7\n" + row); got != "" {
		t.Errorf("it asked for federation: %q", got)
	}
	if got := why(hello(0, 1, "w1", "federation master 7 7") + "20 1 > RDATA federation master 8 [\"k\",{}]\n"); !strings.Contains(got, "may have no use") {
		t.Errorf("nobody knows: %q", got)
	}
}
