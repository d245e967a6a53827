package analyze

import (
	"fmt"
	"strings"
	"testing"

	"repltap/journal"
	"repltap/wire"
)

// chat is a connection of up to 1.12, of which each line begins with "> " or "< ".
func chat(lines ...string) story {
	s := story{{t: 1, conn: 1, kind: journal.KindOpen}}
	for i, line := range lines {
		dir := wire.S2C
		if line[0] == '<' {
			dir = wire.C2S
		}
		s = append(s, happening{t: int64(i+2) * 1e6, conn: 1, dir: dir, line: line[2:] + "\n"})
	}
	return append(s, happening{t: 1e9, conn: 1, kind: journal.KindClose, ev: journal.Event{How: "fin", By: "master"}})
}

func given(stream string, from, to int) (lines []string) {
	for token := from; token <= to; token++ {
		lines = append(lines, fmt.Sprintf("> RDATA %s %d [\"@u%d:x\"]", stream, token, token))
	}
	return lines
}

func lines(parts ...any) (out []string) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			out = append(out, p)
		case []string:
			out = append(out, p...)
		}
	}
	return out
}

// TestAskedOtherwise: what up to 1.12 comes of asking from elsewhere, for more, or
// without sending to other servers is no difference; everything else is.
func TestAskedOtherwise(t *testing.T) {
	recorded := chat(lines("> SERVER x", "< NAME w1", "< REPLICATE to_device 10", "< REPLICATE federation 3", given("to_device", 11, 14), "> POSITION to_device 14",
		"> POSITION federation 3", given("to_device", 15, 20), given("federation", 4, 6))...)
	run := func(ask string, caught, live []string, more ...string) story {
		return chat(lines("> SERVER x", "< NAME w1", ask, caught, "> POSITION to_device 14", more, live)...)
	}
	fed := lines("< REPLICATE federation 3", "> POSITION federation 3", given("federation", 4, 6))
	for _, c := range []struct {
		name  string
		story story
		notes string
		wrong int64
	}{
		{"from further back", run("< REPLICATE to_device 0", given("to_device", 5, 14), given("to_device", 15, 20), fed...), "", 0},
		{"from further on", run("< REPLICATE to_device 12", given("to_device", 13, 14), given("to_device", 15, 20), fed...), "", 0},
		{"from now on", run("< REPLICATE to_device NOW", nil, given("to_device", 15, 20), fed...), "", 0},
		{"no sender", run("< REPLICATE to_device 10", given("to_device", 11, 14), given("to_device", 15, 20)), "stream federation is not compared", 0},
		{"for more", run("< REPLICATE to_device 10", given("to_device", 11, 14), given("to_device", 15, 20), lines(fed, "< REPLICATE typing 0", "> POSITION typing 4", given("typing", 5, 6))...),
			"asked for more streams than it did when it was recorded, which are not compared: typing", 0},
		{"one that was asked for is missing", run("< REPLICATE to_device 0", lines(given("to_device", 5, 11), given("to_device", 13, 14)), given("to_device", 15, 20), fed...), "", 1},
		{"a live one is missing", run("< REPLICATE to_device 0", given("to_device", 5, 14), given("to_device", 16, 20), fed...), "", 1},
		{"a live one is old", run("< REPLICATE to_device 0", given("to_device", 5, 14), lines(given("to_device", 9, 9), given("to_device", 15, 20)), fed...), "", 1},
		{"from the same place an old one", run("< REPLICATE to_device 10", given("to_device", 10, 14), given("to_device", 15, 20), fed...), "", 1},
		{"federation, of a sender", run("< REPLICATE to_device 10", given("to_device", 11, 14), given("to_device", 15, 20), fed[:len(fed)-1]...), "", 1},
		{"a stream is not asked for", chat(lines("> SERVER x", "< NAME w1", fed)...), "", 3},
	} {
		c2 := compare(t, recorded.write(t, journal.Options{}), c.story.ran(t, journal.Run{}), Options{})
		if want := map[bool]string{true: Same, false: Different}[c.wrong == 0]; c2.Verdict != want || c2.Total() != c.wrong {
			t.Errorf("%s: %s", c.name, text(c2))
		}
		if notes := strings.Join(c2.Notes, "; "); !strings.Contains(notes, c.notes) || c.notes == "" && notes != "" {
			t.Errorf("%s: the notes are %q", c.name, notes)
		}
	}
	// Between two recordings it counts what was asked for.
	c := compare(t, recorded.write(t, journal.Options{}), run("< REPLICATE to_device 0", given("to_device", 5, 14), given("to_device", 15, 20), fed...).write(t, journal.Options{}), Options{})
	if c.Verdict != Different {
		t.Errorf("two recordings: %s", text(c))
	}
}

// TestNobodyWasThere: a recorded worker that nobody plays in a run is told and not
// compared; one that was there and did not come back is missing.
func TestNobodyWasThere(t *testing.T) {
	say := func(conn uint64, name string) story {
		s := chat(lines("> SERVER x", "< NAME "+name, "< REPLICATE ", "> POSITION to_device master "+name[1:]+" "+name[1:])...)
		for i := range s {
			s[i].conn = conn
		}
		return s
	}
	both := append(say(1, "w1"), say(2, "w2")...)
	a := both.write(t, journal.Options{})
	run := func(s story) *Comparison { return compare(t, a, s.ran(t, journal.Run{Expected: 1}), Options{}) }
	if c := run(say(1, "w1")); c.Verdict != Same || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "nobody was worker w2") || c.Recorded.Lines != 3 {
		t.Errorf("%s%q", text(c), c.Notes)
	}
	twice := append(both, say(3, "w2")...).write(t, journal.Options{})
	c := compare(t, twice, both.ran(t, journal.Run{}), Options{})
	if c.Verdict != Different || c.Counts[Missing] != 1 {
		t.Error(text(c))
	}
	if c := compare(t, a, say(1, "w1").write(t, journal.Options{}), Options{}); c.Verdict != Different {
		t.Errorf("two recordings: %s", text(c))
	}
}
