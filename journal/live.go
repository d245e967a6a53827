package journal

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"path/filepath"
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
	socketName  = "recorder.sock"
	frameHello  = 'h' // JSON of liveHello
	frameConn   = 'c' // JSON of a connInfo that is new or has changed
	frameBlock  = 'b' // a block as it is in the file
	frameEnd    = 'e' // nothing more: JSON of liveEnd
	maxReaders  = 64
	blocksAtOne = 4 // blocks read in one transaction: a slow reader must not hold one open
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
	ln   net.Listener
	wg   sync.WaitGroup
	stop chan struct{}
	mu   sync.Mutex
	open map[net.Conn]bool
}

// serve starts the server. Without it recording works as well, so that it can't
// start is only logged.
func (s *store) serve() {
	s.server = &server{s: s, stop: make(chan struct{}), open: map[net.Conn]bool{}}
	path, done, err := socketPath(s.dir)
	if err == nil {
		os.Remove(path) // left by a crash: the directory's lock is ours
		s.server.ln, err = net.Listen("unix", path)
		if err == nil {
			err = os.Chmod(path, 0o600)
		}
		done()
	}
	if err != nil {
		s.log.Warn("the journal can't be read by others while it is recorded", "error", plainError(err))
		return
	}
	s.server.ln.(*net.UnixListener).SetUnlinkOnClose(false)
	s.server.wg.Add(1)
	go s.server.accept()
}

func (v *server) accept() {
	defer v.wg.Done()
	for {
		c, err := v.ln.Accept()
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
	if v.s.db != nil {
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
	sent := map[uint64]uint32{}
	for {
		conns, blocks, changed, open := v.s.snapshot(q.File, q.After, sent)
		if !open {
			return liveEnd{Finished: true}, nil
		}
		for _, raw := range conns {
			if err := putBytes(w, frameConn, raw); err != nil {
				return liveEnd{}, err
			}
		}
		for _, b := range blocks {
			if err := putBytes(w, frameBlock, b.block); err != nil {
				return liveEnd{}, err
			}
			q.After = b.last
		}
		if len(blocks) > 0 {
			continue
		}
		if !q.Follow {
			return liveEnd{}, nil
		}
		if err := w.Flush(); err != nil {
			return liveEnd{}, err
		}
		select {
		case <-changed:
		case <-gone:
			return liveEnd{}, io.EOF
		case <-v.stop:
			return liveEnd{Finished: true}, nil
		}
	}
}

// copiedBlock is a block taken out of the open file.
type copiedBlock struct {
	block []byte
	last  uint64 // number of its last record
}

// snapshot copies the connections that sent does not have yet and some blocks
// with records after a number. changed is closed at the next write.
func (s *store) snapshot(number, after uint64, sent map[uint64]uint32) (conns [][]byte, blocks []copiedBlock, changed chan struct{}, open bool) {
	s.mu.RLock()
	changed = s.changed
	if s.db == nil || s.number != number {
		s.mu.RUnlock()
		return nil, nil, changed, false
	}
	tx, err := s.db.Begin(false)
	s.mu.RUnlock()
	if err != nil {
		return nil, nil, changed, false
	}
	defer tx.Rollback()
	tx.Bucket(bucketConns).ForEach(func(k, b []byte) error {
		id, sum := binary.BigEndian.Uint64(k), crc32.Checksum(b, castagnoli)
		if old, ok := sent[id]; !ok || old != sum {
			sent[id] = sum
			conns = append(conns, append([]byte(nil), b[:len(b)-4]...))
		}
		return nil
	})
	cursor := tx.Bucket(bucketBlocks).Cursor()
	k, b := cursor.Seek(numberKey(after + 1))
	if k == nil || binary.BigEndian.Uint64(k) > after+1 {
		// the block before may hold it
		if k == nil {
			k, b = cursor.Last()
		} else {
			k, b = cursor.Prev()
		}
		if k == nil {
			k, b = cursor.First()
		}
	}
	for ; k != nil && len(blocks) < blocksAtOne; k, b = cursor.Next() {
		h, err := parseHead(b)
		if err != nil {
			continue
		}
		if last := h.first + uint64(h.count) - 1; last > after {
			blocks = append(blocks, copiedBlock{append([]byte(nil), b...), last})
		}
	}
	return conns, blocks, changed, true
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
