package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"repltap/wire"
)

// A block's fixed part; see the package comment for the layout.
const (
	blockMagic  = "\xb7RTBLOCK"
	blockFixed  = 24
	maxHeader   = 16 << 20
	maxPayload  = 64 << 20
	numSections = 3
	flowOpen    = 1 << 7 // with a flow's direction: it ends in the middle of a line
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errNoBlock     = errors.New("no block begins here")
	errHeaderSum   = errors.New("the checksum of the block's header is wrong")
	errPayloadSum  = errors.New("the checksum of the block's payload is wrong")
	errHeaderShort = errors.New("the block's header ends early")
)

// blockHeader says what is in a block without its payload being read: enough to
// skip it, to count what is in it, and to balance the ledger.
type blockHeader struct {
	first      uint64 // number of the first record; the others follow without holes
	count      int    // records
	tmin, tmax int64  // Unix nanoseconds
	flows      []flow
	tallies    []tally
	thinned    bool // the tallies are not kept
	sections   [numSections]section
	payload    int // bytes of the payload
	sum        uint32
}

// flow is what a block holds of one direction of one connection, or of its
// events (direction none).
type flow struct {
	conn     uint64
	dir      wire.Direction
	records  int64
	start    int64 // bytes that went that way before this block
	bytes    int64 // of lines and fragments
	lines    int64 // newlines in them
	gapBytes int64 // in gap records
	gapLines int64
	open     bool // the last of the bytes do not end a line

	// Only while the block is not written: a gap in it lies before start, and
	// where. Should the block be lost too, so is what it says of the gap.
	late     bool
	lateFrom int64
}

// tally counts the lines of one kind, over all connections. Tokens are those of
// lines that have a number for one.
type tally struct {
	dir                wire.Direction
	command            wire.Command
	stream, instance   string
	lines, bytes       int64
	tokens             int64 // lines with a token
	first, last        int64 // tokens, in order of appearance
	lowest, highest    int64
	batched, withFinds int64 // lines with "batch" for a token, lines with findings
}

// section is one part of the payload.
type section struct {
	raw, packed int // bytes; packed 0: not compressed
}

// stored is how many bytes the section takes in the payload.
func (s section) stored() int {
	if s.packed > 0 {
		return s.packed
	}
	return s.raw
}

// seal puts a block together: fixed part, header, payload.
func (h *blockHeader) seal(payload []byte) []byte {
	h.payload = len(payload)
	h.sum = crc32.Checksum(payload, castagnoli)
	out := make([]byte, blockFixed, blockFixed+1024+len(payload))
	copy(out, blockMagic)
	out = h.append(out)
	le := binary.LittleEndian
	le.PutUint32(out[8:], uint32(len(out)-blockFixed))
	le.PutUint32(out[12:], uint32(len(payload)))
	le.PutUint32(out[16:], h.sum)
	le.PutUint32(out[20:], headerSum(out))
	return append(out, payload...)
}

// headerSum is the checksum over all of a block's head but itself.
func headerSum(head []byte) uint32 {
	return crc32.Update(crc32.Checksum(head[:20], castagnoli), castagnoli, head[blockFixed:])
}

// headLen reads the fixed part: how long head and payload are together with it.
func headLen(fixed []byte) (head, payload int, err error) {
	if len(fixed) < blockFixed || string(fixed[:8]) != blockMagic {
		return 0, 0, errNoBlock
	}
	h, p := binary.LittleEndian.Uint32(fixed[8:]), binary.LittleEndian.Uint32(fixed[12:])
	if h > maxHeader || p > maxPayload {
		return 0, 0, errHeaderSum
	}
	return blockFixed + int(h), int(p), nil
}

// parseHead reads a block's head: its fixed part and header, without the payload.
func parseHead(head []byte) (*blockHeader, error) {
	n, payload, err := headLen(head)
	if err != nil {
		return nil, err
	}
	if len(head) < n {
		return nil, errHeaderShort
	}
	head = head[:n]
	if headerSum(head) != binary.LittleEndian.Uint32(head[20:]) {
		return nil, errHeaderSum
	}
	h := &blockHeader{payload: payload, sum: binary.LittleEndian.Uint32(head[16:])}
	d := decoder{b: head[blockFixed:]}
	h.parse(&d)
	if d.bad {
		return nil, errHeaderShort
	}
	total := 0
	for _, s := range h.sections {
		total += s.stored()
	}
	if total != payload {
		return nil, fmt.Errorf("the block's sections have %d bytes, its payload %d", total, payload)
	}
	return h, nil
}

func (h *blockHeader) append(b []byte) []byte {
	b = binary.AppendUvarint(b, h.first)
	b = binary.AppendUvarint(b, uint64(h.count))
	b = binary.AppendVarint(b, h.tmin)
	b = binary.AppendUvarint(b, uint64(h.tmax-h.tmin))
	for _, s := range h.sections {
		b = binary.AppendUvarint(b, uint64(s.raw))
		b = binary.AppendUvarint(b, uint64(s.packed))
	}
	b = binary.AppendUvarint(b, uint64(len(h.flows)))
	for i := range h.flows {
		f := &h.flows[i]
		b = binary.AppendUvarint(b, f.conn)
		dir := byte(f.dir)
		if f.open {
			dir |= flowOpen
		}
		b = append(b, dir)
		for _, n := range [...]int64{f.records, f.start, f.bytes, f.lines, f.gapBytes, f.gapLines} {
			b = binary.AppendVarint(b, n)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(h.tallies)))
	for i := range h.tallies {
		t := &h.tallies[i]
		b = append(b, byte(t.dir))
		b = appendText(b, t.command.String()) // by name: a number would bind the format to a table
		b = appendText(b, t.stream)
		b = appendText(b, t.instance)
		for _, n := range [...]int64{t.lines, t.bytes, t.batched, t.withFinds, t.tokens} {
			b = binary.AppendVarint(b, n)
		}
		if t.tokens > 0 {
			for _, n := range [...]int64{t.first, t.last, t.lowest, t.highest} {
				b = binary.AppendVarint(b, n)
			}
		}
	}
	return b
}

func (h *blockHeader) parse(d *decoder) {
	h.first = d.uvarint()
	h.count = d.length()
	h.tmin = d.varint()
	h.tmax = h.tmin + int64(d.uvarint())
	for i := range h.sections {
		h.sections[i] = section{raw: d.length(), packed: d.length()}
	}
	for n := d.length(); n > 0 && !d.bad; n-- {
		f := flow{conn: d.uvarint()}
		dir := d.byte()
		f.dir, f.open = wire.Direction(dir&^flowOpen), dir&flowOpen != 0
		for _, p := range [...]*int64{&f.records, &f.start, &f.bytes, &f.lines, &f.gapBytes, &f.gapLines} {
			*p = d.varint()
		}
		if f.dir > wire.C2S {
			d.bad = true
		}
		h.flows = append(h.flows, f)
	}
	for n := d.length(); n > 0 && !d.bad; n-- {
		t := tally{dir: wire.Direction(d.byte()), command: wire.CommandOf(d.text()), stream: string(d.text()), instance: string(d.text())}
		for _, p := range [...]*int64{&t.lines, &t.bytes, &t.batched, &t.withFinds, &t.tokens} {
			*p = d.varint()
		}
		if t.tokens > 0 {
			for _, p := range [...]*int64{&t.first, &t.last, &t.lowest, &t.highest} {
				*p = d.varint()
			}
		}
		h.tallies = append(h.tallies, t)
	}
}

// maxKeptTallies is how many tallies of a block are worth keeping while a journal
// is open. Real traffic has some dozens of kinds; one that has thousands in each
// block can be read without them, and would fill memory.
const maxKeptTallies = 512

// thin lets go of what would take much memory. The block is never skipped for what
// is in it, then, and can't be written again.
func (h *blockHeader) thin() {
	if len(h.tallies) > maxKeptTallies {
		h.tallies, h.thinned = nil, true
	}
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// decoder reads varints and runs of bytes. After the first thing that does not
// fit, bad is set and everything reads as nothing: callers look once, at the end.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

// length reads a count that a sane block can have.
func (d *decoder) length() int {
	v := d.uvarint()
	if v > maxPayload {
		d.fail()
		return 0
	}
	return int(v)
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) bytes(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.fail()
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) text() []byte { return d.bytes(d.length()) }

// until reads up to and including the byte c.
func (d *decoder) until(c byte) []byte { return d.bytes(bytes.IndexByte(d.b, c) + 1) }

func (d *decoder) fail() { d.bad, d.b = true, nil }
