package profile

import (
	"slices"

	"repltap/wire"
)

// answerOver is how long after a POSITION more of the master shows that its answer
// to REPLICATE is over: it sends all of it at once.
const answerOver = int64(1e9)

// announced is which writers a master announced in answer to REPLICATE, and did
// not when it was asked later. It is found only on connections that are read from
// the beginning and without a gap.
type announced struct {
	tracker *tracker
	writers []announcement // by the writer's index
}

// announcement is what became of that of one writer.
type announcement struct {
	done  bool
	at    int64 // when it came first
	gone  bool
	place Place          // of the first REPLICATE whose answer lacks it
	speak *wire.Detector // of that connection
}

func (a *announced) of(w *writer) *announcement {
	for len(a.writers) <= w.index {
		a.writers = append(a.writers, announcement{})
	}
	return &a.writers[w.index]
}

func (a *announced) take(e *entry) {
	c := e.conn
	if c == nil || e.Dir != wire.S2C || !e.line() {
		return
	}
	if s := &e.step; s.kind == stepPosition {
		n := a.of(s.writer)
		if n.gone = false; !n.done {
			n.done, n.at = true, e.at
		}
		if s.answers {
			c.answering = e.at
		}
	}
	if c.asked.set && c.greeted && c.whole && !c.answered && c.answering > 0 && e.at-c.answering >= answerOver {
		c.answered = true
		for _, w := range a.tracker.writers {
			if !slices.ContainsFunc(c.cursors, func(k *cursor) bool { return k.writer == w && k.ready }) {
				a.lacks(c, w, &c.asked)
			}
		}
	}
}

// leave finds what a connection asked for by name, as up to 1.12, and did not get
// an answer to for long.
func (a *announced) leave(c *connection, at int64) {
	for _, k := range c.cursors {
		if k.owed > 0 && c.greeted && c.whole && at-k.asked.at >= quietLeast {
			a.lacks(c, k.writer, &k.asked)
		}
	}
}

// lacks notes that the answer to a REPLICATE does not announce a writer.
func (a *announced) lacks(c *connection, w *writer, asked *askedFor) {
	if n := a.of(w); n.done && n.at < asked.at && !n.gone {
		n.gone, n.speak = true, c.speak
		n.place = a.tracker.placeOf(asked.seq, c, asked.at)
	}
}

// rows are the streams that are announced no longer, and the writers of those that
// others are still announced of.
func (a *announced) rows() (out []SilenceRow) {
	for stream, writers := range a.tracker.streams {
		var gone []*writer
		left := 0
		for _, w := range writers {
			switch n := a.of(w); {
			case n.gone:
				gone = append(gone, w)
			case n.done:
				left++
			}
		}
		for i, w := range gone {
			row := unspoken(stream)
			row.What, row.Place = silentGone, a.of(w).place
			if left > 0 {
				row.Instance = w.instance
			} else if i > 0 {
				continue
			}
			if w.known != nil {
				row.Known = w.known.In().Names()
			}
			row.dropped = w.known != nil && lackedBySome(w.known, a.of(w).speak)
			out = append(out, row)
		}
	}
	return out
}

// lackedBySome says that some release that a connection may speak does not have
// the stream.
func lackedBySome(stream *wire.Stream, speak *wire.Detector) bool {
	return speak != nil && wire.Choose([]*wire.Detector{speak}, nil).Releases&^stream.In() != 0
}
