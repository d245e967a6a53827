package analyze

import "math"

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
	case final && whole, upto == 0 && enough >= maxWindow:
		if !(final && whole) {
			p.far = true
			a, b = lower(a, b)
			pairs = pairs[:0]
		}
		l.emit(p, a, b, pairs)
		l.drop(p, 0, len(a))
		l.drop(p, 1, len(b))
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
