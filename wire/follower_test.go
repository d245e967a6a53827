package wire

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const second = int64(1e9)

// follower is a worker w1 of a release that stands at 5 in events and typing.
func follower(t testing.TB, version string, change ...func(*FollowerConfig)) *Follower {
	t.Helper()
	config := FollowerConfig{Name: "w1", InstanceID: "AbCdE", Server: "example.com",
		Streams: []FollowedStream{{Name: "to_device", Token: 5}, {Name: "typing", Token: 5}}}
	for _, c := range change {
		c(&config)
	}
	f, err := NewFollower(receiver(t, version).Release, config)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// told puts effects in words.
func told(effects []Effect) []string {
	out := []string{}
	for _, e := range effects {
		s := fmt.Sprintf("%d %s", e.Conn, e.Kind)
		switch e.Kind {
		case EffectWrite:
			s = fmt.Sprintf("%d> %s", e.Conn, e.Line)
		case EffectDeliver:
			s += fmt.Sprintf(" %s %d %s", e.Stream, e.Token, e.Rows)
		case EffectDiscard, EffectFailed:
			s += " " + e.Why.String()
		case EffectFetch:
			s += fmt.Sprintf(" %s %s %d %d", e.Stream, e.Instance, e.From, e.Token)
		case EffectPosition:
			s += fmt.Sprintf(" %s %d", e.Stream, e.Token)
		case EffectCrash:
			s += " " + e.Text
		}
		out = append(out, s)
	}
	return out
}

func receive(f *Follower, conn int, now int64, line string) []string {
	return told(f.Receive(conn, now, Piece{Kind: PieceLine, Text: []byte(line + "\n")}))
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n\tgot  %s\n\twant %s", what, strings.Join(got, "\n\t     "), strings.Join(want, "\n\t     "))
	}
}

func TestFollowerIntroducesItself(t *testing.T) {
	syncing := func(c *FollowerConfig) { c.Syncing = []string{"@a:x", "@b:x"} }
	hello := []string{"1> NAME w1", "1> PING 7000"}
	for version, want := range map[string][]string{
		"1.12.4": {"1> REPLICATE to_device 5", "1> REPLICATE typing 5", "1> USER_SYNC @a:x start 7000", "1> USER_SYNC @b:x start 7000"},
		"1.66.0": {"1> USER_SYNC AbCdE @a:x start 7000", "1> USER_SYNC AbCdE @b:x start 7000", "1> REPLICATE "},
		"1.92.0": {"1> USER_SYNC AbCdE @a:x None start 7000", "1> USER_SYNC AbCdE @b:x None start 7000", "1> REPLICATE "},
	} {
		expect(t, version, told(follower(t, version, syncing).Connected(1, 7*second)), append(slices.Clone(hello), want...)...)
	}
}

func TestFollowerAsksFromWhereItStands(t *testing.T) {
	f := follower(t, "1.12.4")
	f.Connected(1, 0)
	receive(f, 1, 0, `RDATA to_device 9 ["@u:x"]`)
	receive(f, 1, 0, `POSITION typing 2`)
	f.Lost(1)
	expect(t, "second connection", told(f.Connected(2, 0)),
		"2> NAME w1", "2> PING 0", "2> REPLICATE to_device 9", "2> REPLICATE typing 2")
}

func TestFollowerWrongRemote(t *testing.T) {
	f := follower(t, "1.66.0")
	f.Connected(1, 0)
	expect(t, "another's name", receive(f, 1, 0, "SERVER example.org"), "1> ERROR Wrong remote", "1 close")
	expect(t, "afterwards", receive(f, 1, 0, "SERVER example.com"), "1 ignored")
	if f.State(1) != ConnClosed {
		t.Error("not closed")
	}
}

func TestFollowerUnknownStreamFrom197(t *testing.T) {
	f := follower(t, "1.97.0")
	f.Connected(1, 0)
	expect(t, "RDATA", receive(f, 1, 0, `RDATA nosuch m 5 ["a"]`), "1 discard unknown-stream")
	expect(t, "POSITION", receive(f, 1, 0, `POSITION nosuch m 5 5`), "1 crash KeyError")
	if f.State(1) != ConnNone {
		t.Error("not lost")
	}
	if _, ok := f.NextTick(); ok {
		t.Error("there is nothing to keep alive")
	}
}

// TestFollowerKeepAlive: a PING every five seconds of silence, and none sooner.
func TestFollowerKeepAlive(t *testing.T) {
	f := follower(t, "1.66.0")
	f.Connected(1, 0)
	expect(t, "too early", told(f.Tick(5*second-1)))
	expect(t, "first tick", told(f.Tick(5*second)), "1> PING 5000")
	if at, _ := f.NextTick(); at != 10*second {
		t.Errorf("next tick at %d", at)
	}
	expect(t, "too late, once", told(f.Tick(23*second)), "1> PING 23000")
	if at, _ := f.NextTick(); at != 25*second {
		t.Errorf("next tick at %d", at)
	}
	expect(t, "written two seconds before", told(f.Tick(25*second)))
}

// TestFollowerPingTimeout: who said PING and then nothing for more than 25 s is
// given up at the next tick; who never did is not.
func TestFollowerPingTimeout(t *testing.T) {
	for _, test := range []struct {
		line string
		at   int64 // when it comes
		gone int64 // the tick at which it is given up, 0: never
	}{
		{"PING x", 1, 30},
		{"PING x", 5 * second, 35},
		{"PING x", 5*second - 1e6, 30},
		{"SERVER example.com", 1, 0},
	} {
		f := follower(t, "1.66.0")
		f.Connected(1, 0)
		receive(f, 1, test.at, test.line)
		for tick := int64(5); tick <= 60; tick += 5 {
			got := told(f.Tick(tick * second))
			ping := fmt.Sprintf("1> PING %d", tick*1000)
			switch {
			case test.gone == 0 || tick < test.gone:
				expect(t, test.line, got, ping)
			case tick == test.gone:
				expect(t, test.line, got, ping, "1> ERROR ping timeout", "1 close")
			case tick == test.gone+30:
				expect(t, "not lost in time", got, "1 abort")
			default:
				expect(t, "closed", got)
			}
		}
	}
}

// TestFollowerBounds: what waits is counted, and given back when it is gone.
func TestFollowerBounds(t *testing.T) {
	f := follower(t, "1.66.0")
	f.Connected(1, 0)
	expect(t, "POSITION", receive(f, 1, 0, "POSITION to_device m 9 9"), "1 fetch to_device m 5 9")
	line := []byte("RDATA to_device m 10 [\"@u:x\"]\n")
	f.Receive(1, 0, Piece{Kind: PieceLine, Text: line})
	receive(f, 1, 0, `RDATA to_device m batch ["@v:x"]`)
	receive(f, 1, 0, `RDATA typing m batch ["!r:x",[]]`)
	if n, bytes := f.Waiting("to_device"), f.HeldBytes(); n != 2 || bytes != 2*(len(`["@u:x"]`)+heldCost) {
		t.Errorf("%d wait, %d bytes", n, bytes)
	}
	clear(line) // what waits is a copy
	id := f.Fetching()[0]
	expect(t, "stale", told(f.Fetched(id+1, nil, 9, false)))
	expect(t, "page", told(f.Fetched(id, []FetchedRow{{7, []byte(`["@t:x"]`)}}, 7, true)),
		`1 deliver to_device 7 [["@t:x"]]`, "1 fetch to_device m 7 9")
	expect(t, "answered already", told(f.FetchFailed(id)))
	expect(t, "rest", told(f.Fetched(f.Fetching()[0], nil, 9, false)),
		"1 position to_device 9", `1 deliver to_device 10 [["@u:x"]]`, "1 hold")
	if n, bytes := f.Waiting("to_device"), f.HeldBytes(); n != 0 || bytes != len(`["@v:x"]`)+heldCost {
		t.Errorf("%d wait, %d bytes", n, bytes)
	}
	receive(f, 1, 0, "POSITION to_device m 12 12")
	if f.HeldBytes() != 0 {
		t.Errorf("%d bytes", f.HeldBytes())
	}
	want := FollowCounts{Live: 1, Fetched: 1, Discarded: 1, Positions: 1, Fetches: 3}
	if got := f.Counts("to_device"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if at := f.Token("to_device", "m"); at != 10 {
		t.Errorf("stands at %d", at)
	}
}

// TestFollowerLetsGo: of a long wait nothing stays.
func TestFollowerLetsGo(t *testing.T) {
	f := follower(t, "1.66.0")
	f.Connected(1, 0)
	receive(f, 1, 0, "POSITION to_device m 9 9")
	for token := range 3 * maxKept {
		receive(f, 1, 0, fmt.Sprintf(`RDATA to_device m %d ["@u:x"]`, 10+token))
	}
	if got := len(f.Fetched(f.Fetching()[0], nil, 9, false)); got != 1+3*maxKept {
		t.Errorf("%d effects", got)
	}
	f.Tick(0)
	if s := f.streams["to_device"]; cap(f.effects) > maxKept || cap(f.rows) > maxKept || cap(s.waiting) > maxKept || f.held != 0 {
		t.Errorf("room for %d effects, %d rows, %d commands; %d bytes held", cap(f.effects), cap(f.rows), cap(s.waiting), f.held)
	}
}

// TestFollowerLosesHeldRows: up to 1.12 a batch ends with its connection.
func TestFollowerLosesHeldRows(t *testing.T) {
	f := follower(t, "1.12.4")
	f.Connected(1, 0)
	receive(f, 1, 0, `RDATA to_device batch ["@v:x"]`)
	if f.HeldBytes() == 0 || len(f.Batch(1, "to_device")) != 1 {
		t.Error("nothing is held")
	}
	f.Lost(1)
	f.Connected(2, 0)
	if f.HeldBytes() != 0 {
		t.Errorf("%d bytes are held", f.HeldBytes())
	}
	expect(t, "next row", receive(f, 2, 0, `RDATA to_device 9 ["@u:x"]`), `2 deliver to_device 9 [["@u:x"]]`)
}

// TestFollowerWriters: one writer's rows move the others' tokens from 1.96 on.
func TestFollowerWriters(t *testing.T) {
	for version, want := range map[string]int64{"1.95.1": 5, "1.96.0": 6} {
		f := follower(t, version, func(c *FollowerConfig) {
			c.Streams[0].Rule.Key, c.Streams[0].Tokens = KeyWriters, map[string]int64{"a": 5, "b": 5}
		})
		f.Connected(1, 0)
		receive(f, 1, 0, "POSITION to_device a 5 5")
		receive(f, 1, 0, `RDATA to_device a 6 ["@u:x"]`)
		if got := f.Token("to_device", "b"); got != want {
			t.Errorf("%s: the other stands at %d, want %d", version, got, want)
		}
	}
}

func TestNewFollowerRefuses(t *testing.T) {
	if _, err := NewFollower(release(0, 20, 0), FollowerConfig{}); err == nil {
		t.Error("0.20 had no such protocol")
	}
	_, err := NewFollower(release(1, 66, 0), FollowerConfig{Streams: []FollowedStream{{Name: "user_sig"}}})
	if err == nil || !strings.Contains(err.Error(), `no stream "user_sig"`) {
		t.Errorf("%v", err)
	}
}

// TestRowTaker has rows that Python unpacks although they are no arrays.
func TestRowTaker(t *testing.T) {
	for _, test := range []struct{ release, stream, row, want string }{
		{"1.66.0", "to_device", `["a"]`, `["a"]`},
		{"1.66.0", "to_device", `[]`, ""},
		{"1.66.0", "to_device", `["a","b"]`, ""},
		{"1.66.0", "to_device", `null`, ""},
		{"1.66.0", "to_device", `7`, ""},
		{"1.66.0", "to_device", `{"k":{"x":[1,"y"]}}`, `["k"]`},
		{"1.66.0", "to_device", `{"k":1,"\u006b":2}`, `["k"]`},
		{"1.66.0", "to_device", `{}`, ""},
		{"1.66.0", "to_device", `"é"`, `["é"]`},
		{"1.66.0", "to_device", `""`, ""},
		{"1.66.0", "typing", `"a\u00e9"`, `["a","\u00e9"]`},
		{"1.66.0", "typing", `"\ud83d\ude00\n"`, `["\ud83d\ude00","\n"]`},
		{"1.66.0", "typing", `"\ud83d\u0041"`, `["\ud83d","\u0041"]`},
		{"1.66.0", "events", `["ev",[1,2,3,4,5,6,7,8,9]]`, `["ev",[1,2,3,4,5,6,7,8,9]]`},
		{"1.66.0", "events", `["\u0065v",[1,2,3,4,5,6,7,8,9]]`, `["\u0065v",[1,2,3,4,5,6,7,8,9]]`},
		{"1.66.0", "events", `["ev",[1,2,3,4,5,6,7,8]]`, ""},
		{"1.63.0", "events", `["ev",[1,2,3,4,5,6,7,8]]`, `["ev",[1,2,3,4,5,6,7,8]]`},
		{"1.66.0", "events", `["ev","123456789"]`, `["ev",["1","2","3","4","5","6","7","8","9"]]`},
		{"1.66.0", "events", `{"state":1,"abcd":2}`, `["state",["a","b","c","d"]]`},
		{"1.66.0", "events", `["state-all",["!r"]]`, ""},
		{"1.96.1", "events", `["state-all",["!r"]]`, `["state-all",["!r"]]`},
		{"1.66.0", "events", `[7,[1,2,3,4]]`, ""},
		{"1.66.0", "events", `["state",null]`, ""},
		{"0.99.0", "events", `["$e","!r","t",null,null]`, `["$e","!r","t",null,null]`},
		{"1.66.0", "federation", `["whatever",7]`, `["whatever",7]`},
	} {
		taker := rowTakerOf(receiver(t, test.release).Release, streamsByName[test.stream])
		if got, _ := taker.take([]byte(test.row)); string(got) != test.want {
			t.Errorf("%s %s %s: %s, want %s", test.release, test.stream, test.row, got, test.want)
		}
	}
}
