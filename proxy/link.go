package proxy

import (
	"context"
	"errors"
	"net"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"repltap/wire"
)

const (
	// dialTimeout is a worker's own patience with a master that does not answer.
	dialTimeout = 30 * time.Second
	// stopGrace is how long a stop waits for peers to take what was read for them.
	stopGrace = 100 * time.Millisecond
)

// link is one worker's connection through the tap. Its goroutine dials, starts
// the two copiers, and decides alone what the end of one thing means for the
// others.
type link struct {
	tap            *Tap
	rec            *recording
	since          time.Time
	peer           string
	worker, master *side
	state          atomic.Int32
	copiers        [2]*copier // from stateOpen on
	refusals       []ending   // by an enforced connection's copiers

	endings chan ending    // of copiers
	alarms  chan *side     // from the sentinel
	copying map[*side]bool // the sides that a copier reads from
	cause   cause
	lost    [3]int64 // read but not delivered, by direction
	forget  []func() // what the sentinel watches
	paths   []path   // of its sockets, in the tap's list; guarded by the tap's mutex
}

// What a connection is doing, as status shows it.
const (
	stateDialing = iota
	stateOpen
	stateClosing
)

var stateNames = [...]string{"dialing", "open", "closing"}

func newLink(t *Tap, rec *recording, worker *side, peer string) *link {
	return &link{
		tap: t, rec: rec, since: time.Now(), peer: peer, worker: worker,
		endings: make(chan ending, 2), alarms: make(chan *side, 2), copying: map[*side]bool{},
	}
}

// run is the link's goroutine.
func (l *link) run(ctx context.Context) {
	defer l.finish(ctx)
	if !l.dial(ctx) {
		return
	}
	l.start(ctx)
	stop := ctx.Done()
	for len(l.copying) > 0 {
		select {
		case e := <-l.endings:
			l.ended(ctx, e)
		case s := <-l.alarms:
			l.failed(ctx, s, nil)
		case <-stop:
			stop = nil
			l.stop()
		}
	}
}

// dial connects to the upstream, unless the worker is gone before that.
func (l *link) dial(ctx context.Context) bool {
	dctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	l.watch(l.worker, giveUp)
	began, d := time.Now(), dialer()
	conn, err := d.DialContext(dctx, "tcp", l.tap.Upstream)
	if err == nil && l.pathSeen(pathTo(conn)) {
		conn.Close()
		err = errLeadsBack
	}
	if err == nil {
		l.tap.upstream.answered()
		l.master, err = newSide(byMaster, wire.S2C, conn.(*net.TCPConn))
	}
	switch {
	case err == nil:
		l.watch(l.master, func() {})
		return true
	case ctx.Err() != nil:
		l.note(cause{how: howShutdown, by: byTap})
	case len(l.alarms) > 0:
		l.blame(l.worker, nil)
	case errors.Is(err, syscall.ECONNRESET):
		// It accepted, and reset before the dial could look: it is up, in its way.
		l.tap.upstream.answered()
		l.note(cause{how: howReset, by: byMaster, err: err})
	default:
		l.note(cause{how: howRefused, by: byMaster, err: err})
		l.tap.upstream.failed(began, err)
	}
	return false
}

// watch has the sentinel raise an alarm, once at most, when a side fails.
func (l *link) watch(s *side, also func()) {
	l.forget = append(l.forget, l.tap.sentinel.watch(s.raw, func() {
		if s.alarmed.CompareAndSwap(false, true) {
			l.alarms <- s // never blocks: there is room for both sides
			also()
		}
	}))
}

// start sets the copiers to work.
func (l *link) start(ctx context.Context) {
	l.copying[l.worker], l.copying[l.master] = true, true
	var g *gate
	if l.tap.Enforcer != nil {
		g = &gate{e: l.tap.Enforcer()}
	}
	l.copiers = [2]*copier{l.copier(ctx, l.worker, l.master, g), l.copier(ctx, l.master, l.worker, g)}
	l.state.Store(stateOpen)
	for _, c := range l.copiers {
		go l.copy(ctx, c)
	}
}

func (l *link) copier(ctx context.Context, src, dst *side, gate *gate) *copier {
	m, flow := l.tap.Metrics, l.rec.flow(src.sends)
	return &copier{
		src: src, dst: dst, flow: flow, stop: ctx.Done(),
		stall: &stallWatch{flow: flow, src: src, dst: dst, live: m.stalls},
		moved: m.bytes[src.sends], lost: m.undelivered[src.sends], gate: gate,
	}
}

// copy is a copier's goroutine; its labels show in a goroutine profile.
func (l *link) copy(ctx context.Context, c *copier) {
	labels := pprof.Labels("conn", strconv.FormatUint(l.rec.id, 10), "direction", c.src.sends.String())
	run := c.run
	if c.gate != nil {
		run = c.runGated
	}
	pprof.Do(ctx, labels, func(context.Context) { l.endings <- run() })
}

// ended takes note of a copier's end.
func (l *link) ended(ctx context.Context, e ending) {
	src := e.copier.src
	delete(l.copying, src)
	l.lost[src.sends] = e.copier.undelivered
	switch how := e.cause.how; {
	case how == howEnforced:
		l.refused(e)
	case how == howFin && src.failed.Load():
		l.failed(ctx, src, nil) // the alarm overtook the copier's word that it was done
	case how == howFin:
		l.note(e.cause)
	case how != howClosed:
		l.failed(ctx, e.at, e.cause.err)
	case src.failed.Load():
		l.pass(src) // the reader would not take the sender's last bytes
	}
}

// failed is called when a socket turns out to be dead. The other side gets a
// reset, but first what was read before that: by the copier, if it is still at
// it, for as long as the reader takes it.
func (l *link) failed(ctx context.Context, s *side, err error) {
	dead := s.dead()
	s.failed.Store(true)
	l.blame(s, err)
	switch {
	case !l.copying[s]:
		l.state.Store(stateClosing)
		l.other(s).drained(grace, ctx.Done())
		l.pass(s)
	case dead:
		l.other(s).allow(grace) // in case the copier waits for it; the socket will not keep it waiting
	default:
		s.conn.SetReadDeadline(time.Now().Add(grace)) // a write failed, but a read might wait for ever
	}
}

// pass hands a reset on.
func (l *link) pass(s *side) {
	l.state.Store(stateClosing)
	l.other(s).abort()
	s.abort()
}

func (l *link) other(s *side) *side {
	if s == l.worker {
		return l.master
	}
	return l.worker
}

// blame notes who failed and how.
func (l *link) blame(s *side, err error) {
	if err == nil {
		err = s.fault()
	}
	c := cause{how: howReset, by: s.party, err: err}
	if err != nil {
		c.how = howOf(err)
	}
	l.note(c)
}

// note keeps the cause that counts: the first, except that an orderly end in
// one direction is not yet the end. Of two such, the copiers' clock says which
// was first; they may be heard of in either order.
func (l *link) note(c cause) {
	if l.cause.how == "" || l.cause.how == howFin && (c.how != howFin || c.t < l.cause.t) {
		l.cause = c
	}
}

// stop ends the copiers without waiting for more traffic. What they have in
// hand is written if the peer takes it.
func (l *link) stop() {
	l.state.Store(stateClosing)
	l.note(cause{how: howShutdown, by: byTap})
	for _, s := range []*side{l.worker, l.master} {
		s.conn.SetReadDeadline(time.Unix(1, 0))
		s.allow(stopGrace)
	}
}

// finish closes what is open and tells the recorder.
func (l *link) finish(ctx context.Context) {
	if l.master == nil {
		l.worker.abort()
	} else {
		switch l.cause.how {
		case howShutdown:
			l.farewell()
		case howEnforced:
			l.dismiss(ctx)
		}
		l.worker.conn.Close()
		l.master.conn.Close()
	}
	for _, forget := range l.forget {
		forget()
	}
	l.tap.gone(l)
	ev := l.cause.event()
	ev.S2CUndelivered, ev.C2SUndelivered = l.lost[wire.S2C], l.lost[wire.C2S]
	l.rec.close(ev)
}

// farewell ends both streams in an orderly way. Closing a socket with unread
// bytes resets it, which takes back what was sent but has not arrived.
func (l *link) farewell() {
	l.worker.finish()
	l.master.finish()
	l.worker.drained(stopGrace, nil)
	l.master.drained(stopGrace, nil)
}
