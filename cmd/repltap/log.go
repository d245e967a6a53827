package main

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/spf13/pflag"

	"repltap/journal"
	"repltap/wire"
)

func logCommand() *command {
	return &command{
		name: "log", args: "JOURNAL [flags]",
		summary: "print what a journal holds, line by line, or follow a recording",
		long: `
Prints the records of a journal in order: each line of the protocol with its
time (UTC), connection, direction (-> to the worker, <- from the worker) and the
worker's name, and between them what happened to the connections. JOURNAL is the
directory of a journal, finished or being recorded right now, or one file of it.

Filters are combined: a record is shown when it passes each kind of filter that
is given. Several values of one filter (--conn 1,2) are alternatives.

Formats:
  text  for people; what a terminal could take for an instruction is escaped
  json  one object a line; the keys are seq, time, conn, worker, dir, kind and,
        for lines, command, stream, instance, token, bytes, line, findings;
        "line_b64" holds the exact bytes where "line" is not valid UTF-8; what
        is no line has an "event"
  raw   the exact bytes; with one --conn and one --direction they are what went
        over that connection in that direction

Exit status 3 says that damage or gaps were met on the way, or that retention
removed records before they were read: what was printed is not all that went over
the wire. A line stands where records are missing.`,
		examples: []string{
			"repltap log traffic/",
			"repltap log traffic/ --worker w1 --command RDATA --stream events,typing",
			"repltap log traffic/ --from +90s --to +2m --findings",
			"repltap log traffic/ -f --from now            # what happens from now on",
			"repltap log traffic/ --conn 1 --direction s2c --format raw > s2c.bytes",
			`repltap log traffic/ --format json | jq -r 'select(.command=="RDATA").stream' | sort | uniq -c`,
		},
		setup: setupLog,
	}
}

// logOptions are the flags of log.
type logOptions struct {
	filterFlags
	follow bool
	format choiceFlag
	output *string
	force  bool
}

func setupLog(fs *pflag.FlagSet) runFunc {
	o := &logOptions{format: choiceFlag{"text", []string{"text", "json", "raw"}}}
	fs.BoolVarP(&o.follow, "follow", "f", false, "go on with what is recorded later")
	fs.Var(&o.format, "format", "how to print records")
	o.output = outputFlag(fs)
	fs.BoolVar(&o.force, "force", false, "raw bytes even to a terminal")
	o.register(fs)
	return o.run
}

func (o *logOptions) run(ctx context.Context, e *env, args []string) error {
	path, err := oneJournal(args)
	if err != nil {
		return err
	}
	filter, err := o.filter()
	if err != nil {
		return err
	}
	if o.format.value == "raw" && *o.output == "" && isTerminal(e.stdout) && !o.force {
		return usageErrorf("raw bytes could upset your terminal; send them to a file (-o FILE), through a pipe, or say --force")
	}
	r, err := openJournal(path)
	if err != nil {
		return err
	}
	defer r.Close()
	out, closeOut, err := openOutput(e, *o.output)
	if err != nil {
		return err
	}
	l := &logRun{e: e, out: newStreamWriter(out), print: o.printer(e, out), raw: o.format.value == "raw"}
	err = l.all(ctx, o.records(ctx, e, r, filter))
	err = errors.Join(err, l.out.Close(), closeOut())
	if o.follow && errors.Is(err, context.Canceled) {
		err = nil // that is how following ends
	}
	if err != nil {
		return err
	}
	return l.finish()
}

func (o *logOptions) records(ctx context.Context, e *env, r *journal.Reader, f journal.Filter) iter.Seq2[*journal.Record, error] {
	if !o.follow {
		return r.Records(ctx, f)
	}
	if !r.Info().Live {
		e.say("nothing is recording into this journal, so nothing will follow\n")
	}
	return r.Follow(ctx, f)
}

// printer gives the function that appends a record in the chosen format.
func (o *logOptions) printer(e *env, out io.Writer) func([]byte, *journal.Record) []byte {
	switch o.format.value {
	case "json":
		return new(jsonPrinter).append
	case "raw":
		return appendRaw
	}
	return newTextPrinter(newStyle(e.colored(out))).append
}

// logRun is one run over the records, and what was met on the way.
type logRun struct {
	e     *env
	out   *streamWriter
	print func([]byte, *journal.Record) []byte
	raw   bool
	buf   []byte

	records, damaged, gaps int64
	removed                uint64 // records that retention took before they were read
	unreadable             error  // the first file that the system does not let us read
	conn                   uint64
	dir                    wire.Direction
	mixed                  bool // bytes of more than one connection or direction
}

func (l *logRun) all(ctx context.Context, records iter.Seq2[*journal.Record, error]) error {
	for r, err := range records {
		if err != nil {
			if err := l.trouble(err); err != nil {
				return err
			}
			continue
		}
		l.note(r)
		if err := l.one(r); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// trouble deals with what can't be read; what it returns ends the reading.
func (l *logRun) trouble(err error) error {
	var removed *journal.RemovedError
	var unreadable *journal.UnreadableError
	switch {
	case errors.As(err, &removed):
		l.removed += removed.Last - removed.First + 1
		return l.one(removed.Record())
	case errors.As(err, &unreadable):
		if l.unreadable == nil {
			l.unreadable = err
		}
		l.e.say("%s; what else is there follows\n", safe(sentence(err)))
	case journal.IsPartial(err):
		l.damaged++
		l.e.say("damage: %s\n", safe(err.Error()))
	default:
		return err
	}
	return nil
}

func (l *logRun) one(r *journal.Record) error {
	l.buf = l.print(l.buf[:0], r)
	if len(l.buf) == 0 {
		return nil
	}
	_, err := l.out.Write(l.buf)
	return err
}

// note counts what the exit status and the last words depend on.
func (l *logRun) note(r *journal.Record) {
	l.records++
	switch r.Kind {
	case journal.KindGap:
		l.gaps++
	case journal.KindLine, journal.KindFragment:
		if l.conn == 0 {
			l.conn, l.dir = r.Conn, r.Dir
		}
		l.mixed = l.mixed || r.Conn != l.conn || r.Dir != l.dir
	}
}

// finish says what is to be said after the last record.
func (l *logRun) finish() error {
	if l.raw && l.mixed {
		l.e.say("these are the bytes of more than one connection or direction, in order of arrival; choose with --conn and --direction\n")
	}
	if l.gaps > 0 {
		l.e.say("%s met: traffic that was forwarded and not journalled\n", plural(l.gaps, "gap"))
	}
	if l.removed > 0 {
		l.e.say("%s removed by retention before they were read: the recorder was faster than this reader\n", plural(int64(l.removed), "record"))
	}
	if l.unreadable != nil {
		return l.unreadable
	}
	if l.gaps > 0 || l.damaged > 0 || l.removed > 0 {
		return exitStatus(statusFound)
	}
	if l.records == 0 {
		l.e.say("no record matches\n")
	}
	return nil
}

// appendRaw is the printer of the raw format.
func appendRaw(dst []byte, r *journal.Record) []byte { return append(dst, r.Data...) }
