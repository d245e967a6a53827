package profile

import (
	"math/bits"
	"time"
)

// A pulse follows when rows of one thing come, and finds where they stopped
// coming for longer than is usual for it. The thing is a stream, a writer of a
// stream, or all streams together.
//
// What is usual is taken from the traffic itself, in two ways that both have to
// hold. Just before the silence, for a time that is no small part of it, rows
// came steadily: no interval was longer than an eighth of it. So traffic that
// fades, as it does every night, makes no silence. And in all that was read there
// is at most one other interval longer than a quarter of it: traffic that comes in
// bursts makes none either.
//
// Intervals are kept by the power of two of their milliseconds, so that the memory
// is the same whatever comes; an eighth is an eighth to a sixteenth.
type pulse struct {
	begun, paused bool
	last          int64 // when something came
	since         int64 // the same, or since when its absence says something
	place         Place // of the last row
	mark          int64 // how much of what it is compared with had come by since, its own apart
	rows          int64
	beats         int64 // times that something came, of those close together one
	beat          int64
	first         moment
	past          [intervalClasses]moment // where the last interval of that length ended
	usual, silent [intervalClasses]int64  // intervals that are no silence, and that may be one
	found         largest[lull]
	strict        bool // it says something all the time, so that any silence is one
	positions     func() (lowest, highest int64)
}

// moment is how much had come by then.
type moment struct {
	at, rows, beats int64
	others          int64
}

// lull is a time in which nothing came.
type lull struct {
	place           Place // of the row before; its time is since when nothing came
	length          int64
	rows, over      int64 // that came steadily before, and in how long
	others, before  int64 // of what it is compared with: meanwhile, and in the time before
	steady, ended   bool
	lowest, highest int64 // positions of a stream's writers then
}

const (
	intervalClasses = 48
	quietLeast      = int64(30 * time.Second)       // a silence is at least so long
	steadyLeast     = int64(30 * time.Second)       // and rows came steadily before for so long,
	steadyPart      = 20                            // and for such a part of it,
	steadyBeats     = 20                            // so many times
	beatEvery       = int64(100 * time.Millisecond) // what is closer together is one
	maxLulls        = 8                             // of a pulse
	foreseen        = 0.02                          // of as many intervals of its length as this a silence is one
	usualLulls      = 4                             // as many silences of a pulse are how it is
)

func newPulse() *pulse { return &pulse{found: largest[lull]{limit: maxLulls}} }

// classOfInterval is the class of intervals of that length.
func classOfInterval(length int64) int {
	return min(bits.Len64(uint64(max(length, 0)/int64(time.Millisecond))), intervalClasses-1)
}

// come notes that something came with so many rows, when so much of what it is
// compared with had come.
func (p *pulse) come(at, rows, others int64, place Place) {
	if p.begun {
		p.rest(at, others, true)
	}
	p.rows += rows
	if p.beats == 0 || at-p.beat >= beatEvery {
		p.beats, p.beat = p.beats+1, at
	}
	switch now := (moment{at, p.rows, p.beats, others}); {
	case !p.begun:
		p.begun, p.first = true, now
	case at > p.last:
		p.past[classOfInterval(at-p.last)] = now
	}
	p.last, p.since, p.mark, p.place = at, at, others, place
}

// pause says that from at on nothing can be told from its absence.
func (p *pulse) pause(at, others int64) {
	if p.begun && !p.paused {
		p.paused = true
		p.rest(at, others, false)
	}
}

// resume says that from at on it can.
func (p *pulse) resume(at, others int64) {
	if p.paused {
		p.paused, p.since, p.mark = false, at, others
	}
}

// rest notes the interval that ends at at, and that it may be a silence. One that
// was interrupted says nothing of what is usual.
func (p *pulse) rest(at, others int64, ended bool) {
	length, whole := at-p.since, at-p.last
	if length < int64(time.Millisecond) {
		return
	}
	start := p.steadySince(length)
	over := p.last - start.at
	steady := length >= quietLeast && over >= max(steadyLeast, length/steadyPart) && p.beats-start.beats >= steadyBeats
	switch {
	case steady:
		p.silent[classOfInterval(length)]++
	case ended && whole == length:
		p.usual[classOfInterval(length)]++
	}
	if !steady && !(p.strict && length >= quietLeast) {
		return
	}
	p.found.add(length, func() lull {
		l := lull{place: p.place, length: length, rows: p.rows - start.rows, over: over, others: others - p.mark, before: p.mark - start.others, steady: steady, ended: ended}
		l.place.At, l.place.Time = l.place.At+At(p.since-p.last), l.place.Time+Time(p.since-p.last)
		if p.positions != nil {
			l.lowest, l.highest = p.positions()
		}
		return l
	})
}

// steadySince is since when no interval was long beside a silence of that length.
func (p *pulse) steadySince(length int64) moment {
	start := p.first
	for _, m := range p.past[classOfInterval(length/8):] {
		if m.at > start.at {
			start = m
		}
	}
	return start
}

// lulls are the silences, longest first, now that all was read.
func (p *pulse) lulls() (out []lull) {
	for _, l := range p.found.heaviest() {
		if p.strict || p.unusual(l.length) {
			out = append(out, l)
		}
	}
	if !p.strict && len(out) >= usualLulls {
		return nil
	}
	return out
}

// unusual says whether no such interval was to be expected. One odd interval does
// not count.
func (p *pulse) unusual(length int64) bool {
	near := classOfInterval(length / 4)
	long, some := p.longer(length/16, near), p.longer(length/64, near)
	if p.longer(length/4, near) > 0 {
		return false
	}
	if long == 0 {
		return true
	}
	// Of each four times the length there are so many times fewer, or fewer still.
	fewer := float64(long) / float64(some)
	return float64(long)*fewer*fewer < foreseen
}

// longer is how many intervals are that long, but for one. Below a class also
// those that may be silences.
func (p *pulse) longer(length int64, below int) int64 {
	n := int64(-1)
	for c := classOfInterval(length); c < intervalClasses; c++ {
		if n += p.usual[c]; c < below {
			n += p.silent[c]
		}
	}
	return max(n, 0)
}
