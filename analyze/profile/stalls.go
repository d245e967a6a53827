package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"repltap/journal"
	"repltap/wire"
)

// StallRow is a time in which a reader took nothing.
type StallRow struct {
	Place              // where it began
	Worker     string  `json:"worker" col:"worker"`
	Direction  string  `json:"direction" col:"dir"` // of what was not read
	By         string  `json:"by" col:"by"`         // who paused itself, in a replay
	Ended      string  `json:"ended" col:"ended"`   // resume, close, or "" when it lasts
	Length     Seconds `json:"length_s" col:"s"`
	Held       int64   `json:"held_bytes" col:"bytes held"` // by kernels and buffers when it began
	HeldEnd    Count   `json:"held_at_end_bytes" col:"at its end"`
	Queue      Count   `json:"queue" col:"queue"`             // commands that waited, where the sender said so
	QueueGuess Count   `json:"queue_estimate" col:"estimate"` // the bytes that were held most, in lines of the mean length
	Lines      int64   `json:"lines" col:"lines"`             // that came meanwhile
	LineBytes  int64   `json:"line_bytes" col:"bytes"`
	FilledBy   string  `json:"filled_by" col:"filled by"` // the streams with most lines until it drained, or else before it
}

// OverflowRow is a sender that gave up on a reader: "Failed to keep up".
type OverflowRow struct {
	Place
	Worker    string  `json:"worker" col:"worker"`
	Direction string  `json:"direction" col:"dir"`
	Pause     Seconds `json:"pause_s" col:"pause s"`   // the stall that it was in, or the one before it
	Commands  int64   `json:"commands" col:"commands"` // looked at: the last before it
	FilledBy  string  `json:"filled_by" col:"filled by"`
}

// SampleRow is how the sender of a replay stood, over all samples of a
// connection.
type SampleRow struct {
	Worker    string      `json:"worker" col:"worker"`
	Samples   int64       `json:"samples" col:"samples"`
	QueueMax  int64       `json:"queue_max" col:"queue max"` // commands
	UnsentMax int64       `json:"unsent_max_bytes" col:"unsent max"`
	LagP50    AboutMillis `json:"lag_p50_ms" col:"lag ms p50"`
	LagP99    AboutMillis `json:"lag_p99_ms" col:"p99"`
	LagMax    Millis      `json:"lag_max_ms" col:"max"`
	Place                 // of the longest queue
}

const (
	maxStallRows    = 1000
	maxOverflowRows = 1000
	maxSampled      = 200
	// maxRecent is how many commands a Synapse queues before it gives up.
	maxRecent     = 10_001
	maxRecentKept = 1000 // sides, and stalls, of which that is kept
	keepUpText    = "Failed to keep up"
)

// The numbers of streams are kept as bytes: this does not compile when there are
// more of them.
const _ = uint8(maxSubjects - 1)

// stalls follows who does not read.
type stalls struct {
	tracker   *tracker
	rows      largest[StallRow]
	overflows largest[OverflowRow]
	sampled   map[uint64]*sampleCount
	kept      int // sides whose last commands are kept
	counted   int // stalls whose lines are counted by stream
	unsampled int64
}

// stall is one that lasts.
type stall struct {
	row    StallRow
	from   int64
	most   int64        // held
	topics *topicCounts // nil until a line comes
}

// topicCounts are lines by the number of their stream.
type topicCounts [maxSubjects]uint32

type sampleCount struct {
	row SampleRow
	lag *histogram
}

func newStalls(t *tracker) *stalls {
	return &stalls{tracker: t, rows: largest[StallRow]{limit: maxStallRows}, overflows: largest[OverflowRow]{limit: maxOverflowRows},
		sampled: map[uint64]*sampleCount{}}
}

func (s *stalls) take(e *entry) {
	if e.conn == nil {
		return
	}
	switch e.Kind {
	case journal.KindLine:
		if e.Dir != wire.NoDirection {
			s.line(e, &e.conn.sides[e.Dir-wire.S2C])
		}
	case journal.KindStall:
		if e.Dir != wire.NoDirection {
			s.begin(e, &e.conn.sides[e.Dir-wire.S2C])
		}
	case journal.KindResume:
		if e.Dir != wire.NoDirection {
			s.end(e.conn, &e.conn.sides[e.Dir-wire.S2C], e.at, "resume", e.Event)
		}
	case journal.KindSample:
		s.sample(e)
	case journal.KindClose:
		s.close(e.conn, e.at, "close")
	}
}

func (s *stalls) line(e *entry, side *sideState) {
	if side.stall != nil {
		side.stall.row.Lines++
		side.stall.row.LineBytes += int64(len(e.Data))
		if side.stall.topics == nil && s.counted < maxRecentKept {
			s.counted++
			side.stall.topics = new(topicCounts)
		}
		if side.stall.topics != nil {
			side.stall.topics[e.stream]++
		}
	}
	switch {
	case len(side.topics) >= maxRecent:
		side.topics[side.topic] = uint8(e.stream)
		if side.topic++; side.topic == maxRecent {
			side.topic = 0
		}
	case side.topics != nil:
		side.topics = append(side.topics, uint8(e.stream))
	case s.kept < maxRecentKept && e.Dir == wire.S2C:
		s.kept++
		side.topics = append(make([]uint8, 0, 16), uint8(e.stream))
	}
	if e.Gist.Command == wire.CmdError && side.errorText == keepUpText {
		s.overflow(e, side)
	}
}

func (s *stalls) overflow(e *entry, side *sideState) {
	s.overflows.add(0, func() OverflowRow {
		row := OverflowRow{Place: e.place(), Worker: e.conn.worker, Direction: e.Dir.String(), Pause: None, Commands: int64(len(side.topics)),
			FilledBy: s.filledBy(recent(side.topics))}
		if side.stall != nil {
			row.Pause = Seconds(e.at - side.stall.from)
		} else if side.stalled > 0 {
			row.Pause = Seconds(side.stalled)
		}
		return row
	})
}

func (s *stalls) begin(e *entry, side *sideState) {
	ev := e.Event
	held := ev.Unread + ev.Unsent
	if side.stall != nil {
		side.stall.most = max(side.stall.most, held)
		return
	}
	from := e.at
	if ev.From != 0 {
		from = min(from, ev.From-s.tracker.start)
	}
	side.stall = &stall{from: from, most: held, row: StallRow{Place: e.place(), Worker: e.conn.worker, Direction: e.Dir.String(),
		By: ev.By, Held: held, HeldEnd: None, Queue: queued(ev), QueueGuess: None}}
}

// queued is what an event says of a sender's queue, where it is one of those
// that know.
func queued(ev *journal.Event) Count {
	if ev.By == "" && ev.Queue == 0 {
		return None
	}
	return Count(ev.Queue)
}

// end ends a stall. ev is nil when nothing is known of what was held.
func (s *stalls) end(c *connection, side *sideState, at int64, how string, ev *journal.Event) {
	st := side.stall
	if st == nil {
		return
	}
	side.stall = nil
	r := &st.row
	r.Ended = how
	if ev != nil {
		held := ev.Unread + ev.Unsent
		r.HeldEnd, r.Queue = Count(held), max(r.Queue, queued(ev))
		st.most = max(st.most, held)
	}
	side.stalled = at - st.from
	r.Length = Seconds(side.stalled)
	if side.lines > 0 && st.most > 0 {
		r.QueueGuess = Count(st.most * side.lines / side.bytes)
	}
	topics := st.topics
	if topics == nil {
		topics = recent(side.topics)
	} else {
		s.counted--
	}
	r.FilledBy = s.filledBy(topics)
	s.rows.add(side.stalled, func() StallRow { return *r })
}

// recent counts the streams of the last commands.
func recent(topics []uint8) *topicCounts {
	var out topicCounts
	for _, t := range topics {
		out[t]++
	}
	return &out
}

// filledBy names the three streams with most lines.
func (s *stalls) filledBy(topics *topicCounts) string {
	var order []int
	all := int64(0)
	for i, n := range topics {
		if n > 0 {
			order = append(order, i)
			all += int64(n)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(topics[b], topics[a]) })
	var out []string
	for _, i := range order[:min(3, len(order))] {
		name := "no stream"
		if i > 0 {
			name = s.tracker.subjects.names[i]
		}
		out = append(out, fmt.Sprintf("%s %s%%", name, share(int64(topics[i]), all).Digits()))
	}
	return strings.Join(out, ", ")
}

func (s *stalls) sample(e *entry) {
	n := s.sampled[e.Conn]
	if n == nil {
		if len(s.sampled) >= maxSampled {
			s.unsampled++
			return
		}
		n = &sampleCount{row: SampleRow{Worker: e.conn.worker, Place: e.place()}, lag: newHistogram(maxLagMicros)}
		s.sampled[e.Conn] = n
	}
	ev := e.Event
	n.row.Samples++
	if ev.Queue > n.row.QueueMax {
		n.row.QueueMax, n.row.Place = ev.Queue, e.place()
	}
	n.row.UnsentMax = max(n.row.UnsentMax, ev.Unsent)
	n.lag.add(max(ev.Lag, 0) / microsecond)
}

func (s *stalls) close(c *connection, at int64, how string) {
	for i := range c.sides {
		side := &c.sides[i]
		s.end(c, side, at, how, nil)
		if side.topics != nil {
			s.kept--
			side.topics = nil
		}
	}
}

func (s *stalls) finish(p *Profile) {
	for _, c := range s.tracker.open() {
		s.close(c, p.end(), "")
	}
	p.Stalls, p.Overflows, p.Samples = s.rows.inOrder(), s.overflows.inOrder(), []SampleRow{}
	slices.SortStableFunc(p.Stalls, func(a, b StallRow) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, id := range sortedKeys(s.sampled) {
		n := s.sampled[id]
		q := n.lag.quantiles()
		n.row.LagP50, n.row.LagP99, n.row.LagMax = q.p50.about(), q.p99.about(), q.max.millis()
		p.Samples = append(p.Samples, n.row)
	}
	s.rows.left(p, "stalls")
	s.overflows.left(p, "overflows")
	if s.unsampled > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("samples has the first %d connections only.", maxSampled))
	}
}
