package profile

import "repltap/wire"

// What a worker does, and whether it is the process that it was, the traffic
// shows only here and there, and sometimes later than one wants to know it. Names
// show nothing. What depends on it waits for the end of the journal.

// maxPending is how many POSITIONs wait for what is known of their worker.
const maxPending = 10_000

// role is what a worker is known to do.
type role struct {
	sender bool // it sends to other servers: it said FEDERATION_ACK
}

// life is what is known of the process of a connection, next to the one that the
// worker was before.
type life struct{ before, id string } // instance ids, "" where there was none

// same says that a worker is known to be the process that it was.
func (l *life) same() bool { return l.id != "" && l.id == l.before }

// anew says that it is known to be another one.
func (l *life) anew() bool { return l.id != "" && l.before != "" && l.id != l.before }

// pendingFetch is a POSITION on which a worker fetches rows, if it sends
// federation and if it is the process that it was; nil where that is no question.
type pendingFetch struct {
	count  *positionCount
	row    PositionOutlier
	who    int
	sender *role
	life   *life
}

// roles notes what workers show of themselves.
func (t *tracker) roles(e *entry) {
	if e.Dir != wire.C2S {
		return
	}
	switch e.Gist.Command {
	case wire.CmdFederationAck:
		t.roleOf(e.conn).sender = true
	case wire.CmdUserSync:
		if u, ok := syncOf(e); ok && u.instance != nil {
			t.is(e.conn, u.instance)
		}
	case wire.CmdClearUserSync, wire.CmdUserSyncKeepalive:
		t.is(e.conn, argument(e))
	}
}

// meet notes that a connection is a worker's.
func (t *tracker) meet(c *connection) {
	if c.again = t.met[c.key]; len(t.met) < maxStandings {
		t.met[c.key] = true
	}
}

// is notes that a process gave its id.
func (t *tracker) is(c *connection, id []byte) {
	l := t.lifeOf(c)
	if l.id == string(id) || len(id) > maxWriterName {
		return
	}
	l.id = string(id)
	if key := c.alone(); t.ids[key] != "" || len(t.ids) < maxStandings {
		t.ids[key] = l.id
	}
}

func (t *tracker) lifeOf(c *connection) *life {
	if c.life == nil {
		c.life = &life{before: t.ids[c.alone()]}
	}
	return c.life
}

func (t *tracker) roleOf(c *connection) *role {
	key := c.alone()
	r := t.known[key]
	if r == nil {
		r = &role{}
		if len(t.known) < maxStandings {
			t.known[key] = r
		}
	}
	return r
}
