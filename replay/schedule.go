package replay

import (
	"context"
	"math"
	"slices"
	"time"
)

// schedule says when acts are due: at their recorded times from the beginning,
// divided by the speed. Times are absolute, so what is late makes nothing later.
type schedule struct {
	speed   float64 // 0: everything is due at once
	skip    int64   // no pause is longer; 0: none is shortened
	begun   bool
	real    int64 // when it began
	origin  int64 // what recorded time that was
	last    int64 // recorded time of the last act
	skipped int64
}

func (s *schedule) begin(now, recorded int64) {
	s.begun, s.real, s.origin, s.last = true, now, recorded, recorded
}

// see is to be called with each act's time once, in order.
func (s *schedule) see(at int64) {
	if gap := at - s.last; s.skip > 0 && gap > s.skip {
		s.skipped += gap - s.skip
	}
	s.last = max(s.last, at)
}

// due is when an act of that time is to be done; see was called for it.
func (s *schedule) due(at int64) int64 {
	if s.speed == 0 {
		return s.real
	}
	d := float64(max(at-s.origin-s.skipped, 0)) / s.speed
	if d > math.MaxInt64/4 {
		d = math.MaxInt64 / 4
	}
	return s.real + int64(d)
}

// reached is the recorded time that has come: at most that of the next act.
func (s *schedule) reached(now int64) int64 {
	if s.speed == 0 {
		return s.last
	}
	return min(s.last, s.origin+s.skipped+int64(float64(max(now-s.real, 0))*s.speed))
}

// feed reads acts ahead, so that the owner never waits for the journal unless that
// is slower than the schedule. It holds feedAhead batches at most, each of which is
// full with feedBatch acts or feedBytes.
type feed struct {
	batches chan []Act
	ready   chan struct{} // says that there is something new in batches
	now     []Act
	at      int
	seen    bool // the head was shown to the schedule
	ended   bool
	err     error
}

const (
	feedBatch = 256
	feedBytes = 1 << 20
	feedAhead = 16
)

func newFeed() feed {
	return feed{batches: make(chan []Act, feedAhead), ready: make(chan struct{}, 1)}
}

// run is the reader's goroutine.
func (f *feed) run(ctx context.Context, p *Plan, done <-chan struct{}) {
	defer func() {
		close(f.batches)
		f.signal()
	}()
	batch, bytes := make([]Act, 0, feedBatch), 0
	send := func() bool {
		select {
		case f.batches <- batch:
			f.signal()
			batch, bytes = make([]Act, 0, feedBatch), 0
			return true
		case <-done:
		case <-ctx.Done():
		}
		return false
	}
	err := p.Acts(ctx, func(a *Act) bool {
		batch, bytes = append(batch, *a), bytes+len(a.Line)
		return len(batch) < feedBatch && bytes < feedBytes || send()
	})
	if err == nil && len(batch) > 0 {
		send()
	}
	f.err = err // read after batches is closed
}

func (f *feed) signal() {
	select {
	case f.ready <- struct{}{}:
	default:
	}
}

// head is the act that is next; nil when there is none yet, or none any more.
func (f *feed) head() *Act {
	for f.at == len(f.now) && !f.ended {
		select {
		case batch, ok := <-f.batches:
			f.now, f.at, f.ended = batch, 0, !ok
		default:
			return nil
		}
	}
	if f.at == len(f.now) {
		return nil
	}
	return &f.now[f.at]
}

// short: so little was read ahead that an answer may not be all there.
func (f *feed) short() bool {
	if f.ended || len(f.now)-f.at > feedBatch/2 {
		return false
	}
	select {
	case batch, ok := <-f.batches:
		if f.ended = !ok; ok {
			f.now, f.at = append(slices.Clone(f.now[f.at:]), batch...), 0
		}
		return false
	default:
		return true
	}
}

func (f *feed) pop() { f.now[f.at], f.at, f.seen = Act{}, f.at+1, false }

// batches keeps track of groups of rows that share a token and are not complete:
// what is said of positions meanwhile would cut them in two.
type batches struct {
	open  map[string]bool
	since int64
}

// groupPatience is how long an answer waits for a group to end. In Synapse they
// are sent in one go.
const groupPatience = int64(time.Second)

func (b *batches) row(now int64, a *Act) {
	if b.open == nil {
		b.open = map[string]bool{}
	}
	if !a.Batch {
		delete(b.open, a.Stream)
		return
	}
	if len(b.open) == 0 {
		b.since = now
	}
	b.open[a.Stream] = true
}

// stuck: the end of a group is overdue. It may be in no journal.
func (b *batches) stuck(now int64) bool { return len(b.open) > 0 && !b.busy(now) }

func (b *batches) busy(now int64) bool { return len(b.open) > 0 && now-b.since < groupPatience }
