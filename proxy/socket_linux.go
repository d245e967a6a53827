package proxy

import "golang.org/x/sys/unix"

// tcpClose is the kernel's state of a connection that is no more.
const tcpClose = 7

// unsent is how much the peer's kernel has not acknowledged yet.
func (s *side) unsent() (n int) {
	s.raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return n
}

// unread is how much the peer has sent that the tap has not read yet.
func (s *side) unread() (n int) {
	s.raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
	return n
}

// segment is how much goes to the peer in one piece at most.
func (s *side) segment() (n int) {
	s.raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = int(info.Snd_mss)
		}
	})
	return n
}

// dead says that the kernel has given this connection up. After an orderly end
// in both directions it says so too.
func (s *side) dead() (dead bool) {
	err := s.raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		dead = err == nil && info.State == tcpClose
	})
	return dead || err != nil
}

// fault takes the error that the kernel holds for this socket.
func (s *side) fault() (err error) {
	s.raw.Control(func(fd uintptr) {
		if n, e := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); e == nil && n != 0 {
			err = unix.Errno(n)
		}
	})
	return err
}
