package replay

import (
	"bytes"
	"cmp"
	"slices"
)

// page gives the rows of a stream with tokens above from up to upto as a master from
// 1.13 on does: about limit of them, but all of one token or nothing of it. Cut says
// that there are more, and that all up to the last one's token are there. So it is
// those with the lowest tokens, by token, although some streams write theirs out of
// order. A page that is not cut has the order in which they were written.
func (s *spool) page(stream string, from, upto int64, limit int) (rows []Row, cut bool, err error) {
	if stream == typingStream {
		return s.newestTyping(from, upto, limit)
	}
	full, end := 2*limit, int64(0)
	shorten := func() {
		slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.Token, b.Token) })
		n := limit
		for n < len(rows) && rows[n].Token == rows[n-1].Token {
			n++
		}
		if n < len(rows) {
			clear(rows[n:])
			rows, cut = rows[:n], true
		}
		full, end = 2*n, s.noLower(stream, rows[n-1].Token)
	}
	err = s.each(stream, from, upto, func(row Row, next int64) bool {
		if cut && row.Token > rows[len(rows)-1].Token && len(rows) <= full/2 {
			return next < end
		}
		row.JSON = bytes.Clone(row.JSON)
		if rows = append(rows, row); len(rows) > full {
			shorten()
		}
		return !cut || next < end
	})
	if cut || len(rows) > limit {
		shorten()
	}
	return rows, cut, err
}

// noLower is where in the file the rows of a stream begin of which none has a token
// that is as low as that.
func (s *spool) noLower(stream string, token int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := s.end + int64(len(s.buf))
	if st := s.streams[stream]; st != nil {
		for _, mark := range slices.Backward(st.marks) {
			if mark.low <= token {
				return end
			}
			end = mark.offset
		}
	}
	return 0
}
