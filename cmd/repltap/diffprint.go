package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"repltap/analyze"
)

// How much of a comparison people are shown; JSON has more.
const (
	diffRows  = 20
	diffWidth = 150 // of a line of the protocol
)

// appendComparison writes a comparison for people: the verdict, then what is
// different, then what there is to know besides.
func appendComparison(dst []byte, c *analyze.Comparison, st style) []byte {
	var b bytes.Buffer
	color := map[string]string{analyze.Same: st.green, analyze.Different: st.red, analyze.Inconclusive: st.yellow}[c.Verdict]
	fmt.Fprintf(&b, "%s%s%s: %s\n", color, strings.ToUpper(c.Verdict), st.off, safe(c.Why))
	for _, text := range c.Coverage.Text(c.IsRun) {
		fmt.Fprintf(&b, "%s\n", safe(text))
	}
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "note: %s\n", safe(n))
	}
	writeDifferences(&b, c, st)
	writeEndings(&b, c, st)
	writeCatchUp(&b, c)
	writePauses(&b, c)
	writeNotCompared(&b, c)
	if c.IsRun && c.Speed > 0 {
		fmt.Fprintf(&b, "\nlag of the driver: p50 %s, p99 %s, at most %s\n", analyze.DurationText(c.Lag.P50), analyze.DurationText(c.Lag.P99), analyze.DurationText(c.Lag.Max))
	}
	return append(dst, b.Bytes()...)
}

func writeDifferences(b *bytes.Buffer, c *analyze.Comparison, st style) {
	if len(c.Differences) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%sdifferences%s", st.bold, st.off)
	if n := c.Total(); n > diffRows {
		fmt.Fprintf(b, " (the first %d of %s)", min(diffRows, len(c.Differences)), thousands(n))
	}
	b.WriteByte('\n')
	for i := range c.Differences[:min(diffRows, len(c.Differences))] {
		writeDifference(b, &c.Differences[i], st)
	}
}

func writeDifference(b *bytes.Buffer, d *analyze.Difference, st style) {
	fmt.Fprintf(b, "%s%s%s: %s\n", st.red, d.Kind, st.off, safe(d.About()))
	writePlace(b, "recorded", d.Recorded, st)
	writePlace(b, "replayed", d.Replayed, st)
}

func writePlace(b *bytes.Buffer, name string, p *analyze.Place, st style) {
	if p == nil {
		return
	}
	fmt.Fprintf(b, "  %s: connection %d", name, p.Conn)
	switch {
	case p.Seq == 0:
	case p.After:
		fmt.Fprintf(b, ", after record %d", p.Seq)
	default:
		fmt.Fprintf(b, ", record %d", p.Seq)
	}
	if _, clock, ok := strings.Cut(p.Time, "T"); ok {
		fmt.Fprintf(b, ", %s", strings.TrimSuffix(clock, "Z"))
	}
	if p.Line != "" {
		fmt.Fprintf(b, "  %s%s%s", st.dim, safe(clipped(p.Line)), st.off)
	}
	b.WriteByte('\n')
}

// clipped is the beginning of a line that may be long.
func clipped(line string) string {
	if len(line) <= diffWidth {
		return line
	}
	return strings.ToValidUTF8(line[:diffWidth], "") + "…"
}

// table writes rows of which at most diffRows are shown, those first that odd
// says are odd.
func table[T any](b *bytes.Buffer, head string, rows []T, odd func(T) bool, row func(T) string) {
	if len(rows) == 0 {
		return
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(x, y T) int {
		switch {
		case odd(x) == odd(y):
			return 0
		case odd(x):
			return -1
		}
		return 1
	})
	b.WriteByte('\n')
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, head)
	for _, r := range rows[:min(len(rows), diffRows)] {
		fmt.Fprintln(tw, row(r))
	}
	tw.Flush()
	if n := len(rows) - diffRows; n > 0 {
		fmt.Fprintf(b, "(and %s)\n", plural(int64(n), "other row"))
	}
}

func writeEndings(b *bytes.Buffer, c *analyze.Comparison, st style) {
	head := st.bold + "ending" + st.off + "\tworker\trecorded\tafter\treplayed\tafter"
	table(b, head, c.Endings, func(e analyze.Ending) bool { return !e.Same }, func(e analyze.Ending) string {
		verdict := "same"
		switch {
		case e.Recorded == nil || e.Replayed == nil:
			verdict = "-"
		case !e.Same:
			verdict = "different"
		}
		return verdict + "\t" + workerCell(e.Worker) + "\t" + endedText(e.Recorded) + "\t" + endedText(e.Replayed)
	})
	n := 0
	for _, r := range c.Reconnects {
		if r.Recorded == r.Replayed {
			continue
		}
		if n++; n <= diffRows {
			fmt.Fprintf(b, "%s connected %s in the recording and %s in the replay\n", namedWorker(r.Worker), times(r.Recorded), times(r.Replayed))
		}
	}
	if n > diffRows {
		fmt.Fprintf(b, "(and %s of which that differs)\n", plural(int64(n-diffRows), "other worker"))
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func endedText(e *analyze.Ended) string {
	if e == nil {
		return "-\t-"
	}
	text := fmt.Sprintf("%d: %s\t%s", e.Conn, safe(e.String()), analyze.DurationText(e.AfterUs))
	if e.How == "open" {
		text = fmt.Sprintf("%d: open\t-", e.Conn)
	}
	if strings.HasPrefix(e.LastS2C, "ERROR") {
		text += " " + safe(clipped(e.LastS2C))
	}
	return text
}

func writeCatchUp(b *bytes.Buffer, c *analyze.Comparison) {
	side := func(k *analyze.CaughtUp) string {
		if k == nil {
			return "-\t-\t-"
		}
		return fmt.Sprintf("%s\t%d\t%d", analyze.DurationText(k.Us), k.Rows, k.Token)
	}
	table(b, "catch-up\tworker\trecorded\trows\tto token\treplayed\trows\tto token", c.CatchUp,
		func(k analyze.CatchUp) bool {
			return k.Recorded == nil || k.Replayed == nil || k.Recorded.Token != k.Replayed.Token
		},
		func(k analyze.CatchUp) string {
			return safe(k.Stream) + "\t" + workerCell(k.Worker) + "\t" + side(k.Recorded) + "\t" + side(k.Replayed)
		})
}

func writePauses(b *bytes.Buffer, c *analyze.Comparison) {
	side := func(p analyze.Pauses) string {
		return fmt.Sprintf("%d\t%s\t%s\t%d", p.Count, analyze.DurationText(p.TotalUs), analyze.DurationText(p.LongestUs), p.QueuePeak)
	}
	table(b, "pauses\trecorded\tin all\tlongest\tqueue\treplayed\tin all\tlongest\tqueue", c.Pauses,
		func(p analyze.PausePair) bool { return (p.Recorded.Count == 0) != (p.Replayed.Count == 0) },
		func(p analyze.PausePair) string {
			return workerCell(p.Worker) + "\t" + side(p.Recorded) + "\t" + side(p.Replayed)
		})
}

func writeNotCompared(b *bytes.Buffer, c *analyze.Comparison) {
	table(b, "not compared\tdir\tworker\trecorded\treplayed", c.NotCompared, func(analyze.Tally) bool { return false },
		func(t analyze.Tally) string {
			return fmt.Sprintf("%s\t%s\t%s\t%d\t%d", safe(t.Command), t.Dir, workerCell(t.Worker), t.Recorded, t.Replayed)
		})
}
