package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"repltap/analyze/profile"
	"repltap/analyze/report"
)

func reportCommand() *command {
	return &command{
		name: "report", args: "JOURNAL [JOURNAL] [flags]",
		summary: "say in numbers what is in a journal: traffic, streams, connections, findings",
		long: `
Reads a journal once, finished or being recorded right now, and says what is in
it: what fills the wire, streams and their tokens, connections, findings, and
what the journal lacks. Filters narrow it down, as with log; all numbers are then
about what passes them.

With two journals it says what changed from the first to the second, most of all
first: traffic by its share of the bytes and by its rate, other numbers by how
many times as much they are, and what is new or gone.

Formats, whose numbers are the same to the digit:
  text  for people: the first rows of each table, and the columns that fit the
        terminal, or COLUMNS; with --table NAME all of one table
  json  everything; analyze/profile/schema.md in the source describes it, and
        analyze/report/changes.md that of two journals; with
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
			"repltap report monday/ tuesday/                     # what changed",
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
	o := &reportOptions{format: choiceFlag{"text", []string{"text", "json", "csv", "html"}}, table: tableFlag{choiceFlag{of: slices.Concat(profile.TableNames(), report.ChangesTableNames())}}}
	fs.Var(&o.format, "format", "how to print the report")
	fs.Var(&o.table, "table", "only this table, one of "+strings.Join(profile.TableNames(), ", ")+"; of two journals "+strings.Join(report.ChangesTableNames(), ", "))
	o.output = fs.StringP("output", "o", "", "write to this `file` instead of stdout; of CSV without --table a directory")
	fs.BoolVar(&o.reveal, "reveal", false, "show users by name; otherwise they are numbered")
	o.register(fs)
	return o.run
}

func (o *reportOptions) run(ctx context.Context, e *env, args []string) error {
	if len(args) == 0 {
		return usageErrorf("which journal? Give its directory, or one file of it; two journals are compared")
	}
	if len(args) > 2 {
		return usageErrorf("one journal, or two to compare, please; there are %d arguments: %s", len(args), strings.Join(args, " "))
	}
	boundMemory()
	filter, err := o.filter()
	if err != nil {
		return err
	}
	if err := o.check(len(args)); err != nil {
		return err
	}
	var profiles []*profile.Profile
	var unread error // files that can't be read: the report is about the others
	for _, path := range args {
		p, err := o.take(ctx, e, path, profile.Options{Filter: filter, Flags: o.text(), Reveal: o.reveal})
		if p == nil {
			return err
		}
		unread = cmp.Or(unread, err)
		profiles = append(profiles, p)
	}
	if err := o.write(e, o.faces(profiles)); err != nil {
		return err
	}
	if unread != nil {
		return unread
	}
	return o.status(e, profiles)
}

// check looks at what only makes sense together.
func (o *reportOptions) check(journals int) error {
	names := profile.TableNames()
	if journals == 2 {
		names = report.ChangesTableNames()
	}
	if o.table.value != "" && !slices.Contains(names, o.table.value) {
		return usageErrorf("--table: a report of %s has no table %q; it has %s", plural(int64(journals), "journal"), o.table.value, strings.Join(names, ", "))
	}
	if o.format.value == "html" && o.table.value != "" {
		return usageErrorf("a page is the whole report; --table goes with text, json and csv")
	}
	if o.format.value == "csv" && o.table.value == "" && (*o.output == "" || *o.output == "-") {
		return usageErrorf("CSV is one table a file: choose one with --table NAME (%s), or say -o DIRECTORY for a file of each", strings.Join(names, ", "))
	}
	return nil
}

// status is the exit status. That something is missing stands in the text
// anyway.
func (o *reportOptions) status(e *env, profiles []*profile.Profile) error {
	var found error
	for _, p := range profiles {
		missing := report.CoverageText(p)
		if missing == "" {
			continue
		}
		found = exitStatus(statusFound)
		if o.format.value != "text" || *o.output != "" {
			e.say("%s: %s\n", safe(p.Journal.Path), missing)
		}
	}
	return found
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
