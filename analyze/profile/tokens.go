package profile

import (
	"cmp"
	"iter"
	"slices"

	"repltap/wire"
)

// TokenRow is the tokens of one instance in one stream, of one generation: where
// they begin anew, the next one begins. Those after the sixteenth are together.
//
// Each worker is sent the same rows, at its own pace. What is counted once here
// is counted when it first came: a group of rows (all of one token) counts on the
// connection that got its token before all others. Groups whose token is not new
// count on the connection that the newest token came on, so that what goes back
// or repeats counts once too. What a worker asks for again, up to 1.12, does not
// count. Lines are those of all connections.
type TokenRow struct {
	Stream      string `json:"stream" col:"stream"`
	Instance    string `json:"instance" col:"instance"`
	Generation  Count  `json:"generation" col:"generation"` // 2 where the tokens began anew once; none for the first
	First       Count  `json:"first" col:"first"`           // token of a row or POSITION
	Last        Count  `json:"last" col:"last"`
	FirstAt     At     `json:"first_at_s" col:"at s"`
	LastAt      At     `json:"last_at_s" col:"at s"`
	Lines       int64  `json:"lines" col:"lines"` // RDATA to all connections
	Rows        int64  `json:"rows" col:"rows"`   // each once
	Groups      int64  `json:"groups" col:"groups"`
	GroupP50    Count  `json:"group_rows_p50" col:"rows p50"`
	GroupP99    Count  `json:"group_rows_p99" col:"p99"`
	GroupMax    Count  `json:"group_rows_max" col:"max"`
	Cut         int64  `json:"cut_groups" col:"cut"` // whose last row never came
	Gaps        int64  `json:"gaps" col:"gaps"`      // POSITIONs that begin beyond what the connection was shown
	GapTokens   int64  `json:"gap_tokens" col:"tokens"`
	Regressions int64  `json:"regressions" col:"backwards"` // rows with a lower token than the one before
	RegressMax  Count  `json:"regression_max" col:"by max"`
	Resets      int64  `json:"resets" col:"resets"` // POSITIONs lower than before
	Repeats     int64  `json:"repeats" col:"repeats"`

	fell       fall // how the generation began, if it is not the first
	persistent bool // the tokens are kept in the database
	falls      bool // and may yet be lower once the master is started again
}

// TokenGapRow is a place where the tokens of a stream do not go on as they
// should. Of streams whose tokens go back and forth by nature (caches, backfill)
// rows that go back are only counted.
type TokenGapRow struct {
	Place
	Worker     string `json:"worker" col:"worker"`
	Stream     string `json:"stream" col:"stream"`
	Instance   string `json:"instance" col:"instance"`
	Generation Count  `json:"generation" col:"generation"` // of the tokens: none for the first
	What       string `json:"what" col:"what"`             // gap, regression, reset, cut
	From       int64  `json:"from" col:"from"`
	To         int64  `json:"to" col:"to"`
	Tokens     int64  `json:"tokens" col:"tokens"`       // between them; of a cut group its rows
	Elsewhere  bool   `json:"elsewhere" col:"elsewhere"` // another connection was shown what is missing here
}

const maxTokenGaps = 300

// tokens follows the tokens of all streams.
type tokens struct {
	counts [][]*tokenCount // by the writer's index and the generation
	odd    map[string]*largest[TokenGapRow]
}

type tokenCount struct {
	writer                          *writer
	fell                            fall
	first, last, firstAt, lastAt    int64
	any                             bool
	lines, rows, groups, cut        int64
	sizes                           *histogram
	single                          int64 // groups of one row, nearly all of them
	gaps, gapTokens, gapFrom, gapTo int64
	regressions, regress            int64
	resets, repeats                 int64
}

func newTokens() *tokens { return &tokens{odd: map[string]*largest[TokenGapRow]{}} }

func (t *tokens) take(e *entry) {
	s := &e.step
	if s.kind == noStep {
		return
	}
	n := t.count(s.cursor)
	switch s.kind {
	case stepRow:
		n.lines++
	case stepGroup:
		n.lines++
		t.saw(e, n)
		t.group(e, n)
	case stepPosition:
		t.saw(e, n)
		t.position(e, n)
	}
}

// maxGenerations is how many generations of a writer's tokens are told apart.
const maxGenerations = 16

func (t *tokens) count(c *cursor) *tokenCount {
	w := c.writer
	for len(t.counts) <= w.index {
		t.counts = append(t.counts, nil)
	}
	of := &t.counts[w.index]
	generation := min(int(c.epoch), maxGenerations-1)
	for len(*of) <= generation {
		*of = append(*of, nil)
	}
	n := (*of)[generation]
	if n == nil {
		n = &tokenCount{writer: w}
		if c.epoch == w.epoch {
			n.fell = w.fell
		}
		(*of)[generation] = n
	}
	return n
}

// saw notes the first and the last token.
func (t *tokens) saw(e *entry, n *tokenCount) {
	if !n.any {
		n.any, n.first, n.firstAt = true, e.step.token, e.at
	}
	if e.step.leads {
		n.last, n.lastAt = e.step.token, e.at
	}
}

func (t *tokens) group(e *entry, n *tokenCount) {
	s := &e.step
	if !s.leads || s.catching && !s.front {
		return
	}
	n.groups++
	n.rows += s.rows
	if s.rows == 1 {
		n.single++
	} else {
		if n.sizes == nil {
			n.sizes = newHistogram(maxGroup)
		}
		n.sizes.add(s.rows)
	}
	switch {
	case s.catching:
	case s.again:
		n.repeats++
	case s.knew && s.token < s.from:
		n.regressions++
		n.regress = max(n.regress, s.from-s.token)
		if !unordered(s.writer) {
			t.tell(e, "regression", s.from, s.token, s.from-s.token)
		}
	}
}

// maxGroup is the largest group that is told apart from larger ones.
const maxGroup = 1 << 20

func (t *tokens) position(e *entry, n *tokenCount) {
	s := &e.step
	if s.cut > 0 {
		n.cut++
		t.tell(e, "cut", s.from, s.token, s.cut)
	}
	switch {
	case s.reset:
		n.resets++
		from := s.writer.fell.from
		t.tell(e, "reset", from, s.token, from-s.token)
	case s.knew && s.connected && s.prev > s.reached && !silent(s.writer):
		// Each connection may have the same one.
		if s.reached != n.gapFrom || s.prev != n.gapTo {
			n.gaps++
			n.gapTokens += s.prev - s.reached
			n.gapFrom, n.gapTo = s.reached, s.prev
		}
		t.tell(e, "gap", s.reached, s.prev, s.prev-s.reached)
	}
}

func (t *tokens) tell(e *entry, what string, from, to, weight int64) {
	l := t.odd[what]
	if l == nil {
		l = &largest[TokenGapRow]{limit: maxTokenGaps}
		t.odd[what] = l
	}
	s := &e.step
	l.add(weight, func() TokenGapRow {
		return TokenGapRow{Place: e.place(), Worker: e.conn.worker, Stream: s.writer.stream, Instance: s.writer.instance,
			Generation: generationOf(s.epoch), What: what, From: from, To: to, Tokens: weight, Elsewhere: what == "gap" && s.hadSeen && s.wasHigh >= to}
	})
}

// all is what was counted, with the generation.
func (t *tokens) all() iter.Seq2[int, *tokenCount] {
	return func(yield func(int, *tokenCount) bool) {
		for _, of := range t.counts {
			for generation, n := range of {
				if n != nil && (n.any || n.lines > 0) && !yield(generation, n) {
					return
				}
			}
		}
	}
}

func (t *tokens) finish(p *Profile) {
	p.Tokens = []TokenRow{}
	for generation, n := range t.all() {
		row := TokenRow{
			Generation: generationOf(int64(generation)), fell: n.fell, persistent: n.writer.known != nil && n.writer.known.Persistent(),
			falls:  n.writer.known != nil && n.writer.known.Tokens&wire.TokensFall != 0,
			Stream: n.writer.stream, Instance: n.writer.instance, First: None, Last: None, FirstAt: None, LastAt: None,
			Lines: n.lines, Rows: n.rows, Groups: n.groups, GroupP50: None, GroupP99: None, GroupMax: None, Cut: n.cut,
			Gaps: n.gaps, GapTokens: n.gapTokens, Regressions: n.regressions, RegressMax: None, Resets: n.resets, Repeats: n.repeats,
		}
		if n.any {
			row.First, row.Last, row.FirstAt, row.LastAt = Count(n.first), Count(n.last), At(n.firstAt), At(n.lastAt)
		}
		if n.regressions > 0 {
			row.RegressMax = Count(n.regress)
		}
		if n.groups > 0 {
			q := n.sizes.withOnes(n.single)
			row.GroupP50, row.GroupP99, row.GroupMax = Count(q.p50), Count(q.p99), Count(q.max)
		}
		p.Tokens = append(p.Tokens, row)
	}
	slices.SortFunc(p.Tokens, func(a, b TokenRow) int {
		return cmp.Or(cmp.Compare(b.Lines, a.Lines), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Generation, b.Generation))
	})
	p.TokenGaps = []TokenGapRow{}
	left := int64(0)
	for _, what := range sortedKeys(t.odd) {
		l := t.odd[what]
		p.TokenGaps = append(p.TokenGaps, l.inOrder()...)
		left += l.seen - int64(len(l.rows))
	}
	slices.SortFunc(p.TokenGaps, func(a, b TokenGapRow) int { return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.What, b.What)) })
	p.leftOut("token_gaps", left, "the largest of each kind")
}
