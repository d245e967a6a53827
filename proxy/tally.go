package proxy

import (
	"math/bits"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"repltap/wire"
)

// streams are all that any release has, in the catalogue's order, and the label of
// what none has.
var streams = func() []string {
	var names []string
	for _, s := range wire.Streams() {
		names = append(names, s.Name)
	}
	return append(names, other)
}()

// otherStream is the index of what no release has.
var otherStream = len(streams) - 1

const (
	// numStreams is how many streams there is room for: as many as bits in a mask.
	numStreams = 64

	// maxWorkers bounds the names of workers that are kept apart. Names are the
	// peers' choice; those beyond it, and those that do not look like names, are
	// counted together as other.
	maxWorkers = 64
	// unnamed is the worker of what a connection said before its NAME.
	unnamed = "unnamed"
	// maxName is the longest name that is taken for one.
	maxName = 64
)

var streamIndex = func() map[string]int {
	if len(streams) > numStreams {
		panic("proxy: there are more streams than are counted")
	}
	m := make(map[string]int, numStreams)
	for i, s := range streams {
		m[s] = i
	}
	return m
}()

// tally is what an Observer counts of lines. They come by the million and in
// runs from one connection about one stream, so there is one lock and there are
// plain numbers, and the tables are looked into only where a run ends.
type tally struct {
	mu      sync.Mutex
	conns   map[uint64]*connTally
	workers map[string]*workerTally // by label

	updates, gaps [numStreams]uint64
	batches       [numStreams]histogram
	top           [numStreams]int64 // the highest token so far
	lastRow       [numStreams]int64 // when one came to any worker, in Unix nanoseconds; 0 before
	now           func() time.Time
	readAt, rowAt int64 // when the last row was read by the recorder's clock, and what now said then

	lastConn   uint64
	last       *connTally
	lastName   string // a stream's
	lastStream int
}

// workerTally is what is counted by worker, for as long as the tap runs.
type workerTally struct {
	label    string
	commands [3][wire.NumCommands]uint64 // by wire.Direction
	bytes    [3]uint64
	rdata    [numStreams]uint64
	lastRow  [numStreams]int64 // when one came to it, as above
}

// connTally is where a connection is with its streams.
type connTally struct {
	worker *workerTally
	known  uint64 // streams with a token, as bits
	asked  uint64 // streams that it gets
	tokens [numStreams]int64
	batch  [numStreams]uint32 // rows that wait for their token
}

// histogram has buckets for up to 1, 2, 4 … rows.
type histogram struct {
	buckets [11]uint64 // each for itself; the last but one is up to 512, the last the rest
	sum     uint64
}

func (h *histogram) observe(n uint64) {
	h.buckets[min(bits.Len64(n-1), len(h.buckets)-1)]++
	h.sum += n
}

func newTally() *tally {
	return &tally{conns: map[uint64]*connTally{}, workers: map[string]*workerTally{}, now: time.Now}
}

// line counts one that was read at at. It is called for each and allocates nothing.
func (t *tally) line(at int64, conn uint64, dir wire.Direction, g *wire.Gist, bytes int) {
	if dir == noDirection || dir > wire.C2S || g.Command >= wire.NumCommands {
		return
	}
	t.mu.Lock()
	c := t.last
	if c == nil || t.lastConn != conn {
		c = t.conn(conn)
	}
	w := c.worker
	w.commands[dir][g.Command]++
	w.bytes[dir] += uint64(bytes)
	switch g.Command {
	case wire.CmdRdata:
		s := t.stream(g.Stream)
		w.rdata[s]++
		if dir == wire.S2C {
			t.lastRow[s] = t.wall(at)
			w.lastRow[s] = t.lastRow[s]
		}
		if s != otherStream {
			t.row(c, s, g)
		}
	case wire.CmdPosition:
		if s := t.stream(g.Stream); s != otherStream {
			t.position(c, s, g)
		}
	case wire.CmdReplicate:
		if s := t.stream(g.Stream); s != otherStream {
			c.asked |= 1 << s
		}
	}
	t.mu.Unlock()
}

// wall is the wall clock's time at which a row was read at at. The clock is asked
// once for all rows of one read: asking takes longer than all else in line.
func (t *tally) wall(at int64) int64 {
	if at != t.readAt || t.rowAt == 0 {
		t.readAt, t.rowAt = at, t.now().UnixNano()
	}
	return t.rowAt
}

func (t *tally) conn(id uint64) *connTally {
	c := t.conns[id]
	if c == nil {
		c = &connTally{worker: t.worker(unnamed)}
		t.conns[id] = c
	}
	t.last, t.lastConn = c, id
	return c
}

func (t *tally) stream(name []byte) int {
	if string(name) != t.lastName {
		i, ok := streamIndex[string(name)]
		if !ok {
			return otherStream
		}
		t.lastName, t.lastStream = streams[i], i
	}
	return t.lastStream
}

// row counts RDATA. Rows that share a token are one update and come to several
// workers: they count as news when the token is higher than all before.
func (t *tally) row(c *connTally, s int, g *wire.Gist) {
	switch {
	case g.Batch:
		c.batch[s]++
	case g.HasToken:
		rows := uint64(c.batch[s]) + 1
		c.batch[s] = 0
		t.batches[s].observe(rows)
		if g.Token > t.top[s] {
			t.top[s] = g.Token
			t.updates[s] += rows
		}
		if c.known&(1<<s) == 0 || g.Token > c.tokens[s] {
			c.known |= 1 << s
			c.tokens[s] = g.Token
		}
	}
}

// position: from 1.13 on, one that begins above what was sent makes the worker
// fetch what is between. Before that it says only that a stream is caught up.
func (t *tally) position(c *connTally, s int, g *wire.Gist) {
	if !g.HasToken {
		return
	}
	from := g.Token
	if g.HasPrev {
		from = g.Prev
	}
	if g.Form != wire.FormPosition2 && c.known&(1<<s) != 0 && from > c.tokens[s] {
		t.gaps[s]++
	}
	c.known |= 1 << s
	c.asked |= 1 << s
	c.tokens[s] = g.Token
	t.top[s] = max(t.top[s], g.Token)
}

// name says who is behind a connection.
func (t *tally) name(conn uint64, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn(conn).worker = t.worker(labelOf(name))
}

// label is the label of a connection's worker.
func (t *tally) label(conn uint64) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.conns[conn]; c != nil {
		return c.worker.label
	}
	return unnamed
}

func labelOf(name string) string {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return other
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return other
		}
	}
	return name
}

func (t *tally) worker(label string) *workerTally {
	w := t.workers[label]
	if w == nil && len(t.workers) >= maxWorkers && label != unnamed {
		label = other
		w = t.workers[label]
	}
	if w == nil {
		w = &workerTally{label: label}
		t.workers[label] = w
	}
	return w
}

// forget is called when a connection is over. When the last one is, the master
// may have been restarted, and tokens may begin anew.
func (t *tally) forget(conn uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if delete(t.conns, conn); t.lastConn == conn {
		t.last = nil
	}
	if len(t.conns) == 0 {
		clear(t.top[:])
	}
}
