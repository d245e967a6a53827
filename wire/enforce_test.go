package wire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// feed gives one direction's bytes to an enforcer as a copier does.
type feed struct {
	dir  Direction
	data []byte // what did not pass yet
	seen int
}

func (f *feed) more(e *Enforcer, chunk []byte) (passed []byte, refused *Refusal) {
	f.data = append(f.data, chunk...)
	n, refused := e.Admit(f.dir, f.data, f.seen)
	passed, f.data = f.data[:n:n], f.data[n:]
	f.seen = len(f.data)
	return passed, refused
}

// Healthy traffic passes to the last whole line, however it is chopped, and
// whether the dialect is given or has to be found out.
func TestEnforcerPassesHealthyTraffic(t *testing.T) {
	for _, c := range captures(t) {
		if c.handMade() {
			continue
		}
		dialect, err := ParseDialect(c.release)
		if err != nil {
			t.Fatal(err)
		}
		for _, fixed := range []DialectSet{AllDialects, dialect.Set()} {
			e, r := NewEnforcer(fixed), rand.New(rand.NewPCG(1, 2))
			feeds := [C2S + 1]feed{S2C: {dir: S2C}, C2S: {dir: C2S}}
			lines := 0
			for _, read := range c.reads {
				dir, _ := ParseDirection(read.Dir)
				for data := read.Data; len(data) > 0; {
					n := min(len(data), 1+r.IntN(1<<r.IntN(14)))
					passed, refused := feeds[dir].more(e, data[:n])
					if refused != nil {
						t.Fatalf("%s, %v: %+v for %.100q", &c, fixed, refused, feeds[dir].data)
					}
					if len(passed) > 0 && passed[len(passed)-1] != '\n' {
						t.Fatalf("%s: half a line passed", &c)
					}
					lines += bytes.Count(passed, []byte{'\n'})
					data = data[n:]
				}
			}
			if lines == 0 {
				t.Errorf("%s: nothing passed", &c)
			}
		}
	}
}

// What real receivers answered to hand-made lines is what the enforcer answers.
func TestEnforcerAnswersAsReceiversDid(t *testing.T) {
	answers := 0
	for _, c := range captures(t) {
		if !c.handMade() {
			continue
		}
		dialect, err := ParseDialect(c.release)
		if err != nil {
			t.Fatal(err)
		}
		e := NewEnforcer(dialect.Set())
		from, back := C2S, S2C // who plays, and who is real
		if strings.HasSuffix(c.scenario, "fakemaster") {
			from, back = S2C, C2S
		}
		f, said := feed{dir: from}, []byte{}
		var refused *Refusal
		for _, read := range c.reads {
			switch dir, _ := ParseDirection(read.Dir); {
			case dir == back:
				said = append(said, read.Data...)
			case refused == nil:
				_, refused = f.more(e, read.Data)
			}
		}
		parsed := errorIn(said)
		switch {
		case refused == nil && parsed != "":
			t.Errorf("%s: nothing refused; the receiver said %q", &c, parsed)
		case refused != nil && refused.Reply != parsed:
			t.Errorf("%s: %s %q; the receiver said %q", &c, refused.Action, refused.Reply, parsed)
		case refused != nil && refused.Action == ActError:
			answers++
		}
	}
	if answers < 10 {
		t.Errorf("only %d answers were compared", answers)
	}
}

// errorIn finds an ERROR that answers a line by itself.
func errorIn(said []byte) string {
	for line := range strings.Lines(string(said)) {
		text, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "ERROR ")
		if ok && (strings.HasPrefix(text, "failed to parse line") || strings.HasPrefix(text, "invalid command") || text == tooLongReply) {
			return text
		}
	}
	return ""
}

func TestEnforcer(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	tests := []struct {
		dialect string // "" has to be found out
		before  string // what went the other way
		dir     Direction
		line    string
		action  Action // ActAccept: it passes
		reply   string
	}{
		{"", "", C2S, "REPLICATE events 5\n", ActAccept, ""},
		{"", "", C2S, "REPLICATE \n", ActAccept, ""},
		{"", "", C2S, "RDATA events 5 [1]\n", ActError, "invalid command: RDATA"},
		{"", "", S2C, "NAME w1\n", ActError, "invalid command: NAME"},
		{"", "", S2C, "REMOVE_PUSHER a b c\n", ActError, "invalid command: REMOVE_PUSHER"},
		{"", "", C2S, "FOO bar\n", ActError, "failed to parse line: KeyError('FOO') ('FOO bar'):"},
		{"v1.9", "", C2S, "FOO bar\n", ActError, "invalid command: FOO"},
		{"v1.9", "", C2S, "PING\n", ActDrop, ""},
		{"", "", C2S, "PING\n", ActAccept, ""},
		{"", "", C2S, "PING \xff\n", ActDrop, ""},
		{"", "", C2S, "\n", ActAccept, ""}, // from 1.73 it is ignored, and nothing says that this is older
		{"", "SERVER x\n", C2S, "\n", ActError, "failed to parse line: KeyError('') (''):"},
		{"v1.9", "", C2S, "\n", ActDrop, ""},
		{"", "POSITION events 5\n", C2S, "REPLICATE \n", ActError,
			"failed to parse line for  'REPLICATE': ValueError('not enough values to unpack (expected 2, got 1)') (''):"},
		{"", "REPLICATE \n", S2C, "POSITION events 5\n", ActError,
			"failed to parse line: ValueError('not enough values to unpack (expected 4, got 2)') ('POSITION events 5'):"},
		{"", "", C2S, "NAME " + long[5:] + "\n", ActAccept, ""},
		{"", "", C2S, "NAME " + long[4:] + "\n", ActError, tooLongReply},
		{"", "", C2S, "NAME " + long[5:], ActAccept, ""},
		{"", "", C2S, "NAME " + long[4:], ActError, tooLongReply},
		{"v0.21", "", C2S, "NAME " + long[4:], ActDrop, ""},
	}
	for _, test := range tests {
		fixed := AllDialects
		if test.dialect != "" {
			d, err := ParseDialect(test.dialect)
			if err != nil {
				t.Fatal(err)
			}
			fixed = d.Set()
		}
		name := fmt.Sprintf("%q %s %.60q", test.dialect, test.dir, test.line)
		for _, step := range []int{1, 7, 1 << 20} { // chopping changes nothing
			e := NewEnforcer(fixed)
			if _, refused := e.Admit(S2C+C2S-test.dir, []byte(test.before), 0); refused != nil {
				t.Fatalf("%s: %+v for %q", name, refused, test.before)
			}
			const first = "PING 1\n"
			f, text := feed{dir: test.dir}, []byte(first+test.line+"PING 2\n")
			passed, refused := []byte{}, (*Refusal)(nil)
			if !strings.HasSuffix(test.line, "\n") {
				text = text[:len(first)+len(test.line)]
			}
			for len(text) > 0 && refused == nil {
				var p []byte
				n := min(step, len(text))
				p, refused = f.more(e, text[:n])
				passed, text = append(passed, p...), text[n:]
			}
			want := first
			if test.action == ActAccept && strings.HasSuffix(test.line, "\n") {
				want += test.line + "PING 2\n"
			}
			if string(passed) != want {
				t.Errorf("%s, %d at a time: %.80q passed", name, step, passed)
			}
			switch {
			case test.action == ActAccept && refused != nil:
				t.Errorf("%s, %d at a time: %+v", name, step, refused)
			case test.action != ActAccept && (refused == nil || refused.Action != test.action || refused.Reply != test.reply || refused.Code == ""):
				t.Errorf("%s, %d at a time: %+v, want %s %q", name, step, refused, test.action, test.reply)
			}
		}
	}
}

func TestEnforcerAllocatesNothing(t *testing.T) {
	line := []byte("RDATA caches master 550953771 [\"get_user_by_id\",[\"@bob:example.com\"],1550574873251]\n")
	for _, fixed := range []DialectSet{AllDialects, v1_29.Set()} {
		e := NewEnforcer(fixed)
		e.Admit(S2C, line, 0)
		if n := testing.AllocsPerRun(100, func() { e.Admit(S2C, line, 0) }); n != 0 {
			t.Errorf("%v: %v allocations a line", fixed, n)
		}
	}
}

func BenchmarkEnforcer(b *testing.B) {
	line := []byte("RDATA caches master 550953771 [\"get_user_by_id\",[\"@bob:example.com\"],1550574873251]\n")
	for _, fixed := range []DialectSet{AllDialects, v1_29.Set()} {
		b.Run(fixed.String(), func(b *testing.B) {
			e := NewEnforcer(fixed)
			b.ReportAllocs()
			for b.Loop() {
				e.Admit(S2C, line, 0)
			}
		})
	}
}
