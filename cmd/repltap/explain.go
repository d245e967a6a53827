package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"repltap/analyze/explain"
	"repltap/wire"
)

func explainCommand() *command {
	return &command{
		name: "explain", args: "JOURNAL STREAM TOKEN [flags]",
		summary: "tell the story of one token: who wrote it, who got it when, who did not and why",
		long: `
Says what became of one token of a stream: which instance wrote it, when and with
which rows, which POSITION announced it, when it came to each worker, how long
after the first of them, and what the worker made of it. For a token that never
came it says between which ones it would have been, what went over it, and which
POSITION covers it.

What workers make of it is played by the rules of a release: the one that --release
names, or one that fits the traffic.
  delivered     it took the rows in
  discarded     they came, and it threw them away; why is said
  would fetch   a POSITION told it that it missed something: it asks the database
                or the writer for it, which the journal does not show
  skipped       a POSITION took it further and says there is nothing
  passed over   later rows came, and this token did not
  was past it   it was further before anything came to it
  own           it wrote it itself
  not yet       what came to it last was before the token

Exit status 3: the token never came, or some worker did not take it in, or parts of
the traffic are not in the journal.`,
		examples: []string{
			"repltap explain traffic/ events 7490201",
			"repltap explain traffic/ caches 49364133 --instance master",
			"repltap explain traffic/ to_device 821825860 --release 1.22.0",
			"repltap explain traffic/ events 14 --format json | jq -r '.workers[] | [.worker, .fate, .delay_ms] | @tsv'",
		},
		setup: setupExplain,
	}
}

// explainOptions are the flags of explain.
type explainOptions struct {
	instance string
	release  releaseFlag
	format   choiceFlag
	output   *string
}

// releaseFlag is a release of Synapse, or none.
type releaseFlag wire.Release

func (r *releaseFlag) Type() string { return "release" }

func (r *releaseFlag) String() string {
	if *r == 0 {
		return ""
	}
	return wire.Release(*r).String()
}

func (r *releaseFlag) Set(text string) error {
	release, err := wire.ParseRelease(text)
	if err == nil {
		_, err = wire.ReceiverOf(release)
	}
	*r = releaseFlag(release)
	return err
}

func setupExplain(fs *pflag.FlagSet) runFunc {
	o := &explainOptions{format: choiceFlag{"text", []string{"text", "json"}}}
	fs.StringVar(&o.instance, "instance", "", "whose token, by `name`; without it that of all who wrote one")
	fs.Var(&o.release, "release", "by whose rules workers go; without it that is told from the traffic")
	fs.Var(&o.format, "format", "how to print the story")
	o.output = outputFlag(fs)
	return o.run
}

// maxStreamsSaid is how many streams are named to those who ask for another one.
const maxStreamsSaid = 40

func (o *explainOptions) run(ctx context.Context, e *env, args []string) error {
	if len(args) != 3 {
		return usageErrorf("which token? Give the journal, the stream and the token: repltap explain traffic/ events 7490201")
	}
	token, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return usageErrorf("%q is not a token: want a whole number", args[2])
	}
	boundMemory()
	r, err := openJournal(args[0])
	if err != nil {
		return err
	}
	defer r.Close()
	show := newProgress(e, "reading")
	story, err := explain.Explain(ctx, r, explain.Question{Stream: args[1], Token: token, Instance: o.instance, Release: wire.Release(o.release)}, show.count)
	show.done()
	if story == nil {
		return err
	}
	unread := err
	if unread == nil && len(story.Writers) == 0 && len(story.Workers) == 0 {
		names, more, err := explain.Streams(ctx, r, maxStreamsSaid)
		if err != nil {
			return err
		}
		if more {
			names = append(names, "…")
		}
		what := "it has no streams"
		if len(names) > 0 {
			what = "its streams are " + strings.Join(names, ", ")
		}
		e.say("nothing in %s is about the stream %s: %s\n", safe(args[0]), safe(args[1]), safe(what))
	}
	text := func(dst []byte) []byte {
		return e.fitted(*o.output, appendStory(dst, story, newStyle(e.colored(e.stdout) && *o.output == "")))
	}
	if o.format.value == "json" {
		text = func(dst []byte) []byte { return append(appendJSON(dst, story), '\n') }
	}
	if err := e.write(*o.output, text(nil)); err != nil {
		return err
	}
	if unread != nil {
		return unread
	}
	if !story.Complete {
		return exitStatus(statusFound)
	}
	return nil
}
