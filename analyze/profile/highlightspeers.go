package profile

import "repltap/journal"

// pressure is readers that stopped, and senders that gave up on them.
func (h *highlighter) pressure() {
	if n := len(h.p.Overflows); n > 0 {
		o := &h.p.Overflows[0]
		h.problem("overflows", o.Place, "A sender gave up on a reader that failed to keep up, %s; first on %s, whose last commands were %s.",
			times(int64(n)), connOf(o.Conn, o.Worker), o.FilledBy)
	}
	if s := greatest(h.p.Stalls, func(s *StallRow) int64 { return int64(s.Length) }); s != nil {
		who := "the worker"
		if s.Direction == "c2s" {
			who = "the master"
		}
		filled := ""
		if s.FilledBy != "" {
			filled = ", filled by " + s.FilledBy
		}
		h.problem("stalls", s.Place, "%s; the longest on %s: %s read nothing for %s s, %s waited%s.",
			many(int64(len(h.p.Stalls)), "stall"), connOf(s.Conn, s.Worker), who, s.Length.Digits(), many(s.Held, "byte"), filled)
	}
}

// endings is connections that ended badly, and workers that came back too often.
func (h *highlighter) endings() {
	h.cut()
	var n int64
	var first *EndingRow
	for i := range h.p.Endings {
		if e := &h.p.Endings[i]; e.MasterError != "" || e.WorkerError != "" {
			if n++; first == nil {
				first = e
			}
		}
	}
	if first != nil {
		who, what := "master", first.MasterError
		if what == "" {
			who, what = "worker", first.WorkerError
		}
		h.problem("endings", h.ending(first), "%s with an ERROR; the first, %s, with “%s” by the %s.", many(n, "connection"), connOf(first.Conn, first.Worker), brief(what), who)
	}
	if r := greatest(h.p.Reconnects, func(r *ReconnectRow) int64 { return r.InMinute }); r != nil && r.InMinute >= restless {
		stay := "how long it stayed is not known: a recording was cut each time"
		if life := r.LifeMean.Digits(); life != "" {
			stay = "it stayed " + life + " s on average"
		}
		if away := r.AwayP50.Digits(); away != "" {
			stay += ", and was away for " + away + " s"
		}
		h.problem("reconnects", r.Place, "Worker %s connected %s within a minute, %s in all; %s.",
			or(r.Worker, "(no name)"), times(r.InMinute), times(r.Connections), stay)
	}
}

// cut is the connections whose end is that of a recording that was killed.
func (h *highlighter) cut() {
	var n int64
	var first *EndingRow
	for i := range h.p.Endings {
		if e := &h.p.Endings[i]; e.How == journal.HowCut {
			if n++; first == nil {
				first = e
			}
		}
	}
	if first != nil {
		h.note("endings", h.ending(first), "The recording was cut (killed, or power was lost) with %s open: they end there.", many(n, "connection"))
	}
}

// restless is how many connections within a minute are too many for a worker
// that is restarted now and then.
const restless = 4

// ending is where a connection ended.
func (h *highlighter) ending(e *EndingRow) Place {
	if e.EndSeq == 0 {
		return nowhere
	}
	return Place{Seq: e.EndSeq, Conn: e.Conn, At: e.Ended, Time: h.p.Journal.Start + Time(e.Ended)}
}

// sessions is users who are taken to be online for ever.
func (h *highlighter) sessions() {
	var silent, replaced *SessionEventRow
	for i := range h.p.SessionEvents {
		switch e := &h.p.SessionEvents[i]; {
		case e.What == "silent" && silent == nil:
			silent = e
		case e.What == "replaced" && replaced == nil:
			replaced = e
		}
	}
	if t := &h.p.SessionTotals; silent != nil {
		h.note("session_events", silent.Place, "A process with users syncing said nothing of them for over 5 minutes, %s; first %s of %s: the writer of presence takes them to be gone.",
			times(t.Silent), or(silent.Instance, "a process"), or(silent.Worker, "(no name)"))
	}
	if t := &h.p.SessionTotals; replaced != nil {
		h.note("session_events", replaced.Place, "A process was replaced with sessions open and no CLEAR_USER_SYNC, %s; first %s of %s with %d: their users stay online until the writer of presence gives them up.",
			times(t.Replaced), replaced.Instance, or(replaced.Worker, "(no name)"), replaced.Open)
	}
	if t := &h.p.SessionTotals; t.NoStart > t.Before {
		h.note("sessions", nowhere, "A session of presence ended that never started, %s.", times(t.NoStart-t.Before))
	}
	if n := len(h.p.OpenSessions); n > 0 && h.p.SessionTotals.Dropped > 0 {
		h.note("open_sessions", placeOrNowhere(h.p.OpenSessions[0].Place), "%s of presence never ended.", many(h.p.SessionTotals.NeverEnded, "session"))
	}
}
