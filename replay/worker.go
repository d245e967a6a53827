package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// WorkerConfig is what a worker is to do.
type WorkerConfig struct {
	Connect string // the master's address
	Name    string
	Server  string // what the master has to call itself; "" takes any name
	Release wire.Release
	// Adapt has it take another release when the master speaks a dialect that
	// Release does not.
	Adapt   bool
	Streams []string // up to 1.12: what it asks for; nil is what a generic worker asks for
	Start   []StartToken
	Syncing []string // users
	// SendsFederation has it acknowledge the federation stream.
	SendsFederation bool

	ReceiveBuffer int // bytes that the kernel is asked to hold for it; 0 leaves that to the kernel
	ReadRate      int // bytes a second; 0 is as fast as it can
	MaxHeld       int // bytes that may wait in memory before it reads no more; 0 is DefaultMaxHeld
	Faults        []Fault
	Die           Span // it ends like a killed process
	Back          Span // and comes back so long after, with what a database would keep
	Once          bool // it does not connect again

	CatchUp *CatchUp // nil: what is missed is taken to be nothing
	// Scribe gets all that goes over the connections, under numbers of NextConn;
	// nil keeps nothing.
	Scribe   *journal.Scribe
	NextConn func() uint64
	Log      *slog.Logger
	Progress func(*WorkerReport) // called once a second; may be nil
}

// Span is a span of time that may not be given. Die counts from when the worker
// was first connected.
type Span struct {
	Set bool
	For time.Duration
}

// StartToken is where a worker stands before it begins.
type StartToken struct {
	Stream   string // "" for all that are not named
	Instance string // "" for all that are not named
	Token    int64
}

// DefaultMaxHeld is how much may wait in a worker's memory.
const DefaultMaxHeld = 64 << 20

// HeldError is too much that waits for what never comes: a batch's last row.
type HeldError struct{ Bytes int }

func (e *HeldError) Error() string {
	return fmt.Sprintf("%d bytes of rows wait for the last row of their batch, which does not come", e.Bytes)
}

// ErrRefused is a worker that never got a connection.
var ErrRefused = errors.New("there was no connection")

// RunWorker is the whole life of a worker: wire.Follower over a socket. It ends
// with ctx, by Die without Back, or with its only connection, and reports what
// it believes then. Every goroutine that it started has ended when it returns.
//
// One goroutine owns all state. It has the socket read only when it has done
// with what came before, so that a stall, a rate or too much in memory are felt
// by the master.
func RunWorker(ctx context.Context, c WorkerConfig) (*WorkerReport, error) {
	w, err := newWorker(c, newClock())
	if err != nil {
		return nil, err
	}
	return w.run(ctx)
}

// worker is the state of RunWorker.
type worker struct {
	config   WorkerConfig
	clock    *clock
	normal   func() float64
	ctx      context.Context
	follower *wire.Follower
	instance string // its id, new for each life
	backoff  *wire.Backoff
	over     bool
	err      error

	conn    *workerConn // nil: none
	reports chan report
	dials   chan dialled
	dialing bool
	dialAt  int64
	lastID  int
	refusal error // the last
	adapted int

	first           int64 // when it was first connected; 0 before
	stalled, frozen bool
	ailsNext        int64 // when that may change
	backAt          int64 // when it comes back; never while it lives
	died            bool

	life    context.Context // of the follower, and of its fetches
	kill    context.CancelFunc
	group   sync.WaitGroup // dials and fetches
	fetcher *catchUpClient
	answers chan fetched
	assumed []fetched

	detector  wire.Detector
	teller    teller
	tally     tallies
	total     WorkerReport
	errorsGot int64
	errorsSaid,
	crashes int64
	showAt int64
}

func newWorker(c WorkerConfig, clock *clock) (*worker, error) {
	if c.MaxHeld <= 0 {
		c.MaxHeld = DefaultMaxHeld
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	w := &worker{config: c, clock: clock, normal: rand.NormFloat64, reports: make(chan report), dials: make(chan dialled),
		answers: make(chan fetched), dialAt: 0, backAt: never, ailsNext: never, tally: tallies{}}
	w.teller = teller{log: c.Log, clock: clock}
	w.total.Ended = []WorkerEnd{}
	starts, err := startStreams(&c)
	if err != nil {
		return nil, err
	}
	return w, w.begin(c.Release, starts, startOfAll(c.Start))
}

// begin is the start of a process.
func (w *worker) begin(r wire.Release, streams []wire.FollowedStream, start int64) (err error) {
	w.instance = randomLetters(5)
	w.follower, err = wire.NewFollower(r, wire.FollowerConfig{Name: w.config.Name, InstanceID: w.instance, Server: w.config.Server,
		Streams: streams, Start: start, Syncing: w.config.Syncing, SendsFederation: w.config.SendsFederation})
	w.backoff = wire.NewBackoff(r, func() float64 { return w.normal() })
	if w.config.CatchUp != nil && err == nil {
		w.fetcher = newCatchUpClient(*w.config.CatchUp, r, w.clock)
	}
	return err
}

// run is the loop of the owner.
func (w *worker) run(ctx context.Context) (*WorkerReport, error) {
	ctx, cancel := context.WithCancel(ctx)
	w.ctx = ctx
	w.life, w.kill = context.WithCancel(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !w.over {
		now := w.clock.now()
		w.due(now)
		w.ask(now)
		if !w.over {
			w.clock.timer(timer, w.next(now))
			w.wait(timer)
		}
	}
	if w.err != nil {
		w.hangUp("error", "worker", w.err.Error())
	}
	w.hangUp("shutdown", "worker", "")
	report := w.report()
	cancel()
	w.kill()
	w.await()
	if w.err == nil && w.total.Connections == 0 {
		w.err = fmt.Errorf("%w to %s", ErrRefused, w.config.Connect)
		if w.refusal != nil {
			w.err = fmt.Errorf("%w: %w", ErrRefused, w.refusal)
		}
	}
	return report, w.err
}

// wait waits for one thing and does what it brings. A frozen worker sees
// nothing but time.
func (w *worker) wait(timer *time.Timer) {
	reports, dials, answers := w.reports, w.dials, w.answers
	if w.frozen {
		reports, dials, answers = nil, nil, nil
	}
	select {
	case <-w.ctx.Done():
		w.over = true
	case <-timer.C:
	case r := <-reports:
		r.pump.took(&r)
		if r.wrote {
			w.wrote(&r)
		} else {
			w.received(&r)
		}
	case d := <-dials:
		w.dialled(d)
	case a := <-answers:
		w.answered(a)
	}
}

// due does what is due by now. What was missed while frozen comes before what
// has arrived meanwhile, as it does in a process that is let go on.
func (w *worker) due(now int64) {
	if w.config.Progress != nil && now >= w.showAt {
		w.showAt = now + int64(time.Second)
		w.config.Progress(w.report())
	}
	if now >= w.ailsNext {
		w.ail(now)
	}
	if now >= w.backAt {
		w.comeBack()
	}
	if w.frozen || w.over {
		return
	}
	if tick, ok := w.follower.NextTick(); ok && now >= tick {
		w.do(w.follower.Tick(now))
		w.fate()
	}
	if now >= w.dialAt && w.conn == nil && !w.dialing && w.backAt == never {
		w.dial()
	}
}

// next is when something is due by itself.
func (w *worker) next(now int64) int64 {
	at := min(w.ailsNext, w.backAt)
	if w.config.Progress != nil {
		at = min(at, w.showAt)
	}
	if w.frozen {
		return at
	}
	if tick, ok := w.follower.NextTick(); ok {
		at = min(at, tick)
	}
	switch c := w.conn; {
	case c == nil && !w.dialing && w.backAt == never:
		at = min(at, w.dialAt)
	case c != nil && c.readAt > now:
		at = min(at, c.readAt)
	}
	return at
}
