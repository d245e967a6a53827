package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxUnheard is how many streams are named that never spoke.
const maxUnheard = 6

// silence is streams, writers and peers that should have said something.
func (h *highlighter) silence() {
	var all, streams, writers, workers, still quietest
	var gone []*SilenceRow
	unheard := map[string][]*SilenceRow{}
	for i := range h.p.Silence {
		switch s := &h.p.Silence[i]; {
		case s.What == silentNever, s.What == silentAsked:
			unheard[s.What] = append(unheard[s.What], s)
		case s.What == silentGone && !s.dropped:
			gone = append(gone, s)
		case s.What == silentStands:
			still.add(s)
		case s.What != silentQuiet:
		case s.Worker != "":
			workers.add(s)
		case s.Instance != "":
			writers.add(s)
		case s.Stream == byAll:
			all.add(s)
		default:
			streams.add(s)
		}
	}
	h.quietAll(&all)
	h.quietPart(&streams, &writers)
	h.quietWorker(&workers)
	if s := still.row; s != nil {
		h.note("silence", s.Place, "Writer %s of stream %s said nothing for %s s (%s) while others of the stream wrote %s%s%s. %s", s.Instance, s.Stream,
			s.Lasted.Digits(), s.span(), many(s.Others, "row"), s.lasting(), still.times(), s.positions())
	}
	h.unheard(unheard)
	h.gone(gone)
	h.unsaid()
}

// quietest is the longest of some silences.
type quietest struct {
	row   *SilenceRow
	count int64
}

func (q *quietest) add(s *SilenceRow) {
	if q.count++; q.row == nil || s.Lasted > q.row.Lasted {
		q.row = s
	}
}

// times says how many there are when there is more than the one.
func (q *quietest) times() string {
	if q.count < 2 {
		return ""
	}
	return fmt.Sprintf("; this is the longest of %d such silences", q.count)
}

// pingsAtLeast is how often a master says PING while it has nothing else to say,
// twice over: where they come less often they stopped, too.
const pingsAtLeast = Seconds(10 * time.Second)

func (h *highlighter) quietAll(q *quietest) {
	s := q.row
	if s == nil {
		return
	}
	pings := ""
	if s.Pings >= int64(s.Lasted/pingsAtLeast) && s.Pings > 0 {
		pings = " while PINGs went on"
	}
	h.problem("silence", s.Place, "No row to anybody for %s s (%s)%s; %s%s%s.", s.Lasted.Digits(), s.span(), pings, s.usual(), s.lasting(), q.times())
}

func (h *highlighter) quietPart(streams, writers *quietest) {
	if s := streams.row; s != nil {
		h.problem("silence", s.Place, "No row of stream %s to anybody for %s s (%s) while %s of others came; %s%s%s.", s.Stream, s.Lasted.Digits(), s.span(),
			many(s.Others, "row"), s.usual(), s.lasting(), streams.times())
	}
	if s := writers.row; s != nil {
		h.problem("silence", s.Place, "Writer %s of stream %s said nothing for %s s (%s) while the others wrote %s; %s%s%s. %s", s.Instance, s.Stream,
			s.Lasted.Digits(), s.span(), many(s.Others, "row"), s.usual(), s.lasting(), writers.times(), s.positions())
	}
}

func (h *highlighter) quietWorker(q *quietest) {
	s := q.row
	if s == nil {
		return
	}
	what := "no row"
	if s.Stream != byAll {
		what = "no row of stream " + s.Stream
	}
	h.problem("silence", s.Place, "Worker %s got %s for %s s (%s) while others got %d%s%s.", s.Worker, what, s.Lasted.Digits(), s.span(), s.Others, s.lasting(), q.times())
}

// unheard is streams that never said anything.
func (h *highlighter) unheard(by map[string][]*SilenceRow) {
	for _, what := range []string{silentNever, silentAsked} {
		if rows := by[what]; len(rows) > 0 {
			h.problem("silence", placeOrNowhere(rows[0].Place), "%s %s: %s.", many(int64(len(rows)), "stream"), what, namesOf(rows))
		}
	}
}

// namesOf are the streams of some rows, and the writers where it is about those.
func namesOf(rows []*SilenceRow) string {
	var names []string
	for _, r := range rows[:min(len(rows), maxUnheard)] {
		names = append(names, r.Stream+ofWriter(r.Instance))
	}
	more := ""
	if n := len(rows) - len(names); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ") + more
}

// gone is streams and writers that the master announced at first and no longer.
func (h *highlighter) gone(rows []*SilenceRow) {
	if len(rows) == 0 {
		return
	}
	first := slices.MinFunc(rows, func(a, b *SilenceRow) int { return cmp.Compare(a.Seq, b.Seq) })
	h.problem("silence", first.Place, "Announced at first, and missing in the answers to REPLICATE since %s s: %s.", first.At.Digits(), namesOf(rows))
}

// unsaid is a peer that said nothing on a connection.
func (h *highlighter) unsaid() {
	r := greatest(h.p.Pings, func(r *PingRow) int64 { return int64(r.Silence) })
	if r != nil && r.TooLong > 0 {
		h.note("pings", placeOrNowhere(r.Place), "Nothing went %s on a connection of worker %s for %s s; after 25 s a peer gives up.%s", r.Direction, or(r.Worker, "(no name)"), r.Silence.Digits(), h.stoodStill(r))
	}
}

// stoodStill says that a peer which said nothing read nothing then either.
func (h *highlighter) stoodStill(r *PingRow) string {
	for i := range h.p.Stalls {
		s := &h.p.Stalls[i]
		if s.Conn == r.Conn && s.Direction != r.Direction && s.At < r.At+At(r.Silence) && s.At+At(s.Length) > r.At {
			return fmt.Sprintf(" For %s s about that time it read nothing either: it stood still.", s.Length.Digits())
		}
	}
	return ""
}

// span is from when to when a silence lasted.
func (s *SilenceRow) span() string {
	from := time.Unix(0, int64(s.Time)).UTC()
	to := from.Add(time.Duration(s.Lasted))
	layout := "15:04:05"
	if from.YearDay() != to.YearDay() || from.Year() != to.Year() {
		layout = "2006-01-02 15:04:05"
	}
	return fmt.Sprintf("from %s to %s UTC", from.Format("2006-01-02 15:04:05"), to.Format(layout))
}

// usual is how much came before a silence.
func (s *SilenceRow) usual() string {
	return fmt.Sprintf("%s a second were usual in the %s s before", s.Usual.Digits(), s.Over.Digits())
}

// lasting says of a silence that no row ended it.
func (s *SilenceRow) lasting() string {
	if s.Ended {
		return ""
	}
	return "; none has come since"
}

// positions is where the writers of the stream stood.
func (s *SilenceRow) positions() string {
	if s.Lowest == None {
		return ""
	}
	return fmt.Sprintf("The lowest position of the writers was %s and the highest %s: from 1.22 on, receivers that need all up to a token wait at the lowest, or where a token after it is missing.",
		s.Lowest.Digits(), s.Highest.Digits())
}
