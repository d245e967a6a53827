package analyze

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"repltap/journal"
)

// What up to 1.12 another worker asked for in a run than the recorded one. What
// it was sent is then not the same, without anything being wrong.

// asking is what two workers asked for in different ways.
type asking struct {
	apart map[string]bool  // streams that are not compared
	from  map[string]int64 // the higher of the tokens that they asked for a stream from, where these differ
}

// asked finds that out of two connections.
func (c *comparer) asked(pairs []*pairing) {
	if c.run == nil || ofWorker(c.run) {
		return
	}
	for _, p := range pairs {
		a, b := p.conns[0], p.conns[1]
		if a == nil || b == nil || !a.caught.subscribes() || !b.caught.subscribes() {
			continue
		}
		p.asking = asking{apart: map[string]bool{}, from: map[string]int64{}}
		for stream, is := range b.caught.asked {
			was, both := a.caught.asked[stream]
			if !both {
				p.asking.apart[stream] = true
			} else if x, y := was.token(), is.token(); x != y {
				p.asking.from[stream] = max(x, y)
			}
		}
		if _, asks := b.caught.asked[federation]; !asks && a.caught.has(federation) {
			p.asking.apart[federation] = true
		}
		c.tellApart(p)
	}
}

// federation is asked for by those workers that send to other servers, which is a
// matter of their configuration. All others are asked for by all of a kind.
const federation = "federation"

// tellApart says what is not compared, and takes it out of the counts.
func (c *comparer) tellApart(p *pairing) {
	var extra []string
	for stream := range p.asking.apart {
		for side, v := range p.conns {
			c.side(side).Lines -= v.linesOf(stream)
			if _, asks := v.caught.asked[stream]; side == 1 && asks {
				extra = append(extra, stream)
			}
		}
	}
	slices.Sort(extra)
	if len(extra) > 0 {
		c.note(named(p.worker, p.conns[:1]) + " asked for more streams than it did when it was recorded, which are not compared: " + strings.Join(extra, ", "))
	}
	if len(extra) < len(p.asking.apart) {
		c.note(named(p.worker, p.conns[:1]) + " sent to other servers when it was recorded, and does not in the run: stream federation is not compared")
	}
}

// linesOf is how many lines are about a stream.
func (v *surveyed) linesOf(stream string) (n int64) {
	for _, lanes := range v.lanes {
		n += lanes[stream] + lanes["first POSITION "+stream] + lanes["REPLICATE "+stream]
	}
	return n
}

// subscribes reports whether streams were asked for one by one.
func (k *catching) subscribes() bool { return k.bare == 0 && len(k.asked) > 0 && !k.has("ALL") }

func (k *catching) has(stream string) bool {
	_, has := k.asked[stream]
	return has
}

// token is where somebody asked from: NOW is behind all.
func (a *asked) token() int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(a.text), 10, 64)
	if err != nil {
		return math.MaxInt64
	}
	return n
}

// skips reports whether a row is one that only one of two workers asked for.
func (p *pairing) skips(rec *journal.Record, it *item) bool {
	from, differ := p.asking.from[string(rec.Gist.Stream)]
	return differ && it.flags&itemCaughtUp != 0 && it.token <= from
}
