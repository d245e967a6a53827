package replay

import (
	"math/bits"
	"time"
)

// lagBuckets has one bucket for each of the lowest lagSteps microseconds, and
// then lagSteps/2 for each doubling: the error is below 2%, up to hours.
const (
	lagSteps   = 128
	lagBuckets = lagSteps + 28*lagSteps/2
)

// Lags counts how late sends were. Its memory is fixed.
type Lags struct {
	counts [lagBuckets]uint64
	total  uint64
	max    time.Duration
}

// Add counts n sends that were late by d. What is early is not late.
func (l *Lags) Add(d time.Duration, n int) {
	d = max(d, 0)
	l.max = max(l.max, d)
	l.total += uint64(n)
	l.counts[lagBucket(uint64(d/time.Microsecond))] += uint64(n)
}

func lagBucket(us uint64) int {
	shift := max(0, bits.Len64(us)-bits.Len64(lagSteps-1))
	return min(shift*lagSteps/2+int(us>>shift), lagBuckets-1)
}

// lagOf is the middle of a bucket.
func lagOf(bucket int) time.Duration {
	if bucket < lagSteps {
		return time.Duration(bucket) * time.Microsecond
	}
	shift := (bucket - lagSteps/2) / (lagSteps / 2)
	low := (bucket - shift*lagSteps/2) << shift
	return time.Duration(low+(1<<shift)/2) * time.Microsecond
}

// Count is how many sends were counted.
func (l *Lags) Count() uint64 { return l.total }

// Max is the largest lag.
func (l *Lags) Max() time.Duration { return l.max }

// Quantile is the lag that the share q of all sends did not exceed.
func (l *Lags) Quantile(q float64) time.Duration {
	rank, seen := uint64(q*float64(l.total)), uint64(0)
	for i, n := range l.counts {
		if seen += n; seen > rank || n > 0 && seen == l.total {
			return min(lagOf(i), l.max)
		}
	}
	return l.max
}
