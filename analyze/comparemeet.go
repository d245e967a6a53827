package analyze

import (
	"math"
	"slices"
)

// meet looks for where lanes that are out of step meet again, and settles all
// up to there. It reports whether it did.
func (l *lane) meet(p *pass, n, m int, final bool) bool {
	enough := min(n, m)
	switch {
	case l.left[0] <= 0:
		enough = m
	case l.left[1] <= 0:
		enough = n
	}
	if !final && enough < l.tryAt {
		return false
	}
	a, b := l.wait[0].all(), l.wait[1].all()
	a, b = a[:min(n, maxWindow)], b[:min(m, maxWindow)]
	whole := len(a) == n && len(b) == m
	pairs := align(a, b)
	upto := len(pairs)
	if !final || !whole {
		upto = lastMeeting(pairs, l.left[0] <= 0 && len(a) == n && len(pairs) == n || l.left[1] <= 0 && len(b) == m && len(pairs) == m)
	}
	switch {
	case final && whole && len(pairs) > 0, final && whole && max(n, m) < meeting:
		l.emit(p, a, b, pairs)
		l.drop(p, 0, len(a))
		l.drop(p, 1, len(b))
	case upto == 0 && (final || enough >= maxWindow):
		l.part(p, a, b)
	case upto > 0:
		end := pairs[upto-1]
		l.emit(p, a[:end[0]+1], b[:end[1]+1], pairs[:upto])
		l.drop(p, 0, end[0]+1)
		l.drop(p, 1, end[1]+1)
	default:
		l.tryAt = max(l.tryAt, enough) * 2
		l.tryAt = min(l.tryAt, maxWindow)
		return false
	}
	l.tryAt = firstTry
	return true
}

// part settles two windows that have too little in common for them to meet: up to
// where they have the same tokens, if they do, as rows that changed, and else by
// giving up what can be given up.
func (l *lane) part(p *pass, a, b []item) {
	pairs := align(byToken(a), byToken(b))
	if upto := lastMeeting(pairs, false); upto > 0 {
		end := pairs[upto-1]
		l.emit(p, a[:end[0]+1], b[:end[1]+1], pairs[:upto])
		l.drop(p, 0, end[0]+1)
		l.drop(p, 1, end[1]+1)
		return
	}
	p.far = p.far || l.left[0] > 0 || l.left[1] > 0 || len(a) < l.wait[0].len() || len(b) < l.wait[1].len()
	a, b = lower(a, b)
	l.emit(p, a, b, nil)
	l.drop(p, 0, len(a))
	l.drop(p, 1, len(b))
}

// byToken is a list of items as if there were nothing but tokens.
func byToken(items []item) []item {
	out := make([]item, len(items))
	for i := range items {
		if out[i].sum = 1; items[i].flags&itemToken != 0 {
			out[i].sum = uint64(items[i].token) << 1
		}
	}
	return out
}

// relieve settles lanes that are out of step when too much waits in all. It
// reports false if that does not help: what waits is on one side only.
func (p *pass) relieve() bool {
	var lanes []*lane
	waiting := 0
	for _, s := range p.pairs {
		for _, l := range s.order {
			if n, m := l.wait[0].len(), l.wait[1].len(); n > 0 && m > 0 {
				lanes = append(lanes, l)
				waiting += n + m
			}
		}
	}
	if waiting < maxWaiting/2 {
		return false
	}
	size := func(l *lane) int { return min(l.wait[0].len(), l.wait[1].len()) }
	slices.SortFunc(lanes, func(a, b *lane) int { return size(b) - size(a) })
	for _, l := range lanes {
		if p.waiting[0]+p.waiting[1] < maxWaiting/2 {
			break
		}
		l.press(p)
	}
	return p.waiting[0]+p.waiting[1] <= maxWaiting*3/4
}

// press settles what waits in a lane that is out of step, and must not wait any
// longer.
func (l *lane) press(p *pass) {
	for l.wait[0].len() > 0 && l.wait[1].len() > 0 {
		a, b := l.wait[0].all(), l.wait[1].all()
		a, b = a[:min(len(a), maxWindow)], b[:min(len(b), maxWindow)]
		pairs := align(a, b)
		if upto := lastMeeting(pairs, false); upto > 0 {
			end := pairs[upto-1]
			l.emit(p, a[:end[0]+1], b[:end[1]+1], pairs[:upto])
			l.drop(p, 0, end[0]+1)
			l.drop(p, 1, end[1]+1)
		} else {
			l.part(p, a, b)
		}
	}
	l.tryAt = firstTry
	l.settle(p, false)
}

// lower is what to give up of two windows that have nothing in common: the one
// of which all tokens are below those of the other, or both.
func lower(a, b []item) (_, _ []item) {
	lowA, highA := tokens(a)
	lowB, highB := tokens(b)
	switch {
	case highA < lowB:
		return a, nil
	case highB < lowA:
		return nil, b
	}
	return a, b
}

// tokens is the lowest and the highest token.
func tokens(items []item) (low, high int64) {
	low, high = math.MaxInt64, math.MinInt64
	for i := range items {
		if items[i].flags&itemToken != 0 {
			low, high = min(low, items[i].token), max(high, items[i].token)
		}
	}
	return low, high
}

// lastMeeting is how many pairs there are up to the end of the last run that is
// long enough, or all when nothing more can come.
func lastMeeting(pairs [][2]int, all bool) int {
	if all {
		return len(pairs)
	}
	run := 1
	for i := len(pairs) - 1; i > 0; i-- {
		if pairs[i][0] != pairs[i-1][0]+1 || pairs[i][1] != pairs[i-1][1]+1 {
			run = 1
		} else if run++; run >= meeting {
			return i + run - 1
		}
	}
	return 0
}
