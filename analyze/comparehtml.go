package analyze

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"repltap/analyze/page"
	"repltap/analyze/safetext"
)

// pageRows is how many differences, and rows of a table, a page shows; JSON has
// more.
const pageRows = 200

// WriteHTML writes a comparison as one self-contained page.
func (c *Comparison) WriteHTML(w io.Writer) error {
	out := &page.Page{
		Title: c.Recorded.Path + " and " + c.Replayed.Path,
		Lead:  "Did the same happen again? A comparison of two journals, stream by stream and writer by writer.",
		Foot:  "Times are UTC. Records are numbered as repltap log --format json shows them (seq).",
	}
	for _, s := range []page.Section{c.verdictSection(), c.differenceSection(), c.connSection(), c.catchUpSection(), c.pauseSection(), c.asideSection()} {
		if len(s.Parts) > 0 {
			out.Sections = append(out.Sections, s)
		}
	}
	return out.Write(w)
}

func (c *Comparison) verdictSection() page.Section {
	about := page.About{}
	for side, j := range []JournalSide{c.Recorded, c.Replayed} {
		about = append(about, page.Fact{Name: sideNames[side], Value: fmt.Sprintf("%s: %s on %s are compared", j.Path, grouped(j.Lines, "line"), grouped(int64(j.Connections), "connection"))})
		if j.Source != "" {
			about = append(about, page.Fact{Name: "its source", Value: j.Source})
		}
	}
	for _, text := range c.Coverage.Text(c.IsRun) {
		name, value, _ := strings.Cut(strings.TrimSpace(text), ": ")
		about = append(about, page.Fact{Name: name, Value: value})
	}
	if c.IsRun && c.Speed > 0 {
		about = append(about, page.Fact{Name: "lag of the driver", Value: fmt.Sprintf("p50 %s, p99 %s, at most %s", DurationText(c.Lag.P50), DurationText(c.Lag.P99), DurationText(c.Lag.Max))})
	}
	s := page.Section{ID: "verdict", Title: "Verdict", Parts: []page.Part{
		page.Verdict{Word: c.Verdict, Why: safetext.String(c.Why), Good: c.Verdict == Same, Bad: c.Verdict == Different}, about,
	}}
	var notes page.List
	for _, n := range c.Notes {
		notes = append(notes, page.Item{Text: safetext.String(n)})
	}
	if notes != nil {
		s.Parts = append(s.Parts, notes)
	}
	return s
}

func (c *Comparison) differenceSection() page.Section {
	s := page.Section{ID: "differences", Title: "Differences", Question: "What is not as it was recorded, and where in both journals?"}
	var cases page.Cases
	for i := range c.Differences[:min(len(c.Differences), pageRows)] {
		d := &c.Differences[i]
		x := page.Case{Kind: d.Kind, Text: d.About()}
		for side, p := range []*Place{d.Recorded, d.Replayed} {
			if p != nil {
				path := []string{c.Recorded.Path, c.Replayed.Path}[side]
				x.Places = append(x.Places, page.CasePlace{Name: sideNames[side], Where: p.where(), Line: p.Line, Command: p.command(path)})
			}
		}
		cases = append(cases, x)
	}
	if cases == nil {
		return s
	}
	s.Parts = append(s.Parts, cases)
	if more := c.Total() - int64(len(cases)); more > 0 {
		s.Parts = append(s.Parts, page.Text{Text: fmt.Sprintf("These are the first of %s; --format json lists more of them.", grouped(c.Total(), "difference")), Note: true})
	}
	return s
}

// where is a place in words.
func (p *Place) where() string {
	out := fmt.Sprintf("connection %d", p.Conn)
	switch {
	case p.Seq == 0:
	case p.After:
		out += fmt.Sprintf(", after record %d", p.Seq)
	default:
		out += fmt.Sprintf(", record %d", p.Seq)
	}
	if p.Time != "" {
		out += ", " + p.Time
	}
	return out
}

// command is what shows a place of a journal, from there on.
func (p *Place) command(journal string) string {
	if p.Time == "" {
		return ""
	}
	if strings.Trim(journal, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,") != "" {
		journal = "'" + strings.ReplaceAll(safetext.String(journal), "'", `'\''`) + "'"
	}
	return fmt.Sprintf("repltap log %s --conn %d --from %s", journal, p.Conn, p.Time)
}

func (c *Comparison) connSection() page.Section {
	count := map[[2]uint64]int{}
	for _, d := range c.Differences {
		var at [2]uint64
		for side, p := range []*Place{d.Recorded, d.Replayed} {
			if p != nil {
				at[side] = p.Conn
			}
		}
		count[at]++
	}
	t := page.Table{Name: "connections", Title: "Connections and how they ended", Columns: []page.Column{
		{Title: "worker"}, {Title: "recorded", Numeric: true}, {Title: "replayed", Numeric: true}, {Title: "lines", Numeric: true},
		{Title: "differences", Numeric: true}, {Title: "ending"}, {Title: "recorded"}, {Title: "replayed"}}}
	for i, p := range c.Connections[:min(len(c.Connections), pageRows)] {
		row := []page.Cell{{Text: p.Worker}, connCell(p.Recorded), connCell(p.Replayed), number(p.Lines), number(int64(count[[2]uint64{p.Recorded, p.Replayed}]))}
		if i < len(c.Endings) {
			e := &c.Endings[i]
			same := ""
			switch {
			case e.Recorded == nil || e.Replayed == nil:
			case e.Same:
				same = "same"
			default:
				same = "different"
			}
			row = append(row, page.Cell{Text: same}, page.Cell{Text: e.Recorded.text()}, page.Cell{Text: e.Replayed.text()})
		} else {
			row = append(row, page.Cell{}, page.Cell{}, page.Cell{})
		}
		t.Rows = append(t.Rows, row)
	}
	t.Note = left(len(c.Connections))
	s := page.Section{ID: "connections", Title: "Connections", Question: "Which were compared with which, and did they end in the same way?", Parts: []page.Part{t}}
	for _, r := range c.Reconnects {
		if r.Recorded != r.Replayed {
			s.Parts = append(s.Parts, page.Text{Text: safetext.String(fmt.Sprintf("Worker %s had %s in the recording and %s in the replay.", r.Worker, grouped(int64(r.Recorded), "connection"), grouped(int64(r.Replayed), "connection")))})
		}
	}
	return s
}

// text is an ending, when, and with which ERROR.
func (e *Ended) text() string {
	switch {
	case e == nil:
		return ""
	case e.How == "open":
		return "open"
	}
	out := e.String() + " after " + DurationText(e.AfterUs)
	if e.Note != "" {
		out += " (" + e.Note + ")"
	}
	if strings.HasPrefix(e.LastS2C, "ERROR") {
		out += ", after " + e.LastS2C
	}
	return out
}

func (c *Comparison) catchUpSection() page.Section {
	s := page.Section{ID: "catch-up", Title: "Catch-up", Question: "How long did streams take from REPLICATE to POSITION?"}
	t := page.Table{Name: "catch-up", Title: "Catch-up of streams", Columns: []page.Column{
		{Title: "stream"}, {Title: "worker"}, {Title: "recorded, ms", Numeric: true}, {Title: "rows", Numeric: true}, {Title: "to token", Numeric: true},
		{Title: "replayed, ms", Numeric: true}, {Title: "rows", Numeric: true}, {Title: "to token", Numeric: true}}}
	for _, k := range c.CatchUp[:min(len(c.CatchUp), pageRows)] {
		row := []page.Cell{{Text: k.Stream}, {Text: k.Worker}}
		for _, u := range []*CaughtUp{k.Recorded, k.Replayed} {
			if u == nil {
				row = append(row, page.Cell{}, page.Cell{}, page.Cell{})
				continue
			}
			ms := strconv.FormatFloat(float64(u.Us)/1000, 'f', 3, 64)
			row = append(row, page.Cell{Text: ms, Value: ms}, number(u.Rows), number(u.Token))
		}
		t.Rows = append(t.Rows, row)
	}
	if t.Note = left(len(c.CatchUp)); t.Rows != nil {
		s.Parts = append(s.Parts, t)
	}
	return s
}

func (c *Comparison) pauseSection() page.Section {
	s := page.Section{ID: "pauses", Title: "Pauses", Question: "How often and how long was the sender held up, and how much waited?"}
	t := page.Table{Name: "pauses", Title: "Pauses of the sender", Columns: []page.Column{{Title: "worker"}}}
	for _, name := range sideNames {
		t.Columns = append(t.Columns, page.Column{Title: name, Numeric: true}, page.Column{Title: "in all"}, page.Column{Title: "longest"}, page.Column{Title: "queue", Numeric: true})
	}
	for _, p := range c.Pauses[:min(len(c.Pauses), pageRows)] {
		row := []page.Cell{{Text: p.Worker}}
		for _, x := range []Pauses{p.Recorded, p.Replayed} {
			row = append(row, number(x.Count), page.Cell{Text: DurationText(x.TotalUs)}, page.Cell{Text: DurationText(x.LongestUs)}, number(x.QueuePeak))
		}
		t.Rows = append(t.Rows, row)
	}
	if t.Note = left(len(c.Pauses)); t.Rows != nil {
		s.Parts = append(s.Parts, t)
	}
	return s
}

func (c *Comparison) asideSection() page.Section {
	s := page.Section{ID: "not-compared", Title: "Not compared", Question: "What was counted only, as users or the other side's rows made it come?"}
	t := page.Table{Name: "not-compared", Title: "Counted and not compared", Columns: []page.Column{
		{Title: "command"}, {Title: "direction"}, {Title: "worker"}, {Title: "recorded", Numeric: true}, {Title: "replayed", Numeric: true}}}
	for _, x := range c.NotCompared[:min(len(c.NotCompared), pageRows)] {
		t.Rows = append(t.Rows, []page.Cell{{Text: x.Command}, {Text: x.Dir}, {Text: x.Worker}, number(x.Recorded), number(x.Replayed)})
	}
	if t.Note = left(len(c.NotCompared)); t.Rows != nil {
		s.Parts = append(s.Parts, t)
	}
	return s
}

func number(n int64) page.Cell {
	digits := strconv.FormatInt(n, 10)
	return page.Cell{Text: page.Grouped(digits), Value: digits}
}

// connCell is a connection's number, where there is one.
func connCell(id uint64) page.Cell {
	if id == 0 {
		return page.Cell{}
	}
	return number(int64(id))
}

// grouped is "1 line", "1,204 lines".
func grouped(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return digits(n) + " " + one + "s"
}

func digits(n int64) string { return page.Grouped(strconv.FormatInt(n, 10)) }

// left says how many rows are not shown.
func left(n int) string {
	if n <= pageRows {
		return ""
	}
	return fmt.Sprintf("The first %d of %s rows; --format json has more.", pageRows, page.Grouped(strconv.Itoa(n)))
}
