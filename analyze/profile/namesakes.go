package profile

import (
	"strconv"
	"strings"

	"repltap/analyze/namesake"
)

// NamesakeRow is connections that call themselves by one name at the same time:
// two processes, of which each says that it is that worker.
type NamesakeRow struct {
	Worker string  `json:"worker" col:"worker"`
	AtOnce int64   `json:"at_once" col:"at once"`   // the most that spoke at a time
	Conns  string  `json:"connections" col:"conns"` // their numbers
	Place          // of the first word of the second
	Until  At      `json:"until_s" col:"until s"`   // when no two of them spoke any more
	Lasted Seconds `json:"lasted_s" col:"lasted s"` // from the first to the last time that two did
}

const maxConnsListed = 20

// namesakeRows are the groups of a journal that starts at start.
func namesakeRows(s *namesake.Set, start int64) []NamesakeRow {
	out := []NamesakeRow{}
	for _, g := range s.Groups {
		var conns []string
		for _, c := range g.Conns[:min(len(g.Conns), maxConnsListed)] {
			conns = append(conns, strconv.FormatUint(c, 10))
		}
		if len(g.Conns) > maxConnsListed {
			conns = append(conns, "…")
		}
		out = append(out, NamesakeRow{
			Worker: clip(g.Worker, maxWorkerName), AtOnce: int64(g.AtOnce), Conns: strings.Join(conns, " "),
			Place: Place{Seq: g.From.Seq, Conn: g.From.Conn, At: At(g.From.Time - start), Time: Time(g.From.Time)},
			Until: At(g.To - start), Lasted: Seconds(g.To - g.From.Time),
		})
	}
	return out
}

// namesakes is processes that claim to be one worker.
func (h *highlighter) namesakes() {
	for i := range h.p.Namesakes {
		r := &h.p.Namesakes[i]
		h.problem("namesakes", r.Place, "%s connections call themselves %s at the same time, from %s s to %s s: connections %s. Each worker needs a name of its own.",
			capital(number(r.AtOnce)), r.Worker, r.At.Digits(), r.Until.Digits(), are(strings.Fields(r.Conns)))
	}
}

// number is a small number in words.
func number(n int64) string {
	if n >= 2 && n <= 4 {
		return [...]string{"two", "three", "four"}[n-2]
	}
	return strconv.FormatInt(n, 10)
}

func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
