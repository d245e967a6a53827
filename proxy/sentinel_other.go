//go:build !linux

package proxy

import "syscall"

// sentinel is for Linux only; elsewhere a reset is noticed when something is
// read from the socket or written to it.
type sentinel struct{ done chan struct{} }

func newSentinel() (*sentinel, error) { return &sentinel{make(chan struct{})}, nil }

func (s *sentinel) watch(syscall.RawConn, func()) func() { return func() {} }

func (s *sentinel) run() { <-s.done }

func (s *sentinel) close() { close(s.done) }
