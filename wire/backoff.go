package wire

import (
	"math"
	"time"
)

// Backoff says how long a worker of one release waits before it connects
// again. It is pure: the same source gives the same waits.
type Backoff struct {
	rule   *backoffRule
	delay  float64 // seconds
	normal func() float64
}

// backoffRule is the waits of a range of releases.
type backoffRule struct {
	before        Release
	initial, most float64 // seconds
	resets        backoffReset
}

// backoffReset is what makes a worker begin with the shortest wait again.
type backoffReset uint8

const (
	resetOnConnect backoffReset = iota
	resetOnFinish               // all that it asked for has caught up
)

var backoffRules = []backoffRule{
	{release(0, 99, 3), 1, 5, resetOnConnect},
	{release(1, 8, 0), 1, 30, resetOnFinish},
	{release(1, 13, 0), 0.1, 1, resetOnFinish},
	{unreleased, 0.1, 1, resetOnConnect},
}

const (
	backoffFactor = math.E
	backoffJitter = 0.119626565582 // the deviation, as a part of the wait
	// backoffFirst is where a worker begins that was never reset, in seconds.
	backoffFirst = 1
)

// NewBackoff is that of a worker of a release which never connected. normal
// gives normally distributed numbers, of mean 0 and deviation 1, as
// rand.NormFloat64 does; without it there is no jitter.
func NewBackoff(r Release, normal func() float64) *Backoff {
	b := &Backoff{delay: backoffFirst, normal: normal}
	for i := range backoffRules {
		if b.rule = &backoffRules[i]; r < b.rule.before {
			break
		}
	}
	return b
}

// Connected says that a connection was made.
func (b *Backoff) Connected() { b.reset(resetOnConnect) }

// Finished says that all which the worker asked for on a connection has caught
// up: EffectFinished.
func (b *Backoff) Finished() { b.reset(resetOnFinish) }

func (b *Backoff) reset(on backoffReset) {
	if b.rule.resets == on {
		b.delay = b.rule.initial
	}
}

// Next is how long to wait now that a connection was lost or could not be made.
func (b *Backoff) Next() time.Duration {
	b.delay = min(b.delay*backoffFactor, b.rule.most)
	if b.normal != nil {
		b.delay = max(0, b.delay*(1+backoffJitter*b.normal()))
	}
	return time.Duration(b.delay * float64(time.Second))
}
