package wire

import (
	"errors"
	"strings"
	"testing"
)

func TestParseDialect(t *testing.T) {
	for s, want := range map[string]string{
		"v1.22": "v1.22", "1.22": "v1.22", "1.22.0": "v1.22", "next": "next", "1.66.0": "v1.29", "v1.66": "v1.29",
		"0.99.0": "v0.23", "1.12.4": "v1.9", "1.21.2": "v1.18", "1.13.0rc1": "v1.13", "1.157.1": "v1.146", "1.300.0": "v1.146",
		"0.20.0": "", "": "", "auto": "", "v": "", "1": "", "1.2.3.4": "", "1.x": "", "1.99999": "",
	} {
		d, err := ParseDialect(s)
		if want == "" {
			var unknown *UnknownDialectError
			if !errors.As(err, &unknown) || !strings.Contains(err.Error(), "v1.92") {
				t.Errorf("%q: %v, %v", s, d, err)
			}
		} else if err != nil || d.String() != want {
			t.Errorf("%q: %v, %v, want %s", s, d, err, want)
		}
	}
	for _, d := range Dialects() {
		if back, err := ParseDialect(d.String()); err != nil || back != d {
			t.Errorf("%v does not read its own name: %v, %v", d, back, err)
		}
		if d.Releases() == "" {
			t.Errorf("%v has no releases", d)
		}
	}
}

func TestDialectSet(t *testing.T) {
	for want, s := range map[string]DialectSet{
		"any": AllDialects, "none": 0, "v1.22": v1_22.Set(), "v1.22–v1.29": v1_22.Set() | v1_29.Set(),
		"v0.21, v1.9–v1.14, next": v0_21.Set() | v1_9.Set() | v1_13.Set() | v1_14.Set() | vNext.Set(),
	} {
		if got := s.String(); got != want {
			t.Errorf("%b is %q, want %q", s, got, want)
		}
	}
	s := dialectRange(v1_13, v1_22)
	if s.Len() != 4 || s.First() != v1_13 || s.Last() != v1_22 || s.Has(v1_29) || !s.Has(v1_14) || s.Has(0) {
		t.Errorf("%v: %d, %v to %v", s, s.Len(), s.First(), s.Last())
	}
	if s.Intersect(v1_14.Set()) != v1_14.Set() || AllDialects.Len() != len(Dialects()) {
		t.Error("sets do not intersect or count")
	}
	if DialectSet(0).First() != 0 || DialectSet(0).Last() != 0 || Dialect(0).Set() != 0 || Dialect(99).String() != "unknown" {
		t.Error("nothing is something")
	}
}

// TestDialectsAreSeamless: every release has one dialect, and the ranges follow
// one another.
func TestDialectsAreSeamless(t *testing.T) {
	for d := v0_21; d < v1_146; d++ {
		if dialects[d].last >= dialects[d+1].first || dialectOf(dialects[d].first) != d || dialectOf(dialects[d].last) != d {
			t.Errorf("%v and %v overlap", d, d+1)
		}
	}
}

// directionTable is protocol.md's: command, to the worker, to the master, first
// and last dialect.
const directionTable = `
SERVER s v0.21 next
RDATA s v0.21 next
POSITION s v0.21 next
ERROR sc v0.21 next
PING sc v0.21 next
SYNC s v0.21 v1.9
NAME c v0.21 next
REPLICATE c v0.21 next
USER_SYNC c v0.21 next
CLEAR_USER_SYNC c v1.13 next
FEDERATION_ACK c v0.21 next
REMOVE_PUSHER c v0.21 v1.22
INVALIDATE_CACHE c v0.21 v1.13
USER_IP c v0.22 next
REMOTE_SERVER_UP sc v1.9 next
LOCK_RELEASED sc v1.90 next
NEW_ACTIVE_TASK - v1.92 next
CANCEL_TASK - v1.146 next
USER_SYNC_KEEPALIVE - next next`

func TestAllows(t *testing.T) {
	rows := strings.Split(strings.TrimSpace(directionTable), "\n")
	if len(rows) != int(NumCommands)-1 {
		t.Errorf("%d rows for %d commands", len(rows), NumCommands-1)
	}
	for _, row := range rows {
		f := strings.Fields(row)
		c := CommandOf([]byte(f[0]))
		first, _ := ParseDialect(f[2])
		last, _ := ParseDialect(f[3])
		for _, d := range Dialects() {
			known := first <= d && d <= last
			if d.Knows(c) != known || d.Allows(c, S2C) != (known && strings.Contains(f[1], "s")) ||
				d.Allows(c, C2S) != (known && strings.Contains(f[1], "c")) {
				t.Errorf("%s in %v: known %v, s2c %v, c2s %v", f[0], d, d.Knows(c), d.Allows(c, S2C), d.Allows(c, C2S))
			}
		}
	}
	if v1_29.Allows(CmdUnknown, C2S) || v1_29.Allows(NumCommands, C2S) || v1_29.Allows(CmdPing, 9) {
		t.Error("what does not exist is allowed")
	}
}

func TestDirection(t *testing.T) {
	for _, d := range []Direction{S2C, C2S} {
		if back, err := ParseDirection(d.String()); err != nil || back != d {
			t.Errorf("%v: %v, %v", d, back, err)
		}
	}
	if _, err := ParseDirection("up"); err == nil || NoDirection.String() != "" {
		t.Error("up is a direction")
	}
}
