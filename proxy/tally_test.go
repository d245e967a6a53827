package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"repltap/journal"
	"repltap/wire"
)

// tell shows an observer lines of one connection, each with "<" or ">" before
// it for the direction.
func tell(o *Observer, conn uint64, lines string) {
	for line := range strings.Lines(lines) {
		dir := wire.C2S
		if line[0] == '>' {
			dir = wire.S2C
		}
		g := wire.GistOf([]byte(line[1:]))
		if g.Command == wire.CmdName {
			o.Worker(conn, strings.TrimSpace(line[len("<NAME "):]))
		}
		o.Line(0, conn, dir, &g, len(line)-1)
	}
}

func TestTally(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	o := NewObserver(NewMetrics(reg), nil)
	const rows = ">RDATA events master batch [1]\n>RDATA events master batch [1]\n>RDATA events master 7 [1]\n>RDATA caches master 3 [1]\n"
	tell(o, 1, ">SERVER x\n<NAME w1\n<REPLICATE \n>POSITION events master 4 4\n"+rows)
	tell(o, 2, ">SERVER x\n<NAME w2\n<REPLICATE \n>POSITION events master 4 4\n"+rows)
	tell(o, 1, ">RDATA events master 9 [1]\n>RDATA made-up master 9 [1]\n<USER_SYNC abcde @u:x start 5\n")
	tell(o, 2, ">POSITION caches master 5 6\n")                       // 5 is more than 3: a gap
	tell(o, 2, ">POSITION caches master 6 6\n")                       // none
	tell(o, 1, ">RDATA caches master 2 [1]\n")                        // caches do go back
	tell(o, 3, "<NAME w2\n<REPLICATE typing 3\n>POSITION typing 5\n") // an older dialect: no gap
	for _, v := range []struct {
		name   string
		value  float64
		labels []string
	}{
		{"repltap_worker_commands_total", 1, []string{"NAME", "c2s", "w1"}},
		{"repltap_worker_commands_total", 7, []string{"RDATA", "s2c", "w1"}},
		{"repltap_worker_commands_total", 2, []string{"NAME", "c2s", "w2"}},
		{"repltap_worker_commands_total", 2, []string{"SERVER", "s2c", unnamed}},
		{"repltap_commands_total", 2, []string{"SERVER", "s2c"}},
		{"repltap_commands_total", 11, []string{"RDATA", "s2c"}},
		{"repltap_commands_total", 0, []string{"RDATA", "c2s"}},
		{"repltap_commands_total", 1, []string{"USER_SYNC", "c2s"}},
		{"repltap_worker_bytes_total", 48, []string{"c2s", "w1"}},
		{"repltap_rdata_total", 7, []string{"events"}},
		{"repltap_rdata_total", 1, []string{other}},
		{"repltap_worker_rdata_total", 3, []string{"events", "w2"}},
		{"repltap_stream_updates_total", 4, []string{"events"}},
		{"repltap_stream_updates_total", 1, []string{"caches"}},
		{"repltap_position_gaps_total", 1, []string{"caches"}},
		{"repltap_position_gaps_total", 0, []string{"events"}},
		{"repltap_position_gaps_total", 0, []string{"typing"}},
		{"repltap_stream_token", 9, []string{"events"}},
		{"repltap_stream_token", 6, []string{"caches"}},
		{"repltap_token_lag", 0, []string{"events", "w1"}},
		{"repltap_token_lag", 2, []string{"events", "w2"}},
		{"repltap_token_lag", 3, []string{"caches", "w1"}},
		{"repltap_token_lag", 0, []string{"typing", "w2"}},
		{"repltap_stream_connections", 2, []string{"events"}},
		{"repltap_stream_connections", 1, []string{"typing"}},
		{"repltap_stream_connections", 0, []string{"receipts"}},
	} {
		if got := value(t, reg, v.name, v.labels...); got != v.value {
			t.Errorf("%s%q is %v, want %v", v.name, v.labels, got, v.value)
		}
	}
	batches := o.tally.snapshot().batches[streamIndex["events"]]
	if batches.sum != 7 || batches.buckets[0] != 1 || batches.buckets[2] != 2 {
		t.Errorf("batches of events: %+v", batches)
	}
	if n := o.lines("w1", wire.C2S, 98); n != 6 {
		t.Errorf("about %v lines", n)
	}
	// The master comes back, and its tokens begin anew.
	for conn := range uint64(3) {
		o.forget(conn + 1)
	}
	tell(o, 4, ">RDATA caches master 1 [1]\n")
	if a, b := value(t, reg, "repltap_stream_updates_total", "caches"), value(t, reg, "repltap_stream_token", "caches"); a != 2 || b != 1 {
		t.Errorf("%v updates at token %v after a restart", a, b)
	}
}

// TestTallyKnowsTheCatalogue: each stream that a release has is counted under its
// name, others together.
func TestTallyKnowsTheCatalogue(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	o := NewObserver(NewMetrics(reg), nil)
	o.tally.now = func() time.Time { return time.Unix(1000, 0) }
	for _, s := range wire.Streams() {
		tell(o, 1, fmt.Sprintf(">POSITION %s master 6 6\n>RDATA %s master 7 [1]\n", s.Name, s.Name))
	}
	tell(o, 1, ">RDATA invented master 7 [1]\n>RDATA invented2 master 7 [1]\n")
	for _, s := range wire.Streams() {
		if n := value(t, reg, "repltap_stream_token", s.Name); n != 7 {
			t.Errorf("the token of %s is %v", s.Name, n)
		}
		if n := value(t, reg, "repltap_worker_last_row_timestamp_seconds", s.Name, unnamed); n != 1000 {
			t.Errorf("the last row of %s came at %v", s.Name, n)
		}
	}
	if n := value(t, reg, "repltap_rdata_total", other); n != 2 {
		t.Errorf("%v rows of streams that no release has", n)
	}
}

// Peers choose their names, and can't make metrics without bounds of them.
func TestWorkerLabelsAreBounded(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	o := NewObserver(NewMetrics(reg), nil)
	odd := []string{"", "\xff", "a\tb", strings.Repeat("x", maxName+1)}
	for i, name := range odd {
		o.Worker(uint64(i+1), name)
		tell(o, uint64(i+1), "<PING 1\n")
	}
	if n := value(t, reg, "repltap_worker_commands_total", "PING", "c2s", other); n != float64(len(odd)) {
		t.Errorf("%v lines of workers with odd names", n)
	}
	for i := range uint64(10 * maxWorkers) {
		o.Worker(i+100, fmt.Sprint("worker", i))
		tell(o, i+100, "<PING 1\n")
		o.forget(i + 100)
	}
	if n := len(o.tally.workers); n > maxWorkers+1 {
		t.Errorf("%d workers are kept apart", n)
	}
	if n := value(t, reg, "repltap_commands_total", "PING", "c2s"); n != float64(len(odd)+10*maxWorkers) {
		t.Errorf("%v lines in all", n)
	}
	if n := len(o.tally.conns); n != len(odd) {
		t.Errorf("%d connections are remembered", n)
	}
}

// busy is a tap with some connections and everything counted.
func busy(t testing.TB, conns int) *rig {
	var o *Observer
	r := newRig(t, func(opts *RecorderOptions, _ *Tap, s *sink) {
		o = NewObserver(opts.Metrics, nil)
		opts.Observer, s.deaf = o, true
	})
	for i := range uint64(conns) {
		r.pair()
		var lines strings.Builder
		fmt.Fprintf(&lines, "<NAME worker%d\n<REPLICATE \n<PING 1\n<USER_SYNC abcde @u:x start 5\n>SERVER x\n>PING 1\n", i)
		for _, s := range streams {
			fmt.Fprintf(&lines, ">POSITION %s master 1 1\n>RDATA %s master 2 [1]\n", s, s)
		}
		tell(o, i+1, lines.String())
		o.Finding(i+1, wire.S2C, &wire.Finding{Code: "E-direction"}, nil)
	}
	r.tap.Metrics.refusal(wire.C2S, &wire.Refusal{Verdict: wire.Verdict{Code: "E-arity"}})
	return r
}

func TestMetricsAreWellNamed(t *testing.T) {
	families, err := busy(t, 2).reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// What the kernel holds is shown by worker.
func TestHeldBytes(t *testing.T) {
	if !kernelTells {
		t.Skip("the kernel does not say")
	}
	var o *Observer
	r := newRig(t, func(opts *RecorderOptions, _ *Tap, _ *sink) {
		o = NewObserver(opts.Metrics, nil)
		opts.Observer = o
	})
	worker, master := r.pair()
	tell(o, 1, "<NAME w1\n>PING 5\n")
	flood(t, r, master, wire.S2C, text(floodSize, 1))
	for _, name := range []string{"repltap_unread_bytes", "repltap_unsent_bytes", "repltap_pending_commands"} {
		if n := value(t, r.reg, name, "s2c", "w1"); n == 0 {
			t.Errorf("%s is 0", name)
		}
		if n := value(t, r.reg, name, "c2s", "w1"); n != 0 {
			t.Errorf("%s is %v the other way", name, n)
		}
	}
	reset(worker)
	r.sink.waitClose(t, 1)
	if s := r.tap.Status(); len(s.Connections) != 0 {
		t.Errorf("status %+v", s)
	}
}

func BenchmarkObserveLine(b *testing.B) {
	var lines [][]byte
	for i := range 1000 {
		stream := []string{"events", "caches", "to_device", "typing"}[i/20%4]
		lines = append(lines, fmt.Appendf(nil, "RDATA %s master %d [\"a\"]\n", stream, i))
	}
	gists := make([]wire.Gist, len(lines))
	for i := range lines {
		gists[i] = wire.GistOf(lines[i])
	}
	var o journal.Observer = NewObserver(nil, nil)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		o.Line(int64(i/10), uint64(i/100), wire.S2C, &gists[i], 40)
		if i++; i == len(gists) {
			i = 0
		}
	}
}

func BenchmarkScrape(b *testing.B) {
	r := busy(b, 50)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.reg.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
