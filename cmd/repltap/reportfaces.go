package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"repltap/analyze/profile"
	"repltap/analyze/report"
)

// faces are the ways to show what was found.
type faces struct {
	tables    []profile.Table
	text      func(io.Writer, report.Style) error
	json      func(io.Writer) error
	html      func(io.Writer) error
	tableText func(io.Writer, profile.Table, report.Style) error
	tableJSON func(io.Writer, string) error
}

func (o *reportOptions) faces(profiles []*profile.Profile) faces {
	p := profiles[0]
	if len(profiles) == 1 {
		return faces{
			tables:    p.Tables(),
			text:      func(w io.Writer, st report.Style) error { return report.WriteText(w, p, st) },
			json:      func(w io.Writer) error { return report.WriteJSON(w, p) },
			html:      func(w io.Writer) error { return report.WriteHTML(w, p) },
			tableText: func(w io.Writer, t profile.Table, st report.Style) error { return report.WriteTableText(w, p, t, st) },
			tableJSON: func(w io.Writer, name string) error { return report.WriteTableJSON(w, p, name) },
		}
	}
	c := report.Compare(p, profiles[1])
	return faces{
		tables: c.Tables(),
		text:   func(w io.Writer, st report.Style) error { return report.WriteChangesText(w, c, st) },
		json:   func(w io.Writer) error { return report.WriteChangesJSON(w, c) },
		html:   func(w io.Writer) error { return report.WriteChangesHTML(w, c) },
		tableText: func(w io.Writer, t profile.Table, st report.Style) error {
			return report.WriteChangesTableText(w, c, t, st)
		},
		tableJSON: func(w io.Writer, name string) error { return report.WriteChangesTableJSON(w, c, name) },
	}
}

// write writes the report in the chosen format to where it shall go.
func (o *reportOptions) write(e *env, f faces) error {
	if o.format.value == "csv" && o.table.value == "" {
		return writeTables(e, *o.output, f.tables)
	}
	var out bytes.Buffer
	if err := o.face(&out, f, reportStyle(e, *o.output)); err != nil {
		return err
	}
	return e.write(*o.output, out.Bytes())
}

func (o *reportOptions) face(out io.Writer, f faces, st report.Style) error {
	i := slices.IndexFunc(f.tables, func(t profile.Table) bool { return t.Name == o.table.value })
	switch {
	case o.format.value == "csv":
		return report.WriteCSV(out, f.tables[i])
	case o.format.value == "json" && i >= 0:
		return f.tableJSON(out, o.table.value)
	case o.format.value == "json":
		return f.json(out)
	case o.format.value == "html":
		return f.html(out)
	case i >= 0:
		return f.tableText(out, f.tables[i], st)
	}
	return f.text(out, st)
}

// reportStyle is the style of a text that goes to stdout, or to a file.
func reportStyle(e *env, file string) report.Style {
	st := newStyle(e.colored(e.stdout) && file == "")
	return report.Style{Bold: st.bold, Dim: st.dim, Red: st.red, Yellow: st.yellow, Green: st.green, Off: st.off, Width: e.width(file)}
}

// writeTables writes a file of CSV for each table into a directory.
func writeTables(e *env, dir string, tables []profile.Table) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return withHint(fmt.Errorf("can't make the directory %s: %w", dir, errors.Unwrap(err)), "CSV without --table is written to a directory, a file for each table")
	}
	for _, t := range tables {
		var out bytes.Buffer
		if err := report.WriteCSV(&out, t); err != nil {
			return err
		}
		if err := e.write(filepath.Join(dir, t.Name+".csv"), out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
