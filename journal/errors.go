package journal

import (
	"errors"
	"fmt"
	"io/fs"
)

// ErrEmptyFile is a file of no bytes where a journal file was expected.
var ErrEmptyFile = errors.New("the file is empty")

// ErrNoFiles is a directory in which there is no journal file.
var ErrNoFiles = errors.New("there is no journal file (*.journal) in this directory")

// NotJournalError is a file that is something else.
type NotJournalError struct {
	Path string
	What string // what it is, as far as can be told
}

func (e *NotJournalError) Error() string {
	return fmt.Sprintf("%s is not a repltap journal: %s", e.Path, e.What)
}

// NewerFormatError is a journal of a format that this program does not know.
type NewerFormatError struct {
	Path         string
	Format, Mine int
	Program      string // what wrote it
}

func (e *NewerFormatError) Error() string {
	return fmt.Sprintf("%s has journal format %d, written by %s; this program reads formats up to %d", e.Path, e.Format, e.Program, e.Mine)
}

// SilentRecorderError is a journal whose recorder is there and does not answer:
// it was stopped, or its disk hangs. What is on disk is read without it.
type SilentRecorderError struct{ Dir string }

func (e *SilentRecorderError) Error() string {
	return fmt.Sprintf("whoever records into %s does not answer; what it had written was read", e.Dir)
}

// UnwrittenError is traffic that a recorder has forwarded and can't write, or
// could not until it was killed.
type UnwrittenError struct {
	Bytes  int64
	Reason string
}

func (e *UnwrittenError) Error() string {
	return fmt.Sprintf("%d bytes that the recorder has forwarded could not be written to the journal (%s)", e.Bytes, e.Reason)
}

// RemovedError is a part of a journal that retention removed before it was read:
// a follower was too slow, or a long reading began with the oldest file.
type RemovedError struct {
	First, Last         uint64 // records, both of them removed
	FirstFile, LastFile string // base names
	From, To            int64  // times of the records before and after, Unix nanoseconds; 0 when not known
	Bytes               int64  // of the connections that go on after it; there may have been others
}

func (e *RemovedError) Error() string { return e.Record().Event.Reason }

// Record is the error as a record that stands in the journal's order where the
// records are missing.
func (e *RemovedError) Record() *Record {
	what := fmt.Sprintf("records %d to %d", e.First, e.Last)
	if e.First == e.Last {
		what = fmt.Sprintf("record %d", e.First)
	}
	files := e.FirstFile
	if e.LastFile > e.FirstFile {
		files += " to " + e.LastFile
	}
	return &Record{Seq: e.First, Time: e.From, Kind: KindGap, Event: &Event{Bytes: e.Bytes, Lines: -1, From: e.From, To: e.To, First: e.First, Last: e.Last,
		Reason: fmt.Sprintf("%s (%s) were removed by retention (--max-size, --max-age) before they were read", what, files)}}
}

// UnreadableError is a file that the system does not let us read: for lack of a
// permission, or for a fault of the disk. That says nothing about what is in it.
type UnreadableError struct {
	Path string
	Err  error
}

func (e *UnreadableError) Error() string {
	if errors.Is(e.Err, fs.ErrPermission) {
		return "no permission to read " + e.Path
	}
	return fmt.Sprintf("%s can't be read: %s", e.Path, plainError(e.Err))
}

func (e *UnreadableError) Unwrap() error { return e.Err }

// IsPartial says whether an error that came in reading is about a part of the
// journal only, so that reading goes on after it.
func IsPartial(err error) bool {
	var damage *DamageError
	var newer *NewerFormatError
	var not *NotJournalError
	var silent *SilentRecorderError
	var unwritten *UnwrittenError
	var removed *RemovedError
	return errors.As(err, &removed) || errors.As(err, &damage) || errors.As(err, &newer) || errors.As(err, &not) || errors.As(err, &silent) || errors.As(err, &unwritten)
}

// LockedError is a journal directory that another process is writing into.
type LockedError struct{ Dir string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("another process is recording into %s", e.Dir)
}

// DamageError is a part of a journal that can't be read as it was written.
// Reading goes on after it.
type DamageError struct {
	File  string // base name
	Seq   uint64 // first record of the damaged block, 0 when it is no block or unknown
	Block bool   // a block is lost; otherwise something around the blocks
	// Offset is where in the file, in bytes.
	Offset int64
	Err    error
}

func (e *DamageError) Error() string {
	if e.Block && e.Seq > 0 {
		return fmt.Sprintf("%s: block of record %d at byte %d is damaged: %v", e.File, e.Seq, e.Offset, e.Err)
	}
	return fmt.Sprintf("%s: damaged at byte %d: %v", e.File, e.Offset, e.Err)
}

func (e *DamageError) Unwrap() error { return e.Err }
