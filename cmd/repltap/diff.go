package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"repltap/analyze"
	"repltap/journal"
)

func diffCommand() *command {
	return &command{
		name: "diff", args: "RECORDED REPLAYED [flags]",
		summary: "compare two journals: did the same happen again?",
		long: `
Compares a recorded journal with that of a replay, or any two journals, and says
whether the same happened: same, different or inconclusive.

Lines are compared stream by stream and writer by writer, in the order in which
they came there; between streams no order is asked for. Connections are matched
by the name of the worker and their order, or as --conn A=B says. What is
different each time does not count: PING, the instance ids and times of USER_SYNC,
the time of USER_IP, pseudonyms of different redaction keys. Of the journal of a
replay only what the replay could repeat counts: what the users of the worker made
it say is counted and not compared, nor which tokens it asked for.

Differences are lines, or connections, that are missing, extra, reordered,
changed or late, each with its place in both journals; besides, endings of
connections, pauses and the time that streams took to catch up. A line is late
when it came later than --late after what the schedule says; sooner is never a
difference.

Inconclusive is a comparison of journals with gaps or damage in what is compared,
of journals of different dialects or without a worker in common, and of a replay that could not keep its schedule: 1 of 100 samples of its lag is
above --max-lag.

Exit status 0: same; 3: different; 4: inconclusive.`,
		examples: []string{
			"repltap diff traffic/ run/",
			"repltap diff monday/ tuesday/ --conn 3=1 --stream events,typing",
			"repltap diff traffic/ run/ --format html -o verdict.html",
			"repltap diff traffic/ run/ --format json | jq -r '.differences[] | [.kind, .stream, .recorded.seq] | @tsv'",
		},
		setup: setupDiff,
	}
}

// diffOptions are the flags of diff.
type diffOptions struct {
	filters filterFlags
	conns   []string
	late    toleranceFlag
	maxLag  toleranceFlag
	limit   int
	format  choiceFlag
	output  *string
}

func setupDiff(fs *pflag.FlagSet) runFunc {
	o := &diffOptions{late: toleranceFlag(analyze.DefaultLate),
		format: choiceFlag{"text", []string{"text", "json", "html"}}}
	o.filters.fs = fs
	fs.Var(&o.filters.from, "from", "from this time on: RFC 3339, or +90s after the start of either journal")
	fs.Var(&o.filters.to, "to", "up to this time, itself not included")
	fs.StringSliceVar(&o.conns, "conn", nil, "only these connections, by `number` in RECORDED; 3=1 compares 3 with 1 of REPLAYED")
	fs.StringSliceVar(&o.filters.workers, "worker", nil, "only the connections of these workers, by `name`")
	fs.Var(&o.filters.direction, "direction", "s2c (master to worker) or c2s (worker to master) only")
	fs.StringSliceVar(&o.filters.commands, "command", nil, "only lines of these commands, by `name` (RDATA,POSITION)")
	fs.StringSliceVar(&o.filters.streams, "stream", nil, "only lines about these streams, by `name` (events,typing)")
	fs.StringSliceVar(&o.filters.instances, "instance", nil, "only lines that name these instances, by `name`")
	fs.Var(&o.late, "late", "how late a line may come; off: any time")
	fs.Var(&o.maxLag, "max-lag", "how far behind its schedule a replay may be in 99 of 100 lines; off: any (as its --lag-limit was if not given)")
	fs.IntVar(&o.limit, "limit", analyze.DefaultDifferences, "how many differences JSON lists; text shows the first of them, and all are counted")
	fs.Var(&o.format, "format", "how to print the result")
	o.output = outputFlag(fs)
	return o.run
}

// toleranceFlag is a duration, or off.
type toleranceFlag time.Duration

func (t *toleranceFlag) String() string {
	switch {
	case *t < 0:
		return "off"
	case *t == 0:
		return ""
	}
	return durationText(time.Duration(*t))
}
func (t *toleranceFlag) Type() string { return "duration" }

func (t *toleranceFlag) Set(text string) error {
	if text == "off" {
		*t = -1
		return nil
	}
	d, err := parseDuration(text)
	if err != nil {
		return fmt.Errorf("%w, or off", err)
	}
	*t = toleranceFlag(max(d, 1)) // 0 means that it is not given
	return nil
}

func (o *diffOptions) run(ctx context.Context, e *env, args []string) error {
	if len(args) != 2 {
		return usageErrorf("which journals? Give two: the recorded one and the one to compare with it")
	}
	opts, err := o.options()
	if err != nil {
		return err
	}
	var readers [2]*journal.Reader
	for i, path := range args {
		if readers[i], err = openJournal(path); err != nil {
			return err
		}
		defer readers[i].Close()
	}
	p := newProgress(e, "comparing")
	opts.Progress = p.count
	result, err := analyze.Compare(ctx, readers[0], readers[1], opts)
	p.done()
	if err != nil {
		return err
	}
	if sameFile(args[0], args[1]) {
		result.Notes = append(result.Notes, "both are the same journal, "+args[0])
	}
	text, err := comparisonText(result, o.format.value, newStyle(e.colored(e.stdout) && *o.output == ""))
	if err != nil {
		return err
	}
	if o.format.value == "text" {
		text = e.fitted(*o.output, text)
	}
	if err := e.write(*o.output, text); err != nil {
		return err
	}
	return verdictStatus(result)
}

// sameFile says whether two paths are of the same journal.
func sameFile(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

// options are the flags as Compare wants them.
func (o *diffOptions) options() (analyze.Options, error) {
	opts := analyze.Options{Late: time.Duration(o.late), MaxLag: time.Duration(o.maxLag), Differences: o.limit}
	if o.limit < 1 {
		return opts, usageErrorf("--limit %d: it must be at least 1", o.limit)
	}
	if flag := o.filters.fs.Lookup("conn"); flag.Changed && len(o.conns) == 0 {
		return opts, usageErrorf("--conn has no value")
	}
	for _, text := range o.conns {
		old, replayed, paired := strings.Cut(text, "=")
		if !paired {
			o.filters.conns = append(o.filters.conns, text)
			continue
		}
		a, errA := strconv.ParseUint(strings.TrimSpace(old), 10, 64)
		b, errB := strconv.ParseUint(strings.TrimSpace(replayed), 10, 64)
		if errA != nil || errB != nil || a == 0 || b == 0 {
			return opts, usageErrorf("--conn %s: connections have numbers from 1; write 3, or 3=1 to compare 3 with 1", text)
		}
		opts.Pairs = append(opts.Pairs, [2]uint64{a, b})
	}
	var err error
	opts.Filter, err = o.filters.filter()
	if len(opts.Filter.Conns) > 0 {
		for _, p := range opts.Pairs {
			opts.Filter.Conns = append(opts.Filter.Conns, p[0])
		}
	}
	return opts, err
}

// verdictStatus is the exit status of a verdict.
func verdictStatus(c *analyze.Comparison) error {
	switch c.Verdict {
	case analyze.Same:
		return nil
	case analyze.Different:
		return exitStatus(statusFound)
	}
	return exitStatus(statusInconclusive)
}

// comparisonText is a comparison as a format has it.
func comparisonText(c *analyze.Comparison, format string, st style) ([]byte, error) {
	var out bytes.Buffer
	switch format {
	case "html":
		err := c.WriteHTML(&out)
		return out.Bytes(), err
	case "json":
		if err := json.Indent(&out, appendJSON(nil, c), "", "  "); err != nil {
			return nil, err
		}
		out.WriteByte('\n')
		return out.Bytes(), nil
	}
	return appendComparison(nil, c, st), nil
}
