package proxy

import (
	"sync"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// stallAfter is how long a reader has to take nothing while a write waits to be
// called stalled. A healthy reader comes back in well under a millisecond, a
// worker that is busy in some tens of them; what Synapse makes of a slow reader
// begins with seconds. A quarter of one is above the first and far below the
// last, and a direction can't fill the journal with more than four stalls a
// second.
const stallAfter = 250 * time.Millisecond

// stallWatch watches over the writes of one copier. It costs nothing until one
// has to wait: then a timer looks, as long as that lasts, whether the reader's
// kernel takes anything. That, and not whether the write gets on, tells who
// stands still: where nobody reads, the tap's kernel finds room for some more all
// the same, and where somebody reads slowly, a write waits for long and is no
// stall. What is less than a segment does not count: a kernel whose program has
// stopped reading takes that once more after a while, the rest of its window.
type stallWatch struct {
	flow     *flow
	src, dst *side
	live     *liveStalls

	on    bool        // a write had to wait; the copier's own
	timer *time.Timer // made when first needed

	mu      sync.Mutex // between the copier and the timer
	armed   bool       // the timer will come
	waiting bool       // a write waits
	since   time.Time  // when it began to, or when the reader was last seen to take something
	held    int        // what the reader had not taken soon after; unknownHeld before the first look
	segment int        // what is more than the rest of a window
	sent    int        // written since that look
	begun   bool       // it is a stall by now
}

const (
	// stallLook is how often the timer looks. The first look finds out what is
	// held, so that those who wait for a moment need not.
	stallLook   = stallAfter / 2
	unknownHeld = -1
)

// wait is called when a write has to wait, as often as it has to.
func (s *stallWatch) wait() {
	s.on = true
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting {
		return
	}
	s.waiting = true
	if !s.begun {
		s.since, s.held = time.Now(), unknownHeld
	}
	if !s.armed {
		s.arm()
	}
}

func (s *stallWatch) arm() {
	s.armed = true
	if s.timer == nil {
		s.timer = time.AfterFunc(stallLook, s.look)
	} else {
		s.timer.Reset(stallLook)
	}
}

// wrote is called when a write that had to wait gets on.
func (s *stallWatch) wrote(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun {
		s.sent += n
		s.progress()
	} else {
		s.since, s.held = time.Now(), unknownHeld
	}
}

// done is called when it has got to its end. The timer finds out.
func (s *stallWatch) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting, s.on = false, s.begun
}

// look is the timer's.
func (s *stallWatch) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	switch {
	case !s.waiting && !s.begun:
		return
	case s.held == unknownHeld:
		s.held, s.segment, s.sent = s.dst.unsent(), s.dst.segment(), 0
	case !s.progress() && !s.begun && time.Since(s.since) >= stallAfter:
		s.begun = true
		s.live.begin(s, s.since)
		s.tell(journal.KindStall, time.Now(), 0)
	}
	s.arm()
}

// progress says whether the reader has taken something. That ends a stall.
func (s *stallWatch) progress() bool {
	unsent := s.dst.unsent()
	if s.held+s.sent-unsent <= s.segment {
		return false
	}
	now := time.Now()
	if s.begun {
		s.begun = false
		s.live.end(s)
		s.tell(journal.KindResume, now, s.flow.rec.r.at(now))
	}
	s.since, s.held, s.sent = now, unsent, 0
	return true
}

// close is called when the copier is done. A stall that lasts has no resume:
// the connection's end is its end.
func (s *stallWatch) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.begun {
		s.live.end(s)
	}
	s.waiting, s.begun = false, false
}

// tell has it journalled, with what the kernel holds on either side just now.
func (s *stallWatch) tell(kind journal.Kind, now time.Time, to int64) {
	r := s.flow.rec.r
	s.flow.note(r.at(now), kind, journal.Event{
		From: r.at(s.since), To: to, Unread: int64(s.src.unread()), Unsent: int64(s.dst.unsent()),
	})
}

// status is how the stall that lasts is shown; nil when there is none.
func (s *stallWatch) status() *StallStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		return nil
	}
	return &StallStatus{
		Direction: s.flow.dir.String(), Since: s.since, Seconds: time.Since(s.since).Seconds(),
		Unread: int64(s.src.unread()), Unsent: int64(s.dst.unsent()),
	}
}

// liveStalls counts stalls while they last, so that the seconds of one that
// never ends are seen too, and none are counted twice.
type liveStalls struct {
	mu    sync.Mutex
	count [3]uint64 // by wire.Direction, as are the next
	over  [3]time.Duration
	now   map[*stallWatch]time.Time
}

func (l *liveStalls) begin(s *stallWatch, since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count[s.flow.dir]++
	l.now[s] = since
}

func (l *liveStalls) end(s *stallWatch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over[s.flow.dir] += time.Since(l.now[s])
	delete(l.now, s)
}

// read is how many stalls there were in a direction, how long they were, and
// how many last.
func (l *liveStalls) read(dir wire.Direction) (count uint64, total time.Duration, lasting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	count, total = l.count[dir], l.over[dir]
	for s, since := range l.now {
		if s.flow.dir == dir {
			total += time.Since(since)
			lasting++
		}
	}
	return count, total, lasting
}
