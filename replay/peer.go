package replay

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// peer is a worker's connection. Its fields are the owner's, but for the sockets
// and what a reader has for itself.
type peer struct {
	m    *master
	id   int
	conn uint64 // in the run's journal
	sock *net.TCPConn
	raw  syscall.RawConn

	name     string
	plays    *Recorded // nil as long as that is open
	asked    bool
	askedAt  int64
	early    bool         // its recorded connection has not asked yet
	asks     [][]byte     // what it has asked for since
	answered bool         // an ask of it has been taken in
	deferred []wire.Piece // what waits for a group to end

	link    linkState
	hold    *hold
	mute    bool // nothing that its worker says arrives
	deaf    bool // and nothing arrives at its worker, after what it has been sent
	gaveUp  bool // its worker has said ERROR
	waiting bool // a goroutine waits for the kernel to take more

	closing  bool // it reads no more
	orderly  bool // its recorded connection ended, with nothing lost: what it says meanwhile is read
	farewell int64
	gone     bool

	sent     int64
	ackedAt  int64 // since when the worker's kernel has all of it, 0 when it has not
	spokeAt  int64 // when its last line came
	read     atomic.Int64
	reading  bool
	last     note // of the close, which follows what the reader still has
	lastLine lastLine
	note     string
	dying    int64 // till when a reset waits for the worker to have what was sent, 0 before
	pausedAt int64
	shown    shownSample
	lag      int64 // the largest since the last sample
	stats    Connection
}

// hold is a link that lets nothing out; see master.fit.
type hold struct {
	tip   bool
	until int64  // of a connection that is to be reset: when at the latest
	part  []byte // and what it is to get before that
}

type shownSample struct {
	at       int64
	queue    int
	unsent   int
	position uint64
}

func (m *master) connected(now int64, c *net.TCPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		c.Close()
		return
	}
	m.lastID++
	p := &peer{m: m, id: m.lastID, conn: m.notes.conn(m.lastID), sock: c, raw: raw, reading: true}
	p.link.Link = m.cfg.Link
	p.stats = Connection{Conn: p.conn, Peer: c.RemoteAddr().String(), Opened: now - m.anchor}
	m.peers[p.id] = p
	m.byNumb = append(m.byNumb, p)
	m.notes.add(note{t: now, conn: p.conn, kind: journal.KindOpen, event: journal.Event{
		Peer: c.RemoteAddr().String(), Upstream: c.LocalAddr().String(),
	}})
	m.s.Connect(now, p.id)
	m.task(p.readAll)
}

// readAll is the reader's goroutine. It ends when the connection does, or when
// the owner has closed it and nothing more is to be read.
func (p *peer) readAll() {
	var split wire.Splitter
	var offset int64
	buf := make([]byte, 16<<10)
	for {
		n, err := p.sock.Read(buf)
		now := p.m.now()
		if n > 0 {
			data := bytes.Clone(buf[:n])
			p.m.notes.add(note{t: now, conn: p.conn, dir: wire.C2S, data: data, offset: offset})
			offset += int64(n)
			p.read.Store(offset)
			for piece := range split.Split(data) {
				if piece.Kind == wire.PiecePartial {
					continue
				}
				piece.Text = bytes.Clone(piece.Text)
				if !p.m.tell(message{kind: msgPiece, peer: p, piece: piece, t: now}) {
					return
				}
			}
		}
		if err != nil {
			p.m.tell(message{kind: msgEnded, peer: p, err: err})
			return
		}
	}
}

// stopReading leaves what comes from now on unread, as Synapse does: closing the
// socket then resets it.
func (p *peer) stopReading() { p.sock.SetReadDeadline(time.Unix(1, 0)) }

func (m *master) readerEnded(now int64, p *peer, err error) {
	p.reading = false
	switch {
	case p.gone:
		m.closed(p)
	case errors.Is(err, os.ErrDeadlineExceeded):
	case errors.Is(err, io.EOF) && p.farewell != 0:
		m.gone(p, ending{how: "fin", by: "master", note: p.note})
	case errors.Is(err, io.EOF):
		m.notes.add(note{t: now, conn: p.conn, dir: wire.C2S, kind: journal.KindEOF, event: journal.Event{How: "fin", By: "worker"}})
		m.gone(p, ending{how: "fin", by: "worker"})
	case errors.Is(err, syscall.ECONNRESET):
		m.notes.add(note{t: now, conn: p.conn, dir: wire.C2S, kind: journal.KindEOF, event: journal.Event{How: "reset", By: "worker"}})
		m.gone(p, ending{how: "reset", by: "worker"})
	default:
		m.gone(p, ending{how: "error", by: "worker", err: err.Error()})
	}
}

// writeNow offers data to the kernel and says how much it took. Full says that it
// has no room for more just now.
func writeNow(raw syscall.RawConn, data []byte) (n int, full bool, err error) {
	cerr := raw.Write(func(fd uintptr) bool {
		for n < len(data) {
			k, e := syscall.Write(int(fd), data[n:])
			n += max(k, 0)
			switch e {
			case nil, syscall.EINTR:
			case syscall.EAGAIN:
				full = true
				return true
			default:
				err = os.NewSyscallError("write", e)
				return true
			}
		}
		return true
	})
	if err == nil {
		err = cerr
	}
	return n, full, err
}

// readNow reads what has come, without waiting. 0 says that there is nothing.
func readNow(raw syscall.RawConn, buf []byte) (n int) {
	raw.Read(func(fd uintptr) bool {
		n, _ = syscall.Read(int(fd), buf)
		return true
	})
	return n
}

// await has the owner told when the kernel takes more.
func (p *peer) await() {
	p.waiting = true
	p.m.task(func() {
		// An error is the reader's to tell.
		p.raw.Write(writable)
		p.m.tell(message{kind: msgWritable, peer: p})
	})
}

// out writes data as far as the kernel takes it, and notes what it took.
func (p *peer) out(data []byte) (n int) {
	n, full, err := writeNow(p.raw, data)
	if n > 0 {
		took := bytes.Clone(data[:n])
		p.m.notes.add(note{t: p.m.now(), conn: p.conn, dir: wire.S2C, data: took, offset: p.sent})
		p.sent += int64(n)
		if !isPing(took) {
			p.ackedAt = 0
		}
		p.m.result.Bytes += int64(n)
		p.m.idle = p.m.now()
		p.lastLine.see(took)
	}
	switch {
	case err != nil:
		how := "error"
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
			how = "reset"
		}
		p.m.gone(p, ending{how: how, by: "worker", err: err.Error()})
	case full:
		p.await()
	}
	return n
}

// lastLine is the last whole line that the kernel took.
type lastLine struct {
	line []byte
	tail []byte // what of a line came after it
}

func (l *lastLine) see(data []byte) {
	end := bytes.LastIndexByte(data, '\n')
	if end < 0 {
		l.tail = append(l.tail, data...)
		return
	}
	if begin := bytes.LastIndexByte(data[:end], '\n'); begin >= 0 {
		l.line = append(l.line[:0], data[begin+1:end]...)
	} else {
		l.line = append(append(l.line[:0], l.tail...), data[:end]...)
	}
	l.tail = append(l.tail[:0], data[end+1:]...)
}

// ready: it has asked for what it wants.
func (p *peer) ready(now int64) bool {
	if !p.asked || p.ending() || p.m.s.has&traitSubscribes == 0 {
		return p.asked && !p.ending()
	}
	_, connecting := p.m.s.Subscribed(p.id)
	return len(connecting) == 0 && now-p.askedAt >= quietAfter
}

// ending: it is being closed, or gone.
func (p *peer) ending() bool {
	out := p.m.s.Outbox(p.id)
	return out == nil || out.Closing()
}

// next is when there is something to do for it.
func (p *peer) next(now int64) (int64, bool) {
	at, ok := int64(0), false
	first := func(t int64) {
		if !ok || t < at {
			at, ok = t, true
		}
	}
	if p.asked && now-p.askedAt < quietAfter {
		first(p.askedAt + quietAfter)
	}
	if t, due := p.link.next(now, p.m.since(now)); due && !p.waiting {
		first(t)
	}
	if p.m.settling != 0 || p.farewell != 0 || p.closing || p.dying != 0 || p.hold != nil && p.hold.until != 0 {
		first(now + int64(10*time.Millisecond))
	}
	return at, ok
}
