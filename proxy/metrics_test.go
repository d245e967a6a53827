package proxy

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"repltap/journal"
	"repltap/wire"
)

func TestMetricsAreLive(t *testing.T) {
	r := newRig(t)
	worker, master := r.pair()
	through(t, worker, master, text(1000, 1))
	through(t, master, worker, text(70, 2))
	for name, want := range map[string]float64{
		"repltap_connections_total": 1, "repltap_connections": 1, "repltap_upstream_up": 1, "repltap_dial_failures_total": 0,
		"repltap_recorder_queue_limit_bytes": DefaultQueue,
	} {
		if got := value(t, r.reg, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	// The bytes are at the reader before they are counted.
	until(t, "the bytes are counted", func() bool {
		return value(t, r.reg, "repltap_bytes_total", "s2c") == 1000 && value(t, r.reg, "repltap_bytes_total", "c2s") == 70
	})
	s := r.tap.Status()
	if len(s.Connections) != 1 || s.Connections[0].S2C != 1000 || s.Connections[0].C2S != 70 || s.Connections[0].Peer != worker.LocalAddr().String() || s.Listen != r.addr {
		t.Errorf("status %+v", s)
	}
	reset(worker)
	expectReset(t, master)
	r.sink.waitClose(t, 1)
	if n := value(t, r.reg, "repltap_closes_total", byWorker, howReset); n != 1 {
		t.Errorf("%v resets counted", n)
	}
	if n := value(t, r.reg, "repltap_connections"); n != 0 {
		t.Errorf("%v connections open", n)
	}
	r.master.Close()
	r.knock(t)
	until(t, "the outage is counted", func() bool { return value(t, r.reg, "repltap_upstream_outages_total") == 1 })
	if up := value(t, r.reg, "repltap_upstream_up"); up != 0 {
		t.Error("the upstream counts as up")
	}
}

func TestObserverCounts(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	o := NewObserver(NewMetrics(reg), nil)
	for _, line := range []string{"RDATA caches master 7 [1]\n", "RDATA caches master 8 [1]\n", "RDATA made-up master 8 [1]\n", "PING 1\n", "NONSENSE\n"} {
		g := wire.GistOf([]byte(line))
		o.Line(0, 1, wire.S2C, &g, len(line))
	}
	for want, labels := range map[float64][]string{3: {"RDATA", "s2c"}, 1: {"PING", "s2c"}, 0: {"PING", "c2s"}} {
		if got := value(t, reg, "repltap_commands_total", labels...); got != want {
			t.Errorf("%v: %v, want %v", labels, got, want)
		}
	}
	if got := value(t, reg, "repltap_commands_total", "unknown", "s2c"); got != 1 {
		t.Errorf("%v unknown commands", got)
	}
	if a, b := value(t, reg, "repltap_rdata_total", "caches"), value(t, reg, "repltap_rdata_total", other); a != 2 || b != 1 {
		t.Errorf("%v rows of caches and %v of other streams", a, b)
	}
	for i := range 3 * maxCodes {
		o.Finding(1, wire.C2S, &wire.Finding{Code: fmt.Sprintf("X-%d", i)}, nil)
	}
	if n := value(t, reg, "repltap_findings_total", "X-0"); n != 1 {
		t.Errorf("%v findings of a code", n)
	}
	if n := value(t, reg, "repltap_findings_total", other); n != 2*maxCodes {
		t.Errorf("%v findings beyond the codes that are kept apart", n)
	}
	o.Gap(1, wire.S2C, &journal.Event{Bytes: 10, Reason: "write failed: no space"})
	o.Gap(1, wire.S2C, &journal.Event{Bytes: 10, Reason: ReasonQueueFull})
	o.Gap(1, wire.S2C, &journal.Event{Bytes: 5, Reason: "something new"})
	for reason, want := range map[string]float64{"write failed": 10, ReasonQueueFull: 0, other: 5} { // queue full: counted by the copier
		if got := value(t, reg, "repltap_gap_bytes_total", reason); got != want {
			t.Errorf("gap bytes for %q: %v, want %v", reason, got, want)
		}
	}
}

func TestObservingALineAllocatesNothing(t *testing.T) {
	o := NewObserver(nil, nil)
	g := wire.GistOf([]byte("RDATA caches master 7 [1]\n"))
	if n := testing.AllocsPerRun(100, func() { o.Line(0, 1, wire.S2C, &g, 26) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWorkerNames(t *testing.T) {
	var o *Observer
	r := newRig(t, func(opts *RecorderOptions, _ *Tap, _ *sink) {
		o = NewObserver(opts.Metrics, nil)
		opts.Observer = o
	})
	worker, _ := r.pair()
	o.Worker(1, "w1")
	if s := r.tap.Status(); len(s.Connections) != 1 || s.Connections[0].Worker != "w1" {
		t.Errorf("status %+v", s)
	}
	reset(worker)
	r.sink.waitClose(t, 1)
	until(t, "the name is forgotten", func() bool { return o.worker(1) == "" })
}

// The first finding of a kind on a connection is logged, the rest once a
// second, and no stream of new connections gets around that.
func TestFindingsAreLoggedSparingly(t *testing.T) {
	var log bytes.Buffer
	o := NewObserver(nil, slog.New(slog.NewTextHandler(&log, nil)))
	now := time.Unix(1000, 0)
	o.now = func() time.Time { return now }
	line := []byte("USER_IP @user:example.org secret-token\n")
	find := func(conn uint64, code string) { o.Finding(conn, wire.S2C, &wire.Finding{Code: code}, line) }
	logged := func() int { n := bytes.Count(log.Bytes(), newline); return n }

	find(1, "E-direction")
	find(1, "E-arity")
	find(2, "E-direction")
	if n := logged(); n != 3 {
		t.Errorf("%d of 3 first ones logged", n)
	}
	for range 1000 {
		find(1, "E-direction")
	}
	if n := logged(); n != 3 {
		t.Errorf("%d lines after a thousand repetitions", n)
	}
	now = now.Add(logEvery)
	find(1, "E-direction")
	if n := logged(); n != 4 || !bytes.Contains(log.Bytes(), []byte("not_logged_before_this=1000")) {
		t.Errorf("%d lines: %s", n, log.String())
	}
	for conn := range uint64(100_000) {
		find(conn+10, "E-direction")
		o.forget(conn + 10)
	}
	if n := logged(); n > 4+logBudget {
		t.Errorf("%d lines from connections that come and go", n)
	}
	for conn := range uint64(3 * maxSights) {
		now = now.Add(logEvery)
		find(conn, "E-arity")
	}
	if len(o.seen) > maxSights {
		t.Errorf("%d findings remembered", len(o.seen))
	}
	if bytes.Contains(log.Bytes(), []byte("secret")) {
		t.Error("a line is in the log")
	}
}
