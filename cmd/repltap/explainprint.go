package main

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"repltap/analyze/explain"
	"repltap/analyze/profile"
	"repltap/wire"
)

// appendStory writes the story of a token for people.
func appendStory(dst []byte, s *explain.Story, st style) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s%s %d%s", st.bold, safe(s.Stream), s.Token, st.off)
	switch {
	case s.Came && s.Complete:
		fmt.Fprintf(&b, ": %sno worker is known to lack it%s\n", st.green, st.off)
	case s.Came:
		fmt.Fprintf(&b, ": %snot every worker took it in%s\n", st.red, st.off)
	default:
		fmt.Fprintf(&b, ": %sit never came%s\n", st.red, st.off)
	}
	fmt.Fprintf(&b, "workers go by the rules of Synapse %s; the traffic is that of %s\n", s.Release, safe(s.Dialects))
	for _, n := range s.Notes {
		fmt.Fprintf(&b, "note: %s\n", safe(n))
	}
	for _, w := range s.Writers {
		writeWriter(&b, w, st)
	}
	writeFates(&b, s, st)
	return append(dst, b.Bytes()...)
}

func writeWriter(b *bytes.Buffer, w *explain.WriterStory, st style) {
	b.WriteByte('\n')
	name := safe(w.Instance)
	if name == "" {
		name = "the master"
	}
	if w.Generation != profile.None {
		name += " in generation " + w.Generation.Digits() + " of its tokens"
	}
	if w.First == nil {
		fmt.Fprintf(b, "%s wrote no row of it\n", name)
	} else {
		fmt.Fprintf(b, "written by %s; it came first %s, and %s in all\n", name, placeText(w.First), plural(w.Times, "time"))
		switch {
		case w.CutOff:
			fmt.Fprintf(b, "  in an over-long line that was cut off after %s\n", plural(w.OverLong, "byte"))
		case w.OverLong > 0:
			fmt.Fprintf(b, "  in an over-long line of %s: no receiver takes more than %s\n", plural(w.OverLong, "byte"), thousands(wire.MaxLine))
		}
		fmt.Fprintf(b, "  a group of %s:\n", plural(w.Rows, "row"))
		for i, l := range w.Group {
			if i == len(w.Group)-1 && w.Rows > int64(len(w.Group)) {
				fmt.Fprintf(b, "    and %d more\n", w.Rows-int64(len(w.Group)))
			}
			fmt.Fprintf(b, "    %s%s%s\n", st.dim, safe(clipped(l.Text)), st.off)
		}
	}
	writeStoryLine(b, "the generation began", w.Began, st)
	for i := range w.Others {
		writeStoryLine(b, "another row with the token", &w.Others[i], st)
	}
	writeStoryLine(b, "before it", w.Before, st)
	writeStoryLine(b, "after it", w.After, st)
	if w.Covered != nil {
		writeStoryLine(b, "said to have no rows", w.Covered, st)
	}
	if w.Announced != w.Covered {
		writeStoryLine(b, "announced", w.Announced, st)
	}
	if w.First == nil {
		writeStoryLine(b, "first to go over it", w.Passed, st)
	}
}

func writeStoryLine(b *bytes.Buffer, what string, l *explain.Line, st style) {
	if l == nil {
		return
	}
	fmt.Fprintf(b, "  %s: %s\n    %s%s%s\n", what, placeText(l), st.dim, safe(clipped(l.Text)), st.off)
}

// placeText says where a line is, in words that log understands.
func placeText(l *explain.Line) string {
	to := ""
	if l.Worker != "" {
		to = " to " + safeWorker(l.Worker)
	}
	return fmt.Sprintf("at +%ss%s on connection %d, record %d", l.At.Digits(), to, l.Conn, l.Seq)
}

func writeFates(b *bytes.Buffer, s *explain.Story, st style) {
	if len(s.Workers) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%sworkers%s\n", st.bold, st.off)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  worker\tconn\twhat\tat\tms after the first\trecord\twhy")
	for _, w := range s.Workers {
		name, instance := safeWorker(w.Worker), ""
		if name == "" {
			name = "-"
		}
		if len(s.Writers) > 1 {
			instance = " (" + ofInstance(w) + ")"
		}
		writeFate(t, name+instance, w.Fate, w.Why, w.Line, w.Delay)
		for _, then := range w.Then {
			writeFate(t, "", then.Fate, then.Why, &then.Line, profile.None)
		}
	}
	t.Flush()
}

// ofInstance is whose token a worker's story is about, and of which generation.
func ofInstance(w *explain.WorkerStory) string {
	name := safe(w.Instance)
	if w.Generation != profile.None {
		name += " " + w.Generation.Digits()
	}
	return strings.TrimSpace(name)
}

func writeFate(t *tabwriter.Writer, name, fate, why string, l *explain.Line, delay profile.Millis) {
	conn, at, seq, late := "-", "-", "-", delay.Digits()
	if l != nil {
		conn, at, seq = fmt.Sprint(l.Conn), "+"+l.At.Digits()+"s", fmt.Sprint(l.Seq)
	}
	if late == "" {
		late = "-"
	}
	fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, conn, fate, at, late, seq, safe(why))
}
