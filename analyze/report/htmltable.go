package report

import (
	"fmt"
	"strconv"
	"strings"

	"repltap/analyze/page"
	"repltap/analyze/profile"
)

// htmlRows is how many rows of a table a page shows; CSV has all.
const htmlRows = 200

// table shows a table, with what shows the journal there beside each row that
// has a place in it.
func (h *htmlPage) table(t profile.Table) page.Table {
	out := page.Table{Name: t.Name, Title: t.Title}
	rows := t.Rows[:min(len(t.Rows), htmlRows)]
	for _, c := range t.Columns {
		if !c.Wide {
			out.Columns = append(out.Columns, page.Column{Title: c.Title, Name: c.Name, Numeric: c.Numeric})
		}
	}
	placed := false
	for _, row := range rows {
		at, ok := placeIn(profile.Table{Columns: t.Columns, Rows: [][]string{row}})
		placed = placed || ok
		var cells []page.Cell
		for i, c := range t.Columns {
			if !c.Wide {
				cells = append(cells, htmlCell(c, row[i]))
			}
		}
		command := page.Cell{}
		if ok {
			command = page.Cell{Text: at.command(h.p.Journal.Path), Command: true}
		}
		out.Rows = append(out.Rows, append(cells, command))
	}
	if placed {
		out.Columns = append(out.Columns, page.Column{Title: "look at it", Name: "command"})
	} else {
		for i := range out.Rows {
			out.Rows[i] = out.Rows[i][:len(out.Columns)]
		}
	}
	if more := len(t.Rows) - len(rows); more > 0 {
		out.Note = fmt.Sprintf("The first %s of %s rows; --table %s --format csv has all.", page.Grouped(fmt.Sprint(len(rows))), page.Grouped(fmt.Sprint(len(t.Rows))), t.Name)
	}
	return out
}

// htmlCell is a cell with the digits it has everywhere.
func htmlCell(c profile.Column, cell string) page.Cell {
	if !c.Numeric {
		return page.Cell{Text: cell}
	}
	out := page.Cell{Text: page.Grouped(cell), Value: cell}
	if isName(c.Name) {
		out.Text = cell
	}
	if strings.HasSuffix(c.Name, "share_percent") {
		if v, err := strconv.ParseFloat(cell, 64); err == nil {
			out.Part = v / 100
		}
	}
	return out
}
