package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"repltap/analyze"
	"repltap/replay"
)

// report says what came of a replay: the comparison of the two journals, and how
// connections ended.
func (o *replayOptions) report(ctx context.Context, e *env, path, dir string, r *replay.Result) error {
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx) // it was asked to end, and this is the end
	}
	c, err := compareRun(ctx, e, path, dir)
	switch {
	case errors.Is(err, context.Canceled) && o.journal != "":
		return withHint(fmt.Errorf("all was played, but comparing was interrupted: %w", err), "for the verdict say: repltap diff %s %s", path, dir)
	case err != nil:
		return err
	}
	st := newStyle(e.colored(e.stdout))
	text, err := comparisonText(c, o.format.value, st)
	if err != nil {
		return err
	}
	if o.format.value != "json" {
		text = e.fitted("", append(runText(r), text...))
	}
	if err := e.print(string(text)); err != nil {
		return err
	}
	return verdictStatus(c)
}

// compareRun compares the journal of a run with what was replayed.
func compareRun(ctx context.Context, e *env, path, dir string) (*analyze.Comparison, error) {
	recorded, err := openJournal(path)
	if err != nil {
		return nil, err
	}
	replayed, err := openJournal(dir)
	if err != nil {
		return nil, err
	}
	progress := newProgress(e, "comparing")
	defer progress.done()
	return analyze.Compare(ctx, recorded, replayed, analyze.Options{Progress: progress.count})
}

// runText is what the driver has to tell.
func runText(r *replay.Result) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Played %s in %s.\n\n", plural(r.Played, "command"), durationText(r.Took.Round(time.Millisecond)))
	if len(r.Connections) == 0 {
		return b.Bytes()
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "conn\tworker\tplays\tcommands\tbytes\tpauses\tqueue\tended\t")
	for i := range r.Connections {
		c := &r.Connections[i]
		ended := c.How + " by " + c.By
		if c.Note != "" {
			ended += ": " + c.Note
		}
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\t%d\t%s\t%s\t\n", c.Conn, workerCell(c.Worker), c.Plays, thousands(c.Lines), thousands(c.Sent),
			c.Pauses, thousands(int64(c.Queue)), safe(ended))
	}
	w.Flush()
	b.WriteByte('\n')
	return b.Bytes()
}

// describe is --dry-run.
func (o *replayOptions) describe(_ context.Context, e *env, path string, p *replay.Plan) error {
	took := o.takes(p.Length(), true, "the worker")
	var rows int64
	for _, n := range p.Rows {
		rows += n
	}
	if o.format.value == "json" {
		b, err := json.MarshalIndent(map[string]any{
			"release": p.Release.String(), "server": p.Server, "instance": p.Instance, "commands": p.Lines, "rows": p.Rows,
			"seconds": p.Length().Seconds(), "gaps": p.Gaps,
		}, "", "  ")
		if err != nil {
			return err
		}
		return e.print(string(b) + "\n")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s of %s (Synapse %s) would be sent %s, %s of them rows.\n\n", safe(path), plural(p.Lines, "command"), cmp.Or(safe(p.Server), "a server whose name is not in it"), p.Release, took, thousands(rows))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "stream\tstands at\trows\t")
	start := map[string]int64{}
	for _, s := range p.Streams {
		start[s.Name] = s.Token
	}
	for _, name := range slices.Sorted(maps.Keys(start)) {
		fmt.Fprintf(w, "%s\t%d\t%s\t\n", safe(name), start[name], thousands(p.Rows[name]))
	}
	w.Flush()
	b.WriteByte('\n')
	for _, r := range p.Conns {
		fmt.Fprintf(&b, "connection %d is of %s\n", r.Conn, namedWorker(r.Worker))
	}
	return e.print(string(e.fitted("", b.Bytes())))
}

// replayProgress shows how far a replay is.
type replayProgress struct {
	e     *env
	live  bool // on a terminal; else it tells only for whom it waits
	mu    sync.Mutex
	shown bool
	last  replay.Progress
	when  time.Time
}

func newReplayProgress(e *env) *replayProgress {
	return &replayProgress{e: e, live: isTerminal(e.stderr), when: time.Now(), last: replay.Progress{Asked: -1}}
}

func (r *replayProgress) at(p replay.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.live {
		if p.Waiting > 1 && p.Asked != r.last.Asked {
			r.e.say("%s\n", replayProgressText(p, 0))
		}
		r.last = p
		return
	}
	now := time.Now()
	rate := float64(p.Played-r.last.Played) / max(now.Sub(r.when).Seconds(), 1e-3)
	r.last, r.when, r.shown = p, now, true
	r.e.say("\r\x1b[K%s", replayProgressText(p, rate))
}

// replayProgressText is "12.5s of 1m30s, 1,204 commands (80/s), 0.2ms late, 0 queued, 1m17s left".
func replayProgressText(p replay.Progress, rate float64) string {
	if p.Waiting > 0 {
		return fmt.Sprintf("waiting for %s to ask: %d there, %d connected", plural(int64(p.Waiting), "worker"), p.Asked, p.Workers)
	}
	text := fmt.Sprintf("%s of %s, %s (%.0f/s), %s late, %s queued", durationText(p.At.Round(100*time.Millisecond)),
		durationText(p.Of.Round(100*time.Millisecond)), plural(p.Played, "command"), rate, durationText(p.Lag.Round(10*time.Microsecond)), thousands(int64(p.Queue)))
	if p.Left >= 0 {
		text += ", " + durationText(p.Left.Round(time.Second)) + " left"
	}
	return text
}

func (r *replayProgress) done() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shown {
		r.e.say("\r\x1b[K")
	}
}
