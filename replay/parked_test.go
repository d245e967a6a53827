package replay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// played lists the acts of a plan: the kind, the connection, and of which token.
func played(t *testing.T, p *Plan) string {
	t.Helper()
	var list []string
	if err := p.Acts(t.Context(), func(a *Act) bool {
		text := fmt.Sprint(a.Kind, " ", a.Conn)
		if a.Kind == ActRow || a.Kind == ActMove {
			text += fmt.Sprint(" ", a.Token)
		}
		list = append(list, text)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, ", ")
}

// TestCutOffTogether: nothing reaches two workers any more. Both give up and come
// back, and only when the old connections are let through it is seen what had been
// sent on them before. So that is played first, then both end, and then they ask.
func TestCutOffTogether(t *testing.T) {
	rec := record(t)
	for conn := uint64(1); conn <= 2; conn++ {
		rec.open(conn)
		rec.say(conn, wire.S2C, "SERVER x\nPING 1\n")
		rec.say(conn, wire.C2S, fmt.Sprintf("NAME w%d\nPING 1\nREPLICATE \n", conn))
		rec.say(1, wire.S2C, "POSITION events master 5 5\n")
		if conn == 2 {
			rec.say(2, wire.S2C, "POSITION events master 5 5\n")
		}
	}
	rec.pass(40 * time.Second)
	for conn := uint64(1); conn <= 2; conn++ {
		rec.say(conn, wire.C2S, "PING 2\nERROR ping timeout\n")
		rec.scribe.Event(rec.now, conn, wire.C2S, journal.KindEOF, journal.Event{How: "fin", By: "worker"})
	}
	for conn := uint64(3); conn <= 4; conn++ {
		rec.pass(time.Second)
		rec.open(conn)
		rec.say(conn, wire.C2S, fmt.Sprintf("NAME w%d\nPING 3\nREPLICATE \n", conn-2))
	}
	rec.pass(20 * time.Second)
	rec.say(3, wire.S2C, "SERVER x\nPING 3\nPOSITION events master 9 9\nPOSITION events master 9 9\n")
	for conn := uint64(2); conn >= 1; conn-- {
		rec.say(conn, wire.S2C, "RDATA events master 6 [\"a\"]\nRDATA events master 7 [\"b\"]\n")
		rec.scribe.Close(rec.now, conn, journal.Event{How: "fin", By: "worker"})
	}
	rec.say(4, wire.S2C, "SERVER x\nPING 3\nPOSITION events master 9 9\n")
	rec.pass(time.Second)
	rec.say(3, wire.S2C, "RDATA events master 10 [\"c\"]\n")
	rec.close(3, "fin", "master")
	rec.close(4, "fin", "master")
	want := "ask 1, ask 2, announce 1, deaf 1, deaf 2, row 1 6, row 1 7, end 2, end 1, ask 3, ask 4, move 3 9, announce 3, row 3 10, end 3, end 4"
	var got []string
	for _, act := range strings.Split(played(t, rec.plan(PlanOptions{})), ", ") {
		if act != "move 1 5" { // where it stands at the beginning
			got = append(got, act)
		}
	}
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("played were\n%s\nand not\n%s", text, want)
	}
}

// TestParkedForEver: too much is not kept in memory, and what a journal ends with is
// played.
func TestParkedForEver(t *testing.T) {
	rec := record(t)
	rec.open(1)
	rec.say(1, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(1, wire.C2S, "NAME w1\nPING 1\nREPLICATE \n")
	rec.say(1, wire.S2C, "POSITION events master 5 5\n")
	rec.scribe.Event(rec.now, 1, wire.C2S, journal.KindEOF, journal.Event{How: "fin", By: "worker"})
	rec.open(2)
	rec.say(2, wire.C2S, "NAME w2\nPING 1\nREPLICATE \n")
	rec.say(2, wire.S2C, "SERVER x\nPING 1\nPOSITION events master 5 5\n")
	const rows = maxParked/512 + 1000
	var b strings.Builder
	for i := range rows {
		fmt.Fprintf(&b, "RDATA caches master %d [\"a\",[\"b\"],1]\n", i+1)
	}
	rec.say(2, wire.S2C, b.String())
	rec.say(1, wire.S2C, "RDATA events master 6 [\"a\"]\n")
	p := rec.plan(PlanOptions{})
	n, most := 0, 0
	g := newReading(p.Conns, false, "master", func(a *Act) {
		if a.Kind == ActRow {
			n++
		}
	})
	for r, err := range p.reader.Records(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		g.record(r)
		most = max(most, g.bytes)
	}
	if n != rows+1 || most < maxParked || most > maxParked+1024 {
		t.Errorf("%d rows of %d, with %d bytes parked at most", n, rows+1, most)
	}
}
