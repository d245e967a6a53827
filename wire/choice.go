package wire

import (
	"fmt"
	"strings"
)

// Choice is which releases traffic is of, and the one that stands for them where
// one has to act: to play it, to judge it, to be a worker like the recorded one.
type Choice struct {
	Releases ReleaseSet // never empty
	Play     Release
	// Conflict says what of how commands are written fits no one release; "" when
	// all of it does. Releases are then those that the fewest lines speak against.
	Conflict string
	// Against is in how many lines something speaks against Releases.
	Against uint64
	why     []string
}

// Choose is the one place where a release is chosen: from what was seen on
// connections and, as far as they go together with those, on others beside them.
func Choose(of, beside []*Detector) Choice {
	var sum Detector
	var c Choice
	for _, d := range of {
		sum.Merge(d)
	}
	c.Conflict = sum.Conflict()
	for _, d := range beside {
		if c.Conflict == "" && sum.goesWith(d) {
			sum.Merge(d)
		}
	}
	if c.Releases = sum.Releases(); c.Conflict != "" {
		c.Releases = likeliest(AllReleases, sum.sides[:])
	}
	c.Play = c.Releases.Play()
	c.Against = linesAgainst(c.Releases, sum.sides[:])
	c.why = sum.why(c.Releases)
	return c
}

// Merge takes in what another one has seen.
func (d *Detector) Merge(other *Detector) {
	for dir := range other.sides {
		for _, t := range other.sides[dir].tallies {
			s := &d.sides[dir]
			if i := s.place[t.kind]; i > 0 {
				s.tallies[i-1].n += t.n
			} else {
				s.first(t)
			}
		}
	}
	d.judge()
}

// goesWith reports whether some release fits all that both have seen.
func (d *Detector) goesWith(other *Detector) bool {
	both := *d
	for i := range both.sides {
		s := &both.sides[i]
		s.tallies = append([]tally(nil), s.tallies...)
	}
	both.Merge(other)
	return other.Conflict() == "" && both.Conflict() == "" && d.Releases()&other.Releases() != 0
}

// why lists what left no more than set, in the order in which it was seen.
func (d *Detector) why(set ReleaseSet) (list []string) {
	left := AllReleases
	for _, dir := range []Direction{S2C, C2S, NoDirection} {
		for _, t := range d.sides[dir].tallies {
			if set&^t.in == 0 && left&^t.in != 0 {
				left &= t.in
				list = append(list, fmt.Sprintf("%s (%s)", t.what(), t.in.Names()))
			}
		}
	}
	return list
}

// Why says from what the releases are known, "" when from nothing.
func (c Choice) Why() string { return strings.Join(c.why, ", ") }
