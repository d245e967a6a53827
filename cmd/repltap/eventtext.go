package main

import (
	"fmt"
	"strings"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// eventText says in a phrase what happened.
func eventText(r *journal.Record) string {
	ev := r.Event
	if ev == nil {
		return r.Kind.String()
	}
	var text string
	switch r.Kind {
	case journal.KindOpen:
		text = "connected" + optional(" from ", ev.Peer) + optional(" to ", ev.Upstream)
	case journal.KindEOF:
		text = sender(r.Dir) + " ended its sending" + how(ev)
	case journal.KindClose:
		text = "closed" + how(ev) + closeText(ev)
	case journal.KindStall, journal.KindResume:
		text = stallOrResume(r)
	case journal.KindSample:
		text = sampleText(r)
	case journal.KindGap:
		text = gapText(r)
	case journal.KindClock:
		text = ev.ClockText() + ": it says " + time.Unix(0, ev.Wall).UTC().Format(time.RFC3339Nano)
	case journal.KindFile:
		text = fileText(ev)
	case journal.KindRun:
		text = runEventText(ev.Run)
	case journal.KindFinding:
		if ev.Note != "" {
			return "note: " + ev.Note
		}
		if ev.How == "enforced" {
			return sender(r.Dir) + "'s line is not passed on" + optional(": ", ev.What) + "; the connection is closed" // why follows
		}
		text = "odd" // what it is follows
	default:
		text = r.Kind.String()
	}
	return text + optional(": ", ev.Error) + optional(" [", ev.Note)
}

func sender(d wire.Direction) string {
	if d == wire.C2S {
		return "worker"
	}
	return "master"
}

func receiver(d wire.Direction) string {
	if d == wire.C2S {
		return "master"
	}
	return "worker"
}

// how is " (reset, by worker)".
func how(ev *journal.Event) string {
	parts := []string{}
	if ev.How != "" {
		parts = append(parts, ev.How)
	}
	if ev.By != "" {
		parts = append(parts, "by "+ev.By)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func closeText(ev *journal.Event) string {
	var parts []string
	add := func(n *int64, dir string, lost int64) {
		if n != nil {
			text := plural(*n, "byte") + " " + dir
			if lost > 0 {
				text += " (" + thousands(lost) + " of them undelivered)"
			}
			parts = append(parts, text)
		}
	}
	add(ev.S2C, "s2c", ev.S2CUndelivered)
	add(ev.C2S, "c2s", ev.C2SUndelivered)
	if ev.Dialect != "" {
		parts = append(parts, "dialect "+ev.Dialect)
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// stallOrResume: a tap sees a reader that has stopped; a replay's sender is the
// one that pauses.
func stallOrResume(r *journal.Record) string {
	stalled := r.Kind == journal.KindStall
	switch own := r.Event.By != "" && r.Event.By == sender(r.Dir); {
	case own && stalled:
		return r.Event.By + " is paused" + waiting(r.Event)
	case own:
		return r.Event.By + " goes on" + stallText(r.Event) + waiting(r.Event)
	case stalled:
		return receiver(r.Dir) + " has stopped reading" + queues(r.Event)
	}
	return receiver(r.Dir) + " reads again" + stallText(r.Event) + queues(r.Event)
}

func sampleText(r *journal.Record) string {
	text := sender(r.Dir) + " has come to record " + thousands(int64(r.Event.Position)) + waiting(r.Event)
	if r.Event.Lag > 0 {
		text += ", up to " + durationText(time.Duration(r.Event.Lag).Round(time.Microsecond)) + " late"
	}
	return text
}

// waiting is what a replay's sender has not been able to send yet.
func waiting(ev *journal.Event) string {
	return fmt.Sprintf(" (%s unsent, %s queued)", sizeText(ev.Unsent), plural(ev.Queue, "command"))
}

func queues(ev *journal.Event) string {
	if ev.Unread == 0 && ev.Unsent == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s unread, %s unsent)", sizeText(ev.Unread), sizeText(ev.Unsent))
}

// stallText is how long a stall was.
func stallText(ev *journal.Event) string {
	if ev.From == 0 || ev.To < ev.From {
		return ""
	}
	return " after " + durationText(time.Duration(ev.To-ev.From).Round(time.Millisecond))
}

func gapText(r *journal.Record) string {
	if r.Event.Last != 0 {
		text := "GAP of the journal: " + r.Event.Reason
		if r.Event.To >= r.Event.From && r.Event.From != 0 {
			text += ", over " + durationText(time.Duration(r.Event.To-r.Event.From).Round(time.Microsecond))
		}
		if r.Event.Bytes > 0 {
			text += ", with at least " + plural(r.Event.Bytes, "byte")
		}
		return text
	}
	text := "GAP " + r.Dir.String() + ": " + plural(r.Event.Bytes, "byte")
	if r.Event.Lines > 0 {
		text += " (" + plural(r.Event.Lines, "line") + ")"
	}
	text += " not journalled"
	if r.Event.From != 0 && r.Event.To >= r.Event.From {
		text += " over " + durationText(time.Duration(r.Event.To-r.Event.From).Round(time.Microsecond))
	}
	return text + optional(": ", r.Event.Reason)
}

func fileText(ev *journal.Event) string {
	verb := map[string]string{"begin": "recording begins", "end": "recording ends"}[ev.What]
	if verb == "" {
		verb = "file " + ev.What
	}
	return verb + optional(": ", ev.Source) + optional(", redact ", ev.Redact) + optional(", ", ev.Program)
}

// runEventText is what a replay says of itself.
func runEventText(r *journal.Run) string {
	switch {
	case r == nil:
		return "replay"
	case !r.Ended:
		return "replay of " + r.Journal + " begins, as " + r.As + ", at speed " + speedText(r.Speed)
	case r.Fault != "":
		return "replay can't go on: " + r.Fault
	case !r.Complete:
		return "replay is interrupted"
	}
	n := 0
	for _, l := range r.LeftOut {
		n += len(l.Conns)
	}
	if n > 0 {
		return "replay ends, and left out " + plural(int64(n), "connection") + " or parts of them"
	}
	return "replay ends"
}

// optional is text after before, or nothing when there is none. A bracket that
// before opens is closed.
func optional(before, text string) string {
	if text == "" {
		return ""
	}
	if strings.HasSuffix(before, "[") {
		text += "]"
	}
	return before + text
}
