package wire

import (
	"fmt"
	"testing"
)

// A stream of which every row is odd must not fill the journal with findings, nor
// cost more than others.
func TestOftenOdd(t *testing.T) {
	c := NewConversation(v1_29.Set().Releases())
	say := func(dir Direction, line string) []Finding {
		return c.Observe(1, dir, Piece{Kind: PieceLine, Text: []byte(line + "\n"), New: len(line) + 1}, nil)
	}
	say(S2C, "SERVER lab.test")
	say(C2S, "NAME w1")
	told, last, stands, untold := 0, "", 0, 0
	for i := range 10000 {
		for _, f := range say(S2C, fmt.Sprintf(`RDATA typing master %d ["!r:lab.test",[]]`, i+1)) {
			if f.Code != CodeEarlyRdata {
				t.Fatalf("%+v", f)
			}
			told, last = told+1, f.Detail
			stands += int(max(f.Count, 1))
		}
		untold += len(c.Untold())
	}
	if want := allTold + 7; told != want { // and 128, 256 … 8192
		t.Errorf("%d of 10000 are told, want %d", told, want)
	}
	if told+untold != 10000 {
		t.Errorf("%d are told and %d are not", told, untold)
	}
	if want := "a row of typing before the first POSITION of it on this connection: receivers throw it away; this is number 8192 of these"; last != want {
		t.Errorf("the last one is told as %q", last)
	}
	if found := say(S2C, `RDATA receipts master 1 [1]`); len(found) != 2 {
		t.Errorf("another stream's first odd row: %+v", found)
	}
	for _, f := range c.End(2) {
		if f.Code == CodeEarlyRdata {
			stands += int(f.Count)
		}
	}
	if stands != 10000 {
		t.Errorf("the findings stand for %d rows", stands)
	}
}
