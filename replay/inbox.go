package replay

import (
	"fmt"
	"net"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// starvedPause is how long a process that lacks something for another connection
// waits before it tries again.
const starvedPause = 50 * time.Millisecond

// message is what other goroutines have to tell.
type message struct {
	kind   messageKind
	peer   *peer
	socket *net.TCPConn
	piece  wire.Piece
	t      int64
	err    error
	fetch  int
	page   Page
}

type messageKind uint8

const (
	msgAccepted messageKind = iota
	msgPiece
	msgEnded    // a reader has come to its end
	msgWritable // a socket takes more
	msgFetched
	msgStarved // no more connections can be accepted for now
	msgFault   // the program can't go on
)

func (m *master) accept() {
	for {
		c, err := m.cfg.Listener.AcceptTCP()
		if isLocal(err) && !m.refusing.Load() {
			if !m.tell(message{kind: msgStarved, err: err}) {
				return
			}
			select {
			case <-time.After(starvedPause):
			case <-m.done:
				return
			}
			continue
		}
		if err != nil {
			if !m.refusing.Load() {
				m.tell(message{kind: msgFault, err: fmt.Errorf("accepting workers: %w", err)})
			}
			return
		}
		if !m.tell(message{kind: msgAccepted, socket: c}) {
			c.Close()
			return
		}
	}
}

func (m *master) take(msg message) {
	now := m.now()
	switch msg.kind {
	case msgAccepted:
		m.connected(now, msg.socket)
	case msgPiece:
		m.heard(now, msg.peer, msg.piece)
	case msgEnded:
		m.readerEnded(now, msg.peer, msg.err)
	case msgWritable:
		msg.peer.waiting = false
	case msgFetched:
		if msg.err != nil {
			m.s.Fail(now, msg.fetch, "Exception("+repr(msg.err.Error())+")")
		} else {
			m.s.Answer(now, msg.fetch, msg.page)
		}
	case msgStarved:
		m.run.LeftOut = leave(m.run.LeftOut, journal.LeftFailed, plainError(msg.err), 0)
	case msgFault:
		m.fault = msg.err
	}
	m.settle()
}
