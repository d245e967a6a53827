package journal

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"
)

// watch says since when the one goroutine that it belongs to waits for the disk,
// and for what. A disk that hangs holds that goroutine up for as long as it likes;
// others look here and at nothing that it may hold.
type watch struct {
	op atomic.Pointer[diskOp]
}

type diskOp struct {
	what, name string
	since      time.Time
}

// at notes that something is asked of the disk.
func (w *watch) at(what, path string) {
	w.op.Store(&diskOp{what, filepath.Base(path), time.Now()})
}

// done notes that nothing is any more.
func (w *watch) done() { w.op.Store(nil) }

// hang is the operation that has taken longer than limit, nil when there is none.
func (w *watch) hang(limit time.Duration) *HangError {
	op := w.op.Load()
	if op == nil || time.Since(op.since) < limit {
		return nil
	}
	return &HangError{What: op.what + " " + op.name, For: time.Since(op.since), op: op}
}

// HangError is a disk that does not answer.
type HangError struct {
	What string // what was asked of it
	For  time.Duration
	// Unwritten is how many bytes of traffic were not in the journal when its Writer
	// gave the disk up.
	Unwritten int64
	op        *diskOp
}

func (e *HangError) Error() string {
	text := fmt.Sprintf("the disk has not answered for %s (%s)", e.For.Round(time.Second/100), e.What)
	if e.Unwritten > 0 {
		text += fmt.Sprintf("; %d bytes of traffic that were passed on are not in the journal", e.Unwritten)
	}
	return text
}
