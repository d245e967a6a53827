package replay

import (
	"bytes"
	"net"
	"syscall"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// connectTimeout is how long a connection may take to be made.
const connectTimeout = 30 * time.Second

// workerConn is a connection of a worker.
type workerConn struct {
	w      *worker
	pump   *pump
	id     int    // to the follower
	number uint64 // in the journal
	began  int64
	split  wire.Splitter

	out      []byte // to be written
	inflight []byte // what the pump is at
	closing  bool   // by the follower: once all is written
	aborted  bool
	crashed  string // the exception that took it down

	readAt      int64 // when it may be read again
	stalledAt   int64
	last        []byte // of the last line that was no ERROR
	got, said   string // the last ERROR either way
	lines, rows int64
	s2c, c2s    int64
}

// dialled is what came of a dial.
type dialled struct {
	conn *net.TCPConn
	err  error
}

func (w *worker) dial() {
	w.dialing = true
	d := net.Dialer{Timeout: connectTimeout, KeepAlive: -1}
	if size := w.config.ReceiveBuffer; size > 0 {
		d.Control = func(_, _ string, raw syscall.RawConn) (err error) {
			cerr := raw.Control(func(fd uintptr) {
				err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, size)
			})
			if cerr != nil {
				return cerr
			}
			return err
		}
	}
	life, addr := w.life, w.config.Connect
	w.group.Go(func() {
		conn, err := d.DialContext(life, "tcp", addr)
		r := dialled{err: err}
		if err == nil {
			r.conn = conn.(*net.TCPConn)
		}
		w.dials <- r // run, or await, takes it
	})
}

func (w *worker) dialled(d dialled) {
	w.dialing = false
	if d.err == nil {
		d.err = w.connected(d.conn)
	}
	if d.err == nil {
		return
	}
	w.total.Refused++
	w.refusal = d.err
	wait := w.backoff.Next()
	w.teller.say("refused", "no connection", "master", w.config.Connect, "error", d.err, "again_in", wait.Round(time.Millisecond))
	w.again(wait)
}

// again has it connect after a while, if it is to.
func (w *worker) again(wait time.Duration) {
	w.dialAt = w.clock.now() + int64(wait)
	w.over = w.over || w.config.Once
}

func (w *worker) connected(socket *net.TCPConn) error {
	p, err := newPump(socket, w.clock, w.reports)
	if err != nil {
		socket.Close()
		return err
	}
	now := w.clock.now()
	w.lastID++
	c := &workerConn{w: w, pump: p, id: w.lastID, number: uint64(w.lastID), began: now, last: make([]byte, 0, lastKept)}
	w.conn, w.detector = c, wire.Detector{}
	w.total.Connections++
	if w.first == 0 {
		w.first, w.ailsNext = now, now
	}
	if s := w.config.Scribe; s != nil {
		c.number = w.config.NextConn()
		s.Open(now, c.number, journal.Event{Peer: socket.LocalAddr().String(), Upstream: socket.RemoteAddr().String()})
	}
	if w.stalled {
		c.stalls(now, true)
	}
	w.teller.say("connected", "connected", "master", w.config.Connect, "connection", c.number, "release", w.follower.Release())
	w.backoff.Connected()
	w.do(w.follower.Connected(c.id, now))
	return nil
}

// ask has written what there is to write, and read what may be read.
func (w *worker) ask(now int64) {
	c := w.conn
	if c == nil || w.frozen {
		return
	}
	if !c.pump.writing {
		if len(c.inflight) == 0 {
			c.inflight, c.out = c.out, c.inflight[:0]
		}
		switch {
		case len(c.inflight) > 0:
			c.pump.askWrite(c.inflight)
		case c.closing:
			w.hangUp("fin", "worker", "")
			return
		}
	}
	if !c.closing && !w.stalled && now >= c.readAt && w.mayRead() {
		c.pump.askRead(w.mostRead())
	}
}

// mostRead is how much is read at once: at a rate, what may come in a twentieth
// of a second, so that it is a trickle and not a gulp now and then.
func (w *worker) mostRead() int {
	if w.config.ReadRate > 0 {
		return min(max(w.config.ReadRate/20, 64), readChunk)
	}
	return readChunk
}

func (w *worker) wrote(r *report) {
	w.conn.sent(r.t, r.n)
	if r.err != nil {
		w.lost(r.err)
	}
}

// sent notes what the kernel has taken.
func (c *workerConn) sent(t int64, n int) {
	if s := c.w.config.Scribe; s != nil && n > 0 {
		s.Chunk(t, c.number, wire.C2S, c.c2s, c.inflight[:n])
	}
	c.c2s += int64(n)
	c.inflight = c.inflight[:copy(c.inflight, c.inflight[n:])]
}

func (w *worker) received(r *report) {
	c := w.conn
	if len(r.data) > 0 {
		w.take(r.t, r.data)
	}
	if w.conn == c && r.err != nil && !c.closing {
		w.lost(r.err)
	}
}

// mayRead: while too much waits for a fetch nothing is read. When no fetch is
// under way it can only wait for more to come, so that is the end.
func (w *worker) mayRead() bool {
	held := w.follower.HeldBytes()
	if held <= w.config.MaxHeld {
		return true
	}
	if len(w.follower.Fetching()) == 0 {
		w.err, w.over = &HeldError{held}, true
	}
	return false
}

// take goes through what was read.
func (w *worker) take(t int64, data []byte) {
	c := w.conn
	if rate := w.config.ReadRate; rate > 0 {
		c.readAt = max(c.readAt, t) + int64(len(data))*int64(time.Second)/int64(rate)
	}
	if s := w.config.Scribe; s != nil {
		s.Chunk(t, c.number, wire.S2C, c.s2c, data)
	}
	c.s2c += int64(len(data))
	w.total.Bytes += int64(len(data))
	for piece := range c.split.Split(data) {
		if c.closing { // the rest of the read is not looked at
			return
		}
		if piece.Kind == wire.PieceLine && w.look(c, piece.Text) {
			return
		}
		w.do(w.follower.Receive(c.id, t, piece))
		if w.fate() {
			return
		}
	}
}

// lastKept is how much of the last line is kept: what is in front of the row.
const lastKept = 512

// look notes what a line is, for the report. It is true when the worker goes
// on as another release instead of taking it in.
func (w *worker) look(c *workerConn, line []byte) (gone bool) {
	c.lines++
	w.total.Lines++
	g := wire.GistOf(line)
	switch g.Command {
	case wire.CmdRdata:
		c.rows++
	case wire.CmdError:
		w.errorsGot++
		c.got = errorText(line)
		w.teller.say("error", "the master says ERROR", "connection", c.number, "text", c.got)
	}
	if g.Command != wire.CmdError {
		c.last = append(c.last[:0], line[:min(len(line), lastKept)]...)
	}
	return w.config.Adapt && w.adapt(line, &g)
}

// errorText is what an ERROR line says, shortened.
func errorText(line []byte) string {
	_, text, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	if len(text) > 300 {
		return string(text[:300]) + "…"
	}
	return string(text)
}

// stalls notes that the worker stops reading, or reads again.
func (c *workerConn) stalls(now int64, begin bool) {
	kind, ev := journal.KindResume, journal.Event{By: "worker", From: c.stalledAt, To: now}
	if begin {
		c.pump.stopReading()
		c.stalledAt = now
		kind, ev = journal.KindStall, journal.Event{By: "worker", From: now}
	}
	c.w.teller.say(kind.String(), map[bool]string{true: "the worker stops reading", false: "the worker reads again"}[begin], "connection", c.number)
	if s := c.w.config.Scribe; s != nil {
		s.Event(now, c.number, wire.S2C, kind, ev)
	}
}
