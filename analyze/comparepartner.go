package analyze

import "slices"

// likely pairs those that are left over and say mostly the same: the worker has
// another name, or lost it.
func (c *comparer) likely(pairs []*pairing) []*pairing {
	var left [2][]*pairing
	for _, p := range pairs {
		for side, v := range p.conns {
			if v == nil && len(left[1-side]) < maxSorted {
				left[1-side] = append(left[1-side], p)
			}
		}
	}
	for _, a := range left[0] {
		x, best, most := a.conns[0], -1, int32(0)
		for i, b := range left[1] {
			if y := b.conns[1]; x.sketch.alike(y.sketch)*2 >= max(len(x.sketch), len(y.sketch)) {
				if score := c.pairScore(x, y); score > most {
					best, most = i, score
				}
			}
		}
		if best >= 0 {
			b := left[1][best]
			a.conns[1], b.conns[1] = b.conns[1], nil
			left[1] = slices.Delete(left[1], best, best+1)
		}
	}
	return slices.DeleteFunc(pairs, func(p *pairing) bool { return p.conns == [2]*surveyed{} })
}

// maxSorted bounds the connections of a worker among which the best partners
// are looked for: of more, the first are taken.
const maxSorted = 2000

// pairs pairs a group: in order, and where one journal has more connections,
// such that what is in them fits best.
func (g *group) pairs(c *comparer) []*pairing {
	a, b := g.conns[0], g.conns[1]
	var partner []int // of each in a, -1 without
	if len(a) == len(b) || len(a) > maxSorted || len(b) > maxSorted {
		for i := range a {
			if i >= len(b) {
				i = -1
			}
			partner = append(partner, i)
		}
	} else {
		partner = c.bestPartners(a, b)
	}
	var out []*pairing
	used := make([]bool, len(b))
	for i, j := range partner {
		p := &pairing{conns: [2]*surveyed{a[i], nil}, worker: g.worker}
		if j >= 0 {
			p.conns[1], used[j] = b[j], true
		}
		out = append(out, p)
	}
	for j, v := range b {
		if !used[j] {
			out = append(out, &pairing{conns: [2]*surveyed{nil, v}, worker: g.worker})
		}
	}
	return out
}

// bestPartners pairs all of the shorter list, in order.
func (c *comparer) bestPartners(a, b []*surveyed) []int {
	score := make([][]int32, len(a)+1) // of what is left of both from here on
	for i := range score {
		score[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			score[i][j] = max(score[i+1][j], score[i][j+1], c.pairScore(a[i], b[j])+score[i+1][j+1])
		}
	}
	var out []int
	i, j := 0, 0
	for ; i < len(a) && j < len(b); i++ {
		for j < len(b) && score[i][j] == score[i][j+1] && score[i][j] != c.pairScore(a[i], b[j])+score[i+1][j+1] {
			j++
		}
		if j < len(b) && score[i][j] == c.pairScore(a[i], b[j])+score[i+1][j+1] {
			out = append(out, j)
			j++
			continue
		}
		out = append(out, -1)
	}
	for ; i < len(a); i++ {
		out = append(out, -1)
	}
	return out
}

// pairScore says how well two connections fit: what they say, and, where several
// say the same, how they ended and when they began. That any two are better than
// none makes sure that all are paired that can be.
func (c *comparer) pairScore(a, b *surveyed) int32 {
	score := int32(a.sketch.alike(b.sketch)) * 4
	if c.sameEnd(a, b) {
		score += 2
	}
	began := (b.first - c.began[1]) - int64(float64(a.first-c.began[0])/c.speed())
	if max(began, -began) <= int64(DefaultLate) {
		score++
	}
	return maxSorted*(4*sketchSize+3) + 1 + score
}
