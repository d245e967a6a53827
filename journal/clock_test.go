package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// clockOf are the steps of the clock that a reader is told, in its order.
func clockOf(t *testing.T, dir string) (out []string) {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	records := int64(0)
	for rec, err := range r.InTime(context.Background(), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		records++
		if rec.Kind == KindClock {
			out = append(out, fmt.Sprintf("%s of connection %d", rec.Event.ClockText(), rec.Conn))
		}
	}
	if rep := mustBeFine(t, dir); rep.Records != records || len(out) != strings.Count(strings.Join(rep.Notes, "\n"), "the clock ") {
		t.Errorf("%d records with %q; verify: %d with %q", records, out, rep.Records, rep.Notes)
	}
	return out
}

// A recording notes when the wall clock is set, and goes on with its own.
func TestWallClockSet(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, Options{FlushInterval: 4 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []time.Duration{-10 * time.Minute, time.Second, 3 * time.Second} { // the second is too little to tell
		w.mu.Lock()
		was := w.wall
		w.wall = func() int64 { return was() + int64(by) }
		w.watchClock() // as the flusher does
		w.mu.Unlock()
	}
	w.Close()
	want := []string{"the clock went back by 600 s of connection 0", "the clock may have gone on by 3 s, or everything stood still for that long of connection 0"}
	if got := clockOf(t, dir); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// A tap that was started again after the clock went back comes after the recording
// before it, whatever the times say. Imports do not follow one another.
func TestStartedAgainEarlier(t *testing.T) {
	dir := t.TempDir()
	for i, anchor := range []time.Time{start, start.Add(-10 * time.Minute), start.Add(time.Hour)} {
		w, err := Create(dir, Options{Anchor: anchor})
		if err != nil {
			t.Fatal(err)
		}
		x := newTraffic(w, int64(i))
		x.now = anchor.UnixNano()
		conn := w.NextConn()
		x.talk(conn, 20, 100)
		x.now = anchor.Add(20 * time.Minute).UnixNano()
		x.close(conn)
		w.mu.Lock()
		w.opts.Past = true // the test's own time is not that of these records
		w.mu.Unlock()
		w.Close()
	}
	if got, want := clockOf(t, dir), []string{"the clock went back by 1800 s of connection 0"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	seq := uint64(0)
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for rec := range r.InTime(t.Context(), Filter{}) {
		if rec.Seq < seq {
			t.Fatalf("record %d comes after %d", rec.Seq, seq)
		}
		seq = rec.Seq
	}
}
