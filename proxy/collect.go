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
