package profile

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"repltap/journal"
	"repltap/wire"
)

// FindingRow is all findings of one code, with the first of them.
type FindingRow struct {
	Code     string `json:"code" col:"code"`
	Severity string `json:"severity" col:"severity"`   // "violation" (E-), "warning" (W-), "information" (I-)
	Count    int64  `json:"count" col:"how often"`     // with those that are only counted in the journal
	Told     int64  `json:"told" col:"in the journal"` // how many stand there with a line of their own
	Conns    int64  `json:"connections" col:"conns"`   // on how many connections; it is not counted further than 10,000
	Meaning  string `json:"meaning" col:"what it is"`  // "" for a code that this program does not know
	Place           // of the first
	Worker   string `json:"worker" col:"worker"`
	Dir      string `json:"direction" col:"dir"`
	Topic    string `json:"topic" col:"what"`         // the line's stream, else its command, else what kind of record it is
	Line     string `json:"line" col:"first line"`    // as far as it is shown
	Detail   string `json:"detail" col:"what is odd"` // about the first
	Verdict  string `json:"verdict" col:"a receiver"` // what a receiver does with it
	Reply    string `json:"reply" col:"and answers"`
	Length   Count  `json:"line_length" col:"bytes of it,wide"` // of the line without its newline
}

const (
	maxCodes       = 200
	maxFindingText = 120 // bytes of a line, and of a reply, that are shown
)

// severities are the kinds of codes by their first letter, the worst first.
var severities = []struct{ letter, name string }{{"E", "violation"}, {"W", "warning"}, {"I", "information"}}

// findings counts what the judge found odd when the journal was made.
type findings struct {
	codes  map[string]*findingCount
	reveal bool
	mask   *wire.Redactor
}

type findingCount struct {
	row  FindingRow
	last *connection // on which it was found last: connections are counted by turns
	seen map[uint64]struct{}
}

// maxFindingConns is how many connections are told apart for each code.
const maxFindingConns = 10000

func newFindings(o Options) *findings {
	return &findings{codes: map[string]*findingCount{}, reveal: o.Reveal, mask: wire.NewMask(wire.RedactPersonal)}
}

func (f *findings) take(e *entry) {
	for i := range e.Findings {
		f.found(e, &e.Findings[i])
	}
}

func (f *findings) found(e *entry, found *wire.Finding) {
	fresh := false
	c := bounded(f.codes, found.Code, maxCodes, func() *findingCount {
		fresh = true
		return &findingCount{seen: map[uint64]struct{}{}}
	})
	if fresh {
		c.row = f.first(e, found)
	}
	c.row.Told++
	c.row.Count += int64(max(found.Count, 1))
	if e.conn != c.last && e.conn != nil {
		c.last = e.conn
		if _, ok := c.seen[e.Conn]; !ok && len(c.seen) < maxFindingConns {
			c.seen[e.Conn] = struct{}{}
			c.row.Conns++
		}
	}
}

// first is the row of a code, by the first finding of it.
func (f *findings) first(e *entry, found *wire.Finding) FindingRow {
	row := FindingRow{
		Meaning: meanings[found.Code], Place: e.place(), Topic: e.Kind.String(),
		Detail: clip(found.Detail, 4*maxFindingText), Verdict: clip(found.Verdict, maxFindingText), Length: None,
	}
	if e.conn != nil {
		row.Worker = e.conn.worker
	}
	if e.Dir != wire.NoDirection {
		row.Dir = e.Dir.String()
	}
	if e.Kind == journal.KindLine || e.Kind == journal.KindFragment {
		row.Length = Count(lineLength(e.Data))
		row.Line = f.text(e.Data)
	}
	if e.line() {
		row.Topic = e.topic()
	}
	if found.Reply != "" {
		row.Reply = strings.TrimPrefix(f.text([]byte("ERROR "+found.Reply)), "ERROR ")
	}
	if found.Code == wire.CodeUnknownCommand && !f.reveal {
		row.Detail = "" // it quotes the line
	}
	return row
}

// text is as much of a line as is shown: the secrets, people, rooms and texts in
// it are masked unless they are asked for.
func (f *findings) text(line []byte) string {
	line = line[:lineLength(line)]
	if !f.reveal {
		masked, ok := f.mask.Line(nil, line, nil, wire.AllDialects)
		if !ok {
			name, _, _ := strings.Cut(string(line), " ")
			if wire.CommandOf(line) == wire.CmdUnknown {
				name = ""
			}
			return name + "…"
		}
		line = masked
	}
	return clip(string(line), maxFindingText)
}

// clip shortens a text to so many bytes, at a character.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}

func (f *findings) finish(p *Profile) {
	p.Findings = []FindingRow{}
	rank := map[string]int{}
	for code, c := range f.codes {
		c.row.Code = clip(code, maxFindingText)
		for i, s := range severities {
			if strings.HasPrefix(code, s.letter+"-") {
				c.row.Severity, rank[s.name] = s.name, i
			}
		}
		p.Findings = append(p.Findings, c.row)
	}
	rank[""] = len(severities)
	slices.SortFunc(p.Findings, func(x, y FindingRow) int {
		return cmp.Or(cmp.Compare(rank[x.Severity], rank[y.Severity]), cmp.Compare(y.Count, x.Count), cmp.Compare(x.Code, y.Code))
	})
}
