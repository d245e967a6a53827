package profile

import (
	"fmt"
	"testing"

	"repltap/wire"
)

// Two workers are sent the same rows; each counts once. w2 has a gap that w1 does
// not have; the master's counter of typing begins anew.
const twoWorkers = `
	0 1 open
	0 1 < NAME w1
	0 1 < REPLICATE 
	1 1 > POSITION events master 10 10
	1 1 > POSITION typing master 100 100
	2 2 open
	2 2 < NAME w2
	2 2 < REPLICATE 
	3 1 > POSITION events master 10 10
	3 2 > POSITION events master 10 10
	3 2 > POSITION typing master 100 100
	10 1 > RDATA events master batch ["ev",[1]]
	10 1 > RDATA events master 11 ["ev",[2]]
	20 2 > RDATA events master batch ["ev",[1]]
	20 2 > RDATA events master 11 ["ev",[2]]
	30 1 > RDATA events master 13 ["ev",[3]]
	31 1 > RDATA events master 13 ["ev",[3]]
	32 1 > RDATA events master 12 ["ev",[3]]
	33 1 > RDATA events master batch ["ev",[4]]
	40 1 > POSITION events master 13 15
	50 2 > POSITION events master 13 15
	60 1 close fin master
	60 2 close fin master
	70 3 open
	70 3 < NAME w1
	70 3 < REPLICATE 
	71 3 > POSITION typing master 0 0
	71 3 > POSITION events master 20 20
`

func TestTokens(t *testing.T) {
	p := profiled(t, twoWorkers)
	want(t, shown(t, p, "tokens", "stream", "instance", "generation", "first", "last", "lines", "rows", "groups", "group_rows_max", "cut_groups", "gaps", "gap_tokens", "regressions", "regression_max", "resets", "repeats"), `
		events master - 10 20 8 5 4 2 1 1 2 1 1 0 1
		typing master - 100 100 0 0 0 - 0 0 0 0 - 0 0
		typing master 2 0 0 0 0 0 - 0 0 0 0 - 1 0`)
	want(t, shown(t, p, "token_gaps", "conn", "worker", "stream", "what", "from", "to", "tokens", "elsewhere"), `
		1 w1 events regression 13 12 1 false
		1 w1 events cut 12 15 1 false
		2 w2 events gap 11 13 2 true
		3 w1 typing reset 100 0 100 false`)
}

func TestPositions(t *testing.T) {
	p := profiled(t, twoWorkers)
	// The gap of w2 makes all releases fetch; w1 was at 15 and is told of 20, and of
	// typing that it begins anew: it fetches if it is the process that it was.
	want(t, shown(t, p, "positions", "stream", "positions", "answers", "announcements", "advances", "no_ops", "backwards",
		"would_fetch_before_1_96", "would_fetch_1_96", "would_fetch_from_1_97", "may_fetch"), `
		events 6 3 1 2 0 0 1 1 1 1
		typing 3 2 0 0 0 1 0 0 0 1`)
	want(t, shown(t, p, "position_outliers", "conn", "stream", "what", "current", "prev", "token", "tokens"), `
		2 events would-fetch 11 13 15 4
		3 typing backwards 100 0 0 100
		3 typing may-fetch 100 0 0 100
		3 events may-fetch 15 20 20 5`)
}

// The cases of protocol.md 6.2, for a worker at 16 (and 17).
func TestWouldFetch(t *testing.T) {
	for _, c := range []struct{ position, fetches string }{
		{"20 20", "1 1 1"}, // rows were missed
		{"16 20", "0 0 0"}, // as it should be
		{"15 20", "1 0 0"}, // in between
		{"15 16", "0 0 0"}, // known: before 1.96 a round without a query
		{"14 15", "1 1 0"}, // lower: fetched downwards up to 1.96
	} {
		p := profiled(t, "0 1 open\n0 1 < NAME w1\n0 1 < REPLICATE \n1 1 > POSITION events m 16 16\n2 1 > POSITION events m "+c.position)
		want(t, shown(t, p, "positions", "would_fetch_before_1_96", "would_fetch_1_96", "would_fetch_from_1_97"), c.fetches)
	}
}

// A POSITION that says there are no rows where another connection, or a later
// line, shows one.
func TestPositionOverRows(t *testing.T) {
	p := profiled(t, `
		0 1 open
		0 2 open
		1 1 > POSITION to_device a 10 10
		1 2 > POSITION to_device a 10 10
		2 1 > POSITION to_device a 10 15
		3 2 > RDATA to_device a 12 ["@u:x"]
		4 2 > RDATA to_device a 16 ["@u:x"]
		5 1 > POSITION to_device a 15 17
		5 2 > POSITION to_device a 16 17`)
	want(t, shown(t, p, "position_outliers", "what", "conn", "prev", "token", "current", "row_seq"), `
		over-rows 1 10 15 12 7
		over-rows 1 15 17 16 8`)
	want(t, shown(t, p, "positions", "over_rows"), "2")
}

// Up to 1.12 a worker asks for rows again that others had: they count once.
func TestTokensOfCatchUp(t *testing.T) {
	p := profiled(t, `
		0 1 open
		0 1 < REPLICATE caches 5
		1 1 > RDATA caches 7 ["f",["a"],1]
		1 1 > RDATA caches 6 ["f",["b"],1]
		1 1 > RDATA caches 8 ["f",["c"],1]
		2 1 > POSITION caches 8
		3 1 > RDATA caches 9 ["f",["c"],1]
		9 2 open
		9 2 < REPLICATE caches 5
		10 2 > RDATA caches 6 ["f",["b"],1]
		10 2 > RDATA caches 9 ["f",["c"],1]
		11 2 > POSITION caches 9`)
	want(t, shown(t, p, "tokens", "stream", "instance", "lines", "groups", "regressions", "repeats", "resets"), "caches - 6 3 0 0 0")
	want(t, shown(t, p, "positions", "answers", "advances"), "2 0")
}

// However many names there are, what is kept has an end.
func TestTokensAreBounded(t *testing.T) {
	s := newTeller(t)
	for conn := range uint64(3) {
		for i := range maxWriters + 500 {
			s.happen(storyStart+int64(i)*1000, conn+1, ">", fmt.Sprintf("POSITION s%d i%d %d %d", i%700, i, i, i+1))
		}
	}
	tk := &taking{conns: map[uint64]*connection{}, start: storyStart, streams: newSubjects()}
	tr := newTracker(tk.conns, tk.streams, storyStart)
	tk.tracker, tk.collectors = tr, tr.collectors()
	for rec, err := range s.end().Records(t.Context(), noFilter) {
		if err != nil {
			t.Fatal(err)
		}
		tk.record(rec)
	}
	if len(tr.writers) > maxWriters || tr.cursors > 3*maxCursorsEach || len(tr.standings) > maxStandings {
		t.Errorf("%d writers, %d cursors, %d standings", len(tr.writers), tr.cursors, len(tr.standings))
	}
	if tr.untracked == 0 {
		t.Error("nothing was beyond the limits, so the test tests nothing")
	}
}

// Marks are few, and say when a token came well enough.
func TestMarks(t *testing.T) {
	w := &writer{marking: 64, rule: wire.StreamRule{}}
	for i := range int64(10_000) {
		w.mark(i*2, i*1_000_000)
	}
	if len(w.marks) > 64 {
		t.Fatalf("%d marks", len(w.marks))
	}
	for _, token := range []int64{19_998, 19_997, 19_990} {
		if at, ok := w.came(token); !ok || at != (token+1)/2*1_000_000 {
			t.Errorf("token %d came at %d, %v", token, at, ok)
		}
	}
	if _, ok := w.came(20_000); ok {
		t.Error("a token that never came did")
	}
	if at, ok := w.came(2_000); !ok || at < 1_000_000_000 {
		t.Errorf("token 2000 came at %d, before it did", at)
	}
}
