package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// probeRefused is the pace of probes while the upstream's machine answers
	// that nobody listens, probeSilent the pace of those that find nothing at
	// all, such as no name or no route.
	probeRefused = 150 * time.Millisecond
	probeSilent  = time.Second
	probeTimeout = 5 * time.Second
)

// upstream knows whether the master can be reached. While it can't, the tap
// looks as the master would: its listening socket is closed. A tap that
// accepted and dropped would make workers come back every 0.3 s for ever, since
// they start their back-off anew whenever a connection is made.
type upstream struct {
	addr    string
	log     *slog.Logger
	metrics *Metrics

	mu       sync.Mutex
	ln       net.Listener // to be closed when the upstream is down
	down     bool
	since    time.Time // of down or not down
	lastUp   time.Time // when it last answered
	err      error     // why it is down
	attempts int       // since it is
	wanting  complaint
}

// complaint is a line in the log that would come again with every connection: it
// is written once in a while, with how often it was not.
type complaint struct {
	mu     sync.Mutex
	last   time.Time
	unsaid int
}

const complainEvery = 10 * time.Second

func (c *complaint) warn(log *slog.Logger, text string, attrs ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.last) < complainEvery {
		c.unsaid++
		return
	}
	log.Warn(text, append(attrs, "not_logged_before_this", c.unsaid)...)
	c.last, c.unsaid = time.Now(), 0
}

// guard hands over the listener that goes with the upstream.
func (u *upstream) guard(ln net.Listener) {
	u.mu.Lock()
	u.ln = ln
	u.mu.Unlock()
}

// answered notes that a connection was made.
func (u *upstream) answered() {
	u.mu.Lock()
	u.lastUp = time.Now()
	u.mu.Unlock()
}

// failed notes that a dial which began at that time was in vain. A dial that
// was overtaken by a better one says nothing about now.
func (u *upstream) failed(began time.Time, err error) {
	u.metrics.dialFailures.Inc()
	if isLocal(err) {
		u.wanting.warn(u.log, "cannot dial the upstream for want of resources", "upstream", u.addr, "error", err)
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.down || began.Before(u.lastUp) {
		return
	}
	u.down, u.since, u.err, u.attempts = true, time.Now(), err, 1
	u.metrics.upstreamUp.Set(0)
	u.metrics.outages.Inc()
	u.ln.Close()
	u.log.Warn("upstream is down: refusing workers until it answers", "upstream", u.addr, "error", err)
}

// isDown says whether the listener was closed for that reason.
func (u *upstream) isDown() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.down
}

// await probes until the upstream answers or ctx ends. A probe connects and
// closes; what a worker will find is the worker's to see.
func (u *upstream) await(ctx context.Context) bool {
	d := dialer()
	d.Timeout = probeTimeout
	for pause := probeRefused; sleep(ctx, pause); {
		conn, err := d.DialContext(ctx, "tcp", u.addr)
		if err == nil {
			conn.Close()
		}
		if err == nil || errors.Is(err, syscall.ECONNRESET) {
			u.answered()
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		pause = u.stillDown(err)
	}
	return false
}

func (u *upstream) stillDown(err error) (pause time.Duration) {
	u.metrics.dialFailures.Inc()
	u.mu.Lock()
	u.attempts++
	u.err = err
	u.mu.Unlock()
	if errors.Is(err, syscall.ECONNREFUSED) {
		return probeRefused
	}
	return probeSilent
}

// back notes that the tap listens again.
func (u *upstream) back(ln net.Listener) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.log.Info("upstream is back: accepting workers again", "upstream", u.addr,
		"after", time.Since(u.since).Round(time.Millisecond), "attempts", u.attempts)
	u.ln, u.down, u.err, u.since = ln, false, nil, time.Now()
	u.metrics.upstreamUp.Set(1)
}

// isLocal says that it is this process that lacks something.
func isLocal(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// sleep waits; false means that ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
