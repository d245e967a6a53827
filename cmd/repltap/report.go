package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"repltap/analyze/profile"
	"repltap/analyze/report"
)

func reportCommand() *command {
	return &command{
		name: "report", args: "JOURNAL [flags]",
		summary: "say in numbers what is in a journal: traffic, streams, connections, findings",
		long: `
Reads a journal once, finished or being recorded right now, and says what is in
it: what fills the wire, streams and their tokens, connections, findings, and
what the journal lacks. Filters narrow it down, as with log; all numbers are then
about what passes them.

Formats, whose numbers are the same to the digit:
  text  for people: the first rows of each table, and the columns that fit; with
        --table NAME all rows of one table
  json  everything; analyze/report/schema.md in the source describes it; with
        --table only that table beside the head
  csv   one table a file: --table NAME writes one, and without it -o DIRECTORY
        gets a NAME.csv of each. Empty cells are numbers that there are none of.
        What a spreadsheet would run as a formula has an apostrophe before it
  html  one self-contained page with charts, that asks nobody for anything; tables
        have their first 200 rows there

Exit status 3 says that damage or gaps were met: the report is not about all that
went over the wire, and says what share it saw.`,
		examples: []string{
			"repltap report traffic/",
			"repltap report traffic/ --from -1h --worker w1",
			"repltap report traffic/ --table streams",
			"repltap report traffic/ --format html -o report.html",
			"repltap report traffic/ --format csv -o report/     # a file for each table",
			"repltap report traffic/ --format json | jq '.totals.s2c.bytes'",
		},
		setup: setupReport,
	}
}

// tableFlag is the name of a table.
type tableFlag struct{ choiceFlag }

func (t *tableFlag) Type() string { return "name" }

// reportOptions are the flags of report.
type reportOptions struct {
	filterFlags
	format choiceFlag
	table  tableFlag
	output *string
	reveal bool
}

func setupReport(fs *pflag.FlagSet) runFunc {
	o := &reportOptions{format: choiceFlag{"text", []string{"text", "json", "csv", "html"}}, table: tableFlag{choiceFlag{of: profile.TableNames()}}}
	fs.Var(&o.format, "format", "how to print the report")
	fs.Var(&o.table, "table", "only this table, one of "+strings.Join(profile.TableNames(), ", "))
	o.output = fs.StringP("output", "o", "", "write to this `file` instead of stdout; of CSV without --table a directory")
	fs.BoolVar(&o.reveal, "reveal", false, "show users by name; otherwise they are numbered")
	o.register(fs)
	return o.run
}

func (o *reportOptions) run(ctx context.Context, e *env, args []string) error {
	path, err := oneJournal(args)
	if err != nil {
		return err
	}
	filter, err := o.filter()
	if err != nil {
		return err
	}
	if o.format.value == "html" && o.table.value != "" {
		return usageErrorf("a page is the whole report; --table goes with text, json and csv")
	}
	if o.format.value == "csv" && o.table.value == "" && (*o.output == "" || *o.output == "-") {
		return usageErrorf("CSV is one table a file: choose one with --table NAME (%s), or say -o DIRECTORY for a file of each", strings.Join(o.table.of, ", "))
	}
	p, err := o.take(ctx, e, path, profile.Options{Filter: filter, Flags: o.text(), Reveal: o.reveal})
	if err != nil {
		return err
	}
	if err := o.write(e, p); err != nil {
		return err
	}
	if p.Coverage.Gaps > 0 || p.Coverage.Damage > 0 {
		if o.format.value != "text" || *o.output != "" {
			e.say("this is not all of the traffic: %s\n", report.CoverageText(p))
		}
		return exitStatus(statusFound)
	}
	return nil
}

// take reads a journal with the progress shown.
func (o *reportOptions) take(ctx context.Context, e *env, path string, opts profile.Options) (*profile.Profile, error) {
	r, err := openJournal(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	show := newProgress(e, "reading "+safe(path)+":")
	defer show.done()
	read := int64(0)
	opts.Progress = func(n int64) { read = n; show.count(n) }
	p, err := profile.Take(ctx, r, opts)
	if errors.Is(err, context.Canceled) {
		return nil, fmt.Errorf("%w after %s; no report was written", err, plural(read, "record"))
	}
	return p, named(path, err)
}

// write writes the report in the chosen format to where it shall go.
func (o *reportOptions) write(e *env, p *profile.Profile) error {
	if o.format.value == "csv" && o.table.value == "" {
		return writeTables(*o.output, p.Tables())
	}
	var out bytes.Buffer
	if err := o.face(&out, e, p); err != nil {
		return err
	}
	return e.write(*o.output, out.Bytes())
}

func (o *reportOptions) face(out *bytes.Buffer, e *env, p *profile.Profile) error {
	table, one := p.Table(o.table.value)
	switch {
	case o.format.value == "csv":
		return report.WriteCSV(out, table)
	case o.format.value == "json" && one:
		return report.WriteTableJSON(out, p, table.Name)
	case o.format.value == "json":
		return report.WriteJSON(out, p)
	case o.format.value == "html":
		return report.WriteHTML(out, p)
	case one:
		return report.WriteTableText(out, p, table, reportStyle(e, *o.output))
	}
	return report.WriteText(out, p, reportStyle(e, *o.output))
}

// reportStyle is the style of a text that goes to stdout, or to a file.
func reportStyle(e *env, file string) report.Style {
	st := newStyle(e.colored(e.stdout) && file == "")
	return report.Style{Bold: st.bold, Dim: st.dim, Red: st.red, Yellow: st.yellow, Green: st.green, Off: st.off}
}

// writeTables writes a file of CSV for each table into a directory.
func writeTables(dir string, tables []profile.Table) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return withHint(fmt.Errorf("can't make the directory %s: %w", dir, errors.Unwrap(err)), "CSV without --table is written to a directory, a file for each table")
	}
	for _, t := range tables {
		var out bytes.Buffer
		if err := report.WriteCSV(&out, t); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, t.Name+".csv"), out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, text []byte) error {
	f, err := createOutput(name)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// text is the filter as one would type it, "" when it selects all.
func (f *filterFlags) text() string {
	names := []string{"from", "to", "conn", "worker", "direction", "command", "stream", "instance", "findings"}
	var words []string
	f.fs.VisitAll(func(flag *pflag.Flag) {
		switch {
		case !flag.Changed || !slices.Contains(names, flag.Name):
		case flag.Value.Type() == "bool":
			words = append(words, "--"+flag.Name)
		default:
			value := flag.Value.String()
			if list, ok := flag.Value.(pflag.SliceValue); ok {
				value = strings.Join(list.GetSlice(), ",")
			}
			words = append(words, "--"+flag.Name, report.ShellWord(value))
		}
	})
	return strings.Join(words, " ")
}
