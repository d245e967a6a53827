package analyze

import (
	"bytes"
	"hash/maphash"
)

// item is a line as it is compared.
type item struct {
	sum   uint64 // of all that is compared
	row   uint64 // of the row's JSON alone, 0 without one
	seq   uint64
	time  int64
	token int64
	flags itemFlags
	text  []byte // the line: that of the record, until it is kept
}

type itemFlags uint16

const (
	itemToken    itemFlags = 1 << iota // it has a token of its own
	itemBatch                          // it says "batch" for a token
	itemFirst                          // the first POSITION of a stream on a connection
	itemImplied                        // a POSITION that only says what rows before it have said
	itemBehind                         // the rows before this POSITION went beyond it
	itemSaid                           // a row that the first POSITION, just before, has said already
	itemShifted                        // its token may be off by what others of its lane are
	itemCaughtUp                       // up to 1.12: a row from before the subscription
	itemCut                            // the beginning of a line that never went on
	itemKept                           // its text is its own
)

// maxText is how much of a line is kept to be shown.
const maxText = 240

// keep makes an item outlive its record.
func (it *item) keep() {
	if it.flags&itemKept != 0 {
		return
	}
	it.flags |= itemKept
	text := bytes.TrimSuffix(it.text, []byte{'\n'})
	it.text = bytes.Clone(text[:min(len(text), maxText)])
}

// laneOther is the lane of lines whose lane would be one too many.
const laneOther = "\x00other"

// maxLanes bounds the lanes of one direction of a connection, and maxHeld the
// rows of a batch that wait for their token.
const (
	maxLanes = 4096
	maxHeld  = 20_000
)

// seed is that of all sums.
var seed = maphash.MakeSeed()
