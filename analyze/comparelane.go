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

	first   [2]*Place // the first POSITION of the stream, if this is its lane and both say the same
	crossed int64     // rows on the other side of that, with what it says
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
	meeting  = 16   // lines in a row that are the same: here they have met again
	maxHole  = 256  // lines of a hole that are kept after its end is known
	maxHoles = 8192 // lines kept in all holes of a lane
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
	case mine.len() == 0 && other.len() > 0 && other.all()[0].sum == it.sum && !(side == 1 && l.mistaken(p, other.all(), &it)):
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

// mistaken says whether a line that would be late is rather the next one in the
// recorded journal, which is just the same, or can be: then it is the first that
// is missing. Some must be, if fewer are to come.
func (l *lane) mistaken(p *pass, list []item, b *item) bool {
	if int64(len(list))+l.left[0] <= 1+int64(max(0, l.wait[1].len()-1))+l.left[1] || !l.judged(p, &list[0]) || l.lateness(p, &list[0], b) <= p.c.opts.Late {
		return false
	}
	if len(list) == 1 {
		return l.left[0] > 0
	}
	return list[1].sum == b.sum && l.lateness(p, &list[1], b) <= p.c.opts.Late
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
		case a.all()[0].sum == b.all()[0].sum && l.mistaken(p, a.all(), &b.all()[0]):
			if n == 1 {
				return // the next one is to come
			}
			l.lone(p, 0, &a.all()[0])
			l.drop(p, 0, 1)
		case a.all()[0].sum == b.all()[0].sum:
			l.same(p, &a.all()[0], &b.all()[0])
			l.drop(p, 0, 1)
			l.drop(p, 1, 1)
		case !l.meet(p, n, m, final || l.left[0] <= 0 && l.left[1] <= 0):
			return
		}
	}
}

// emit settles items of which some are the same, or stand in each other's place.
func (l *lane) emit(p *pass, a, b []item, pairs [][2]int) {
	i, j := 0, 0
	for _, m := range pairs {
		for ; i < m[0]; i++ {
			l.lone(p, 0, &a[i])
		}
		for ; j < m[1]; j++ {
			l.lone(p, 1, &b[j])
		}
		if a[i].sum == b[j].sum {
			l.same(p, &a[i], &b[j])
		} else {
			l.other(p, &a[i], &b[j])
		}
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

// other takes two items that stand in each other's place.
func (l *lane) other(p *pass, a, b *item) {
	l.meets(a, b)
	if p.found.full() {
		p.found.tally(Changed)
		return
	}
	p.found.add(l.difference(Changed, 1, l.place(0, a), l.place(1, b), ""))
}

// meets notes where the lanes go on together.
func (l *lane) meets(a, b *item) {
	l.within = false
	l.prev = [2]mark{{a.seq, a.time}, {b.seq, b.time}}
	last := &l.pair.last[l.dir-wire.S2C]
	for side, it := range [2]*item{a, b} {
		if it.seq > last[side].seq {
			last[side] = mark{it.seq, it.time}
		}
	}
}

// same takes two items that are the same, but for what is not in their sums.
func (l *lane) same(p *pass, a, b *item) {
	l.meets(a, b)
	if kind, why := l.unlike(p, a, b); why != "" {
		p.found.add(l.difference(kind, 1, l.place(0, a), l.place(1, b), why))
	} else if both := a.flags & b.flags; both&itemFirst != 0 && a.token == b.token {
		l.first = [2]*Place{l.place(0, a), l.place(1, b)}
	} else if (a.flags^b.flags)&itemSaid != 0 {
		l.crossed++
	}
	l.timing(p, a, b)
}

// unlike says what is not the same of two items of the same sum.
func (l *lane) unlike(p *pass, a, b *item) (kind, why string) {
	off := b.token - a.token
	switch both := a.flags & b.flags; {
	case both&itemFirst != 0 && !p.c.run.Rebased:
		return firstUnlike(a, b)
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
			return Changed, "the token is off by another number than those before"
		}
	}
	return "", ""
}

// firstUnlike says what is not the same of the first POSITION of a stream. With
// another token it may stand among the first rows, where it agrees with them:
// then that with the lower token came before them.
func firstUnlike(a, b *item) (kind, why string) {
	late := b
	if b.token < a.token {
		late = a
	}
	switch {
	case a.token == b.token && (a.flags^b.flags)&itemBehind != 0:
		return Reordered, "it stands at another place among the rows"
	case a.token == b.token:
	case (a.flags|b.flags)&itemBehind != 0, late.flags&itemImplied == 0:
		return Changed, "the stream begins at another token"
	}
	return "", ""
}
