package proxy

import (
	"github.com/prometheus/client_golang/prometheus"

	"repltap/wire"
)

// directions are the two, for what is counted by them.
var directions = [...]wire.Direction{wire.S2C, wire.C2S}

// scraped is a collector of what is read when somebody asks for it.
type scraped struct {
	descs []*prometheus.Desc
	read  func(chan<- prometheus.Metric)
}

func (s *scraped) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range s.descs {
		ch <- d
	}
}

func (s *scraped) Collect(ch chan<- prometheus.Metric) { s.read(ch) }

// counter and gauge add a metric to s and return what sends a value of it.
func (s *scraped) counter(name, help string, labels ...string) sendValue {
	return s.add(prometheus.CounterValue, name, help, labels)
}

func (s *scraped) gauge(name, help string, labels ...string) sendValue {
	return s.add(prometheus.GaugeValue, name, help, labels)
}

type sendValue func(ch chan<- prometheus.Metric, value float64, labels ...string)

func (s *scraped) add(kind prometheus.ValueType, name, help string, labels []string) sendValue {
	desc := prometheus.NewDesc(name, help, labels, nil)
	s.descs = append(s.descs, desc)
	return func(ch chan<- prometheus.Metric, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
	}
}

// watchStalls adds what is counted of stalls.
func (m *Metrics) watchStalls() {
	s := &scraped{}
	count := s.counter("repltap_stalls_total", "Times that a reader took nothing for a quarter of a second while there was something for it, by the direction of what waited.", "direction")
	seconds := s.counter("repltap_stall_seconds_total", "Time that stalls lasted, those that still do included.", "direction")
	lasting := s.gauge("repltap_stalled_connections", "Connections whose reader takes nothing just now.", "direction")
	s.read = func(ch chan<- prometheus.Metric) {
		for _, d := range directions {
			n, total, now := m.stalls.read(d)
			count(ch, float64(n), d.String())
			seconds(ch, total.Seconds(), d.String())
			lasting(ch, float64(now), d.String())
		}
	}
	m.register(s)
}

// lineMetrics is what is read from a tally.
type lineMetrics struct {
	commands, rdata                          sendValue
	workerCommands, workerBytes, workerRdata sendValue
	updates, gaps, token, behind, conns      sendValue
	lastRow, workerLastRow                   sendValue
	batches                                  func(chan<- prometheus.Metric, *histogram, ...string)
}

// watchLines adds what an Observer counts of lines.
func (m *Metrics) watchLines(t *tally) {
	s := &scraped{}
	l := &lineMetrics{
		commands:       s.counter("repltap_commands_total", "Lines by command.", "command", "direction"),
		rdata:          s.counter("repltap_rdata_total", "RDATA lines by stream.", "stream"),
		workerCommands: s.counter("repltap_worker_commands_total", "Lines by worker and command; 0 is left out.", "worker", "command", "direction"),
		workerBytes:    s.counter("repltap_worker_bytes_total", "Bytes of whole lines by worker.", "worker", "direction"),
		workerRdata:    s.counter("repltap_worker_rdata_total", "RDATA lines by worker and stream; 0 is left out.", "worker", "stream"),
		updates:        s.counter("repltap_stream_updates_total", "Rows of each stream counted once, however many workers got them.", "stream"),
		gaps:           s.counter("repltap_position_gaps_total", "POSITION lines that begin above what the connection had got, so that the worker fetches what is between.", "stream"),
		token:          s.gauge("repltap_stream_token", "The highest token that a connection which is open has got.", "stream"),
		behind:         s.gauge("repltap_token_lag", "How far a worker's connection is behind that token.", "worker", "stream"),
		lastRow:        s.gauge("repltap_stream_last_row_timestamp_seconds", "When the last row of the stream came, to any worker, in Unix time: time() less this is its age. Left out before the first row.", "stream"),
		workerLastRow:  s.gauge("repltap_worker_last_row_timestamp_seconds", "When the last row of the stream came to the worker, in Unix time. Left out before the first row.", "worker", "stream"),
		conns:          s.gauge("repltap_stream_connections", "Open connections that asked for the stream or were told its position.", "stream"),
		batches:        s.histogram("repltap_batch_rows", "Rows that share one token.", "stream"),
	}
	s.read = func(ch chan<- prometheus.Metric) {
		now := t.snapshot()
		l.sendWorkers(ch, now)
		l.sendTotals(ch, now)
		l.sendStreams(ch, now)
		l.sendLag(ch, now)
	}
	m.register(s)
}

func (l *lineMetrics) sendWorkers(ch chan<- prometheus.Metric, now *snapshot) {
	for i := range now.workers {
		w := &now.workers[i]
		for _, d := range directions {
			l.workerBytes(ch, float64(w.bytes[d]), w.label, d.String())
			for c, n := range w.commands[d] {
				if n > 0 {
					l.workerCommands(ch, float64(n), w.label, wire.Command(c).String(), d.String())
				}
			}
		}
		for s, n := range w.rdata {
			if n > 0 {
				l.workerRdata(ch, float64(n), w.label, streams[s])
			}
			if at := w.lastRow[s]; at > 0 {
				l.workerLastRow(ch, float64(at)/1e9, w.label, streams[s])
			}
		}
	}
}

// sendTotals adds up over workers.
func (l *lineMetrics) sendTotals(ch chan<- prometheus.Metric, now *snapshot) {
	var all workerTally
	for i := range now.workers {
		all.add(&now.workers[i])
	}
	for _, d := range directions {
		for c, n := range all.commands[d] {
			l.commands(ch, float64(n), wire.Command(c).String(), d.String())
		}
	}
	for s, stream := range streams {
		l.rdata(ch, float64(all.rdata[s]), stream)
		if at := now.lastRow[s]; at > 0 {
			l.lastRow(ch, float64(at)/1e9, stream)
		}
	}
}

// sendStreams leaves out what can't be said of several streams together.
func (l *lineMetrics) sendStreams(ch chan<- prometheus.Metric, now *snapshot) {
	for s, stream := range streams[:otherStream] {
		l.updates(ch, float64(now.updates[s]), stream)
		l.gaps(ch, float64(now.gaps[s]), stream)
		l.conns(ch, float64(now.conns[s]), stream)
		l.batches(ch, &now.batches[s], stream)
		if n, ok := now.tokens[s]; ok {
			l.token(ch, float64(n), stream)
		}
	}
}

func (l *lineMetrics) sendLag(ch chan<- prometheus.Metric, now *snapshot) {
	for worker, behind := range now.behind {
		for s, n := range behind[:len(streams)] {
			if n >= 0 {
				l.behind(ch, float64(n), worker, streams[s])
			}
		}
	}
}

func (s *scraped) histogram(name, help string, labels ...string) func(ch chan<- prometheus.Metric, h *histogram, labels ...string) {
	desc := prometheus.NewDesc(name, help, labels, nil)
	s.descs = append(s.descs, desc)
	return func(ch chan<- prometheus.Metric, h *histogram, labels ...string) {
		var count uint64
		buckets := map[float64]uint64{}
		for i, n := range h.buckets {
			if count += n; i < len(h.buckets)-1 {
				buckets[float64(uint64(1)<<i)] = count
			}
		}
		if count > 0 {
			ch <- prometheus.MustNewConstHistogram(desc, count, float64(h.sum), buckets, labels...)
		}
	}
}

// held is what the kernel holds of one worker's connections in one direction.
type held struct{ unread, unsent int }

// watchHeld adds what the kernel holds of open connections.
func (m *Metrics) watchHeld(t *Tap) {
	s := &scraped{}
	unread := s.gauge("repltap_unread_bytes", "What the kernel has of the sender and the tap has not read, because the reader does not take it.", "worker", "direction")
	unsent := s.gauge("repltap_unsent_bytes", "What the tap has written and the reader's kernel has not taken.", "worker", "direction")
	pending := s.gauge("repltap_pending_commands", "Estimate of the lines in these bytes, by the average length of the worker's lines.", "worker", "direction")
	s.read = func(ch chan<- prometheus.Metric) {
		for worker, both := range t.held() {
			for _, d := range directions {
				h := both[d]
				unread(ch, float64(h.unread), worker, d.String())
				unsent(ch, float64(h.unsent), worker, d.String())
				pending(ch, t.Recorder.observer.lines(worker, d, h.unread+h.unsent), worker, d.String())
			}
		}
	}
	m.register(s)
}

// held is by worker and direction.
func (t *Tap) held() map[string][3]held {
	all := map[string][3]held{}
	for _, l := range t.open() {
		worker := t.Recorder.observer.label(l.rec.id)
		sum := all[worker]
		for _, c := range l.copiers {
			h := &sum[c.src.sends]
			h.unread += c.src.unread()
			h.unsent += c.dst.unsent()
		}
		all[worker] = sum
	}
	return all
}
