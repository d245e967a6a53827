package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"repltap/journal"
	"repltap/proxy"
)

// registerProcess registers what is not the tap's: the journal, the process and
// the Go runtime.
func registerProcess(reg *prometheus.Registry, w *journal.Writer) {
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "repltap_build_info", Help: "Always 1; the label is the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	reg.MustRegister(info)
	gauge := func(name, help string, value func(journal.Stats) float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(w.Stats()) }))
	}
	counter := func(name, help string, value func(journal.Stats) float64) {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return value(w.Stats()) }))
	}
	gauge("repltap_journal_bytes", "Bytes of the journal's files on disk.", func(s journal.Stats) float64 { return float64(s.Bytes) })
	gauge("repltap_journal_files", "Files of the journal.", func(s journal.Stats) float64 { return float64(s.Files) })
	counter("repltap_journal_records_total", "Records appended to the journal.", func(s journal.Stats) float64 { return float64(s.Records) })
	counter("repltap_journal_blocks_total", "Blocks written to the journal.", func(s journal.Stats) float64 { return float64(s.Blocks) })
	counter("repltap_journal_write_failures_total", "Blocks that could not be written.", func(s journal.Stats) float64 { return float64(s.Failed) })
}

// admin is the HTTP side of a recording, for people and monitoring.
type admin struct {
	rec     *recording
	started time.Time
	queue   int64 // limit of the recorder's queue
	reg     *prometheus.Registry
	log     *slog.Logger
}

// listenAdmin listens for the admin server; nil when there is to be none.
func listenAdmin(addr addrFlag) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	return net.Listen(addr.network(), string(addr))
}

// serve answers on ln, which may be nil. What it returns ends that and waits
// for the goroutine. A server that fails ends the recording.
func (a *admin) serve(ln net.Listener, fail func(error)) (stop func() error) {
	if ln == nil {
		return func() error { return nil }
	}
	a.log.Info("admin server", "metrics", fmt.Sprintf("http://%s/metrics", ln.Addr()))
	srv := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			fail(err)
		}
	}()
	return func() error {
		err := srv.Close()
		<-done
		return err
	}
}

func (a *admin) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", a.healthz)
	mux.HandleFunc("GET /status.json", a.status)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s\n\n/metrics\n/healthz\n/status.json\n/debug/pprof/\n", program)
	})
	return mux
}

// healthz answers 200 while the recording does what it is there for, and 503
// with the reason otherwise. That the master is down is no fault of the tap's.
func (a *admin) healthz(w http.ResponseWriter, _ *http.Request) {
	if why := a.unhealthy(); why != "" {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

func (a *admin) unhealthy() string {
	if err := a.rec.writer.Stats().Err; err != nil {
		return "the journal can't be written: " + err.Error()
	}
	if queued := a.rec.recorder.QueueBytes(); a.queue > 0 && queued > a.queue/10*9 {
		return fmt.Sprintf("the recorder does not keep up: %s of %s queued", sizeText(queued), sizeText(a.queue))
	}
	return ""
}

// status is what /status.json shows.
type status struct {
	Program string        `json:"program"`
	Started time.Time     `json:"started"`
	Healthy bool          `json:"healthy"`
	Reason  string        `json:"reason,omitempty"`
	Tap     proxy.Status  `json:"tap"`
	Limit   int64         `json:"queue_limit_bytes"`
	Journal journalStatus `json:"journal"`
	// By reason, as the metrics count them.
	Gaps     map[string]float64 `json:"gaps"`
	GapBytes map[string]float64 `json:"gap_bytes"`
}

type journalStatus struct {
	Files   int    `json:"files"`
	Bytes   int64  `json:"bytes"`
	Records uint64 `json:"records"`
	Blocks  uint64 `json:"blocks"`
	Failed  uint64 `json:"failed_blocks"`
	Error   string `json:"error,omitempty"`
}

func (a *admin) status(w http.ResponseWriter, _ *http.Request) {
	js := a.rec.writer.Stats()
	s := status{
		Program: program, Started: a.started.UTC(), Reason: a.unhealthy(), Tap: a.rec.tap.Status(),
		Limit:   a.queue,
		Journal: journalStatus{Files: js.Files, Bytes: js.Bytes, Records: js.Records, Blocks: js.Blocks, Failed: js.Failed},
		Gaps:    a.counted("repltap_gaps_total"), GapBytes: a.counted("repltap_gap_bytes_total"),
	}
	s.Healthy = s.Reason == ""
	if js.Err != nil {
		s.Journal.Error = js.Err.Error()
	}
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(s) // an error here is the browser going away
}

// counted gives the counters of one name that have counted anything, by their
// one label.
func (a *admin) counted(name string) map[string]float64 {
	values := map[string]float64{}
	families, err := a.reg.Gather()
	if err != nil {
		return values
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if n := m.GetCounter().GetValue(); n > 0 && len(m.GetLabel()) == 1 {
				values[m.GetLabel()[0].GetValue()] = n
			}
		}
	}
	return values
}
