package proxy

import (
	"os"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"repltap/wire"
)

// grace is how long a stalled reader keeps the tap from passing on that the
// sender has reset.
const grace = 500 * time.Millisecond

// copier moves one direction of one connection: read, stamp, write, hand over.
// It is one goroutine and has one chunk in hand, never more.
type copier struct {
	src, dst *side
	flow     *flow
	stall    *stallWatch
	moved    prometheus.Counter
	lost     prometheus.Counter
	stop     <-chan struct{} // ends waiting for the recorder
	gate     *gate           // of a connection that is enforced; else nil

	slab *slab
	used int // of the slab

	// The chunk in hand.
	chunk []byte
	t     int64
	rest  []byte // what of it is not written yet
	kept  bool   // the recorder has it
	err   error  // of the write

	undelivered int64

	// With a gate.
	held int  // bytes before used that are the beginning of a line and not written
	cut  bool // what was written ends inside a line
}

// ending is how a copier came to its end.
type ending struct {
	copier *copier
	at     *side // whose socket brought the end: src was read from, dst written to
	cause  cause

	refused *wire.Refusal // why the gate ended it
}

// run copies until one of the sockets ends it.
func (c *copier) run() ending {
	c.slab = newSlab()
	defer func() { c.slab.release(); c.stall.close() }()
	write := c.writeSome // made once: a method value is an allocation
	for {
		n, err := c.src.conn.Read(c.room())
		if n > 0 {
			c.take(n)
			if err := c.forward(write); err != nil {
				return c.writeEnded(err)
			}
		}
		if err != nil {
			return c.readEnded(err)
		}
	}
}

// room is where the next read goes.
func (c *copier) room() []byte {
	if len(c.slab.buf)-c.used < minRead {
		c.slab.release()
		c.slab, c.used = newSlab(), 0
	}
	return c.slab.buf[c.used:min(len(c.slab.buf), c.used+maxRead)]
}

// take makes what a read brought the chunk in hand.
func (c *copier) take(n int) {
	c.t = c.flow.arrived()
	end := c.used + n
	c.chunk = c.slab.buf[c.used:end:end]
	c.used = end
	c.rest, c.kept, c.err = c.chunk, false, nil
}

// forward writes the chunk and then, unless that was done while the write had
// to wait, hands it to the recorder.
func (c *copier) forward(write func(uintptr) bool) error {
	if c.src.failed.Load() {
		c.dst.allow(grace)
	}
	n := len(c.rest)
	err := c.dst.raw.Write(write)
	if err == nil {
		err = c.err
	}
	if c.stall.on {
		c.stall.done()
	}
	c.keep()
	c.moved.Add(float64(n - len(c.rest)))
	return err
}

func (c *copier) keep() {
	if !c.kept {
		c.kept = true
		c.flow.keep(c.t, c.chunk, c.slab, c.stop)
	}
}

// writeSome writes without waiting; false asks to be called again when the
// socket takes more.
func (c *copier) writeSome(fd uintptr) bool {
	for len(c.rest) > 0 {
		n, err := syscall.Write(int(fd), c.rest)
		if n > 0 {
			c.rest = c.rest[n:]
			if c.stall.on {
				c.stall.wrote(n)
			}
		}
		switch err {
		case nil, syscall.EINTR:
		case syscall.EAGAIN:
			c.stalled()
			return false
		default:
			c.err = os.NewSyscallError("write", err)
			return true
		}
	}
	return true
}

// stalled is called when the peer does not take what is in hand. The recorder
// gets it now: it may take minutes until this copier comes back, and what the
// other direction brings meanwhile came later. The wait is a stall if it lasts.
func (c *copier) stalled() {
	c.keep()
	c.stall.wait()
	if c.src.failed.Load() {
		c.dst.allow(grace)
	}
}

// readEnded passes an end of file on, and tells the recorder after that, as
// with everything that was read.
func (c *copier) readEnded(err error) ending {
	t, how := c.flow.arrived(), howOf(err)
	if how == howFin && c.src.dead() && !c.src.finSent.Load() {
		// The other copier wrote to a reset socket and got the error that this
		// one would have got: the kernel tells it only once. An orderly end leaves
		// the socket alive until the tap has sent its own.
		how, err = howReset, syscall.ECONNRESET
	}
	if how == howFin {
		c.dst.finish()
	}
	end := cause{how: how, by: c.src.party, err: err, t: t}
	c.flow.end(t, end)
	return ending{copier: c, at: c.src, cause: end}
}

// writeEnded also looks after the sender's last words: where it was the sender
// who reset, what the kernel still has of it is for the record. There is an end
// to that, as nothing more can arrive.
func (c *copier) writeEnded(err error) ending {
	c.undelivered += int64(len(c.rest))
	if c.src.failed.Load() && c.src.dead() {
		c.lastWords()
	}
	c.lost.Add(float64(c.undelivered))
	c.flow.end(c.flow.arrived(), cause{how: howClosed})
	return ending{copier: c, at: c.dst, cause: cause{how: howOf(err), by: c.dst.party, err: err}}
}

func (c *copier) lastWords() {
	for {
		n, err := c.src.conn.Read(c.room())
		if n > 0 {
			c.take(n)
			c.keep()
			c.undelivered += int64(n)
		}
		if err != nil {
			return
		}
	}
}
