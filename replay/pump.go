package replay

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// pump moves the bytes of one socket for the goroutine that owns the
// connection, the only one that calls it. Nothing is read and nothing written
// but what the owner asks for, one thing at a time each way: so it is the owner
// who decides when the peer meets a full buffer. What came of it is told in
// reports.
//
// A pump has two goroutines, which end with close or abort.
type pump struct {
	conn    *net.TCPConn
	raw     syscall.RawConn
	clock   *clock
	reports chan<- report
	over    chan struct{}
	group   sync.WaitGroup

	reads   chan int
	writes  chan []byte
	reading bool // a read was asked for and not reported
	writing bool // a write was
	stopped atomic.Bool
	untold  int // after the end: what the kernel took and no report said
}

// report is what became of one read or write.
type report struct {
	pump  *pump
	wrote bool
	data  []byte // that were read; valid until the next read is asked for
	n     int    // bytes that the kernel took
	err   error  // the end; io.EOF when the peer has no more to say
	t     int64
}

// readChunk is how much is read at once at most.
const readChunk = 64 << 10

// newPump starts a pump whose reports go to a channel, which may serve several.
// The channel has no buffer, so that none comes after the end.
func newPump(conn *net.TCPConn, clock *clock, reports chan<- report) (*pump, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	p := &pump{conn: conn, raw: raw, clock: clock, reports: reports,
		over: make(chan struct{}), reads: make(chan int, 1), writes: make(chan []byte, 1)}
	p.group.Go(p.read)
	p.group.Go(p.write)
	return p, nil
}

// askRead asks for one read of at most so many bytes, unless one is under way.
func (p *pump) askRead(most int) {
	if p.reading {
		return
	}
	p.reading = true
	p.stopped.Store(false)
	p.conn.SetReadDeadline(time.Time{})
	p.reads <- min(most, readChunk)
}

// stopReading has a read that is under way return with what it has, which may
// be nothing. What comes then stays with the kernel.
func (p *pump) stopReading() {
	if p.reading {
		p.stopped.Store(true)
		p.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// askWrite asks for one write, which may take a part. The bytes are not to be
// changed until it is reported.
func (p *pump) askWrite(b []byte) {
	p.writing = true
	p.writes <- b
}

// took notes a report of this pump, which the owner has got.
func (p *pump) took(r *report) {
	if r.wrote {
		p.writing = false
	} else {
		p.reading = false
	}
}

// close ends the connection as the end of a process does: orderly, unless
// something has come that was not read. Then it is a reset.
func (p *pump) close() {
	close(p.over)
	p.conn.Close()
	p.group.Wait()
}

// abort ends the connection with a reset.
func (p *pump) abort() {
	p.conn.SetLinger(0)
	p.close()
}

// tell hands a report over; false when there is nobody left to take it.
func (p *pump) tell(r report) bool {
	r.pump, r.t = p, p.clock.now()
	select {
	case p.reports <- r:
		return true
	case <-p.over:
		return false
	}
}

func (p *pump) read() {
	buf := make([]byte, readChunk)
	for {
		select {
		case most := <-p.reads:
			n, err := p.readOnce(buf[:most])
			if !p.tell(report{data: buf[:n], err: err}) {
				return
			}
		case <-p.over:
			return
		}
	}
}

func (p *pump) write() {
	for {
		select {
		case b := <-p.writes:
			n, err := writeOnce(p.raw, b)
			if !p.tell(report{wrote: true, n: n, err: err}) {
				p.untold = n
				return
			}
		case <-p.over:
			return
		}
	}
}

// readOnce waits until something can be read, and reads it, unless it is stopped. The
// deadline alone is not enough: what comes before the reader runs again would be read.
func (p *pump) readOnce(b []byte) (n int, err error) {
	waited := p.raw.Read(func(fd uintptr) bool {
		for !p.stopped.Load() {
			if n, err = syscall.Read(int(fd), b); err != syscall.EINTR {
				return err != syscall.EAGAIN
			}
		}
		n, err = 0, nil
		return true
	})
	switch {
	case errors.Is(waited, os.ErrDeadlineExceeded), waited == nil && p.stopped.Load() && n == 0:
		return 0, nil
	case waited != nil:
		return 0, waited
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// writeOnce waits until the kernel takes something, and gives it what it takes.
func writeOnce(raw syscall.RawConn, b []byte) (n int, err error) {
	waited := raw.Write(func(fd uintptr) bool {
		for {
			if n, err = syscall.Write(int(fd), b); err != syscall.EINTR {
				return err != syscall.EAGAIN
			}
		}
	})
	if waited != nil {
		return 0, waited
	}
	return max(n, 0), err
}

// howEnded is the end of a connection in the words of the journal.
func howEnded(err error) string {
	switch {
	case errors.Is(err, io.EOF):
		return "fin"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, syscall.ETIMEDOUT):
		return "timeout"
	}
	return "error"
}
