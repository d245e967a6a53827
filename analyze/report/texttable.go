package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"repltap/analyze/page"
	"repltap/analyze/profile"
	"repltap/analyze/safetext"
)

// rowsOptions say how much of a table is shown; 0 is all of it.
type rowsOptions struct {
	limit int // rows
	width int // characters of a line
	cell  int // characters of a cell of text
}

// column is a column as it is shown.
type column struct {
	profile.Column
	cells []string // the title first
	width int
}

// rows writes a table, its columns aligned and numbers to the right.
func (t *text) rows(table profile.Table, o rowsOptions) {
	shown := table.Rows
	if o.limit > 0 {
		shown = chosen(table, o.limit)
	}
	columns := columnsOf(table, shown, o.cell)
	if o.width > 0 {
		columns = saying(columns)
	}
	var below []column
	if o.width > 0 && lineWidth(columns) > o.width {
		columns, below = apart(columns, o.width)
		columns = shortened(fitting(columns, o.width), o.width)
	}
	for i := range len(shown) + 1 {
		line := " "
		for _, c := range columns {
			pad := strings.Repeat(" ", c.width-utf8.RuneCountInString(c.cells[i]))
			if c.Numeric {
				line += " " + pad + c.cells[i] + " "
			} else {
				line += " " + c.cells[i] + pad + " "
			}
		}
		line = strings.TrimRight(line, " ")
		if i == 0 {
			line = t.Dim + line + t.Off
		}
		t.WriteString(line + "\n")
		for _, c := range below {
			if i > 0 && c.cells[i] != "-" {
				t.below(c.Title + ": " + c.cells[i])
			}
		}
	}
	if more := len(table.Rows) - len(shown); more > 0 {
		fmt.Fprintf(t, "  %sand %s more: --table %s%s\n", t.Dim, page.Grouped(fmt.Sprint(more)), table.Name, t.Off)
	}
}

// chosen are the rows that a report shows: the first, or of a table that has many
// lists in it the first of each list.
func chosen(table profile.Table, limit int) [][]string {
	rank := slices.IndexFunc(table.Columns, func(c profile.Column) bool { return c.Name == "rank" })
	if rank < 0 {
		return table.Rows[:min(len(table.Rows), limit)]
	}
	share := slices.IndexFunc(table.Columns, func(c profile.Column) bool { return c.Name == "share_percent" })
	var out [][]string
	for _, row := range table.Rows {
		// What is less than a percent of all is for those who ask for the table.
		if len(row[rank]) == 1 && row[rank] <= "3" && (share < 0 || !strings.HasPrefix(row[share], "0.")) {
			out = append(out, row)
		}
	}
	if out == nil {
		return table.Rows[:min(len(table.Rows), limit)]
	}
	return out
}

// below writes a text under a row, in as many lines as it takes.
func (t *text) below(words string) {
	const indent = 6
	t.flow(flowing{mark: strings.Repeat(" ", indent), wide: indent, next: indent + 2, style: t.Dim}, strings.Fields(words))
}

// whole writes all of a table: where it is too wide for the screen, each row as
// values by the names that JSON has for them. Titles are short, and mean something
// only beside one another.
func (t *text) whole(table profile.Table) {
	columns := columnsOf(table, table.Rows, 0)
	if !t.fold || lineWidth(columns) <= t.Width {
		t.rows(table, rowsOptions{})
		return
	}
	for i := range table.Rows {
		var words []string
		for _, c := range columns {
			if cell := c.cells[i+1]; cell != "-" {
				words = append(words, t.whatFits(c.Name+": "+cell+";")...)
			}
		}
		if n := len(words); n > 0 {
			words[n-1] = strings.TrimSuffix(words[n-1], ";")
		}
		t.flow(flowing{mark: "  ", wide: 2, next: 4}, words)
	}
}

// whatFits keeps a name and its value together, where a line has room for them.
func (t *text) whatFits(pair string) []string {
	if utf8.RuneCountInString(pair) <= t.Width-4 {
		return []string{pair}
	}
	return strings.Fields(pair)
}

// columnsOf are the columns that people are shown.
func columnsOf(table profile.Table, rows [][]string, limit int) []column {
	var out []column
	for i, c := range table.Columns {
		if c.Wide {
			continue
		}
		col := column{Column: c, cells: []string{c.Title}}
		for _, row := range rows {
			col.cells = append(col.cells, cellText(c, row[i], limit))
		}
		for _, cell := range col.cells {
			col.width = max(col.width, utf8.RuneCountInString(cell))
		}
		out = append(out, col)
	}
	return out
}

// cellText is a cell as people are shown it.
func cellText(c profile.Column, cell string, limit int) string {
	switch {
	case cell == "":
		return "-"
	case c.Numeric && isName(c.Name):
		return cell
	case c.Numeric:
		return page.Grouped(cell)
	}
	cell = safetext.String(cell)
	if limit > 0 {
		return clipped(cell, limit)
	}
	return cell
}

// clipped is the beginning of a text that may be long.
func clipped(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:max(limit-1, 0)]) + "…"
}

// apart takes out the columns of long texts until the others fit, the longest
// first: they are shown on lines of their own below a row. What a row is about,
// its first column, stays.
func apart(columns []column, width int) (rest, long []column) {
	rest = slices.Clone(columns)
	for lineWidth(rest) > width {
		longest := 0
		for i, c := range rest {
			if i > 0 && !c.Numeric && c.width > textShort && (longest == 0 || c.width > rest[longest].width) {
				longest = i
			}
		}
		if longest == 0 {
			break
		}
		rest = slices.Delete(rest, longest, longest+1)
	}
	for _, c := range columns {
		if !slices.ContainsFunc(rest, func(r column) bool { return r.Name == c.Name }) {
			long = append(long, c)
		}
	}
	return rest, long
}

// names are columns whose numbers are names of something, as tokens are, which
// people search for and paste: groups of three would be in the way.
var names = []string{"seq", "conn", "token", "first", "last", "from", "to", "current", "prev"}

// isName says whether a column's numbers are names.
func isName(column string) bool {
	return slices.Contains(names, column) || strings.HasSuffix(column, "_token") || strings.HasSuffix(column, "_seq")
}

// fitting leaves columns out until a line fits: those of quantiles between the
// middle and the greatest first, then from the right. What says where a row
// stands stays.
func fitting(columns []column, width int) []column {
	for len(columns) > 1 && lineWidth(columns) > width {
		columns = without(columns, leastNeeded(columns))
	}
	return columns
}

// saying are the columns that say anything in the rows that are shown.
func saying(columns []column) []column {
	return slices.DeleteFunc(columns, func(c column) bool {
		return len(c.cells) > 1 && !slices.ContainsFunc(c.cells[1:], func(cell string) bool { return cell != "-" })
	})
}

func lineWidth(columns []column) int {
	n := 1
	for _, c := range columns {
		n += c.width + 2
	}
	return n - 1
}

// shortened cuts the cells of the widest text until a line fits.
func shortened(columns []column, width int) []column {
	over := lineWidth(columns) - width
	if over <= 0 || len(columns) == 0 {
		return columns
	}
	widest := &columns[0]
	for i := range columns {
		if c := &columns[i]; !c.Numeric && (widest.Numeric || c.width > widest.width) {
			widest = c
		}
	}
	widest.width = max(widest.width-over, 1)
	for i, cell := range widest.cells {
		widest.cells[i] = clipped(cell, widest.width)
	}
	return columns
}

func leastNeeded(columns []column) int {
	for _, quantile := range []string{"_p99", "_p95"} {
		for i := len(columns) - 1; i > 0; i-- {
			if strings.Contains(columns[i].Name, quantile) {
				return i
			}
		}
	}
	for i := len(columns) - 1; i > 0; i-- {
		switch columns[i].Name {
		case "seq", "conn", "at_s":
		default:
			return i
		}
	}
	return len(columns) - 1
}

func without(columns []column, i int) []column {
	return append(columns[:i:i], columns[i+1:]...)
}
