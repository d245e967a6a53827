package report

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode/utf8"

	"repltap/analyze/profile"
	"repltap/analyze/safetext"
)

// WriteCSV writes a table as CSV (RFC 4180, with \n): a line of the names that
// the columns have in JSON, then the rows.
func WriteCSV(w io.Writer, t profile.Table) error {
	out := csv.NewWriter(w)
	cells := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		cells[i] = c.Name
	}
	if err := out.Write(cells); err != nil {
		return err
	}
	for _, row := range t.Rows {
		for i, c := range t.Columns {
			cells[i] = row[i]
			if !c.Numeric {
				cells[i] = csvText(row[i])
			}
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// csvText is text as a cell of CSV. What a terminal would obey is escaped as in
// the text of a report. And what people open CSV with runs a cell as a formula
// when it begins with one of a few characters: names come from whoever talks to
// the homeserver, so such a cell gets an apostrophe before it, which makes it
// text there.
func csvText(text string) string {
	text = safetext.String(text)
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + text
	}
	return text
}
