package proxy

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"repltap/journal"
	"repltap/wire"
)

// Metrics is what a tap counts, live. All label values come from small closed
// sets, and every counter of the data path is looked up beforehand.
type Metrics struct {
	reg prometheus.Registerer

	connections  prometheus.Counter
	current      prometheus.Gauge
	dialFailures prometheus.Counter
	outages      prometheus.Counter
	upstreamUp   prometheus.Gauge
	suppressed   prometheus.Counter
	bytes        [3]prometheus.Counter // by wire.Direction
	undelivered  [3]prometheus.Counter
	closes       map[[2]string]prometheus.Counter // by how and whom
	gaps         map[string]prometheus.Counter    // by reason, as is the next
	gapTotals    map[string]prometheus.Counter
	findings     *prometheus.CounterVec
	refused      *prometheus.CounterVec
	codes        map[string]prometheus.Counter // those of findings, as they are met
	stalls       *liveStalls
}

// other is the label of what is not in a closed set.
const other = "other"

// Reasons of gaps which the journal itself leaves.
const (
	reasonWriteFailed = "write failed"
	reasonFileLost    = "file lost"
)

// gapReasons are the labels of gaps: what is left of a reason without the
// details that follow a colon.
var gapReasons = []string{ReasonQueueFull, ReasonShutdown, reasonWriteFailed, reasonFileLost, journal.ReasonRedacted, other}

func gapReason(reason string) string {
	reason, _, _ = strings.Cut(reason, ":")
	return reason
}

// maxCodes bounds the findings' codes that have a counter of their own.
const maxCodes = 100

// NewMetrics makes the metrics and registers them with reg, which may be nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		reg:          reg,
		connections:  counter("repltap_connections_total", "Connections accepted from workers."),
		current:      gauge("repltap_connections", "Connections from workers that are open now."),
		dialFailures: counter("repltap_dial_failures_total", "Attempts to reach the upstream that failed, probes included."),
		outages:      counter("repltap_upstream_outages_total", "Times that the upstream went down."),
		upstreamUp:   gauge("repltap_upstream_up", "1 while the upstream can be reached, as far as is known; 0 while the tap refuses workers because it can't."),
		suppressed:   counter("repltap_findings_not_logged_total", "Findings and gaps that were counted and journalled, but not logged, to keep the log readable."),
		findings:     vec("repltap_findings_total", "Findings by code.", "code"),
		refused:      vec("repltap_refused_lines_total", "Lines that were not passed on, by why and by the direction that they would have gone (with --enforce).", "code", "direction"),
		codes:        map[string]prometheus.Counter{},
		stalls:       &liveStalls{now: map[*stallWatch]time.Time{}},
	}
	all := []prometheus.Collector{m.connections, m.current, m.dialFailures, m.outages, m.upstreamUp, m.suppressed, m.findings, m.refused}
	all = append(all, m.resolveTraffic()...)
	all = append(all, m.resolveEnds()...)
	m.register(all...)
	m.watchStalls()
	return m
}

func (m *Metrics) resolveTraffic() []prometheus.Collector {
	bytes := vec("repltap_bytes_total", "Bytes forwarded.", "direction")
	lost := vec("repltap_undelivered_bytes_total", "Bytes read that were not passed on: the other side was gone, or they were refused.", "direction")
	for _, d := range directions {
		m.bytes[d] = bytes.WithLabelValues(d.String())
		m.undelivered[d] = lost.WithLabelValues(d.String())
	}
	return []prometheus.Collector{bytes, lost}
}

func (m *Metrics) resolveEnds() []prometheus.Collector {
	closes := vec("repltap_closes_total", "Connections that ended, by how and by whom.", "how", "by")
	gaps := vec("repltap_gaps_total", "Gaps in the journal by reason.", "reason")
	gapBytes := vec("repltap_gap_bytes_total", "Bytes that were forwarded and are not in the journal, by reason.", "reason")
	m.closes = map[[2]string]prometheus.Counter{}
	for _, how := range allHows {
		for _, by := range allParties {
			m.closes[[2]string{how, by}] = nil
		}
	}
	for k := range m.closes {
		if (k[0] == howShutdown || k[0] == howEnforced) != (k[1] == byTap) || k[0] == howRefused && k[1] != byMaster {
			delete(m.closes, k) // can't be
			continue
		}
		m.closes[k] = closes.WithLabelValues(k[0], k[1])
	}
	m.gaps, m.gapTotals = resolve(gaps, gapReasons), resolve(gapBytes, gapReasons)
	return []prometheus.Collector{closes, gaps, gapBytes}
}

func resolve(v *prometheus.CounterVec, labels []string) map[string]prometheus.Counter {
	m := make(map[string]prometheus.Counter, len(labels))
	for _, l := range labels {
		m[l] = v.WithLabelValues(l)
	}
	return m
}

func (m *Metrics) register(cs ...prometheus.Collector) {
	if m.reg != nil {
		m.reg.MustRegister(cs...)
	}
}

// watchQueue adds the gauges that are read from the recorder.
func (m *Metrics) watchQueue(r *Recorder) {
	m.register(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "repltap_recorder_queue_bytes", Help: "What waits to be journalled, overhead included."},
			func() float64 { return float64(r.QueueBytes()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "repltap_recorder_queue_limit_bytes", Help: "How much may wait to be journalled."},
			func() float64 { return float64(r.limit) }),
	)
}

func (m *Metrics) closed(c cause) {
	if n := m.closes[[2]string{c.how, c.by}]; n != nil {
		n.Inc()
	}
}

// gap counts a gap, and how much it makes missing; once may be 0 for a gap that
// grows.
func (m *Metrics) gap(reason string, once int, bytes int64) {
	reason = gapReason(reason)
	if m.gaps[reason] == nil {
		reason = other
	}
	m.gaps[reason].Add(float64(once))
	m.gapTotals[reason].Add(float64(bytes))
}

// Lost counts traffic that the recorder passed on and the journal could not
// write or lost with a file: why, into how many new gaps it goes, and its bytes. It
// fits journal.Options.
func (m *Metrics) Lost(reason string, gaps int, bytes int64) { m.gap(reason, gaps, bytes) }

// finding counts one by its code; only the recorder's goroutine calls it.
func (m *Metrics) finding(code string) {
	c := m.codes[code]
	if c == nil {
		if len(m.codes) >= maxCodes {
			code = other
		}
		c = m.findings.WithLabelValues(code)
		m.codes[code] = c
	}
	c.Inc()
}

// refusal counts a line that was not passed on. Codes are wire's and few.
func (m *Metrics) refusal(dir wire.Direction, r *wire.Refusal) {
	m.refused.WithLabelValues(r.Code, dir.String()).Inc()
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

func vec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}
