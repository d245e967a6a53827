package replay

import (
	"cmp"
	"slices"
	"time"

	"repltap/wire"
)

const s2c = wire.S2C

// Result is what came of a replay, as far as its driver can tell. What it means
// is for the comparison of its journal with the recorded one.
type Result struct {
	Played      int64 // acts that made lines
	Bytes       int64 // that the kernel took, of all connections
	Took        time.Duration
	Lags        Lags
	Connections []Connection
	Streams     []StreamStart // where they stood at the end
	Notes       []string      // what was odd, once each
	Interrupted bool          // it was ended before its end
	Complete    bool          // all was played
}

// Connection is one connection of a replay.
type Connection struct {
	Conn   uint64 // its number in the run's journal
	Worker string
	Plays  uint64 // the recorded connection that it was matched to
	Peer   string
	Opened int64 // ns after the beginning of the run, as is the next
	Closed int64

	Lines       int64 // that were written for it
	Sent, Read  int64 // bytes that the kernel took, and that it sent
	Undelivered int64 // bytes that were written and did not arrive, as far as is known
	Pauses      int
	Queue       int // the most commands that waited
	Unsent      int // the most bytes that waited in the master's own buffer

	How, By, Error, Note string
	LastLine             string // the last one that the kernel took
}

func (p *peer) ended(now int64, e ending, undelivered int64) {
	s := &p.stats
	s.Closed, s.Sent, s.Read, s.Undelivered = now-p.m.anchor, p.sent, p.read.Load(), undelivered
	s.How, s.By, s.Error, s.Note, s.LastLine = e.how, e.by, e.err, e.note, string(p.lastLine.line)
}

// manyNotes is more than anybody reads.
const manyNotes = 20

func (r *Result) note(text string) {
	if len(r.Notes) < manyNotes && !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

func (r *Result) finish(m *master, now int64) {
	// What was played and not taken yet is not complete when it is interrupted.
	r.Took, r.Complete = time.Duration(now-m.anchor), m.ending && (m.lingers != 0 || !r.Interrupted)
	if m.clock.begun {
		r.Took = time.Duration(now - m.clock.real)
	}
	for _, s := range m.s.streams {
		r.Streams = append(r.Streams, StreamStart{Name: s.name, Token: s.current})
	}
	r.sort()
}

func (r *Result) sort() {
	slices.SortStableFunc(r.Connections, func(a, b Connection) int {
		return cmp.Compare(a.Opened, b.Opened)
	})
}

// Progress is how far a replay is.
type Progress struct {
	Waiting int           // for how many workers it waits before it begins, 0 after
	Asked   int           // how many of them are there
	At, Of  time.Duration // recorded time
	Left    time.Duration // real time; below zero when that is not known
	Played  int64
	Lag     time.Duration // the largest of the last moment
	Queue   int           // of all connections together
	Unsent  int
	Workers int
}

// place says where the schedule is.
func (p *Progress) place(now int64, s *schedule, plan *Plan) {
	p.Of, p.At, p.Left = time.Duration(plan.End-plan.Start), time.Duration(s.reached(now)-plan.Start), -1
	if s.speed > 0 {
		p.Left = time.Duration(float64(p.Of-p.At) / s.speed)
	}
}

// showEvery is how often progress is told.
const showEvery = int64(200 * time.Millisecond)

// show tells of the progress.
func (m *master) show(now int64) {
	if now-m.shown < showEvery {
		return
	}
	m.shown = now
	if m.cfg.Progress != nil {
		p := Progress{Played: m.result.Played, Workers: len(m.byNumb), Lag: time.Duration(m.recent), Left: -1,
			Of: time.Duration(m.plan.End - m.plan.Start)}
		for _, peer := range m.byNumb {
			if out := m.s.Outbox(peer.id); out != nil {
				p.Queue, p.Unsent = p.Queue+out.Queued(), p.Unsent+out.Buffered()
			}
		}
		if m.clock.begun {
			p.place(now, &m.clock, m.plan)
		} else {
			p.Waiting = max(m.cfg.Workers, 1)
			for _, peer := range m.byNumb {
				if peer.ready(now) {
					p.Asked++
				}
			}
		}
		m.cfg.Progress(p)
	}
	m.recent = 0
}

// lagOf takes the largest lag since a connection's last sample.
func (m *master) lagOf(p *peer) int64 {
	lag := p.lag
	p.lag = 0
	return lag
}
