package proxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// Tap forwards workers' connections to a master and has them recorded.
type Tap struct {
	Network  string         // to listen on: "tcp4", "tcp6" or, when empty, "tcp", of which :PORT means both
	Listen   string         // address to listen on; port 0 takes any that is free
	Upstream string         // the master's address
	Recorder *Recorder      // gets everything; it must be closed after Serve has returned
	Metrics  *Metrics       // nil counts for nobody
	Log      *slog.Logger   // nil is silent
	Ready    func(net.Addr) // told once where the tap listens; may be nil

	// Enforcer makes the judge of a connection's lines, and has those held back
	// that their receiver would refuse; see the package comment. Nil lets
	// everything pass.
	Enforcer func() *wire.Enforcer

	upstream *upstream
	sentinel *sentinel
	group    sync.WaitGroup // links, their copiers with them

	mu    sync.Mutex
	addr  string
	links map[*link]struct{}
	paths map[path]int // TCP connections that it has accepted or made; see pathSeen
	total uint64
}

// Serve is the whole life of the tap: it listens, forwards until ctx ends or
// listening fails, closes every connection, and returns when every goroutine
// that it started has ended. The error is nil when ctx ended. A Tap serves once.
func (t *Tap) Serve(ctx context.Context) error {
	if err := t.prepare(); err != nil {
		return err
	}
	ln, err := t.listen(ctx, t.Listen)
	if err != nil {
		return err
	}
	if t.sentinel, err = newSentinel(); err != nil {
		ln.Close()
		return err
	}
	watching := make(chan struct{})
	go func() { defer close(watching); t.sentinel.run() }()
	ctx, cancel := context.WithCancel(ctx)
	if t.Ready != nil {
		t.Ready(ln.Addr())
	}
	err = t.serve(ctx, ln)
	cancel()
	t.group.Wait()
	t.sentinel.close()
	<-watching
	return err
}

func (t *Tap) prepare() error {
	if t.Recorder == nil {
		return errors.New("a tap needs a recorder")
	}
	if t.Metrics == nil {
		t.Metrics = NewMetrics(nil)
	}
	if t.Log == nil {
		t.Log = slog.New(slog.DiscardHandler)
	}
	t.Metrics.watchHeld(t)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.links, t.paths = map[*link]struct{}{}, map[path]int{}
	t.upstream = &upstream{addr: t.Upstream, log: t.Log, metrics: t.Metrics, since: time.Now()}
	t.Metrics.upstreamUp.Set(1) // until a worker's dial finds otherwise
	return nil
}

func (t *Tap) listen(ctx context.Context, addr string) (net.Listener, error) {
	lc := listenConfig()
	return lc.Listen(ctx, cmp.Or(t.Network, "tcp"), addr)
}

// serve accepts while the upstream is up and probes it while it is down.
func (t *Tap) serve(ctx context.Context, ln net.Listener) error {
	addr := ln.Addr().String()
	t.mu.Lock()
	t.addr = addr
	t.mu.Unlock()
	t.upstream.guard(ln)
	for {
		err := t.accept(ctx, ln)
		switch {
		case ctx.Err() != nil:
			return nil
		case !t.upstream.isDown():
			return fmt.Errorf("accepting on %s: %w", addr, err)
		}
		if !t.upstream.await(ctx) {
			return nil
		}
		if ln = t.listenAgain(ctx, addr); ln == nil {
			return nil
		}
		t.upstream.back(ln)
	}
}

// listenAgain tries until the port is free: another program may have got it
// for a moment.
func (t *Tap) listenAgain(ctx context.Context, addr string) net.Listener {
	for warned := false; ; warned = true {
		ln, err := t.listen(ctx, addr)
		if err == nil {
			return ln
		}
		if !warned && ctx.Err() == nil {
			t.Log.Warn("cannot listen again yet", "listen", addr, "error", err)
		}
		if !sleep(ctx, probeRefused) {
			return nil
		}
	}
}

// accept returns when the listener is closed: because ctx ended, or by the
// upstream's guard.
func (t *Tap) accept(ctx context.Context, ln net.Listener) error {
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	defer ln.Close()
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			t.admit(ctx, conn.(*net.TCPConn))
		case isLocal(err):
			t.upstream.wanting.warn(t.Log, "cannot accept for want of resources", "listen", ln.Addr(), "error", err)
			if !sleep(ctx, time.Second) {
				return err
			}
		default:
			return err
		}
	}
}

// admit starts a connection's goroutine; the numbers are given here, in the
// order of accepting. Dialling is the connection's own affair.
func (t *Tap) admit(ctx context.Context, conn *net.TCPConn) {
	worker, err := newSide(byWorker, wire.C2S, conn)
	if err != nil {
		conn.Close()
		return
	}
	peer := conn.RemoteAddr().String()
	rec := t.Recorder.open(journal.Event{Peer: peer, Upstream: t.Upstream})
	l := newLink(t, rec, worker, peer)
	t.Metrics.connections.Inc()
	t.Metrics.current.Inc()
	t.mu.Lock()
	t.links[l] = struct{}{}
	t.total++
	t.mu.Unlock()
	if l.pathSeen(pathFrom(conn)) {
		t.upstream.failed(time.Now(), errLeadsBack)
	}
	t.group.Go(func() { l.run(ctx) })
}

// open gives the connections that have both ends.
func (t *Tap) open() (all []*link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := range t.links {
		if l.state.Load() != stateDialing {
			all = append(all, l)
		}
	}
	return all
}

// gone takes a connection off the list.
func (t *Tap) gone(l *link) {
	t.mu.Lock()
	delete(t.links, l)
	for _, p := range l.paths {
		if t.paths[p]--; t.paths[p] == 0 {
			delete(t.paths, p)
		}
	}
	t.mu.Unlock()
	t.Metrics.current.Dec()
	t.Metrics.closed(l.cause)
}
