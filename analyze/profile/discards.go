package profile

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"

	"repltap/wire"
)

// DiscardRow is rows of one stream that came to a worker and that it threw away,
// as workers of the releases do: because their tokens are not after the one at
// which it was, because no POSITION of the stream had come on the connection, or
// because a POSITION came before the end of their group. Rows that a worker wrote
// itself are not among them.
//
// Lost are those that it does not have from elsewhere: it did not fetch them, as
// far as the POSITIONs say, nor get them before.
type DiscardRow struct {
	Worker     string `json:"worker" col:"worker"`
	Apart      Count  `json:"apart_conn" col:"apart,wide"` // the connection, of which there are two of the name at a time
	Stream     string `json:"stream" col:"stream"`
	Instance   string `json:"instance" col:"instance"`
	Generation Count  `json:"generation" col:"generation"` // of the instance's tokens: none for the first
	Why        string `json:"why" col:"why"`               // old-token, not-connected, batch-cut-short
	Releases   string `json:"releases" col:"in releases"`  // whose workers do so
	Rows       int64  `json:"rows" col:"rows"`
	Lost       int64  `json:"lost" col:"lost"`
	From       Count  `json:"from" col:"from"` // the lowest token, and the highest
	To         Count  `json:"to" col:"to"`
	Current    Count  `json:"current" col:"worker at"` // where the worker was at the first
	Place             // of the first that is lost, else of the first
	Last       At     `json:"last_at_s" col:"last at s"`

	ordered bool // the stream's rows come in the order of their tokens
	fell    fall // how the generation began
}

const (
	maxDiscards = 2000
	maxFetched  = 4  // ranges that a worker fetched, which are remembered
	maxTaken    = 64 // rows of a writer that were taken in, which are remembered
)

// discards counts rows that receivers throw away.
type discards struct {
	rows  map[discardKey]*DiscardRow
	taken []*takenRows // by the writer's index
	early []*earlyRows
	left  int64
}

type discardKey struct {
	worker     string
	writer     int
	generation int64
	why        wire.Reason
}

// uptake is what a worker has of a writer's tokens.
type uptake struct {
	epoch   int64 // the generation in which it was moved last
	base    int64 // it begins there: what is before it has
	fetched [maxFetched]tokenSpan
	next    int
	early   *earlyRows // that came before a POSITION and are not settled
}

// tokenSpan is the tokens after one, up to another.
type tokenSpan struct{ after, upto int64 }

// earlyRows came on a connection before any POSITION of their stream, so that
// the worker threw them away.
type earlyRows struct {
	row       *DiscardRow
	conn      *connection
	rows, top int64
	answered  int64 // POSITIONs that had come on the connection
}

// takenRows is the last rows of a writer that were taken in.
type takenRows struct {
	rows [maxTaken]takenRow
	next int
}

type takenRow struct {
	token int64
	hash  uint64
}

func newDiscards() *discards { return &discards{rows: map[discardKey]*DiscardRow{}} }

// begin notes with which token a worker begins in a generation.
func (u *uptake) begin(epoch, token int64) {
	u.epoch, u.base, u.next = epoch, token, 0
	u.fetched = [maxFetched]tokenSpan{}
}

// fetch notes that a worker asks for tokens.
func (u *uptake) fetch(after, upto int64) {
	u.fetched[u.next%maxFetched] = tokenSpan{after, upto}
	u.next++
}

// has says that a worker has what is at a token of a generation.
func (u *uptake) has(epoch, token int64) bool {
	if u.epoch != epoch {
		return false
	}
	return token <= u.base || slices.ContainsFunc(u.fetched[:], func(s tokenSpan) bool { return s.after < token && token <= s.upto })
}

// rowRule is by which rows are thrown away: from 1.16 on it is the same in all
// releases. Up to 1.12 none are.
var rowRule = wire.TokenRuleOf(ruleRelease)

var discardReleases = map[wire.Reason]string{
	wire.ReasonOldToken: "1.16 on", wire.ReasonNotConnected: "1.13 on", wire.ReasonCutShort: "1.13 on",
}

func (d *discards) take(e *entry) {
	switch s := &e.step; {
	case s.kind == noStep || e.Gist.Form == wire.FormRdata3 || e.Gist.Form == wire.FormPosition2:
	case e.conn.worker != "" && e.conn.worker == s.writer.instance:
	case s.kind == stepRow && !s.connected && s.greeted:
		d.tooEarly(e, 1, 0)
	case s.kind == stepGroup:
		d.group(e)
	case s.kind == stepPosition:
		d.position(e)
	}
}

func (d *discards) group(e *entry) {
	s := &e.step
	switch why := rowRule.Discards(s.connected, s.token, s.current); {
	case why == wire.ReasonNotConnected:
		if s.greeted {
			d.tooEarly(e, 1, s.token)
		}
	case why != wire.ReasonOldToken || !s.knewWorker:
		if s.leads {
			d.ofWriter(s.writer).add(e)
		}
	case d.counts(e):
		row := d.row(e, s.writer, why)
		if row == nil {
			return
		}
		lost := int64(0)
		if !s.standing.has(s.epoch, s.token) && !d.ofWriter(s.writer).has(e) {
			lost = s.rows
		}
		row.count(e, s.rows, lost, s.token)
		switch {
		case s.anew:
			s.cursor.suspect.moveTo(row)
		case s.below == 1:
			s.suspect.row, s.suspect.rows, s.suspect.lost = row, s.rows, lost
		}
	}
}

// moveTo counts a row as one of the generation that it began.
func (x *suspect) moveTo(row *DiscardRow) {
	if x.row == nil {
		return
	}
	x.row.Rows, x.row.Lost = x.row.Rows-x.rows, x.row.Lost-x.lost
	row.Rows, row.Lost, row.From = row.Rows+x.rows, row.Lost+x.rows, min(row.From, Count(x.token))
	if x.place.Seq < row.Seq {
		row.Place = x.place
	}
	x.row = nil
}

// counts says whether a row whose token is not new is thrown away by a worker
// that may speak what the connection does. Up to 1.13 the tokens of some streams
// are not in order, and none are thrown away.
func (d *discards) counts(e *entry) bool {
	s, set := &e.step, e.conn.dialects(&e.Gist)
	if some, _ := wire.DiscardsOldTokens(set); !some {
		return false
	}
	return s.writer.known == nil || s.writer.known.Tokens&wire.TokensUnordered != 0 || s.writer.known.Ordered(set) ||
		s.again || s.below > 0 || s.standing.epoch != s.epoch
}

// tooEarly notes rows that came before a POSITION. What becomes of them is known
// with the next one.
func (d *discards) tooEarly(e *entry, rows, token int64) {
	s := &e.step
	row := d.row(e, s.writer, wire.ReasonNotConnected)
	if row == nil {
		return
	}
	row.count(e, rows, 0, token)
	early := s.standing.early
	if early == nil {
		early = &earlyRows{row: row}
		s.standing.early = early
		d.early = append(d.early, early)
	}
	early.conn, early.answered = e.conn, e.conn.answers
	early.rows, early.top = early.rows+rows, max(early.top, token)
}

func (d *discards) position(e *entry) {
	s := &e.step
	fetches := s.knewWorker && s.token > s.current && rowRule.Missed(s.prev, s.token, s.current)
	if early := s.standing.early; early != nil {
		s.standing.early = nil
		if early.top > s.token || s.knewWorker && !fetches && early.top > s.current {
			early.row.Lost += early.rows
		}
		early.rows = 0
		d.early = slices.DeleteFunc(d.early, func(x *earlyRows) bool { return x == early })
	}
	if s.cut > 0 {
		if row := d.row(e, s.cutOf, wire.ReasonCutShort); row != nil {
			lost := s.cut
			if fetches {
				lost = 0
			}
			row.count(e, s.cut, lost, 0)
		}
	}
}

func (d *discards) row(e *entry, w *writer, why wire.Reason) *DiscardRow {
	s := &e.step
	key := discardKey{e.conn.alone(), w.index, s.epoch, why}
	row := d.rows[key]
	if row == nil {
		if len(d.rows) >= maxDiscards {
			d.left++
			return nil
		}
		row = &DiscardRow{
			Worker: e.conn.worker, Apart: e.conn.apart, Stream: w.stream, Instance: w.instance, Generation: generationOf(s.epoch),
			Why: why.String(), Releases: discardReleases[why], From: None, To: None, Current: None, Place: e.place(),
			ordered: s.writer.known != nil && s.writer.known.Tokens&wire.TokensUnordered == 0,
		}
		if s.knewWorker {
			row.Current = Count(s.current)
		}
		if s.epoch == s.writer.epoch {
			row.fell = s.writer.fell
		}
		d.rows[key] = row
	}
	return row
}

func (r *DiscardRow) count(e *entry, rows, lost, token int64) {
	if lost > 0 && r.Lost == 0 {
		r.Place = e.place()
	}
	r.Rows, r.Lost, r.Last = r.Rows+rows, r.Lost+lost, At(e.at)
	if token == 0 {
		return
	}
	if r.From == None || Count(token) < r.From {
		r.From = Count(token)
	}
	r.To = max(r.To, Count(token))
}

func (d *discards) ofWriter(w *writer) *takenRows {
	for len(d.taken) <= w.index {
		d.taken = append(d.taken, nil)
	}
	if d.taken[w.index] == nil {
		d.taken[w.index] = &takenRows{}
	}
	return d.taken[w.index]
}

func takenOf(e *entry) takenRow { return takenRow{e.step.token, xxhash.Sum64(e.Gist.Row)} }

func (t *takenRows) add(e *entry) {
	t.rows[t.next%maxTaken] = takenOf(e)
	t.next++
}

func (t *takenRows) has(e *entry) bool { return slices.Contains(t.rows[:], takenOf(e)) }

func (d *discards) finish(p *Profile) {
	for _, early := range d.early {
		if early.conn.answers > early.answered { // the master answered, and not for this stream
			early.row.Lost += early.rows
		}
	}
	p.Discards = []DiscardRow{}
	for _, row := range d.rows {
		if row.Rows > 0 {
			p.Discards = append(p.Discards, *row)
		}
	}
	slices.SortFunc(p.Discards, func(a, b DiscardRow) int {
		return cmp.Or(cmp.Compare(b.Lost, a.Lost), cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Why, b.Why))
	})
	p.leftOut("discards", d.left, "the first")
}
