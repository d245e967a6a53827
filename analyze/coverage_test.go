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

// several is one conversation on each of n connections, each of a worker of its own,
// a hundredth of a second apart.
func several(n int, lines ...string) (out story) {
	for i := range n {
		for _, h := range talk("", lines...) {
			h.t += int64(i) * 1e7
			h.conn = uint64(i + 1)
			h.line = strings.ReplaceAll(h.line, "w1", fmt.Sprint("w", i+1))
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b happening) int { return int(a.t - b.t) })
	return out
}

func (s story) only(keep func(h happening) bool) story {
	return slices.DeleteFunc(slices.Clone(s), func(h happening) bool { return !keep(h) })
}

var workerTalk = []string{"< SERVER x", "> NAME w1", "> REPLICATE ", "< POSITION events master 5 5", "> USER_SYNC abcde @u:x start 5"}

// TestLeftOut: what was to be played and did not take place is told with its cause,
// and no verdict is that all is the same.
func TestLeftOut(t *testing.T) {
	recorded := several(10, workerTalk...)
	took := func(n uint64) story { return recorded.only(func(h happening) bool { return h.conn <= n }) }
	left := func(why, detail string, from, to uint64) func(*journal.Run) {
		return func(r *journal.Run) {
			l := journal.LeftOut{Why: why, Detail: detail}
			for ; from <= to; from++ {
				l.Conns = append(l.Conns, from)
			}
			r.LeftOut = append(r.LeftOut, l)
		}
	}
	cut := took(10).only(func(h happening) bool { return h.conn != 10 || h.line != "USER_SYNC abcde @u:x start 5\n" })
	mute := took(10).only(func(h happening) bool {
		return h.conn != 10 || !strings.HasPrefix(h.line, "SERVER") && !strings.HasPrefix(h.line, "POSITION")
	})
	for _, x := range []struct {
		name    string
		run     story
		edit    func(*journal.Run)
		verdict string
		why     string // its beginning
		left    []LeftOut
	}{
		{"all", took(10), left("", "", 2, 1), Same, "All 30 lines of 10 connections", nil},
		{"refused", took(3), left(journal.LeftRefused, "a:1: connection refused", 4, 10), Different, "7 of 10 connections were refused by a:1: connection refused. There are 7 differences: 7 missing.",
			[]LeftOut{{journal.LeftRefused, "a:1: connection refused", Extent{7, 21}}}},
		{"one refused", took(9), left(journal.LeftRefused, "a:1: connection refused", 10, 10), Different, "1 of 10 connections was refused by a:1: connection refused. There is 1 difference: 1 missing.",
			[]LeftOut{{journal.LeftRefused, "a:1: connection refused", Extent{1, 3}}}},
		{"too many open files", took(9), left(journal.LeftFailed, "too many open files", 10, 10), Inconclusive, "It can't be told: 1 of 10 connections could not be made by the replay itself: too many open files. So far there is 1 difference",
			[]LeftOut{{journal.LeftFailed, "too many open files", Extent{1, 3}}}},
		{"too many for a master", took(10), left(journal.LeftFailed, "too many open files", 2, 1), Inconclusive, "It can't be told: the replay could not take every connection: too many open files.", nil},
		{"reset in the middle", cut, left(journal.LeftEnded, "reset by the master", 10, 10), Different, "1 of 10 connections ended before all was said on it: reset by the master. There is 1 difference: 1 missing.",
			[]LeftOut{{journal.LeftEnded, "reset by the master", Extent{0, 1}}}},
		{"never answered", mute, left("", "", 2, 1), Different, "On 1 of 10 connections the master never said a word. There is 1 difference: 1 missing.", []LeftOut{{leftMute, "", Extent{1, 3}}}},
		{"nobody says why", took(9), left("", "", 2, 1), Different, "There is 1 difference: 1 missing.", []LeftOut{{leftUnplayed, "", Extent{1, 3}}}},
		{"interrupted", took(9), func(r *journal.Run) { r.Complete, r.Interrupted = false, true }, Inconclusive, "It can't be told: the replay was interrupted before its end. So far",
			[]LeftOut{{leftPending, "", Extent{1, 3}}}},
		{"killed", took(9), func(r *journal.Run) { r.Ended, r.Complete = false, false }, Inconclusive, "It can't be told: the replay did not come to its end", []LeftOut{{leftPending, "", Extent{1, 3}}}},
		{"gone wrong", took(10), func(r *journal.Run) { r.Complete, r.Fault = false, "no room" }, Inconclusive, "It can't be told: the replay could not go on: no room.", nil},
		{"of a journal with gaps", took(10), func(r *journal.Run) { r.Gaps = 2 }, Inconclusive, "It can't be told: parts of what was replayed are missing in the journal (2 gaps).", nil},
		{"late", took(10), func(r *journal.Run) { r.Lag = &journal.RunLag{P99: 60_000} }, Inconclusive, "It can't be told: the replay could not keep time: 1 of 100 lines was more than 60ms late", nil},
		{"late, and that is fine", took(10), func(r *journal.Run) { r.Lag, r.LagLimit = &journal.RunLag{P99: 60_000}, time.Second }, Same, "All 30 lines", nil},
	} {
		c := compare(t, recorded.write(t, journal.Options{}), x.run.ran(t, journal.Run{As: journal.RunWorker, Speed: 1}, x.edit), Options{})
		if x.left == nil {
			x.left = []LeftOut{}
		}
		if d := cmp.Diff(x.left, c.Coverage.LeftOut); d != "" || c.Verdict != x.verdict || !strings.HasPrefix(c.Why, x.why) || c.Coverage.Recorded != (Extent{10, 30}) {
			t.Errorf("%s: %s%+v %s", x.name, d, c.Coverage, text(c))
		}
	}
}

// TestTooFewWorkers: a master that waited for more workers than came has not seen
// what was to happen, nor has one that was not asked to do without them; else who does not
// come is up to the user, and the verdict says that it is not about them.
func TestTooFewWorkers(t *testing.T) {
	recorded := several(3, "> NAME w1", "> REPLICATE ", "< POSITION events master 5 5")
	run := recorded.only(func(h happening) bool { return h.conn == 2 })
	for expected, verdict := range map[int]string{0: Inconclusive, 1: Same, 2: Different, 9: Different} {
		c := compare(t, recorded.write(t, journal.Options{}), run.ran(t, journal.Run{As: journal.RunMaster, Expected: expected}), Options{})
		if c.Verdict != verdict || c.Coverage.Played != (Extent{1, 1}) || c.Coverage.LeftOut[0].Extent != (Extent{2, 2}) {
			t.Errorf("%d: %+v %s", expected, c.Coverage, text(c))
		}
		if verdict == Different && !strings.HasPrefix(c.Why, fmt.Sprintf("%d of %d workers that the run waited for did not come. There are 2 differences", expected-1, expected)) {
			t.Error(text(c))
		}
		if want := "Not compared are 2 of 3 recorded workers, which did not come."; verdict == Same && !strings.HasSuffix(c.Why, want) {
			t.Error(text(c))
		}
		if want := "It can't be told: 2 of 3 recorded workers did not come, "; verdict == Inconclusive && !strings.HasPrefix(c.Why, want) {
			t.Error(text(c))
		}
	}
	i := slices.IndexFunc(run, func(h happening) bool { return strings.HasPrefix(h.line, "POSITION") })
	run[i].line = "POSITION events master 7 7\n"
	c := compare(t, recorded.write(t, journal.Options{}), run.ran(t, journal.Run{As: journal.RunMaster}), Options{})
	if c.Verdict != Different || !strings.HasPrefix(c.Why, "2 of 3 recorded workers did not come, ") {
		t.Error(text(c)) // what came differs from the recording, whether or not others come
	}
	one := recorded.only(func(h happening) bool { return h.conn == 1 })
	c = compare(t, one.write(t, journal.Options{}), one.ran(t, journal.Run{As: journal.RunMaster, Expected: 2, Shared: true}), Options{})
	if c.Verdict != Different || c.Counts[Missing] != 1 || !strings.HasPrefix(c.Why, "1 of 2 workers that the run waited for did not come.") {
		t.Error(text(c))
	}
}

// TestNameless: a worker that never said its name is called by its connection, and
// a connection on which only one side spoke is nobody's conversation.
func TestNameless(t *testing.T) {
	recorded := several(3, "> NAME w1", "> REPLICATE ", "< POSITION events master 5 5")
	recorded = recorded.only(func(h happening) bool { return h.conn != 2 || h.line != "NAME w2\n" }).only(func(h happening) bool {
		return h.conn != 3 || h.line == "" || h.dir == 1
	})
	run := recorded.only(func(h happening) bool { return h.conn == 1 })
	for i := range run { // and its worker has another name
		run[i].line = strings.ReplaceAll(run[i].line, "w1", "other")
	}
	c := compare(t, recorded.write(t, journal.Options{}), run.ran(t, journal.Run{As: journal.RunMaster, Expected: 1, LeftOut: []journal.LeftOut{{Why: journal.LeftOneSided, Conns: []uint64{3}}}}), Options{})
	want := []string{
		"only one side said something on recorded connection 3: there is nothing to be replayed, and nothing is compared",
		"worker other of the run was compared with the recorded worker w1",
		"nobody was the worker of recorded connection 2, which never said its name, in the run, so what was recorded of it is not compared",
	}
	if d := cmp.Diff(want, c.Notes); d != "" || c.Verdict != Same || c.Coverage.Played != (Extent{1, 1}) {
		t.Errorf("%s%+v %s", d, c.Coverage, text(c))
	}
}

// TestLateFromTheBeginning: lateness counts from when the schedule of a run began,
// for a worker that waited for it as for one that came then.
func TestLateFromTheBeginning(t *testing.T) {
	recorded := several(2, "> NAME w1", "> REPLICATE ", "< POSITION events master 5 5", "< RDATA events master 6 [1]")
	waited := int64(8e9)
	run := slices.Clone(recorded)
	for i := range run {
		if h := &run[i]; h.conn == 2 || !strings.HasPrefix(h.line, "NAME") && h.kind != journal.KindOpen {
			h.t += waited
		}
	}
	slices.SortStableFunc(run, func(a, b happening) int { return int(a.t - b.t) })
	late := slices.Clone(run)
	for i := range late {
		if strings.HasPrefix(late[i].line, "RDATA") || late[i].kind == journal.KindClose {
			late[i].t += 3e8
		}
	}
	origin := recorded[0].t
	began := func(r *journal.Run) { r.Origin, r.Began = origin, origin+waited }
	a := recorded.write(t, journal.Options{})
	if c := compare(t, a, run.ran(t, journal.Run{As: journal.RunMaster, Speed: 1}, began), Options{}); c.Verdict != Same {
		t.Error(text(c))
	}
	if c := compare(t, a, late.ran(t, journal.Run{As: journal.RunMaster, Speed: 1}, began), Options{}); c.Verdict != Different || c.Lines[Late] != 2 {
		t.Error(text(c))
	}
}

// TestFilteredCoverage: what a filter leaves out is counted, and where it leaves
// nothing there is nothing that could be the same.
func TestFilteredCoverage(t *testing.T) {
	s := several(3, "> NAME w1", "> REPLICATE ", "< POSITION events master 5 5", "< RDATA events master 6 [1]")
	a := s.write(t, journal.Options{})
	for _, x := range []struct {
		f       journal.Filter
		verdict string
		played  Extent
	}{
		{journal.Filter{}, Same, Extent{3, 12}},
		{journal.Filter{Conns: []uint64{2}}, Same, Extent{1, 4}},
		{journal.Filter{Workers: []string{"w1", "w3"}}, Same, Extent{2, 8}},
		{journal.Filter{Streams: []string{"events"}, Conns: []uint64{2}}, Same, Extent{1, 2}},
		{journal.Filter{Streams: []string{"typing"}}, Inconclusive, Extent{3, 0}},
		{journal.Filter{Conns: []uint64{9}}, Inconclusive, Extent{}},
		{journal.Filter{To: journal.Bound{Set: true, At: time.Unix(0, 1e18+25e6)}}, Same, Extent{3, 3}},
	} {
		c := compare(t, a, a, Options{Filter: x.f})
		if c.Verdict != x.verdict || c.Coverage.Played != x.played || c.Coverage.Recorded != (Extent{3, 12}) {
			t.Errorf("%+v: %+v %s", x.f, c.Coverage, text(c))
		}
	}
	// Another connection has what was asked for, and the one that was chosen has not.
	two := append(slices.Clone(s), talk("", "> NAME w9")...)
	for i := len(s); i < len(two); i++ {
		two[i].conn = 9
	}
	b := two.write(t, journal.Options{})
	if c := compare(t, b, b, Options{Filter: journal.Filter{Streams: []string{"events"}, Conns: []uint64{9}}}); c.Verdict != Inconclusive {
		t.Error(text(c))
	}
}

// TestUnkeptCoverage: what the recorded journal itself lacks can't be played.
func TestUnkeptCoverage(t *testing.T) {
	s := talk("", workerTalk...)
	for reason, why := range map[string]string{journal.ReasonRedacted: leftRedacted, "the disk was full": leftGap} {
		lacks := slices.Insert(slices.Clone(s), len(s)-1, happening{t: s[len(s)-1].t, conn: 1, dir: wire.C2S, kind: journal.KindGap, ev: journal.Event{Bytes: 9, Lines: 2, Reason: reason}})
		c := compare(t, lacks.write(t, journal.Options{}), s.ran(t, journal.Run{As: journal.RunWorker, Speed: 1}), Options{})
		if d := cmp.Diff([]LeftOut{{why, "", Extent{0, 2}}}, c.Coverage.LeftOut); d != "" || c.Coverage.Recorded != (Extent{1, 5}) || c.Verdict != Inconclusive {
			t.Errorf("%s: %s%+v %s", reason, d, c.Coverage, text(c))
		}
	}
}

// TestAgainIntoOneJournal: a second run into the same journal is compared by itself.
func TestAgainIntoOneJournal(t *testing.T) {
	recorded := several(2, workerTalk...)
	first := recorded.only(func(h happening) bool { return h.conn == 1 })
	second := slices.Clone(recorded)
	for i := range second {
		second[i].conn, second[i].t = second[i].conn+10, second[i].t+1e9
	}
	begin := happening{t: first[0].t, kind: journal.KindRun, ev: journal.Event{What: "begin", Run: &journal.Run{As: journal.RunWorker}}}
	cut := append(story{begin}, first...)
	both := append(cut, append(story{{t: second[0].t, kind: journal.KindRun, ev: begin.ev}}, second...)...)
	both = append(both, happening{t: second[len(second)-1].t, kind: journal.KindRun, ev: journal.Event{What: "end", Run: &journal.Run{As: journal.RunWorker, Ended: true, Complete: true}}})
	if c := compare(t, recorded.write(t, journal.Options{}), both.write(t, journal.Options{}), Options{}); c.Verdict != Same || c.Coverage.Played != (Extent{2, 6}) {
		t.Errorf("%+v %s", c.Coverage, text(c))
	}
}

// TestThrownOut: a connection that was there when the recording ended has not come
// to the same end where the master of a run ends it.
func TestThrownOut(t *testing.T) {
	recorded, run := talk("", workerTalk...), talk("", workerTalk...)
	recorded[len(recorded)-1].ev = journal.Event{How: "unknown"}
	for by, verdict := range map[string]string{"worker": Same, "master": Different} {
		run[len(run)-1].ev = journal.Event{How: "reset", By: by}
		c := compare(t, recorded.write(t, journal.Options{}), run.ran(t, journal.Run{As: journal.RunWorker, Speed: 1}), Options{})
		if c.Verdict != verdict {
			t.Errorf("by %s: %s", by, text(c))
		}
	}
}
