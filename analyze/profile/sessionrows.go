package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// SessionRow is the presence sessions of one process: of an instance id, or up to
// 1.12 of a connection.
type SessionRow struct {
	Worker     string  `json:"worker" col:"worker"`
	Instance   string  `json:"instance" col:"instance"` // "" up to 1.12
	Conn       uint64  `json:"conn" col:"conn"`         // where it spoke last
	First      At      `json:"first_s" col:"since s"`
	Started    int64   `json:"started" col:"started"`
	Again      int64   `json:"started_again" col:"again"` // start of what was open: said anew when a worker reconnects
	Ended      int64   `json:"ended" col:"ended"`
	Cleared    int64   `json:"cleared" col:"by CLEAR"`             // ended by CLEAR_USER_SYNC
	Dropped    int64   `json:"dropped" col:"by close"`             // ended by the connection's end, up to 1.12
	NeverEnded int64   `json:"never_ended" col:"never"`            // open at the end of what was read
	NoStart    int64   `json:"ended_without_start" col:"no start"` // end of what was not open
	AtMost     int64   `json:"at_once_max" col:"at once max"`
	Longest    Seconds `json:"longest_s" col:"longest s"`
	WithDevice int64   `json:"with_device" col:"with device"` // lines that name a device
	Keepalives int64   `json:"keepalives" col:"keepalives"`
	Silent     int64   `json:"silences" col:"silent > 5 min"` // with sessions open
	Replaced   int64   `json:"replaced" col:"replaced"`       // by another process of the same worker, with sessions open
}

// add sums two processes up.
func (r *SessionRow) add(o *SessionRow) {
	r.Started, r.Again, r.Ended = r.Started+o.Started, r.Again+o.Again, r.Ended+o.Ended
	r.Cleared, r.Dropped, r.NeverEnded, r.NoStart = r.Cleared+o.Cleared, r.Dropped+o.Dropped, r.NeverEnded+o.NeverEnded, r.NoStart+o.NoStart
	r.AtMost, r.Longest = max(r.AtMost, o.AtMost), max(r.Longest, o.Longest)
	r.WithDevice, r.Keepalives = r.WithDevice+o.WithDevice, r.Keepalives+o.Keepalives
	r.Silent, r.Replaced = r.Silent+o.Silent, r.Replaced+o.Replaced
}

// SessionTotals is all presence sessions together.
type SessionTotals struct {
	Started    int64   `json:"started"`
	Again      int64   `json:"started_again"`
	Ended      int64   `json:"ended"`
	Cleared    int64   `json:"cleared"`
	Dropped    int64   `json:"dropped"`
	NeverEnded int64   `json:"never_ended"`
	NoStart    int64   `json:"ended_without_start"`
	Before     int64   `json:"ended_without_start_begun_before"` // of these, on connections whose beginning was not read
	AtMost     int64   `json:"at_once_max"`                      // of all processes together
	Longest    Seconds `json:"longest_s"`
	Silent     int64   `json:"silences"`
	Replaced   int64   `json:"replaced"`
	Unfollowed int64   `json:"unfollowed"` // lines of more processes or sessions than are followed
	Events     int64   `json:"events"`     // silent and replaced: not all may be listed
	Open       int64   `json:"-"`
}

func (t *SessionTotals) add(r *SessionRow) {
	t.Started, t.Again, t.Ended = t.Started+r.Started, t.Again+r.Again, t.Ended+r.Ended
	t.Cleared, t.Dropped, t.NeverEnded, t.NoStart = t.Cleared+r.Cleared, t.Dropped+r.Dropped, t.NeverEnded+r.NeverEnded, t.NoStart+r.NoStart
	if r.Longest != None {
		t.Longest = max(t.Longest, r.Longest)
	}
}

// SessionEventRow is when the writer of presence came to believe what was not so.
type SessionEventRow struct {
	Place
	Worker   string  `json:"worker" col:"worker"`
	Instance string  `json:"instance" col:"instance"`
	What     string  `json:"what" col:"what"` // "silent": its users go offline; "replaced": its users stay online
	Open     int64   `json:"open" col:"open sessions"`
	For      Seconds `json:"for_s" col:"for s"`    // silent: until it spoke again, or what was read ends
	By       string  `json:"by" col:"by instance"` // replaced
}

// OpenSessionRow is a session that never ended.
type OpenSessionRow struct {
	Place            // of its start
	Worker   string  `json:"worker" col:"worker"`
	Instance string  `json:"instance" col:"instance"`
	User     string  `json:"user" col:"user"`
	Device   string  `json:"device" col:"device"`
	For      Seconds `json:"for_s" col:"for s"` // until what was read ends
}

func (s *sessions) finish(p *Profile) {
	var old []OpenSessionRow
	for _, key := range sortedKeys(s.processes) {
		x := s.processes[key]
		s.silence(x, s.last)
		x.row.NeverEnded = int64(len(x.open))
		for key, o := range x.open {
			user, device, _ := strings.Cut(key, " ")
			age := Seconds(s.last - int64(o.began.Time))
			x.row.Longest = max(x.row.Longest, age)
			old = append(old, OpenSessionRow{Place: o.began, Worker: x.worker, Instance: x.id, User: user, Device: device, For: age})
		}
		s.over(x.row)
	}
	slices.SortFunc(s.done, func(x, y SessionRow) int {
		return cmp.Or(cmp.Compare(x.Worker, y.Worker), cmp.Compare(x.First, y.First), cmp.Compare(x.Conn, y.Conn), cmp.Compare(x.Instance, y.Instance))
	})
	p.Sessions = append([]SessionRow{}, s.done...)
	if s.beyond != nil {
		p.Sessions = append(p.Sessions, *s.beyond)
	}
	slices.SortFunc(old, func(x, y OpenSessionRow) int { return cmp.Compare(x.Seq, y.Seq) })
	p.OpenSessions = append([]OpenSessionRow{}, old[:min(len(old), maxOldSessions)]...)
	for i := range p.OpenSessions {
		r := &p.OpenSessions[i]
		r.User = s.naming.of(aspectUser, r.User)
		if r.Device != "" {
			r.Device = s.naming.of(aspectDevice, r.Device)
		}
	}
	slices.SortStableFunc(s.events, func(x, y SessionEventRow) int { return cmp.Compare(x.Seq, y.Seq) })
	p.SessionEvents = append([]SessionEventRow{}, s.events...)
	p.SessionTotals = s.count
	s.notes(p)
}

func (s *sessions) notes(p *Profile) {
	note := func(format string, args ...any) { p.Notes = append(p.Notes, fmt.Sprintf(format, args...)) }
	c := &s.count
	if c.Before > 0 {
		note("%d presence sessions ended on connections whose beginning was not read: they may have begun before.", c.Before)
	}
	if more := c.NeverEnded - int64(len(p.OpenSessions)); more > 0 {
		note("Of %d presence sessions that never ended the oldest %d are listed.", c.NeverEnded, len(p.OpenSessions))
	}
	if more := c.Events - int64(len(p.SessionEvents)); more > 0 {
		note("Of %d times that the writer of presence was left with sessions that were not so the first %d are listed.", c.Events, len(p.SessionEvents))
	}
	if c.Unfollowed > 0 {
		note("%d lines about presence sessions were left out: there were more than %d processes or %d sessions at a time.", c.Unfollowed, maxProcesses, maxSessions)
	}
}
