package journal

import (
	"encoding/binary"
	"math"

	"repltap/wire"
)

// entry is a record as it is stored: bytes are pieces as the reads of the tap
// left them, so a line that came in two reads is two entries.
type entry struct {
	seq     uint64
	time    int64
	conn    uint64
	dir     wire.Direction
	kind    Kind   // KindNone: bytes
	data    []byte // bytes only
	readEnd bool   // a read returned with the last of these bytes
	midLine bool   // these bytes do not begin a line
	note    []byte // JSON: the Event of other kinds, the findings of bytes
}

// The bits of an entry's class byte.
const (
	classEvent   = 1 << iota // not bytes; its kind stands in the notes
	classS2C                 //
	classC2S                 //
	classReadEnd             //
	classMidLine             //
	classNote                // the notes hold findings
	classConn                // another connection than the entry before
	classTime                // another time than the entry before
)

// The limits of a block. Both bound what a reader must hold.
const (
	blockBytes   = 1 << 20 // of lines and fragments
	blockEntries = 64 << 10
)

// template is one shape of line and the columns of its holes.
type template struct {
	number  uint64 // from 1
	text    []byte
	columns []column
	tally   *tally // of the last line of this shape
}

// column collects the values of one hole: number deltas, or lengths and text.
type column struct {
	previous int64
	sizes    []byte
	text     []byte
}

// builder turns entries into a block. It is reused from block to block and
// belongs to one goroutine at a time.
type builder struct {
	head     blockHeader
	shapes   map[string]*template
	order    []*template // of this block, by number less one
	spares   []*template
	class    []byte
	times    []byte
	conns    []byte
	numbers  []byte // of templates; 0: verbatim
	verbatim []byte
	notes    []byte
	flows    map[flowKey]int // index into head.flows
	lastFlow int
	tallies  map[tallyKey]*tally
	tallied  []*tally
	raw      int
	time     int64
	conn     uint64
	last     *template // of the last entry; nil when it was not cut
	tmpl     []byte
	holes    []hole
	touched  []*connState // connections with entries in this block
	closed   []connInfo   // those that ended in it
}

type flowKey struct {
	conn uint64
	dir  wire.Direction
}

type tallyKey struct {
	dir              wire.Direction
	command          wire.Command
	stream, instance string
}

func newBuilder() *builder {
	return &builder{shapes: map[string]*template{}, flows: map[flowKey]int{}, tallies: map[tallyKey]*tally{}}
}

// reset makes the builder ready for the next block.
func (b *builder) reset() {
	b.head = blockHeader{flows: b.head.flows[:0], tmin: math.MaxInt64, tmax: math.MinInt64}
	for _, t := range b.order {
		for i := range t.columns {
			c := &t.columns[i]
			c.previous, c.sizes, c.text = 0, c.sizes[:0], c.text[:0]
		}
		t.tally = nil
	}
	b.spares = append(b.spares[:0], b.order...)
	clear(b.shapes)
	b.order = b.order[:0]
	b.class, b.times, b.conns, b.numbers = b.class[:0], b.times[:0], b.conns[:0], b.numbers[:0]
	b.verbatim, b.notes = b.verbatim[:0], b.notes[:0]
	clear(b.flows)
	clear(b.tallies)
	b.touched, b.closed = b.touched[:0], b.closed[:0]
	b.tallied = b.tallied[:0]
	b.raw, b.lastFlow, b.time, b.conn, b.last = 0, 0, 0, 0, nil
}

func (b *builder) empty() bool { return b.head.count == 0 }
func (b *builder) full() bool  { return b.raw >= blockBytes || b.head.count >= blockEntries }

// add takes one entry. start is how many bytes went its way before it.
// Sequence numbers must follow one another within a block.
func (b *builder) add(e *entry, start int64) *flow {
	if b.head.count == 0 {
		b.head.first = e.seq
		b.time = e.time
		b.times = binary.AppendVarint(b.times, e.time)
	}
	b.head.count++
	b.head.tmin, b.head.tmax = min(b.head.tmin, e.time), max(b.head.tmax, e.time)
	class := byte(e.dir) << 1
	if e.time != b.time {
		class |= classTime
		b.times = binary.AppendVarint(b.times, e.time-b.time)
		b.time = e.time
	}
	if e.conn != b.conn {
		class |= classConn
		b.conns = binary.AppendVarint(b.conns, int64(e.conn-b.conn))
		b.conn = e.conn
	}
	if e.readEnd {
		class |= classReadEnd
	}
	if e.midLine {
		class |= classMidLine
	}
	f := b.flow(e.conn, e.dir, start)
	f.records++
	if e.kind != KindNone {
		class |= classEvent
		b.notes = append(b.notes, byte(e.kind))
	}
	if e.kind != KindNone || e.note != nil {
		class |= classNote
		b.notes = binary.AppendUvarint(b.notes, uint64(len(e.note)))
		b.notes = append(b.notes, e.note...)
		b.raw += len(e.note)
	}
	b.class = append(b.class, class)
	if e.kind == KindNone {
		b.bytes(e)
		f.bytes += int64(len(e.data))
		if n := len(e.data); n > 0 {
			if f.open = e.data[n-1] != '\n'; !f.open {
				f.lines++
			}
		}
		b.raw += len(e.data)
	}
	return f
}

// flow finds the ledger of a direction, opening it at start.
func (b *builder) flow(conn uint64, dir wire.Direction, start int64) *flow {
	if b.lastFlow < len(b.head.flows) {
		if f := &b.head.flows[b.lastFlow]; f.conn == conn && f.dir == dir {
			return f
		}
	}
	k := flowKey{conn, dir}
	i, ok := b.flows[k]
	if !ok {
		i = len(b.head.flows)
		b.flows[k] = i
		b.head.flows = append(b.head.flows, flow{conn: conn, dir: dir, start: start})
	}
	b.lastFlow = i
	return &b.head.flows[i]
}

// bytes stores an entry's bytes: cut if they are a whole line, else verbatim.
func (b *builder) bytes(e *entry) {
	if t := b.shape(e); t != nil {
		b.fill(t, e.data)
		return
	}
	b.last = nil
	b.numbers = append(b.numbers, 0)
	b.verbatim = binary.AppendUvarint(b.verbatim, uint64(len(e.data)))
	b.verbatim = append(b.verbatim, e.data...)
}

// shape cuts a whole line and gives its template, nil when it stays verbatim.
// The cut itself is left in b.tmpl and b.holes.
func (b *builder) shape(e *entry) *template {
	if e.midLine || len(e.data) == 0 || e.data[len(e.data)-1] != '\n' {
		return nil
	}
	var ok bool
	if b.tmpl, b.holes, ok = cut(e.data, b.tmpl[:0], b.holes[:0]); !ok {
		return nil
	}
	t := b.shapes[string(b.tmpl)]
	if t == nil {
		t = b.newTemplate()
		b.shapes[string(b.tmpl)] = t
	}
	return t
}

// newTemplate opens a template for what was cut.
func (b *builder) newTemplate() *template {
	t := &template{}
	if n := len(b.spares); n > 0 {
		t, b.spares = b.spares[n-1], b.spares[:n-1]
	}
	t.text = append(t.text[:0], b.tmpl...)
	for len(t.columns) < len(b.holes) {
		t.columns = append(t.columns, column{})
	}
	t.columns = t.columns[:len(b.holes)]
	b.order = append(b.order, t)
	t.number = uint64(len(b.order))
	return t
}

// fill puts the values of the line that was just cut into t's columns.
func (b *builder) fill(t *template, line []byte) {
	b.numbers = binary.AppendUvarint(b.numbers, t.number)
	b.last = t
	i := 0
	for _, c := range b.tmpl {
		if !isHole(c) {
			continue
		}
		h, col := &b.holes[i], &t.columns[i]
		i++
		if c == holeNumber {
			col.sizes = binary.AppendVarint(col.sizes, h.number-col.previous)
			col.previous = h.number
			continue
		}
		col.sizes = binary.AppendUvarint(col.sizes, uint64(h.to-h.from))
		col.text = append(col.text, line[h.from:h.to]...)
	}
}

// count adds a complete line to the tallies. Lines of one template mostly have
// one tally, which is remembered there.
func (b *builder) count(dir wire.Direction, g *wire.Gist, size int, found bool) {
	t := b.recall(dir, g)
	if t == nil {
		t = b.tallyFor(tallyKey{dir, g.Command, string(g.Stream), string(g.Instance)})
		if b.last != nil {
			b.last.tally = t
		}
	}
	t.lines++
	t.bytes += int64(size)
	if g.Batch {
		t.batched++
	}
	if found {
		t.withFinds++
	}
	if g.HasToken {
		t.token(g.Token)
	}
}

// mention adds a tally of no line, so that a filter finds the part of an over-long
// line.
func (b *builder) mention(dir wire.Direction, g *wire.Gist) {
	b.tallyFor(tallyKey{dir, g.Command, string(g.Stream), string(g.Instance)})
}

// recall gives the tally of the last line's template if it is that of this one.
func (b *builder) recall(dir wire.Direction, g *wire.Gist) *tally {
	if b.last == nil || b.last.tally == nil {
		return nil
	}
	t := b.last.tally
	if t.dir != dir || t.command != g.Command || t.stream != string(g.Stream) || t.instance != string(g.Instance) {
		return nil
	}
	return t
}

func (b *builder) tallyFor(k tallyKey) *tally {
	t := b.tallies[k]
	if t == nil {
		t = &tally{dir: k.dir, command: k.command, stream: k.stream, instance: k.instance}
		b.tallies[k] = t
		b.tallied = append(b.tallied, t)
	}
	return t
}

func (t *tally) token(n int64) {
	if t.tokens == 0 {
		t.first, t.lowest, t.highest = n, n, n
	}
	t.tokens++
	t.last = n
	t.lowest, t.highest = min(t.lowest, n), max(t.highest, n)
}

// merge takes over the counts of a block whose entries are added one by one.
func (b *builder) merge(h *blockHeader) {
	for i := range h.flows {
		o := &h.flows[i]
		f := b.flow(o.conn, o.dir, o.start)
		f.gapBytes += o.gapBytes
		f.gapLines += o.gapLines
	}
	for i := range h.tallies {
		o := &h.tallies[i]
		t := b.tallyFor(tallyKey{o.dir, o.command, o.stream, o.instance})
		t.lines += o.lines
		t.bytes += o.bytes
		t.batched += o.batched
		t.withFinds += o.withFinds
		if o.tokens > 0 {
			if t.tokens == 0 {
				t.first, t.lowest, t.highest = o.first, o.lowest, o.highest
			}
			t.tokens += o.tokens
			t.last = o.last
			t.lowest, t.highest = min(t.lowest, o.lowest), max(t.highest, o.highest)
		}
	}
}
