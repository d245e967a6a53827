package profile

import "time"

// Time series. All of a clock's series have the same slots: at most maxSlots,
// each a millisecond wide at first. When a record comes for which there is no
// slot, pairs of slots become one, so all become twice as wide.

// maxSlots is how many slots there are at most.
const maxSlots = 4096

// slotWidth is how wide a slot is at first.
const slotWidth = int64(time.Millisecond)

// slotClock says which slot a moment is in.
type slotClock struct {
	set    bool
	origin int64 // where the first slot begins, since the journal's start
	double uint  // how often slots became twice as wide
}

// width is how wide a slot is now.
func (c *slotClock) width() int64 { return slotWidth << c.double }

// slot is where at belongs, which may be beyond maxSlots: then the caller has to
// widen all series. What is a little out of order at the very beginning belongs
// to the first.
func (c *slotClock) slot(at int64) int {
	if !c.set {
		c.set, c.origin = true, floorTo(at, slotWidth)
	}
	return int(uint64(max(at-c.origin, 0)/slotWidth) >> c.double)
}

// tally is how much there was of something.
type tally struct{ commands, bytes int64 }

func (t *tally) add(bytes int) {
	t.commands++
	t.bytes += int64(bytes)
}

func (t *tally) sum(o tally) {
	t.commands += o.commands
	t.bytes += o.bytes
}

// series is what there was in each slot. It ends with the last one that has
// something.
type series []tally

// at gives a slot, making those up to it.
func (s *series) at(slot int) *tally {
	if slot >= len(*s) {
		*s = append(*s, make([]tally, slot+1-len(*s))...)
	}
	return &(*s)[slot]
}

// widen makes one slot of each two.
func (s *series) widen() { *s = s.folded(2) }

// folded makes one slot of each n, in place.
func (s series) folded(n int) series {
	for i, t := range s {
		if i%n == 0 {
			s[i/n] = t
		} else {
			s[i/n].sum(t)
		}
	}
	return s[:(len(s)+n-1)/n]
}

// add puts o's slots to s's.
func (s *series) add(o series) {
	if len(o) > 0 {
		s.at(len(o) - 1)
	}
	for i, t := range o {
		(*s)[i].sum(t)
	}
}

// total is the sum of all slots.
func (s series) total() (t tally) {
	for _, x := range s {
		t.sum(x)
	}
	return t
}
