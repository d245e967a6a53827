package wire

import (
	"slices"
	"strconv"
	"strings"
)

// Era is a run of releases whose receivers do the same with every line, by the
// same transport: a span.
type Era struct {
	First  Release
	Before Release // the first release of the next era; zero when there is none
	// Redis says that these releases talk over Redis only: no direction is
	// checked, and what is refused is logged.
	Redis    bool
	Receiver Receiver
}

// Eras lists all of them, the oldest first, without what no release has yet.
func Eras() []Era { return slices.Clone(eras) }

var eras = func() []Era {
	begins := spans[:len(spans)-1] // the last is what no release has yet
	all := make([]Era, len(begins))
	for i, r := range begins {
		all[i] = Era{First: r, Redis: r >= afterTCP, Receiver: receiverAt(r)}
		if i > 0 {
			all[i-1].Before = r
		}
	}
	return all
}()

// afterTCP is the first release that refuses to talk over TCP.
var afterTCP = release(1, 67, 0)

// OverRedis reports whether the release can talk over Redis only.
func (r Release) OverRedis() bool { return r >= afterTCP }

// Join is the era from the beginning of e to the end of next, as far as a range
// of releases goes.
func (e Era) Join(next Era) Era {
	e.Before = next.Before
	return e
}

// String is the range for people: "0.21.0–1.12.x", "1.67.0 on", "all releases".
func (e Era) String() string {
	switch {
	case e.Before == 0 && e.First == eras[0].First:
		return "all releases"
	case e.Before == 0:
		return e.First.String() + " on"
	}
	last := e.Before.previous()
	if first := e.First.String(); first != last {
		return first + "–" + last
	}
	return e.First.String()
}

// previous names the last release before r: "1.12.x" for that before 1.13.0.
func (r Release) previous() string {
	text := r.String()
	dot := strings.LastIndexByte(text, '.')
	if patch := r & 1023; patch > 0 {
		return text[:dot+1] + strconv.Itoa(int(patch-1))
	}
	first, minor, _ := strings.Cut(text[:dot], ".")
	n, _ := strconv.Atoi(minor)
	return first + "." + strconv.Itoa(n-1) + ".x"
}
