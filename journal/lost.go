package journal

import (
	"errors"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"

	"repltap/wire"
)

// lostFlow is bytes of one direction that could not be written.
type lostFlow struct {
	conn                   uint64
	dir                    wire.Direction
	bytes, lines, from, to int64
	offset                 int64
	reason                 string
}

// losses is what could not be written and is to be noted in the journal as soon
// as that works again.
type losses struct {
	any   atomic.Bool // there are some: asked for every record
	mu    sync.Mutex
	flows []lostFlow
}

// add notes the bytes of a block that could not be written. There is one note a
// direction, so however long the disk fails they stay few. It says how many
// notes are new, and what was lost that was not a gap already.
func (l *losses) add(h *blockHeader, err error) (gaps int, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range h.flows {
		f := &h.flows[i]
		if f.bytes+f.gapBytes == 0 {
			continue
		}
		offset := f.start
		if f.late {
			offset = min(offset, f.lateFrom)
		}
		lost := l.of(f.conn, f.dir)
		if lost == nil {
			l.flows = append(l.flows, lostFlow{conn: f.conn, dir: f.dir, from: h.tmin, to: h.tmax, offset: offset, reason: "write failed: " + plainError(err)})
			lost = &l.flows[len(l.flows)-1]
			if f.bytes > 0 { // else it was a gap already
				gaps++
			}
		}
		bytes += f.bytes
		lost.bytes += f.bytes + f.gapBytes
		lost.lines += f.lines + f.gapLines
		lost.from, lost.to, lost.offset = min(lost.from, h.tmin), max(lost.to, h.tmax), min(lost.offset, offset)
	}
	l.any.Store(len(l.flows) > 0)
	return gaps, bytes
}

func (l *losses) of(conn uint64, dir wire.Direction) *lostFlow {
	for i := range l.flows {
		if l.flows[i].conn == conn && l.flows[i].dir == dir {
			return &l.flows[i]
		}
	}
	return nil
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

// list is what was lost so far.
func (l *losses) list() []lostFlow {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.flows)
}

// take gives what was lost, to be written down elsewhere; nil nearly always.
func (l *losses) take() []lostFlow {
	if !l.any.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	flows := l.flows
	l.flows = nil
	l.any.Store(false)
	return flows
}
