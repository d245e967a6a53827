package replay

import "golang.org/x/sys/unix"

// unread is how much a peer has sent that was not read.
func (p *peer) unread() (n int) {
	p.raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
	return n
}

// unsent is how much the kernel holds that the peer's has not acknowledged.
func (p *peer) unsent() (n int) {
	p.raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return n
}

// writable says whether the kernel would take something just now.
func writable(fd uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(fds, 0)
	return n > 0 || err != nil
}
