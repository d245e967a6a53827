package analyze

import (
	"math/rand/v2"
	"testing"
)

// TestAlign: what is paired is the same and in order; of short lists it is as
// much as can be.
func TestAlign(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 3000 {
		letters := 1 + r.IntN(8)
		if n%10 == 0 {
			letters = 100_000
		}
		size := 40
		if n%100 == 0 {
			size = 3000 // more than a table holds
		}
		list := func() []item {
			out := make([]item, r.IntN(size))
			for i := range out {
				out[i].sum = uint64(r.IntN(letters))
			}
			return out
		}
		a, b := list(), list()
		if n%3 == 0 { // one made of the other
			b = b[:0]
			for _, it := range a {
				switch r.IntN(12) {
				case 0:
				case 1:
					b = append(b, it, it)
				default:
					b = append(b, it)
				}
			}
		}
		pairs := align(a, b)
		i, j := -1, -1
		for _, p := range pairs {
			if p[0] <= i || p[1] <= j || a[p[0]].sum != b[p[1]].sum {
				t.Fatalf("%v after %d, %d of %v and %v", p, i, j, a, b)
			}
			i, j = p[0], p[1]
		}
		if size < 100 && len(pairs) != longest(a, b) {
			t.Fatalf("%d pairs, there are %d", len(pairs), longest(a, b))
		}
	}
}

func longest(a, b []item) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i := range a {
		for j := range b {
			if table[i+1][j+1] = max(table[i][j+1], table[i+1][j]); a[i].sum == b[j].sum {
				table[i+1][j+1] = table[i][j] + 1
			}
		}
	}
	return table[len(a)][len(b)]
}

func TestLagCounts(t *testing.T) {
	var l lagCounts
	for i := range int64(100_000) {
		l.add(i * 1000)
	}
	for _, part := range []float64{0.01, 0.5, 0.99} {
		if got, want := float64(l.at(part)), part*1e8; got < want*0.96 || got > want*1.05 {
			t.Errorf("%v: %v, want about %v", part, got, want)
		}
	}
	if l.at(1) != l.max || l.max != 99_999_000 {
		t.Error(l.at(1), l.max)
	}
	if (&lagCounts{}).at(0.5) != 0 {
		t.Error("of none")
	}
}
