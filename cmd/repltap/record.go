package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"

	"repltap/journal"
	"repltap/proxy"
	"repltap/wire"
)

func recordCommand() *command {
	return &command{
		name: "record", args: "--listen ADDR --upstream ADDR --journal DIR [flags]",
		summary: "sit between workers and their master, pass everything on, and journal it",
		long: `
Listens for workers, makes a connection to the master for each, and passes every
byte on as it comes, both ways, with the ends and the back-pressure of either
side. What has passed is written to the journal. While the master can't be
reached, workers are refused, as the master itself would do.

The traffic comes first: when the journal can't keep up or its disk fails, the
traffic goes on, and what is missing is written down as a gap (see repltap
verify). --on-overflow block makes the traffic wait instead. When the file that is
being written, or the directory, is cut short, removed or replaced, recording goes
on by itself in a new one, and a gap says what was lost.

With --enforce a line that its sender may not send, or that does not parse, is
not passed on: its sender gets the ERROR that the receiver would have answered
with, and both sides are closed. The lines before it have been passed on. It is
in the journal, and counted. While the traffic does not say yet which dialect it
is, only what no dialect allows is held back; --dialect decides it at once, and a
release, as in --dialect 1.66.0, has lines judged and answered as that one does.

The journal is a directory of files that are begun anew at --rotate-size or
--rotate-interval; the oldest are deleted beyond --max-size or --max-age. It can
be read with repltap log and repltap verify while it is recorded.

SIGINT or SIGTERM end the recording: no new connections, what is queued is
written, the journal is sealed, exit status 0. A disk that does not answer is
given up after a few seconds, with exit status 1. A second signal ends the
recording at once.

Replication lines hold secrets and what users do. Before anything is written,
--redact makes unreadable
  secrets   access tokens, push keys, contents of account data (the default)
  personal  these, and who: users, rooms, events, devices, addresses, free text
  none      nothing
What is made unreadable becomes a pseudonym of the same length: the same for the
same value everywhere in the journal, another one in every other journal. A line
of which it is not sure what it holds becomes a gap that says how long it was.`,
		examples: []string{
			"repltap record --listen 127.0.0.1:9192 --upstream 127.0.0.1:9092 --journal traffic/",
			"repltap record --listen :9192 --upstream master:9092 --journal /var/lib/repltap \\",
			"    --max-size 50GiB --max-age 7d --admin 127.0.0.1:9193",
			"repltap log traffic/ -f --from now      # watch it meanwhile",
		},
		setup: setupRecord,
	}
}

// recordOptions are the flags of record.
type recordOptions struct {
	listen, upstream, admin addrFlag
	journal                 string
	dialect                 *dialectFlag
	redact                  redactFlag
	onOverflow              choiceFlag
	enforce                 bool
	queue                   sizeFlag
	flushInterval           durationFlag
	rotateSize              sizeFlag
	rotateInterval          durationFlag
	maxSize                 sizeFlag
	maxAge                  durationFlag
}

func setupRecord(fs *pflag.FlagSet) runFunc {
	o := &recordOptions{
		dialect: newDialectFlag(), redact: redactFlag(wire.RedactSecrets), onOverflow: choiceFlag{"drop", []string{"drop", "block"}},
		queue: 64 << 20, flushInterval: durationFlag(time.Second),
		rotateSize: 256 << 20, rotateInterval: durationFlag(time.Hour), maxSize: 10 << 30, maxAge: durationFlag(168 * time.Hour),
	}
	fs.Var(&o.listen, "listen", "where workers connect to; port 0 takes any free one (required)")
	fs.Var(&o.upstream, "upstream", "the master's replication listener (required)")
	fs.StringVar(&o.journal, "journal", "", "`directory` of the journal, made if it does not exist (required)")
	fs.Var(o.dialect, "dialect", "dialect of the traffic: auto, v1.22 … or a release as 1.66.0")
	fs.Var(&o.redact, "redact", redactUsage)
	fs.Var(&o.onOverflow, "on-overflow", "when the queue is full: drop (the journal gets a gap) or block (the traffic waits)")
	fs.Var(&o.queue, "queue", "how much may wait for the journal, in memory")
	fs.Var(&o.flushInterval, "flush-interval", "write to the disk at least this often: what a crash can cost")
	fs.Var(&o.rotateSize, "rotate-size", "begin a new file at this size")
	fs.Var(&o.rotateInterval, "rotate-interval", "begin a new file after this time")
	fs.Var(&o.maxSize, "max-size", "delete the oldest files beyond this size of all; 0 keeps everything")
	fs.Var(&o.maxAge, "max-age", "delete files older than this; 0 keeps everything")
	fs.Var(&o.admin, "admin", "serve /metrics, /healthz, /status.json and /debug/pprof here (off if not given)")
	fs.BoolVar(&o.enforce, "enforce", false, "hold back lines that their receiver would refuse: answer in its place, and close")
	return o.run
}

// check says what is wrong with the flags together.
func (o *recordOptions) check(args []string) error {
	switch {
	case len(args) > 0:
		return usageErrorf("there is an argument too many: %s", args[0])
	case o.listen == "":
		return usageErrorf("where shall workers connect to? Say --listen ADDR")
	case o.upstream == "":
		return usageErrorf("where is the master? Say --upstream ADDR")
	case strings.HasSuffix(string(o.upstream), ":0"):
		return usageErrorf("--upstream %s: port 0 is none that a master listens on", o.upstream)
	case o.journal == "":
		return usageErrorf("where shall the journal be? Say --journal DIR")
	case o.flushInterval <= 0:
		return usageErrorf("--flush-interval must be more than 0")
	case o.queue <= 0:
		return usageErrorf("--queue must be more than 0")
	case o.rotateSize <= 0:
		return usageErrorf("--rotate-size must be more than 0")
	case o.rotateInterval <= 0:
		return usageErrorf("--rotate-interval must be more than 0")
	}
	return nil
}

func (o *recordOptions) run(ctx context.Context, e *env, args []string) error {
	if err := o.check(args); err != nil {
		return err
	}
	// Whatever can be wrong with the addresses is found before there is a journal.
	if err := o.tryListen(ctx); err != nil {
		return listenTrouble(err)
	}
	adminListener, err := listenAdmin(o.admin)
	if err != nil {
		return listenTrouble(err)
	}
	log := slog.New(slog.NewTextHandler(e.stderr, nil))
	registry := prometheus.NewRegistry()
	rec, err := beginRecording(ctx, recordingOptions{
		listen: o.listen, upstream: string(o.upstream), dir: o.journal,
		dialect: o.dialect.releases(), enforcer: o.enforcer(), queue: int64(o.queue), block: o.onOverflow.value == "block",
		journal: o.journalOptions(), registry: registry, log: log,
		ready: func(a net.Addr) { e.say("listening on %s\n", a) },
	})
	if err != nil {
		if adminListener != nil {
			adminListener.Close()
		}
		return named(o.journal, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := &admin{rec: rec, started: time.Now(), queue: int64(o.queue), reg: registry, log: log}
	stopAdmin := a.serve(adminListener, cancel)
	err = errors.Join(rec.run(ctx), stopAdmin(), failure(ctx))
	e.say("%s\n", sealedText(rec.writer.Stats(), o.journal))
	return listenTrouble(err)
}

// tryListen says whether the tap could listen, and would not be its own upstream.
func (o *recordOptions) tryListen(ctx context.Context) error {
	ln, err := net.Listen(o.listen.network(), string(o.listen))
	if err != nil {
		return err
	}
	defer ln.Close()
	if proxy.LeadsBack(ctx, ln.Addr(), string(o.upstream)) {
		return usageErrorf("--upstream %s leads back to --listen %s: the tap would be its own master", o.upstream, o.listen)
	}
	return nil
}

// enforcer makes the judges that --enforce asks for.
func (o *recordOptions) enforcer() func() *wire.Enforcer {
	if !o.enforce {
		return nil
	}
	if r, err := wire.ReceiverOf(o.dialect.release); err == nil {
		return func() *wire.Enforcer { return wire.NewEnforcerOf(r) }
	}
	return func() *wire.Enforcer { return wire.NewEnforcer(o.dialect.set) }
}

func (o *recordOptions) journalOptions() journal.Options {
	return journal.Options{
		RotateSize: int64(o.rotateSize), RotateInterval: time.Duration(o.rotateInterval),
		MaxSize: int64(o.maxSize), MaxAge: time.Duration(o.maxAge), FlushInterval: time.Duration(o.flushInterval),
		Source: fmt.Sprintf("record %s -> %s", o.listen, o.upstream), Redact: wire.Redaction(o.redact),
	}
}

// failure is why a recording was ended, if it was not by a signal.
func failure(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// listenTrouble adds to an error of listening what to do about it.
func listenTrouble(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "listen" {
		return err
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return withHint(fmt.Errorf("can't listen on %s: another program listens there", op.Addr), "choose another port, or find that program with: ss -ltnp")
	case errors.Is(err, syscall.EACCES):
		return withHint(fmt.Errorf("can't listen on %s: no permission", op.Addr), "ports below 1024 are for root; choose a higher one")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return withHint(fmt.Errorf("can't listen on %s: this machine does not have that address", op.Addr), "see which it has with: ip addr")
	}
	return err
}

func sealedText(s journal.Stats, dir string) string {
	return fmt.Sprintf("journal %s: %s, %s on disk", safe(dir), plural(int64(s.Files), "file"), sizeText(s.Bytes))
}
