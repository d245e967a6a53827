package replay

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
)

// typingStream has the whole list of who is typing in a room in each row. Its
// writer keeps of each room the last one only, in memory, so that is all that who
// asks for missed rows is given: nothing of a room that has changed again since.
const typingStream = "typing"

// newestTyping gives the newest rows of each room with tokens above from up to
// upto, limit of them at most unless that is 0. Cut says that there are more.
func (s *spool) newestTyping(from, upto int64, limit int) (rows []Row, cut bool, err error) {
	if from >= upto {
		return nil, false, nil
	}
	rooms := map[string]Row{}
	err = s.each(typingStream, from, math.MaxInt64, func(row Row, _ int64) bool {
		room := roomOf(row.JSON)
		if newest, ok := rooms[room]; !ok || row.Token >= newest.Token {
			rooms[room] = Row{Token: row.Token, JSON: slices.Clone(row.JSON)}
		}
		return true
	})
	for _, row := range rooms {
		if row.Token <= upto {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Token, b.Token) })
	if limit > 0 && len(rows) > limit {
		rows, cut = rows[:limit], true
	}
	return rows, cut, err
}

// roomOf is the first member of a row; a row that has none is its own room.
func roomOf(row []byte) string {
	var members []json.RawMessage
	if json.Unmarshal(row, &members) != nil || len(members) == 0 {
		return string(row)
	}
	return string(members[0])
}

// missed are the rows that a master up to 1.12 gives to who has missed them, limit of
// them at most unless that is 0.
func (s *spool) missed(stream string, from, upto int64, limit int) ([]Row, error) {
	if stream == typingStream {
		rows, _, err := s.newestTyping(from, upto, limit)
		return rows, err
	}
	return s.rows(stream, from, upto, limit)
}
