package analyze

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// TestSelf: what was imported twice is the same, each capture alone and all that
// belong together; also if it was redacted, with keys of their own.
func TestSelf(t *testing.T) {
	t.Parallel()
	for _, redact := range []wire.Redaction{wire.RedactNone, wire.RedactSecrets, wire.RedactPersonal} {
		for _, folder := range captureFolders {
			s := capture(t, folder).beginning(1500)
			c := compare(t, s.write(t, journal.Options{Redact: redact}), s.write(t, journal.Options{Redact: redact}), Options{})
			if c.Verdict != Same || c.Total() != 0 || c.Recorded.Lines == 0 || c.Recorded.Lines != c.Replayed.Lines {
				t.Errorf("%s, redacted %v: %s", folder, redact, text(c))
			}
			if noted := len(c.Notes) > 0; noted != (redact != wire.RedactNone) {
				t.Errorf("%s, redacted %v: notes %q", folder, redact, c.Notes)
			}
		}
	}
	for _, folder := range []string{"1.12.4/09-probes", "1.66.0/09-probes", "1.66.0/10-fakemaster"} {
		s := capture(t, folder)
		if c := compare(t, s.write(t, journal.Options{}), s.write(t, journal.Options{}), Options{}); c.Verdict != Same || len(c.Endings) < 20 {
			t.Errorf("%s: %s", folder, text(c))
		}
	}
}

// TestRedactedOrNot: what only one journal may show is not compared, and all else
// is.
func TestRedactedOrNot(t *testing.T) {
	t.Parallel()
	s := capture(t, "1.66.0/01-mix")
	plain := s.write(t, journal.Options{})
	for _, level := range []wire.Redaction{wire.RedactSecrets, wire.RedactPersonal} {
		c := compare(t, plain, s.write(t, journal.Options{Redact: level}), Options{})
		if c.Verdict != Same || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], level.String()) {
			t.Errorf("%v: %s%q", level, text(c), c.Notes)
		}
		i := s.places(5, 1, func(i int) bool { return hasToken(s, i) })[0]
		h := s[i]
		h.line = strings.Replace(h.line, fmt.Sprintf(" %d ", h.gist().Token), " 1234567 ", 1)
		if c := compare(t, plain, s.with(i, h).write(t, journal.Options{Redact: level}), Options{}); c.Total() != 1 || c.Counts[Changed] != 1 {
			t.Errorf("%v: %s", level, text(c))
		}
	}
}

// TestVolatile: what is different each time does not count, and what stands
// beside it does.
func TestVolatile(t *testing.T) {
	t.Parallel()
	base := talk("v1.22",
		"< SERVER lab.test", "< PING 1", "> NAME w1", "> PING 2", "> REPLICATE ", "< POSITION events master 5 5",
		"> USER_SYNC AbCdE @u:x start 100", `> USER_IP @u:x ["tok","1.2.3.4","UA",null,5]`, "> CLEAR_USER_SYNC AbCdE", "< PING 3", "< RDATA events master 6 [1]")
	for _, x := range []struct {
		from, to string
		same     bool
	}{
		{"PING 3", "PING 4", true},
		{"USER_SYNC AbCdE @u:x start 100", "USER_SYNC XyZzy @u:x start 999", true},
		{"USER_SYNC AbCdE @u:x start 100", "USER_SYNC AbCdE @u:x end 100", false},
		{"USER_SYNC AbCdE @u:x start 100", "USER_SYNC AbCdE @v:x start 100", false},
		{"CLEAR_USER_SYNC AbCdE", "CLEAR_USER_SYNC XyZzy", true},
		{`null,5]`, `null,77]`, true},
		{`"UA",null,5]`, `"UB",null,5]`, false},
		{"REPLICATE ", "REPLICATE", true},
		{"SERVER lab.test", "SERVER other.test", false},
		{"POSITION events master 5 5", "POSITION events master 4 5", false},
		{"RDATA events master 6", "RDATA events w2 6", false},
	} {
		other := slices.Clone(base)
		for i := range other {
			other[i].line = strings.Replace(other[i].line, x.from, x.to, 1)
		}
		c := compare(t, base.write(t, journal.Options{}), other.write(t, journal.Options{}), Options{})
		if same := c.Verdict == Same; same != x.same {
			t.Errorf("%q for %q: %s", x.to, x.from, text(c))
		}
	}
}

// talk is a story of one connection, ten milliseconds between lines: < is from
// the master, > from the worker.
func talk(_ string, lines ...string) story {
	out := story{{t: 1e18, conn: 1, kind: journal.KindOpen}}
	for i, l := range lines {
		dir := wire.S2C
		if l[0] == '>' {
			dir = wire.C2S
		}
		out = append(out, happening{t: 1e18 + int64(i+1)*1e7, conn: 1, dir: dir, line: l[2:] + "\n"})
	}
	return append(out, happening{t: 1e18 + int64(len(lines)+1)*1e7, conn: 1, kind: journal.KindClose, ev: journal.Event{How: "fin", By: "worker"}})
}

// TestInconclusive: what is not known to be the same is not called so.
func TestInconclusive(t *testing.T) {
	t.Parallel()
	s := capture(t, "1.66.0/01-mix")
	whole := s.write(t, journal.Options{})
	i := s.places(3, 1, func(i int) bool { return isRdata(s, i) })[0]
	gap := s.with(i, happening{t: s[i].t, conn: s[i].conn, dir: s[i].dir, kind: journal.KindGap,
		ev: journal.Event{Bytes: int64(len(s[i].line)), Lines: 1, From: s[i].t, To: s[i].t, Reason: "the disk was full"}}).write(t, journal.Options{})
	for _, c := range []*Comparison{
		compare(t, whole, gap, Options{}),
		compare(t, gap, whole, Options{}),
		compare(t, gap, gap, Options{}),
	} {
		if c.Verdict != Inconclusive || !strings.Contains(c.Why, "the disk was full") {
			t.Error(text(c))
		}
	}
	beside := uint64(1)
	if s[i].conn == beside {
		beside = 2
	}
	if c := compare(t, gap, gap, Options{Filter: journal.Filter{Conns: []uint64{beside}}}); c.Verdict != Same {
		t.Errorf("a gap of another connection: %s", text(c))
	}
	nothing := story{}.write(t, journal.Options{})
	if c := compare(t, nothing, nothing, Options{}); c.Verdict != Inconclusive {
		t.Errorf("nothing: %s", text(c))
	}
	if c := compare(t, whole, whole, Options{Filter: journal.Filter{Workers: []string{"nobody"}}}); c.Verdict != Inconclusive {
		t.Errorf("nobody: %s", text(c))
	}
	if c := compare(t, whole, whole, Options{Pairs: [][2]uint64{{1, 99}}}); c.Verdict != Inconclusive {
		t.Errorf("no such connection: %s", text(c))
	}
}

// TestFilters: only what is asked for is compared.
func TestFilters(t *testing.T) {
	t.Parallel()
	s := capture(t, "1.66.0/01-mix")
	a := s.write(t, journal.Options{})
	i := s.places(3, 1, func(i int) bool { return isRdata(s, i) && s[i].conn == 1 && string(s[i].gist().Stream) == "typing" })[0]
	b := slices.Delete(slices.Clone(s), i, i+1).write(t, journal.Options{})
	at := func(d time.Duration) journal.Bound {
		return journal.Bound{Set: true, At: time.Unix(0, s[i].t).Add(d)}
	}
	for _, x := range []struct {
		name string
		o    Options
		same bool
	}{
		{"all", Options{}, false},
		{"its connection", Options{Filter: journal.Filter{Conns: []uint64{1}}}, false},
		{"another", Options{Filter: journal.Filter{Conns: []uint64{2, 3}}}, true},
		{"its worker", Options{Filter: journal.Filter{Workers: []string{"w1"}}}, false},
		{"another worker", Options{Filter: journal.Filter{Workers: []string{"w3"}}}, true},
		{"its stream", Options{Filter: journal.Filter{Streams: []string{"typing"}}}, false},
		{"another stream", Options{Filter: journal.Filter{Streams: []string{"events", "caches"}}}, true},
		{"its command", Options{Filter: journal.Filter{Commands: []string{"RDATA"}}}, false},
		{"another command", Options{Filter: journal.Filter{Commands: []string{"POSITION"}}}, true},
		{"its direction", Options{Filter: journal.Filter{Dir: wire.S2C}}, false},
		{"the other direction", Options{Filter: journal.Filter{Dir: wire.C2S}}, true},
		{"its instance", Options{Filter: journal.Filter{Instances: []string{"master"}}}, false},
		{"before", Options{Filter: journal.Filter{To: at(-time.Millisecond)}}, true},
		{"after", Options{Filter: journal.Filter{From: at(time.Millisecond)}}, true},
		{"around", Options{Filter: journal.Filter{From: at(-time.Second), To: at(time.Second)}}, false},
		{"a pair", Options{Pairs: [][2]uint64{{1, 1}}}, false},
		{"another pair", Options{Pairs: [][2]uint64{{2, 2}}}, true},
	} {
		c := compare(t, a, b, x.o)
		if same := c.Verdict == Same; same != x.same || !same && c.Total() != 1 {
			t.Errorf("%s: %s", x.name, text(c))
		}
	}
}

// TestOtherNumbers: connections are found by the names of their workers.
func TestOtherNumbers(t *testing.T) {
	t.Parallel()
	s := capture(t, "1.66.0/01-mix")
	turned := slices.Clone(s)
	for i := range turned {
		turned[i].conn = 10 - 2*turned[i].conn + 3
	}
	// The two connections of w3 have to stay in their order.
	c := compare(t, s.write(t, journal.Options{}), turned.write(t, journal.Options{}), Options{})
	if c.Verdict != Same || len(c.Connections) != 4 || c.Connections[0].Replayed != 11 {
		t.Errorf("%+v %s", c.Connections, text(c))
	}
	nameless := slices.DeleteFunc(slices.Clone(s), func(h happening) bool { return h.command() == wire.CmdName })
	for _, o := range []Options{{Pairs: [][2]uint64{{1, 1}, {2, 2}, {3, 3}, {4, 4}}}, {}} {
		c = compare(t, s.write(t, journal.Options{}), nameless.write(t, journal.Options{}), o)
		if c.Counts[Missing] != 4 || c.Total() != 4 || c.Differences[0].What != AboutLine {
			t.Error(text(c))
		}
	}
}

// TestTwoRuns: two runs of a part of a journal are compared as they are.
func TestTwoRuns(t *testing.T) {
	s := talk("", "> NAME w1", "> REPLICATE ", "< POSITION events master 5 5", "< RDATA events master 6 [1]")
	run := journal.Run{Speed: 1, Conns: []uint64{7}, From: time.Unix(5, 0)}
	if c := compare(t, s.ran(t, run), s.ran(t, run), Options{}); c.Verdict != Same || !c.IsRun {
		t.Error(text(c))
	}
}
