package wire

import "fmt"

// often counts what is odd again and again on a connection: every row of a stream
// that the worker is not ready for, of another release, with blanks in it. All of
// the first of these are told, then ever fewer, so that neither the teller nor
// whoever keeps it is busy with nothing else; the number is told with them.
type often uint64

// allTold is how many are told without leaving any out: more than people read.
const allTold = 100

// again counts one more and reports whether it is to be told.
func (n *often) again() bool {
	*n++
	return *n <= allTold || *n&(*n-1) == 0
}

// numbered adds the number to a finding once there are some that were not told.
func (n often) numbered(f Finding) Finding {
	if n > allTold {
		f.Detail += fmt.Sprintf("; it is number %d of these, most of which are not told", n)
	}
	return f
}
