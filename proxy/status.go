package proxy

import (
	"cmp"
	"slices"
	"time"

	"repltap/wire"
)

// Status is what a tap is doing right now, as /status.json shows it.
type Status struct {
	Listen           string       `json:"listen"`
	Upstream         string       `json:"upstream"`
	UpstreamUp       bool         `json:"upstream_up"` // as far as is known: nothing is tried while no worker comes
	UpstreamSince    time.Time    `json:"upstream_since"`
	UpstreamError    string       `json:"upstream_error,omitempty"`
	ConnectionsTotal uint64       `json:"connections_total"`
	Connections      []ConnStatus `json:"connections"`
	QueueBytes       int64        `json:"queue_bytes"`
	Streams          []LastRow    `json:"streams"` // those of which a row came
	Workers          []LastRow    `json:"workers"` // those to which one came
}

// LastRow is when the last row of a stream came, to any worker, or the last one of
// any stream to a worker.
type LastRow struct {
	Stream string    `json:"stream,omitempty"`
	Worker string    `json:"worker,omitempty"`
	At     time.Time `json:"last_row"`
	Age    float64   `json:"last_row_age_seconds"`
}

// ConnStatus is one connection of a Status.
type ConnStatus struct {
	Conn   uint64    `json:"conn"`
	Peer   string    `json:"peer"`
	Worker string    `json:"worker,omitempty"` // once it said its name
	State  string    `json:"state"`            // "dialing", "open", "closing"
	Since  time.Time `json:"since"`
	S2C    int64     `json:"s2c_bytes"` // read from the master so far
	C2S    int64     `json:"c2s_bytes"` // read from the worker so far
	// Stalls are those that last: at most one each way.
	Stalls []*StallStatus `json:"stalls,omitempty"`
}

// StallStatus is a peer that does not read what the other one sends it.
type StallStatus struct {
	Direction string    `json:"direction"` // of the traffic that waits
	Since     time.Time `json:"since"`
	Seconds   float64   `json:"seconds"`
	Unread    int64     `json:"unread_bytes"` // what the sender has sent and the tap does not read either
	Unsent    int64     `json:"unsent_bytes"` // what the tap has written and the reader's kernel does not take
}

// Status may be called at any time, from any goroutine.
func (t *Tap) Status() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Status{Listen: t.addr, Upstream: t.Upstream, ConnectionsTotal: t.total, Connections: []ConnStatus{}, Streams: []LastRow{}, Workers: []LastRow{}}
	if s.Listen == "" {
		s.Listen = t.Listen
	}
	if t.upstream == nil { // not serving yet
		return s
	}
	t.upstream.status(&s)
	s.QueueBytes = t.Recorder.QueueBytes()
	s.Streams, s.Workers = t.Recorder.observer.lastRows()
	for l := range t.links {
		s.Connections = append(s.Connections, l.status())
	}
	slices.SortFunc(s.Connections, func(a, b ConnStatus) int { return cmp.Compare(a.Conn, b.Conn) })
	return s
}

func (u *upstream) status(s *Status) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s.UpstreamUp, s.UpstreamSince = !u.down, u.since
	if u.err != nil {
		s.UpstreamError = u.err.Error()
	}
}

func (l *link) status() ConnStatus {
	s := ConnStatus{
		Conn: l.rec.id, Peer: l.peer, Worker: l.tap.Recorder.observer.worker(l.rec.id),
		State: stateNames[l.state.Load()], Since: l.since,
		S2C: l.rec.flow(wire.S2C).read.Load(), C2S: l.rec.flow(wire.C2S).read.Load(),
	}
	if l.state.Load() == stateDialing { // there are no copiers yet
		return s
	}
	for _, c := range l.copiers {
		if st := c.stall.status(); st != nil {
			s.Stalls = append(s.Stalls, st)
		}
	}
	return s
}
