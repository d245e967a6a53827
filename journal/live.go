package journal

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"repltap/wire"
)

// While a file is being written nobody else can read it, so its blocks are asked
// for at the writer's socket. A request is one line of JSON; the answer is
// frames: a kind byte, a length (u32, little endian) and as many bytes.
//
//	{"op":"hello"}                              -> hello, end
//	{"op":"read","file":3,"after":1200}         -> connections, blocks …, end
//	{"op":"read","file":3,"after":0,"follow":true}  the same, and goes on until the file is finished
//
// Before a read is answered all that was recorded by then is written.
const (
	socketName   = "recorder.sock"
	frameHello   = 'h' // JSON of liveHello
	frameConn    = 'c' // JSON of a connInfo that is new or has changed
	frameBlock   = 'b' // a block as it is in the file
	frameEnd     = 'e' // nothing more: JSON of liveEnd
	maxReaders   = 64
	blocksAtOnce = 4 // are in memory for a reader
)

type liveRequest struct {
	Op     string `json:"op"`
	File   uint64 `json:"file,omitempty"`
	After  uint64 `json:"after,omitempty"`
	Follow bool   `json:"follow,omitempty"`
}

type liveHello struct {
	File   uint64     `json:"file"` // 0: none is open right now
	Header fileHeader `json:"header"`
	Lost   []liveLost `json:"lost,omitempty"`
}

// liveLost is what could not be written so far, of one direction.
type liveLost struct {
	Conn  uint64         `json:"conn"`
	Dir   wire.Direction `json:"dir"`
	Event *Event         `json:"event"`
}

func liveLosses(flows []lostFlow) (out []liveLost) {
	for _, l := range flows {
		out = append(out, liveLost{l.conn, l.dir, l.event()})
	}
	return out
}

type liveEnd struct {
	// Finished says that the file asked for is not open any more: it can be read
	// by itself.
	Finished bool   `json:"finished"`
	Error    string `json:"error,omitempty"`
}

// server answers readers of the open file.
type server struct {
	s    *store
	ln   net.Listener // the store's run goroutine's
	mute bool         // that there is none was logged
	wg   sync.WaitGroup
	stop chan struct{}
	mu   sync.Mutex
	open map[net.Conn]bool
}

// serve starts the server.
func (s *store) serve() {
	s.server = &server{s: s, stop: make(chan struct{}), open: map[net.Conn]bool{}}
	s.server.listen()
	s.disk.done()
}

// listen makes the socket, anew when there was one. Without it recording works as
// well, so that this fails is only logged.
func (v *server) listen() {
	if v.ln != nil {
		v.ln.Close()
		v.ln = nil
	}
	v.s.disk.at("make", socketName)
	path, done, err := socketPath(v.s.dir)
	if err == nil {
		os.Remove(path) // left by a crash: the directory's lock is ours
		v.ln, err = net.Listen("unix", path)
		if err == nil {
			err = os.Chmod(path, 0o600)
		}
		done()
	}
	if err != nil {
		if !v.mute {
			v.s.log.Warn("the journal can't be read by others while it is recorded", "error", plainError(err))
		}
		v.mute = true
		return
	}
	v.mute = false
	v.ln.(*net.UnixListener).SetUnlinkOnClose(false)
	v.wg.Add(1)
	go v.accept(v.ln)
}

func (v *server) accept(ln net.Listener) {
	defer v.wg.Done()
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		v.mu.Lock()
		full := len(v.open) >= maxReaders
		if !full {
			v.open[c] = true
			v.wg.Add(1)
		}
		v.mu.Unlock()
		if full {
			c.SetWriteDeadline(time.Now().Add(time.Second))
			putFrame(c, frameEnd, liveEnd{Error: fmt.Sprintf("%d are reading this journal already", maxReaders)})
			c.Close()
			continue
		}
		go v.handle(c)
	}
}

// close ends all readers after what they have been sent.
func (v *server) close() {
	close(v.stop)
	if v.ln != nil {
		v.ln.Close()
		os.Remove(filepath.Join(v.s.dir, socketName))
	}
	grace := time.AfterFunc(time.Second, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		for c := range v.open {
			c.Close() // a reader that does not read
		}
	})
	v.wg.Wait()
	grace.Stop()
}

func (v *server) handle(c net.Conn) {
	defer v.wg.Done()
	defer func() {
		v.mu.Lock()
		delete(v.open, c)
		v.mu.Unlock()
		c.Close()
	}()
	line, err := bufio.NewReaderSize(io.LimitReader(c, 4096), 4096).ReadBytes('\n')
	var q liveRequest
	if err != nil || json.Unmarshal(line, &q) != nil {
		return
	}
	v.s.flush()
	w := bufio.NewWriterSize(c, 64<<10)
	var end liveEnd
	switch q.Op {
	case "hello":
		err = v.hello(w)
	case "read":
		end, err = v.read(c, w, q)
	default:
		end.Error = "unknown request " + q.Op
	}
	if err != nil {
		return
	}
	if putFrame(w, frameEnd, end) == nil {
		w.Flush()
	}
}

func (v *server) hello(w *bufio.Writer) error {
	v.s.mu.RLock()
	defer v.s.mu.RUnlock()
	h := liveHello{}
	if v.s.file != nil {
		h.File = v.s.number
	}
	h.Lost = liveLosses(v.s.losses.list())
	h.Header = fileHeader{Format: Format, Recording: v.s.id, Past: v.s.opts.Past, Start: v.s.opts.Anchor.UnixNano(), Source: v.s.opts.Source, Redact: v.s.opts.Redact.String(), Key: keyName(v.s.key), Program: v.s.opts.Program}
	return putFrame(w, frameHello, h)
}

// read sends what is in the file, and for a follower what comes.
func (v *server) read(c net.Conn, w *bufio.Writer, q liveRequest) (liveEnd, error) {
	gone := make(chan struct{})
	v.wg.Add(1)
	go func() { // a reader sends nothing more: it ends when the connection does
		defer v.wg.Done()
		io.Copy(io.Discard, c)
		close(gone)
	}()
	sent, failed := uint64(0), 0
	for {
		view := v.s.view(q.File, q.After, sent)
		if view.file == nil {
			return liveEnd{Finished: true}, nil
		}
		sent = view.commits
		for _, c := range view.conns {
			if err := putFrame(w, frameConn, c); err != nil {
				return liveEnd{}, err
			}
		}
		blocks, err := view.read()
		for _, b := range blocks {
			if err := putBytes(w, frameBlock, b); err != nil {
				return liveEnd{}, err
			}
		}
		if err != nil {
			// The block was moved, or the file was let go of; else it can't be read.
			if failed++; failed > 3 {
				return liveEnd{Error: "reading the open file: " + plainError(err)}, nil
			}
		}
		if n := len(blocks); n > 0 {
			q.After, failed = view.blocks[n-1].last, 0
		}
		if len(view.blocks) > 0 {
			continue
		}
		if !q.Follow {
			return liveEnd{}, nil
		}
		if err := w.Flush(); err != nil {
			return liveEnd{}, err
		}
		select {
		case <-view.changed:
		case <-gone:
			return liveEnd{}, io.EOF
		case <-v.stop:
			return liveEnd{Finished: true}, nil
		}
	}
}

// liveView is what there is in the open file for one reader.
type liveView struct {
	file    *boltWriter // nil: the file asked for is not the open one
	conns   []*connInfo
	blocks  []livePlace
	commits uint64
	changed chan struct{} // closed at the next write
}

// view gives the connections that were written since so many commits, and some of
// the blocks with records after a number.
func (s *store) view(number, after, commits uint64) liveView {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.file == nil || s.number != number {
		return liveView{}
	}
	v := liveView{file: s.file, commits: s.commits, changed: s.changed}
	for _, c := range s.conns {
		if c.at > commits {
			v.conns = append(v.conns, c.info)
		}
	}
	i, _ := slices.BinarySearchFunc(s.places, after+1, func(p livePlace, seq uint64) int { return cmp.Compare(p.last, seq) })
	v.blocks = slices.Clone(s.places[i:min(i+blocksAtOnce, len(s.places))])
	return v
}

// read reads the blocks as far as it can.
func (v *liveView) read() (blocks [][]byte, err error) {
	for _, p := range v.blocks {
		b := make([]byte, p.length)
		if _, err := v.file.f.ReadAt(b, p.offset); err != nil {
			return blocks, err
		}
		if err := checkBlock(b, p.first); err != nil {
			return blocks, err
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// checkBlock says whether b is the whole block of a record.
func checkBlock(b []byte, first uint64) error {
	h, err := parseHead(b)
	if err != nil {
		return err
	}
	n, size, _ := headLen(b)
	if h.first != first || len(b) != n+size || crc32.Checksum(b[n:], castagnoli) != h.sum {
		return errPayloadSum
	}
	return nil
}

func putFrame(w io.Writer, kind byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return putBytes(w, kind, b)
}

func putBytes(w io.Writer, kind byte, b []byte) error {
	head := binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(b)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

// liveClient asks the writer of a directory.
type liveClient struct {
	c net.Conn
	r *bufio.Reader
}

// dialLive sends a request to whoever records into dir; nil when nobody does.
func dialLive(dir string, q liveRequest) *liveClient {
	path, done, err := socketPath(dir)
	if err != nil {
		return nil
	}
	defer done()
	c, err := net.DialTimeout("unix", path, 5*time.Second)
	if err != nil {
		return nil
	}
	b, _ := json.Marshal(q)
	if _, err := c.Write(append(b, '\n')); err != nil {
		c.Close()
		return nil
	}
	return &liveClient{c, bufio.NewReaderSize(c, 256<<10)}
}

func (l *liveClient) close() { l.c.Close() }

// next reads a frame.
func (l *liveClient) next() (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(l.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[1:])
	if n > maxHeader+maxPayload+blockFixed {
		return 0, nil, errors.New("the recorder sent a frame that is too large")
	}
	body = make([]byte, n)
	_, err = io.ReadFull(l.r, body)
	return head[0], body, err
}

// helloWait is how long a recorder may take to answer. It writes what it has
// before it does, so on a busy disk that is not at once.
var helloWait = 10 * time.Second

// helloLive asks which file is open in dir; ok is false when nobody records there.
// The error says that somebody does and gives no answer.
func helloLive(dir string) (h liveHello, ok bool, err error) {
	l := dialLive(dir, liveRequest{Op: "hello"})
	if l == nil {
		return h, false, nil
	}
	defer l.close()
	l.c.SetReadDeadline(time.Now().Add(helloWait))
	kind, body, err := l.next()
	var end liveEnd
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return h, false, &SilentRecorderError{Dir: dir}
	case err != nil:
		return h, false, nil // it has just ended
	case kind == frameEnd && json.Unmarshal(body, &end) == nil && end.Error != "":
		return h, false, fmt.Errorf("the recorder: %s", end.Error)
	case kind != frameHello || json.Unmarshal(body, &h) != nil:
		return h, false, &SilentRecorderError{Dir: dir}
	}
	return h, true, nil
}

// socketPath gives a path by which dir's socket can be reached. The system
// limits such paths to about a hundred bytes, so a long one goes by way of an
// open directory. done ends its validity.
func socketPath(dir string) (path string, done func(), err error) {
	path = filepath.Join(dir, socketName)
	if len(path) < 100 {
		return path, func() {}, nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), socketName), func() { d.Close() }, nil
}
