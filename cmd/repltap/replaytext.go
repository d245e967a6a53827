package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"repltap/replay"
)

// replaySummary is what came of a replay, for programs: see design of the JSON in
// README.
type replaySummary struct {
	Verdict     string         `json:"verdict"`
	Why         string         `json:"why"`
	Differences []any          `json:"differences"`
	Lag         lagUs          `json:"lag_us"`
	CatchUp     []any          `json:"catch_up"`
	Endings     []replayEnding `json:"endings"`
	Commands    int64          `json:"commands"`
	Bytes       int64          `json:"bytes"`
	Seconds     float64        `json:"seconds"`
	Notes       []string       `json:"notes"`
}

type lagUs struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

type replayEnding struct {
	Conn        uint64 `json:"conn"`
	Worker      string `json:"worker"`
	Plays       uint64 `json:"plays"`
	How         string `json:"how"`
	By          string `json:"by"`
	Note        string `json:"note,omitempty"`
	After       string `json:"after"`
	Commands    int64  `json:"commands"`
	Sent        int64  `json:"sent_bytes"`
	Undelivered int64  `json:"undelivered_bytes"`
	Pauses      int    `json:"pauses"`
	QueuePeak   int    `json:"queue_peak"`
}

// summarize says what can be said without looking at the run's journal.
func (o *replayOptions) summarize(p *replay.Plan, r *replay.Result) *replaySummary {
	us := func(d time.Duration) int64 { return int64(d / time.Microsecond) }
	s := &replaySummary{
		Differences: []any{}, CatchUp: []any{}, Endings: []replayEnding{}, Commands: r.Played, Bytes: r.Bytes,
		Seconds: r.Took.Seconds(), Notes: append([]string{}, r.Notes...),
		Lag: lagUs{us(r.Lags.Quantile(0.5)), us(r.Lags.Quantile(0.99)), us(r.Lags.Max())},
	}
	for i := range r.Connections {
		c := &r.Connections[i]
		s.Endings = append(s.Endings, replayEnding{
			Conn: c.Conn, Worker: c.Worker, Plays: c.Plays, How: c.How, By: c.By, Note: c.Note, After: c.LastLine,
			Commands: c.Lines, Sent: c.Sent, Undelivered: c.Undelivered, Pauses: c.Pauses, QueuePeak: c.Queue,
		})
	}
	s.Verdict, s.Why = "inconclusive", ""
	switch late := r.Lags.Quantile(0.99); {
	case !r.Complete && r.Interrupted:
		s.Why = "the replay was interrupted before its end"
	case !r.Complete:
		s.Why = "not all was played"
	case late > time.Duration(o.lagLimit):
		s.Why = fmt.Sprintf("the replay could not keep time: a hundredth of the commands was more than %s late", durationText(late))
	case p.Gaps > 0:
		s.Why = "parts of what was replayed are missing in the journal (" + plural(int64(p.Gaps), "gap") + ")"
	default:
		s.Verdict, s.Why = "", "all was played"
	}
	return s
}

// report prints what came of a replay. Here the comparison of the two journals is
// to be called, which says more than that all was played.
func (o *replayOptions) report(_ context.Context, e *env, _ string, p *replay.Plan, r *replay.Result) error {
	s := o.summarize(p, r)
	var text []byte
	if o.format.value == "json" {
		b, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return err
		}
		text = append(b, '\n')
	} else {
		text = s.text(newStyle(e.colored(e.stdout)))
	}
	if err := e.print(string(text)); err != nil {
		return err
	}
	if s.Verdict == "inconclusive" {
		return exitStatus(statusInconclusive)
	}
	return nil
}

func (s *replaySummary) text(st style) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Played %s in %s", plural(s.Commands, "command"), durationText(time.Duration(s.Seconds*float64(time.Second)).Round(time.Millisecond)))
	if s.Lag.Max > 0 {
		fmt.Fprintf(&b, ", late by %s (half), %s (99%%), %s (at most)", usText(s.Lag.P50), usText(s.Lag.P99), usText(s.Lag.Max))
	}
	b.WriteString(".\n\n")
	if len(s.Endings) > 0 {
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "conn\tworker\tplays\tcommands\tbytes\tpauses\tqueue\tended\t")
		for _, c := range s.Endings {
			ended := c.How + " by " + c.By
			if c.Note != "" {
				ended += ": " + c.Note
			}
			fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\t%d\t%s\t%s\t\n", c.Conn, safe(c.Worker), c.Plays, thousands(c.Commands), thousands(c.Sent),
				c.Pauses, thousands(int64(c.QueuePeak)), safe(ended))
		}
		w.Flush()
		b.WriteByte('\n')
	}
	for _, n := range s.Notes {
		fmt.Fprintf(&b, "note: %s\n", safe(n))
	}
	if s.Verdict != "" {
		fmt.Fprintf(&b, "%s%s%s: %s\n", st.yellow, s.Verdict, st.off, s.Why)
	} else {
		fmt.Fprintf(&b, "%sOK%s: %s\n", st.green, st.off, s.Why)
	}
	return b.Bytes()
}


// describe is --dry-run.
func (o *replayOptions) describe(_ context.Context, e *env, path string, p *replay.Plan) error {
	took := "as fast as the worker takes it"
	if o.speed > 0 {
		took = "in about " + durationText(time.Duration(float64(p.End-p.Start)/float64(o.speed)).Round(time.Millisecond))
		if o.skipIdle > 0 {
			took = "in at most " + took[len("in about "):] + " (long pauses are shortened)"
		}
	}
	var rows int64
	for _, n := range p.Rows {
		rows += n
	}
	if o.format.value == "json" {
		b, err := json.MarshalIndent(map[string]any{
			"release": p.Release.String(), "server": p.Server, "instance": p.Instance, "commands": p.Lines, "rows": p.Rows,
			"seconds": float64(p.End-p.Start) / 1e9, "gaps": p.Gaps,
		}, "", "  ")
		if err != nil {
			return err
		}
		return e.print(string(b) + "\n")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s of %s (Synapse %s) would be sent %s, %s of them rows.\n\n", safe(path), plural(p.Lines, "command"), safe(p.Server), p.Release, took, thousands(rows))
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
		fmt.Fprintf(&b, "connection %d is of worker %s\n", r.Conn, safe(r.Worker))
	}
	return e.print(b.String())
}

// replayProgress shows how far a replay is, on a terminal.
type replayProgress struct {
	e     *env
	mu    sync.Mutex
	shown bool
	last  replay.Progress
	when  time.Time
}

func newReplayProgress(e *env) *replayProgress {
	if !isTerminal(e.stderr) {
		return nil
	}
	return &replayProgress{e: e, when: time.Now()}
}

func (r *replayProgress) at(p replay.Progress) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	rate := float64(p.Played-r.last.Played) / max(now.Sub(r.when).Seconds(), 1e-3)
	r.last, r.when, r.shown = p, now, true
	r.e.say("\r\x1b[K%s", replayProgressText(p, rate))
}

// replayProgressText is "12.5s of 1m30s, 1,204 commands (80/s), 0.2ms late, 0 queued, 1m17s left".
func replayProgressText(p replay.Progress, rate float64) string {
	if p.Waiting > 0 {
		return fmt.Sprintf("waiting for %s (%d connected)", plural(int64(p.Waiting), "worker"), p.Workers)
	}
	text := fmt.Sprintf("%s of %s, %s (%.0f/s), %s late, %s queued", durationText(p.At.Round(100*time.Millisecond)),
		durationText(p.Of.Round(100*time.Millisecond)), plural(p.Played, "command"), rate, durationText(p.Lag.Round(10*time.Microsecond)), thousands(int64(p.Queue)))
	if p.Left >= 0 {
		text += ", " + durationText(p.Left.Round(time.Second)) + " left"
	}
	return text
}

func (r *replayProgress) done() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shown {
		r.e.say("\r\x1b[K")
	}
}
