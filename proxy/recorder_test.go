package proxy

import (
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// still is a recorder whose consumer is not running, so that a test can take
// its place.
func still(s Sink) *Recorder {
	r := NewRecorder(s, RecorderOptions{Anchor: time.Unix(1000, 0)})
	r.Close()
	return r
}

// round is what the consumer does in one.
func (r *Recorder) round() {
	batch, number, _ := r.take()
	r.deliver(batch, number, false)
}

// An answer waits for its question while that is in the hand of its copier, or
// has just left it, but not for ever.
func TestAnswerWaitsForItsQuestion(t *testing.T) {
	for name, late := range map[string]struct {
		deliver func(r *Recorder, question, answer func())
		want    []wire.Direction
	}{
		"in time": {func(r *Recorder, question, answer func()) {
			answer()
			question()
			r.round()
		}, []wire.Direction{wire.C2S, wire.S2C}},
		"late": {func(r *Recorder, question, answer func()) {
			answer()
			r.round()
			question()
			r.round()
			r.round()
		}, []wire.Direction{wire.C2S, wire.S2C}},
		"between taking and looking": {func(r *Recorder, question, answer func()) {
			answer()
			batch, number, _ := r.take()
			question()
			r.deliver(batch, number, false)
			r.round()
			r.round()
		}, []wire.Direction{wire.C2S, wire.S2C}},
		"very late": {func(r *Recorder, question, answer func()) {
			answer()
			for range 100 {
				r.round()
			}
			question()
			r.round()
			r.round()
		}, []wire.Direction{wire.C2S, wire.S2C}},
		"too late": {func(r *Recorder, question, answer func()) {
			answer()
			r.round()
			r.anchor = r.anchor.Add(-2 * maxWait) // time passes
			r.round()
			question()
			r.round()
		}, []wire.Direction{wire.S2C, wire.C2S}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSink()
			r := still(s)
			rec := r.open(journal.Event{})
			slab := newSlab()
			asked, answered := rec.flow(wire.C2S), rec.flow(wire.S2C)
			t1 := asked.arrived()
			t2 := answered.arrived()
			late.deliver(r,
				func() { asked.keep(t1, slab.buf[:3], slab, nil) },
				func() { answered.keep(max(t2, t1+1), slab.buf[3:5], slab, nil) })
			var got []wire.Direction
			last := int64(0)
			for _, e := range s.all {
				if e.kind == kindChunk {
					got = append(got, e.dir)
				}
				if e.t < last {
					t.Error("time went back")
				}
				last = e.t
			}
			if len(got) != 2 || got[0] != late.want[0] || got[1] != late.want[1] {
				t.Errorf("told in the order %v, want %v", got, late.want)
			}
		})
	}
}

func TestSlabsComeBack(t *testing.T) {
	r := still(newSink())
	rec := r.open(journal.Event{})
	slab := newSlab()
	f := rec.flow(wire.S2C)
	for i := range 10 {
		f.keep(f.arrived(), slab.buf[i:i+1], slab, nil)
	}
	if n := slab.holders.Load(); n != 11 {
		t.Errorf("%d holders, want one for each chunk and the copier", n)
	}
	f.end(r.now(), cause{})
	r.round()
	r.round()
	if n := slab.holders.Load(); n != 1 {
		t.Errorf("%d holders, want the copier alone", n)
	}
	if q := r.QueueBytes(); q != 0 {
		t.Errorf("%d bytes charged for nothing", q)
	}
}

// The recorder's clock is the wall clock at the anchor and monotonic since.
func TestClock(t *testing.T) {
	r := still(newSink())
	if r.anchor = time.Now().Add(-time.Hour); r.now()-r.base < int64(time.Hour) {
		t.Error("the clock does not count from the anchor")
	}
}

func BenchmarkHandOver(b *testing.B) {
	r := NewRecorder(discard{}, RecorderOptions{})
	defer r.Close()
	rec := r.open(journal.Event{})
	f := rec.flow(wire.S2C)
	c := copier{slab: newSlab(), flow: f}
	b.ReportAllocs()
	b.SetBytes(100)
	for b.Loop() {
		c.room()
		c.take(100)
		c.keep()
	}
	f.end(r.now(), cause{})
	c.slab.release()
}

// discard is a sink that costs nothing.
type discard struct{}

func (discard) Open(int64, uint64, journal.Event)                                {}
func (discard) Chunk(int64, uint64, wire.Direction, int64, []byte)               {}
func (discard) Gap(int64, uint64, wire.Direction, journal.Event)                 {}
func (discard) Event(int64, uint64, wire.Direction, journal.Kind, journal.Event) {}
func (discard) Close(int64, uint64, journal.Event)                               {}
