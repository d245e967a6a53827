package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"repltap/journal"
	"repltap/wire"
)

func importCommand() *command {
	return &command{
		name: "import", args: "FILE|DIR... --journal DIR [flags]",
		summary: "turn captures, or lines saved with nc, into a journal",
		long: `
Writes the traffic of files into a journal, as if it had been recorded. FILE is
  - a capture: JSON lines with "t" (Unix nanoseconds) and either "dir" (s2c, c2s)
    and "data" (base64), or "event"; "conn" tells apart many connections in one
    file; plain or compressed with zstd; times are kept as recorded;
  - plain text as nc would have saved it, in the direction --direction says; it
    has no times, so all of its lines get that of the file's last change.
- is standard input. Several files are several connections, numbered in the order
given; those of one file in order of appearance. In a journal that exists the
numbers go on.

Where the clock of a capture was set while it was written, by two seconds or more,
that is taken out of the times, said, and noted in the journal.

A directory stands for the captures in it (*.jsonl, *.jsonl.zst), in the order in
which their connections were opened. What else is in it is left out, as are lists of
attempts to connect (dial-errors).

All files are read and checked before anything is written. Of a file that is cut
off, as one that is still being written, what is whole is imported, and the exit
status is 3. What is neither a capture nor lines of the protocol is refused. Secrets are made
unreadable, as record does it; --redact none keeps the traffic as it was.`,
		examples: []string{
			"repltap import conn-*.jsonl.zst --journal traffic/",
			"repltap import captures/monday/ --journal traffic/",
			"nc 127.0.0.1 9092 </dev/null | repltap import - --journal probe/",
			"repltap import saved.txt --direction c2s --dialect v1.22 --journal probe/",
		},
		setup: setupImport,
	}
}

// importOptions are the flags of import.
type importOptions struct {
	journal   string
	direction directionFlag
	dialect   *dialectFlag
	redact    redactFlag
	format    choiceFlag
}

func setupImport(fs *pflag.FlagSet) runFunc {
	o := &importOptions{dialect: newDialectFlag(), redact: redactFlag(wire.RedactSecrets), format: choiceFlag{"text", []string{"text", "json"}}}
	fs.StringVar(&o.journal, "journal", "", "`directory` of the journal, made if it does not exist (required)")
	fs.Var(&o.direction, "direction", "of plain text: s2c (master to worker, the default) or c2s")
	fs.Var(o.dialect, "dialect", "dialect of the traffic: auto, v1.22 … or a release as 1.66.0")
	fs.Var(&o.redact, "redact", redactUsage)
	fs.Var(&o.format, "format", "of the summary: text (on stderr) or json (on stdout)")
	return o.run
}

func (o *importOptions) run(ctx context.Context, e *env, args []string) error {
	if len(args) == 0 {
		return usageErrorf("which file? - is standard input")
	}
	if o.journal == "" {
		return usageErrorf("into which journal? Say --journal DIR")
	}
	files, steps, err := o.planAll(ctx, e, args)
	defer func() {
		for _, f := range files {
			f.close()
		}
	}()
	if err != nil {
		return err
	}
	o.warn(e, files)
	saySteps(e.stderr, steps)
	_, err = os.Stat(o.journal)
	fresh := errors.Is(err, os.ErrNotExist)
	im, err := o.write(ctx, e, files)
	if err == nil {
		return o.summary(e, im)
	}
	if fresh && os.RemoveAll(o.journal) == nil || im == nil {
		return err // as if nothing had been tried
	}
	return fmt.Errorf("%w; what had been imported by then is in %s", err, o.journal)
}

// planAll does the first reading of every file, and finds where their clock was set.
func (o *importOptions) planAll(ctx context.Context, e *env, args []string) ([]*planned, []*clockStep, error) {
	p := &importPlanner{progress: newProgress(e, "checking")}
	defer p.progress.done()
	var sources []*source
	var files []*planned
	stdin := 0
	paths, dirs, err := o.expand(e, args)
	if err != nil {
		return nil, nil, err
	}
	for _, path := range paths {
		s, err := openSource(ctx, e, path)
		if err != nil {
			return planOf(sources), nil, err
		}
		sources = append(sources, s)
		p.total += s.size
		if path == "-" {
			stdin++
		}
	}
	if stdin > 1 {
		return planOf(sources), nil, usageErrorf("standard input (-) can be read only once")
	}
	for _, s := range sources {
		pl, err := p.plan(ctx, s)
		if err != nil {
			return planOf(sources), nil, err
		}
		p.done += s.size
		files = append(files, pl)
	}
	steps := stepsOf(files)
	byOpening(files, dirs)
	return files, steps, nil
}

// planOf wraps sources that are only to be closed.
func planOf(sources []*source) (files []*planned) {
	for _, s := range sources {
		files = append(files, &planned{source: s})
	}
	return files
}

// warn says what an import can't know.
func (o *importOptions) warn(e *env, files []*planned) {
	for _, f := range files {
		if f.format != formatText {
			if o.direction != 0 {
				e.say("%s says which direction each line has; --direction is for plain text and does nothing here\n", safe(f.name))
			}
			continue
		}
		text := "of the import"
		if !f.mtime.IsZero() {
			text = "of the file's last change"
		}
		e.say("%s is plain text: it has no times, so every line gets the time %s, %s\n",
			safe(f.name), text, f.first.UTC().Format(time.RFC3339))
		if o.direction == 0 {
			e.say("  taken as sent by the master (s2c); say --direction c2s if a worker sent it\n")
		}
	}
}

// earliest is when the traffic of all files began.
func earliest(files []*planned) time.Time {
	first := files[0].first
	for _, f := range files {
		if f.first.Before(first) {
			first = f.first
		}
	}
	return first
}

// write does the second reading, into the journal.
func (o *importOptions) write(ctx context.Context, e *env, files []*planned) (_ *importer, err error) {
	w, err := journal.Create(o.journal, journal.Options{
		Source: importSource(files), Redact: wire.Redaction(o.redact), Program: program, Anchor: earliest(files), Past: true,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	im := &importer{
		direction: textDirection(o.direction), fixed: o.dialect.releases(), progress: newProgress(e, "importing"), files: files,
		conns: map[uint64]*importConn{}, byConn: map[uint64]*importResult{}, w: w, told: map[*clockStep]bool{},
	}
	defer im.progress.done()
	for _, f := range files {
		im.total += f.size
	}
	im.scribe = journal.NewScribe(w, o.dialect.releases(), im)
	feeds, err := im.openAll(w, files)
	defer func() {
		for _, f := range feeds {
			f.stop()
		}
	}()
	if err != nil {
		return nil, err
	}
	return im, errors.Join(im.all(ctx, feeds), w.Sync())
}

// openAll numbers the connections, in the order given, and opens the files.
func (im *importer) openAll(w *journal.Writer, files []*planned) ([]*feed, error) {
	var feeds []*feed
	for i, pl := range files {
		var first uint64
		for j, pc := range pl.conns {
			id := w.NextConn()
			if j == 0 {
				first = id
			}
			r := &importResult{Conn: id, File: pl.name, Key: pc.key}
			im.results = append(im.results, r)
			im.byConn[id] = r
		}
		f, err := openFeed(pl, i, first)
		if f != nil {
			feeds = append(feeds, f)
		}
		if err != nil {
			return feeds, err
		}
	}
	return feeds, nil
}

// importSource says in the journal where it comes from.
func importSource(files []*planned) string {
	text := "import " + files[0].name
	if len(files) > 1 {
		text += fmt.Sprintf(" and %d more", len(files)-1)
	}
	return text
}

// importSummary is the summary for programs.
type importSummary struct {
	Journal     string          `json:"journal"`
	Connections []*importResult `json:"connections"`
	Lines       int64           `json:"lines"`
	Bytes       int64           `json:"bytes"`
	From        time.Time       `json:"from"`
	To          time.Time       `json:"to"`
	Cut         []*cutError     `json:"cut,omitempty"` // files that end before their end
}

func (o *importOptions) summary(e *env, im *importer) error {
	s := importSummary{Journal: o.journal, Connections: im.results}
	s.From, s.To = im.span()
	for _, r := range im.results {
		s.Lines, s.Bytes = s.Lines+r.Lines, s.Bytes+r.Bytes
	}
	if im.backward > 0 {
		e.say("%s had a time before that of the line before; they got the later one\n", plural(im.backward, "line"))
	}
	for _, f := range im.files {
		if f.cut != nil {
			s.Cut = append(s.Cut, f.cut)
		}
	}
	if err := o.printSummary(e, &s); err != nil {
		return err
	}
	for _, cut := range s.Cut {
		e.say("%s; what comes before is imported\n", safe(cut.Error()))
	}
	if len(s.Cut) > 0 {
		return exitStatus(statusFound)
	}
	return nil
}

func (o *importOptions) printSummary(e *env, s *importSummary) error {
	if o.format.value == "json" {
		var out bytes.Buffer
		if err := json.Indent(&out, appendJSON(nil, s), "", "  "); err != nil {
			return err
		}
		return e.print(out.String() + "\n")
	}
	e.say("imported %s, %s, %s, from %s to %s, into %s\n", plural(int64(len(s.Connections)), "connection"),
		plural(s.Lines, "line"), plural(s.Bytes, "byte"), s.From.Format(time.RFC3339), s.To.Format(time.RFC3339), safe(o.journal))
	writeImportTable(e.stderr, s.Connections)
	return nil
}

func writeImportTable(w io.Writer, results []*importResult) {
	const rows = 20
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "conn\tworker\tlines\tbytes\tdialect\tfindings\tfrom\n")
	for _, r := range results[:min(rows, len(results))] {
		from := r.File
		if r.Key != "" {
			from += " conn " + r.Key
		}
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Conn, safeWorker(r.Worker), thousands(r.Lines), thousands(r.Bytes),
			r.Dialect, thousands(r.Findings), safe(from))
	}
	tw.Flush()
	if n := len(results) - rows; n > 0 {
		fmt.Fprintf(w, "(and %s more)\n", plural(int64(n), "connection"))
	}
}
