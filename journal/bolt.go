package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// bbolt's own reader maps the file: over a truncated or damaged one it ends in a
// page fault, a failed assertion or an endless descent, and what lies behind a
// damaged page is out of reach. So files are written by bbolt and read here,
// with plain reads of which every offset is checked first. This is all of
// bbolt's format (version 2) that reading takes:
//
//	page    id u64, flags u16 (1 branch, 2 leaf, 4 meta), count u16, overflow u32, then its elements
//	meta    magic u32, version u32, page size u32, flags u32, root page u64, root sequence u64,
//	        free list u64, pages in use u64, transaction u64, FNV-1a of what is before u64
//	branch  count times: offset of the key from here u32, its length u32, page u64
//	leaf    count times: flags u32 (1: a bucket), offset from here u32, key length u32, value length u32
//	bucket  root page u64 (0: a page follows right here), sequence u64
//
// Numbers have the byte order of the machine that wrote the file. The two metas
// are in pages 0 and 1; the one with the higher transaction holds.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2
	pageHead    = 16
	metaLen     = 64
	maxDepth    = 16 // no B-tree of a journal is that deep
)

var order = binary.NativeEndian

// boltFile reads the buckets of one bbolt file.
type boltFile struct {
	f        io.ReaderAt
	size     int64
	pageSize int64
	root     uint64
	pages    uint64 // in use
	problems []error
}

// place is a run of bytes in the file.
type place struct {
	offset, length int64
}

var errNotBolt = errors.New("it is not a bbolt file")

// openBolt finds the valid meta page. A damaged other one is noted in problems.
func openBolt(f io.ReaderAt, size int64) (*boltFile, error) {
	b := &boltFile{f: f, size: size}
	best := int64(-1)
	sizes := []int64{int64(os.Getpagesize())}
	for s := int64(1 << 10); s <= 1<<16; s <<= 1 {
		sizes = append(sizes, s)
	}
	var bad []error
	try := func(at int64) bool {
		m := make([]byte, pageHead+metaLen)
		if _, err := f.ReadAt(m, at); err != nil {
			bad = append(bad, fmt.Errorf("meta page at byte %d: %w", at, err))
			return false
		}
		m = m[pageHead:]
		sum := fnv.New64a()
		sum.Write(m[:56])
		if order.Uint32(m) != boltMagic || order.Uint32(m[4:]) != boltVersion || sum.Sum64() != order.Uint64(m[56:]) {
			bad = append(bad, fmt.Errorf("the meta page at byte %d is damaged", at))
			return false
		}
		b.pageSize = int64(order.Uint32(m[8:]))
		if txn := int64(order.Uint64(m[48:])); txn > best {
			best, b.root, b.pages = txn, order.Uint64(m[16:]), order.Uint64(m[40:])
		}
		return true
	}
	if try(0) {
		try(b.pageSize)
	} else {
		for _, s := range sizes {
			if try(s) && b.pageSize == s {
				bad = bad[:1]
				break
			}
		}
	}
	if best < 0 {
		return nil, errNotBolt
	}
	b.problems = bad
	if b.pageSize < 1<<10 || b.pageSize > 1<<20 || b.pages > 1<<40 {
		return nil, errNotBolt
	}
	if need := int64(b.pages) * b.pageSize; need > size {
		b.problems = append(b.problems, fmt.Errorf("the file is cut short: %d bytes of %d are there", size, need))
	}
	return b, nil
}

// bucket calls each for all keys of a top-level bucket, in order. What can't be
// read is returned, and what can is read all the same.
func (b *boltFile) bucket(name string, each func(key []byte, value place)) []error {
	w := boltWalk{b: b, seen: map[uint64]bool{}}
	var found *place
	w.page(b.root, 0, func(key []byte, v place, isBucket bool) {
		if isBucket && string(key) == name {
			found = &v
		}
	})
	if found == nil {
		return append(w.errs, fmt.Errorf("the %q bucket can't be found", name))
	}
	head := make([]byte, pageHead)
	if found.length < pageHead {
		return append(w.errs, fmt.Errorf("the %q bucket has no root", name))
	} else if err := b.read(head, found.offset); err != nil {
		return append(w.errs, err)
	}
	leaf := func(key []byte, v place, isBucket bool) {
		if !isBucket {
			each(key, v)
		}
	}
	w.last = nil
	if root := order.Uint64(head); root != 0 {
		w.page(root, 0, leaf)
	} else {
		w.elements(place{found.offset + pageHead, found.length - pageHead}, 0, 0, leaf)
	}
	return w.errs
}

// read fills p from offset, within the file.
func (b *boltFile) read(p []byte, offset int64) error {
	if offset < 0 || offset+int64(len(p)) > b.size {
		return fmt.Errorf("byte %d is behind the end of the file", offset+int64(len(p)))
	}
	_, err := b.f.ReadAt(p, offset)
	return err
}

// boltWalk descends one tree. It visits no page twice, so a pointer that was
// bent upwards ends the descent instead of prolonging it for ever.
type boltWalk struct {
	b    *boltFile
	seen map[uint64]bool
	errs []error
	last []byte // the key before
}

func (w *boltWalk) fail(at int64, format string, args ...any) {
	w.errs = append(w.errs, fmt.Errorf("page at byte %d: %s", at, fmt.Sprintf(format, args...)))
}

type leafFunc func(key []byte, value place, isBucket bool)

func (w *boltWalk) page(id uint64, depth int, each leafFunc) {
	at := int64(id) * w.b.pageSize
	if id < 2 || id >= w.b.pages || w.seen[id] || depth > maxDepth {
		w.fail(at, "a pointer to page %d can't be right", id)
		return
	}
	w.seen[id] = true
	head := make([]byte, pageHead)
	if err := w.b.read(head, at); err != nil {
		w.fail(at, "%v", err)
		return
	}
	span := int64(order.Uint32(head[12:])) + 1
	if order.Uint64(head) != id || span > int64(w.b.pages-id) {
		w.fail(at, "its head is damaged")
		return
	}
	w.elements(place{at, span * w.b.pageSize}, id, depth, each)
}

// elements reads a page that lies at p; id is 0 for one inside a value.
func (w *boltWalk) elements(p place, id uint64, depth int, each leafFunc) {
	head := make([]byte, min(p.length, w.b.pageSize))
	if err := w.b.read(head, p.offset); err != nil || len(head) < pageHead {
		w.fail(p.offset, "%v", err)
		return
	}
	flags, count := order.Uint16(head[8:]), int64(order.Uint16(head[10:]))
	if need := pageHead + count*16; need > int64(len(head)) {
		if need > p.length {
			w.fail(p.offset, "it has no room for %d elements", count)
			return
		}
		head = make([]byte, need)
		if err := w.b.read(head, p.offset); err != nil {
			w.fail(p.offset, "%v", err)
			return
		}
	}
	switch flags {
	case 1:
		for i := range count {
			w.page(order.Uint64(head[pageHead+i*16+8:]), depth+1, each)
		}
	case 2:
		for i := range count {
			w.leaf(p, head, pageHead+i*16, each)
		}
	default:
		w.fail(p.offset, "it is neither branch nor leaf")
	}
}

// leaf reads one element of a leaf page. Keys of a bucket rise; one that does
// not was bent.
func (w *boltWalk) leaf(p place, head []byte, at int64, each leafFunc) {
	e := head[at:]
	pos, klen, vlen := int64(order.Uint32(e[4:])), int64(order.Uint32(e[8:])), int64(order.Uint32(e[12:]))
	if at+pos+klen+vlen > p.length || klen > 1<<10 {
		w.fail(p.offset, "an element reaches beyond it")
		return
	}
	key := make([]byte, klen)
	if err := w.b.read(key, p.offset+at+pos); err != nil {
		w.fail(p.offset, "%v", err)
		return
	}
	if w.last != nil && bytes.Compare(key, w.last) <= 0 {
		w.fail(p.offset, "its keys are not in order")
	}
	w.last = key
	each(key, place{p.offset + at + pos + klen, vlen}, order.Uint32(e)&1 != 0)
}
