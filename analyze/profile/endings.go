package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"repltap/journal"
)

// EndingRow is how long a connection lasted, and how it ended.
type EndingRow struct {
	Conn        uint64  `json:"conn" col:"conn"`
	Worker      string  `json:"worker" col:"worker"`
	Began       At      `json:"began_s" col:"began s"` // the first of it that was read, where its beginning was not
	Ended       At      `json:"ended_s" col:"ended s"` // none for those that last
	Lasted      Seconds `json:"lasted_s" col:"lasted s"`
	How         string  `json:"how" col:"how"`
	By          string  `json:"by" col:"by"`
	MasterError string  `json:"master_error" col:"ERROR by master"` // the last one that it said
	WorkerError string  `json:"worker_error" col:"ERROR by worker"`
	Dialect     string  `json:"dialect" col:"dialect"`
	Mixed       string  `json:"mixed" col:"mixed"` // what of the dialects does not go together
	Undelivered int64   `json:"undelivered_bytes" col:"undelivered"`
	Error       string  `json:"error" col:"error"`
	EndSeq      uint64  `json:"end_seq" col:"record"` // 0 for those that last
}

// ReconnectRow is how often a worker connected, and how fast it came back.
type ReconnectRow struct {
	Worker      string       `json:"worker" col:"worker"`
	Connections int64        `json:"connections" col:"conns"`
	Reconnects  int64        `json:"reconnects" col:"reconnects"`
	Overlaps    int64        `json:"overlaps" col:"overlaps"`     // of these, while an earlier one was not ended
	AwayP50     AboutSeconds `json:"away_p50_s" col:"away s p50"` // from the end of a connection to the next
	AwayMax     Seconds      `json:"away_max_s" col:"max"`
	LifeMean    Seconds      `json:"life_mean_s" col:"life s mean"` // of connections whose end was seen
	LifeMin     Seconds      `json:"life_min_s" col:"min"`
	InMinute    int64        `json:"most_in_a_minute" col:"most in 60 s"` // connections that began
	Place                    // where the last of these began
	Pattern     string       `json:"pattern" col:"away, first to last s"` // the first times that it was away
}

const (
	maxEndings     = 10_000
	maxPattern     = 8
	maxMinuteConns = 1024 // more in a minute count as this
	maxAwayMillis  = int64(30 * 24 * time.Hour / time.Millisecond)
)

// endings follows how connections end and workers come back.
type endings struct {
	tracker *tracker
	rows    []EndingRow
	left    int64
	workers map[string]*comebacks
	others  int64
}

// comebacks are the connections of a worker.
type comebacks struct {
	row     ReconnectRow
	open    int
	ended   bool
	endedAt int64
	away    *histogram
	lives   int64
	life    int64
	begins  []int64 // of the last minute; a ring when full
	next    int
	pattern []string
}

func newEndings(t *tracker) *endings { return &endings{tracker: t, workers: map[string]*comebacks{}} }

func (n *endings) take(e *entry) {
	switch {
	case e.conn == nil:
	case e.Kind == journal.KindOpen:
		n.begin(e)
	case isClose(e):
		n.end(e.conn, e.at, e.Seq, e.Event)
		if w := n.workers[e.conn.key]; w != nil {
			w.end(e)
		}
	}
}

func (n *endings) begin(e *entry) {
	if e.conn.key == "" {
		return // who has no name can't be the one who was there before
	}
	w := n.workers[e.conn.key]
	if w == nil {
		if len(n.workers) >= maxWorkers {
			n.others++
			return
		}
		w = &comebacks{row: ReconnectRow{Worker: e.conn.worker, LifeMin: None}}
		n.workers[e.conn.key] = w
	}
	w.begin(e)
}

func (w *comebacks) begin(e *entry) {
	w.row.Connections++
	w.open++
	if w.row.Connections > 1 {
		w.row.Reconnects++
	}
	if w.open > 1 {
		w.row.Overlaps++
	}
	if w.ended && w.open == 1 {
		away := max(e.at-w.endedAt, 0)
		if w.away == nil {
			w.away = newHistogram(maxAwayMillis)
		}
		w.away.add(away / 1e6)
		w.row.AwayMax = max(w.row.AwayMax, Seconds(away))
		if len(w.pattern) < maxPattern {
			w.pattern = append(w.pattern, Seconds(away).Digits())
		}
	}
	if len(w.begins) < maxMinuteConns {
		w.begins = append(w.begins, e.at)
	} else {
		w.begins[w.next] = e.at
		w.next = (w.next + 1) % maxMinuteConns
	}
	most := int64(0)
	for _, at := range w.begins {
		if e.at-at < int64(time.Minute) {
			most++
		}
	}
	if most > w.row.InMinute {
		w.row.InMinute, w.row.Place = most, e.place()
	}
}

func (w *comebacks) end(e *entry) {
	if w.open == 0 {
		return
	}
	w.open--
	if w.ended = endKnown(e.Event); !w.ended {
		return
	}
	w.endedAt = e.at
	life := e.Time - e.conn.opened
	w.lives++
	w.life += life
	if w.row.LifeMin == None || Seconds(life) < w.row.LifeMin {
		w.row.LifeMin = Seconds(life)
	}
}

// endKnown says whether a connection ended then, and not only what is known of it.
func endKnown(ev *journal.Event) bool {
	return ev != nil && ev.How != "unknown" && ev.How != journal.HowCut
}

// end makes the row of a connection. ev is nil for one that lasts.
func (n *endings) end(c *connection, at int64, seq uint64, ev *journal.Event) {
	if len(n.rows) >= maxEndings {
		n.left++
		return
	}
	began := c.opened - n.tracker.start
	row := EndingRow{Conn: c.id, Worker: c.worker, Began: At(began), Ended: None, Lasted: Seconds(at - began),
		MasterError: c.sides[0].errorText, WorkerError: c.sides[1].errorText}
	if c.speak != nil {
		row.Mixed = c.speak.Conflict()
	}
	if ev == nil {
		if c.speak != nil {
			row.Dialect = c.speak.Candidates().String()
		}
	} else {
		row.Ended, row.How, row.By, row.Dialect, row.EndSeq = At(at), ev.How, ev.By, ev.Dialect, seq
		row.Undelivered, row.Error = ev.S2CUndelivered+ev.C2SUndelivered, ev.Error
	}
	n.rows = append(n.rows, row)
}

func (n *endings) finish(p *Profile) {
	for _, c := range n.tracker.open() {
		n.end(c, p.end(), 0, nil)
	}
	slices.SortFunc(n.rows, func(a, b EndingRow) int { return cmp.Or(cmp.Compare(a.Conn, b.Conn), cmp.Compare(a.Began, b.Began)) })
	p.Endings, p.Reconnects = append([]EndingRow{}, n.rows...), []ReconnectRow{}
	for _, name := range sortedKeys(n.workers) {
		w := n.workers[name]
		r := w.row
		r.AwayP50, r.LifeMean = None, None
		if w.away != nil {
			r.AwayP50 = AboutSeconds(int64(w.away.quantiles().p50) * 1e6)
			r.AwayP50 = min(r.AwayP50, AboutSeconds(r.AwayMax))
		} else {
			r.AwayMax = None
		}
		if w.lives > 0 {
			r.LifeMean = Seconds(w.life / w.lives)
		}
		r.Pattern = strings.Join(w.pattern, " ")
		p.Reconnects = append(p.Reconnects, r)
	}
	p.leftOut("endings", n.left, "the connections that ended first")
	if n.others > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("reconnects has the first %d workers only.", maxWorkers))
	}
}
