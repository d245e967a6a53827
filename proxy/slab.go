package proxy

import (
	"sync"
	"sync/atomic"
)

const (
	// slabSize is how much one piece of memory for reads holds. Many small reads
	// share one, so that a quiet stream of short lines costs no memory per line.
	slabSize = 128 << 10
	// maxRead bounds one read, and so what a copier has in hand.
	maxRead = 64 << 10
	// minRead is the room below which a copier takes a new slab. A read that
	// fills its room may have been cut short by it, and where reads ended is
	// something that a journal tells; nothing a worker or master writes in one
	// go is longer, the longest line of the protocol being 16 KiB.
	minRead = 32 << 10
)

// slab is memory that a copier reads into and the recorder reads from. Bytes
// in it are written once, before they are handed over, and never again until
// the last holder has let go: so it needs no lock.
type slab struct {
	holders atomic.Int32
	buf     []byte
}

var slabs = sync.Pool{New: func() any { return &slab{buf: make([]byte, slabSize)} }}

// newSlab gives a slab with one holder, the caller.
func newSlab() *slab {
	s := slabs.Get().(*slab)
	s.holders.Store(1)
	return s
}

func (s *slab) hold() { s.holders.Add(1) }

func (s *slab) release() {
	if s.holders.Add(-1) == 0 {
		slabs.Put(s)
	}
}
