package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// Rows are read as a JSON parser reads them.
func TestRowPicks(t *testing.T) {
	for _, c := range []struct{ stream, row, want string }{
		{"events", `["ev",["$e","!r:s","m.room.message",null,null,null,null,false,false]]`, "tag=ev room=!r:s type=m.room.message"},
		{"events", `["ev", ["$e", "!r:s", "m.room.message", null, null]]`, "tag=ev room=!r:s type=m.room.message"},
		{"events", `["state",["!r:s","m.room.member","@u:s",null]]`, "tag=state room=!r:s type=m.room.member"},
		{"events", `["state-all",["!r:s"]]`, "tag=state-all room=!r:s"},
		{"events", `["$e", "!r:s", "m.room.name", "", null]`, "room=!r:s type=m.room.name"},
		{"caches", `["get_user",["a\"]b","c"],16]`, "function=get_user"},
		{"caches", `["a\\",null,16]`, `function=a\\`},
		{"federation", `["pd",{"state":{},"dests":["a"]}]`, "tag=pd"},
		{"presence", `["@u:s","online",1,2,3,"x",true]`, "user=@u:s"},
		{"typing", `["!r:s",["@u:s"]]`, "room=!r:s"},
		{"receipts", `["!r:s","m.read","@u:s","$e",{"ts":1}]`, "room=!r:s type=m.read user=@u:s"},
		{"device_lists", `["@u:s",true,false]`, "user=@u:s"},
		{"device_lists", `["@u:s", "other.org"]`, "user=@u:s server=other.org"},
		{"device_lists", `["@u:s", null]`, "user=@u:s"},
		{"to_device", `["other.org"]`, "user=other.org"},
		{"account_data", `["@u:s",null,"m.tag"]`, "user=@u:s type=m.tag"},
		{"account_data", `["@u:s",[{"a":"]"},[]],"m.tag"]`, "user=@u:s type=m.tag"},
		{"pushers", `["@u:s","app","key",false]`, "user=@u:s app=app"},
		{"events", `["ev",7]`, "tag=ev"}, {"events", `["ev"`, "tag=ev"}, {"events", `[`, ""}, {"events", `{}`, ""}, {"events", `[]`, ""}, {"typing", `["!r`, ""}, {"typing", `["`, ""},
	} {
		var got []string
		picksOf([]byte(c.stream)).read([]byte(c.row), func(a aspect, v []byte) { got = append(got, aspectNames[a]+"="+string(v)) })
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%s %s is about %q, want %q", c.stream, c.row, g, c.want)
		}
	}
}

// The elements of an array are those that a JSON parser finds, and nothing that is
// no JSON makes the reading of them fail.
func FuzzElements(f *testing.F) {
	for _, s := range []string{`["a",1,{"b":["]"]},"c\\\"",null]`, `[ "a" , [ ] ]`, `["`, `[[`, `[,`, `["\`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var got []string
		list, ok := inside(b)
		for ok && len(list) > 0 {
			var e []byte
			if e, list = element(list); e != nil {
				got = append(got, string(e))
			}
		}
		var want []json.RawMessage
		if json.Unmarshal(b, &want) != nil || len(b) == 0 || b[0] != '[' || bytes.ContainsAny(b, "\t\r\n") {
			return
		}
		for i := range got {
			got[i] = strings.TrimRight(got[i], " ")
		}
		if len(got) != len(want) || !slices.EqualFunc(got, want, func(g string, w json.RawMessage) bool { return g == string(w) }) {
			t.Errorf("%s has the elements %q", b, got)
		}
	})
}

// Who fills the wire is told by rank, under a number; a name only when asked for.
func TestTalkers(t *testing.T) {
	x := newTape(t)
	x.open(0, 1)
	presence := func(user string, n int) {
		for i := range n {
			x.s2c(time.Second, 1, fmt.Sprintf("RDATA presence master %d [\"@%s:s\",\"online\",1,2,3,null,true]\n", i, user))
		}
	}
	presence("bob", 3)
	presence("eve", 5)
	presence("amy", 1)
	x.s2c(time.Second, 1, "RDATA typing master 1 [\"!r:s\",[]]\nRDATA unknown_one master 1 [\"@bob:s\"]\n")
	x.c2s(time.Second, 1, "USER_SYNC abcde @amy:s start 1\nUSER_SYNC abcde @amy:s DEV end 1\nUSER_IP @amy:s [\"secret\",\"127.0.0.1\",\"\",\"D\",1]\n")
	x.done()

	find := func(p *Profile, topic, by string) (out []string) {
		for _, r := range p.Talkers {
			if r.Topic == topic && r.By == by {
				out = append(out, fmt.Sprintf("%d %s %d", r.Rank, r.Name, r.Commands))
			}
		}
		return out
	}
	p := x.take(Options{})
	for _, c := range []struct{ topic, by, want string }{
		{"presence", "user", "1 user 1 5, 2 user 2 3, 3 user 3 1"}, // amy has 3 commands more, but not as many bytes as bob
		{"USER_SYNC", "user", "1 user 3 2"}, {"USER_IP", "user", "1 user 3 1"}, {"typing", "room", "1 room 1 1"}, {"unknown_one", "user", ""},
	} {
		if got := strings.Join(find(p, c.topic, c.by), ", "); got != c.want {
			t.Errorf("%s by %s: %s, want %s", c.topic, c.by, got, c.want)
		}
	}
	text, _ := json.Marshal(p)
	for _, secret := range []string{"@amy", "@eve", "@bob", "!r:s", "secret"} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("the profile names %s", secret)
		}
	}
	if got := strings.Join(find(x.take(Options{Reveal: true}), "presence", "user"), ", "); got != "1 @eve:s 5, 2 @bob:s 3, 3 @amy:s 1" {
		t.Errorf("with names: %s", got)
	}
	var sum int64
	for _, r := range p.Talkers {
		if r.Topic == "presence" {
			sum += r.Bytes
		}
	}
	for _, s := range p.Streams {
		if s.Stream == "presence" && s.Bytes != sum {
			t.Errorf("presence has %d bytes by user and %d in all", sum, s.Bytes)
		}
	}
}

// With more names than there is room for, the great ones are still found, and the
// error that is told is at least the one that was made.
func TestSketch(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s, want := newSketch(), map[string]tally{}
	for range 100_000 {
		key, n := fmt.Sprintf("small %d", r.IntN(30_000)), 50+r.IntN(50)
		if r.IntN(4) == 0 {
			key = fmt.Sprintf("great %d", r.IntN(20))
		}
		s.add([]byte(key), n)
		w := want[key]
		w.add(n)
		want[key] = w
	}
	if len(s.all) > maxKeys {
		t.Errorf("%d names", len(s.all))
	}
	there := map[string]bool{}
	for _, h := range s.top(maxKeys) {
		there[h.key] = true
		w := want[h.key]
		if h.bytes > w.bytes || h.bytes+h.missed.bytes < w.bytes || h.commands > w.commands || h.commands+h.missed.commands < w.commands {
			t.Errorf("%s: %v and at most %v more, but it has %v", h.key, h.tally, h.missed, w)
		}
	}
	for key, w := range want {
		if !there[key] && (w.bytes > s.lost.bytes || w.commands > s.lost.commands) {
			t.Errorf("%s with %v was let go, and the most that was is %v", key, w, s.lost)
		}
	}
	for i, h := range s.top(20) {
		if !strings.HasPrefix(h.key, "great") {
			t.Errorf("number %d is %s", i, h.key)
		}
	}
}

// Classes rise with what is counted.
func TestClasses(t *testing.T) {
	last := 0
	for _, n := range []int64{0, 1, 7, 8, 9, 15, 16, 18, 20, 31, 32, 1000, 1125, 1 << 40, 1<<62 + 1, 1<<63 - 1} {
		c := classOf(n)
		if c < last || c >= 64*8 || n == 8 && c == classOf(7) {
			t.Errorf("%d is in class %d, after %d", n, c, last)
		}
		last = c
	}
}

// What is kept of a name has a bound, and two long names stay two.
func TestLongKeys(t *testing.T) {
	s := newSketch()
	long := strings.Repeat("x", 10_000)
	s.add([]byte(long+"1"), 1)
	s.add([]byte(long+"2"), 1)
	s.add([]byte(long+"1"), 1)
	if got := s.top(9); len(got) != 2 || got[0].commands != 2 || len(got[0].key) > longKey {
		t.Errorf("%+v", got)
	}
}
