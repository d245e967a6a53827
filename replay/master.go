package replay

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"repltap/journal"
)

// MasterConfig is what a replayed master needs.
type MasterConfig struct {
	Plan     *Plan
	Listener *net.TCPListener // of ListenMaster; closed at the end
	// Speed divides the recorded times; 0 is as fast as the workers take it.
	Speed    float64
	SkipIdle time.Duration // no pause is longer than this; 0: as recorded
	Limits   Limits        // zero fields are Synapse's
	Link     Link
	Rewrite  Rewrite
	Workers  int           // how many have to ask before it begins; 0: one, and the verdict is about all that are played
	Wait     time.Duration // how long it waits for them, to begin with those who are there; 0: for ever
	Patience time.Duration // at the highest speed, for a worker that is to come back; 0: a minute
	Linger   time.Duration // how long it stays after the last act
	// Settle is how long it waits at most, before an end of its own making, until a
	// worker shows that it has taken what it was sent; see settled. 0: not at all.
	Settle   time.Duration
	LagLimit time.Duration // for the verdict: see journal.Run
	Journal  *journal.Writer
	Progress func(Progress) // called five times a second or so; may be nil

	pace float64 // how much faster than the world its clock goes; 0: as fast, but for tests
}

// ListenMaster listens for workers as Synapse does: the kernel's own buffers, so
// that a worker that stops reading gets as much as it would from a Synapse on
// this machine before it is too much. Only Nagle's algorithm, which Synapse leaves
// on, is off: it would hold lines back.
func ListenMaster(ctx context.Context, network, addr string) (*net.TCPListener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // its sockets end otherwise
	ln, err := lc.Listen(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return ln.(*net.TCPListener), nil
}

// master is a replayed master: the owner of a Streamer, its schedule and all its
// connections. One goroutine runs it; others accept, read, and wait for sockets
// that are full, and tell it through its inbox.
type master struct {
	cfg    MasterConfig
	plan   *Plan
	s      *Streamer
	began  time.Time
	anchor int64

	inbox    chan message
	refusing atomic.Bool
	done     chan struct{}
	tasks    sync.WaitGroup
	pacer    *pacer
	notes    *notes
	run      journal.Run

	peers   map[int]*peer
	byNumb  []*peer            // in the order of connecting
	leaving map[*peer]struct{} // gone, and their readers not yet
	played  map[string]int
	askers  map[uint64]bool // the recorded connections that have asked
	ended   map[uint64]bool // and those that are over
	lastID  int

	reads    context.Context // of what is read from the journal beside the feed
	feed     feed
	clock    schedule
	rows     rewriter
	first    string // the worker that asked first
	ghost    int    // how many others have asked in the place of workers that were not looked at
	group    batches
	dues     []int64 // when what was just played was due
	recent   int64   // the largest lag since progress was told
	skipping bool    // it is still before the first of those who are here asked
	place    uint64  // the last record that was played
	waits    int64   // since when the next act is held up, 0 when it is not

	settling int64 // since when it waits for workers to show that they have taken all, 0 when it does not
	ending   bool  // the last act was played, and all were told
	idle     int64 // since when nothing went out although something was to
	lingers  int64 // till when it stays, 0 before
	left     int64 // when it said goodbye, 0 before
	result   Result
	shown    int64
	fault    error
}

// sliceActs is how many acts are played before what they made is offered to the
// kernel: as many rows as Synapse's loop takes at once.
const sliceActs = 100

// ServeMaster replays a plan to those who connect, until all of it was played and
// taken, or ctx ends. The result is there in either case.
func ServeMaster(ctx context.Context, cfg MasterConfig) (*Result, error) {
	m, err := newMaster(cfg)
	if err != nil {
		cfg.Listener.Close()
		return nil, err
	}
	feedCtx, stop := context.WithCancel(ctx)
	m.reads = feedCtx
	m.task(m.accept)
	m.task(func() { m.feed.run(feedCtx, m.plan, m.done) })
	m.loop(ctx)
	stop()
	m.finish()
	return &m.result, m.fault
}

func newMaster(cfg MasterConfig) (*master, error) {
	p := cfg.Plan
	now := time.Now()
	m := &master{
		cfg: cfg, plan: p, began: now, anchor: now.UnixNano(),
		inbox: make(chan message, 256), done: make(chan struct{}),
		peers: map[int]*peer{}, leaving: map[*peer]struct{}{}, played: map[string]int{},
		askers: map[uint64]bool{}, ended: map[uint64]bool{},
		feed: newFeed(), clock: schedule{speed: cfg.Speed, skip: int64(cfg.SkipIdle)},
	}
	m.rows = newRewriter(cfg.Rewrite, p)
	streams := slices.Clone(p.Streams)
	for i := range streams {
		streams[i].Token += m.rows.shift(streams[i].Name)
	}
	streams = append(streams, m.rows.others(p)...)
	var err error
	m.s, err = NewStreamer(StreamerConfig{
		Release: p.Release, Server: m.rows.server, Instance: m.rows.instance, Streams: streams,
		Began: m.anchor, Limits: cfg.Limits, Long: p.long,
	})
	if err != nil {
		return nil, err
	}
	if m.pacer, err = newPacer(); err != nil {
		return nil, err
	}
	m.notes = newNotes(cfg.Journal, p.Release)
	m.run = m.plannedRun()
	m.notes.says(m.anchor, "begin", m.run)
	return m, nil
}

// now is the time by a clock that never goes back.
func (m *master) now() int64 {
	passed := time.Since(m.began)
	if m.cfg.pace > 0 {
		passed = time.Duration(float64(passed) * m.cfg.pace)
	}
	return m.anchor + int64(passed)
}

// since is how long the schedule runs; below zero before it does.
func (m *master) since(now int64) time.Duration {
	if !m.clock.begun {
		return -1
	}
	return time.Duration(now - m.clock.real)
}

// task runs f in a goroutine that the master waits for at its end.
func (m *master) task(f func()) {
	m.tasks.Add(1)
	go func() {
		defer m.tasks.Done()
		f()
	}()
}

// tell posts a message, unless the master has ended.
func (m *master) tell(msg message) bool {
	select {
	case m.inbox <- msg:
		return true
	case <-m.done:
		return false
	}
}

// refuse takes no more connections.
func (m *master) refuse() {
	m.refusing.Store(true)
	m.cfg.Listener.Close()
}

// loop is the owner's: it does what is due, and waits for what comes first.
func (m *master) loop(ctx context.Context) {
	for m.fault == nil && ctx.Err() == nil {
		now := m.now()
		m.s.Advance(now)
		if m.group.stuck(now) {
			m.release(now)
		}
		more := m.play(now)
		m.settle()
		m.late()
		m.sample(now)
		if m.over(now) {
			return
		}
		if more {
			m.poll()
			continue
		}
		m.wait(ctx)
	}
	m.result.Interrupted = ctx.Err() != nil
}

// poll takes what has come, without waiting.
func (m *master) poll() {
	for range len(m.inbox) {
		m.take(<-m.inbox)
	}
}

func (m *master) wait(ctx context.Context) {
	if d, ok := m.next(); ok {
		if m.cfg.pace > 0 {
			d = time.Duration(float64(d) / m.cfg.pace)
		}
		m.pacer.in(d)
	}
	select {
	case msg := <-m.inbox:
		m.take(msg)
		m.poll()
	case <-m.pacer.C:
	case <-m.feed.ready:
	case <-ctx.Done():
	}
}

// lookEvery is how often the owner looks around when nothing else is due.
const lookEvery = 100 * time.Millisecond

// next is how long nothing is due.
func (m *master) next() (time.Duration, bool) {
	now := m.now()
	at := now + int64(lookEvery)
	if t, ok := m.s.Next(); ok {
		at = min(at, t)
	}
	if t, ok := m.nextAct(now); ok {
		at = min(at, t)
	}
	for _, p := range m.byNumb {
		if t, ok := p.next(now); ok {
			at = min(at, t)
		}
	}
	return time.Duration(at - now), true
}

// settle looks at what the machines did, and lets out what they wrote, until
// there is nothing more of either.
func (m *master) settle() {
	for {
		for _, ev := range m.s.Events.Take() {
			m.happened(&ev)
		}
		if m.fault != nil {
			return
		}
		quiet := true
		for _, p := range slices.Clone(m.byNumb) {
			if m.drain(p) {
				quiet = false
			}
		}
		if quiet {
			return
		}
	}
}

// finish ends all that was begun.
func (m *master) finish() {
	m.refuse()
	now := m.now()
	for _, p := range slices.Clone(m.byNumb) {
		m.gone(p, ending{how: "shutdown", by: "master", note: "the replay was ended"})
	}
	close(m.done)
	m.tasks.Wait()
	for p := range m.leaving {
		m.closed(p)
	}
	m.pacer.close()
	for len(m.inbox) > 0 {
		if msg := <-m.inbox; msg.kind == msgAccepted {
			msg.socket.Close()
		}
	}
	m.result.finish(m, now)
	m.result.ended(&m.run, &m.clock, m.fault)
	m.notes.says(m.now(), "end", m.run)
	m.notes.close()
}
