package journal

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
	"go.etcd.io/bbolt"
)

// errNotWhole keeps a damaged file from being rewritten: what is damaged now may
// be read by somebody cleverer later.
var errNotWhole = errors.New("it is damaged")

// sealFile rewrites a finished file: small blocks are merged into full ones at a
// better level, and the free pages are gone. The new file takes the old one's
// name in one step; who is reading the old one goes on doing so.
func sealFile(path string) error {
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
	db, err := createBolt(tmp, h, j.size, 0)
	if err != nil {
		return err
	}
	// Synced once, before the rename.
	db.NoSync = true
	err = copyFile(db, j)
	if err == nil {
		err = db.Sync()
	}
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// copyFile fills the new file. Blocks that are large already are copied as they
// are; each transaction is of a bounded size.
func copyFile(db *bbolt.DB, j *file) error {
	m := &merger{b: newBuilder(), p: newPacker(zstd.SpeedBetterCompression), u: newUnpacker()}
	defer m.u.close()
	m.b.reset()
	for i, done := 0, false; !done; {
		err := db.Update(func(tx *bbolt.Tx) error {
			for size := 0; i < len(j.blocks) && size < maxBatch; i++ {
				n, err := m.take(tx, j, &j.blocks[i])
				if err != nil {
					return err
				}
				size += n
			}
			if done = i == len(j.blocks); !done {
				return nil
			}
			return m.finish(tx, j)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// finish writes what is left, in the transaction of the last blocks: another one
// would write the page of the last blocks again.
func (m *merger) finish(tx *bbolt.Tx, j *file) error {
	if _, err := m.put(tx); err != nil {
		return err
	}
	conns := make([]connInfo, 0, len(j.conns))
	for _, c := range j.conns {
		conns = append(conns, *c)
	}
	return putConns(tx, conns, j.next)
}

// merger puts small blocks together.
type merger struct {
	b   *builder
	p   *packer
	u   *unpacker
	buf []byte
}

// take adds a block, and says how many bytes were written for it.
func (m *merger) take(tx *bbolt.Tx, j *file, r *blockRef) (int, error) {
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
		if written, err = m.put(tx); err != nil {
			return 0, err
		}
	}
	if large {
		block := h.seal(payload)
		return written + len(block), putBlock(tx, h.first, block)
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
func (m *merger) put(tx *bbolt.Tx) (int, error) {
	if m.b.empty() {
		return 0, nil
	}
	block, h := m.p.pack(m.b)
	m.b.reset()
	return len(block), putBlock(tx, h.first, block)
}

// rawBytes is how many bytes of lines and fragments a block holds.
func (h *blockHeader) rawBytes() int64 {
	var n int64
	for i := range h.flows {
		n += h.flows[i].bytes
	}
	return n
}
