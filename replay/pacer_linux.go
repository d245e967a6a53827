package replay

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pacer wakes its owner at a time. Go's own timers are as exact as epoll's
// timeout, a millisecond; a timerfd is an event to epoll like any other, and
// comes within some tens of microseconds.
type pacer struct {
	C    chan struct{}
	file *os.File
	fd   int
	done chan struct{}
}

func newPacer() (*pacer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	p := &pacer{C: make(chan struct{}, 1), file: os.NewFile(uintptr(fd), "timerfd"), fd: fd, done: make(chan struct{})}
	go p.run()
	return p, nil
}

func (p *pacer) run() {
	defer close(p.done)
	var count [8]byte
	for {
		if _, err := p.file.Read(count[:]); err != nil {
			return
		}
		select {
		case p.C <- struct{}{}:
		default:
		}
	}
}

// in asks to be woken after d, instead of whatever was asked for before.
func (p *pacer) in(d time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(d, 1)))}
	unix.TimerfdSettime(p.fd, 0, &spec, nil) // only a bad argument fails
}

func (p *pacer) close() {
	p.file.Close()
	<-p.done
}
