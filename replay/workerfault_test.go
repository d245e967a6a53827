package replay

import (
	"testing"
	"time"
)

func TestAiling(t *testing.T) {
	faults := []Fault{{FaultStall, 10, 20}, {FaultFreeze, 15, 5}, {FaultStall, 25, 10}}
	const none = time.Duration(-1)
	for at, want := range map[time.Duration]struct {
		stalled, frozen bool
		next            time.Duration
	}{
		0: {false, false, 10}, 9: {false, false, 10}, 10: {true, false, 15}, 15: {true, true, 20}, 20: {true, false, 25},
		30: {true, false, 35}, 34: {true, false, 35}, 35: {false, false, none}, 99: {false, false, none},
	} {
		stalled, frozen, next, ok := ailing(faults, at)
		if !ok {
			next = none
		}
		if stalled != want.stalled || frozen != want.frozen || next != want.next {
			t.Errorf("at %d: %v, %v, %d; want %+v", at, stalled, frozen, next, want)
		}
	}
}
