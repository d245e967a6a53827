package wire

import (
	"math/bits"
	"slices"
	"strings"
)

// ReleaseSet is a set of releases: the candidates for what a peer is. It is made
// of spans, runs of releases in which nothing changes that any table of this
// package knows; a span is in the set or it is not.
type ReleaseSet uint64

// spans are where the spans begin, the oldest first; the last one is what no
// release has yet.
var spans = func() []Release {
	begins := []Release{afterTCP}
	between := func(since, before Release) { begins = append(begins, since, before) }
	for _, d := range Dialects() {
		begins = append(begins, dialects[d].first)
	}
	for _, t := range traits {
		between(t.since, t.before)
	}
	for _, t := range followTraits {
		between(t.since, t.before)
	}
	for i := range streams {
		between(streams[i].Since, streams[i].Before)
		for _, shape := range streams[i].Shapes {
			between(shape.Since, shape.Before)
		}
	}
	for i := range jsonStyles {
		between(jsonStyles[i].since, jsonStyles[i].before)
	}
	for i := range errorClues {
		between(errorClues[i].since, errorClues[i].before)
	}
	slices.Sort(begins)
	return slices.DeleteFunc(slices.Compact(begins), func(r Release) bool { return r == 0 || r == forever })
}()

// AllReleases has every release in it, and what no release has yet.
var AllReleases = releasesBetween(0, 0)

// releasesBetween is the set of the releases from since up to, but without,
// before; zero for before is for ever.
func releasesBetween(since, before Release) (s ReleaseSet) {
	if before == 0 || before >= unreleased {
		before = forever
	}
	for i, first := range spans {
		if since <= first && first < before {
			s |= 1 << i
		}
	}
	return s
}

// Set is the releases that are as r is, as far as any table knows; the empty set
// for none.
func (r Release) Set() ReleaseSet {
	for i := len(spans) - 1; i >= 0; i-- {
		if spans[i] <= r {
			return 1 << i
		}
	}
	return 0
}

// dialectReleases are the releases that speak each dialect.
var dialectReleases = func() (all [endDialect]ReleaseSet) {
	for i, d := range spanDialects {
		all[d] |= 1 << i
	}
	return all
}()

// spanDialects is what the releases of each span speak.
var spanDialects = func() []Dialect {
	all := make([]Dialect, len(spans))
	for i, first := range spans {
		all[i] = dialectOf(first)
	}
	return all
}()

// Releases is the set of the releases that speak one of the dialects.
func (s DialectSet) Releases() (all ReleaseSet) {
	for s &= AllDialects; s != 0; s &^= s.First().Set() {
		all |= dialectReleases[s.First()]
	}
	return all
}

// Dialects is the set of the dialects that the releases speak.
func (s ReleaseSet) Dialects() (all DialectSet) {
	for ; s != 0; s &= s - 1 {
		all |= spanDialects[bits.TrailingZeros64(uint64(s))].Set()
	}
	return all
}

// Has reports whether a release is in the set.
func (s ReleaseSet) Has(r Release) bool { return s&r.Set() != 0 }

// First is the oldest release in the set, zero if it is empty.
func (s ReleaseSet) First() Release {
	if s == 0 {
		return 0
	}
	return spans[bits.TrailingZeros64(uint64(s))]
}

// overTCP are the releases that talk over TCP.
var overTCP = releasesBetween(0, afterTCP)

// Play is the release that stands for the set: the newest that talks over TCP
// or, where none does, the newest. Operators on TCP were told to be on the last
// one, and nearly all that differs between releases of one dialect was mended in
// later ones. Of patches that are alike it is the first. Zero for the empty set.
func (s ReleaseSet) Play() Release {
	if s&overTCP != 0 {
		s &= overTCP
	} else if released := s &^ unreleased.Set(); released != 0 {
		s = released
	}
	if s == 0 {
		return 0
	}
	i := bits.Len64(uint64(s)) - 1
	first := spans[i]
	if i+1 == len(spans) {
		return first
	}
	last := min(spans[i+1]-1, lastRelease)
	if last&anyPatch == anyPatch {
		last &^= anyPatch
	}
	return max(first, last)
}

// anyPatch is in a release that is the last of a minor one, whatever its number.
const anyPatch Release = 1<<10 - 1

// receiver is the receiver that stands for those of the set which speak d.
func (s ReleaseSet) receiver(d Dialect) Receiver {
	if s &= dialectReleases[d]; s != dialectReleases[d] {
		return receiverAt(s.Play())
	}
	return dialectReceivers[d]
}

// String names dialects where the set has all of their releases, "v1.22–v1.29",
// else releases: "0.99.0–0.99.2". "any" and "none" are all and nothing.
func (s ReleaseSet) String() string {
	if set := s.Dialects(); set.Releases() == s {
		return set.String()
	}
	return s.Names()
}

// Names is the set by releases: "0.99.0–0.99.2, 1.67.0 on".
func (s ReleaseSet) Names() string {
	var runs []string
	for i := 0; i < len(spans); i++ {
		if s&(1<<i) == 0 {
			continue
		}
		first := i
		for i+1 < len(spans) && s&(1<<(i+1)) != 0 {
			i++
		}
		e := Era{First: spans[first]}
		switch {
		case spans[first] == unreleased:
			runs = append(runs, vNext.String())
			continue
		case i+1 < len(spans) && spans[i+1] != unreleased:
			e.Before = spans[i+1]
		}
		runs = append(runs, e.String())
	}
	if runs == nil {
		return "none"
	}
	return strings.Join(runs, ", ")
}
