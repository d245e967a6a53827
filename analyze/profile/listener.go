package profile

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// sideState is what was heard of one side of a connection.
type sideState struct {
	lines, bytes int64
	last         int64 // when the last line came
	lastSeq      uint64
	longest      int64 // the longest time without a line
	longestFrom  Place // the line before it
	long         int64 // times that were too long
	unheard      bool  // what it said since the last line may be in a gap, or was held up by a stall
	pings        int64
	lastPing     int64
	pingMax      int64
	intervals    *histogram // of PING
	errorText    string
	stall        *stall
	stalled      int64   // how long the last stall lasted
	topics       []uint8 // the streams of the last commands, by number; a ring
	topic        int
}

// PingRow is one side's signs of life on a connection. Each side says PING when
// it said nothing for 5 s, and takes the other for dead after 25 s without a
// line, if that ever said PING.
type PingRow struct {
	Worker      string      `json:"worker" col:"worker"`
	Direction   string      `json:"direction" col:"dir"`
	Lines       int64       `json:"lines" col:"lines"`
	Pings       int64       `json:"pings" col:"pings"`
	IntervalP50 AboutMillis `json:"interval_p50_ms" col:"interval ms p50"`
	IntervalMax Millis      `json:"interval_max_ms" col:"max"`
	Late        Seconds     `json:"late_s" col:"late s"` // how much more than 5 s the longest silence was
	Silence     Seconds     `json:"silence_s" col:"longest silence s"`
	Place                   // of the line before that silence
	TooLong     int64       `json:"silences_over_25_s" col:">25 s"`
}

const (
	pingEvery     = int64(5 * time.Second)
	silentAfter   = int64(25 * time.Second)
	maxPingRows   = 1000
	maxPingMillis = int64(time.Hour / time.Millisecond)
	maxPingTimed  = 512 // sides with a histogram of their own
	maxErrorText  = 300
	maxDetected   = 20_000 // open connections whose dialect is looked for
)

// listener hears all lines of a connection.
type listener struct {
	tracker  *tracker
	rows     largest[PingRow]
	timed    int
	detected int
}

func newListener(t *tracker) *listener {
	return &listener{tracker: t, rows: largest[PingRow]{limit: maxPingRows}}
}

func (l *listener) take(e *entry) {
	if e.conn == nil {
		return
	}
	if isClose(e) {
		l.close(e.conn, e.at)
		return
	}
	if e.Dir == wire.NoDirection {
		return
	}
	c := e.conn
	s := &c.sides[e.Dir-wire.S2C]
	if e.Kind == journal.KindStall || e.Kind == journal.KindGap {
		s.unheard = true
	}
	if !e.line() {
		return
	}
	if s.lines == 0 {
		s.last = c.opened - l.tracker.start
		s.longestFrom = l.tracker.placeOf(s.lastSeq, c, s.last)
	}
	l.silence(c, s, e.at)
	s.unheard = s.stall != nil
	s.lines++
	s.bytes += int64(len(e.Data))
	s.last, s.lastSeq = e.at, e.Seq
	l.command(e, s)
	if c.speak == nil && s.lines == 1 && l.detected < maxDetected {
		c.speak = new(wire.Detector)
		l.detected++
	}
	if c.speak != nil {
		c.speak.Observe(e.Dir, e.Data, &e.Gist)
	}
}

func (l *listener) command(e *entry, s *sideState) {
	switch e.Gist.Command {
	case wire.CmdPing:
		if s.pings > 0 {
			interval := e.at - s.lastPing
			s.pingMax = max(s.pingMax, interval)
			if s.intervals == nil && l.timed < maxPingTimed {
				s.intervals = newHistogram(maxPingMillis * 1000)
				l.timed++
			}
			if s.intervals != nil {
				s.intervals.add(interval / microsecond)
			}
		}
		s.pings++
		s.lastPing = e.at
	case wire.CmdError:
		_, text, _ := bytes.Cut(bytes.TrimRight(e.Data, "\r\n"), []byte(" "))
		s.errorText = string(text[:min(len(text), maxErrorText)])
	}
}

// silence notes that a side said nothing until at.
func (l *listener) silence(c *connection, s *sideState, at int64) {
	if s.unheard {
		return
	}
	if silence := at - s.last; silence > s.longest {
		s.longest = silence
		s.longestFrom = l.tracker.placeOf(s.lastSeq, c, s.last)
	}
	if at-s.last > silentAfter {
		s.long++
	}
}

// close makes the rows of a connection that ends.
func (l *listener) close(c *connection, at int64) {
	for i := range c.sides {
		s := &c.sides[i]
		if s.lines == 0 {
			continue
		}
		l.silence(c, s, at)
		if s.intervals != nil {
			l.timed--
		}
		l.rows.add(s.longest, func() PingRow { return s.pingRow(c, sides[i]) })
	}
	if c.speak != nil {
		l.detected--
	}
}

func (s *sideState) pingRow(c *connection, dir wire.Direction) PingRow {
	row := PingRow{Place: s.longestFrom, Worker: c.worker, Direction: dir.String(), Lines: s.lines, Pings: s.pings, IntervalP50: None, IntervalMax: None,
		Late: Seconds(max(s.longest-pingEvery, 0)), Silence: Seconds(s.longest), TooLong: s.long}
	if s.pings > 1 {
		row.IntervalMax = Millis(s.pingMax)
		row.IntervalP50 = s.intervals.quantiles().p50.about()
	}
	return row
}

func (l *listener) finish(p *Profile) {
	for _, c := range l.tracker.open() {
		l.close(c, p.end())
	}
	p.Pings = l.rows.heaviest()
	slices.SortFunc(p.Pings, func(a, b PingRow) int {
		return cmp.Or(cmp.Compare(a.Conn, b.Conn), cmp.Compare(b.Direction, a.Direction))
	})
	l.rows.left(p, "pings")
}
