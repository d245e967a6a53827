package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"repltap/analyze"
	"repltap/replay"
	"repltap/wire"
)

func replayCommand() *command {
	return &command{
		name: "replay", args: "JOURNAL --listen ADDR | --connect ADDR [flags]",
		summary: "play a recorded master to a fresh worker, or recorded workers to a fresh master",
		long: `
Plays the master of a journal to the workers that connect, in the release that
was recorded: its greeting and keep-alive, its answers to REPLICATE, and then what
it sent, at the recorded times from the moment at which the worker asked. A worker
that is too slow meets Synapse's own back-pressure: a buffer of 64 KiB behind the
kernel's, a queue of 10,000 commands behind that, "ERROR Failed to keep up" at the
10,001st, and a close after which nothing more is read.

A worker is matched to the recorded one of its name; any other name plays the first
that was chosen. It begins when the first of those asked who are there; one that is
early is let in when its recorded one asked. Where that one went away the connection
breaks, so that today's worker comes back as it did (not with --link none). --workers
N waits for N workers, at most as long as --wait says; without it the first begins it,
and all that were recorded are expected to take part. A worker that drops and comes
back by itself goes on where the protocol says.

Up to 1.12 REPLICATE is answered with the rows that the journal has from before.
From 1.13 on workers fetch what they missed from their database, or over HTTP:
--http serves that from the journal, where the worker's replication HTTP port is
looked for. If the worker's database stands elsewhere than the recorded one did,
--rebase moves the tokens.

--link recorded (the default) has a recorded overflow happen again, after the same
command, even if today's worker is fast: what was in the recorded master's buffer
is held back, and stand-ins are queued for the commands that were queued then,
which are in no journal. Where one side gave the other up for its silence ("ping
timeout") the link keeps quiet again, 25 to 30 seconds at any speed.

The built-in worker takes part as the recorded one did with: repltap worker --connect
ADDR --like JOURNAL (--name or --like-conn for one of several).

--as worker --connect ADDR is the other role (--connect alone means it, too): the
recorded workers are played to a master, each of their connections with one of its
own, opened and ended when the recorded one was. They say what they said, at the
recorded times from the moment at which the first is connected, byte for byte but
for PING, which is real time at any speed. Up to 1.12 --rebase STREAM=N moves the
tokens that they ask from and --rebase now asks for none, and in every release
--rebase federation=N moves those of FEDERATION_ACK; --shift-times moves the time
stamps of USER_SYNC and USER_IP to now. --link recorded has them stop reading where
they did. At --speed max they say all at once when the master has answered REPLICATE,
and leave when it has nothing more to say.

Everything that happens goes into a journal of its own (--journal), for log and
verify like any other.

At its end both journals are compared, as repltap diff does, and the coverage says how
much of the recording took place, and why the rest did not. Exit status 0: the same
happened again; 3: something else, or the other side did not take or keep a connection;
4: it can't be told, since not all was played, the replay was too late, it lacked
something itself, or parts of the journal are missing. SIGINT ends it, with what there
is so far.`,
		examples: []string{
			"repltap replay traffic/ --listen 127.0.0.1:9092 --worker w1",
			"repltap replay traffic/ --listen 127.0.0.1:9092 --conn 3 --speed max --journal run/",
			"repltap replay traffic/ --listen :9092 --http 127.0.0.1:9093 --skip-idle 1s --rebase typing=0",
			"repltap replay traffic/ --dry-run",
			"repltap replay traffic/ --connect 127.0.0.1:9092 --as worker --worker w1 --journal run/",
		},
		setup: setupReplay,
	}
}

// replayOptions are the flags of replay.
type replayOptions struct {
	listen, http, connect    addrFlag
	as                       choiceFlag
	shiftTimes               bool
	secret                   string
	filter                   filterFlags
	speed                    speedFlag
	skipIdle, linger, wait   durationFlag
	latency, lagLimit        durationFlag
	link                     choiceFlag
	bandwidth, highWater     sizeFlag
	linkBuffer               sizeFlag
	stalls                   []string
	maxQueue, workers        int
	journal                  string
	redact                   redactFlag
	dialect                  *dialectFlag
	until, rebase            []string
	server, instance, output string
	format                   choiceFlag
	dryRun                   bool

	fs *pflag.FlagSet
}

func setupReplay(fs *pflag.FlagSet) runFunc {
	o := &replayOptions{
		speed: 1, link: choiceFlag{"recorded", []string{"recorded", "none"}}, format: choiceFlag{"text", []string{"text", "json"}},
		dialect: newDialectFlag(), lagLimit: durationFlag(analyze.DefaultMaxLag),
		as: choiceFlag{roleMaster, []string{roleMaster, roleWorker}}, highWater: sizeFlag(replay.SynapseLimits.HighWater), linkBuffer: replay.DefaultLinkBuffer, linger: durationFlag(500 * time.Millisecond),
	}
	fs.Var(&o.listen, "listen", "where workers connect to; port 0 takes any free one")
	fs.Var(&o.connect, "connect", "the master to which recorded workers are played (see --as)")
	fs.Var(&o.as, "as", "who is played: the master, or its workers")
	fs.Var(&o.http, "http", "serve rows that workers missed here (from 1.13)")
	fs.StringVar(&o.secret, "http-secret", "", "the worker_replication_secret that is asked for")
	fs.Var(&o.speed, "speed", "1, 0.5, 10 … times the recorded one, or max: as fast as workers take it")
	fs.Var(&o.skipIdle, "skip-idle", "no recorded pause lasts longer than this")
	fs.StringSliceVar(&o.until, "until-token", nil, "end when a stream has come to a token: `STREAM=N`")
	fs.IntVar(&o.workers, "workers", 1, "begin when so `many` workers have asked")
	fs.Var(&o.wait, "wait", "how long to wait for them, and then begin with those who are there (0: for ever)")
	fs.Var(&o.link, "link", "recorded: stand still where the recorded worker did; none: don't")
	fs.Var(&o.bandwidth, "bandwidth", "bytes a second that the link lets through; 0: no limit")
	fs.Var(&o.latency, "latency", "how long the link takes")
	fs.StringSliceVar(&o.stalls, "stall", nil, "the link stands still: `AT:FOR`, as in 5s:10s (also 10s@5s)")
	fs.Var(&o.linkBuffer, "link-buffer", "what the link holds when it stands still, as a kernel does")
	fs.IntVar(&o.maxQueue, "max-queue", replay.SynapseLimits.MaxQueue, "`commands` that may wait for a worker")
	fs.Var(&o.highWater, "high-water", "bytes that wait before commands are queued")
	fs.StringSliceVar(&o.rebase, "rebase", nil, "where streams stand at the beginning: `STREAM=N`; up to 1.12 also worker: where that asks from, or with --as worker now")
	fs.BoolVar(&o.shiftTimes, "shift-times", false, "with --as worker: move time stamps of USER_SYNC and USER_IP to now")
	fs.StringVar(&o.server, "server-name", "", "the server's `name`, instead of the recorded one")
	fs.StringVar(&o.instance, "instance", "", "the master's instance `name`, instead of the recorded one")
	fs.Var(o.dialect, "dialect", "what to speak: auto, v1.22 … or a release as 1.66.0")
	fs.StringVar(&o.journal, "journal", "", "`directory` for the journal of this run (not kept if not given)")
	fs.Var(&o.redact, "redact", redactUsage)
	fs.Lookup("redact").DefValue = "as the journal was"
	fs.Var(&o.lagLimit, "lag-limit", "a run of which a hundredth was later than this is inconclusive")
	fs.Var(&o.linger, "linger", "how long to stay after the last command; if not given, also until the workers show that they have taken all, 7s at most; workers 250ms")
	fs.BoolVar(&o.dryRun, "dry-run", false, "say what would be sent, and how long it would take")
	fs.Var(&o.format, "format", "how to print what came of it")
	o.filter.registerReplay(fs)
	o.fs = fs
	return o.run
}

// speedFlag is a factor; 0 is max.
type speedFlag float64

func (s *speedFlag) String() string { return speedText(float64(*s)) }

func speedText(speed float64) string {
	if speed == 0 {
		return "max"
	}
	return strconv.FormatFloat(speed, 'g', -1, 64)
}

func (s *speedFlag) Type() string { return "factor" }

func (s *speedFlag) Set(text string) error {
	if text == "max" {
		*s = 0
		return nil
	}
	f, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64)
	if err != nil || !(f > 0 && f <= 1e6) {
		return fmt.Errorf("%q is not a speed; it is a number above 0, or max", text)
	}
	*s = speedFlag(f)
	return nil
}

func (o *replayOptions) run(ctx context.Context, e *env, args []string) error {
	path, err := oneJournal(args)
	if err != nil {
		return err
	}
	worker, err := o.role()
	if err != nil {
		return err
	}
	cfg, planned, err := o.config()
	if err != nil {
		return err
	}
	r, err := openJournal(path)
	if err != nil {
		return err
	}
	defer r.Close()
	if level, err := wire.ParseRedaction(r.Info().Redact); err == nil && !o.fs.Changed("redact") {
		o.redact = redactFlag(level)
	}
	plan, err := replay.NewPlan(ctx, r, planned)
	if err != nil {
		return replayTrouble(path, err)
	}
	defer plan.Close()
	cfg.Plan = plan
	switch {
	case worker:
		err = o.fitsWorkers(plan)
	default:
		err = o.fits(plan)
	}
	switch {
	case err != nil:
		return err
	case o.dryRun && worker:
		return o.describeWorkers(e, path, plan)
	case o.dryRun:
		return o.describe(ctx, e, path, plan)
	case worker:
		return o.play(ctx, e, path, cfg)
	}
	return o.serve(ctx, e, path, cfg)
}

// replayTrouble adds to an error of planning what to do about it.
func replayTrouble(path string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if strings.Contains(err.Error(), "say which") {
		return withHint(fmt.Errorf("%s: %w", path, err), "say --dialect v1.22, or a release as --dialect 1.66.0")
	}
	if hintFor(err) != "" {
		return named(path, err)
	}
	return withHint(fmt.Errorf("%s: %w", path, err), "see what is in the journal with: repltap log %s --command NAME,REPLICATE", path)
}
