package analyze

import (
	"fmt"
	"strings"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// playedSide is the direction that a run played from a journal.
func playedSide(r *journal.Run) wire.Direction {
	if ofWorker(r) {
		return wire.C2S
	}
	return wire.S2C
}

// ofWorker says whether a run played the worker's side.
func ofWorker(r *journal.Run) bool { return r.As == journal.RunWorker }

// whole is a run as if it had been of all of the journal that it is compared with.
func whole(r *journal.Run) *journal.Run {
	out := *r
	out.Conns, out.Workers, out.Streams, out.Begun, out.Rename = nil, nil, nil, nil, nil
	out.From, out.To = time.Time{}, time.Time{}
	out.Shared, out.Expected = false, 0
	return &out
}

// starts are the times from which those of all connections are reckoned: of a run
// when its schedule began, and the recorded time that was then; of a recording its
// first record.
func (c *comparer) starts() (at [2]int64) {
	for side, s := range c.surveys {
		if at[side] = s.first; c.runs[side] != nil && c.runs[side].Began != 0 {
			at[side] = c.runs[side].Began
		}
	}
	if c.run != nil && !c.again && c.run.Began != 0 {
		at[0] = c.run.Origin
	}
	return at
}

// ran says what a run itself makes of what it did: what leaves it open whether the
// same happened, and why something did not take place.
func (c *comparer) ran(pairs []*pairing) (doubts, causes []string) {
	for side, r := range c.runs {
		if r != nil {
			doubts = append(doubts, incomplete(r, side == 0)...)
		}
	}
	if c.run == nil {
		return doubts, nil
	}
	if n := c.out.Coverage.missingWorkers; n > 0 {
		causes = append(causes, fmt.Sprintf("%d of %s that the run waited for did not come", n, count(int64(c.run.Expected), "worker")))
	}
	if n := c.unanswered(pairs); n > 0 {
		causes = append(causes, fmt.Sprintf("on %d of %s the master never said a word", n, count(int64(c.out.Recorded.Connections), "connection")))
	}
	for _, l := range c.run.LeftOut {
		n := c.concerned(pairs, &l)
		switch {
		case n == 0 && len(l.Conns) > 0 || leftWords[l.Why] == "":
		case l.Why == journal.LeftFailed && len(l.Conns) == 0:
			doubts = append(doubts, "the replay could not take every connection: "+l.Detail)
		case l.Why == journal.LeftFailed:
			doubts = append(doubts, c.left(n, &l))
		default:
			causes = append(causes, c.left(n, &l))
		}
	}
	if c.run.Gaps > 0 && !c.gapTold && !c.again {
		doubts = append(doubts, "parts of what was replayed are missing in the journal ("+count(int64(c.run.Gaps), "gap")+")")
	}
	return doubts, causes
}

// leftWords say what became of connections that were left out, before the detail.
var leftWords = map[string]string{
	journal.LeftRefused:     "were refused by",
	journal.LeftUnreachable: "could not be made to",
	journal.LeftFailed:      "could not be made by the replay itself:",
	journal.LeftTooLong:     "have lines that are longer than what is played",
	journal.LeftEnded:       "ended before all was said on them:",
}

func (c *comparer) left(n int, l *journal.LeftOut) string {
	words := leftWords[l.Why]
	if n == 1 {
		words = strings.NewReplacer("were", "was", "them", "it", "have lines that are", "has a line that is").Replace(words)
	}
	return strings.TrimRight(fmt.Sprintf("%d of %s %s %s", n, count(int64(c.out.Recorded.Connections), "connection"), words, l.Detail), ": ")
}

// concerned is how many of the connections that are compared a run left out for one
// reason.
func (c *comparer) concerned(pairs []*pairing, l *journal.LeftOut) (n int) {
	if c.again {
		return len(l.Conns) // numbers of a third journal
	}
	here := map[uint64]bool{}
	for _, p := range pairs {
		if p.conns[0] != nil {
			here[p.conns[0].id] = true
		}
	}
	for _, id := range l.Conns {
		if here[id] {
			n++
		}
	}
	return n
}

// incomplete is why a run does not show whether the same happens again.
func incomplete(r *journal.Run, recorded bool) []string {
	name := "the replay"
	if recorded {
		name = "the replay that the recorded journal is of"
	}
	switch {
	case !r.Ended:
		return []string{name + " did not come to its end: it was killed, or the end of its journal is missing"}
	case r.Fault != "":
		return []string{name + " could not go on: " + r.Fault}
	case !r.Complete && r.Interrupted:
		return []string{name + " was interrupted before its end"}
	case !r.Complete:
		return []string{"not all was played"}
	}
	return nil
}

// reason is why a recorded connection was left out, or not played to its end; nil
// when the run does not say.
func (c *comparer) reason(conn uint64) *journal.LeftOut {
	if c.run == nil || c.again {
		return nil
	}
	if c.reasons == nil {
		c.reasons = map[uint64]*journal.LeftOut{}
		for i := range c.run.LeftOut {
			for _, id := range c.run.LeftOut[i].Conns {
				c.reasons[id] = &c.run.LeftOut[i]
			}
		}
	}
	return c.reasons[conn]
}
