package journal

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// bbolt's own writer maps the file into memory. When the file is cut short or the
// disk gives a read error, touching the map is a fault, which ends the process and
// with it every connection of the tap; when the disk hangs, a goroutine that waits
// in a page fault can't be stopped, and the next garbage collection waits for it
// with all the others. So files are written here, by plain writes and syncs: these
// return an error, or hold up one goroutine and nothing else.
//
// A journal needs little of what bbolt does. Keys are put and never removed, and
// nothing is read back: of blocks and index, which grow at their ends only, the way
// to the last leaf stays in memory; of the other buckets everything does. A
// transaction writes what it changes to pages that the meta page in force does not
// lead to, syncs, writes the other meta page, and syncs again. Whatever ends it
// half-way leaves the transaction before it in force.

// boltWriter writes one bbolt file. After an error it is good for nothing but
// close; the file has what was committed before.
type boltWriter struct {
	f        *os.File
	path     string // its name
	watch    *watch
	buckets  []*boltTree // by name
	step     int64       // by how much the file grows at a time; 0: as needed
	grown    int64       // its size
	unsynced bool        // the caller syncs
	page     int         // bytes of a page
	pages    uint64      // those from here on were never used
	txn      uint64      // committed last
	top      uint64      // page of the leaf that names the buckets
	metas    [2][]byte   // the meta pages as they are
	free     []uint64    // pages that the meta page in force does not lead to
	freed    []uint64    // pages that the transaction being made does not need any more
	end      mark        // of the transaction committed last
	newEnd   mark        // of the one being made
	wrote    []uint64    // where it has put pages
	buf      []byte
}

// mark is the end of what lies last in the file. When there are zeros instead, the
// file was cut, whatever was written behind that since.
type mark struct {
	page, end uint64 // the pages of which it is the end
	offset    int64
	text      []byte // nil when it was written over
}

// boltTree is one bucket.
type boltTree struct {
	name   string
	root   *boltNode
	limit  int                           // bytes at which a page is full when there is more
	grows  bool                          // at its end only: nothing else stays in memory
	placed func(key []byte, value place) // where a value was written; may be nil
}

// boltNode is a leaf or a branch, of one page and as many more as its one element
// needs.
type boltNode struct {
	page, span uint64 // where it was written; span 0: nowhere yet
	leaf       bool
	dirty      bool
	items      []boltItem
}

type boltItem struct {
	key, value []byte
	bucket     bool
	page       uint64    // the child's, in a branch
	child      *boltNode // nil when it is not in memory
}

// Errors of a file that is no longer what was written.
var (
	errRemoved  = errors.New("was removed")
	errReplaced = errors.New("was replaced by another one")
	errCut      = errors.New("was cut short")
)

// createBolt makes a bbolt file with a header, which is written with the first
// commit.
func createBolt(path string, h fileHeader, step int64, w *watch) (*boltWriter, error) {
	w.at("create", path)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	b := &boltWriter{f: f, path: path, watch: w, step: step, page: os.Getpagesize(), pages: 2}
	for _, name := range [][]byte{bucketBlocks, bucketConns, bucketIndex, bucketMeta} { // in order
		t := &boltTree{name: string(name), root: &boltNode{leaf: true, dirty: true}, limit: b.page / 2}
		if t.grows = t.name == string(bucketBlocks) || t.name == string(bucketIndex); t.grows {
			t.limit = b.page
		}
		b.buckets = append(b.buckets, t)
	}
	if err := b.putHeader(h); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *boltWriter) bucket(name []byte) *boltTree {
	i, _ := slices.BinarySearchFunc(b.buckets, string(name), func(t *boltTree, name string) int { return strings.Compare(t.name, name) })
	return b.buckets[i]
}

// put sets the value of a key, which is neither copied nor may change any more.
func (b *boltWriter) put(bucket, key, value []byte) error {
	t := b.bucket(bucket)
	n := t.root
	for n.dirty = true; !n.leaf; n.dirty = true {
		i, found := n.search(key)
		if !found {
			i = max(i-1, 0)
		}
		if n = n.items[i].child; n == nil {
			return fmt.Errorf("key %x of %q does not come at the end", key, t.name)
		}
	}
	i, found := n.search(key)
	if !found {
		n.items = slices.Insert(n.items, i, boltItem{key: key})
	}
	n.items[i].value = value
	return nil
}

func (n *boltNode) search(key []byte) (int, bool) {
	if i := len(n.items) - 1; i >= 0 && bytes.Compare(n.items[i].key, key) < 0 {
		return i + 1, false
	}
	return slices.BinarySearchFunc(n.items, key, func(it boltItem, key []byte) int { return bytes.Compare(it.key, key) })
}

// commit writes all that was put since the last one. Should it fail, what it has
// written is taken away again as far as that is possible: it is going to be noted as
// lost, and who searches a damaged file for blocks must not find it.
func (b *boltWriter) commit() error {
	used := b.pages
	b.wrote = b.wrote[:0]
	err := b.transact()
	if err != nil {
		b.erase(used)
	}
	var p *fs.PathError
	if errors.As(err, &p) && p.Path == b.f.Name() {
		p.Path = b.path // it was renamed since it was opened
	}
	return err
}

// erase takes away what a commit has written that failed.
func (b *boltWriter) erase(used uint64) {
	b.watch.at("trim", b.path)
	st, err := b.f.Stat()
	if err != nil {
		return
	}
	if end := int64(used) * int64(b.page); st.Size() > end {
		b.f.Truncate(end)
	}
	for _, page := range b.wrote {
		if at := int64(page) * int64(b.page); page < used && at < st.Size() {
			b.f.WriteAt(make([]byte, b.page), at)
		}
	}
}

func (b *boltWriter) transact() error {
	names := &boltNode{leaf: true, page: b.top, span: min(b.top, 1)}
	for _, t := range b.buckets {
		if err := b.grow(t); err != nil {
			return err
		}
		root := order.AppendUint64(nil, t.root.page)
		names.items = append(names.items, boltItem{key: []byte(t.name), value: append(root, make([]byte, 8)...), bucket: true})
	}
	b.release(names)
	if err := b.write(names); err != nil {
		return err
	}
	if err := b.sync(); err != nil {
		return err
	}
	if err := b.whole(); err != nil {
		return err
	}
	if err := b.writeMeta(names.page); err != nil {
		return err
	}
	b.top, b.end = names.page, b.newEnd
	b.free, b.freed = append(b.free, b.freed...), b.freed[:0]
	return nil
}

// grow writes what has changed of a bucket, and puts branches above its root
// until that is one page.
func (b *boltWriter) grow(t *boltTree) error {
	for {
		out, err := b.spill(t, t.root)
		if err != nil {
			return err
		}
		if len(out) == 1 {
			t.root = out[0].child
			return nil
		}
		t.root = &boltNode{dirty: true, items: out}
	}
}

// spill writes a node and what is below it as far as it has changed, split into
// as many pages as it takes. It gives what the branch above is to have.
func (b *boltWriter) spill(t *boltTree, n *boltNode) ([]boltItem, error) {
	if !n.dirty {
		return []boltItem{n.item()}, nil
	}
	if !n.leaf {
		var items []boltItem
		for _, it := range n.items {
			if it.child == nil {
				items = append(items, it)
				continue
			}
			below, err := b.spill(t, it.child)
			if err != nil {
				return nil, err
			}
			items = append(items, below...)
		}
		n.items = items
		for i := range len(items) - 1 {
			if t.grows {
				items[i].child = nil
			}
		}
	}
	b.release(n)
	var out []boltItem
	for _, part := range n.split(b.page, t.limit) {
		if err := b.write(part); err != nil {
			return nil, err
		}
		if part.leaf && t.placed != nil {
			b.places(part, t.placed)
		}
		out = append(out, part.item())
	}
	return out, nil
}

// item is what a branch has of a node.
func (n *boltNode) item() boltItem {
	it := boltItem{page: n.page, child: n}
	if len(n.items) > 0 {
		it.key = n.items[0].key
	}
	return it
}

// split makes pages of at most limit bytes of a node that is larger than one.
func (n *boltNode) split(page, limit int) []*boltNode {
	if n.size() <= page {
		return []*boltNode{n}
	}
	var parts []*boltNode
	from, size := 0, pageHead
	for i := range n.items {
		more := n.items[i].size()
		if size+more > limit && i > from {
			parts = append(parts, &boltNode{leaf: n.leaf, items: slices.Clone(n.items[from:i])})
			from, size = i, pageHead
		}
		size += more
	}
	return append(parts, &boltNode{leaf: n.leaf, items: slices.Clone(n.items[from:])})
}

const elementHead = 16

func (it *boltItem) size() int { return elementHead + len(it.key) + len(it.value) }

func (n *boltNode) size() int {
	size := pageHead
	for i := range n.items {
		size += n.items[i].size()
	}
	return size
}

// write gives a node pages that nothing leads to yet, and writes it there.
func (b *boltWriter) write(n *boltNode) error {
	size := n.size()
	n.span = uint64((size + b.page - 1) / b.page)
	if last := len(b.free) - 1; n.span == 1 && last >= 0 {
		n.page, b.free = b.free[last], b.free[:last]
	} else {
		n.page = b.pages
		b.pages += n.span
	}
	n.dirty = false
	b.wrote = append(b.wrote, n.page)
	p := n.append(b.buf[:0])
	p = append(p, make([]byte, int(n.span)*b.page-len(p))...)
	b.buf = p
	b.remark(n, p[:size])
	return b.writeAt(p, int64(n.page)*int64(b.page))
}

// remark makes the end of a node the mark, if it lies last or over the mark.
func (b *boltWriter) remark(n *boltNode, p []byte) {
	m := mark{n.page, n.page + n.span, int64(n.page)*int64(b.page) + int64(len(p)), bytes.Clone(p[len(p)-16:])}
	if m.end >= b.newEnd.end || m.covers(&b.newEnd) {
		b.newEnd = m
	}
	if m.covers(&b.end) {
		b.end.text = nil
	}
}

func (m *mark) covers(old *mark) bool { return m.page < old.end && old.end <= m.end }

// append encodes a page; see openBolt.
func (n *boltNode) append(p []byte) []byte {
	flags := uint16(1)
	if n.leaf {
		flags = 2
	}
	p = order.AppendUint64(p, n.page)
	p = order.AppendUint16(p, flags)
	p = order.AppendUint16(p, uint16(len(n.items)))
	p = order.AppendUint32(p, uint32(n.span-1))
	data := elementHead * len(n.items)
	for i := range n.items {
		it := &n.items[i]
		pos := uint32(data - elementHead*i)
		if n.leaf {
			bucket := uint32(0)
			if it.bucket {
				bucket = 1
			}
			p = order.AppendUint32(p, bucket)
			p = order.AppendUint32(p, pos)
			p = order.AppendUint32(p, uint32(len(it.key)))
			p = order.AppendUint32(p, uint32(len(it.value)))
		} else {
			p = order.AppendUint32(p, pos)
			p = order.AppendUint32(p, uint32(len(it.key)))
			p = order.AppendUint64(p, it.page)
		}
		data += len(it.key) + len(it.value)
	}
	for i := range n.items {
		p = append(append(p, n.items[i].key...), n.items[i].value...)
	}
	return p
}

// places says where the values of a leaf are.
func (b *boltWriter) places(n *boltNode, placed func([]byte, place)) {
	at := int64(n.page)*int64(b.page) + int64(pageHead+elementHead*len(n.items))
	for i := range n.items {
		it := &n.items[i]
		at += int64(len(it.key))
		placed(it.key, place{at, int64(len(it.value))})
		at += int64(len(it.value))
	}
}

// release frees the pages of a node that is written anew, or of nothing.
func (b *boltWriter) release(n *boltNode) {
	for i := range n.span {
		b.freed = append(b.freed, n.page+i)
	}
	n.span = 0
}

func (b *boltWriter) writeAt(p []byte, at int64) error {
	if end := at + int64(len(p)); b.step > 0 && end > b.grown {
		b.watch.at("grow", b.path)
		grown := (end + b.step - 1) / b.step * b.step
		if err := b.f.Truncate(grown); err != nil {
			return err
		}
		b.grown = grown
	}
	b.watch.at("write to", b.path)
	_, err := b.f.WriteAt(p, at)
	b.grown = max(b.grown, at+int64(len(p)))
	return err
}

// sync waits until what was written is on the disk.
func (b *boltWriter) sync() error {
	if b.unsynced {
		return nil
	}
	b.watch.at("sync", b.path)
	return syncData(b.f)
}

// writeMeta puts the transaction in force. Should it fail, what the page had
// before is put back, so that what can't be known to be on the disk is not there.
func (b *boltWriter) writeMeta(names uint64) error {
	b.txn++
	if b.txn == 1 { // there is none before: the other page has the same
		b.metas[0] = b.meta(names, 0)
		if err := b.writeAt(b.metas[0], 0); err != nil {
			return err
		}
	}
	i := b.txn % 2
	before, p := b.metas[i], b.meta(names, b.txn)
	err := b.writeAt(p, int64(i)*int64(b.page))
	if err == nil {
		err = b.sync()
	}
	if err == nil {
		b.metas[i] = p
	} else if before != nil {
		b.writeAt(before, int64(i)*int64(b.page))
	}
	return err
}

// meta is the meta page of a transaction.
func (b *boltWriter) meta(names, txn uint64) []byte {
	const noFreeList = ^uint64(0) // bbolt finds the free pages by itself
	p := order.AppendUint64(nil, txn%2)
	p = order.AppendUint16(p, 4)
	p = append(p, make([]byte, pageHead-len(p))...)
	p = order.AppendUint32(p, boltMagic)
	p = order.AppendUint32(p, boltVersion)
	p = order.AppendUint32(p, uint32(b.page))
	p = order.AppendUint32(p, 0)
	for _, n := range []uint64{names, 0, noFreeList, b.pages, txn} {
		p = order.AppendUint64(p, n)
	}
	sum := fnv.New64a()
	sum.Write(p[pageHead:])
	p = order.AppendUint64(p, sum.Sum64())
	return append(p, make([]byte, b.page-len(p))...)
}

// whole says whether what was committed last is still there as far as its end.
func (b *boltWriter) whole() error {
	b.watch.at("read", b.path)
	if b.end.isCut(b.f) {
		return errCut
	}
	return nil
}

// isCut says whether a file does not reach to the mark any more, or did not at some
// time. A read that fails says nothing of what was written.
func (m *mark) isCut(f io.ReaderAt) bool {
	if len(m.text) == 0 {
		return false
	}
	text := make([]byte, len(m.text))
	_, err := f.ReadAt(text, m.offset-int64(len(text)))
	return errors.Is(err, io.EOF) || err == nil && len(bytes.Trim(text, "\x00")) == 0
}

// check says whether the file's name still leads to it, and whether all that was
// committed is there. An error that is not one of errRemoved,
// errReplaced and errCut says that this can't be known.
func (b *boltWriter) check() error {
	b.watch.at("look at", b.path)
	there, err := os.Lstat(b.path)
	switch {
	case isGone(err):
		return errRemoved
	case err != nil:
		return err
	}
	here, err := b.f.Stat()
	switch {
	case err != nil:
		return err
	case !os.SameFile(here, there):
		return errReplaced
	case here.Size() < b.end.offset:
		return errCut
	}
	return b.whole()
}

// rename gives the file another name.
func (b *boltWriter) rename(to string) error {
	b.watch.at("rename", b.path)
	err := os.Rename(b.path, to)
	if err == nil {
		b.path = to
	}
	return err
}

// isGone says whether a path leads to nothing.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// trim gives back the room at the end that was not needed.
func (b *boltWriter) trim() {
	b.watch.at("trim", b.path)
	b.f.Truncate(int64(b.pages) * int64(b.page)) // when it stays that is as well
}

func (b *boltWriter) close() error {
	b.watch.at("close", b.path)
	return b.f.Close()
}

func (b *boltWriter) putHeader(h fileHeader) error { return b.putSealed(bucketMeta, keyHeader, h) }

func (b *boltWriter) putConns(conns []*connInfo, next nextNumbers) error {
	for _, c := range conns {
		if err := b.putSealed(bucketConns, numberKey(c.Conn), c); err != nil {
			return err
		}
	}
	return b.putSealed(bucketMeta, keyNext, next)
}

func (b *boltWriter) putSealed(bucket, key []byte, v any) error {
	value, err := sealValue(key, v)
	if err != nil {
		return err
	}
	return b.put(bucket, key, value)
}

// putBlock adds a block at the end of the blocks and its head to the index.
func (b *boltWriter) putBlock(seq uint64, block []byte) error {
	n, _, err := headLen(block)
	if err != nil {
		return err
	}
	key := numberKey(seq)
	if err := b.put(bucketBlocks, key, block); err != nil {
		return err
	}
	return b.put(bucketIndex, key, block[:n:n])
}
