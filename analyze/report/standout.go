package report

import (
	"fmt"

	"repltap/analyze/profile"
)

// standout is something that a reader of the report should see first.
type standout struct {
	text string
	bad  bool
	at   profile.At
	conn uint64
	here bool // at and conn say where it is
}

// maxStandouts is how many are told.
const maxStandouts = 12

// standouts are what stands out, the worst first. All numbers in it are in the
// tables, too.
func standouts(p *profile.Profile) []standout {
	var out []standout
	add := func(bad bool, at profile.Place, format string, args ...any) {
		out = append(out, standout{text: fmt.Sprintf(format, args...), bad: bad, at: at.At, conn: at.Conn, here: at.Seq != 0})
	}
	for _, f := range p.Findings[:min(len(p.Findings), 3)] {
		add(f.Severity == "violation", f.Place, "%s, %s: %s", f.Code, times(f.Count), or(f.Meaning, f.Detail))
	}
	if n := len(p.Overflows); n > 0 {
		o := &p.Overflows[0]
		add(true, o.Place, "A sender gave up on a reader that failed to keep up, %s; first on %s, whose last commands were %s.", times(int64(n)), connOf(o.Conn, o.Worker), o.FilledBy)
	}
	if longest := most(p.Stalls, func(s *profile.StallRow) int64 { return int64(s.Length) }); longest != nil {
		add(true, longest.Place, "%s; the longest: %s, %s.", count(int64(len(p.Stalls)), "stall"), stallText(longest), connOf(longest.Conn, longest.Worker))
	}
	var errors int64
	var first *profile.EndingRow
	for i := range p.Endings {
		if e := &p.Endings[i]; e.MasterError != "" || e.WorkerError != "" {
			if errors++; first == nil {
				first = e
			}
		}
	}
	if first != nil {
		out = append(out, standout{
			text: fmt.Sprintf("%s ended with an ERROR; the first, %s, with “%s”.", count(errors, "connection"), connOf(first.Conn, first.Worker), or(first.MasterError, first.WorkerError)),
			bad:  true, at: first.Ended, conn: first.Conn, here: first.Ended != profile.None,
		})
	}
	var fetches, skips int64
	for _, r := range p.Positions {
		fetches, skips = fetches+r.Fetch122, skips+r.OverRows
	}
	for _, o := range p.PositionOutliers {
		if o.What == "over-rows" {
			add(true, o.Place, "A POSITION of %s says there are no rows where there were some, %s.", o.Stream, times(skips))
			break
		}
	}
	if gap := most(p.TokenGaps, func(g *profile.TokenGapRow) int64 { return g.Tokens }); gap != nil {
		add(false, gap.Place, "%s where tokens do not go on; the widest is a %s of %s from %d to %d, for worker %s.", count(int64(len(p.TokenGaps)), "place"), gap.What, gap.Stream, gap.From, gap.To, or(gap.Worker, "(no name)"))
	}
	if fetches > 0 {
		var first profile.Place
		for _, o := range p.PositionOutliers {
			if o.What == "would-fetch" {
				first = o.Place
				break
			}
		}
		add(false, first, "Workers before 1.96 would fetch rows for %s.", count(fetches, "POSITION"))
	}
	if lag := most(p.Lags, func(l *profile.LagRow) int64 { return int64(l.Max) }); lag != nil && lag.Max > 0 {
		add(false, lag.Place, "The most that a worker was behind: %s by %s ms, with stream %s.", or(lag.Worker, "(no name)"), lag.Max.Digits(), lag.Stream)
	}
	for _, s := range p.Silence {
		if s.What != "announced, no rows" && s.What != "perhaps not announced" {
			add(false, s.Place, "Stream %s: %s%s.", s.Stream, s.What, when(s.Lasted > 0, " for "+s.Lasted.Digits()+" s"))
			break
		}
	}
	if ping := most(p.Pings, func(r *profile.PingRow) int64 { return int64(r.Silence) }); ping != nil && ping.TooLong > 0 {
		add(false, ping.Place, "Nothing was said %s of worker %s for %s s; after 25 s a peer gives up.", ping.Direction, or(ping.Worker, "(no name)"), ping.Silence.Digits())
	}
	if n := p.LineLimit.Lines; n > 0 && len(p.NearLimit) > 0 {
		add(false, p.NearLimit[0].Place, "%s near the limit of %s bytes.", count(n, "line"), grouped(fmt.Sprint(p.LineLimit.Limit)))
	}
	for _, b := range p.Bursts {
		if b.Span == "second" && b.By == "all" && b.Times != profile.None {
			out = append(out, standout{text: fmt.Sprintf("The busiest second had %s, %s times the mean; %s %% were %s.", count(b.Commands, "command"), b.Times.Digits(), b.CmdShare.Digits(), b.Command), at: b.At, here: true})
		}
	}
	return out[:min(len(out), maxStandouts)]
}

// most is the row that has most of something; nil of none.
func most[T any](rows []T, of func(*T) int64) *T {
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
	return fmt.Sprintf("connection %d%s", conn, when(worker != "", " ("+worker+")"))
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return count(n, "time")
}

func or(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}
