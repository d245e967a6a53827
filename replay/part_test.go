package replay

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repltap/journal"
	"repltap/wire"
)

// parts is a recording with two streams, rows of which come a second after one
// another: groups of three with one token, and single ones.
func parts(t *testing.T) *recording {
	rec := record(t)
	rec.open(1)
	rec.say(1, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(1, wire.C2S, "NAME w1\nPING 1\nREPLICATE \n")
	rec.say(1, wire.S2C, "POSITION to_device master 10 10\nPOSITION typing master 5 5\n")
	for i := range 9 {
		rec.pass(time.Second)
		token := "batch"
		if i%3 == 2 {
			token = fmt.Sprint(11 + i/3)
		}
		rec.say(1, wire.S2C, fmt.Sprintf("RDATA to_device master %s [\"@%d:x\"]\n", token, i))
		rec.say(1, wire.S2C, fmt.Sprintf("RDATA typing master %d [\"!%d:x\",[]]\n", 6+i, i))
	}
	rec.pass(time.Second)
	rec.close(1, "fin", "master")
	return rec
}

func after(d time.Duration) journal.Bound {
	return journal.Bound{Set: true, Relative: true, Offset: d}
}

// TestPart: a part of a journal is played from where the streams stood then. A
// group that had begun before is not played from its middle.
func TestPart(t *testing.T) {
	for name, c := range map[string]struct {
		options PlanOptions
		speed   float64
		want    []string
		begun   []string
	}{
		"between groups": {
			options: PlanOptions{Filter: journal.Filter{From: after(6500 * time.Millisecond), To: after(8500 * time.Millisecond)}},
			want: []string{
				"POSITION to_device master 12 12", "POSITION typing master 11 11",
				`RDATA to_device master batch ["@6:x"]`, `RDATA typing master 12 ["!6:x",[]]`,
				`RDATA to_device master batch ["@7:x"]`, `RDATA typing master 13 ["!7:x",[]]`,
			},
		},
		"in a group": {
			options: PlanOptions{Filter: journal.Filter{From: after(4500 * time.Millisecond), To: after(7500 * time.Millisecond)}},
			begun:   []string{"to_device"},
			want: []string{
				"POSITION to_device master 12 12", "POSITION typing master 9 9",
				`RDATA typing master 10 ["!4:x",[]]`, `RDATA typing master 11 ["!5:x",[]]`,
				`RDATA to_device master batch ["@6:x"]`, `RDATA typing master 12 ["!6:x",[]]`,
			},
		},
		"one stream": {
			options: PlanOptions{Filter: journal.Filter{Streams: []string{"typing"}, To: after(2500 * time.Millisecond)}},
			want:    []string{"POSITION typing master 5 5", `RDATA typing master 6 ["!0:x",[]]`, `RDATA typing master 7 ["!1:x",[]]`},
		},
		"until a token": {
			options: PlanOptions{Until: map[string]int64{"typing": 7}},
			want: []string{
				"POSITION to_device master 10 10", "POSITION typing master 5 5",
				`RDATA to_device master batch ["@0:x"]`, `RDATA typing master 6 ["!0:x",[]]`,
				`RDATA to_device master batch ["@1:x"]`, `RDATA typing master 7 ["!1:x",[]]`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan := parts(t).plan(c.options)
			run := serve(t, MasterConfig{Plan: plan})
			k := run.dial("NAME w1", "REPLICATE ").all()
			result := run.wait()
			if diff := cmp.Diff(c.want, withoutPings(k.got)[1:]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !result.Complete || !slices.Equal(plan.Begun(), c.begun) {
				t.Errorf("complete %v, begun %v", result.Complete, plan.Begun())
			}
		})
	}
}

// What of a group is not played can be asked for, with its beginning.
func TestPartAsked(t *testing.T) {
	plan := parts(t).plan(PlanOptions{Filter: journal.Filter{From: after(4500 * time.Millisecond)}})
	rows, err := plan.past.rows("to_device", 10, 12, 0)
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprint(r.Token, string(r.JSON)))
	}
	want := []string{`11["@0:x"]`, `11["@1:x"]`, `11["@2:x"]`, `12["@3:x"]`, `12["@4:x"]`, `12["@5:x"]`}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// Filters that leave nothing say which of them it was.
func TestPartOfNothing(t *testing.T) {
	for want, o := range map[string]PlanOptions{
		"nothing in the journal is as late as that":                                {Filter: journal.Filter{From: after(time.Hour)}},
		"there is nothing in the journal that could be replayed":                   {Filter: journal.Filter{To: after(-time.Second)}},
		`there is no worker "w9" in the journal; there are w1`:                     {Filter: journal.Filter{Workers: []string{"w9"}}},
		"there is no connection 7 in the journal":                                  {Filter: journal.Filter{Conns: []uint64{7}}},
		`nothing of the stream "receipts" is in what is to be replayed`:            {Filter: journal.Filter{Streams: []string{"receipts"}}},
		`nothing of the streams "receipts", "events" is in what is to be replayed`: {Filter: journal.Filter{Streams: []string{"receipts", "events"}}},
	} {
		if _, err := parts(t).tryPlan(o); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
