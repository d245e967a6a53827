package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"

	"repltap/wire"
)

// demoPeer plays one side of a recorded connection over a real socket, and
// compares every byte it gets with what that side got then.
type demoPeer struct {
	conn   *net.TCPConn
	script *script
	sends  wire.Direction
	other  *demoPeer // the far end, beyond the tap

	mu      sync.Mutex
	arrived *sync.Cond
	got     int
	done    bool // nothing more comes
	err     error
}

// newDemoPeers makes both ends of a connection.
func newDemoPeers(s *script, worker, master *net.TCPConn) (w, m *demoPeer) {
	w = &demoPeer{conn: worker, script: s, sends: wire.C2S}
	m = &demoPeer{conn: master, script: s, sends: wire.S2C}
	w.arrived, m.arrived = sync.NewCond(&w.mu), sync.NewCond(&m.mu)
	w.other, m.other = m, w
	return w, m
}

// play reads and writes until the connection has ended as the recorded one.
func (p *demoPeer) play() error {
	read := make(chan error, 1)
	go func() {
		err := p.read()
		p.finish(err)
		read <- err
	}()
	if err := p.write(); err != nil {
		p.conn.Close()
		<-read
		return err
	}
	err := <-read
	p.conn.Close()
	return err
}

// read compares what comes with what is expected, to the end.
func (p *demoPeer) read() error {
	want := p.script.whole[opposite(p.sends)]
	buf := make([]byte, 64<<10)
	for at := 0; ; {
		n, err := p.conn.Read(buf)
		if at+n > len(want) || !bytes.Equal(buf[:n], want[at:at+n]) {
			return fmt.Errorf("%s: the %s got other bytes than were sent, after byte %d", p.script.name, p.who(), at)
		}
		at += n
		p.count(n)
		if err == nil {
			continue
		}
		if at < len(want) {
			return fmt.Errorf("%s: the %s got %d of %d bytes: %w", p.script.name, p.who(), at, len(want), err)
		}
		return p.endOK(err)
	}
}

// endOK says whether the connection ended for this side as it had to.
func (p *demoPeer) endOK(err error) error {
	reset := p.script.end == "reset_c2s"
	switch {
	case reset && p.sends == wire.C2S: // it was this side's own doing
		return nil
	case reset && !errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("%s: the worker's reset came to the master as %q", p.script.name, err)
	case !reset && !errors.Is(err, io.EOF):
		return fmt.Errorf("%s: the orderly end came to the %s as %q", p.script.name, p.who(), err)
	}
	return nil
}

func (p *demoPeer) who() string { return sender(p.sends) }

// count notes that n more bytes came.
func (p *demoPeer) count(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got += n
	p.arrived.Broadcast()
}

// finish notes that nothing more will come.
func (p *demoPeer) finish(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.err = true, err
	p.arrived.Broadcast()
}

// await blocks until n bytes have come.
func (p *demoPeer) await(n int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.got < n && !p.done {
		p.arrived.Wait()
	}
	if p.got < n {
		return fmt.Errorf("%s: the connection ended early: %w", p.script.name, errors.Join(p.err))
	}
	return nil
}

// write sends this side's part, each piece once all has come that it followed
// then, and ends as the recorded side did.
func (p *demoPeer) write() error {
	for _, step := range p.script.steps {
		if step.dir != p.sends {
			continue
		}
		if err := p.await(step.before); err != nil {
			return err
		}
		if _, err := p.conn.Write(step.data); err != nil {
			return fmt.Errorf("%s: %w", p.script.name, err)
		}
	}
	return p.end()
}

// end closes this side's sending. Who was not the first to do so waits for the
// other. A reset is sent when there is nothing on the way that it could destroy.
func (p *demoPeer) end() error {
	if err := p.await(len(p.script.whole[opposite(p.sends)])); err != nil {
		return err
	}
	first := p.script.end == "eof_s2c" && p.sends == wire.S2C || p.script.end != "eof_s2c" && p.sends == wire.C2S
	if !first {
		p.awaitEnd()
		return p.closeWrite()
	}
	if err := p.other.await(len(p.script.whole[p.sends])); err != nil {
		return err
	}
	if p.script.end == "reset_c2s" {
		p.conn.SetLinger(0)
		return p.conn.Close()
	}
	return p.closeWrite()
}

// closeWrite sends a FIN, or finds that a reset has made it pointless.
func (p *demoPeer) closeWrite() error {
	if err := p.conn.CloseWrite(); err != nil && p.script.end != "reset_c2s" {
		return err
	}
	return nil
}

func (p *demoPeer) awaitEnd() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.done {
		p.arrived.Wait()
	}
}
