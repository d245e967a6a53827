package wire

import (
	"fmt"
	"math/bits"
	"strings"
)

// Dialect is a row of the dialect table: the releases in which every line is
// read in the same way. Dialects are ordered by release. The zero value is no
// dialect.
type Dialect uint8

const (
	noDialect Dialect = iota
	v0_21
	v0_22
	v0_23
	v1_9
	v1_13
	v1_14
	v1_18
	v1_22
	v1_29
	v1_90
	v1_92
	v1_146
	vNext // announced, in no release yet

	endDialect
)

var dialects = [endDialect]struct {
	name        string
	releases    string
	first, last Release
}{
	noDialect: {name: "unknown"},
	v0_21:     {"v0.21", "0.21.0–0.21.1", release(0, 21, 0), release(0, 21, 1)},
	v0_22:     {"v0.22", "0.22.0–0.22.1", release(0, 22, 0), release(0, 22, 1)},
	v0_23:     {"v0.23", "0.23.0–1.8.x", release(0, 23, 0), release(1, 8, 1023)},
	v1_9:      {"v1.9", "1.9.0–1.12.x", release(1, 9, 0), release(1, 12, 1023)},
	v1_13:     {"v1.13", "1.13.0", release(1, 13, 0), release(1, 13, 1023)},
	v1_14:     {"v1.14", "1.14.0–1.17.x", release(1, 14, 0), release(1, 17, 1023)},
	v1_18:     {"v1.18", "1.18.0–1.21.x", release(1, 18, 0), release(1, 21, 1023)},
	v1_22:     {"v1.22", "1.22.0–1.28.x", release(1, 22, 0), release(1, 28, 1023)},
	v1_29:     {"v1.29", "1.29.0–1.89.x", release(1, 29, 0), release(1, 89, 1023)},
	v1_90:     {"v1.90", "1.90.0–1.91.x", release(1, 90, 0), release(1, 91, 1023)},
	v1_92:     {"v1.92", "1.92.0–1.145.x", release(1, 92, 0), release(1, 145, 1023)},
	v1_146:    {"v1.146", "1.146.0–1.157.1+", release(1, 146, 0), unreleased - 1},
	vNext:     {"next", "unreleased", unreleased, unreleased},
}

// String is the dialect's name, after its first release: "v1.22".
func (d Dialect) String() string {
	if d >= endDialect {
		d = noDialect
	}
	return dialects[d].name
}

// Releases is the range of releases that speak it, for people: "1.22.0–1.28.x".
func (d Dialect) Releases() string {
	if d >= endDialect {
		d = noDialect
	}
	return dialects[d].releases
}

// Dialects lists all of them, the oldest first.
func Dialects() []Dialect {
	all := make([]Dialect, 0, endDialect)
	for d := noDialect + 1; d < endDialect; d++ {
		all = append(all, d)
	}
	return all
}

// dialectOf is the dialect that a release speaks.
func dialectOf(r Release) Dialect {
	for d := noDialect + 1; d < endDialect; d++ {
		if dialects[d].first <= r && r <= dialects[d].last {
			return d
		}
	}
	return noDialect
}

// UnknownDialectError says that a name is neither a dialect nor a release.
type UnknownDialectError struct{ Name string }

func (e *UnknownDialectError) Error() string {
	var names []string
	for _, d := range Dialects() {
		names = append(names, d.String())
	}
	return fmt.Sprintf("unknown dialect %q: want a release from 0.21.0 on, like 1.66.0, or one of %s",
		e.Name, strings.Join(names, ", "))
}

// ParseDialect reads a dialect's name, with or without its v, or a release,
// which is taken as the dialect it speaks: "v1.22", "1.22", "1.66.0".
func ParseDialect(s string) (Dialect, error) {
	for _, d := range Dialects() {
		if name := d.String(); s == name || "v"+s == name {
			return d, nil
		}
	}
	if r, err := ParseRelease(s); err == nil && dialectOf(r) != noDialect {
		return dialectOf(r), nil
	}
	return noDialect, &UnknownDialectError{Name: s}
}

// DialectSet is a set of dialects: the candidates for what a peer speaks.
type DialectSet uint32

// AllDialects has every dialect in it.
const AllDialects DialectSet = 1<<endDialect - 1<<(noDialect+1)

// dialectRange is the set of the dialects from first to last.
func dialectRange(first, last Dialect) DialectSet {
	return (1<<(last+1) - 1<<first) & AllDialects
}

// Set is the set with d alone in it; the empty set for no dialect.
func (d Dialect) Set() DialectSet { return 1 << d & AllDialects }

// Has reports whether d is in the set.
func (s DialectSet) Has(d Dialect) bool { return s&d.Set() != 0 }

// Len is the number of dialects in the set.
func (s DialectSet) Len() int { return bits.OnesCount32(uint32(s & AllDialects)) }

// First is the oldest dialect in the set, the zero Dialect if it is empty.
func (s DialectSet) First() Dialect {
	if s&AllDialects == 0 {
		return noDialect
	}
	return Dialect(bits.TrailingZeros32(uint32(s & AllDialects)))
}

// Last is the newest dialect in the set, the zero Dialect if it is empty.
func (s DialectSet) Last() Dialect {
	if s&AllDialects == 0 {
		return noDialect
	}
	return Dialect(31 - bits.LeadingZeros32(uint32(s&AllDialects)))
}

// Intersect is the set of those in both.
func (s DialectSet) Intersect(t DialectSet) DialectSet { return s & t }

// String is "v1.22", "v1.22–v1.29" for a run, "v0.21, v1.9" where there are
// holes, "any" or "none".
func (s DialectSet) String() string {
	switch s &= AllDialects; {
	case s == 0:
		return "none"
	case s == AllDialects:
		return "any"
	}
	var runs []string
	for s != 0 {
		first := s.First()
		last := first
		for s.Has(last + 1) {
			last++
		}
		run := first.String()
		if last > first {
			run += "–" + last.String()
		}
		runs = append(runs, run)
		s &^= dialectRange(first, last)
	}
	return strings.Join(runs, ", ")
}
