package analyze

import (
	"fmt"
	"time"
)

// stop is one pause of a sender.
type stop struct {
	mark
	us    int64
	after string // the line before it
}

// maxStops bounds the pauses of a connection that are compared one by one.
const maxStops = 1000

func (s *stop) place(v *surveyed) *Place {
	return &Place{Seq: s.seq, Conn: v.id, Time: timeOf(s.time), Line: s.after}
}

// beginning is the place behind the beginning of a connection.
func (v *surveyed) beginning() *Place {
	return &Place{Seq: v.seq, Conn: v.id, Time: timeOf(v.first), After: true}
}

// stops compares pauses that were seen from the same place, one by one. What
// counts are those that are, or differ by, a second and more and a quarter of
// what was recorded.
func (c *comparer) stops(p *pairing, found *differences) {
	a, b := p.conns[0], p.conns[1]
	was, is := a.pausesOf(c.speed()), b.pausesOf(1)
	for len(was) > 0 || len(is) > 0 {
		d := &Difference{What: AboutPauses, Count: 1, Worker: p.worker}
		switch {
		case len(is) == 0 || len(was) > len(is) && c.apart(p, was[1], is[0]) < c.apart(p, was[0], is[0]):
			d.Kind, d.Recorded, d.Replayed = Missing, was[0].place(a), b.beginning()
			d.Detail = "recorded was a pause of " + DurationText(was[0].us)
			if was[0].us < longPause {
				d = nil
			}
			was = was[1:]
		case len(was) == 0 || len(is) > len(was) && c.apart(p, was[0], is[1]) < c.apart(p, was[0], is[0]):
			d.Kind, d.Recorded, d.Replayed = Extra, a.beginning(), is[0].place(b)
			d.Detail = "there was a pause of " + DurationText(is[0].us)
			if is[0].us < longPause {
				d = nil
			}
			is = is[1:]
		default:
			d.Kind, d.Recorded, d.Replayed = Changed, was[0].place(a), is[0].place(b)
			d.Detail = fmt.Sprintf("the pause took %s, and recorded was one of %s", DurationText(is[0].us), DurationText(was[0].us))
			if within(is[0].us, was[0].us, longPause) {
				d = nil
			}
			was, is = was[1:], is[1:]
		}
		if d != nil {
			found.add(d)
		}
	}
}

// pausesOf are the pauses that are nearly long enough, in the time of the run.
func (v *surveyed) pausesOf(speed float64) (out []stop) {
	for _, s := range v.stops {
		if s.us = int64(float64(s.us) / speed); s.us >= longPause/2 {
			out = append(out, s)
		}
	}
	return out
}

// apart is how far from each other two pauses began.
func (c *comparer) apart(p *pairing, was, is stop) time.Duration {
	d := float64(was.time-p.conns[0].first)/c.speed() - float64(is.time-p.conns[1].first)
	return time.Duration(max(d, -d))
}

// within says whether a number is as it was but for a quarter of it, or by some.
func within(is, was, some int64) bool {
	off := max(is-was, was-is)
	return off <= max(some, was/4)
}

// someCommands is by how much the peaks of two queues may differ anyhow.
const someCommands = 100

// queues compares how long queues became, where both journals know it.
func (c *comparer) queues(p *pairing, found *differences) {
	a, b := p.conns[0], p.conns[1]
	if a.queueAt == nil || b.queueAt == nil || within(b.pauses.QueuePeak, a.pauses.QueuePeak, someCommands) {
		return
	}
	found.add(&Difference{Kind: Changed, What: AboutQueue, Count: 1, Worker: p.worker,
		Recorded: &Place{Seq: a.queueAt.seq, Conn: a.id, Time: timeOf(a.queueAt.time)},
		Replayed: &Place{Seq: b.queueAt.seq, Conn: b.id, Time: timeOf(b.queueAt.time)},
		Detail:   fmt.Sprintf("it reached %s, and was recorded to reach %s", grouped(b.pauses.QueuePeak, "command"), grouped(a.pauses.QueuePeak, "command"))})
}
