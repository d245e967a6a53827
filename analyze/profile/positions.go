package profile

import (
	"cmp"
	"slices"

	"repltap/wire"
)

// PositionRow is the POSITIONs of one instance in one stream, to all
// connections. Each is one of: an answer to the connection's own REPLICATE, an
// announcement since another worker sent one, an advance, a no-op that says what
// was known, or backwards, lower than where the worker was.
//
// Where a worker stands is what came over its connections so far; of the first
// POSITION for a worker that is not known, nor whether it fetches. A would-fetch
// is a query that a worker of such a release makes on this POSITION, if it has
// what it was sent and whatever it fetched. From 1.97 on no-op POSITIONs are
// thrown away before that. Only federation senders fetch federation, and a
// process that was started anew stands where the database does: what depends on
// either and is not known may fetch.
type PositionRow struct {
	Stream        string  `json:"stream" col:"stream"`
	Instance      string  `json:"instance" col:"instance"`
	Positions     int64   `json:"positions" col:"positions"`
	Answers       int64   `json:"answers" col:"answer"`
	Announcements int64   `json:"announcements" col:"announce"`
	Advances      int64   `json:"advances" col:"advance"`
	NoOps         int64   `json:"no_ops" col:"no-op"`
	Backwards     int64   `json:"backwards" col:"backwards"`
	Fetch122      int64   `json:"would_fetch_before_1_96" col:"would fetch <1.96"`
	Fetch196      int64   `json:"would_fetch_1_96" col:"1.96"`
	Fetch197      int64   `json:"would_fetch_from_1_97" col:">=1.97"`
	May           int64   `json:"may_fetch" col:"may fetch"` // would, if the worker were known to send federation, or to be the process it was before it reconnected
	OverRows      int64   `json:"over_rows" col:"over rows"` // say there are no rows where there were some
	FetchShare    Percent `json:"would_fetch_percent" col:"% fetch <1.96"`
}

// PositionOutlier is a POSITION that goes back, would make receivers fetch, or
// skips rows that some connection shows, or many tokens.
type PositionOutlier struct {
	Place
	Worker   string `json:"worker" col:"worker"`
	Stream   string `json:"stream" col:"stream"`
	Instance string `json:"instance" col:"instance"`
	What     string `json:"what" col:"what"`       // backwards, would-fetch, may-fetch, over-rows, or no-rows, that says so of 10 tokens and more
	Current  Count  `json:"current" col:"current"` // where the worker was; of over-rows the token of the row
	Prev     int64  `json:"prev" col:"prev"`
	Token    int64  `json:"token" col:"token"`
	Tokens   int64  `json:"tokens" col:"tokens"`     // to fetch, gone back, or skipped
	Releases string `json:"releases" col:"releases"` // that would fetch
	RowSeq   uint64 `json:"row_seq" col:"row at"`    // over-rows: the record of the row
}

const (
	maxPositionOutliers = 200 // of each kind
	longSkip            = 10  // tokens without rows are told
	maxSkips            = 64  // of an instance in a stream, that later rows are held against
	maxSkipRows         = 256 // the last rows of it, that a skip is held against
)

// fetchRules are the releases that are told apart.
var fetchRules = [3]wire.TokenRule{
	wire.TokenRuleOf(wire.MustRelease("1.66.0")), wire.TokenRuleOf(wire.MustRelease("1.96.0")), wire.TokenRuleOf(wire.MustRelease("1.97.0")),
}

var fetchReleases = [8]string{1: "1.22–1.95", 2: "1.96", 3: "1.22–1.96", 4: "1.97 on", 5: "all but 1.96", 6: "1.96 on", 7: "1.22 on"}

// positions follows POSITIONs.
type positions struct {
	tracker *tracker
	counts  []*positionCount
	odd     map[string]*largest[PositionOutlier]
	pending []pendingFetch
}

type positionCount struct {
	writer  *writer
	row     PositionRow
	skips   []skip
	next    int   // of skips, when full
	top     int64 // no skip reaches higher
	rows    [maxSkipRows]shownRow
	nextRow int
}

// skip is a POSITION that says there are no rows in between.
type skip struct {
	place      Place
	worker     string
	prev, upto int64
	told       bool
}

type shownRow struct {
	token int64
	seq   uint64
}

func newPositions(t *tracker) *positions {
	return &positions{tracker: t, odd: map[string]*largest[PositionOutlier]{}}
}

func (p *positions) take(e *entry) {
	switch s := &e.step; s.kind {
	case stepGroup:
		// Only the first showing of a row counts, and what is older than that.
		if n := p.count(s.writer); s.front || s.leads {
			n.rows[n.nextRow%maxSkipRows] = shownRow{s.token, e.Seq}
			n.nextRow++
			p.over(n, s.token, e.Seq)
		} else {
			p.over(n, s.token, e.Seq)
		}
	case stepPosition:
		p.position(e, p.count(s.writer))
	}
}

func (p *positions) count(w *writer) *positionCount {
	for len(p.counts) <= w.index {
		p.counts = append(p.counts, nil)
	}
	if p.counts[w.index] == nil {
		p.counts[w.index] = &positionCount{writer: w}
	}
	return p.counts[w.index]
}

// over holds a row against the skips before it.
func (p *positions) over(n *positionCount, token int64, seq uint64) {
	if token > n.top {
		return
	}
	for i := range n.skips {
		if k := &n.skips[i]; !k.told && token > k.prev && token <= k.upto {
			p.skipped(n, k, shownRow{token, seq})
		}
	}
}

func (p *positions) skipped(n *positionCount, k *skip, row shownRow) {
	k.told = true
	n.row.OverRows++
	p.list("over-rows").add(k.upto-k.prev, func() PositionOutlier {
		return PositionOutlier{Place: k.place, Worker: k.worker, Stream: n.writer.stream, Instance: n.writer.instance, What: "over-rows",
			Current: Count(row.token), Prev: k.prev, Token: k.upto, Tokens: k.upto - k.prev, RowSeq: row.seq}
	})
}

func (p *positions) list(what string) *largest[PositionOutlier] {
	l := p.odd[what]
	if l == nil {
		l = &largest[PositionOutlier]{limit: maxPositionOutliers}
		p.odd[what] = l
	}
	return l
}

func (p *positions) position(e *entry, n *positionCount) {
	s := &e.step
	r := &n.row
	r.Positions++
	back := s.knewWorker && s.writer.rule.Move != wire.MoveZero && s.token < s.current
	old := e.Gist.Form == wire.FormPosition2
	switch {
	case back:
		r.Backwards++
		p.tell(e, "backwards", s.current-s.token, "")
	case s.answers:
		r.Answers++
	case s.announce:
		r.Announcements++
	case s.knew && s.token <= s.from:
		r.NoOps++
	default:
		r.Advances++
	}
	if !old {
		p.fetches(e, n)
	}
	if s.reset {
		n.skips, n.next, n.top, n.nextRow = n.skips[:0], 0, 0, 0
	}
	if e.Gist.HasPrev && s.prev < s.token {
		p.skip(e, n)
	}
}

// fetches says who would fetch.
func (p *positions) fetches(e *entry, n *positionCount) {
	s := &e.step
	if !s.knewWorker {
		return
	}
	who := 0
	for i, rule := range fetchRules {
		if !rule.Redundant(s.writer.rule.Move, s.connected, s.token, s.current) && rule.Missed(s.prev, s.token, s.current) && s.token != s.current {
			who |= 1 << i
		}
	}
	if who == 0 {
		return
	}
	f := pendingFetch{count: n, who: who, row: p.outlier(e, "would-fetch", abs(s.token-s.current), fetchReleases[who])}
	if s.writer.stream == federationStream {
		f.sender = p.tracker.roleOf(e.conn)
	}
	if !s.connected && e.conn.again {
		f.life = p.tracker.lifeOf(e.conn)
	}
	switch {
	case f.sender == nil && f.life == nil:
		p.fetched(&f)
	case len(p.pending) < maxPending:
		p.pending = append(p.pending, f)
	default:
		n.row.May++
	}
}

// fetched counts a POSITION by what is known of its worker.
func (p *positions) fetched(f *pendingFetch) {
	if f.life != nil && f.life.anew() {
		return
	}
	r := &f.count.row
	if f.sender != nil && !f.sender.sender || f.life != nil && !f.life.same() {
		r.May++
		if f.life != nil {
			f.row.What = "may-fetch"
			p.list(f.row.What).add(f.row.Tokens, func() PositionOutlier { return f.row })
		}
		return
	}
	for i, n := range []*int64{&r.Fetch122, &r.Fetch196, &r.Fetch197} {
		*n += int64(f.who >> i & 1)
	}
	p.list(f.row.What).add(f.row.Tokens, func() PositionOutlier { return f.row })
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

func (p *positions) tell(e *entry, what string, weight int64, releases string) {
	p.list(what).add(weight, func() PositionOutlier { return p.outlier(e, what, weight, releases) })
}

func (p *positions) outlier(e *entry, what string, weight int64, releases string) PositionOutlier {
	s := &e.step
	return PositionOutlier{Place: e.place(), Worker: e.conn.worker, Stream: s.writer.stream, Instance: s.writer.instance, What: what,
		Current: Count(s.current), Prev: s.prev, Token: s.token, Tokens: weight, Releases: releases}
}

// skip notes a range that is said to have no rows, once for all connections, and
// holds it against the rows that were shown.
func (p *positions) skip(e *entry, n *positionCount) {
	s := &e.step
	for i := range n.skips {
		if n.skips[i].prev == s.prev && n.skips[i].upto == s.token {
			return
		}
	}
	if s.token-s.prev >= longSkip {
		p.tell(e, "no-rows", s.token-s.prev, "")
	}
	k := skip{place: e.place(), worker: e.conn.worker, prev: s.prev, upto: s.token}
	for i := range min(n.nextRow, maxSkipRows) {
		if row := n.rows[i]; row.token > k.prev && row.token <= k.upto {
			p.skipped(n, &k, row)
			break
		}
	}
	n.top = max(n.top, k.upto)
	if len(n.skips) < maxSkips {
		n.skips = append(n.skips, k)
		return
	}
	n.skips[n.next] = k
	n.next = (n.next + 1) % maxSkips
}

func (p *positions) finish(out *Profile) {
	out.Positions = []PositionRow{}
	for i := range p.pending {
		p.fetched(&p.pending[i])
	}
	for _, n := range p.counts {
		if n == nil || n.row.Positions == 0 {
			continue
		}
		row := n.row
		row.Stream, row.Instance = n.writer.stream, n.writer.instance
		row.FetchShare = share(row.Fetch122, row.Positions)
		out.Positions = append(out.Positions, row)
	}
	slices.SortFunc(out.Positions, func(a, b PositionRow) int {
		return cmp.Or(cmp.Compare(b.Positions, a.Positions), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Instance, b.Instance))
	})
	out.PositionOutliers = []PositionOutlier{}
	left := int64(0)
	for _, what := range sortedKeys(p.odd) {
		l := p.odd[what]
		out.PositionOutliers = append(out.PositionOutliers, l.inOrder()...)
		left += l.seen - int64(len(l.rows))
	}
	slices.SortFunc(out.PositionOutliers, func(a, b PositionOutlier) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.What, b.What))
	})
	out.leftOut("position_outliers", left, "the largest of each kind")
}
