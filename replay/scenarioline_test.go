package replay_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"repltap/wire"
)

// Lines in scenarios are written as 1.22 writes them, with names for rows. Here
// they become those of a release.

// scenarioRow is a row: its token, and what tells it from others of that token.
type scenarioRow struct {
	token int64
	mark  string
}

func (r scenarioRow) String() string { return "r" + strconv.FormatInt(r.token, 10) + r.mark }

var rowName = regexp.MustCompile(`r([0-9]+)([a-z]*)`)

// rowRange reads "r5", "r21b" and "r5..r9".
func rowRange(text string) (rows []scenarioRow, ok bool) {
	from, to, many := strings.Cut(text, "..")
	first := rowName.FindStringSubmatch(from)
	if first == nil || first[0] != from {
		return nil, false
	}
	a, _ := strconv.ParseInt(first[1], 10, 64)
	if !many {
		return []scenarioRow{{a, first[2]}}, true
	}
	b, err := strconv.ParseInt(strings.TrimPrefix(to, "r"), 10, 64)
	for ; a <= b; a++ {
		rows = append(rows, scenarioRow{token: a})
	}
	return rows, err == nil
}

var (
	since1_13 = mustRelease("1.13.0")
	since1_19 = mustRelease("1.19.0")
	since1_22 = mustRelease("1.22.0")
)

func mustRelease(text string) wire.Release {
	r, err := wire.ParseRelease(text)
	if err != nil {
		panic(err)
	}
	return r
}

// rowFor is a row of a stream as the release writes it, with its name in every
// text.
func rowFor(r wire.Release, stream string, row scenarioRow) []byte {
	s := wire.StreamOf([]byte(stream))
	if s == nil {
		panic("there is no stream " + stream)
	}
	for _, shape := range s.Shapes {
		if r < shape.Since || r >= shape.Before {
			continue
		}
		m := rowMaker{name: row.String(), token: row.token, comma: ","}
		if r < since1_19 {
			m.comma = ", "
		}
		m.columns(shape.Columns, shape.Tag)
		if row.mark == "long" {
			return stretched(m.out, 21_500)
		}
		return m.out
	}
	panic(fmt.Sprintf("%s has no stream %s", r, stream))
}

type rowMaker struct {
	out   []byte
	name  string
	token int64
	comma string
}

func (m *rowMaker) columns(list []wire.Column, tag string) {
	m.out = append(m.out, '[')
	for i, c := range list {
		if i > 0 {
			m.out = append(m.out, m.comma...)
		}
		if i == 0 && tag != "" {
			m.out = strconv.AppendQuote(m.out, tag)
			continue
		}
		m.column(c)
	}
	m.out = append(m.out, ']')
}

func (m *rowMaker) column(c wire.Column) {
	text := m.name
	switch c.Kind {
	case wire.FieldNumber, wire.FieldTime, wire.FieldToken:
		m.out = strconv.AppendInt(m.out, m.token, 10)
		return
	case wire.FieldBool:
		m.out = append(m.out, "false"...)
		return
	case wire.FieldContent, wire.FieldObject:
		m.out = append(m.out, "{}"...)
		return
	case wire.FieldList, wire.FieldTuple:
		m.columns(c.Columns, "")
		return
	case wire.FieldKeys:
		m.columns([]wire.Column{{Kind: wire.FieldUser}}, "")
		return
	case wire.FieldContentText:
		text = "{}"
	case wire.FieldUser, wire.FieldEntity:
		text = "@" + m.name + ":x"
	case wire.FieldRoom:
		text = "!" + m.name + ":x"
	case wire.FieldEvent:
		text = "$" + m.name
	case wire.FieldCache:
		text = "get_user_by_id"
	case wire.FieldPresence:
		text = "online"
	}
	if c.Null {
		m.out = append(m.out, "null"...)
		return
	}
	m.out = strconv.AppendQuote(m.out, text)
}

var (
	lineTimes = regexp.MustCompile(`^(.*?) +× ([0-9]+)$`)
	lineBytes = regexp.MustCompile(`^(.*?) +\(([0-9]+) bytes(, no newline)?\)$`)
)

// linesFor gives the bytes of a scenario's line in a release: of several lines
// if it has ranges, or is to come several times.
func linesFor(r wire.Release, text string) (lines [][]byte) {
	times, size, end := 1, 0, "\n"
	if m := lineTimes.FindStringSubmatch(text); m != nil {
		text = m[1]
		times, _ = strconv.Atoi(m[2])
	}
	if m := lineBytes.FindStringSubmatch(text); m != nil {
		text = m[1]
		size, _ = strconv.Atoi(m[2])
		if m[3] != "" {
			end = ""
		}
	}
	for range times {
		for _, line := range spelled(r, text) {
			lines = append(lines, append(stretched(line, size), end...))
		}
	}
	return lines
}

// stretched makes a line with a row as long as that, in the row's first text.
func stretched(line []byte, size int) []byte {
	at := bytes.IndexByte(line, '"') + 2
	if more := size - len(line); more > 0 && at > 1 {
		return bytes.Join([][]byte{line[:at], line[at:]}, bytes.Repeat([]byte{'y'}, more))
	}
	return line
}

// spelled writes a line as the release does; what is not RDATA, POSITION or
// REPLICATE stays as it is.
func spelled(r wire.Release, text string) (lines [][]byte) {
	f := strings.Split(text, " ")
	switch {
	case f[0] == "RDATA" && len(f) >= 5:
		return spelledRows(r, f)
	case f[0] == "POSITION" && len(f) == 5:
		switch {
		case r < since1_13:
			f = []string{f[0], f[1], f[4]}
		case r < since1_22:
			f = []string{f[0], f[1], f[2], f[4]}
		}
	case f[0] == "REPLICATE" && r >= since1_13:
		f = []string{f[0], ""}
	}
	return [][]byte{[]byte(strings.Join(f, " "))}
}

// spelledRows has one line a row: the token is the row's, unless it is written.
func spelledRows(r wire.Release, f []string) (lines [][]byte) {
	stream, writer, token := f[1], f[2], f[3]
	head := "RDATA " + stream + " " + writer + " "
	if r < since1_13 {
		head = "RDATA " + stream + " "
	}
	rows, ok := rowRange(f[4])
	if !ok || len(f) > 5 {
		return [][]byte{[]byte(head + token + " " + strings.Join(f[4:], " "))}
	}
	for _, row := range rows {
		if len(rows) > 1 {
			token = strconv.FormatInt(row.token, 10)
		}
		lines = append(lines, fmt.Appendf(nil, "%s%s %s", head, token, rowFor(r, stream, row)))
	}
	return lines
}

// named lists rows with names shortly: "r5..r8 r9a".
func named(rows []scenarioRow) string {
	var out []string
	for i := 0; i < len(rows); {
		j := i + 1
		for j < len(rows) && rows[i].mark == "" && rows[j].mark == "" && rows[j].token == rows[j-1].token+1 {
			j++
		}
		if j-i > 2 {
			out = append(out, rows[i].String()+".."+rows[j-1].String())
		} else {
			for _, row := range rows[i:j] {
				out = append(out, row.String())
			}
		}
		i = j
	}
	return strings.Join(out, " ")
}
