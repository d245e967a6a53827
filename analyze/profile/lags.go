package profile

import (
	"cmp"
	"fmt"
	"slices"

	"repltap/wire"
)

// LagRow is how far a worker was behind the most advanced connection in one
// instance's tokens of a stream.
//
// It is what the traffic of the journal shows: where all workers are late in the
// same way, none is behind. It is measured when something of the stream came to
// the worker, and when its connection ended, or the journal did: so many tokens
// had come to others that had not come to it, and what it just got had come first
// so long before. How many of these tokens have rows is not known. Seconds are
// of the recorder's clock; of long ago they are known less exactly, and told
// rather too small. With one connection there is nobody to be behind of.
type LagRow struct {
	Worker    string      `json:"worker" col:"worker"`
	Stream    string      `json:"stream" col:"stream"`
	Instance  string      `json:"instance" col:"instance"`
	Measured  int64       `json:"measured" col:"measured"`
	TokensP50 Count       `json:"tokens_p50" col:"tokens p50"`
	TokensP99 Count       `json:"tokens_p99" col:"p99"`
	TokensMax Count       `json:"tokens_max" col:"max"`
	P50       AboutMillis `json:"p50_ms" col:"ms p50"`
	P99       AboutMillis `json:"p99_ms" col:"p99"`
	Max       Millis      `json:"max_ms" col:"max"`
	Place                 // of the max
	EndTokens int64       `json:"end_tokens" col:"at its end"` // of its connection, or of the journal
	End       Millis      `json:"end_ms" col:"ms"`
}

// LagTimelineRow is the most that a worker was behind in a slot of time. There
// is none for slots in which nothing was measured.
type LagTimelineRow struct {
	Worker   string  `json:"worker" col:"worker"`
	Conn     Count   `json:"conn" col:"conn"` // where two call themselves so at the same time
	Stream   string  `json:"stream" col:"stream"`
	Instance string  `json:"instance" col:"instance"`
	At       At      `json:"at_s" col:"at s"`
	Width    Seconds `json:"width_s" col:"width s"`
	Tokens   int64   `json:"tokens" col:"tokens"`
	Lag      Millis  `json:"lag_ms" col:"ms"`
}

const (
	maxLags        = 256     // workers and writers that are measured
	maxLagTokens   = 1 << 30 // more counts as this in quantiles
	maxLagMicros   = 1 << 32 // over an hour
	maxLagSlots    = 240
	maxLagsPlotted = 8
)

// lags measures how far behind workers are.
type lags struct {
	tracker *tracker
	counts  []*lagCount
	clock   slotClock
	left    int64
}

type lagCount struct {
	writer       *writer
	worker       string
	apart        Count
	none         int64 // measured when it was not behind
	tokens, time *histogram
	most         int64
	place        Place
	any          bool
	endTokens    int64
	end          int64
	slots        []lagSlot
}

// lagSlot is the most of a slot.
type lagSlot struct {
	set          bool
	tokens, time int64
}

func newLags(t *tracker) *lags { return &lags{tracker: t} }

func (l *lags) take(e *entry) {
	switch s := &e.step; s.kind {
	case stepGroup:
		if s.epoch == s.writer.epoch && (s.token > s.reached || !s.knew) {
			l.measure(e)
		}
	case stepPosition:
		if s.epoch != s.writer.epoch || !s.knewWorker || s.writer.rule.Move == wire.MoveZero {
			return
		}
		switch {
		case s.token <= s.current || s.token <= s.reached && s.knew:
		case s.prev <= s.current:
			l.measure(e)
		default:
			l.missed(e)
		}
	default:
		if e.conn != nil && len(e.conn.cursors) > 0 && isClose(e) {
			l.end(e.conn, e.at, e.place())
		}
	}
}

// measure notes how far a connection is behind with what just came.
func (l *lags) measure(e *entry) {
	s := &e.step
	n := l.count(s.cursor)
	if n == nil {
		return
	}
	behind, since := int64(0), int64(0)
	if !s.front {
		behind = max(s.writer.high-s.high, 0)
		if first, ok := s.writer.came(s.high); ok {
			since = max(e.at-first, 0)
		}
	}
	l.add(n, e.at, behind, since, e.place)
}

// missed notes how far a worker was behind that is told of tokens it did not get.
func (l *lags) missed(e *entry) {
	s := &e.step
	first, ok := s.writer.came(s.current + 1)
	if n := l.count(s.cursor); n != nil && ok {
		l.add(n, e.at, s.token-s.current, max(e.at-first, 0), e.place)
	}
}

func (l *lags) count(c *cursor) *lagCount {
	if n := c.standing.lag; n != nil {
		return n
	}
	if len(l.counts) >= maxLags {
		l.left++
		return nil
	}
	n := &lagCount{writer: c.writer, worker: c.standing.worker, apart: c.standing.apart}
	c.standing.lag = n
	l.counts = append(l.counts, n)
	return n
}

func (l *lags) add(n *lagCount, at, behind, since int64, place func() Place) {
	n.endTokens, n.end = behind, since
	if since > n.most || !n.any {
		n.any, n.most, n.place = true, since, place()
	}
	if behind == 0 && since == 0 {
		n.none++
	} else {
		if n.tokens == nil {
			n.tokens, n.time = newHistogram(maxLagTokens), newHistogram(maxLagMicros)
		}
		n.tokens.add(behind)
		n.time.add(since / microsecond)
	}
	slot := l.clock.slot(at)
	for slot >= maxLagSlots {
		l.clock.double++
		slot = l.clock.slot(at)
		for _, o := range l.counts {
			o.fold()
		}
	}
	for len(n.slots) <= slot {
		n.slots = append(n.slots, lagSlot{})
	}
	s := &n.slots[slot]
	s.set, s.tokens, s.time = true, max(s.tokens, behind), max(s.time, since)
}

// fold makes one slot of two.
func (n *lagCount) fold() {
	for i, s := range n.slots {
		if i%2 == 0 {
			n.slots[i/2] = s
			continue
		}
		o := &n.slots[i/2]
		o.set, o.tokens, o.time = o.set || s.set, max(o.tokens, s.tokens), max(o.time, s.time)
	}
	n.slots = n.slots[:(len(n.slots)+1)/2]
}

// end measures what a connection has not got when it ends: the first of it had
// come to others so long before.
func (l *lags) end(c *connection, at int64, place Place) {
	for _, k := range c.cursors {
		if !k.known || k.epoch != k.writer.epoch || k.high >= k.writer.high {
			continue
		}
		n := l.count(k)
		first, ok := k.writer.came(k.high + 1)
		if n == nil || !ok {
			continue
		}
		l.add(n, at, k.writer.high-k.high, max(at-first, 0), func() Place { return place })
	}
}

func (l *lags) finish(p *Profile) {
	for _, c := range l.tracker.open() {
		l.end(c, p.end(), l.tracker.placeOf(0, c, p.end()))
	}
	slices.SortStableFunc(l.counts, func(a, b *lagCount) int {
		return cmp.Or(cmp.Compare(b.most, a.most), cmp.Compare(a.worker, b.worker), cmp.Compare(a.writer.stream, b.writer.stream),
			cmp.Compare(a.writer.instance, b.writer.instance))
	})
	p.Lags, p.LagTimeline = []LagRow{}, []LagTimelineRow{}
	for i, n := range l.counts {
		p.Lags = append(p.Lags, n.row())
		if i < maxLagsPlotted && n.most > 0 {
			p.LagTimeline = append(p.LagTimeline, n.timeline(&l.clock)...)
		}
	}
	if l.left > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("lags has the first %d workers and streams only.", maxLags))
	}
}

func (n *lagCount) row() LagRow {
	tokens, times := n.tokens, n.time
	if tokens == nil {
		tokens, times = newHistogram(2), newHistogram(2)
	}
	row := LagRow{Worker: n.worker, Stream: n.writer.stream, Instance: n.writer.instance, Place: n.place, EndTokens: n.endTokens, End: Millis(n.end)}
	if n.none > 0 {
		tokens.h.RecordValues(0, n.none)
		times.h.RecordValues(0, n.none)
	}
	row.Measured = tokens.h.TotalCount()
	q, s := tokens.quantiles(), times.quantiles()
	row.TokensP50, row.TokensP99, row.TokensMax = Count(q.p50), Count(q.p99), Count(q.max)
	row.P50, row.P99, row.Max = s.p50.about(), s.p99.about(), Millis(n.most)
	return row
}

func (n *lagCount) timeline(c *slotClock) []LagTimelineRow {
	var out []LagTimelineRow
	for i, s := range n.slots {
		if s.set {
			out = append(out, LagTimelineRow{Worker: n.worker, Conn: n.apart, Stream: n.writer.stream, Instance: n.writer.instance,
				At: At(c.origin + int64(i)*c.width()), Width: Seconds(c.width()), Tokens: s.tokens, Lag: Millis(s.time)})
		}
	}
	return out
}
