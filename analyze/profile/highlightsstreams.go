package profile

import "fmt"

// positions is POSITIONs that skip rows, that cost, or go back.
func (h *highlighter) positions() {
	var fetches [3]int64
	var skips, back int64
	var costs, backs *PositionRow
	for i := range h.p.Positions {
		r := &h.p.Positions[i]
		fetches[0], fetches[1], fetches[2] = fetches[0]+r.Fetch122, fetches[1]+r.Fetch196, fetches[2]+r.Fetch197
		skips, back = skips+r.OverRows, back+r.Backwards
		if r.Fetch122 > 0 && (costs == nil || r.Fetch122 > costs.Fetch122) {
			costs = r
		}
		if r.Backwards > 0 && (backs == nil || r.Backwards > backs.Backwards) {
			backs = r
		}
	}
	over := h.outlier("over-rows", nil)
	if o := over; o != nil {
		h.problem("position_outliers", o.Place, "A POSITION of %s by %s says there are no rows from %d to %d, and there was one, %s: receivers that believe it lose such rows.",
			o.Stream, o.Instance, o.Prev, o.Token, times(skips))
	}
	if o := h.outlier("no-rows", nil); o != nil && o.Tokens >= wideSkip && (over == nil || o.Seq != over.Seq) {
		h.note("position_outliers", o.Place, "A POSITION of %s by %s says there are no rows in %d tokens, from %d to %d; if that is not so, they are lost.",
			o.Stream, o.Instance, o.Tokens, o.Prev, o.Token)
	}
	h.fetching(fetches, costs)
	if backs != nil && back >= manyBack {
		at := nowhere
		if o := h.outlier("backwards", backs); o != nil {
			at = o.Place
		}
		h.note("positions", at, "%s went backwards, below where the worker was; %d of them of %s by %s.", many(back, "POSITION"), backs.Backwards, backs.Stream, backs.Instance)
	}
}

// fetching is POSITIONs on which workers fetch rows, by how often in each group
// of releases, and the row of the most.
func (h *highlighter) fetching(fetches [3]int64, costs *PositionRow) {
	if costs == nil {
		if o := h.outlier("may-fetch", nil); o != nil && o.Token > int64(o.Current) {
			h.note("position_outliers", o.Place, "A worker that came back may have to fetch rows, if it is the process that it was: the widest is of %s for worker %s, from %s to %d.",
				o.Stream, or(o.Worker, "(no name)"), o.Current.Digits(), o.Token)
		}
		return
	}
	at, wide := nowhere, ""
	if o := h.outlier("would-fetch", costs); o != nil {
		at = o.Place
	}
	if o := h.outlier("would-fetch", nil); o != nil && o.Token > int64(o.Current) {
		wide = fmt.Sprintf(", and the widest is of %s for worker %s, from %s to %d", o.Stream, or(o.Worker, "(no name)"), o.Current.Digits(), o.Token)
	}
	how := fmt.Sprintf("%s before 1.96, %s in 1.96, %s from 1.97 on", times(fetches[0]), times(fetches[1]), times(fetches[2]))
	if fetches[0] == fetches[1] && fetches[0] == fetches[2] {
		how = times(fetches[0])
	}
	h.note("positions", at, "POSITIONs would make receivers fetch rows, %s, all workers together; %d are of %s by %s%s.",
		how, costs.Fetch122, costs.Stream, costs.Instance, wide)
}

// manyBack is how many POSITIONs that go back are no restart of a master.
const manyBack = 10

// wideSkip is how many tokens are many for one POSITION to say that they have no
// rows.
const wideSkip = 100

// outlier is the POSITION of that kind with most tokens; of a row's stream and
// instance where one is given.
func (h *highlighter) outlier(what string, of *PositionRow) *PositionOutlier {
	var out *PositionOutlier
	for i := range h.p.PositionOutliers {
		o := &h.p.PositionOutliers[i]
		if o.What == what && (of == nil || o.Stream == of.Stream && o.Instance == of.Instance) && (out == nil || o.Tokens > out.Tokens) {
			out = o
		}
	}
	return out
}

// tokens is where the tokens of a stream do not go on.
func (h *highlighter) tokens() {
	var cuts, others int64
	var cut, widest *TokenGapRow
	for i := range h.p.TokenGaps {
		g := &h.p.TokenGaps[i]
		if g.What == "cut" {
			if cuts++; cut == nil || g.Tokens > cut.Tokens {
				cut = g
			}
		} else if others++; widest == nil || g.Tokens > widest.Tokens {
			widest = g
		}
	}
	if cut != nil {
		h.note("token_gaps", cut.Place, "A group of rows was cut before the one that brings its token, %s; the largest is %s of %s for worker %s.",
			times(cuts), many(cut.Tokens, "row"), cut.Stream, or(cut.Worker, "(no name)"))
	}
	if widest != nil {
		h.note("token_gaps", widest.Place, "%s where tokens do not go on; the widest is a %s of %s from %d to %d, for worker %s.",
			many(others, "place"), widest.What, widest.Stream, widest.From, widest.To, or(widest.Worker, "(no name)"))
	}
}

// behind is workers that got things later than others.
func (h *highlighter) behind() {
	if c := greatest(h.p.CatchUps, func(c *CatchUpRow) int64 { return int64(max(c.Of10k, 0)) }); c != nil && c.Of10k >= nearFallen {
		h.problem("catch_ups", c.Place, "Worker %s asked for %s from %d tokens back: a master up to 1.11 gives up at 10000 rows, one of 1.12 at 500000, with “has fallen behind”.",
			or(c.Worker, "(no name)"), c.Stream, c.Distance)
	}
	if l := greatest(h.p.Lags, func(l *LagRow) int64 { return int64(l.Max) }); l != nil && l.Max > Millis(farBehind) {
		h.note("lags", l.Place, "The furthest behind was worker %s: %s ms in stream %s.", or(l.Worker, "(no name)"), l.Max.Digits(), l.Stream)
	}
}

// nearFallen is how near to the limit of 10,000 rows is worth telling.
const nearFallen = Percent(80e4)

// farBehind is a lag worth telling, in nanoseconds.
const farBehind = 100e6
