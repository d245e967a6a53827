package analyze

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repltap/journal"
	"repltap/wire"
)

// ran makes a journal of a story that is a run's. It ended well, unless edit says
// otherwise.
func (s story) ran(t testing.TB, r journal.Run, edit ...func(end *journal.Run)) *journal.Reader {
	t.Helper()
	r.Journal = "x"
	end := r
	end.Ended, end.Complete = true, true
	for _, f := range edit {
		f(&end)
	}
	out := story{{t: s[0].t, kind: journal.KindRun, ev: journal.Event{What: "begin", Run: &r}}}
	out = append(append(out, s...), happening{t: s[len(s)-1].t, kind: journal.KindRun, ev: journal.Event{What: "end", Run: &end}})
	return out.write(t, journal.Options{})
}

// fresh is a story as it happens again when it is played to a worker that nobody
// uses: it pings at other times, and says nothing that users would make it say;
// nor does the master announce again what has been said.
func (s story) fresh(speed float64) story {
	stands, announced := map[string]int64{}, map[string]bool{}
	start := s[0].t
	var out story
	for _, h := range s {
		h.t = start + int64(float64(h.t-start)/speed)
		g := h.gist()
		switch {
		case h.line == "":
			if h.kind == journal.KindClose {
				h.ev = journal.Event{How: "fin", By: "master", Note: EndOfReplay}
			}
		case g.Command == wire.CmdPing:
			continue
		case h.dir == wire.C2S:
			if g.Command != wire.CmdName && g.Command != wire.CmdReplicate {
				continue
			}
		case g.HasToken && len(g.Stream) > 0:
			lane := h.lane()
			at, known := stands[lane]
			if g.Command == wire.CmdPosition && known && at == g.Token && announced[lane] {
				continue
			}
			stands[lane], announced[lane] = g.Token, announced[lane] || g.Command == wire.CmdPosition
		}
		out = append(out, h)
	}
	return out
}

// TestRun: a replay to a fresh worker that got everything is the same, at any
// speed, and one that did not is not.
func TestRun(t *testing.T) {
	t.Parallel()
	for n, folder := range captureFolders[:4] {
		s := capture(t, folder).beginning(2 * seededLines)
		a := s.write(t, journal.Options{})
		for _, speed := range []float64{0, 0.5, 1, 10} {
			run := journal.Run{Speed: speed}
			played := s.fresh(max(speed, 0.5))
			c := compare(t, a, played.ran(t, run), Options{})
			if c.Verdict != Same || !c.IsRun || len(c.NotCompared) == 0 {
				t.Errorf("%s at %v: %s", folder, speed, text(c))
			}
		}
		run := journal.Run{Speed: 1}
		played := s.fresh(1)
		counts := played.counts()
		for k, x := range seededChanges[:5] {
			for _, i := range played.places(uint64(n*10+k), 2, func(i int) bool {
				return counts[fmt.Sprint(played[i].conn, played[i].dir, played[i].line)] == 1 && isRdata(played, i) && x.fits(played, i) && !held(played, i)
			}) {
				out, _, _ := x.change(played, i)
				c := compare(t, a, out.ran(t, run), Options{})
				if c.Verdict != Different || c.Total() != 1 || c.Counts[x.kind] != 1 {
					t.Errorf("%s: %s at %d %q: %s", folder, x.name, i, played[i].line, text(c))
				}
			}
		}
	}
}

// held says whether a line has to do with a batch of up to 1.12, of which all
// change when one does.
func held(s story, i int) bool {
	g := s[i].gist()
	if g.Form != wire.FormRdata3 {
		return false
	}
	for j := i - 1; j >= 0; j-- {
		if s[j].line != "" && s[j].lane() == s[i].lane() {
			b := s[j].gist()
			return g.Batch || b.Batch || s.next(i) > 0 && s[s.next(i)].gist().Batch
		}
	}
	return g.Batch
}

// TestRunNatural: what a fresh worker can't be blamed for, and what it can.
func TestRunNatural(t *testing.T) {
	t.Parallel()
	old := []string{"< SERVER lab.test", "> NAME w1", "> REPLICATE events 5", "> REPLICATE typing 0",
		"< RDATA events 6 [1]", "< POSITION events 6", "< POSITION typing 0", "< RDATA events batch [2]", "< RDATA events 7 [3]", "> FEDERATION_ACK 3", "> USER_SYNC @u:x start 5"}
	young := []string{"< SERVER lab.test", "> NAME w1", "> REPLICATE ", "< POSITION events master 5 5", "< POSITION typing master 0 0",
		"< RDATA events master 6 [1]", "< POSITION events master 6 6", "< RDATA events master batch [2]", "< RDATA events master 7 [3]", "< POSITION typing master 0 4"}
	for _, x := range []struct {
		name     string
		recorded []string
		edit     func(l []string) []string
		want     map[string]int64
	}{
		{"other tokens asked", old, replaced("REPLICATE events 5", "REPLICATE events 6"), nil},
		{"another order of asking", old, func(l []string) []string { l[2], l[3] = l[3], l[2]; return l }, nil},
		{"a stream is not asked for", old, without("REPLICATE typing"), map[string]int64{Missing: 1}},
		{"live rows come as catch-up", old, func(l []string) []string {
			return append(slices.Delete(l, 4, 9), "< RDATA events 6 [1]", "< RDATA events 7 [2]", "< RDATA events 7 [3]", "< POSITION events 7", "< POSITION typing 0")
		}, nil},
		{"they come with another token", old, replaced("RDATA events 7 [3]", "RDATA events 8 [3]"), map[string]int64{Changed: 2}},
		{"the worker is silent", old, without("FEDERATION_ACK", "USER_SYNC"), nil},
		{"the worker complains", old, func(l []string) []string { return append(l, "> ERROR Wrong remote") }, map[string]int64{Extra: 1}},
		{"no redundant POSITION", young, without("POSITION events master 6 6"), nil},
		{"POSITION a moment later", young, func(l []string) []string {
			l[3], l[5] = "< RDATA events master 6 [1]", "< POSITION events master 6 6"
			return slices.Delete(l, 6, 7)
		}, nil},
		{"POSITION begins elsewhere", young, replaced("POSITION events master 5 5", "POSITION events master 4 4"), map[string]int64{Changed: 1}},
		{"no POSITION at all", young, without("POSITION typing"), map[string]int64{Missing: 2}},
		{"POSITION without rows is not sent", young, without("POSITION typing master 0 4"), map[string]int64{Missing: 1}},
		{"an ERROR of the master", young, func(l []string) []string { return append(l, "< ERROR Failed to keep up") }, map[string]int64{Extra: 1}},
		{"another name", young, replaced("NAME w1", "NAME w7"), nil},
	} {
		run := journal.Run{Speed: 1}
		a, b := talk("", x.recorded...), talk("", x.edit(slices.Clone(x.recorded))...)
		c := compare(t, a.write(t, journal.Options{}), b.ran(t, run), Options{})
		if x.want == nil {
			x.want = map[string]int64{}
		}
		if d := cmp.Diff(x.want, c.Counts); d != "" {
			t.Errorf("%s: %s%s", x.name, d, text(c))
		}
	}
}

func replaced(from, to string) func([]string) []string {
	return func(l []string) []string {
		for i := range l {
			l[i] = strings.Replace(l[i], from, to, 1)
		}
		return l
	}
}

func without(parts ...string) func([]string) []string {
	return func(l []string) []string {
		return slices.DeleteFunc(l, func(s string) bool {
			return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
		})
	}
}

// TestRunRewritten: moved tokens and other names are no difference, if they are
// so all the time.
func TestRunRewritten(t *testing.T) {
	t.Parallel()
	s := capture(t, "1.66.0/01-mix")
	a := s.write(t, journal.Options{})
	moved := s.fresh(1)
	for i := range moved {
		if g := moved[i].gist(); moved[i].dir == wire.S2C && len(g.Stream) > 0 {
			line := moved[i].line
			if g.HasPrev {
				line = strings.Replace(line, fmt.Sprintf(" %d %d\n", g.Prev, g.Token), fmt.Sprintf(" %d %d\n", g.Prev+5000, g.Token+5000), 1)
			} else if g.HasToken {
				line = strings.Replace(line, fmt.Sprintf(" %d ", g.Token), fmt.Sprintf(" %d ", g.Token+5000), 1)
			}
			moved[i].line = strings.Replace(strings.Replace(line, " master ", " main ", 1), "SERVER lab", "SERVER dev", 1)
		} else if moved[i].command() == wire.CmdServer {
			moved[i].line = "SERVER dev.test\n"
		}
	}
	run := journal.Run{Speed: 1, Rebased: true, ServerName: "dev.test", Rename: map[string]string{"master": "main"}}
	if c := compare(t, a, moved.ran(t, run), Options{}); c.Verdict != Same {
		t.Error(text(c))
	}
	i := moved.places(1, 1, func(i int) bool { return hasToken(moved, i) && string(moved[i].gist().Stream) == "typing" })[0]
	h := moved[i]
	h.line = strings.Replace(h.line, fmt.Sprintf(" %d ", h.gist().Token), fmt.Sprintf(" %d ", h.gist().Token+1), 1)
	if c := compare(t, a, moved.with(i, h).ran(t, run), Options{}); c.Counts[Changed] != 1 || c.Total() != 1 {
		t.Error(text(c))
	}
	if c := compare(t, a, moved.ran(t, journal.Run{Speed: 1}), Options{}); c.Verdict != Different {
		t.Errorf("nobody said so: %s", text(c))
	}
}

// TestRunPart: a run of a part of a journal is compared with that part.
func TestRunPart(t *testing.T) {
	t.Parallel()
	s := capture(t, "1.19.0/01-mix")
	a := s.write(t, journal.Options{})
	from, to := s[0].t+20e9, s[0].t+50e9
	part := slices.DeleteFunc(s.fresh(1), func(h happening) bool { return h.conn != 2 || h.t < from || h.t >= to })
	if len(part) < 100 {
		t.Fatalf("only %d lines", len(part))
	}
	run := journal.Run{Speed: 1, Conns: []uint64{2}, From: time.Unix(0, from), To: time.Unix(0, to)}
	for i := range part {
		part[i].conn = 1
	}
	begin := story{{t: from, conn: 1, kind: journal.KindOpen}, {t: from, conn: 1, dir: wire.C2S, line: "NAME w2\n"}, {t: from, conn: 1, dir: wire.S2C, line: "POSITION events master 1 1\n"}}
	name := s.places(1, 1, func(i int) bool { return s[i].conn == 2 && s[i].command() == wire.CmdName })[0]
	begin[1].line = s[name].line
	c := compare(t, a, append(begin, part...).ran(t, run), Options{Filter: journal.Filter{Dir: wire.S2C}})
	if c.Counts[Extra] > 1 || c.Counts[Missing] > 0 || c.Counts[Changed] > 0 {
		t.Error(text(c))
	}
	streams := []string{"events", "typing"}
	some := slices.DeleteFunc(s.fresh(1), func(h happening) bool {
		g := h.gist()
		return len(g.Stream) > 0 && h.dir == wire.S2C && !slices.Contains(streams, string(g.Stream))
	})
	run = journal.Run{Speed: 1, Streams: streams}
	if c := compare(t, a, some.ran(t, run), Options{}); c.Verdict != Same {
		t.Error(text(c))
	}
}

// TestRunShared: every worker is compared with all that was replayed.
func TestRunShared(t *testing.T) {
	s := talk("", "> NAME w1", "> REPLICATE ", "< POSITION events master 5 5", "< RDATA events master 6 [1]", "< RDATA events master 7 [2]")
	var two story
	for _, h := range s {
		h.ev = journal.Event{How: h.ev.How, By: h.ev.By}
		two = append(two, h)
		h.conn = 2
		if h.command() == wire.CmdName {
			h.line = "NAME other\n"
		}
		two = append(two, h)
	}
	run := journal.Run{Speed: 1, Shared: true}
	if c := compare(t, s.write(t, journal.Options{}), two.ran(t, run), Options{}); c.Verdict != Same || len(c.Connections) != 2 {
		t.Error(text(c))
	}
	lost := slices.DeleteFunc(slices.Clone(two), func(h happening) bool { return h.conn == 2 && strings.Contains(h.line, " 7 ") })
	if c := compare(t, s.write(t, journal.Options{}), lost.ran(t, run), Options{}); c.Total() != 1 || c.Differences[0].Worker != "other" {
		t.Error(text(c))
	}
}

// TestRunLag: a driver that was too slow proves nothing, unless nobody asked it
// to keep a schedule.
func TestRunLag(t *testing.T) {
	t.Parallel()
	s := capture(t, "1.66.0/01-mix")
	a := s.write(t, journal.Options{})
	for _, x := range []struct {
		speed float64
		lag   time.Duration
		often int
		max   time.Duration
		want  string
	}{
		{1, 30 * time.Millisecond, 100, 0, Same},
		{1, 60 * time.Millisecond, 100, 0, Inconclusive},
		{1, 60 * time.Millisecond, 5, 0, Inconclusive},
		{1, 60 * time.Millisecond, 1, 0, Same}, // of 400
		{1, 60 * time.Millisecond, 100, time.Second, Same},
		{1, 60 * time.Millisecond, 100, -1, Same},
		{0, 60 * time.Millisecond, 100, 0, Same},
	} {
		played := s.fresh(1)
		last := played[len(played)-1]
		for i := range 400 {
			ev := journal.Event{Lag: 100_000, Queue: int64(i % 7)}
			if i < x.often {
				ev.Lag = int64(x.lag)
			}
			played = slices.Insert(played, len(played)-1, happening{t: last.t, conn: last.conn, kind: journal.KindSample, ev: ev})
		}
		run := journal.Run{Speed: x.speed}
		c := compare(t, a, played.ran(t, run), Options{MaxLag: x.max})
		if c.Verdict != x.want || c.Lag.Max != x.lag.Microseconds() || c.Lag.P50 < 95 || x.often < 200 && c.Lag.P50 > 105 {
			t.Errorf("%+v: %+v %s", x, c.Lag, text(c))
		}
		if len(c.Pauses) != 1 || c.Pauses[0].Replayed.QueuePeak != 6 {
			t.Errorf("%+v", c.Pauses)
		}
	}
}
