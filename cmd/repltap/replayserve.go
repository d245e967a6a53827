package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"repltap/journal"
	"repltap/replay"
	"repltap/wire"
)

// serve replays.
func (o *replayOptions) serve(ctx context.Context, e *env, path string, cfg replay.MasterConfig) error {
	var err error
	if cfg.Listener, err = replay.ListenMaster(ctx, o.listen.network(), string(o.listen)); err != nil {
		return listenTrouble(err)
	}
	stopHTTP, err := o.serveHTTP(e, cfg)
	if err != nil {
		cfg.Listener.Close()
		return listenTrouble(err)
	}
	dir, remove, err := o.runJournal(path, &cfg)
	if err != nil {
		cfg.Listener.Close()
		return errors.Join(err, stopHTTP())
	}
	defer remove()
	show := newReplayProgress(e)
	cfg.Progress = show.at
	e.say("listening on %s\n", cfg.Listener.Addr())
	o.warnWorkers(e, cfg.Plan)
	if cfg.Plan.Server == "" && o.server == "" {
		e.say("the journal does not say what the server is called, since its connections began earlier: workers refuse a name that is not theirs, so give it with --server-name\n")
	}
	result, err := replay.ServeMaster(ctx, cfg)
	show.done()
	err = errors.Join(err, stopHTTP(), cfg.Journal.Close())
	if err != nil || result == nil {
		return err
	}
	return o.report(ctx, e, path, dir, result)
}

// warnWorkers says so if more workers are waited for than were recorded: those that
// came back later are the same ones, and need not be there twice.
func (o *replayOptions) warnWorkers(e *env, p *replay.Plan) {
	n, names := p.Together()
	if o.workers <= n || len(names) < 2 {
		return // of one worker any number may be given the same
	}
	for i, name := range names {
		if name == "" {
			names[i] = "one that never said its name"
		}
	}
	list := strings.Join(names[:min(len(names), 8)], ", ")
	if len(names) > 8 {
		list += " …"
	}
	e.say("--workers %d: the journal has %s (%s), of which some may come and go. Others, if there are any, play %s too; if not, say --workers %d or --wait\n",
		o.workers, plural(int64(n), "worker"), safe(list), safe(names[0]), n)
}

// runJournal begins the journal of the run.
func (o *replayOptions) runJournal(path string, cfg *replay.MasterConfig) (dir string, remove func(), err error) {
	dir, remove, err = o.runDir()
	if err == nil {
		cfg.Journal, err = journal.Create(dir, journal.Options{
			Source: "replay of " + path, Redact: wire.Redaction(o.redact), Program: program,
		})
	}
	return dir, remove, named(dir, err)
}

// runDir is where the run is journalled: a place that is removed again if nobody
// wants to keep it, since the verdict needs the journal.
func (o *replayOptions) runDir() (dir string, remove func(), err error) {
	if o.journal != "" {
		return o.journal, func() {}, nil
	}
	dir, err = os.MkdirTemp("", "repltap-run-*")
	return dir, func() { os.RemoveAll(dir) }, err
}

// serveHTTP serves catch-up, if it was asked for. stop ends it.
func (o *replayOptions) serveHTTP(e *env, cfg replay.MasterConfig) (stop func() error, err error) {
	if o.http == "" {
		return func() error { return nil }, nil
	}
	ln, err := net.Listen(o.http.network(), string(o.http))
	if err != nil {
		return nil, err
	}
	srv := &http.Server{
		Handler:           &replay.RowServer{Plan: cfg.Plan, Rewrite: cfg.Rewrite, Secret: o.secret},
		ReadHeaderTimeout: 10 * time.Second,
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	e.say("serving rows over HTTP on %s\n", ln.Addr())
	return func() error {
		srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}, nil
}

// fits says whether the flags fit what is to be played.
func (o *replayOptions) fits(p *replay.Plan) error {
	switch {
	case o.http != "" && p.Subscribes():
		return usageErrorf("--http: up to 1.12 (this is %s) workers get what they missed over the same connection", p.Release)
	case slices.Contains(o.rebase, "worker") && !p.Subscribes():
		return usageErrorf("--rebase worker: from 1.13 on (this is %s) workers don't say where they stand; say --rebase STREAM=N", p.Release)
	case o.instance != "" && p.Subscribes():
		return usageErrorf("--instance: up to 1.12 (this is %s) there are none", p.Release)
	}
	for _, list := range [][]string{o.rebase, o.until} {
		for _, text := range list {
			name, _, ok := strings.Cut(text, "=")
			if ok && !slices.ContainsFunc(p.Streams, func(s replay.StreamStart) bool { return s.Name == name }) {
				return usageErrorf("there is no stream %q in what is to be replayed", name)
			}
		}
	}
	return nil
}
