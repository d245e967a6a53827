package main

import (
	"io"
	"sync"
	"time"
)

// streamWriter gathers output into large writes and yet shows each piece soon:
// what has been waiting for streamDelay is written even when nothing follows.
type streamWriter struct {
	w     io.Writer
	mu    sync.Mutex
	buf   []byte
	err   error
	timer *time.Timer
	armed bool
}

const (
	streamBuffer = 64 << 10
	streamDelay  = 20 * time.Millisecond
)

func newStreamWriter(w io.Writer) *streamWriter {
	s := &streamWriter{w: w, buf: make([]byte, 0, streamBuffer+streamBuffer/2)}
	s.timer = time.AfterFunc(time.Hour, s.idle)
	s.timer.Stop()
	return s
}

// Write takes p; the error may be one of an earlier piece.
func (s *streamWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = append(s.buf, p...)
	if len(s.buf) >= streamBuffer {
		s.flushLocked()
	} else if !s.armed {
		s.armed = true
		s.timer.Reset(streamDelay)
	}
	return len(p), s.err
}

// idle is called by the timer, at most once per streamDelay.
func (s *streamWriter) idle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	s.flushLocked()
}

func (s *streamWriter) flushLocked() {
	if s.err == nil && len(s.buf) > 0 {
		_, s.err = s.w.Write(s.buf)
	}
	s.buf = s.buf[:0]
}

// Close writes what is held. It does not close what is below.
func (s *streamWriter) Close() error {
	s.timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushLocked()
	return s.err
}
