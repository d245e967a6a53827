package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"repltap/wire"
)

// packer compresses what a builder collected. It belongs to one goroutine.
type packer struct {
	zstd    *zstd.Encoder
	section [numSections][]byte
	payload []byte
}

func newPacker(level zstd.EncoderLevel) *packer {
	// One encoder with concurrency 1: a pool of them costs hundreds of megabytes.
	// The checksum is the block's own.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // only for options that contradict one another
	}
	return &packer{zstd: enc}
}

// pack gives the block and its header. The block is new memory; the builder can
// be reset.
func (p *packer) pack(b *builder) ([]byte, *blockHeader) {
	p.gather(b)
	h := b.head
	h.flows = append([]flow(nil), b.head.flows...)
	for _, t := range b.tallied {
		h.tallies = append(h.tallies, *t)
	}
	p.payload = p.payload[:0]
	for i, raw := range p.section {
		before := len(p.payload)
		p.payload = p.zstd.EncodeAll(raw, p.payload)
		packed := len(p.payload) - before
		if packed >= len(raw) {
			p.payload = append(p.payload[:before], raw...)
			packed = 0
		}
		h.sections[i] = section{raw: len(raw), packed: packed}
	}
	return h.seal(p.payload), &h
}

// gather lays the builder's columns out in the payload's sections.
func (p *packer) gather(b *builder) {
	shape, sizes, text := p.section[0][:0], p.section[1][:0], p.section[2][:0]
	for _, part := range [][]byte{b.class, b.times, b.conns, b.numbers} {
		shape = binary.AppendUvarint(shape, uint64(len(part)))
		shape = append(shape, part...)
	}
	shape = binary.AppendUvarint(shape, uint64(len(b.order)))
	for _, t := range b.order {
		shape = binary.AppendUvarint(shape, uint64(len(t.text)))
		shape = append(shape, t.text...)
		for i := range t.columns {
			sizes = append(sizes, t.columns[i].sizes...)
			text = append(text, t.columns[i].text...)
		}
	}
	for _, part := range [][]byte{b.verbatim, b.notes} {
		shape = binary.AppendUvarint(shape, uint64(len(part)))
		shape = append(shape, part...)
	}
	p.section = [numSections][]byte{shape, sizes, text}
}

// unpacker reads the entries of blocks. It belongs to one goroutine and reuses
// its memory: an entry is valid until the next one is asked for.
type unpacker struct {
	zstd    *zstd.Decoder
	section [numSections][]byte
	shapes  []readShape
	line    []byte
}

// readShape is a template and what is left of its columns.
type readShape struct {
	text    []byte
	uses    int
	columns []readColumn
}

type readColumn struct {
	previous int64
	sizes    decoder
	text     []byte
}

var errColumns = errors.New("the block's columns do not fit together")

func newUnpacker() *unpacker {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPayload), zstd.WithDecoderLowmem(true))
	if err != nil {
		panic(err) // only for options that contradict one another
	}
	return &unpacker{zstd: dec}
}

func (u *unpacker) close() { u.zstd.Close() }

// entries calls each for every entry of a block, in order, until it returns
// false. payload must have passed its checksum, but nothing is taken for granted:
// a block that was made to look right gives an error at worst.
func (u *unpacker) entries(h *blockHeader, payload []byte, each func(*entry) bool) error {
	for i, s := range h.sections {
		part := payload[:s.stored()]
		payload = payload[s.stored():]
		if s.packed == 0 {
			u.section[i] = append(u.section[i][:0], part...)
			continue
		}
		var err error
		if u.section[i], err = u.zstd.DecodeAll(part, u.section[i][:0]); err != nil {
			return fmt.Errorf("decompressing: %w", err)
		}
		if len(u.section[i]) != s.raw {
			return errColumns
		}
	}
	d := decoder{b: u.section[0]}
	class := d.text()
	times, conns, numbers := decoder{b: d.text()}, decoder{b: d.text()}, decoder{b: d.text()}
	if !u.templates(&d, numbers) {
		return errColumns
	}
	verbatim, notes := decoder{b: d.text()}, decoder{b: d.text()}
	if d.bad || len(class) != h.count {
		return errColumns
	}
	e := entry{seq: h.first - 1, time: times.varint()}
	for _, c := range class {
		e.seq++
		e.dir = wire.Direction(c >> 1 & 3)
		e.readEnd, e.midLine = c&classReadEnd != 0, c&classMidLine != 0
		if c&classTime != 0 {
			e.time += times.varint()
		}
		if c&classConn != 0 {
			e.conn += uint64(conns.varint())
		}
		e.kind, e.note, e.data = KindNone, nil, nil
		if c&classEvent != 0 {
			e.kind = Kind(notes.byte())
		}
		if c&classNote != 0 {
			e.note = notes.text()
		}
		if c&classEvent == 0 {
			if n := numbers.uvarint(); n == 0 {
				e.data = verbatim.text()
			} else if n > uint64(len(u.shapes)) || !u.rebuild(&u.shapes[n-1]) {
				return errColumns
			} else {
				e.data = u.line
			}
		}
		if times.bad || conns.bad || numbers.bad || verbatim.bad || notes.bad || e.dir > wire.C2S {
			return errColumns
		}
		if !each(&e) {
			return nil
		}
	}
	return nil
}

// templates reads the templates and finds where each column begins: how often a
// template is used says how many values its columns have.
func (u *unpacker) templates(d *decoder, numbers decoder) bool {
	count := d.length()
	if count > len(d.b) {
		return false
	}
	u.shapes = u.shapes[:0]
	for range count {
		u.shapes = append(u.shapes, readShape{text: d.text()})
	}
	for len(numbers.b) > 0 {
		n := numbers.uvarint()
		if n > uint64(len(u.shapes)) {
			return false
		}
		if n > 0 {
			u.shapes[n-1].uses++
		}
	}
	sizes, text := decoder{b: u.section[1]}, decoder{b: u.section[2]}
	for i := range u.shapes {
		s := &u.shapes[i]
		for _, c := range s.text {
			if !isHole(c) {
				continue
			}
			begin, length := sizes.b, 0
			for range s.uses {
				if c == holeNumber {
					sizes.varint()
				} else {
					length += sizes.length()
				}
				if sizes.bad || length > len(text.b) {
					return false
				}
			}
			s.columns = append(s.columns, readColumn{sizes: decoder{b: begin[:len(begin)-len(sizes.b)]}, text: text.bytes(length)})
		}
	}
	return !sizes.bad && !text.bad && !numbers.bad && !d.bad
}

// rebuild puts the next line of a template together in u.line.
func (u *unpacker) rebuild(s *readShape) bool {
	line, next := u.line[:0], 0
	for i := 0; i < len(s.text); {
		j := i
		for j < len(s.text) && !isHole(s.text[j]) {
			j++
		}
		line = append(line, s.text[i:j]...)
		if j == len(s.text) {
			break
		}
		c := &s.columns[next]
		next++
		if s.text[j] == holeNumber {
			c.previous += c.sizes.varint()
			line = strconv.AppendInt(line, c.previous, 10)
		} else {
			n := c.sizes.length()
			if n > len(c.text) {
				return false
			}
			if s.text[j] == holeQuoted {
				line = append(line, '"')
				line = append(line, c.text[:n]...)
				line = append(line, '"')
			} else {
				line = append(line, c.text[:n]...)
			}
			c.text = c.text[n:]
		}
		if c.sizes.bad {
			return false
		}
		i = j + 1
	}
	u.line = line
	return true
}
