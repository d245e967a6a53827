package analyze

import (
	"math/bits"
	"slices"
	"time"
)

// judged says whether it counts when a line comes. What a line was cut off to comes
// with the end of its connection, which has times of its own.
func (l *lane) judged(p *pass, a *item) bool {
	c := p.c
	return c.timed() && (c.run == nil || l.dir == playedSide(c.run)) && a.flags&(itemFirst|itemCut) == 0
}

// lateness is how much later than recorded a line came, both from the beginning
// of its connection and from that of all.
func (l *lane) lateness(p *pass, a, b *item) time.Duration {
	speed := p.c.speed()
	since := func(begin [2]int64) int64 {
		return (b.time - begin[1]) - int64(float64(a.time-begin[0])/speed)
	}
	return time.Duration(min(since(l.pair.begins), since(p.c.began)))
}

// timing notes how late a line came.
func (l *lane) timing(p *pass, a, b *item) {
	if !l.judged(p, a) {
		return
	}
	late := l.lateness(p, a, b)
	if late <= p.c.opts.Late {
		l.late = nil
		return
	}
	if l.late == nil {
		l.late = p.found.add(l.difference(Late, 1, l.place(0, a), l.place(1, b), ""))
	} else {
		p.found.grow(l.late, 1)
	}
	l.late.LateUs = max(l.late.LateUs, late.Microseconds())
}

// timed says whether there is a schedule to keep.
func (c *comparer) timed() bool { return c.opts.Late >= 0 && (c.run == nil || c.run.Speed > 0) }

// speed is how much faster than recorded a run went.
func (c *comparer) speed() float64 {
	if c.run == nil || c.run.Speed <= 0 {
		return 1
	}
	return c.run.Speed
}

// lagCounts counts lags by their size, in steps of about 3 %.
type lagCounts struct {
	counts map[int]int64
	n      int64
	max    int64
}

const lagSteps = 32 // of a doubling

func (l *lagCounts) add(ns int64) {
	if l.counts == nil {
		l.counts = map[int]int64{}
	}
	ns = max(0, ns)
	l.n++
	l.max = max(l.max, ns)
	l.counts[lagStep(ns)]++
}

func lagStep(ns int64) int {
	if ns < lagSteps {
		return int(ns)
	}
	up := bits.Len64(uint64(ns)) - bits.Len(lagSteps)
	return up*lagSteps + int(ns>>up)
}

// lagOf is the largest lag that counts in a step.
func lagOf(step int) int64 {
	if step < 2*lagSteps {
		return int64(step)
	}
	up := step/lagSteps - 1
	return int64(step-up*lagSteps+1)<<up - 1
}

// at is the lag that a part of them are not above.
func (l *lagCounts) at(part float64) int64 {
	steps := make([]int, 0, len(l.counts))
	for s := range l.counts {
		steps = append(steps, s)
	}
	slices.Sort(steps)
	left := int64(part * float64(l.n))
	for _, s := range steps {
		if left -= l.counts[s]; left < 0 {
			return min(lagOf(s), l.max)
		}
	}
	return l.max
}

// times tells how long streams took to catch up.
func (c *comparer) times(pairs []*pairing) {
	lag := &c.surveys[1].lag
	c.out.Lag = LagUs{P50: lag.at(0.5) / 1000, P99: lag.at(0.99) / 1000, Max: lag.max / 1000}
	if c.run != nil && c.run.Lag != nil { // of all that was sent, and not of samples
		c.out.Lag = LagUs(*c.run.Lag)
	}
	for _, p := range pairs {
		for _, k := range p.catchUps(c) {
			if len(c.out.CatchUp) < maxCatchUps {
				c.out.CatchUp = append(c.out.CatchUp, k)
			}
		}
	}
}
