package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"repltap/replay"
)

// workerText is what a worker believes, for people. If streams are named, only
// these are shown.
func workerText(r *replay.WorkerReport, streams []string, st style) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s as Synapse %s: %s, %s, %s of %s taken in\n", safeWorker(r.Name), r.Release,
		plural(r.Connections, "connection"), plural(r.Refused, "failed attempt"), plural(r.Rows, "row"), plural(r.Lines, "line"))
	b.WriteString(streamTable(r, streams))
	if r.Assumed > 0 {
		fmt.Fprintf(&b, "\n%s answered by nobody and taken to have brought nothing (assumed).\n", fetches(r.Assumed))
	}
	if len(r.Ended) > 0 {
		b.WriteString("\n")
	}
	if more := r.Connections - int64(len(r.Ended)); more > 0 {
		fmt.Fprintf(&b, "(%s not shown)\n", plural(more, "earlier connection"))
	}
	for _, e := range r.Ended {
		b.WriteString(endText(&e))
	}
	for i, text := range r.Faults {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s%s%s\n", st.red, safe("fault: "+text), st.off)
	}
	return b.String()
}

func fetches(n int64) string {
	if n == 1 {
		return "1 fetch was"
	}
	return thousands(n) + " fetches were"
}

// streamTable has a row for each stream and writer.
func streamTable(r *replay.WorkerReport, streams []string) string {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\n  stream\tinstance\ttoken\tdelivered\tfetched\tfetches\tassumed\tdiscarded")
	any := false
	for _, s := range r.Streams {
		if len(streams) > 0 && !slices.Contains(streams, s.Stream) {
			continue
		}
		any = true
		instance := s.Instance
		if instance == "" {
			instance = "-"
		}
		fmt.Fprintf(t, "  %s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", safe(s.Stream), safe(instance), s.Token, thousands(s.Delivered),
			thousands(s.Fetched), thousands(s.Fetches), thousands(s.Assumed), lostText(&s))
	}
	if !any {
		return ""
	}
	t.Flush()
	var out strings.Builder
	for line := range strings.Lines(b.String()) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return out.String()
}

// lostText says what was thrown away, and why.
func lostText(s *replay.WorkerStream) string {
	var parts []string
	add := func(m map[string]int64, what string) {
		for _, why := range slices.Sorted(maps.Keys(m)) {
			parts = append(parts, fmt.Sprintf("%s%s %s", what, thousands(m[why]), why))
		}
	}
	add(s.Discarded, "")
	add(s.Ignored, "POSITIONs: ")
	add(s.Failed, "POSITIONs given up: ")
	if parts == nil {
		return "0"
	}
	return strings.Join(parts, ", ")
}

// endText is how a connection ended.
func endText(e *replay.WorkerEnd) string {
	text := fmt.Sprintf("connection %d: %s by the %s after %s", e.Conn, e.How, e.By,
		durationText(time.Duration(e.Seconds*1e9).Round(time.Millisecond)))
	if e.Note != "" {
		text += " (" + e.Note + ")"
	}
	text += fmt.Sprintf(", %s, %s of them RDATA", plural(e.Lines, "line"), thousands(e.Rows))
	if e.Last != "" {
		text += ", the last command " + e.Last
	}
	if e.CutOff > 0 {
		text += fmt.Sprintf(", then %s of a line", plural(int64(e.CutOff), "byte"))
	}
	if e.Got != "" {
		text += "; the master said ERROR " + e.Got
	}
	if e.Said != "" {
		text += "; the worker said ERROR " + e.Said
	}
	return safe(text) + "\n"
}

// workerScreen shows a table that changes below a log that grows, on a terminal.
// It belongs to the worker's goroutine.
type workerScreen struct {
	e       *env
	streams []string
	live    bool
	begun   time.Time
	lines   int // that are shown now
}

func newWorkerScreen(e *env, o *workerOptions) *workerScreen {
	return &workerScreen{e: e, streams: o.streams, live: isTerminal(e.stderr), begun: time.Now()}
}

// Write is the log's.
func (s *workerScreen) Write(p []byte) (int, error) {
	s.clear()
	return s.e.stderr.Write(p)
}

// clear takes the table away.
func (s *workerScreen) clear() {
	if s.lines > 0 {
		s.e.say("\x1b[%dA\r\x1b[J", s.lines)
		s.lines = 0
	}
}

func (s *workerScreen) show(r *replay.WorkerReport) {
	state := "not connected"
	if r.Connected {
		state = "connected"
	}
	text := fmt.Sprintf("%s for %s, %s, %s of rows wait\n", state, durationText(time.Since(s.begun).Round(time.Second)),
		plural(r.Rows, "row"), sizeText(int64(r.HeldBytes))) + strings.TrimPrefix(streamTable(r, s.streams), "\n")
	width, height := s.size()
	var b strings.Builder
	n := 0
	for line := range strings.Lines(text) {
		if n++; n == height {
			break
		}
		b.WriteString(shortened(strings.TrimRight(line, "\n"), width-1) + "\n")
	}
	s.clear()
	s.e.say("%s", b.String())
	s.lines = strings.Count(b.String(), "\n")
}

// size is the terminal's.
func (s *workerScreen) size() (width, height int) {
	if f, ok := s.e.stderr.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 1 && h > 1 {
			return w, h
		}
	}
	return 80, 24
}

// shortened is text that fits into a line.
func shortened(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:width])
	}
	return text
}
