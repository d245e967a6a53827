package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"repltap/wire"
)

// An import reads its files twice: once to see that all of it is good and which
// connections there are, and once to write the journal. So a bad line in the
// last file leaves no half an import behind. A file that is cut off is good up to
// there.

// planned is a file of which the first reading is done.
type planned struct {
	*source
	format format
	conns  []plannedConn // in order of appearance
	first  time.Time     // earliest time in it; of plain text the one of all lines
	clock  clockSurvey   // of a capture
	steps  []fileStep    // of its clock, in order
	cut    *cutError     // where it ends before its end; nil when it is whole
}

// plannedConn is what has to be known of a connection before its first line is
// written.
type plannedConn struct {
	key      string // "conn" as the file has it, "" when the file has none
	upstream string // address of the master, which captures tell after the opening
	lastLine int    // of the file, that is about it
}

// importPlanner does the first reading.
type importPlanner struct {
	progress    *progress
	done, total int64
}

func (p *importPlanner) plan(ctx context.Context, s *source) (*planned, error) {
	r, stop, err := s.reader()
	if err != nil {
		return nil, err
	}
	defer stop()
	pl := &planned{source: s}
	if pl.format, err = sniff(r); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	if pl.format == formatText {
		pl.conns = []plannedConn{{}}
		if pl.first = s.mtime; s.mtime.IsZero() {
			pl.first = time.Now()
		}
		// To the end, for what a broken compression would say.
		if _, err = io.Copy(io.Discard, r); err != nil && isCut(err) {
			pl.cut, err = &cutError{File: s.name, Why: cutBy(err)}, nil
		} else if err != nil {
			err = fmt.Errorf("%s: %w", s.name, err)
		}
		return pl, err
	}
	err = pl.scan(ctx, r, func() { p.progress.at(p.done+s.read, p.total) })
	if unit, ok := pl.clock.unit(); ok && err == nil {
		err = withHint(fmt.Errorf("%s: its times (\"t\") look like Unix %s", s.name, unit), "they have to be Unix nanoseconds, see repltap import --help")
	}
	return pl, err
}

// scan reads a capture to its end.
func (pl *planned) scan(ctx context.Context, r io.Reader, tick func()) error {
	c := newCaptureReader(pl.name, r)
	for {
		err := c.next()
		if errors.Is(err, io.EOF) {
			if len(pl.conns) == 0 {
				return fmt.Errorf("%s: there is no line in it", pl.name)
			}
			return nil
		}
		if errors.As(err, &pl.cut) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.conn == len(pl.conns) {
			pl.conns = append(pl.conns, plannedConn{key: connKey(c.line.Conn)})
		}
		pl.clock.see(c.number, c.conn, &c.line)
		pc := &pl.conns[c.conn]
		pc.lastLine = c.number
		if c.line.Event == "dialed" {
			pc.upstream = c.line.Peer
		}
		if c.number%1024 == 0 {
			tick()
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
}

// connKey is a connection's name in its file for people: 7, conn-7.jsonl.
func connKey(raw []byte) string { return string(bytes.Trim(raw, `"`)) }

// feed gives the lines of one planned file one after another.
type feed struct {
	pl    *planned
	first uint64 // journal's number of the file's first connection
	stop  func()
	order int

	capture *captureReader
	text    io.Reader
	at      int64      // time of the line at hand
	steps   []fileStep // of the clock that come later
	passed  []fileStep // that the line at hand is the first after
	shift   int64      // what they have taken out of the times so far
}

// openFeed starts the second reading. The feed is to be stopped, also after an
// error.
func openFeed(pl *planned, order int, first uint64) (*feed, error) {
	r, stop, err := pl.reader()
	if err != nil {
		return nil, err
	}
	f := &feed{pl: pl, first: first, stop: stop, order: order, steps: pl.steps}
	if pl.format == formatText {
		f.text, f.at = r, pl.first.UnixNano()
		return f, nil
	}
	f.capture = newCaptureReader(pl.name, r)
	return f, f.next()
}

// next goes on to the next line; io.EOF says that there is none.
func (f *feed) next() error {
	if f.capture == nil || f.pl.cut != nil && f.capture.good == f.pl.cut.Line {
		return io.EOF
	}
	if err := f.capture.next(); err != nil {
		return err
	}
	if f.capture.conn >= len(f.pl.conns) {
		return fmt.Errorf("%s changed while it was read", f.pl.name)
	}
	f.passed = nil
	for len(f.steps) > 0 && f.steps[0].line <= f.capture.number {
		f.passed = append(f.passed, f.steps[0])
		f.shift -= f.steps[0].by
		f.steps = f.steps[1:]
	}
	f.at = *f.capture.line.T + f.shift
	return nil
}

// textDirection is the direction of plain text: what --direction says, and the
// master's when it says nothing, since that is what nc shows.
func textDirection(d directionFlag) wire.Direction {
	if d == 0 {
		return wire.S2C
	}
	return wire.Direction(d)
}
