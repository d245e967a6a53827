package analyze

import "slices"

// align finds items that two lists have in common, in order: the longest such
// list where that is cheap to find, and else one that begins with what each list
// has only once. It gives pairs of indices.
func align(a, b []item) [][2]int {
	var out [][2]int
	alignRange(a, b, 0, 0, &out)
	return out
}

// alignRange appends the pairs of a and b, which begin at i0 and j0.
func alignRange(a, b []item, i0, j0 int, out *[][2]int) {
	head := 0
	for head < len(a) && head < len(b) && a[head].sum == b[head].sum {
		*out = append(*out, [2]int{i0 + head, j0 + head})
		head++
	}
	a, b, i0, j0 = a[head:], b[head:], i0+head, j0+head
	tail := 0
	for tail < len(a) && tail < len(b) && a[len(a)-1-tail].sum == b[len(b)-1-tail].sum {
		tail++
	}
	inner, other := a[:len(a)-tail], b[:len(b)-tail]
	alignInner(inner, other, i0, j0, out)
	for k := range tail {
		*out = append(*out, [2]int{i0 + len(inner) + k, j0 + len(other) + k})
	}
}

// maxTable is how large a table of the exact method may become.
const maxTable = 1 << 20

func alignInner(a, b []item, i0, j0 int, out *[][2]int) {
	if len(a) == 0 || len(b) == 0 {
		return
	}
	if len(a)*len(b) <= maxTable {
		alignExact(a, b, i0, j0, out)
		return
	}
	i, j := 0, 0
	for _, m := range anchors(a, b) {
		alignRangeOrNot(a[i:m[0]], b[j:m[1]], i0+i, j0+j, out)
		*out = append(*out, [2]int{i0 + m[0], j0 + m[1]})
		i, j = m[0]+1, m[1]+1
	}
	if i > 0 {
		alignRangeOrNot(a[i:], b[j:], i0+i, j0+j, out)
	}
}

// alignRangeOrNot leaves alone what is too large and has no anchors.
func alignRangeOrNot(a, b []item, i0, j0 int, out *[][2]int) {
	if len(a) > 0 && len(b) > 0 {
		alignRange(a, b, i0, j0, out)
	}
}

// alignExact finds a longest common list with a table.
func alignExact(a, b []item, i0, j0 int, out *[][2]int) {
	width := len(b) + 1
	table := make([]int32, (len(a)+1)*width) // of what is left from here on
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i].sum == b[j].sum {
				table[i*width+j] = table[(i+1)*width+j+1] + 1
			} else {
				table[i*width+j] = max(table[(i+1)*width+j], table[i*width+j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].sum == b[j].sum:
			*out = append(*out, [2]int{i0 + i, j0 + j})
			i, j = i+1, j+1
		case table[(i+1)*width+j] >= table[i*width+j+1]:
			i++
		default:
			j++
		}
	}
}

// anchors are what is in each list exactly once, as far as it is in order: the
// longest rising list of their places.
func anchors(a, b []item) [][2]int {
	type places struct{ i, j, n, m int }
	seen := make(map[uint64]*places, len(a))
	for i := range a {
		p := seen[a[i].sum]
		if p == nil {
			p = &places{i: i}
			seen[a[i].sum] = p
		}
		p.n++
	}
	for j := range b {
		if p := seen[b[j].sum]; p != nil {
			p.j = j
			p.m++
		}
	}
	var both [][2]int
	for _, p := range seen {
		if p.n == 1 && p.m == 1 {
			both = append(both, [2]int{p.i, p.j})
		}
	}
	slices.SortFunc(both, func(x, y [2]int) int { return x[0] - y[0] })
	return rising(both)
}

// rising is the longest list of pairs of which the second rise too.
func rising(pairs [][2]int) [][2]int {
	var ends []int // the index of the pair that ends the best list of each length
	before := make([]int, len(pairs))
	for k, p := range pairs {
		n, _ := slices.BinarySearchFunc(ends, p[1], func(e, v int) int { return pairs[e][1] - v })
		before[k] = -1
		if n > 0 {
			before[k] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, k)
		} else {
			ends[n] = k
		}
	}
	if len(ends) == 0 {
		return nil
	}
	out := make([][2]int, len(ends))
	for k, n := ends[len(ends)-1], len(ends)-1; k >= 0; k, n = before[k], n-1 {
		out[n] = pairs[k]
	}
	return out
}
