package profile

import (
	"time"

	"repltap/journal"
	"repltap/wire"
)

// Presence sessions: which users sync at which process, as the writer of presence
// has to believe it by what it is told. From 1.13 on a process has an id of its
// own and its sessions outlive a connection; CLEAR_USER_SYNC ends all of them. Up
// to 1.12 they are those of the connection and end with it. All releases forget a
// process from which nothing came for five minutes: its users go offline.

// writerPatience is how long the writer of presence waits for a process.
const writerPatience = int64(5 * time.Minute)

const (
	maxProcesses     = 1000   // that are followed at a time
	maxSessions      = 50_000 // open ones, of all processes together
	maxSessionKey    = 600    // bytes of user and device
	maxSessionRows   = 1000
	maxSessionEvents = 1000
	maxOldSessions   = 50
)

// sessions follows what processes say of who syncs.
type sessions struct {
	naming    *naming
	processes map[string]*process
	workers   map[string]*process // the last one of each worker
	done      []SessionRow        // of those that are over
	beyond    *SessionRow
	events    []SessionEventRow
	count     SessionTotals
	last      int64 // time of what was read last
	key       []byte
	recent    *process
	room      int64 // for open sessions
}

// process is what is known of one.
type process struct {
	row    SessionRow
	id     string // instance id; "" up to 1.12
	open   map[string]session
	heard  Place // its last word
	worker string
	gone   bool // it was told to be: CLEAR_USER_SYNC, or another one came in its place
}

// session is one that is open, under user and device.
type session struct{ began Place }

func newSessions(naming *naming) *sessions {
	return &sessions{naming: naming, processes: map[string]*process{}, workers: map[string]*process{}, room: maxSessions}
}

func (s *sessions) take(e *entry) {
	s.last = max(s.last, e.Time)
	if e.conn == nil {
		return
	}
	if e.Kind == journal.KindClose {
		s.closed(e)
		return
	}
	if !e.line() || e.Dir != wire.C2S {
		return
	}
	switch e.Gist.Command {
	case wire.CmdUserSync:
		if u, ok := syncOf(e); ok {
			s.sync(e, &u)
		}
	case wire.CmdClearUserSync:
		if p := s.process(e, argument(e)); p != nil {
			s.clear(e, p)
		}
	case wire.CmdUserSyncKeepalive:
		if p := s.process(e, argument(e)); p != nil {
			p.row.Keepalives++
		}
	}
}

// process finds who speaks, and notes that it did.
func (s *sessions) process(e *entry, id []byte) *process {
	p := s.recent
	if p == nil || p.id != string(id) || id == nil && p.heard.Conn != e.Conn {
		if p = s.find(e, id); p == nil {
			s.count.Unfollowed++
			return nil
		}
		s.recent = p
	}
	s.silence(p, e.Time)
	p.heard = e.place()
	p.row.Conn = e.Conn
	if w := e.conn.worker; w != p.worker {
		p.worker, p.row.Worker = w, w
	}
	return p
}

func (s *sessions) find(e *entry, id []byte) *process {
	key := string(id)
	if id == nil {
		key = connKey(e.Conn)
	}
	p := s.processes[key]
	if p != nil {
		return p
	}
	if len(s.processes) >= maxProcesses || len(key) > maxSessionKey {
		return nil
	}
	p = &process{id: string(id), open: map[string]session{}, heard: e.place(), worker: e.conn.worker}
	p.row = SessionRow{Instance: p.id, Worker: p.worker, First: At(e.at), Longest: None}
	s.processes[key] = p
	if id != nil && p.worker != "" {
		s.replaced(e, p)
		s.workers[e.conn.key] = p
	}
	return p
}

// connKey is what the process of a connection goes by up to 1.12. No id on the
// wire has a space in it.
func connKey(conn uint64) string { return "conn " + Count(conn).Digits() }

// replaced notes that a worker has another process than before which did not say
// good-bye: the writer believes in its sessions for five minutes more.
func (s *sessions) replaced(e *entry, p *process) {
	old := s.workers[e.conn.key]
	if old == nil || old.gone {
		return
	}
	old.gone = true
	if len(old.open) > 0 {
		old.row.Replaced++
		s.count.Replaced++
		s.event(SessionEventRow{
			Place: e.place(), Worker: p.worker, Instance: old.id, What: "replaced",
			Open: int64(len(old.open)), For: None, By: p.id,
		})
	}
}

// silence notes when a process with open sessions said nothing for too long.
func (s *sessions) silence(p *process, now int64) {
	quiet := now - int64(p.heard.Time)
	if quiet <= writerPatience || len(p.open) == 0 {
		return
	}
	p.row.Silent++
	s.count.Silent++
	s.event(SessionEventRow{
		Place: p.heard, Worker: p.worker, Instance: p.id, What: "silent", Open: int64(len(p.open)), For: Seconds(quiet),
	})
}

func (s *sessions) event(r SessionEventRow) {
	if len(s.events) < maxSessionEvents {
		s.events = append(s.events, r)
	}
	s.count.Events++
}

// sync is a session that begins or ends.
func (s *sessions) sync(e *entry, u *userSync) {
	p := s.process(e, u.instance)
	if p == nil {
		return
	}
	if u.device != nil {
		p.row.WithDevice++
	}
	s.key = append(append(append(s.key[:0], u.user...), ' '), u.device...)
	was, open := p.open[string(s.key)]
	switch {
	case u.start && open:
		p.row.Again++
	case u.start:
		p.row.Started, p.gone = p.row.Started+1, false
		if s.count.Open >= s.room || len(s.key) > maxSessionKey {
			s.count.Unfollowed++
			return
		}
		p.open[string(s.key)] = session{p.heard}
		p.row.AtMost = max(p.row.AtMost, int64(len(p.open)))
		s.count.Open++
		s.count.AtMost = max(s.count.AtMost, s.count.Open)
	case open:
		p.row.Ended++
		p.row.Longest = max(p.row.Longest, Seconds(e.Time-int64(was.began.Time)))
		delete(p.open, string(s.key))
		s.count.Open--
	default:
		p.row.NoStart++
		if !e.conn.whole {
			s.count.Before++
		}
	}
}

// clear is a process that says good-bye.
func (s *sessions) clear(e *entry, p *process) {
	p.row.Cleared += int64(len(p.open))
	s.endAll(p, e.Time)
	p.gone = true
}

// endAll ends all sessions of a process.
func (s *sessions) endAll(p *process, now int64) {
	for _, o := range p.open {
		p.row.Longest = max(p.row.Longest, Seconds(now-int64(o.began.Time)))
	}
	s.count.Open -= int64(len(p.open))
	p.open = map[string]session{}
}

// closed is the end of a connection, and up to 1.12 of the sessions on it.
func (s *sessions) closed(e *entry) {
	key := connKey(e.Conn)
	p := s.processes[key]
	if p == nil {
		return
	}
	s.silence(p, e.Time)
	p.row.Dropped += int64(len(p.open))
	s.endAll(p, e.Time)
	delete(s.processes, key)
	s.recent = nil
	s.over(p.row)
}

// over keeps the row of a process, as long as there is room.
func (s *sessions) over(r SessionRow) {
	s.count.add(&r)
	if len(s.done) < maxSessionRows {
		s.done = append(s.done, r)
		return
	}
	if s.beyond == nil {
		s.beyond = &SessionRow{Instance: other, Worker: other, First: r.First, Longest: None}
	}
	s.beyond.add(&r)
}
