package analyze

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"repltap/wire"
)

// Run is what a run of a replay says of itself, in the Source of its journal:
// which journal it replayed, which part of that, and how.
type Run struct {
	Journal string  // as it was named
	Speed   float64 // 0: as fast as possible
	Worker  bool    // the worker's side was played to a master

	// What of the journal was replayed. Empty is all of it.
	Conns     []uint64
	Workers   []string
	From, To  time.Time
	Streams   []string
	Instances []string
	// Begun are the streams in which a group of rows with one token had begun
	// before From: the rest of it was not played.
	Begun []string

	Shared     bool              // every worker was given all of it, whatever its name
	Rebased    bool              // tokens were moved
	ServerName string            // another name was given for the server
	Rename     map[string]string // other names were given for instances
}

// runMark is how the Source of a run begins.
const runMark = "replay of "

// Source is the run in words which ParseRun reads.
func (r *Run) Source() string {
	out := runMark + strconv.Quote(r.Journal) + " speed=max"
	if r.Speed > 0 {
		out = strings.TrimSuffix(out, "max") + strconv.FormatFloat(r.Speed, 'g', -1, 64)
	}
	add := func(key string, values ...string) {
		for _, v := range values {
			if v != "" {
				out += " " + key + "=" + quoted(v)
			}
		}
	}
	flag := func(key string, on bool) {
		if on {
			add(key, "yes")
		}
	}
	if r.Worker {
		add("as", "worker")
	}
	for _, c := range r.Conns {
		add("conn", strconv.FormatUint(c, 10))
	}
	add("worker", r.Workers...)
	add("from", timeText(r.From))
	add("to", timeText(r.To))
	add("stream", r.Streams...)
	add("instance", r.Instances...)
	add("begun", r.Begun...)
	flag("shared", r.Shared)
	flag("rebase", r.Rebased)
	add("server-name", r.ServerName)
	var renames []string
	for old, name := range r.Rename {
		renames = append(renames, old+"="+name)
	}
	slices.Sort(renames)
	add("rename", renames...)
	return out
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// quoted is a value as it stands, or in quotes where that could be misread.
func quoted(v string) string {
	if q := strconv.Quote(v); len(q) != len(v)+2 || strings.ContainsAny(v, " ") {
		return q
	}
	return v
}

// ParseRun reads what Source writes, in a journal's Info. It reports false for a
// source that is no run. Words that it does not know are left out.
func ParseRun(source string) (*Run, bool) {
	rest, ok := strings.CutPrefix(source, runMark)
	if !ok {
		return nil, false
	}
	r := &Run{Speed: 1, Rename: map[string]string{}}
	r.Journal, rest = value(rest)
	for rest = strings.TrimLeft(rest, " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		key, after, ok := strings.Cut(rest, "=")
		if !ok || strings.Contains(key, " ") {
			_, rest = value(rest)
			continue
		}
		var v string
		v, rest = value(after)
		r.set(key, v)
	}
	return r, true
}

// value takes a word or a quoted text from the beginning of text.
func value(text string) (v, rest string) {
	if q, err := strconv.QuotedPrefix(text); err == nil {
		v, _ = strconv.Unquote(q)
		return v, text[len(q):]
	}
	v, rest, _ = strings.Cut(text, " ")
	return v, rest
}

func (r *Run) set(key, v string) {
	switch key {
	case "speed":
		r.Speed = 0
		if v != "max" {
			r.Speed, _ = strconv.ParseFloat(strings.TrimPrefix(v, "x"), 64)
		}
	case "as":
		r.Worker = v == "worker"
	case "conn":
		if n, err := strconv.ParseUint(v, 10, 64); err == nil {
			r.Conns = append(r.Conns, n)
		}
	case "worker":
		r.Workers = append(r.Workers, v)
	case "from":
		r.From, _ = time.Parse(time.RFC3339Nano, v)
	case "to":
		r.To, _ = time.Parse(time.RFC3339Nano, v)
	case "stream":
		r.Streams = append(r.Streams, v)
	case "instance":
		r.Instances = append(r.Instances, v)
	case "shared":
		r.Shared = v == "yes"
	case "begun":
		r.Begun = append(r.Begun, v)
	case "rebase":
		r.Rebased = v == "yes"
	case "server-name":
		r.ServerName = v
	case "rename":
		if old, name, ok := strings.Cut(v, "="); ok {
			r.Rename[old] = name
		}
	}
}

// played is the direction that came from the journal.
func (r *Run) played() wire.Direction {
	if r.Worker {
		return wire.C2S
	}
	return wire.S2C
}

// whole is the run as if it had been of all of the journal that it is compared
// with.
func (r *Run) whole() *Run {
	return &Run{Journal: r.Journal, Speed: r.Speed, Worker: r.Worker, Rebased: r.Rebased, ServerName: r.ServerName}
}
