package replay

import (
	"context"
	"fmt"
	"sync"
	"time"

	"repltap/journal"
)

// PlayerConfig is what is needed to play recorded workers.
type PlayerConfig struct {
	Plan    *Plan  // of PlanOptions.Worker
	Connect string // the master's address
	// Speed divides the recorded times; 0 is as fast as the master takes it.
	Speed    float64
	SkipIdle time.Duration // no pause is longer than this; 0: as recorded
	// Link says whether and when the workers read. It has no latency, and no buffer
	// but the kernel's.
	Link   Link
	Retell Retell
	Linger time.Duration // how long they stay after the last act
	// LagLimit is for the verdict: see journal.Run.
	LagLimit time.Duration
	// Journal gets what happens.
	Journal  *journal.Writer
	Progress func(Progress) // called five times a second or so; may be nil
}

// NoMasterError is a master that was not there when the first worker came.
type NoMasterError struct {
	Addr string
	Err  error
}

func (e *NoMasterError) Error() string {
	return fmt.Sprintf("no master can be reached at %s: %v", e.Addr, e.Err)
}

func (e *NoMasterError) Unwrap() error { return e.Err }

// player plays recorded workers, each of their connections with one of its own. One
// goroutine runs it; others dial, and move the bytes of sockets (see pump).
type player struct {
	cfg   PlayerConfig
	plan  *Plan
	clock *clock
	pacer *pacer
	notes *notes
	run   journal.Run
	tasks sync.WaitGroup // dials, and the feed
	done  chan struct{}

	reports chan report
	dials   chan dialledPart

	feed   feed
	times  schedule
	parts  []*part // those that are not gone, in the order of connecting
	byConn map[uint64]*part
	byPump map[*pump]*part
	lastID int
	events Events

	dues   []int64 // when what was just played was due
	recent int64   // the largest lag since progress was told
	place  uint64  // the last record that was played
	waits  int64   // since when the next act is held up, 0 when it is not
	shown  int64

	ending  bool  // the last act was played
	moved   int64 // when something was last sent
	lingers int64 // till when it stays, 0 before
	left    int64 // when it said goodbye, 0 before
	result  Result
	fault   error
}

// PlayWorkers plays what a plan's workers did to a master, until all of it was
// played or ctx ends. The result is there in either case.
func PlayWorkers(ctx context.Context, cfg PlayerConfig) (*Result, error) {
	return playWorkers(ctx, cfg, newClock())
}

func playWorkers(ctx context.Context, cfg PlayerConfig, clock *clock) (*Result, error) {
	p := &player{
		cfg: cfg, plan: cfg.Plan, clock: clock, done: make(chan struct{}),
		reports: make(chan report), dials: make(chan dialledPart),
		feed: newFeed(), times: schedule{speed: cfg.Speed, skip: int64(cfg.SkipIdle)},
		byConn: map[uint64]*part{}, byPump: map[*pump]*part{},
	}
	p.cfg.Retell.begin(p.plan)
	var err error
	if p.pacer, err = newPacer(); err != nil {
		return nil, err
	}
	p.notes = newNotes(cfg.Journal, p.plan.Release)
	p.run = p.plannedRun()
	p.notes.says(clock.now(), "begin", p.run)
	life, stop := context.WithCancel(ctx)
	p.tasks.Go(func() { p.feed.run(life, p.plan, p.done) })
	p.loop(ctx, life)
	stop()
	p.finish()
	return &p.result, p.fault
}

// loop is the owner's: it does what is due, and waits for what comes first.
func (p *player) loop(ctx, life context.Context) {
	for p.fault == nil && ctx.Err() == nil {
		now := p.clock.now()
		more := p.play(life, now)
		for _, c := range p.all() {
			c.due(life, now)
		}
		p.settle()
		p.late()
		p.sample(now)
		if p.over(now) {
			return
		}
		p.wait(ctx, more)
	}
	p.result.Interrupted = ctx.Err() != nil
}

// wait waits for one thing, or only looks for one if there is more to do.
func (p *player) wait(ctx context.Context, more bool) {
	over := make(chan struct{})
	if more {
		close(over)
	} else {
		p.pacer.in(p.next())
	}
	select {
	case r := <-p.reports:
		r.pump.took(&r)
		if c := p.byPump[r.pump]; c != nil {
			c.report(&r)
		}
	case d := <-p.dials:
		d.part.dialled(d)
	case <-p.pacer.C:
	case <-p.feed.ready:
	case <-ctx.Done():
	case <-over:
	}
}

// next is how long nothing is due.
func (p *player) next() time.Duration {
	now := p.clock.now()
	at := now + int64(lookEvery)
	if p.waits == 0 && p.times.begun && p.feed.at < len(p.feed.now) {
		at = min(at, p.times.due(p.feed.now[p.feed.at].At))
	} else if p.waits != 0 {
		at = min(at, now+int64(10*time.Millisecond))
	}
	for _, c := range p.parts {
		at = min(at, c.next(now))
	}
	return p.clock.until(at)
}

// all lists the connections, of which some may go meanwhile.
func (p *player) all() []*part { return append([]*part(nil), p.parts...) }

// settle looks at what the machines did, and lets out what they wrote.
func (p *player) settle() {
	p.happen()
	for _, c := range p.all() {
		c.drain()
	}
	p.happen()
	for _, c := range p.all() {
		c.ask(p.clock.now())
	}
}

// over reports whether all is done: everything played and taken, and everybody
// gone.
func (p *player) over(now int64) bool {
	switch {
	case !p.ending:
		return false
	case p.lingers == 0:
		for _, c := range p.parts {
			if c.owed != 0 || c.busy() && now-p.moved < drainPatience {
				return false
			}
		}
		p.lingers = now + int64(p.cfg.Linger)
		return len(p.parts) == 0
	case now < p.lingers && len(p.parts) > 0:
		return false
	case p.left == 0:
		p.left = now
		for _, c := range p.all() {
			c.leave(endOfReplay)
		}
	}
	return len(p.parts) == 0 || now-p.left > 2*farewellPatience
}

// finish ends all that was begun.
func (p *player) finish() {
	now := p.clock.now()
	for _, c := range p.all() {
		c.hangUp(ending{how: "shutdown", by: "worker", note: "the replay was ended"})
	}
	close(p.done)
	go func() {
		p.tasks.Wait()
		close(p.dials)
	}()
	for d := range p.dials {
		if d.conn != nil {
			d.conn.Close()
		}
	}
	p.pacer.close()
	r := &p.result
	if n := p.unsaid(); n > 0 {
		r.note(fmt.Sprintf("%d commands were not sent, as their connection was not there", n))
	}
	r.Complete = p.ending && (p.lingers != 0 || !r.Interrupted)
	if p.times.begun {
		r.Took = time.Duration(now - p.times.real)
	}
	r.sort()
	r.ended(&p.run, &p.times, p.fault)
	p.notes.says(p.clock.now(), "end", p.run)
	p.notes.close()
}

// unsaid counts the lines whose connection was not there any more.
func (p *player) unsaid() (n int64) {
	for _, r := range p.plan.Conns {
		c := p.byConn[r.Conn]
		if c == nil || c.unsaid == 0 {
			continue
		}
		n += c.unsaid
		if c.ready != 0 {
			p.run.LeftOut = leave(p.run.LeftOut, journal.LeftEnded, c.stats.endedText(), r.Conn)
		}
	}
	return n
}

// endedText says how a connection ended.
func (c *Connection) endedText() string {
	out := c.How + " by the " + c.By
	if c.Note != "" {
		out += ", " + c.Note
	}
	return out
}
