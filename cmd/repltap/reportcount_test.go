package main

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestReportCounts counts again what reports of real captures say, from what log
// prints, in the plainest way.
func TestReportCounts(t *testing.T) {
	for _, folder := range reportCaptures {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			journal := importCapture(t, folder)
			c := countAgain(t, mustRun(t, "log", journal, "--format", "json"))
			var doc countedReport
			if err := json.Unmarshal([]byte(mustRun(t, "report", journal, "--format", "json")), &doc); err != nil {
				t.Fatal(err)
			}
			c.compare(t, &doc)
		})
	}
}

// counted is some lines.
type counted struct {
	commands, bytes, fragments int64
	rdata, positions           int64
	to, from, toBytes, from2   int64
	sizes, gaps                []float64
	last                       time.Time
	conns                      map[int64]bool
}

type countAll struct {
	all, s2c, c2s                         counted
	conns                                 map[int64]bool
	commands, streams, instances, workers map[string]*counted
	connections                           map[int64]*counted
	names                                 map[int64]string
	first, end                            time.Time
}

func (c *counted) add(at time.Time, n int64) {
	if c.commands > 0 {
		// The clock of a report is that of microseconds.
		c.gaps = append(c.gaps, math.Floor(math.Max(float64(at.Sub(c.last).Nanoseconds()), 0)/1e3)/1e3)
	}
	c.commands, c.bytes, c.last = c.commands+1, c.bytes+n, at
	c.sizes = append(c.sizes, float64(n))
}

func of[K comparable](m map[K]*counted, key K) *counted {
	if m[key] == nil {
		m[key] = &counted{conns: map[int64]bool{}}
	}
	return m[key]
}

const knownCommands = " SERVER RDATA POSITION ERROR PING NAME REPLICATE USER_SYNC CLEAR_USER_SYNC FEDERATION_ACK SYNC REMOVE_PUSHER INVALIDATE_CACHE USER_IP REMOTE_SERVER_UP LOCK_RELEASED NEW_ACTIVE_TASK "

func countAgain(t *testing.T, text string) *countAll {
	t.Helper()
	c := &countAll{
		conns: map[int64]bool{}, commands: map[string]*counted{}, streams: map[string]*counted{}, instances: map[string]*counted{},
		workers: map[string]*counted{}, connections: map[int64]*counted{}, names: map[int64]string{},
	}
	c.s2c.conns, c.c2s.conns = map[int64]bool{}, map[int64]bool{}
	for line := range strings.Lines(text) {
		var r struct {
			Time                                         time.Time
			Conn, Bytes                                  int64
			Worker, Dir, Kind, Command, Stream, Instance string
			Name                                         *string `json:"command"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if c.first.IsZero() || r.Time.Before(c.first) {
			c.first = r.Time
		}
		if r.Time.After(c.end) {
			c.end = r.Time
		}
		if r.Conn == 0 {
			continue
		}
		if r.Worker != "" {
			c.names[r.Conn] = r.Worker
		}
		conn := of(c.connections, r.Conn)
		side := &c.s2c
		if r.Dir == "c2s" {
			side = &c.c2s
		}
		if r.Kind == "line" || r.Kind == "fragment" {
			side.conns[r.Conn] = true
			if r.Dir == "s2c" {
				conn.toBytes += r.Bytes
			} else {
				conn.from2 += r.Bytes
			}
		}
		if r.Kind == "fragment" {
			side.fragments++
			c.all.fragments++
			side.bytes, c.all.bytes = side.bytes+r.Bytes, c.all.bytes+r.Bytes
		}
		if r.Kind != "line" {
			continue
		}
		command := *r.Name
		if !strings.Contains(knownCommands, " "+command+" ") || command == "" {
			command = "(unknown)"
		}
		worker := of(c.workers, c.names[r.Conn])
		worker.conns[r.Conn] = true
		list := []*counted{&c.all, side, of(c.commands, command+" "+r.Dir), conn, worker}
		if strings.Contains(line, `,"stream":"`) {
			stream := of(c.streams, r.Stream)
			list = append(list, stream)
			switch command {
			case "RDATA":
				stream.rdata++
			case "POSITION":
				stream.positions++
			}
		}
		if strings.Contains(line, `,"instance":"`) {
			list = append(list, of(c.instances, r.Instance))
		}
		for _, x := range list {
			x.add(r.Time, r.Bytes)
			if r.Dir == "s2c" {
				x.to++
			} else {
				x.from++
			}
		}
	}
	return c
}

// countedReport is of a report what is counted again.
type countedReport struct {
	Journal struct {
		Duration float64 `json:"duration_s"`
	}
	Totals struct {
		Commands, Bytes, Fragments, Connections, Workers int64
		S2C, C2S                                         struct {
			countedVolume
			Fragments     int64
			FragmentBytes int64 `json:"fragment_bytes"`
			Connections   int64
		}
	}
	Commands []struct {
		Command, Direction string
		countedVolume
	}
	Streams []struct {
		Stream          string
		Rows, Positions int64
		countedVolume
	}
	Instances []struct {
		Instance string
		countedVolume
	}
	Workers []struct {
		Worker      string
		Connections int64
		To          int64 `json:"s2c_commands"`
		From        int64 `json:"c2s_commands"`
		countedVolume
	}
	Connections []struct {
		Conn      int64
		Worker    string
		To        int64 `json:"s2c_commands"`
		From      int64 `json:"c2s_commands"`
		ToBytes   int64 `json:"s2c_bytes"`
		FromBytes int64 `json:"c2s_bytes"`
		countedVolume
	}
}

type countedVolume struct {
	Commands, Bytes int64
	Share           *float64 `json:"share_percent"`
	Rate            *float64 `json:"per_second"`
	SizeP50         *float64 `json:"size_p50"`
	SizeP95         *float64 `json:"size_p95"`
	SizeP99         *float64 `json:"size_p99"`
	SizeMax         *float64 `json:"size_max"`
	GapP50          *float64 `json:"gap_p50_ms"`
	GapP95          *float64 `json:"gap_p95_ms"`
	GapP99          *float64 `json:"gap_p99_ms"`
	GapMax          *float64 `json:"gap_max_ms"`
}

func (c *countAll) compare(t *testing.T, doc *countedReport) {
	equal := func(what string, got, want int64) {
		t.Helper()
		if got != want {
			t.Errorf("%s: the report says %d, counted are %d", what, got, want)
		}
	}
	if took := c.end.Sub(c.first).Seconds(); math.Abs(doc.Journal.Duration-took) > 0.0005001 {
		t.Errorf("the report says %v s, it were %v", doc.Journal.Duration, took)
	}
	equal("commands", doc.Totals.Commands, c.all.commands)
	equal("bytes", doc.Totals.Bytes, c.all.bytes)
	equal("fragments", doc.Totals.Fragments, c.all.fragments)
	equal("connections", doc.Totals.Connections, int64(len(c.connections)))
	equal("workers", doc.Totals.Workers, int64(len(c.workers)))
	equal("s2c commands", doc.Totals.S2C.Commands, c.s2c.commands)
	equal("s2c bytes", doc.Totals.S2C.Bytes+doc.Totals.S2C.FragmentBytes, c.s2c.bytes)
	equal("s2c connections", doc.Totals.S2C.Connections, int64(len(c.s2c.conns)))
	equal("c2s commands", doc.Totals.C2S.Commands, c.c2s.commands)
	equal("c2s bytes", doc.Totals.C2S.Bytes+doc.Totals.C2S.FragmentBytes, c.c2s.bytes)
	equal("c2s connections", doc.Totals.C2S.Connections, int64(len(c.c2s.conns)))

	lines := float64(doc.Totals.S2C.Bytes + doc.Totals.C2S.Bytes)
	equal("bytes of lines", int64(lines), sum(c.all.sizes))
	volume := func(what string, got countedVolume, want *counted) {
		t.Helper()
		equal(what+" commands", got.Commands, want.commands)
		equal(what+" bytes", got.Bytes, sum(want.sizes))
		near(t, what+" share", got.Share, float64(sum(want.sizes))/lines*100, 0.0050001)
		near(t, what+" rate", got.Rate, float64(want.commands)/c.end.Sub(c.first).Seconds(), 0.0050001)
		quantiles(t, what+" size", want.sizes, 1, got.SizeP50, got.SizeP95, got.SizeP99, got.SizeMax)
		quantiles(t, what+" gap", want.gaps, 0.001, got.GapP50, got.GapP95, got.GapP99, got.GapMax)
	}
	equal("kinds of commands", int64(len(doc.Commands)), int64(len(c.commands)))
	for _, r := range doc.Commands {
		volume(r.Command, r.countedVolume, of(c.commands, r.Command+" "+r.Direction))
	}
	equal("streams", int64(len(doc.Streams)), int64(len(c.streams)))
	for _, r := range doc.Streams {
		want := of(c.streams, r.Stream)
		volume(r.Stream, r.countedVolume, want)
		equal(r.Stream+" rows", r.Rows, want.rdata)
		equal(r.Stream+" positions", r.Positions, want.positions)
	}
	equal("instances", int64(len(doc.Instances)), int64(len(c.instances)))
	for _, r := range doc.Instances {
		volume(r.Instance, r.countedVolume, of(c.instances, r.Instance))
	}
	equal("workers", int64(len(doc.Workers)), int64(len(c.workers)))
	for _, r := range doc.Workers {
		want := of(c.workers, r.Worker)
		volume("worker "+r.Worker, r.countedVolume, want)
		equal("to worker "+r.Worker, r.To, want.to)
		equal("from worker "+r.Worker, r.From, want.from)
		equal("connections of "+r.Worker, r.Connections, int64(len(want.conns)))
	}
	equal("connections", int64(len(doc.Connections)), int64(len(c.connections)))
	for _, r := range doc.Connections {
		want := of(c.connections, r.Conn)
		if r.Worker != c.names[r.Conn] {
			t.Errorf("connection %d is of %q, in the report of %q", r.Conn, c.names[r.Conn], r.Worker)
		}
		volume("connection", r.countedVolume, want)
		equal("to the worker", r.To, want.to)
		equal("from the worker", r.From, want.from)
		equal("bytes to the worker", r.ToBytes, want.toBytes)
		equal("bytes from the worker", r.FromBytes, want.from2)
	}
}

func sum(list []float64) (n int64) {
	for _, v := range list {
		n += int64(v)
	}
	return n
}

// near compares what was rounded.
func near(t *testing.T, what string, got *float64, want, by float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > by {
		t.Errorf("%s: the report says %v, counted are %v", what, text(got), want)
	}
}

func text(v *float64) any {
	if v == nil {
		return "nothing"
	}
	return *v
}

// quantiles compares quantiles, which may be one percent off, or less than unit.
func quantiles(t *testing.T, what string, values []float64, unit float64, p50, p95, p99, most *float64) {
	t.Helper()
	if len(values) == 0 {
		if p50 != nil || p95 != nil || p99 != nil || most != nil {
			t.Errorf("%s: the report has quantiles of nothing", what)
		}
		return
	}
	slices.Sort(values)
	near(t, what+" max", most, values[len(values)-1], 1e-9)
	for _, q := range []struct {
		p   float64
		got *float64
	}{{0.5, p50}, {0.95, p95}, {0.99, p99}} {
		// What is a rank when they are few is a matter of taste: either neighbour is.
		i := int(math.Ceil(q.p*float64(len(values)))) - 1
		low, high := values[max(i-1, 0)], values[min(i+1, len(values)-1)]
		if q.got == nil || *q.got < low*0.99-unit || *q.got > high*1.01+unit {
			t.Errorf("%s p%v: the report says %v, it is %v to %v", what, q.p*100, text(q.got), low, high)
		}
	}
}
