package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// errNotWhole keeps a damaged file from being rewritten: what is damaged now may
// be read by somebody cleverer later.
var errNotWhole = errors.New("it is damaged")

// sealFile rewrites a finished file: small blocks are merged into full ones at a
// better level, and the free pages are gone. The new file takes the old one's
// name in one step; who is reading the old one goes on doing so.
func sealFile(path string, w *watch) error {
	w.at("read", path)
	j, err := openFile(path)
	if err != nil {
		return err
	}
	defer j.close()
	if len(j.problems) > 0 {
		return errNotWhole
	}
	if j.header.Sealed {
		return nil
	}
	tmp := path + sealingSuffix
	os.Remove(tmp)
	h := j.header
	h.Sealed = true
	b, err := createBolt(tmp, h, 0, w)
	if err != nil {
		return err
	}
	b.unsynced = true // once, before the rename
	err = copyFile(b, j)
	if err == nil {
		b.unsynced = false
		err = b.sync()
	}
	if err == nil {
		err = b.takeOver(j, path)
	}
	if cerr := b.close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(tmp)
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// takeOver gives the new file the name of the old one, if both are what they were:
// what is whole must not be replaced by what is not, and what was removed not come
// back.
func (b *boltWriter) takeOver(j *file, path string) error {
	if err := b.check(); err != nil {
		return fmt.Errorf("the new file: %w", err)
	}
	here, err := j.f.f.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Lstat(path); err != nil {
		return err
	} else if !os.SameFile(here, there) {
		return errReplaced
	}
	return b.rename(path)
}

// copyFile fills the new file. Blocks that are large already are copied as they
// are; each transaction is of a bounded size.
func copyFile(b *boltWriter, j *file) error {
	m := &merger{b: newBuilder(), p: newPacker(zstd.SpeedBetterCompression), u: newUnpacker(), to: b}
	defer m.u.close()
	m.b.reset()
	for i := 0; i < len(j.blocks); {
		for size := 0; i < len(j.blocks) && size < maxBatch; i++ {
			b.watch.at("read", j.name)
			n, err := m.take(j, &j.blocks[i])
			if err != nil {
				return err
			}
			size += n
		}
		if i < len(j.blocks) {
			if err := b.commit(); err != nil {
				return err
			}
		}
	}
	// What is left goes with the last blocks: another transaction would write the
	// page of the last blocks again.
	if _, err := m.put(); err != nil {
		return err
	}
	conns := make([]*connInfo, 0, len(j.conns))
	for _, c := range j.conns {
		conns = append(conns, c)
	}
	if err := b.putConns(conns, j.next); err != nil {
		return err
	}
	return b.commit()
}

// merger puts small blocks together.
type merger struct {
	b   *builder
	p   *packer
	u   *unpacker
	to  *boltWriter
	buf []byte
}

// take adds a block, and says how many bytes were written for it.
func (m *merger) take(j *file, r *blockRef) (int, error) {
	payload, err := j.payload(r, m.buf)
	if err != nil {
		return 0, err
	}
	m.buf = payload
	h := r.head
	written := 0
	follows := m.b.empty() || m.b.head.first+uint64(m.b.head.count) == h.first
	large := int64(blockBytes/2) <= h.rawBytes()
	if !follows || large || m.b.raw+int(h.rawBytes()) > blockBytes {
		if written, err = m.put(); err != nil {
			return 0, err
		}
	}
	if large {
		block := h.seal(payload)
		return written + len(block), m.to.putBlock(h.first, block)
	}
	starts := map[flowKey]int64{}
	for _, f := range h.flows {
		starts[flowKey{f.conn, f.dir}] = f.start
	}
	err = m.u.entries(h, payload, func(e *entry) bool {
		m.b.add(e, starts[flowKey{e.conn, e.dir}])
		return true
	})
	m.b.merge(h)
	return written, err
}

// put writes what was merged.
func (m *merger) put() (int, error) {
	if m.b.empty() {
		return 0, nil
	}
	block, h := m.p.pack(m.b)
	m.b.reset()
	return len(block), m.to.putBlock(h.first, block)
}

// rawBytes is how many bytes of lines and fragments a block holds.
func (h *blockHeader) rawBytes() int64 {
	var n int64
	for i := range h.flows {
		n += h.flows[i].bytes
	}
	return n
}
