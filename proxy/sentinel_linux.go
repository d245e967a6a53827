package proxy

import (
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// sentinel notices resets that no copier would: of a side that has ended its
// sending, so that nobody reads from it any more, and of a sender whose copier
// waits for a stalled reader. It is one goroutine for the whole tap, with an
// epoll of its own that asks for nothing but errors: traffic never wakes it.
type sentinel struct {
	fd   int
	file *os.File // the same, for Go's own poller to wait on
	raw  syscall.RawConn

	mu      sync.Mutex
	watched map[uint64]func()
	last    uint64
}

func newSentinel() (*sentinel, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	s := &sentinel{fd: fd, file: os.NewFile(uintptr(fd), "sentinel"), watched: map[uint64]func(){}}
	s.raw, err = s.file.SyscallConn()
	return s, err
}

// watch has alarm called when the socket fails, from the sentinel's goroutine:
// it must not block. The kernel forgets a socket when it is closed; forget
// does the same for alarm. A socket that can't be watched is not: its reset is
// then noticed when something is read from it or written to it.
func (s *sentinel) watch(raw syscall.RawConn, alarm func()) (forget func()) {
	s.mu.Lock()
	s.last++
	id := s.last
	s.watched[id] = alarm
	s.mu.Unlock()
	// Events are known by number, not by descriptor, since the kernel gives
	// descriptors out again.
	ev := unix.EpollEvent{Events: unix.EPOLLET, Fd: int32(id), Pad: int32(id >> 32)}
	raw.Control(func(fd uintptr) { unix.EpollCtl(s.fd, unix.EPOLL_CTL_ADD, int(fd), &ev) })
	return func() {
		s.mu.Lock()
		delete(s.watched, id)
		s.mu.Unlock()
	}
}

// run returns after close.
func (s *sentinel) run() {
	events := make([]unix.EpollEvent, 64)
	for {
		var n int
		err := s.raw.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), events, 0)
			return n > 0
		})
		if err != nil {
			return
		}
		for _, ev := range events[:max(n, 0)] {
			if ev.Events&unix.EPOLLERR != 0 { // EPOLLHUP alone is an orderly end
				s.alarm(uint64(uint32(ev.Fd)) | uint64(uint32(ev.Pad))<<32)
			}
		}
	}
}

func (s *sentinel) alarm(id uint64) {
	s.mu.Lock()
	alarm := s.watched[id]
	s.mu.Unlock()
	if alarm != nil {
		alarm()
	}
}

func (s *sentinel) close() { s.file.Close() }
