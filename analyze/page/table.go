package page

import "strconv"

// Table is a table whose columns sort. It scrolls in a box of its own.
type Table struct {
	Name    string // of programs, for tests and for whoever looks for its CSV
	Title   string
	Columns []Column
	Rows    [][]Cell
	// Note stands under it: what is not shown, how to read it.
	Note string
}

// Column is the head of a column.
type Column struct {
	Title   string
	Name    string // of programs; shown when the pointer rests on the title
	Numeric bool
}

// Cell is what is in a row and a column.
type Cell struct {
	Text string
	// Value is what is sorted by in a numeric column: the digits without
	// separators, "" when there is no number.
	Value string
	// Command makes it a line for a shell, which can be copied.
	Command bool
	// Part is the share that a bar behind the number shows, 0 for none.
	Part float64
}

// Bar is how wide the bar is.
func (c Cell) Bar() string {
	if c.Part <= 0 {
		return ""
	}
	return strconv.FormatFloat(100*min(c.Part, 1), 'f', 2, 64) + "%"
}

// Long says that the text needs several lines.
func (c Cell) Long() bool { return len(c.Text) > 48 }

func (t Table) part() (string, any) { return "table", t }
