package replay

import "time"

// pollEvery is how often, from 1.22 on, a master that writes events looks by
// itself whether something was written.
const pollEvery = int64(time.Second)

// Next is when Advance is to be called next; false when nothing waits for that.
func (s *Streamer) Next() (t int64, ok bool) {
	t, ok = s.nextPoll, s.nextPoll != 0
	for _, c := range s.all {
		if tick, runs := c.out.NextTick(); runs && (!ok || tick < t) {
			t, ok = tick, true
		}
	}
	return t, ok
}

// Advance does what is due at t: keep-alives in the order of connecting, then
// the look for news. What was due several times is done once.
func (s *Streamer) Advance(t int64) {
	for _, c := range s.all {
		c.out.Tick(t)
	}
	s.forget()
	if s.nextPoll != 0 && s.nextPoll <= t {
		s.nextPoll += ((t-s.nextPoll)/pollEvery + 1) * pollEvery
		s.Poke(t)
	}
}
