package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
)

// maxCheckedLine is how much of a line is held. Over TCP no line is longer than
// 16 KiB; messages over Redis may be, up to Redis's own limits.
const maxCheckedLine = 16 << 20

// lineReader reads lines of any length in bounded memory.
type lineReader struct {
	r   *bufio.Reader
	buf []byte
}

// next gives a line with its newline, if it has one, up to maxCheckedLine, and
// its whole length. It is valid until the next call.
func (l *lineReader) next() (line []byte, length int64, err error) {
	l.buf = l.buf[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		length += int64(len(part))
		switch {
		case err == nil && length == int64(len(part)):
			return part, length, nil // nearly always: no copy
		case len(l.buf) < maxCheckedLine:
			l.buf = append(l.buf, part[:min(len(part), maxCheckedLine-len(l.buf))]...)
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && length > 0:
			return l.buf, length, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, 0, err
		}
	}
}

// interruptible reads from what may never have anything to read, such as a
// terminal, until the command is to end.
type interruptible struct {
	ctx  context.Context
	r    io.Reader
	rest bytes.Reader
	buf  [64 << 10]byte
}

func (i *interruptible) Read(p []byte) (int, error) {
	if i.rest.Len() > 0 {
		return i.rest.Read(p)
	}
	type result struct {
		n   int
		err error
	}
	read := make(chan result, 1)
	go func() {
		n, err := i.r.Read(i.buf[:])
		read <- result{n, err}
	}()
	select {
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	case got := <-read:
		i.rest.Reset(i.buf[:got.n])
		n, _ := i.rest.Read(p)
		if i.rest.Len() > 0 {
			return n, nil // an error will come again
		}
		return n, got.err
	}
}
