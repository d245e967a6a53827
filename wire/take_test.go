package wire

import (
	"fmt"
	"testing"
)

// TestTakeIsFollower: what a release is said to do with a row or a POSITION is what
// a worker of that release does with it.
func TestTakeIsFollower(t *testing.T) {
	rows := []string{`[]`, `["a"]`, `["a","b"]`, `["a","b","c"]`, `["a",["b"]]`, `["a","b","c","d"]`, `["a","b","c","d",5]`, `["a","b","c","d",{}]`,
		`["a","b","c","d",null,{}]`, `"abc"`, `"abcde"`, `{"a":1,"b":2}`, `{"a":1,"b":2,"c":3}`, `5`, `null`, `[["a"],["b"]]`,
		`["ev",["a","b","c",null,null]]`, `["ev",["a","b","c",null,null,null]]`, `["ev",["a","b","c",null,null,null,null,false]]`,
		`["ev",["a","b","c",null,null,null,null,false,false]]`, `["ev","abcdef"]`, `["state",["a","b","c","d"]]`, `["state-all",["a"]]`, `["nope",["a"]]`}
	names := []string{"nosuch", "public_rooms", "groups", "presence_federation", "events", "typing", "receipts", "caches", "device_lists", "account_data", "to_device"}
	for _, e := range Eras() {
		reader, release := e.Receiver, e.First
		instance, first := "", "5"
		if !release.Subscribes() {
			instance, first = "m ", "5"
			if release.Writes(FormPosition4) {
				first = "5 5"
			}
		}
		for _, name := range names {
			position := fmt.Sprintf("POSITION %s %s%s", name, instance, first)
			sameAsFollower(t, reader, name, position, "")
			for i, row := range rows {
				sameAsFollower(t, reader, name, position, fmt.Sprintf("RDATA %s %s%d %s", name, instance, 6+i, row))
			}
		}
	}
}

// sameAsFollower shows a worker a POSITION and maybe a row after it, and holds the
// last against what the release is said to do.
func sameAsFollower(t *testing.T, r Receiver, stream, position, row string) {
	t.Helper()
	f, err := NewFollower(r.Release, FollowerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	f.Connected(1, 0)
	does, line := ActAccept, position
	for _, line = range []string{position, row} {
		if line == "" {
			line = position
			break
		}
		does = ActAccept
		effects := f.Receive(1, 0, Piece{Kind: PieceLine, Text: []byte(line + "\n")})
		for _, e := range effects {
			switch {
			case e.Kind == EffectDiscard && (e.Why == ReasonBadRow || e.Why == ReasonUnknownStream):
				does = ActLog
			case e.Kind == EffectCrash:
				does = ActDrop
			}
		}
		if does == ActDrop {
			break
		}
		for _, id := range f.Fetching() {
			f.Fetched(id, nil, 5, false)
		}
	}
	if row != "" && line == position {
		return // its POSITION took the connection down
	}
	if v := r.Take(S2C, Piece{Kind: PieceLine, Text: []byte(line + "\n")}, nil); v.Action != does {
		t.Errorf("%s does with %s: %s (%s), its worker %s", r.Release, line, v.Action, v.Detail, does)
	}
}
