package journal

import (
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"

	"repltap/wire"
)

// The defaults of Options.
const (
	DefaultRotateSize     = 256 << 20
	DefaultRotateInterval = time.Hour
	DefaultFlushInterval  = time.Second
)

// packedQueue is how many compressed blocks may wait for the disk, a few hundred
// kilobytes each: it rides out a sync that takes long.
const packedQueue = 64

// Options are the choices for Create; the zero value is fine.
type Options struct {
	RotateSize     int64          // bytes of a file at which the next one is begun
	RotateInterval time.Duration  // age at which the next one is begun
	MaxSize        int64          // bytes of the whole journal; the oldest files go first. 0: no limit
	MaxAge         time.Duration  // age at which a file goes. 0: no limit
	FlushInterval  time.Duration  // how much a crash may cost
	Source         string         // where the records come from, for people
	Redact         wire.Redaction // what of them is made unreadable
	Program        string         // what writes
	// Anchor is the recording's start; zero is now. Past says that the records
	// are of the past, so the clock says nothing about them.
	Anchor time.Time
	Past   bool
	// Lost, when not nil, is called for traffic that could not be written or was lost
	// with its file, as it happens: why (details follow a colon), into how many gaps
	// it goes that were not open yet, and its bytes.
	Lost func(reason string, gaps int, bytes int64)
	Log  *slog.Logger

	hangPatience time.Duration
	maxUnwritten int // connections that may end while nothing can be written
}

func (o *Options) defaults() {
	if o.RotateSize <= 0 {
		o.RotateSize = DefaultRotateSize
	}
	if o.RotateInterval <= 0 {
		o.RotateInterval = DefaultRotateInterval
	}
	if o.FlushInterval <= 0 {
		o.FlushInterval = DefaultFlushInterval
	}
	if o.Anchor.IsZero() {
		o.Anchor = time.Now()
	}
	if o.hangPatience <= 0 {
		o.hangPatience = hangPatience
	}
	if o.maxUnwritten <= 0 {
		o.maxUnwritten = maxEnded
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Stats are counts of a Writer.
type Stats struct {
	Files   int
	Bytes   int64 // on disk
	Blocks  uint64
	Records uint64
	Failed  uint64 // blocks that could not be written
	// Err is why nothing can be written, or could not be a moment ago: of the last
	// write, a *LostFileError, or a *HangError. nil when all is well.
	Err error
}

// Writer appends records to a journal. Append, Flush, Sync and Close may be
// called from any goroutine; the order of Appends is the order of the journal.
//
// Three goroutines stand behind it: one hands over what has waited long enough,
// one compresses, one owns the open file. Between them are short queues, so that
// a slow disk holds up Append and nothing grows. A fourth watches the disk.
type Writer struct {
	opts   Options
	store  *store
	packed chan packedBlock
	full   chan filled
	free   chan *builder
	stop   chan struct{}
	wg     sync.WaitGroup
	ending atomic.Bool  // the disk is waited for no longer than it takes
	taken  atomic.Int64 // bytes of traffic that were appended
	quit   chan struct{}
	once   sync.Once
	guards sync.WaitGroup

	mu     sync.Mutex // guards what follows
	b      *builder
	since  time.Time // when b's first entry was added
	seq    uint64    // the last number given
	conns  map[uint64]*connState
	recent *connState
	last   int64 // the last record's time
	closed bool
	entry  entry
	wall   func() int64 // what the wall clock says
	ahead  int64        // and how far that is ahead of the recording's time

	connMu   sync.Mutex
	nextConn uint64
}

// connState is a connection as the last appended record left it.
type connState struct {
	connInfo
	touched bool // in the block that is being filled
	midLine [2]bool
}

// filled is a builder on its way to be compressed. done, when not nil, is closed
// once all that was handed over before is on disk or lost.
type filled struct {
	b     *builder
	conns []connInfo
	next  nextNumbers
	done  chan struct{}
}

// packedBlock is a block on its way to disk.
type packedBlock struct {
	head  *blockHeader
	block []byte
	conns []connInfo
	next  nextNumbers
	done  chan struct{}
}

// ErrClosed is what a closed Writer answers.
var ErrClosed = errors.New("the journal is closed")

// Create opens a journal for writing: it makes the directory when there is none
// and goes on after what is there. It is a *LockedError when another process
// records into it.
func Create(dir string, o Options) (*Writer, error) {
	o.defaults()
	s, next, err := openStore(dir, &o)
	if err != nil {
		return nil, err
	}
	w := &Writer{
		opts: o, store: s,
		packed: make(chan packedBlock, packedQueue), full: make(chan filled, 1), free: make(chan *builder, 3), stop: make(chan struct{}), quit: make(chan struct{}),
		seq: next.Seq, nextConn: next.Conn, conns: map[uint64]*connState{}, last: o.Anchor.UnixNano(), wall: wallClock,
	}
	for range cap(w.free) {
		b := newBuilder()
		b.reset()
		w.free <- b
	}
	w.b = <-w.free
	s.flush = w.Sync
	s.serve()
	w.guards.Go(w.guard)
	w.wg.Add(3)
	go w.flusher()
	level := zstd.SpeedFastest
	if o.Past { // nobody's traffic waits
		level = zstd.SpeedDefault
	}
	go w.packing(newPacker(level))
	go func() { defer w.wg.Done(); s.run(w.packed) }()
	w.Append(&Record{Time: o.Anchor.UnixNano(), Kind: KindFile, Event: &Event{What: "begin", Source: o.Source, Redact: o.Redact.String(), Program: o.Program}})
	return w, nil
}

// NextConn gives the number for the next connection.
func (w *Writer) NextConn() uint64 {
	w.connMu.Lock()
	defer w.connMu.Unlock()
	w.nextConn++
	return w.nextConn
}

// Append takes a record; it keeps no reference to it. Seq is given by the
// journal. Bytes may be any run: they are put together to lines when read. A
// Gist is counted for the line that the bytes complete; that of a fragment is what
// an over-long line is about, so that filters find it.
func (w *Writer) Append(r *Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	w.takeLost()
	w.append(r)
	return nil
}

// append does the work of Append, under the lock.
func (w *Writer) append(r *Record) {
	if w.b.empty() {
		w.since = time.Now()
	}
	w.seq++
	w.last = r.Time
	e := &w.entry
	*e = entry{seq: w.seq, time: r.Time, conn: r.Conn, dir: r.Dir, kind: r.Kind, readEnd: r.ReadEnd}
	switch {
	case r.Kind == KindLine || r.Kind == KindFragment:
		w.bytes(e, w.conn(r.Conn), r)
	case r.Kind == KindGap && r.Event.Offset != nil:
		w.lateGap(e, r)
	default:
		w.event(e, w.conn(r.Conn), r)
	}
	if w.b.full() {
		w.handOver(nil)
	}
}

// bytes adds a line, a fragment or a piece of either.
func (w *Writer) bytes(e *entry, c *connState, r *Record) {
	e.kind, e.data = KindNone, r.Data
	if len(r.Findings) > 0 {
		e.note, _ = json.Marshal(r.Findings) // strings: can't fail
	}
	f, mid := c.flowOf(r.Dir), &c.midLine[r.Dir-wire.S2C]
	e.midLine = *mid
	w.b.add(e, f.Seen)
	f.Seen += int64(len(r.Data))
	w.taken.Add(int64(len(r.Data)))
	if n := len(r.Data); n > 0 {
		*mid = r.Data[n-1] != '\n'
	}
	switch {
	case r.Kind == KindFragment && r.Gist.Name != nil:
		w.b.mention(r.Dir, &r.Gist)
	case r.Gist.Name != nil || r.Kind == KindLine:
		w.b.count(r.Dir, &r.Gist, len(r.Data), len(r.Findings) > 0)
	}
}

// event adds a record that is not bytes.
func (w *Writer) event(e *entry, c *connState, r *Record) {
	ev := Event{}
	if r.Event != nil {
		ev = *r.Event
	}
	start := int64(0)
	if r.Dir != wire.NoDirection {
		start = c.flowOf(r.Dir).Seen
	}
	switch r.Kind {
	case KindOpen:
		c.Peer, c.Upstream, c.Opened = ev.Peer, ev.Upstream, r.Time
	case KindClose:
		c.Closed, c.Dialect = r.Time, ev.Dialect
		for i, total := range []*int64{ev.S2C, ev.C2S} {
			if total != nil {
				c.Flows[i].Total = *total
			}
		}
	case KindGap:
		f := c.flowOf(r.Dir)
		ev.Offset = &start
		f.Seen += ev.Bytes
		c.midLine[r.Dir-wire.S2C] = ev.MidLine
	}
	if r.Findings != nil {
		ev.Findings = r.Findings
	}
	e.note, _ = json.Marshal(ev) // numbers and strings: can't fail
	f := w.b.add(e, start)
	if r.Kind == KindGap {
		f.gapBytes += ev.Bytes
		f.gapLines += max(ev.Lines, 0)
	}
	if r.Kind == KindClose {
		delete(w.conns, c.Conn)
		w.b.closed = append(w.b.closed, c.connInfo)
		w.recent = nil
	}
}

// lateGap adds a gap that lies before what was journalled of its direction
// meanwhile. Its connection may have ended since.
func (w *Writer) lateGap(e *entry, r *Record) {
	e.note, _ = json.Marshal(r.Event) // numbers and strings: can't fail
	start := *r.Event.Offset
	if c := w.conns[r.Conn]; c != nil {
		start = c.flowOf(r.Dir).Seen
	}
	f := w.b.add(e, start)
	if !f.late {
		f.late, f.lateFrom = true, *r.Event.Offset
	}
	f.gapBytes += r.Event.Bytes
	f.gapLines += max(r.Event.Lines, 0)
}

// conn finds a connection's state, opening it when it is new. Connection 0 is
// the recording itself.
func (w *Writer) conn(id uint64) *connState {
	c := w.recent
	if c == nil || c.Conn != id {
		if c = w.conns[id]; c == nil {
			c = &connState{}
			c.Conn = id
			c.Flows[0].Total, c.Flows[1].Total = -1, -1
			w.conns[id] = c
		}
		w.recent = c
	}
	if !c.touched {
		c.touched = true
		w.b.touched = append(w.b.touched, c)
	}
	return c
}

// Named notes the name that a connection's worker gave itself.
func (w *Writer) Named(conn uint64, worker string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns[conn] != nil {
		w.conn(conn).Worker = worker
	}
}

// takeLost puts into the journal what the store could not write earlier.
func (w *Writer) takeLost() {
	for _, l := range w.store.takeLost() {
		w.append(&Record{Time: max(w.last, l.to), Conn: l.conn, Dir: l.dir, Kind: KindGap, Event: l.event()})
	}
}

// handOver sends the builder on its way and takes a fresh one, waiting for it if
// need be. Under the lock.
func (w *Writer) handOver(done chan struct{}) {
	f := filled{b: w.b, done: done, next: nextNumbers{Seq: w.seq}}
	w.connMu.Lock()
	f.next.Conn = w.nextConn
	w.connMu.Unlock()
	f.conns = append(f.conns, w.b.closed...)
	for _, c := range w.b.touched {
		if w.conns[c.Conn] == c && c.Conn != 0 {
			f.conns = append(f.conns, c.connInfo)
		}
		c.touched = false
	}
	select {
	case w.full <- f:
		w.b = <-w.free
	case <-w.store.givenUp:
		w.b.reset()
	}
}

// flusher hands over what has waited for half the flush interval; the other half
// is for it to reach the disk.
func (w *Writer) flusher() {
	defer w.wg.Done()
	t := time.NewTicker(max(w.opts.FlushInterval/4, time.Millisecond))
	defer t.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-t.C:
		}
		w.mu.Lock()
		if !w.closed {
			w.takeLost()
			w.watchClock()
			if !w.b.empty() && time.Since(w.since) >= w.opts.FlushInterval/4 ||
				w.store.failing.Load() { // see whether it works again, traffic or not
				w.handOver(nil)
			}
		}
		w.mu.Unlock()
	}
}

// packing compresses blocks until full is closed.
func (w *Writer) packing(p *packer) {
	defer w.wg.Done()
	defer close(w.packed)
	for f := range w.full {
		out := packedBlock{conns: f.conns, next: f.next, done: f.done}
		if !f.b.empty() {
			out.block, out.head = p.pack(f.b)
		}
		f.b.reset()
		w.free <- f.b
		select {
		case w.packed <- out:
		case <-w.store.givenUp:
		}
	}
}

// Sync waits until all that was appended is on disk, and says whether the last
// write went well.
func (w *Writer) Sync() error {
	done := make(chan struct{})
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	w.handOver(done)
	w.mu.Unlock()
	select {
	case <-done:
	case <-w.store.givenUp:
	}
	return w.store.lastErr()
}

// Stats can be asked at any time; it waits for nothing.
func (w *Writer) Stats() Stats { return w.store.stats() }

// hangPatience is how long a disk may take for one answer once the recording ends:
// more than any that works, and less than what a supervisor waits for the process.
const hangPatience = 5 * time.Second

// slowDisk is how long a disk may take without a word in the log: one that is only
// slow would fill it where the flush interval is short.
const slowDisk = 500 * time.Millisecond

// guard watches the disk, which the goroutine that waits for it can't. It logs that
// the disk hangs, and once the recording ends gives it up.
func (w *Writer) guard() {
	t := time.NewTicker(max(w.opts.FlushInterval/4, 10*time.Millisecond))
	defer t.Stop()
	var logged *diskOp
	for {
		select {
		case <-w.quit:
			return
		case <-t.C:
		}
		hang := w.store.disk.hang(max(w.opts.FlushInterval, slowDisk))
		switch {
		case hang != nil && logged == nil:
			w.opts.Log.Error("the journal can't be written: the disk does not answer; the traffic goes on, and is noted as a gap when no more of it can wait", "dir", w.store.dir, "error", hang)
			logged = hang.op
		case hang == nil && logged != nil:
			w.opts.Log.Info("the disk answers again", "dir", w.store.dir)
			logged = nil
		}
		if w.ending.Load() && w.hang(w.opts.hangPatience) != nil {
			close(w.store.givenUp)
			return
		}
	}
}

// hang says that the disk hangs, for the open file or for one that is being sealed.
func (w *Writer) hang(limit time.Duration) *HangError {
	if h := w.store.disk.hang(limit); h != nil {
		return h
	}
	return w.store.sealer.disk.hang(2 * limit) // of which not each read is noted
}

// End says that the recording is about to end: from now on a disk that hangs is
// given up after a few seconds, and what is appended then is left out. Close does
// so too.
func (w *Writer) End() { w.ending.Store(true) }

// Close writes what is left, seals the last file and ends all goroutines. When the
// disk hangs it gives up with a *HangError, and leaves those that wait for it.
func (w *Writer) Close() error {
	w.End()
	done := make(chan error, 1)
	go func() { done <- w.close() }()
	defer w.guards.Wait()
	select {
	case err := <-done:
		w.once.Do(func() { close(w.quit) })
		return err
	case <-w.store.givenUp:
		hang := w.hang(0)
		if hang == nil { // it answers after all, but is too late
			return <-done
		}
		hang.Unwritten = w.taken.Load() - w.store.settled.Load()
		return hang
	}
}

func (w *Writer) close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	end := w.last
	if !w.opts.Past {
		end = max(end, w.opts.Anchor.Add(time.Since(w.opts.Anchor)).UnixNano())
	}
	w.takeLost()
	w.append(&Record{Time: end, Kind: KindFile, Event: &Event{What: "end"}})
	w.closed = true
	w.handOver(nil)
	close(w.full)
	w.mu.Unlock()
	close(w.stop)
	w.wg.Wait()
	return w.store.close()
}
