package profile

import "slices"

// mark notes that a token came first at a time. There is one mark a microsecond
// at most, and when there are too many, every second one of the older half goes:
// the older a token is, the less exactly it is known when it came.
func (w *writer) mark(token, at int64) {
	if n := len(w.marks); n > 0 && at-w.marks[n-1].at < microsecond {
		w.marks[n-1].token = token
		return
	}
	if len(w.marks) >= w.marking {
		half := len(w.marks) / 2
		kept := 0
		for i := 1; i < half; i += 2 {
			w.marks[kept] = w.marks[i]
			kept++
		}
		w.marks = append(w.marks[:kept], w.marks[half:]...)
	}
	w.marks = append(w.marks, mark{token, at})
}

// came is when a token, or one after it, came first; false when it is not known.
// It may be later than that by the distance of two marks.
func (w *writer) came(token int64) (int64, bool) {
	i, _ := slices.BinarySearchFunc(w.marks, token, func(m mark, token int64) int {
		if m.token < token {
			return -1
		}
		return 1
	})
	if i == len(w.marks) {
		return 0, false
	}
	return w.marks[i].at, true
}
