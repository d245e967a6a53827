package replay

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// rests are the streams of which a group of rows with one token has begun. Where
// that is before what is played, the rest of it is of no use: a worker that is
// told the group's token would never hear of its beginning. It is taken for past,
// and the stream begins with the next group.
type rests map[string]bool

// Begun lists the streams in which a group of rows with one token had begun before
// what is played: the rest of it is not.
func (p *Plan) Begun() []string { return slices.Sorted(maps.Keys(p.cut)) }

// follow keeps track of groups.
func (r rests) follow(a *Act, before bool) {
	switch {
	case !before || !a.named():
	case a.Batch:
		r[a.Stream] = true
	default:
		delete(r, a.Stream)
	}
}

// ends reports whether an act is of the rest of such a group. It is to be called
// with each act that follows.
func (r rests) ends(a *Act) bool {
	if a.Kind != ActRow || !r[a.Stream] {
		return false
	}
	if !a.Batch {
		delete(r, a.Stream)
	}
	return true
}

func nothingOf(streams []string) error {
	word := "stream"
	if len(streams) > 1 {
		word = "streams"
	}
	var names []string
	for _, s := range streams {
		names = append(names, strconv.Quote(s))
	}
	return fmt.Errorf("nothing of the %s %s is in what is to be replayed", word, strings.Join(names, ", "))
}
