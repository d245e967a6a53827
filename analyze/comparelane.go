package analyze

import "repltap/wire"

// lane is the lines of one stream and writer, or of one command, that went one
// way over two connections that are compared.
type lane struct {
	pair             *pairState
	dir              wire.Direction
	name             string
	stream, instance string

	wait  [2]queue
	left  [2]int64 // lines that are still to come
	tryAt int      // how many lines wait when it is looked for where the lanes meet again

	prev   [2]mark // the last two lines that are the same
	holes  []*hole // what has no counterpart
	within bool    // the last hole is not over yet
	held   int     // items in holes
	late   *Difference
}

// mark is a place without its line.
type mark struct {
	seq  uint64
	time int64
}

// hole is a place of a lane where lines of either journal have no counterpart.
type hole struct {
	items [2][]item
	more  [2]int64 // that were only counted
	prev  [2]mark  // the lines before
	tail  bool     // nothing of the lane comes after it
}

const (
	firstTry = 32
	meeting  = 16     // lines in a row that are the same: here they have met again
	maxHole  = 256    // lines of a hole that are kept after its end is known
	maxHoles = 20_000 // lines kept in all holes of a lane
)

// maxWindow is how many lines of a lane are looked at at once. It is a variable
// for tests.
var maxWindow = 65_536

// queue is first in, first out.
type queue struct {
	items []item
	head  int
}

func (q *queue) len() int      { return len(q.items) - q.head }
func (q *queue) all() []item   { return q.items[q.head:] }
func (q *queue) push(it *item) { q.items = append(q.items, *it) }

func (q *queue) drop(n int) {
	clear(q.items[q.head : q.head+n])
	q.head += n
	switch {
	case q.head == len(q.items):
		q.items, q.head = q.items[:0], 0
	case q.head > 1024 && q.head > len(q.items)/2:
		q.items, q.head = append([]item(nil), q.items[q.head:]...), 0
	}
}

// take takes the next item of one journal.
func (l *lane) take(p *pass, side int, it item) {
	l.left[side]--
	mine, other := &l.wait[side], &l.wait[1-side]
	switch {
	case mine.len() == 0 && other.len() > 0 && other.all()[0].sum == it.sum:
		if side == 0 {
			l.same(p, &it, &other.all()[0])
		} else {
			l.same(p, &other.all()[0], &it)
		}
		l.drop(p, 1-side, 1)
	case mine.len() == 0 && other.len() == 0 && l.left[1-side] <= 0:
		l.lone(p, side, &it)
	default:
		it.keep()
		mine.push(&it)
		p.waiting[side]++
	}
	l.settle(p, false)
}

// skip passes over an item that is not compared.
func (l *lane) skip(p *pass, side int) {
	l.left[side]--
	l.settle(p, false)
}

func (l *lane) drop(p *pass, side, n int) {
	l.wait[side].drop(n)
	p.waiting[side] -= n
}

// settle gets rid of what need not wait any more.
func (l *lane) settle(p *pass, final bool) {
	for {
		a, b := &l.wait[0], &l.wait[1]
		n, m := a.len(), b.len()
		switch {
		case n == 0 && m == 0:
			return
		case n == 0 || m == 0:
			side := 0
			if n == 0 {
				side = 1
			}
			if !final && l.left[1-side] > 0 {
				return
			}
			for i := range l.wait[side].all() {
				l.lone(p, side, &l.wait[side].all()[i])
			}
			l.drop(p, side, max(n, m))
			return
		case a.all()[0].sum == b.all()[0].sum:
			l.same(p, &a.all()[0], &b.all()[0])
			l.drop(p, 0, 1)
			l.drop(p, 1, 1)
		case !l.meet(p, n, m, final || l.left[0] <= 0 && l.left[1] <= 0):
			return
		}
	}
}

// emit settles items of which some are the same.
func (l *lane) emit(p *pass, a, b []item, pairs [][2]int) {
	i, j := 0, 0
	for _, m := range pairs {
		for ; i < m[0]; i++ {
			l.lone(p, 0, &a[i])
		}
		for ; j < m[1]; j++ {
			l.lone(p, 1, &b[j])
		}
		l.same(p, &a[i], &b[j])
		i, j = i+1, j+1
	}
	for ; i < len(a); i++ {
		l.lone(p, 0, &a[i])
	}
	for ; j < len(b); j++ {
		l.lone(p, 1, &b[j])
	}
}

// lone takes an item without a counterpart.
func (l *lane) lone(p *pass, side int, it *item) {
	if !l.within {
		if l.held > maxHoles || p.held > 10*maxHoles {
			l.sortHoles(p)
		}
		l.holes, l.within = append(l.holes, &hole{prev: l.prev}), true
	}
	h := l.holes[len(l.holes)-1]
	if len(h.items[side]) >= maxHole && (l.left[1-side] <= 0 || len(h.items[side]) >= maxHoles) {
		h.more[side]++
		return
	}
	it.keep()
	h.items[side] = append(h.items[side], *it)
	l.held++
	p.held++
}

// same takes two items that are the same, but for what is not in their sums.
func (l *lane) same(p *pass, a, b *item) {
	l.within = false
	l.prev = [2]mark{{a.seq, a.time}, {b.seq, b.time}}
	last := &l.pair.last[l.dir-wire.S2C]
	last[0], last[1] = max(last[0], a.seq), max(last[1], b.seq)
	if why := l.unlike(p, a, b); why != "" {
		p.found.add(l.difference(Changed, 1, l.place(0, a), l.place(1, b), why))
	}
	l.timing(p, a, b)
}

// unlike says what is not the same of two items of the same sum.
func (l *lane) unlike(p *pass, a, b *item) string {
	off := b.token - a.token
	switch both := a.flags & b.flags; {
	case both&itemFirst != 0 && !p.c.run.Rebased:
		if off != 0 && (a.flags|b.flags)&itemImplied == 0 {
			return "the stream begins at another token"
		}
	case both&itemShifted != 0 && (a.flags^b.flags)&itemToken == 0:
		key := l.stream + "\x00" + l.instance
		s := p.shifts[key]
		if s == nil {
			s = &shift{}
			p.shifts[key] = s
		}
		if !s.known {
			s.known, s.by = true, off
		}
		if off != s.by {
			return "the token is off by another number than those before"
		}
	}
	return ""
}
