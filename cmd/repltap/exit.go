package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"repltap/journal"
)

// Exit statuses, which scripts rely on.
const (
	statusFine         = 0
	statusFailed       = 1
	statusUsage        = 2
	statusFound        = 3 // the work was done, and damage, gaps or findings were met
	statusInconclusive = 4
)

// exitStatus ends the program with a status and without a word, because all
// that is to be said has been said.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is a command line that asks for something that can't be.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usageErrorf(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// hintError is an error with advice on what to do about it.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// withHint adds advice to an error.
func withHint(err error, format string, args ...any) error {
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// finish turns what a command returned into an exit status, and says what went
// wrong in one sentence and a hint.
func (e *env) finish(name string, err error) int {
	var status exitStatus
	var usage *usageError
	switch {
	case err == nil, isClosedPipe(err):
		// Whoever read our output has seen enough (`| head`).
		return statusFine
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage):
		e.say("%s\n", e.message(name, err))
		e.say("  hint: %s\n", strings.TrimSpace("see repltap "+name)+" --help")
		return statusUsage
	}
	e.say("%s\n", e.message(name, err))
	if h := hintFor(err); h != "" {
		e.say("  hint: %s\n", h)
	}
	return statusFailed
}

// message is an error as a person sees it: whose it is, and nothing in it that
// a terminal would obey.
func (e *env) message(name string, err error) string {
	st := newStyle(e.colored(e.stderr))
	prefix := strings.TrimSpace("repltap " + name)
	return st.red + prefix + ":" + st.off + " " + safe(sentence(err))
}

// sentence is an error on one line. Of several that were joined each is said
// once.
func sentence(err error) string {
	var parts []string
	for line := range strings.Lines(plainError(err)) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(parts, line) {
			parts = append(parts, line)
		}
	}
	return strings.ReplaceAll(strings.Join(parts, "; "), context.Canceled.Error(), "interrupted")
}

// plainError words the errors of the system for people who don't read errno.
func plainError(err error) string {
	var path *fs.PathError
	if !errors.As(err, &path) || err.Error() != path.Error() {
		return err.Error()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%s does not exist", path.Path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("no permission to %s %s", path.Op, path.Path)
	}
	return fmt.Sprintf("can't %s %s: %v", path.Op, path.Path, path.Err)
}

// hintFor is the advice that goes with an error, "" when there is none.
func hintFor(err error) string {
	var hint *hintError
	var locked *journal.LockedError
	var newer *journal.NewerFormatError
	var not *journal.NotJournalError
	switch {
	case errors.As(err, &hint):
		return hint.hint
	case errors.As(err, &locked):
		return "give each recorder a journal directory of its own, or stop the other one first"
	case errors.As(err, &newer):
		return "read it with that version of repltap or a later one"
	case errors.As(err, &not), errors.Is(err, journal.ErrNoFiles), errors.Is(err, journal.ErrEmptyFile):
		return "a journal is a directory that repltap record or repltap import wrote, or one *.journal file of it"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk is full; make room on it"
	case errors.Is(err, syscall.EFBIG):
		return "the file size limit (ulimit -f) is too small"
	case errors.Is(err, syscall.EIO):
		return "the disk or the file system has a fault; the kernel's log says more"
	case errors.Is(err, fs.ErrPermission):
		return "run it as a user who may do that"
	case errors.Is(err, fs.ErrNotExist):
		return "check the spelling; relative paths are relative to " + workingDir()
	}
	return ""
}

func workingDir() string {
	if d, err := os.Getwd(); err == nil {
		return filepath.Clean(d)
	}
	return "the current directory"
}

// isClosedPipe says whether the reader of our output went away.
func isClosedPipe(err error) bool {
	var out *outputError
	return errors.As(err, &out) && errors.Is(err, syscall.EPIPE)
}

// outputError is an error of writing our output, as opposed to one of anything
// else that may be a pipe.
type outputError struct{ err error }

func (e *outputError) Error() string { return "can't write the output: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// panicked reports a fault of the program itself. A user can't do anything with
// a stack, but who mends it can, so it goes into a file.
func (e *env) panicked(p any, stack []byte) int {
	e.say("repltap: this is a fault in repltap itself: %v\n", p)
	f, err := os.CreateTemp("", "repltap-fault-*.txt")
	if err != nil {
		return statusFailed
	}
	defer f.Close()
	fmt.Fprintf(f, "%s\n%v\n\n%s", versionText(), p, stack)
	e.say("  hint: please report it with the details in %s\n", f.Name())
	return statusFailed
}
