package replay

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"repltap/wire"
)

// newOutbox is a connection of 1.66 that was just made, with its greeting taken.
func newOutbox(t *testing.T, limits Limits) (*Outbox, *Events) {
	t.Helper()
	events := &Events{}
	o := NewOutbox(release("1.66.0"), limits, 1, events)
	if err := o.Connected(traceBegan, []byte("SERVER x")); err != nil {
		t.Fatal(err)
	}
	drain(t, o)
	events.Take()
	return o, events
}

// drain takes everything, and gives it.
func drain(t *testing.T, o *Outbox) string {
	t.Helper()
	var all bytes.Buffer
	for o.Pending() != nil {
		part := o.Pending()
		all.Write(part)
		if err := o.Took(traceBegan, len(part)); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func kinds(events []Event) (list []string) {
	for _, ev := range events {
		list = append(list, ev.Kind.String())
	}
	return list
}

// TestWhatTheLastWriteTookCounts: Twisted lets go of what was written only with
// the next write, so a connection may pause with less in the buffer than the
// high water.
func TestWhatTheLastWriteTookCounts(t *testing.T) {
	o, events := newOutbox(t, Limits{HighWater: 100})
	line := []byte(strings.Repeat("x", 59)) // 60 with its newline
	o.Send(traceBegan, line)
	o.Took(traceBegan, 50)
	o.Send(traceBegan, line[:29])
	if o.State() != StateEstablished || o.Buffered() != 40 {
		t.Fatalf("%v with %d bytes, want established with 40", o.State(), o.Buffered())
	}
	o.Send(traceBegan, line[:10])
	if o.State() != StatePaused || o.Buffered() != 51 {
		t.Errorf("%v with %d bytes, want paused with 51", o.State(), o.Buffered())
	}
	events.Take()
	if got := drain(t, o); len(got) != 51 {
		t.Errorf("%d bytes came out, want 51", len(got))
	}
	if o.State() != StateEstablished {
		t.Errorf("%v after all was taken, want established", o.State())
	}
}

// TestLimitsAreSettings: with other numbers the same happens sooner.
func TestLimitsAreSettings(t *testing.T) {
	o, events := newOutbox(t, Limits{HighWater: 10, MaxQueue: 3})
	for range 6 {
		o.Send(traceBegan, []byte("RDATA a 1 [1]"))
	}
	want := "line pause keep-up line pause close" // the ERROR goes over the high water once more
	if got := strings.Join(kinds(events.Take()), " "); got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	if got, want := drain(t, o), "RDATA a 1 [1]\nERROR Failed to keep up\n"; got != want {
		t.Errorf("%q came out, want %q", got, want)
	}
	if !o.Drained() {
		t.Error("not drained")
	}
}

// TestPendingStaysAsItIs: a writer may hold it while more is sent.
func TestPendingStaysAsItIs(t *testing.T) {
	o, _ := newOutbox(t, Limits{})
	o.Send(traceBegan, []byte("first"))
	held := o.Pending()
	before := string(held)
	for range 1000 {
		o.Send(traceBegan, []byte("more"))
	}
	if string(held) != before {
		t.Errorf("what was pending is %q now, was %q", held, before)
	}
	o.Took(traceBegan, len(held))
	if got, want := drain(t, o), strings.Repeat("more\n", 1000); got != want {
		t.Errorf("%d bytes follow, want %d", len(got), len(want))
	}
}

// TestTooLong: a line of 16,384 bytes goes out, a longer one does not, and in
// the queue it is noticed only when the queue is flushed.
func TestTooLong(t *testing.T) {
	o, _ := newOutbox(t, Limits{HighWater: 20_000})
	long := []byte("RDATA " + strings.Repeat("x", wire.MaxLine-5))
	var tooLong *TooLongError
	if err := o.Send(traceBegan, long); !errors.As(err, &tooLong) || tooLong.Bytes != wire.MaxLine+1 || tooLong.Command != "RDATA" {
		t.Errorf("error %v", err)
	}
	if err := o.Send(traceBegan, long[:wire.MaxLine]); err != nil {
		t.Errorf("error %v for a line as long as allowed", err)
	}
	o.Send(traceBegan, []byte(strings.Repeat("y", 5000)))
	if o.State() != StatePaused {
		t.Fatalf("%v, want paused", o.State())
	}
	if err := o.Send(traceBegan, long); err != nil {
		t.Errorf("error %v when it was queued", err)
	}
	if err := o.Took(traceBegan, len(o.Pending())); !errors.As(err, &tooLong) {
		t.Errorf("error %v when the queue was flushed", err)
	}
}

// TestOnlyWhatIsWrittenKeepsAlive: what is queued does not, so a connection that
// is paused gets its PING into the queue in any case.
func TestOnlyWhatIsWrittenKeepsAlive(t *testing.T) {
	o, _ := newOutbox(t, Limits{})
	o.Pause()
	o.Send(traceBegan+int64(time.Second), []byte("RDATA a 1 [1]"))
	o.Tick(traceBegan + int64(5*time.Second))
	if o.Queued() != 2 {
		t.Errorf("%d commands are queued, want the row and a PING", o.Queued())
	}
}

// TestLateTick: what was due several times is done once, and the ticks stay
// multiples of the interval.
func TestLateTick(t *testing.T) {
	o, events := newOutbox(t, Limits{})
	o.Tick(traceBegan + int64(4999*time.Millisecond))
	o.Tick(traceBegan + int64(17001*time.Millisecond))
	if next, ok := o.NextTick(); !ok || next != traceBegan+int64(20*time.Second) {
		t.Errorf("next tick %d after the beginning, want 20 s", next-traceBegan)
	}
	got := events.Take()
	if len(got) != 1 || string(got[0].Line) != "PING 1600000017001" {
		t.Errorf("events %v, want one PING", got)
	}
}
