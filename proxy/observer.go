package proxy

import (
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// Observer counts what a journal.Scribe sees, logs the findings and gaps
// among it, and knows the workers' names. It is the Scribe's journal.Observer.
type Observer struct {
	metrics *Metrics
	tally   *tally
	log     *slog.Logger
	now     func() time.Time

	seen    map[sight]bool // findings that were logged of open connections
	next    time.Time      // when one that is not the first of its kind may be logged
	budget  int            // firsts that may be logged before then
	skipped int            // since the last that was logged

	mu    sync.Mutex
	names map[uint64]string
}

// sight is a kind of finding on one connection.
type sight struct {
	conn uint64
	code string
}

const (
	// logEvery is the least time between logged findings that repeat.
	logEvery = time.Second
	// logBudget is how many first ones may be logged in that time: a worker
	// that comes back for ever makes every finding of its a first one.
	logBudget = 10
	// maxSights bounds what is remembered of connections that stay open.
	maxSights = 10000
)

var _ journal.Observer = (*Observer)(nil)

// NewObserver makes one that counts in m and logs to log; either may be nil.
func NewObserver(m *Metrics, log *slog.Logger) *Observer {
	if m == nil {
		m = NewMetrics(nil)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	t := newTally()
	m.watchLines(t)
	return &Observer{metrics: m, tally: t, log: log, now: time.Now, seen: map[sight]bool{}, names: map[uint64]string{}}
}

// Line counts a command.
func (o *Observer) Line(at int64, conn uint64, dir wire.Direction, g *wire.Gist, bytes int) {
	o.tally.line(at, conn, dir, g, bytes)
}

// Finding counts a finding and logs it if there is not too much of it. The
// line itself stays out of the log, since it may hold a secret.
func (o *Observer) Finding(conn uint64, dir wire.Direction, f *wire.Finding, line []byte) {
	o.metrics.finding(f.Code)
	if attrs, ok := o.mayLog(sight{conn, f.Code}); ok {
		attrs = append(attrs, "conn", conn, "direction", dir.String(), "command", wire.CommandOf(line).String(), "code", f.Code, "detail", f.Detail)
		o.log.Warn("finding", attrs...)
	}
}

// Untold counts what was odd too, but is no finding any more.
func (o *Observer) Untold(_ uint64, _ wire.Direction, code string) {
	o.metrics.finding(code)
	o.metrics.suppressed.Inc()
}

// Worker remembers the name that a worker gave itself.
func (o *Observer) Worker(conn uint64, name string) {
	o.tally.name(conn, name)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.names[conn] = name
}

// Gap logs that something is missing from the journal, and counts it unless
// the recorder has done so when it left it out.
func (o *Observer) Gap(conn uint64, dir wire.Direction, ev *journal.Event) {
	if r := gapReason(ev.Reason); r != ReasonQueueFull && r != ReasonShutdown {
		o.metrics.gap(r, 1, ev.Bytes)
	}
	if attrs, ok := o.mayLog(sight{0, "gap " + gapReason(ev.Reason)}); ok {
		attrs = append(attrs, "conn", conn, "direction", dir.String(), "bytes", ev.Bytes, "lines", ev.Lines, "reason", ev.Reason)
		o.log.Warn("gap in the journal", attrs...)
	}
}

// event logs what happened on the way and is not the traffic's.
func (o *Observer) event(conn uint64, e *entry) {
	if o == nil {
		return
	}
	switch {
	case e.kind == journal.KindStall:
		o.warn("stalled: nothing is read from the tap any more", "stall", conn, e.dir, "unread", e.event.Unread, "unsent", e.event.Unsent)
	case e.kind == journal.KindFinding && e.event.How == howEnforced:
		f := &e.event.Findings[0]
		o.warn("refused: the line is not passed on, and the connection closed", "refused "+f.Code, conn, e.dir,
			"command", e.event.What, "code", f.Code, "detail", f.Detail, "verdict", f.Verdict)
	}
}

func (o *Observer) warn(text, kind string, conn uint64, dir wire.Direction, more ...any) {
	if attrs, ok := o.mayLog(sight{conn, kind + " " + dir.String()}); ok {
		attrs = append(attrs, "conn", conn, "worker", o.worker(conn), "direction", dir.String())
		o.log.Warn(text, append(attrs, more...)...)
	}
}

// mayLog lets the first of a kind through, within the budget, and of the rest
// one a second, which then says how many there were between.
func (o *Observer) mayLog(s sight) (attrs []any, ok bool) {
	now, first := o.now(), !o.seen[s]
	due := !now.Before(o.next)
	if due {
		o.budget = logBudget
	}
	if !due && (!first || o.budget == 0) {
		o.skipped++
		o.metrics.suppressed.Inc()
		return nil, false
	}
	if len(o.seen) >= maxSights {
		clear(o.seen)
	}
	o.seen[s] = true
	o.budget--
	if due {
		o.next = now.Add(logEvery)
	}
	if o.skipped > 0 {
		attrs = append(attrs, "not_logged_before_this", o.skipped)
		o.skipped = 0
	}
	return attrs, true
}

// worker is the name of a connection's worker, "" before it said it.
func (o *Observer) worker(conn uint64) string {
	if o == nil {
		return ""
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.names[conn]
}

// label is a connection's worker in the metrics.
func (o *Observer) label(conn uint64) string {
	if o == nil {
		return unnamed
	}
	return o.tally.label(conn)
}

// lines is about how many of a worker's lines are in so many bytes.
func (o *Observer) lines(worker string, dir wire.Direction, bytes int) float64 {
	if o == nil {
		return 0
	}
	o.tally.mu.Lock()
	defer o.tally.mu.Unlock()
	w := o.tally.workers[worker]
	if w == nil || w.lineLength(dir) == 0 {
		return 0
	}
	return math.Round(float64(bytes) / w.lineLength(dir))
}

// lastRows is when the last rows came, by stream and by worker.
func (o *Observer) lastRows() (byStream, byWorker []LastRow) {
	byStream, byWorker = []LastRow{}, []LastRow{}
	if o == nil {
		return byStream, byWorker
	}
	now := o.tally.now()
	row := func(at int64, stream, worker string) LastRow {
		when := time.Unix(0, at)
		return LastRow{Stream: stream, Worker: worker, At: when.UTC(), Age: max(now.Sub(when), 0).Seconds()}
	}
	s := o.tally.snapshot()
	for i, stream := range streams {
		if at := s.lastRow[i]; at > 0 {
			byStream = append(byStream, row(at, stream, ""))
		}
	}
	for i := range s.workers {
		w := &s.workers[i]
		if at := slices.Max(w.lastRow[:]); at > 0 {
			byWorker = append(byWorker, row(at, "", w.label))
		}
	}
	return byStream, byWorker
}

// forget is called when a connection is over.
func (o *Observer) forget(conn uint64) {
	if o == nil {
		return
	}
	o.tally.forget(conn)
	o.mu.Lock()
	delete(o.names, conn)
	o.mu.Unlock()
	if len(o.seen) == 0 {
		return
	}
	for s := range o.seen {
		if s.conn == conn {
			delete(o.seen, s)
		}
	}
}
