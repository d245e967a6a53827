package report_test

import (
	"strings"
	"testing"

	"repltap/analyze/profile"
	"repltap/analyze/report"
)

const second = 1_000_000_000

// hardProfile has what real captures have little of: gaps, stalls, a sender that
// gave up, connections that end in all ways.
func hardProfile() *profile.Profile {
	at := func(s int64, conn uint64) profile.Place {
		return profile.Place{Seq: uint64(s) + 1, Conn: conn, At: profile.At(s * second), Time: profile.Time(s * second)}
	}
	return &profile.Profile{
		Journal:  profile.Journal{Path: "a journal", Duration: 100 * second},
		Coverage: profile.Coverage{Percent: 990000, Gaps: 1, GapBytes: 4321, GapLines: 7},
		Totals:   profile.Totals{Commands: 12345},
		Timeline: profile.Timeline{Start: 0, Bucket: second, Count: 3, Series: []profile.Series{
			{By: "command", Name: "RDATA", Commands: []int64{1, 0, 12345}, Bytes: []int64{10, 0, 20}},
		}},
		Gaps:      []profile.GapRow{{Place: at(50, 1), Bytes: 4321, Lines: 7, From: 40 * second, To: 50 * second, Reason: "the queue was full"}},
		Stalls:    []profile.StallRow{{Place: at(20, 1), Worker: "w1", Direction: "s2c", Length: 30 * second, Held: 65536, HeldEnd: profile.None, Queue: profile.None, QueueGuess: profile.None, FilledBy: "caches 9"}},
		Overflows: []profile.OverflowRow{{Place: at(51, 1), Worker: "w1", Direction: "s2c", Pause: 30 * second, Commands: 10001, FilledBy: "caches 9,000"}},
		Endings: []profile.EndingRow{
			{Conn: 1, Worker: "w1", Began: 0, Ended: 51 * second, Lasted: 51 * second, How: "reset", By: "master", MasterError: "Failed to keep up"},
			{Conn: 2, Worker: "w1", Began: 60 * second, Ended: 90 * second, Lasted: 30 * second, How: "fin", By: "worker"},
			{Conn: 3, Began: 95 * second, Ended: profile.None, Lasted: 5 * second},
		},
		LagTimeline: []profile.LagTimelineRow{
			{Worker: "w1", Stream: "caches", Instance: "master", At: 10 * second, Width: second, Tokens: 3, Lag: 25834000},
			{Worker: "w1", Stream: "caches", Instance: "master", At: 12 * second, Width: second, Tokens: 0, Lag: 0},
			{Worker: "w2", Stream: "caches", Instance: "p1", At: 11 * second, Width: second, Tokens: 9, Lag: 1500000},
		},
		Highlights: []profile.Highlight{
			{Severity: "problem", Text: "E-something, 2 times: Something is wrong.", Place: at(33, 2)},
			{Severity: "problem", Text: "A sender gave up on a reader.", Place: at(51, 1)},
			{Severity: "note", Text: "It was long ago.", Place: profile.Place{At: profile.None, Time: profile.None}},
		},
		Findings: []profile.FindingRow{{Code: "E-something", Severity: "violation", Count: 2, Meaning: "Something is wrong.", Place: at(33, 2)}},
	}
}

func pageOf(t *testing.T, p *profile.Profile) string {
	t.Helper()
	var b strings.Builder
	if err := report.WriteHTML(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPageOfTrouble: what went wrong is drawn, said first, and each has the
// command that goes there.
func TestPageOfTrouble(t *testing.T) {
	text := pageOf(t, hardProfile())
	for want, n := range map[string]int{
		`<g class="span">`:                                3,
		`class="stretch warn"`:                            1,
		`class="stretch bad"`:                             1,
		`<line class="end bad"`:                           1,
		`<line class="end"`:                               1,
		`<rect class="event bad"`:                         3, // the gap, behind each chart over time
		`<rect class="event" `:                            3, // the stall
		`class="trace`:                                    4,
		"+10 to +11 s · 00:00:10.000Z\nw1 caches: 25.834": 1,
		"+11 to +12 s · 00:00:11.000Z\nw2 caches p1: 9</": 1,
		"RDATA: 12,345</title>":                           1,
		`<div class="fact bad"><dt>coverage</dt><dd><bdi>99.00</bdi>`: 1,
		"were forwarded and not journalled":                           1,
	} {
		if got := strings.Count(text, want); got != n {
			t.Errorf("%q is %d times in the page, not %d", want, got, n)
		}
	}
	for _, command := range []string{"--from +33.000000s --conn 2", "--from +51.000000s --conn 1", "--from +20.000000s --conn 1"} {
		if !strings.Contains(text, "<code>repltap log &#39;a journal&#39; "+strings.ReplaceAll(command, "+", "&#43;")+"</code>") {
			t.Errorf("the page has no command with %s", command)
		}
	}
	if first, last := strings.Index(text, "E-something"), strings.Index(text, `id="traffic"`); first < 0 || first > last {
		t.Error("the violation is not told first")
	}
}

// TestPageOfNothing: a journal in which there is nothing has a page, too.
func TestPageOfNothing(t *testing.T) {
	text := pageOf(t, &profile.Profile{Journal: profile.Journal{First: profile.None, Last: profile.None, Duration: profile.None, Filter: "--worker nobody"}})
	if !strings.Contains(text, "Nothing was found that passes the filter.") || strings.Contains(text, "figure class=\"chart") {
		t.Error("the page of nothing does not say so")
	}
}
