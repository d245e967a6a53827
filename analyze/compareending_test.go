package analyze

import (
	"strings"
	"testing"

	"repltap/journal"
	"repltap/wire"
)

func (s story) end(events ...happening) story {
	out := s[: len(s)-1 : len(s)-1]
	for i, h := range events {
		h.t, h.conn = 2e9+int64(i), 1
		out = append(out, h)
	}
	return out
}

func closed(how, by string) happening {
	return happening{kind: journal.KindClose, ev: journal.Event{How: how, By: by}}
}

func noted(note string) happening {
	return happening{kind: journal.KindClose, ev: journal.Event{How: "fin", By: "master", Note: note}}
}

func ended(dir wire.Direction, how, by string) happening {
	return happening{kind: journal.KindEOF, dir: dir, ev: journal.Event{How: how, By: by}}
}

// TestRunEnds: what of the end of a connection is a difference in a run, and what is not.
func TestRunEnds(t *testing.T) {
	const quiet, fed = "> ERROR ping timeout", "> ERROR Failed to keep up"
	base := lines("> SERVER x", "< NAME w1", "< REPLICATE ", "> POSITION to_device master 5 5")
	pause := func(s story, length int64) story {
		stall := happening{t: 1e9, conn: 1, dir: wire.S2C, kind: journal.KindStall, ev: journal.Event{By: "master"}}
		resume := stall
		resume.t, resume.kind = 1e9+length, journal.KindResume
		last := len(s) - 1
		return append(append(s[:last:last], stall, resume), s[last])
	}
	for _, c := range []struct {
		name          string
		recorded, run story
		wrong         int64
	}{
		{"the worker's ERROR after the master's", chat(lines(base, quiet, "< ERROR ping timeout")...), chat(lines(base, quiet)...), 0},
		{"the worker's ERROR before the master's", chat(lines(base, "< ERROR ping timeout", quiet)...), chat(lines(base, quiet)...), 1},
		{"the worker's ERROR alone", chat(lines(base, "< ERROR ping timeout")...), chat(base...), 1},
		{"the master's ERROR", chat(lines(base, quiet)...), chat(base...), 1},
		{"an error of writing after the worker's end", chat(base...).end(ended(wire.C2S, "fin", "worker"), closed("error", "worker")),
			chat(base...).end(ended(wire.C2S, "fin", "worker"), closed("fin", "worker")), 0},
		{"another end", chat(base...).end(ended(wire.C2S, "fin", "worker"), closed("fin", "worker")), chat(base...).end(closed("reset", "worker")), 1},
		{"the worker went away, and the run ended it for that", chat(base...).end(closed("reset", "worker")), chat(base...).end(noted(EndAsRecorded)), 0},
		{"the worker went away, and the run ended it otherwise", chat(base...).end(closed("reset", "worker")), chat(base...).end(noted("ping timeout")), 1},
		{"a pause before too much waited", chat(lines(base, fed)...), pause(chat(lines(base, fed)...), 5e9), 0},
		{"a pause before a reset", chat(base...).end(closed("reset", "master")), pause(chat(base...).end(closed("reset", "master")), 5e9), 0},
		{"a pause before another end", chat(base...), pause(chat(base...), 5e9), 1},
		{"no pause", pause(chat(base...), 5e9), chat(base...), 1},
	} {
		got := compare(t, c.recorded.write(t, journal.Options{}), c.run.ran(t, journal.Run{}), Options{})
		if want := map[bool]string{true: Same, false: Different}[c.wrong == 0]; got.Verdict != want || got.Total() != c.wrong {
			t.Errorf("%s: %s%s", c.name, text(got), strings.Join(got.Notes, "; "))
		}
	}
}
