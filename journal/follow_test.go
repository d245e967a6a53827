package journal

import (
	"context"
	"slices"
	"testing"
	"time"

	"repltap/wire"
)

// listener is an Observer that keeps the codes of findings.
type listener struct{ codes []string }

func (l *listener) Line(int64, uint64, wire.Direction, *wire.Gist, int) {}
func (l *listener) Finding(_ uint64, _ wire.Direction, f *wire.Finding, _ []byte) {
	l.codes = append(l.codes, f.Code)
}
func (l *listener) Untold(uint64, wire.Direction, string) {}
func (l *listener) Worker(uint64, string)                 {}
func (l *listener) Gap(uint64, wire.Direction, *Event)    {}

// TestFindingsAtTheEnd: what is only known when a connection is over stands
// with its close, and is told like any other finding.
func TestFindingsAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{})
	x, heard := newTraffic(w, 1), &listener{}
	x.s.obs = heard
	x.open(1)
	x.send(1, wire.S2C, "SERVER x\nPOSITION typing master 5 5\nRDATA typing master batch [\"!r:x\",[]]\n", 7)
	x.close(1)
	w.Close()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for rec, err := range r.Records(context.Background(), Filter{Findings: true}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range rec.Findings {
			kept = append(kept, rec.Kind.String()+" "+f.Code)
		}
	}
	if want := []string{"close " + wire.CodeBatchOpen}; !slices.Equal(kept, want) {
		t.Errorf("kept %q, want %q", kept, want)
	}
	if want := []string{wire.CodeBatchOpen}; !slices.Equal(heard.codes, want) {
		t.Errorf("told %q, want %q", heard.codes, want)
	}
}

// TestFindingsAndWhatWasNotSeen: what a gap swallowed, and a side that is done
// sending, are not held against the rest.
func TestFindingsAndWhatWasNotSeen(t *testing.T) {
	w := create(t, t.TempDir(), Options{})
	defer w.Close()
	x, heard := newTraffic(w, 1), &listener{}
	x.s.obs = heard
	x.open(1)
	x.send(1, wire.S2C, "SERVER x\nPING 5\nPOSITION typing master 5 5\nRDATA typing master batch [\"!r:x\",[]]\n", 7)
	x.send(1, wire.C2S, "NAME w1\nPING 5\n", 7)
	x.s.Gap(x.now, 1, wire.S2C, Event{Bytes: 100, Lines: 3, From: x.now, To: x.now, Reason: "queue full"})
	x.sent[flowKey{1, wire.S2C}] = append(x.sent[flowKey{1, wire.S2C}], make([]byte, 100)...)
	x.send(1, wire.S2C, "RDATA typing master 3 [\"!r:x\",[]]\n", 7)
	x.s.Event(x.now, 1, wire.S2C, KindEOF, Event{How: "fin", By: "master"})
	for range 6 {
		x.now += int64(10 * time.Second)
		x.send(1, wire.C2S, "PING 6\n", 7)
	}
	x.close(1)
	if heard.codes != nil {
		t.Errorf("found %q", heard.codes)
	}
}
