package report

import (
	"strconv"
	"strings"

	"repltap/analyze/profile"
	"repltap/analyze/safetext"
)

// place is where a row stands in the journal.
type place struct{ at, conn string }

// placeIn finds the place of a table's first row that has one.
func placeIn(t profile.Table) (place, bool) {
	at, conn, seq := -1, -1, -1
	for i, c := range t.Columns {
		switch c.Name {
		case "at_s":
			at = i
		case "conn":
			conn = i
		case "seq":
			seq = i
		}
	}
	if at < 0 {
		return place{}, false
	}
	for _, row := range t.Rows {
		if seq >= 0 && (row[seq] == "" || row[seq] == "0") || row[at] == "" || strings.HasPrefix(row[at], "-") {
			continue
		}
		p := place{at: row[at]}
		if conn >= 0 && row[conn] != "0" {
			p.conn = row[conn]
		}
		return p, true
	}
	return place{}, false
}

// placeOf is a place of a profile as it is shown, if there is one.
func placeOf(at profile.Place) (place, bool) {
	if at.At < 0 {
		return place{}, false
	}
	p := place{at: at.At.Digits()}
	if at.Conn != 0 {
		p.conn = strconv.FormatUint(at.Conn, 10)
	}
	return p, true
}

// command is what shows the journal from there on.
func (p place) command(journal string) string {
	out := "repltap log " + ShellWord(safetext.String(journal)) + " --from +" + p.at + "s"
	if p.conn != "" {
		out += " --conn " + p.conn
	}
	return out
}

// ShellWord quotes a word for a shell where that is needed.
func ShellWord(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
