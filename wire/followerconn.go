package wire

import "strconv"

// What a worker does on a connection by itself: how it begins, keeps it alive
// and ends it.

// Times in milliseconds, the same in every release.
const (
	keepAliveTick  = 5000  // how often it looks, and says PING if it was silent as long
	pingTimeout    = 25000 // how long the other side may be silent once it said PING
	closeAllowance = 25000 // how long a close may take
)

// ConnState is what a connection is to a [Follower].
type ConnState uint8

// The states.
const (
	ConnNone        ConnState = iota // not connected, or lost
	ConnEstablished                  // as far as the worker knows
	ConnClosed                       // it closed it, but it is not lost yet
)

// followConn is a connection of a worker.
type followConn struct {
	id       int
	closing  bool // nothing of it is read any more
	closed   bool // by the worker, at closedAt
	aborted  bool
	pinged   bool  // the other side has said PING
	closedAt int64 // ms
	sent     int64 // ms
	received int64 // ms
	tick     int64 // when to look next, ns

	// Up to 1.12.
	missing map[*followed]bool // asked for, not caught up yet
	batches map[*followed]*heldRows
}

func (f *Follower) conn(id int) *followConn {
	for _, c := range f.conns {
		if c.id == id {
			return c
		}
	}
	return nil
}

// Connected says that a connection was made: the worker introduces itself and
// asks for streams.
func (f *Follower) Connected(conn int, now int64) []Effect {
	f.begin()
	f.now = now
	ms := now / 1e6
	c := &followConn{id: conn, sent: ms, received: ms, tick: now + keepAliveTick*1e6}
	f.conns = append(f.conns, c)
	f.write(c, now, "NAME ", f.config.Name)
	f.ping(c, now)
	if f.has&ftSubscribes != 0 {
		f.subscribe(c, now)
		f.userSync(c, now)
	} else {
		f.userSync(c, now)
		f.write(c, now, "REPLICATE ")
	}
	return f.effects
}

func (f *Follower) subscribe(c *followConn, now int64) {
	c.missing, c.batches = map[*followed]bool{}, map[*followed]*heldRows{}
	for _, s := range f.asked {
		c.missing[s] = true
		f.write(c, now, "REPLICATE ", s.name, " ", strconv.FormatInt(s.store.current(""), 10))
	}
}

func (f *Follower) userSync(c *followConn, now int64) {
	words := []string{"USER_SYNC ", "", "", "", " start ", millis(now)}
	if !f.release.Writes(FormUserSync3) {
		words[1] = f.config.InstanceID + " "
	}
	if f.release.Writes(FormUserSync5) {
		words[3] = " None"
	}
	for _, user := range f.config.Syncing {
		words[2] = user
		f.write(c, now, words...)
	}
}

func (f *Follower) ping(c *followConn, now int64) { f.write(c, now, "PING ", millis(now)) }

func millis(now int64) string { return strconv.FormatInt(now/1e6, 10) }

// write sends a line, unless the connection is being closed.
func (f *Follower) write(c *followConn, now int64, words ...string) {
	if c.closing {
		return
	}
	begin := len(f.text)
	for _, w := range words {
		f.text = append(f.text, w...)
	}
	c.sent = now / 1e6
	f.add(Effect{Kind: EffectWrite, Conn: c.id, Line: f.text[begin:len(f.text):len(f.text)]})
}

// fail answers with an ERROR and closes.
func (f *Follower) fail(c *followConn, now int64, text string) {
	f.write(c, now, "ERROR ", text)
	c.closed, c.closedAt = true, now/1e6
	f.forget(c)
	f.close(c)
}

// close lets a connection end once all is sent.
func (f *Follower) close(c *followConn) {
	c.closing = true
	f.add(Effect{Kind: EffectClose, Conn: c.id})
}

// crash is an exception that takes the connection down.
func (f *Follower) crash(c *followConn, exception string) {
	f.add(Effect{Kind: EffectCrash, Conn: c.id, Text: exception})
	f.lose(c)
}

// forget makes the streams that stand on a connection wait for a new POSITION.
func (f *Follower) forget(c *followConn) {
	for _, s := range f.streams {
		if s.on == c {
			s.on = nil
		}
	}
}

// Lost says that a connection has ended, whoever ended it.
func (f *Follower) Lost(conn int) []Effect {
	f.begin()
	if c := f.conn(conn); c != nil {
		f.lose(c)
	}
	return f.effects
}

func (f *Follower) lose(c *followConn) {
	f.forget(c)
	for _, b := range c.batches {
		f.held -= b.bytes
	}
	c.closing, c.closed, c.missing, c.batches = true, true, nil, nil
	for i := range f.conns {
		if f.conns[i] == c {
			f.conns = append(f.conns[:i:i], f.conns[i+1:]...)
			return
		}
	}
}

// Tick does what is due by now: it keeps connections alive and gives up those
// whose other side is silent. It does no harm to call it too often or too late.
func (f *Follower) Tick(now int64) []Effect {
	f.begin()
	f.now = now
	for _, c := range f.conns {
		if now < c.tick {
			continue
		}
		const every = keepAliveTick * 1e6
		c.tick += (now - c.tick + every) / every * every
		f.keepAlive(c, now)
	}
	return f.effects
}

// NextTick is when Tick has something to do again; false without a connection.
func (f *Follower) NextTick() (at int64, ok bool) {
	for _, c := range f.conns {
		if !ok || c.tick < at {
			at, ok = c.tick, true
		}
	}
	return at, ok
}

func (f *Follower) keepAlive(c *followConn, now int64) {
	ms := now / 1e6
	if c.closed {
		if ms-c.closedAt > closeAllowance && !c.aborted {
			c.aborted = true
			f.add(Effect{Kind: EffectAbort, Conn: c.id})
		}
		return
	}
	if ms-c.sent >= keepAliveTick {
		f.ping(c, now)
	}
	if c.pinged && ms-c.received > pingTimeout && !c.closing {
		f.fail(c, now, "ping timeout")
	}
}

// State is what a connection is to the worker.
func (f *Follower) State(conn int) ConnState {
	switch c := f.conn(conn); {
	case c == nil:
		return ConnNone
	case c.closed:
		return ConnClosed
	}
	return ConnEstablished
}

// Connections lists those that are not lost, in the order they were made.
func (f *Follower) Connections() []int {
	var ids []int
	for _, c := range f.conns {
		ids = append(ids, c.id)
	}
	return ids
}
