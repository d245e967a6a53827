package proxy

import (
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"repltap/wire"
)

// socketBuffer is what the kernel is asked to hold at most for each direction
// of each socket of the tap (Linux doubles it for its own bookkeeping). See
// the package comment for what follows from it.
const socketBuffer = 128 << 10

// Buffering is what the tap can hold of one direction of one connection at
// most, when the reader has stopped: the kernel's receive buffer on one side,
// its send buffer on the other, and the chunk in hand. What is on loopback may
// be a segment more.
const Buffering = 2*socketBuffer + 2*socketBuffer + maxRead

// keepAlive finds a peer whose machine is gone within about 90 seconds. A
// worker or master that is merely frozen is not taken for dead: its kernel
// answers.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 6}

// listenConfig asks for the buffers before the socket listens, and the dialer
// before it connects, because the window's scale is settled with the SYN.
// Multipath TCP, which Go offers for listeners by itself, is left out: its
// sockets end otherwise than those of the peers.
func listenConfig() net.ListenConfig {
	lc := net.ListenConfig{Control: smallBuffers, KeepAliveConfig: keepAlive}
	lc.SetMultipathTCP(false)
	return lc
}

func dialer() net.Dialer {
	return net.Dialer{Control: smallBuffers, KeepAliveConfig: keepAlive, Timeout: dialTimeout}
}

func smallBuffers(_, _ string, raw syscall.RawConn) error {
	var err error
	set := func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, socketBuffer)
		if err == nil {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, socketBuffer)
		}
	}
	if cerr := raw.Control(set); cerr != nil {
		return cerr
	}
	return err
}

// side is one of a connection's two sockets.
type side struct {
	party string         // byWorker or byMaster
	sends wire.Direction // the direction of what is read from it
	conn  *net.TCPConn
	raw   syscall.RawConn
	// finSent says that the tap has ended its sending to this side.
	finSent atomic.Bool
	// failed says that this side is dead, as far as is known.
	failed atomic.Bool
	// alarmed says that the sentinel has said so.
	alarmed atomic.Bool
}

func newSide(party string, sends wire.Direction, conn *net.TCPConn) (*side, error) {
	raw, err := conn.SyscallConn()
	return &side{party: party, sends: sends, conn: conn, raw: raw}, err
}

// finish passes on an end of file.
func (s *side) finish() {
	s.finSent.Store(true)
	s.conn.CloseWrite() // fails if the peer is gone, which its reader will see
}

// abort passes on a reset.
func (s *side) abort() {
	s.conn.SetLinger(0)
	s.conn.Close()
}

// allow gives a write that has to wait this long from now.
func (s *side) allow(d time.Duration) { s.conn.SetWriteDeadline(time.Now().Add(d)) }

// drained waits until the peer's kernel has all that was written to it, as
// long as it goes on taking it. A socket that is reset forgets what it has not
// sent yet, and what was read before a reset is to arrive before it.
func (s *side) drained(patience time.Duration, stop <-chan struct{}) {
	poll := time.NewTicker(drainPoll)
	defer poll.Stop()
	last, giveUp, end := -1, time.Time{}, time.Now().Add(drainLimit)
	for {
		unsent := s.unsent()
		if unsent <= 0 || s.dead() {
			return
		}
		now := time.Now()
		if unsent != last {
			last, giveUp = unsent, now.Add(patience)
		}
		if now.After(giveUp) || now.After(end) {
			return
		}
		select {
		case <-poll.C:
		case <-stop:
			return
		}
	}
}

const (
	drainPoll  = time.Millisecond // the kernel has no event for this
	drainLimit = 5 * time.Second
)
