package profile

import (
	"cmp"
	"fmt"
	"slices"
)

// largest keeps the rows of a list that weigh most. Of equals the first stay.
type largest[T any] struct {
	limit int
	seen  int64
	rows  []weighed[T] // a heap, the lightest first
}

type weighed[T any] struct {
	weight int64
	order  int64
	row    T
}

func (a weighed[T]) before(b weighed[T]) bool {
	return a.weight < b.weight || a.weight == b.weight && a.order > b.order
}

// wants says whether a row of that weight would be kept, so that it need not be
// made.
func (l *largest[T]) wants(weight int64) bool {
	return len(l.rows) < l.limit || weight > l.rows[0].weight
}

// add counts a row, and keeps it if it is among the heaviest. make makes it.
func (l *largest[T]) add(weight int64, make func() T) {
	l.seen++
	if !l.wants(weight) {
		return
	}
	w := weighed[T]{weight, l.seen, make()}
	if len(l.rows) < l.limit {
		l.rows = append(l.rows, w)
		for i := len(l.rows) - 1; i > 0 && l.rows[i].before(l.rows[(i-1)/2]); i = (i - 1) / 2 {
			l.rows[i], l.rows[(i-1)/2] = l.rows[(i-1)/2], l.rows[i]
		}
		return
	}
	l.rows[0] = w
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(l.rows); child++ {
			if l.rows[child].before(l.rows[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		l.rows[i], l.rows[least] = l.rows[least], l.rows[i]
		i = least
	}
}

// heaviest are the rows, the heaviest first.
func (l *largest[T]) heaviest() []T {
	return l.sorted(func(a, b weighed[T]) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.order, b.order))
	})
}

// inOrder are the rows as they came.
func (l *largest[T]) inOrder() []T {
	return l.sorted(func(a, b weighed[T]) int { return cmp.Compare(a.order, b.order) })
}

func (l *largest[T]) sorted(by func(a, b weighed[T]) int) []T {
	rows := slices.Clone(l.rows)
	slices.SortFunc(rows, by)
	out := make([]T, len(rows))
	for i := range rows {
		out[i] = rows[i].row
	}
	return out
}

// left says in a note how many rows of a table are not listed.
func (l *largest[T]) left(p *Profile, table string) {
	p.leftOut(table, l.seen-int64(len(l.rows)), "the largest")
}

// leftOut notes how much of a table is not listed.
func (p *Profile) leftOut(table string, n int64, kept string) {
	if n > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%s lists %s; %d more are counted only.", table, kept, n))
	}
}
