package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"repltap/replay"
)

// The roles that replay can play.
const (
	roleMaster = "master"
	roleWorker = "worker"
)

// workersLinger is shorter than a master's: of two replays the workers leave first.
const workersLinger = 250 * time.Millisecond

// ofMaster are the flags that make sense for a master only, and why.
var ofMaster = []struct{ flag, why string }{
	{"listen", "workers connect to a master: say --connect ADDR"},
	{"http", "it is the master that serves rows"},
	{"http-secret", "it is the master that serves rows"},
	{"workers", "each recorded worker comes when it came"},
	{"stream", "what workers say is not about streams"},
	{"max-queue", "this is about the master's sending"},
	{"high-water", "this is about the master's sending"},
	{"latency", "the link of played workers has none"},
	{"link-buffer", "the link of played workers has none but the kernel's"},
	{"server-name", "workers don't say it"},
	{"instance", "workers don't say it"},
}

// role is who is to be played.
func (o *replayOptions) role() (worker bool, err error) {
	if o.connect != "" && !o.fs.Changed("as") {
		o.as.value = roleWorker
	}
	if o.as.value == roleMaster {
		switch {
		case o.connect != "":
			return false, usageErrorf("--connect: a master does not connect; say --listen ADDR, or --as worker")
		case o.shiftTimes:
			return false, usageErrorf("--shift-times: only workers say the time; say --as worker --connect ADDR")
		case o.listen == "" && !o.dryRun:
			return false, usageErrorf("where shall workers connect to? Say --listen ADDR")
		}
		return false, nil
	}
	for _, x := range ofMaster {
		if o.fs.Changed(x.flag) {
			return true, usageErrorf("--%s can't go with --as worker: %s", x.flag, x.why)
		}
	}
	if o.connect == "" && !o.dryRun {
		return true, usageErrorf("where is the master? Say --connect ADDR")
	}
	return true, nil
}

// rebaseWord is what may stand in --rebase instead of a token.
func (o *replayOptions) rebaseWord() string {
	if o.as.value == roleWorker {
		return "now"
	}
	return "worker"
}

// fitsWorkers says whether the flags fit the workers that are to be played.
func (o *replayOptions) fitsWorkers(p *replay.Plan) error {
	for _, text := range o.rebase {
		name, _, ok := strings.Cut(text, "=")
		switch {
		case !p.Subscribes() && name != "federation":
			return usageErrorf("--rebase %s: from 1.13 on (this is %s) workers name no tokens but those of FEDERATION_ACK; say --rebase federation=N", text, p.Release)
		case ok && !slices.ContainsFunc(p.Streams, func(s replay.StreamStart) bool { return s.Name == name }):
			return usageErrorf("there is no stream %q in what is to be replayed", name)
		}
	}
	return nil
}

// play plays workers. What the flags say of a master's side is looked at by config.
func (o *replayOptions) play(ctx context.Context, e *env, path string, cfg replay.MasterConfig) error {
	_, missing := os.Stat(o.journal)
	dir, remove, err := o.runJournal(path, &cfg)
	if err != nil {
		return err
	}
	defer remove()
	if !o.fs.Changed("linger") {
		cfg.Linger = workersLinger
	}
	show := newReplayProgress(e)
	result, err := replay.PlayWorkers(ctx, replay.PlayerConfig{
		Plan: cfg.Plan, Connect: string(o.connect), Speed: cfg.Speed, SkipIdle: cfg.SkipIdle, Link: cfg.Link, Linger: cfg.Linger, LagLimit: cfg.LagLimit,
		Retell:  replay.Retell{Tokens: cfg.Rewrite.Tokens, Now: cfg.Rewrite.Follow, Times: o.shiftTimes},
		Journal: cfg.Journal, Progress: show.at,
	})
	show.done()
	err = errors.Join(err, cfg.Journal.Close())
	var nobody *replay.NoMasterError
	switch {
	case errors.As(err, &nobody):
		if o.journal != "" && errors.Is(missing, fs.ErrNotExist) {
			os.RemoveAll(dir) // there is nothing in it
		}
		return withHint(err, "start the master first: a Synapse with a replication listener there, or repltap replay JOURNAL --listen %s", o.connect)
	case err != nil || result == nil:
		return err
	}
	return o.report(ctx, e, path, dir, result)
}

// describeWorkers is --dry-run.
func (o *replayOptions) describeWorkers(e *env, path string, p *replay.Plan) error {
	span := p.End - p.Start
	if o.format.value == "json" {
		type connection struct {
			Conn   uint64 `json:"conn"`
			Worker string `json:"worker"`
		}
		conns := []connection{}
		for _, r := range p.Conns {
			conns = append(conns, connection{r.Conn, r.Worker})
		}
		b, err := json.MarshalIndent(map[string]any{
			"as": roleWorker, "release": p.Release.String(), "commands": p.Lines, "workers": p.Said, "connections": conns,
			"seconds": float64(span) / 1e9, "gaps": p.Gaps,
		}, "", "  ")
		if err != nil {
			return err
		}
		return e.print(string(b) + "\n")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s of %s (Synapse %s) would be sent %s, besides PING.\n\n", safe(path), plural(p.Lines, "command"),
		plural(int64(len(p.Said)), "worker"), p.Release, o.takes(time.Duration(span), false, "the master"))
	for _, name := range slices.Sorted(maps.Keys(p.Said)) {
		fmt.Fprintf(&b, "%s says %s\n", namedWorker(name), plural(p.Said[name], "command"))
	}
	b.WriteByte('\n')
	for _, r := range p.Conns {
		fmt.Fprintf(&b, "connection %d is of %s\n", r.Conn, namedWorker(r.Worker))
	}
	return e.print(string(e.fitted("", b.Bytes())))
}

// takes is how long something takes.
func (o *replayOptions) takes(recorded time.Duration, shortened bool, whom string) string {
	if o.speed == 0 {
		return "as fast as " + whom + " takes it"
	}
	took := durationText(time.Duration(float64(recorded) / float64(o.speed)).Round(time.Millisecond))
	if o.skipIdle > 0 && !shortened {
		return "in at most " + took + " (long pauses are shortened)"
	}
	return "in about " + took
}
