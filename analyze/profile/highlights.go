package profile

import (
	"fmt"
	"strconv"
)

// Highlight is something that a reader should see first, in a sentence. Its
// numbers stand in the tables, too.
type Highlight struct {
	Severity string `json:"severity" col:"severity"` // "problem", or "note" for what may well be as it should be
	Text     string `json:"text" col:"what stands out"`
	Table    string `json:"table" col:"table,wide"` // where the numbers are
	Place           // where it is, or begins; record 0 where it is in no one place
}

// maxHighlights is how many are told.
const maxHighlights = 14

// nowhere is the place of what is in no one place.
var nowhere = Place{At: None, Time: None}

// highlights are what stands out in the tables of a profile, problems first.
func highlights(p *Profile) []Highlight {
	h := &highlighter{p: p, notes: []Highlight{}}
	h.missing()
	h.findings()
	h.pressure()
	h.endings()
	h.positions()
	h.silence()
	h.behind()
	h.sessions()
	h.traffic()
	all := append(h.problems, h.notes...)
	return all[:min(len(all), maxHighlights)]
}

type highlighter struct {
	p               *Profile
	problems, notes []Highlight
}

func (h *highlighter) problem(table string, at Place, format string, args ...any) {
	h.problems = append(h.problems, Highlight{Severity: "problem", Table: table, Place: at, Text: fmt.Sprintf(format, args...)})
}

func (h *highlighter) note(table string, at Place, format string, args ...any) {
	h.notes = append(h.notes, Highlight{Severity: "note", Table: table, Place: at, Text: fmt.Sprintf(format, args...)})
}

// missing is what is in no number of the profile.
func (h *highlighter) missing() {
	if c := &h.p.Coverage; c.Gaps > 0 {
		h.problem("gaps", h.p.Gaps[0].Place, "The journal has %s %% of the traffic: %s, %s.", c.Percent.Digits(), many(c.Gaps, "gap"), many(c.GapBytes, "byte"))
	}
	if n := len(h.p.Damage); n > 0 {
		h.problem("damage", nowhere, "The journal is damaged in %s; what was there is in no number.", many(int64(n), "place"))
	}
}

func (h *highlighter) findings() {
	for i := range h.p.Findings {
		if f := &h.p.Findings[i]; f.Severity == "violation" {
			h.problem("findings", f.Place, "%s, %s: %s", f.Code, times(f.Count), full(or(f.Meaning, f.Detail)))
		} else if f.Severity == "warning" && i < 3 {
			h.note("findings", f.Place, "%s, %s: %s", f.Code, times(f.Count), full(or(f.Meaning, f.Detail)))
		}
	}
}

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
		h.problem("endings", h.ending(first), "%s with an ERROR; the first, %s, with “%s” by the %s.", many(n, "connection"), connOf(first.Conn, first.Worker), what, who)
	}
	if r := greatest(h.p.Reconnects, func(r *ReconnectRow) int64 { return r.InMinute }); r != nil && r.InMinute >= restless {
		h.problem("reconnects", r.Place, "Worker %s connected %s within a minute, %s in all, and stayed %s s on average.",
			or(r.Worker, "(no name)"), times(r.InMinute), times(r.Connections), or(r.LifeMean.Digits(), "?"))
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

// positions is rows that are skipped, tokens that don't go on, and POSITIONs that
// cost.
func (h *highlighter) positions() {
	var fetches, skips int64
	for _, r := range h.p.Positions {
		fetches, skips = fetches+r.Fetch122, skips+r.OverRows
	}
	var fetch *PositionOutlier
	told := false
	for i := range h.p.PositionOutliers {
		switch o := &h.p.PositionOutliers[i]; {
		case o.What == "over-rows" && !told:
			told = true
			h.problem("position_outliers", o.Place, "A POSITION of %s by %s says there are no rows from %d to %d, and there was one, %s: receivers that believe it lose such rows.",
				o.Stream, o.Instance, o.Prev, o.Token, times(skips))
		case o.What == "would-fetch" && fetch == nil:
			fetch = o
		}
	}
	if g := greatest(h.p.TokenGaps, func(g *TokenGapRow) int64 { return g.Tokens }); g != nil {
		h.note("token_gaps", g.Place, "%s where tokens do not go on; the widest is a %s of %s from %d to %d, for worker %s.",
			many(int64(len(h.p.TokenGaps)), "place"), g.What, g.Stream, g.From, g.To, or(g.Worker, "(no name)"))
	}
	if fetch != nil {
		h.note("positions", fetch.Place, "%s would make receivers before 1.96 fetch rows; the first is of %s.", many(fetches, "POSITION"), fetch.Stream)
	}
}

// silence is streams that should have said something, and peers.
func (h *highlighter) silence() {
	quiets := int64(0)
	var quiet *SilenceRow
	for i := range h.p.Silence {
		switch s := &h.p.Silence[i]; s.What {
		case silentNever, silentAsked:
			h.problem("silence", placeOrNowhere(s.Place), "Stream %s was %s.", s.Stream, s.What)
		case silentQuiet:
			if quiets++; quiet == nil || s.Lasted > quiet.Lasted {
				quiet = s
			}
		}
	}
	if quiet != nil {
		h.note("silence", placeOrNowhere(quiet.Place), "A stream was quiet for long while others went on, %s; the longest was %s for %s s, where %s s are usual.",
			times(quiets), quiet.Stream, quiet.Lasted.Digits(), quiet.Usual.Digits())
	}
	if r := greatest(h.p.Pings, func(r *PingRow) int64 { return int64(r.Silence) }); r != nil && r.TooLong > 0 {
		h.note("pings", placeOrNowhere(r.Place), "Nothing went %s on a connection of worker %s for %s s; after 25 s a peer gives up.", r.Direction, or(r.Worker, "(no name)"), r.Silence.Digits())
	}
}

// behind is workers that got things later than others.
func (h *highlighter) behind() {
	if c := greatest(h.p.CatchUps, func(c *CatchUpRow) int64 { return int64(max(c.Of10k, 0)) }); c != nil && c.Of10k >= nearFallen {
		h.problem("catch_ups", c.Place, "Worker %s asked for %s from %d tokens back: a master up to 1.11 gives up at 10000 rows, one of 1.12 at 500000, with “has fallen behind”.",
			or(c.Worker, "(no name)"), c.Stream, c.Distance)
	}
	if l := greatest(h.p.Lags, func(l *LagRow) int64 { return int64(l.Max) }); l != nil && l.Max > Millis(farBehind) {
		h.note("lags", l.Place, "The furthest behind was worker %s: %s ms in stream %s.", or(l.Worker, "(no name)"), l.Max.Digits(), l.Stream)
	}
}

// sessions is users who are taken to be online for ever.
func (h *highlighter) sessions() {
	if t := &h.p.SessionTotals; t.Silent > 0 && len(h.p.SessionEvents) > 0 {
		h.note("session_events", h.p.SessionEvents[0].Place, "A process with users syncing said nothing of them for over 5 minutes, %s: the writer of presence takes them to be gone.", times(t.Silent))
	}
	if n := len(h.p.OpenSessions); n > 0 && h.p.SessionTotals.Dropped > 0 {
		h.note("open_sessions", placeOrNowhere(h.p.OpenSessions[0].Place), "%s of presence never ended.", many(h.p.SessionTotals.NeverEnded, "session"))
	}
}

// nearFallen is how near to the limit of 10,000 rows is worth telling.
const nearFallen = Percent(80e4)

// farBehind is a lag worth telling, in nanoseconds.
const farBehind = 100e6

// traffic is lines near the limit, and the busiest second.
func (h *highlighter) traffic() {
	if n := h.p.LineLimit.Lines; n > 0 && len(h.p.NearLimit) > 0 {
		h.note("near_limit", h.p.NearLimit[0].Place, "%s near the limit of %d bytes, at which receivers refuse them.", many(n, "line"), h.p.LineLimit.Limit)
	}
	for i := range h.p.Bursts {
		if b := &h.p.Bursts[i]; b.Span == "second" && b.By == "all" && b.Times != None {
			h.note("bursts", Place{At: b.At, Time: b.Time}, "The busiest second had %s, %s times the mean; %s %% were %s.", many(b.Commands, "command"), b.Times.Digits(), b.CmdShare.Digits(), b.Command)
		}
	}
	for i := range h.p.Periods {
		if r := &h.p.Periods[i]; r.Expected == "" && r.By == "stream" && r.Period >= noWave {
			h.note("periods", nowhere, "Stream %s comes in waves, one every %s s, %s.", r.Name, r.Period.Digits(), times(r.Cycles))
			break
		}
	}
}

// noWave is how far apart waves are that a person would see.
const noWave = Seconds(1e9)

// placeOrNowhere is a place, where there is one.
func placeOrNowhere(at Place) Place {
	if at.Seq == 0 {
		return nowhere
	}
	return at
}

// greatest is the row that has most of something; nil of none.
func greatest[T any](rows []T, of func(*T) int64) *T {
	var out *T
	for i := range rows {
		if out == nil || of(&rows[i]) > of(out) {
			out = &rows[i]
		}
	}
	return out
}

// connOf is a connection in a sentence.
func connOf(conn uint64, worker string) string {
	if worker == "" {
		return fmt.Sprintf("connection %d", conn)
	}
	return fmt.Sprintf("connection %d (%s)", conn, worker)
}

// many is a number of things in a sentence.
func many(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + one + "s"
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return many(n, "time")
}

func or(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}

// full is a text as a sentence ends.
func full(text string) string {
	if text == "" || text[len(text)-1] == '.' {
		return text
	}
	return text + "."
}
