package journal

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"

	"repltap/wire"
)

// lostFlow is bytes of one direction that could not be written, or were and are
// not there any more.
type lostFlow struct {
	conn                   uint64
	dir                    wire.Direction
	bytes, lines, from, to int64
	gap                    int64 // those of bytes that were a gap already
	offset                 int64
	reason                 string
	others                 int // connections whose losses were added to it
}

// ledger adds up what blocks hold, by direction: there is one entry each, so
// however many blocks there are they stay few.
type ledger map[flowKey]*lostFlow

// add takes a block's bytes in.
func (l ledger) add(h *blockHeader) {
	for i := range h.flows {
		f := &h.flows[i]
		if f.bytes+f.gapBytes == 0 {
			continue
		}
		offset := f.start
		if f.late {
			offset = min(offset, f.lateFrom)
		}
		l.merge(&lostFlow{conn: f.conn, dir: f.dir, from: h.tmin, to: h.tmax, offset: offset,
			bytes: f.bytes + f.gapBytes, gap: f.gapBytes, lines: f.lines + f.gapLines})
	}
}

// merge adds an entry to that of its direction, and says whether that is new.
func (l ledger) merge(more *lostFlow) bool {
	k := flowKey{more.conn, more.dir}
	f := l[k]
	if f == nil {
		n := *more
		l[k] = &n
		return true
	}
	f.grow(more)
	f.offset = min(f.offset, more.offset)
	return false
}

func (f *lostFlow) grow(more *lostFlow) {
	f.bytes, f.gap, f.lines = f.bytes+more.bytes, f.gap+more.gap, f.lines+more.lines
	f.from, f.to = min(f.from, more.from), max(f.to, more.to)
}

// addUp adds what some connections have lost to that of the newest of them, in each
// direction.
func (l ledger) addUp(some func(conn uint64) bool) {
	var newest [2]*lostFlow
	for k, f := range l {
		if n := &newest[k.dir-wire.S2C]; some(k.conn) && (*n == nil || (*n).conn < k.conn) {
			*n = f
		}
	}
	for k, f := range l {
		if n := newest[k.dir-wire.S2C]; n != f && some(k.conn) {
			n.grow(f)
			n.others += 1 + f.others
			delete(l, k)
		}
	}
}

// remove takes a block out again. What is left is taken to lie behind it.
func (l ledger) remove(h *blockHeader) {
	for i := range h.flows {
		f := &h.flows[i]
		if e := l[flowKey{f.conn, f.dir}]; e != nil {
			n := f.bytes + f.gapBytes
			e.bytes, e.gap, e.lines, e.offset = e.bytes-n, e.gap-f.gapBytes, e.lines-f.lines-f.gapLines, e.offset+n
			e.from = max(e.from, min(h.tmax, e.to))
		}
	}
}

// losses is what is not in the journal and is to be noted there as soon as it can
// be written.
type losses struct {
	any   atomic.Bool // there are some: asked for every record
	mu    sync.Mutex
	flows ledger
}

// add notes what is lost. It says how many notes are new, and what was lost that
// was not a gap already.
func (l *losses) add(lost ledger, reason string) (gaps int, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flows == nil {
		l.flows = ledger{}
	}
	for _, f := range lost {
		if f.bytes == 0 {
			continue
		}
		f.reason = reason
		if l.flows.merge(f) && f.bytes > f.gap {
			gaps++
		}
		bytes += f.bytes - f.gap
	}
	l.any.Store(len(l.flows) > 0)
	return gaps, bytes
}

// plainError leaves the path out of an error: it belongs to this machine, the
// journal goes elsewhere.
func plainError(err error) string {
	var p *fs.PathError
	switch {
	case errors.As(err, &p):
		return p.Err.Error()
	case errors.Is(err, ErrEmptyFile):
		return ErrEmptyFile.Error()
	}
	return err.Error()
}

// list is what was lost so far, in order.
func (l *losses) list() []lostFlow {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flows.sorted()
}

func (l ledger) sorted() []lostFlow {
	var out []lostFlow
	for _, f := range l {
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b lostFlow) int { return cmp.Or(cmp.Compare(a.conn, b.conn), cmp.Compare(a.dir, b.dir)) })
	return out
}

// addUp makes the losses of some connections few.
func (l *losses) addUp(some func(conn uint64) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flows.addUp(some)
}

// take gives what was lost, to be written down elsewhere; nil nearly always.
func (l *losses) take() []lostFlow {
	if !l.any.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.flows.sorted()
	l.flows = nil
	l.any.Store(false)
	return out
}
