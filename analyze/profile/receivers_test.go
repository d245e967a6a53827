package profile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// receiverLines are the rows of the table as text.
func receiverLines(p *Profile) (out []string) {
	for _, r := range p.Receivers {
		out = append(out, fmt.Sprintf("%s %s %s: %d, own %d, not asked %d, no use %s", r.Worker, r.Kind, r.Topic, r.Commands, r.Own, r.Unasked, r.NoUse.Digits()))
	}
	return out
}

// What a worker wrote itself is of no use to it, nor is federation to one that
// acknowledges none; and every row is sent to everybody.
func TestReceivers(t *testing.T) {
	x := newTape(t)
	for conn, name := range []string{"w1", "w2", "w3"} {
		x.open(0, uint64(conn+1))
		x.c2s(0, uint64(conn+1), "NAME "+name+"\nREPLICATE \n")
	}
	x.c2s(0, 2, "FEDERATION_ACK w2 1\n")
	x.c2s(time.Second, 3, "REMOTE_SERVER_UP up.org\n")
	for i := range 10 {
		for conn := range uint64(3) {
			x.s2c(time.Second, conn+1, fmt.Sprintf("RDATA typing w1 %d [\"!r\",[]]\n", 10+i))
		}
	}
	x.s2c(time.Second, 1, "RDATA federation master 1 [\"e\",{}]\n")
	x.s2c(time.Second, 2, "RDATA federation master 1 [\"e\",{}]\n")
	x.s2c(time.Second, 2, "REMOTE_SERVER_UP up.org\n")
	x.s2c(time.Second, 3, "REMOTE_SERVER_UP up.org\n")
	x.s2c(2*time.Second, 3, "REMOTE_SERVER_UP up.org\n")
	p := x.profile(Options{})
	got := receiverLines(p)
	for _, want := range []string{
		"w1 all : 11, own 10, not asked 0, no use 89.23", "w1 stream typing: 10, own 10, not asked 0, no use 100.00", "w1 stream federation: 1, own 0, not asked 0, no use 0.00",
		"w2 stream typing: 10, own 0, not asked 0, no use 0.00", "w2 stream federation: 1, own 0, not asked 0, no use 0.00", "w2 command REMOTE_SERVER_UP: 1, own 0, not asked 0, no use 0.00",
		"w3 command REMOTE_SERVER_UP: 2, own 1, not asked 0, no use 50.00",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	typing := p.FanOut[0]
	if typing.Stream != "typing" || typing.Copies != 30 || typing.Unique != 10 || typing.Each.Digits() != "3.00" || typing.Repeated.Digits() != "66.67" {
		t.Errorf("typing goes out as %+v", typing)
	}
	if f := p.FanOut[1]; f.Copies != 2 || f.Unique != 1 {
		t.Errorf("federation goes out as %+v", f)
	}
}

// Up to 1.12 a worker says which streams it wants.
func TestUnasked(t *testing.T) {
	x := newTape(t)
	x.open(0, 1)
	x.c2s(0, 1, "NAME w1\nREPLICATE typing 0\n")
	x.s2c(time.Second, 1, "RDATA typing 1 [\"!r\", []]\nRDATA caches 1 [\"f\", [], 1]\n")
	x.s2c(time.Second, 1, "RDATA caches 1 [\"f\", [], 1]\n") // the same again on this connection: no copy
	x.open(0, 2)
	x.c2s(0, 2, "NAME w2\nREPLICATE ALL NOW\n")
	x.s2c(time.Second, 2, "RDATA caches 1 [\"f\", [], 1]\n")
	p := x.profile(Options{})
	got := receiverLines(p)
	for _, want := range []string{"w1 stream caches: 2, own 0, not asked 2, no use 100.00", "w1 stream typing: 1, own 0, not asked 0, no use 0.00", "w2 stream caches: 1, own 0, not asked 0, no use 0.00"} {
		if !slices.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if f := p.FanOut[0]; f.Copies != 3 || f.Unique != 2 {
		t.Errorf("caches go out as %+v", f)
	}
}

// However many workers and streams there are, the table has an end, and what is
// in it comes to all that was sent.
func TestReceiverBounds(t *testing.T) {
	x := newTape(t)
	for i := range uint64(300) {
		x.c2s(0, i+1, fmt.Sprintf("NAME w%d\n", i))
		var b strings.Builder
		for k := range 30 {
			fmt.Fprintf(&b, "RDATA s%d master 1 [%d]\n", k, i)
		}
		x.s2c(0, i+1, b.String())
	}
	p := x.profile(Options{})
	if len(p.Receivers) > (maxReceivers+1)*(maxReceiverTopics+2) {
		t.Errorf("%d rows", len(p.Receivers))
	}
	var all, topics int64
	for _, r := range p.Receivers {
		if r.Kind == byAll {
			all += r.Commands
		} else {
			topics += r.Commands
		}
	}
	if all != p.Totals.S2C.Commands {
		t.Errorf("the table has %d commands, and there are %d", all, p.Totals.S2C.Commands)
	}
	if topics >= all || topics == 0 {
		t.Errorf("%d of %d commands are of a topic", topics, all)
	}
}
