package replay

import "time"

// Fault is something that is wrong with a worker for a while.
type Fault struct {
	Kind FaultKind
	At   time.Duration // since the worker was first connected
	For  time.Duration
}

// FaultKind is what is wrong.
type FaultKind uint8

// The kinds of faults.
const (
	FaultStall  FaultKind = iota // it does not read; it still sends what it has to say
	FaultFreeze                  // it does nothing at all, as if it were stopped by a signal
)

// ailing says what is wrong at a time, and when that may be otherwise; false
// when never again.
func ailing(faults []Fault, at time.Duration) (stalled, frozen bool, next time.Duration, ok bool) {
	change := func(t time.Duration) {
		if t > at && (!ok || t < next) {
			next, ok = t, true
		}
	}
	for _, f := range faults {
		change(f.At)
		change(f.At + f.For)
		if f.At <= at && at < f.At+f.For {
			stalled = stalled || f.Kind == FaultStall
			frozen = frozen || f.Kind == FaultFreeze
		}
	}
	return stalled, frozen, next, ok
}
