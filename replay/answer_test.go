package replay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"repltap/wire"
)

// caughtUp is a journal of 1.12 whose second worker is given less than was live: the
// newest row of each room, and POSITIONs that no row has led to.
func caughtUp(t *testing.T) *recording {
	rec := record(t)
	rec.open(1)
	rec.say(1, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(1, wire.C2S, "NAME w1\nPING 1\nREPLICATE account_data 1\nREPLICATE typing 5\nREPLICATE events 1\n")
	rec.say(1, wire.S2C, "POSITION account_data 1\nPOSITION typing 5\nPOSITION events 1\n")
	rec.say(1, wire.S2C, "RDATA account_data 2 [\"@a:x\", null, \"old\"]\nRDATA account_data 3 [\"@b:x\", null, \"b\"]\nRDATA account_data 4 [\"@a:x\", null, \"new\"]\n")
	rec.say(1, wire.S2C, "RDATA typing 6 [\"!a:x\", []]\n")
	rec.pass(time.Second)
	rec.open(2)
	rec.say(2, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(2, wire.C2S, "NAME w2\nPING 1\nREPLICATE account_data 1\n")
	rec.say(2, wire.S2C, "RDATA account_data 4 [\"@a:x\", null, \"new\"]\nRDATA account_data 3 [\"@b:x\", null, \"b\"]\nPOSITION account_data 7\n")
	rec.pass(time.Second)
	rec.close(1, "fin", "master")
	rec.close(2, "fin", "master")
	rec.pass(time.Second)
	rec.open(3)
	rec.say(3, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(3, wire.C2S, "NAME w1\nPING 1\nREPLICATE typing 6\nREPLICATE events 1\n")
	rec.say(3, wire.S2C, "POSITION typing 0\nRDATA events 2 [\"$a\", \"!r\", \"t\", null, null]\nPOSITION events 2\n")
	rec.close(3, "fin", "master")
	return rec
}

// TestStoodWhenAsked: where a stream stood is known from what a worker was answered,
// before that is said: shared tokens have moved it, or the master is a new one.
func TestStoodWhenAsked(t *testing.T) {
	got := played(t, caughtUp(t).plan(PlanOptions{}))
	_, got, _ = strings.Cut(got, "row 1 6, ")
	if want := "move 2 7, ask 2, end 1, end 2, move 3 0, ask 3, ask 3, row 3 2, end 3"; got != want {
		t.Errorf("after the rows of the first:\n%s\nand not\n%s", got, want)
	}
}

// TestAnswerAgain: what a worker is given again, from wherever it asks.
func TestAnswerAgain(t *testing.T) {
	p := caughtUp(t).plan(PlanOptions{})
	r := p.Conns[1]
	for i, row := range []string{`["@a:x", null, "old"]`, `["@b:x", null, "b"]`, `["@a:x", null, "new"]`} {
		if err := p.past.add("account_data", Row{Token: int64(i) + 2, JSON: []byte(row)}, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.past.add("account_data", Row{Token: 1, JSON: []byte(`["@c:x", null, "c"]`)}, false); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[int64]string{
		1: `4 ["@a:x", null, "new"], 3 ["@b:x", null, "b"]`,
		3: `4 ["@a:x", null, "new"]`,
		0: `1 ["@c:x", null, "c"], 4 ["@a:x", null, "new"], 3 ["@b:x", null, "b"]`,
	} {
		rows, err := p.answerAgain(t.Context(), r, Fetch{Stream: "account_data", From: from, Upto: 7})
		var got []string
		for _, row := range rows {
			got = append(got, fmt.Sprintf("%d %s", row.Token, row.JSON))
		}
		if text := strings.Join(got, ", "); err != nil || text != want {
			t.Errorf("from %d: %s (%v) and not %s", from, text, err, want)
		}
	}
	if p.Conns[2].answerTo("events") == nil || r.answerTo("typing") != nil {
		t.Error("answers of streams that were asked for, and of others, are mixed up")
	}
}
