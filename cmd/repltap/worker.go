package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"repltap/journal"
	"repltap/replay"
	"repltap/wire"
)

func workerCommand() *command {
	return &command{
		name: "worker", args: "--connect ADDR [flags]",
		summary: "be a worker: follow a master's streams, and be slow, stall or die on demand",
		long: `
Connects to a master (Synapse's, repltap replay, or a tap in front of one) and
does what a worker of one release does with what it gets: which rows it takes in,
throws away or fetches, what it answers, when it gives up and connects again. At
its end it prints what it believes: where it stands in each stream, what became
of the rows, and how each connection ended.

A worker speaks first, so it has to choose a release: the one of --dialect, or
1.66.0, the last that had replication over TCP. Without --dialect it goes on as
another release when the master turns out to speak another dialect.

What it missed it fetches from --http, where that is what workers do (typing,
presence, federation). What real workers read from their database it asks there
too, once; it has no database. What nobody answers is taken to be nothing, and
counted as assumed. Without --http that is every fetch.

The times of --stall, --freeze and --die count from when it is first connected.
  --stall AT:FOR   reads nothing, and still says PING; what it was sent waits in
                   the kernels' buffers, unless --receive-buffer makes its own small
  --freeze AT:FOR  does nothing at all, like a stopped process
  --die AT         ends without a word, like a killed one; --back AFTER starts a
                   new one, which stands where the last one's database would

--like JOURNAL makes it a worker as one that was recorded: its name and release, the
streams that it asked for and from where (from 1.13 on: where it stood, so that it
fetches nothing), the users that it said were syncing, whether it sends to other
servers, and when it was frozen. That is the one to follow repltap replay JOURNAL.

Exit status: 0 when it ended by --for, --die, --once or a signal; 1 when there
was no connection; 3 when an ERROR came or was sent, a line took the connection
down, a fetch failed, or rows were lost since they did not fit their stream or
the release does not have it. Rows that come before the POSITION, or again, are
part of the protocol and no fault.`,
		examples: []string{
			"repltap worker --connect 127.0.0.1:9092 --name w1 --for 1m",
			"repltap worker --connect 127.0.0.1:9092 --like traffic/ --name w2",
			"repltap worker --connect 127.0.0.1:9092 --dialect 1.12.4 --start events=4711 --once",
			"repltap worker --connect 127.0.0.1:9092 --stall 5s:60s --receive-buffer 64KiB --journal slow/",
			"repltap worker --connect 127.0.0.1:9092 --http 127.0.0.1:9093 --die 30s --back 5s --format json",
		},
		setup: setupWorker,
	}
}

// workerOptions are the flags of worker.
type workerOptions struct {
	connect            addrFlag
	name, server       string
	dialect            *dialectFlag
	http, secretFile   string
	streams, syncing   []string
	starts             startFlag
	readRate           rateFlag
	receiveBuffer      sizeFlag
	maxHeld            sizeFlag
	stalls, freezes    faultFlag
	die, back, lasting durationFlag
	reconnect, once    bool
	sendsFederation    bool
	like               string
	likeConn           uint64
	liked              wire.Release // of the one that it is like
	format             choiceFlag
	journal            string
	redact             redactFlag
	changed            func(string) bool
}

func setupWorker(fs *pflag.FlagSet) runFunc {
	o := &workerOptions{dialect: newDialectFlag(), maxHeld: replay.DefaultMaxHeld, redact: redactFlag(wire.RedactSecrets),
		stalls: faultFlag{kind: replay.FaultStall}, freezes: faultFlag{kind: replay.FaultFreeze},
		format: choiceFlag{"text", []string{"text", "json"}}, changed: fs.Changed}
	fs.Var(&o.connect, "connect", "the master's replication listener (required)")
	fs.StringVar(&o.name, "name", "w1", "what the worker calls itself")
	fs.StringVar(&o.server, "server-name", "", "what the master has to call itself; any `name` will do if not given")
	fs.Var(o.dialect, "dialect", "what to be: a release as 1.66.0, the last one of a dialect as v1.12, or auto")
	fs.StringVar(&o.http, "http", "", "`ADDR or URL` of the endpoint to fetch rows from")
	fs.StringVar(&o.secretFile, "http-secret-file", "", "`file` with the worker_replication_secret for it, which workers send from 1.25 on")
	fs.StringSliceVar(&o.streams, "streams", nil, "`names` of streams: up to 1.12 those to ask for; later all come, and only these are shown")
	fs.Var(&o.starts, "start", "where it stands before it begins, 0 where not given; * for all streams")
	fs.StringSliceVar(&o.syncing, "syncing", nil, "`users` that it says are syncing")
	fs.BoolVar(&o.sendsFederation, "federation-sender", false, "acknowledge the federation stream; a real master then forgets what it has for the real sender")
	fs.StringVar(&o.like, "like", "", "be like a worker of this `journal`: the first one, or that of --name; other flags win")
	fs.Uint64Var(&o.likeConn, "like-conn", 0, "with --like: be like the one on connection `N`")
	fs.Var(&o.readRate, "read-rate", "read no faster than this")
	fs.Var(&o.receiveBuffer, "receive-buffer", "how much the kernel is to hold for it, so that being slow is soon felt (0: the kernel's choice)")
	fs.Var(&o.maxHeld, "max-held", "how much may wait in memory for a fetch before it reads no more")
	fs.Var(&o.stalls, "stall", "stop reading at a time, for a time; may be given again")
	fs.Var(&o.freezes, "freeze", "stop altogether at a time, for a time; may be given again")
	fs.Var(&o.die, "die", "end without a word at this time")
	fs.Var(&o.back, "back", "and come back so long after")
	fs.BoolVar(&o.reconnect, "reconnect", false, "connect again when a connection has ended, as workers do (the default)")
	fs.BoolVar(&o.once, "once", false, "end with the first connection, or without one")
	fs.Var(&o.lasting, "for", "end after this time (0: not by itself)")
	fs.Var(&o.format, "format", "what to print at the end: text or json")
	fs.StringVar(&o.journal, "journal", "", "record what goes over its connections in this `directory`")
	fs.Var(&o.redact, "redact", "with --journal: "+redactUsage)
	return o.run
}

// check says what is wrong with the flags together.
func (o *workerOptions) check(args []string) error {
	switch {
	case len(args) > 0:
		return usageErrorf("there is an argument too many: %s", args[0])
	case o.connect == "":
		return usageErrorf("where is the master? Say --connect ADDR")
	case strings.HasSuffix(string(o.connect), ":0"):
		return usageErrorf("--connect %s: port 0 is none that a master listens on", o.connect)
	case o.changed("like-conn") && o.like == "":
		return usageErrorf("--like-conn is for the journal of --like, which is not given")
	case o.changed("like-conn") && o.likeConn == 0:
		return usageErrorf("--like-conn 0: connections have numbers from 1")
	case o.name == "" || strings.ContainsAny(o.name, "\n"):
		return usageErrorf("--name: a worker has a name of one line")
	case o.dialect.name == "next":
		return usageErrorf("--dialect next: no release speaks it yet")
	case o.once && o.reconnect:
		return usageErrorf("--once and --reconnect are the opposite of each other")
	case o.changed("back") && !o.changed("die"):
		return usageErrorf("--back is for a worker that dies: say --die AT too")
	case o.once && o.changed("back"):
		return usageErrorf("--once ends with the first connection: nothing is left to come --back")
	case o.secretFile != "" && o.http == "":
		return usageErrorf("--http-secret-file is for the endpoint of --http, which is not given")
	case o.receiveBuffer > 1<<30:
		return usageErrorf("--receive-buffer %s: no kernel gives that much", &o.receiveBuffer)
	case o.maxHeld <= 0:
		return usageErrorf("--max-held must be more than 0")
	}
	for _, user := range o.syncing {
		if user == "" || strings.ContainsAny(user, " \n") {
			return usageErrorf("--syncing: %q is no user, as @alice:example.com is", user)
		}
	}
	return nil
}

// release is what to be, and whether to be something else if the traffic says so.
func (o *workerOptions) release() (r wire.Release, adapt bool) {
	if r := o.dialect.one(); r != 0 {
		return r, false
	}
	return replay.LastTCPRelease, true
}

func (o *workerOptions) config() (c replay.WorkerConfig, err error) {
	c = replay.WorkerConfig{Connect: string(o.connect), Name: o.name, Server: o.server, Start: o.starts, Syncing: o.syncing,
		Streams: o.streams, ReceiveBuffer: int(o.receiveBuffer), ReadRate: int(o.readRate), MaxHeld: int(o.maxHeld),
		Faults: slices.Concat(o.stalls.list, o.freezes.list), Once: o.once,
		Die:  replay.Span{Set: o.changed("die"), For: time.Duration(o.die)},
		Back: replay.Span{Set: o.changed("back"), For: time.Duration(o.back)}}
	c.SendsFederation = o.sendsFederation
	if c.Release, c.Adapt = o.release(); o.liked != 0 {
		c.Release, c.Adapt = o.liked, false
	}
	if o.http != "" {
		c.CatchUp = &replay.CatchUp{URL: o.http}
		if !strings.Contains(o.http, "://") {
			c.CatchUp.URL = "http://" + o.http
		}
		if c.CatchUp.Secret, err = readSecret(o.secretFile); err != nil {
			return c, err
		}
		if err := c.CatchUp.Check(); err != nil {
			return c, usageErrorf("--http: %w", err)
		}
	}
	if err := c.Check(); err != nil {
		return c, usageErrorf("%w", err)
	}
	return c, nil
}

// readSecret reads a file that holds one secret. It has no place on a command
// line, which everybody on the machine can read.
func readSecret(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}

func (o *workerOptions) run(ctx context.Context, e *env, args []string) error {
	if err := o.check(args); err != nil {
		return err
	}
	if err := o.resemble(ctx); err != nil {
		return err
	}
	c, err := o.config()
	if err != nil {
		return err
	}
	if o.lasting > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(o.lasting))
		defer cancel()
	}
	screen := newWorkerScreen(e, o)
	c.Log = slog.New(slog.NewTextHandler(screen, nil))
	if screen.live {
		c.Progress = screen.show
	}
	seal, err := o.record(&c)
	if err != nil {
		return named(o.journal, err)
	}
	report, err := replay.RunWorker(ctx, c)
	screen.clear()
	sealed := seal(e)
	if report == nil {
		return errors.Join(err, sealed)
	}
	printed := e.print(o.text(e, report))
	err = errors.Join(workerTrouble(err), sealed, printed)
	if err == nil && len(report.Faults) > 0 {
		return exitStatus(statusFound)
	}
	return err
}

// record has the worker's traffic journalled, if that was asked for.
func (o *workerOptions) record(c *replay.WorkerConfig) (seal func(*env) error, err error) {
	if o.journal == "" {
		return func(*env) error { return nil }, nil
	}
	w, err := journal.Create(o.journal, journal.Options{Source: fmt.Sprintf("worker %s -> %s", o.name, o.connect),
		Redact: wire.Redaction(o.redact), Program: program, FlushInterval: journal.DefaultFlushInterval, Log: c.Log})
	if err != nil {
		return nil, err
	}
	c.Scribe, c.NextConn = journal.NewScribe(w, wire.AllReleases, nil), w.NextConn
	return func(e *env) error {
		err := w.Close()
		e.say("%s\n", sealedText(w.Stats(), o.journal))
		return err
	}, nil
}

func workerTrouble(err error) error {
	if errors.Is(err, replay.ErrRefused) {
		return withHint(err, "see that the master's replication listener is there, with: ss -ltn")
	}
	return err
}

// text is the report in the format that was asked for.
func (o *workerOptions) text(e *env, r *replay.WorkerReport) string {
	if o.format.value == "json" {
		return string(appendJSON(nil, r)) + "\n"
	}
	return workerText(r, o.streams, newStyle(e.colored(e.stdout)))
}
