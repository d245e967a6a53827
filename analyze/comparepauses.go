package analyze

import (
	"strings"
	"time"

	"repltap/journal"
)

// Pauses is how often and how long a sender was held up, as its peer did not
// read.
type Pauses struct {
	Conn      uint64 `json:"conn"`
	Count     int64  `json:"count"`
	TotalUs   int64  `json:"total_us"`
	LongestUs int64  `json:"longest_us"`
	QueuePeak int64  `json:"queue_peak"`      // commands; 0 where it is not known
	Unsent    int64  `json:"unsent_peak"`     // bytes
	After     string `json:"after,omitempty"` // the line after which the first one began
	FirstSeq  uint64 `json:"first_seq,omitempty"`
}

// PausePair is the pauses of two connections.
type PausePair struct {
	Worker   string `json:"worker"`
	Recorded Pauses `json:"recorded"`
	Replayed Pauses `json:"replayed"`
}

func (v *surveyed) pause(rec *journal.Record) {
	if rec.Event.By == "master" || rec.Event.Queue > 0 {
		v.queued(rec)
	}
	v.pauses.queue(rec.Event)
	if rec.Kind == journal.KindResume {
		v.resume(rec.Time)
		return
	}
	if v.paused != 0 {
		return
	}
	v.paused = rec.Time
	v.pauses.Count++
	if len(v.stops) < maxStops {
		v.stops = append(v.stops, stop{mark: mark{rec.Seq, rec.Time}, after: shownLine(v.ending.last[0])})
	}
	if v.pauses.FirstSeq == 0 {
		v.pauses.FirstSeq, v.pauses.After = rec.Seq, shownLine(v.ending.last[0])
	}
}

func (v *surveyed) resume(now int64) {
	if v.paused == 0 {
		return
	}
	us := (now - v.paused) / 1000
	v.paused = 0
	v.pauses.TotalUs += us
	v.pauses.LongestUs = max(v.pauses.LongestUs, us)
	if n := len(v.stops); int64(n) == v.pauses.Count {
		v.stops[n-1].us = us
	}
}

func (p *Pauses) queue(ev *journal.Event) {
	p.QueuePeak = max(p.QueuePeak, ev.Queue)
	p.Unsent = max(p.Unsent, ev.Unsent)
}

// queued notes where the queue was longest. Only who sends knows its queue.
func (v *surveyed) queued(rec *journal.Record) {
	if v.queueAt == nil || rec.Event.Queue > v.pauses.QueuePeak {
		v.queueAt = &mark{rec.Seq, rec.Time}
	}
	v.pauses.queue(rec.Event)
}

// longPause is a pause that is no accident: where one journal has that much and
// the other nothing, it is a difference.
const longPause = int64(time.Second / time.Microsecond)

// stalled compares pauses.
func (c *comparer) stalled(pairs []*pairing, found *differences) {
	for _, p := range pairs {
		a, b := p.conns[0], p.conns[1]
		if a == nil || b == nil || a.pauses.Count == 0 && b.pauses.Count == 0 && a.pauses.QueuePeak == 0 && b.pauses.QueuePeak == 0 {
			continue
		}
		c.out.Pauses = append(c.out.Pauses, PausePair{Worker: p.worker, Recorded: a.pauses, Replayed: b.pauses})
		c.queues(p, found)
		if a.overflowed() && c.sameEnd(a, b) {
			continue // that end comes after a pause, which a tap or a capture may not have seen
		}
		if c.run != nil && !c.again {
			c.stalledRun(p, found)
		} else if c.run == nil || c.run.Speed > 0 {
			c.stops(p, found)
		}
	}
}

// stalledRun compares the pauses of a run with those of a recording. A tap sees
// them at another place than the sender: that there are none in one of them
// counts, and how many and how long they are does not.
func (c *comparer) stalledRun(p *pairing, found *differences) {
	a, b := p.conns[0], p.conns[1]
	was, is := a.pauses.TotalUs, b.pauses.TotalUs
	d := &Difference{Kind: Missing, What: AboutPauses, Count: max(a.pauses.Count, b.pauses.Count), Worker: p.worker,
		Detail: "the sender was held up for " + DurationText(is) + " in all, and recorded were " + DurationText(was)}
	switch {
	case was >= longPause && is == 0:
		d.Recorded, d.Replayed = a.stops[0].place(a), b.beginning()
	case is >= longPause && was == 0:
		d.Kind, d.Recorded, d.Replayed = Extra, a.beginning(), b.stops[0].place(b)
	default:
		return
	}
	found.add(d)
}

// overflowed: it ended as those do whose sender has waited for too long to be read.
func (v *surveyed) overflowed() bool {
	e := &v.ending
	return e.How == "reset" && e.By == "master" || strings.HasPrefix(string(e.last[0]), "ERROR Failed to keep up")
}
