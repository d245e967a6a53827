package replay

import (
	"context"
	"time"
)

// clock tells the time that the state machines are given: the wall clock as it
// was at the start, and what has passed since, so that it never goes back.
type clock struct {
	anchor time.Time
	speed  float64 // how much faster than the world it goes: 1, but for tests
}

func newClock() *clock { return &clock{anchor: time.Now(), speed: 1} }

// now is in Unix nanoseconds.
func (c *clock) now() int64 { return c.at(time.Now()) }

// at is a moment of the world in the clock's time.
func (c *clock) at(t time.Time) int64 {
	return c.anchor.UnixNano() + int64(float64(t.Sub(c.anchor))*c.speed)
}

// until is how long the world takes until the clock shows t; 0 if it does.
func (c *clock) until(t int64) time.Duration {
	return time.Duration(max(0, float64(t-c.now())/c.speed))
}

// never is a time that does not come.
const never = int64(^uint64(0) >> 1)

// timer sets a timer to a time of the clock. It may ring somewhat early or once
// too often: whoever waits looks at the clock.
func (c *clock) timer(timer *time.Timer, t int64) {
	if t == never {
		timer.Stop()
		return
	}
	timer.Reset(c.until(t))
}

// sleep waits for a span of the clock's time, or the end of ctx.
func (c *clock) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(time.Duration(float64(d) / c.speed))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
