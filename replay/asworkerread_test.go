package replay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repltap/journal"
	"repltap/wire"
)

// told are the acts of a plan in words, with the seconds since its start.
func told(t *testing.T, p *Plan) (list []string) {
	t.Helper()
	err := p.Acts(t.Context(), func(a *Act) bool {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%d %d %s %s", (a.At-p.Start)/int64(time.Second), a.Conn, a.Kind, a.Line)))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// old is a recording of two workers of 1.12, of which the first is stalled at the end
// of what the tests skip, and stops for a minute later.
func old(t *testing.T) *recording {
	rec := record(t)
	rec.open(1)
	rec.say(1, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(1, wire.C2S, "NAME w1\nPING 1\nREPLICATE events 5\nREPLICATE typing NOW\nREPLICATE federation 3\n")
	rec.say(1, wire.S2C, "RDATA events 6 [\"a\"]\nPOSITION events 7\nPOSITION federation 3\n")
	rec.pass(4 * time.Second)
	rec.scribe.Event(rec.now, 1, wire.S2C, journal.KindStall, journal.Event{})
	rec.pass(4 * time.Second)
	rec.open(2)
	rec.say(2, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(2, wire.C2S, "NAME w2\nPING 1\nREPLICATE events 7\n")
	rec.pass(4 * time.Second)
	rec.scribe.Event(rec.now, 1, wire.S2C, journal.KindResume, journal.Event{})
	rec.say(1, wire.C2S, "FEDERATION_ACK 4\n")
	rec.pass(time.Second)
	rec.say(2, wire.S2C, "RDATA events 8 [\"b\"]\n")
	rec.pass(time.Second)
	rec.say(2, wire.C2S, "USER_SYNC @u:x start 5\n")
	rec.close(2, "fin", "master")
	rec.pass(60 * time.Second)
	rec.say(1, wire.C2S, "PING 2\nERROR ping timeout\n")
	return rec
}

func TestTalk(t *testing.T) {
	at := func(d time.Duration) journal.Bound { return journal.Bound{Set: true, Relative: true, Offset: d} }
	rec := old(t)
	whole := []string{
		"0 1 open", "0 1 say NAME w1", "0 1 say REPLICATE events 5", "0 1 say REPLICATE typing NOW", "0 1 say REPLICATE federation 3",
		"4 1 stall", "8 2 open", "8 2 say NAME w2", "8 2 say REPLICATE events 7",
		"12 1 resume", "12 1 say FEDERATION_ACK 4", "12 1 freeze", "14 2 say USER_SYNC @u:x start 5", "14 2 end", "14 2 end",
		"74 1 thaw", "74 1 say ERROR ping timeout", "74 1 end",
	}
	first := rec.plan(PlanOptions{Worker: true})
	for _, x := range []struct {
		name string
		o    PlanOptions
		want []string
	}{
		{"whole", PlanOptions{}, whole},
		{"from the middle, those who are there ask from where they are", PlanOptions{Filter: journal.Filter{From: at(5 * time.Second), To: at(13 * time.Second)}}, []string{
			"0 1 open", "0 1 say NAME w1", "0 1 say REPLICATE events 7", "0 1 say REPLICATE typing NOW", "0 1 say REPLICATE federation 3", "0 1 stall",
			"3 2 open", "3 2 say NAME w2", "3 2 say REPLICATE events 7", "3 2 end",
			"7 1 resume", "7 1 say FEDERATION_ACK 4", "7 1 end",
		}},
		{"one of them", PlanOptions{Filter: journal.Filter{Workers: []string{"w2"}}}, []string{
			"0 2 open", "0 2 say NAME w2", "0 2 say REPLICATE events 7", "6 2 say USER_SYNC @u:x start 5", "6 2 end", "6 2 end",
		}},
		{"up to a token", PlanOptions{Until: map[string]int64{"events": 8}}, whole[:12]},
	} {
		x.o.Worker = true
		p := rec.replan(x.o)
		if diff := cmp.Diff(x.want, told(t, p)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", x.name, diff)
		}
	}
	streams := []StreamStart{{Name: "events", Token: 5}, {Name: "federation", Token: 3}}
	if diff := cmp.Diff(streams, first.Streams); diff != "" || first.Lines != 9 || first.Said["w1"] != 6 || !first.Subscribes() {
		t.Errorf("%d lines, %v %s", first.Lines, first.Said, diff)
	}
	if _, err := rec.tryReplan(PlanOptions{Worker: true, Filter: journal.Filter{From: at(time.Hour)}}); err == nil || !strings.Contains(err.Error(), "as late as that") {
		t.Errorf("nothing at all: %v", err)
	}
}

// TestTalkOneSided: a journal of one side is no use, and that is told.
func TestTalkOneSided(t *testing.T) {
	for dir, want := range map[wire.Direction]string{wire.S2C: "only what the master sent", wire.C2S: "only what workers sent"} {
		rec := record(t)
		rec.open(1)
		rec.say(1, dir, "PING 1\n")
		if _, err := rec.tryPlan(PlanOptions{Worker: true}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", dir, err)
		}
	}
}

func TestRetell(t *testing.T) {
	const ms = int64(time.Millisecond)
	moved := Retell{shifts: map[string]int64{"events": 100, "federation": -2}}
	for _, x := range []struct {
		r          Retell
		line, want string
	}{
		{Retell{}, "REPLICATE events 5", "REPLICATE events 5"},
		{moved, "REPLICATE events 5", "REPLICATE events 105"},
		{moved, "REPLICATE events NOW", "REPLICATE events NOW"},
		{moved, "REPLICATE typing 5", "REPLICATE typing 5"},
		{moved, "REPLICATE ", "REPLICATE "},
		{moved, "FEDERATION_ACK 5", "FEDERATION_ACK 3"},
		{moved, "FEDERATION_ACK w1 5", "FEDERATION_ACK w1 3"},
		{moved, "FEDERATION_ACK w1 x", "FEDERATION_ACK w1 x"},
		{Retell{Now: true}, "REPLICATE events 5", "REPLICATE events NOW"},
		{Retell{Now: true}, "REPLICATE ", "REPLICATE "},
		{Retell{}, "USER_SYNC @u:x start 5", "USER_SYNC @u:x start 5"},
		{Retell{Times: true}, "USER_SYNC @u:x start 5", "USER_SYNC @u:x start 1005"},
		{Retell{Times: true}, "USER_SYNC abcde @u:x end 5", "USER_SYNC abcde @u:x end 1005"},
		{Retell{Times: true}, `USER_IP @u:x ["t", "1.2.3.4", "UA 7]", null, 1795]`, `USER_IP @u:x ["t", "1.2.3.4", "UA 7]", null, 2795]`},
		{Retell{Times: true}, "USER_IP @u:x tok 1.2.3.4 DEV 5 Moz 5.0", "USER_IP @u:x tok 1.2.3.4 DEV 1005 Moz 5.0"},
		{Retell{Times: true}, "USER_SYNC @u:x maybe 5", "USER_SYNC @u:x maybe 5"},
		{Retell{Times: true}, "REMOVE_PUSHER a k @u:x", "REMOVE_PUSHER a k @u:x"},
	} {
		line := []byte(x.line)
		if got := x.r.line(&Act{Line: line, At: 500 * ms}, 1500*ms); string(got) != x.want || string(line) != x.line {
			t.Errorf("%q gives %q, want %q", x.line, got, x.want)
		}
	}
}
