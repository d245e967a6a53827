package replay

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// unread is how much has come over a connection that was not read.
func unread(raw syscall.RawConn) (n int) {
	raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
	return n
}

// unsent is how much the kernel holds that the peer's has not acknowledged.
func (p *peer) unsent() (n int) {
	p.raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return n
}

// peerEnded says whether the peer has ended its sending, read or not.
func peerEnded(raw syscall.RawConn) (ended bool) {
	raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(fds, 0)
		ended = err == nil && n > 0 && fds[0].Revents&unix.POLLRDHUP != 0
	})
	return ended
}

// writable says whether the kernel would take something just now.
func writable(fd uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(fds, 0)
	return n > 0 || err != nil
}
