package replay

import (
	"repltap/journal"
	"repltap/wire"
)

// notes is the journal of a run. A goroutine of its own writes it, so that a disk
// that is slow for a moment makes nothing late.
type notes struct {
	in     chan note
	done   chan struct{}
	w      *journal.Writer
	scribe *journal.Scribe
}

type note struct {
	t      int64
	conn   uint64
	kind   journal.Kind // KindNone: bytes
	dir    wire.Direction
	data   []byte
	offset int64
	event  journal.Event
}

// notesAhead is how many notes may wait.
const notesAhead = 4096

// newNotes begins; without a journal nothing is kept.
func newNotes(w *journal.Writer, r wire.Release) *notes {
	if w == nil {
		return nil
	}
	n := &notes{in: make(chan note, notesAhead), done: make(chan struct{}), w: w, scribe: journal.NewScribe(w, r.Set(), nil)}
	go n.run()
	return n
}

func (n *notes) run() {
	defer close(n.done)
	for e := range n.in {
		switch e.kind {
		case journal.KindNone:
			n.scribe.Chunk(e.t, e.conn, e.dir, e.offset, e.data)
		case journal.KindOpen:
			n.scribe.Open(e.t, e.conn, e.event)
		case journal.KindClose:
			n.scribe.Close(e.t, e.conn, e.event)
		default:
			n.scribe.Event(e.t, e.conn, e.dir, e.kind, e.event)
		}
	}
}

// conn is the number of the next connection; fallback is taken without a journal.
func (n *notes) conn(fallback int) uint64 {
	if n == nil {
		return uint64(fallback)
	}
	return n.w.NextConn()
}

func (n *notes) add(e note) {
	if n != nil {
		n.in <- e
	}
}

// close writes what waits. Nobody adds any more.
func (n *notes) close() {
	if n != nil {
		close(n.in)
		<-n.done
	}
}
