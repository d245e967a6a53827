package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"repltap/journal"
	"repltap/wire"
)

// Who ended something.
const (
	byWorker = "worker"
	byMaster = "master"
	byTap    = "tap"
)

// How a direction or a connection ended.
const (
	howFin      = "fin"      // orderly: the sender said that it was done
	howReset    = "reset"    // RST
	howTimeout  = "timeout"  // the peer is gone: nothing answers any more
	howError    = "error"    // anything else that the kernel reported
	howRefused  = "refused"  // the upstream could not be reached
	howShutdown = "shutdown" // the tap was told to stop
	howEnforced = "enforced" // the tap refused a line
	howClosed   = ""         // the tap closed the socket itself, for a reason noted elsewhere
)

var (
	allHows    = []string{howFin, howReset, howTimeout, howError, howRefused, howShutdown, howEnforced}
	allParties = []string{byWorker, byMaster, byTap}
)

// cause is how something ended, and by whom.
type cause struct {
	how, by string
	err     error // what the kernel said, when it was no fin
	t       int64 // of a fin: when it was read
	note    string
}

// howOf says what the end of a read or write means.
func howOf(err error) string {
	switch {
	case errors.Is(err, io.EOF):
		return howFin
	case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
		return howClosed
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return howReset
	case errors.Is(err, syscall.ETIMEDOUT):
		return howTimeout
	}
	return howError
}

// event is the cause as the journal has it.
func (c cause) event() journal.Event {
	ev := journal.Event{How: c.how, By: c.by, Note: c.note}
	if c.err != nil && c.how != howFin {
		ev.Error = c.err.Error()
	}
	return ev
}

// noDirection is that of what concerns a connection, or the recording, as a whole.
const noDirection wire.Direction = 0

// opposite is the other direction of the same connection.
func opposite(d wire.Direction) wire.Direction {
	if d == wire.S2C {
		return wire.C2S
	}
	return wire.S2C
}
