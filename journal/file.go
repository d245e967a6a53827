package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"repltap/wire"
)

// Format is the number of the format that is written, and the newest that is
// read. 0 says that it is not frozen yet: a program may refuse a journal of
// format 0 that an older one wrote.
const Format = 0

// The buckets of a journal file, and the keys of the meta bucket.
var (
	bucketMeta   = []byte("repltap")
	bucketBlocks = []byte("blocks")
	bucketIndex  = []byte("index")
	bucketConns  = []byte("conns")
	keyHeader    = []byte("header")
	keyNext      = []byte("next")
)

const fileSuffix = ".journal"

// fileName is the name of the file with that number.
func fileName(number uint64) string { return fmt.Sprintf("%010d%s", number, fileSuffix) }

// fileNumber reads what fileName wrote.
func fileNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(filepath.Base(name), fileSuffix)
	if !ok || len(digits) < 10 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0
}

// listFiles gives the numbers of dir's journal files, in order.
func listFiles(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, e := range entries {
		if n, ok := fileNumber(e.Name()); ok {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

// fileHeader is what a file says of itself.
type fileHeader struct {
	Journal string `json:"journal"` // "repltap"
	Format  int    `json:"format"`
	Program string `json:"program"` // what wrote it
	Number  uint64 `json:"number"`
	// Recording is the same in all files of one run of the program. Start is its
	// wall clock anchor: all times are that plus monotonic time. Unix nanoseconds.
	Recording string `json:"recording"`
	Start     int64  `json:"start"`
	// Past says that the records are of the past: what the clock said when they were
	// added says nothing about them.
	Past   bool   `json:"past,omitempty"`
	Source string `json:"source,omitempty"`
	// Redact is what was made unreadable: "none", "secrets" or "personal". Key names
	// the key of the pseudonyms; where it is the same, so are they.
	Redact string `json:"redact,omitempty"`
	Key    string `json:"key,omitempty"`
	// After is the number of the last record that is on disk before this file, as
	// its writer knew.
	After uint64 `json:"after,omitempty"`
	// Sealed says that the file is complete and was rewritten: its small blocks
	// are merged and it has no free pages.
	Sealed bool `json:"sealed,omitempty"`
	// Ended says that the recording ended in this file, and was not cut off.
	Ended bool `json:"ended,omitempty"`
}

// past says whether the recording is an import. Older ones say so in words only.
func (h *fileHeader) past() bool { return h.Past || strings.HasPrefix(h.Source, "import ") }

// connInfo is what is known of one connection that was open during a file. It
// makes the file stand alone.
type connInfo struct {
	Conn     uint64       `json:"conn"`
	Peer     string       `json:"peer,omitempty"`
	Upstream string       `json:"upstream,omitempty"`
	Worker   string       `json:"worker,omitempty"`
	Dialect  string       `json:"dialect,omitempty"`
	Opened   int64        `json:"opened,omitempty"`
	Closed   int64        `json:"closed,omitempty"`
	Flows    [2]flowState `json:"flows"` // s2c, c2s
}

// flowState is the ledger of one direction of a connection within a file.
type flowState struct {
	Start int64 `json:"start"` // bytes that went that way before this file
	Seen  int64 `json:"seen"`  // bytes that did so by the last block, gaps included
	// Total is what the copiers counted by themselves when the connection ended,
	// -1 before.
	Total int64 `json:"total"`
}

// flowOf is the ledger of a direction, which must be one.
func (c *connInfo) flowOf(d wire.Direction) *flowState { return &c.Flows[d-wire.S2C] }

// nextNumbers is where a later writer goes on.
type nextNumbers struct {
	Seq  uint64 `json:"seq"`
	Conn uint64 `json:"conn"`
}

// sealValue makes a value of v that shows when it was damaged: its JSON, and the
// CRC-32C of key and JSON.
func sealValue(key []byte, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, b)
	return binary.LittleEndian.AppendUint32(b, sum), nil
}

var errValueSum = errors.New("the checksum of a value is wrong")

// openValue is the inverse of sealValue.
func openValue(key, b []byte, v any) error {
	if len(b) < 4 {
		return errValueSum
	}
	text, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, text) != sum {
		return errValueSum
	}
	return json.Unmarshal(text, v)
}

func numberKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// file reads one journal file that nobody writes any more.
type file struct {
	f        *disk
	path     string
	name     string
	size     int64
	header   fileHeader
	next     nextNumbers
	blocks   []blockRef
	conns    map[uint64]*connInfo
	problems []*DamageError
	scanned  bool
	thin     bool // heads are kept without what is only needed to write them again
}

// blockRef says where a block is and what is in it.
type blockRef struct {
	head   *blockHeader
	places []int64 // where it begins; more than one when stale copies were found
}

// openFile reads all of a file but its blocks. Damage is noted in problems; the
// error is for what is no journal at all.
func openFile(path string) (*file, error) { return openAs(path, false) }

// openToRead opens a file of which nothing will be written: heads may be thin.
func openToRead(path string) (*file, error) { return openAs(path, true) }

func openAs(path string, thin bool) (*file, error) {
	st, err := os.Stat(path) // before it is opened: opening a pipe may wait for ever
	if err != nil {
		return nil, unreadable(path, err)
	}
	if !st.Mode().IsRegular() {
		return nil, &NotJournalError{Path: path, What: "it is not a regular file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if st, err = f.Stat(); err != nil {
		err = unreadable(path, err)
	} else if st.Size() == 0 {
		err = fmt.Errorf("%s: %w", path, ErrEmptyFile)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	j := &file{f: &disk{f: f}, path: path, name: filepath.Base(path), size: st.Size(), conns: map[uint64]*connInfo{}, thin: thin}
	if err := j.load(path); err != nil {
		f.Close()
		if j.f.err != nil {
			err = j.unreadable()
		}
		return nil, err
	}
	return j, nil
}

// unreadable is the error of the system about a file that is there.
func unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return &UnreadableError{Path: path, Err: err}
}

func (j *file) unreadable() error { return unreadable(j.path, j.f.err) }

// disk is a file on a disk that may have faults: it keeps the first of them, since
// what could not be read is not for that damaged.
type disk struct {
	f   *os.File
	err error
}

func (d *disk) ReadAt(p []byte, at int64) (int, error) {
	n, err := d.f.ReadAt(p, at)
	if err != nil && err != io.EOF && d.err == nil {
		d.err = err
	}
	return n, err
}

// isJournalFile says whether a file that can't be opened for this reason is a
// journal's all the same, by its name.
func isJournalFile(path string, err error) bool {
	_, numbered := fileNumber(path)
	var newer *NewerFormatError
	return numbered && !errors.As(err, &newer) && !errors.Is(err, fs.ErrNotExist)
}

func (j *file) close() error { return j.f.f.Close() }

func (j *file) damaged(offset int64, err error) {
	j.problems = append(j.problems, &DamageError{File: j.name, Offset: offset, Err: err})
}

func (j *file) load(path string) error {
	b, err := openBolt(j.f, j.size)
	if err != nil {
		if j.scan(); len(j.blocks) == 0 {
			return &NotJournalError{Path: path, What: describe(j.f)}
		}
		j.damaged(0, errors.New("neither of the file's meta pages can be read; its blocks were found by searching"))
		return nil
	}
	for _, err := range b.problems {
		j.damaged(0, err)
	}
	found, err := j.loadHeader(b, path)
	if err != nil {
		return err
	}
	if n, ok := fileNumber(path); ok && found && n != j.header.Number {
		j.damaged(0, fmt.Errorf("it was written as file %d", j.header.Number))
	}
	for _, err := range b.bucket(string(bucketConns), j.loadConn) {
		j.damaged(0, err)
	}
	j.loadBlocks(b)
	if len(j.problems) > 0 {
		j.scan()
	}
	if !found && len(j.blocks) == 0 {
		return &NotJournalError{Path: path, What: "it is a bbolt database of something else, or its header is destroyed"}
	}
	return nil
}

// loadHeader reads the meta bucket and refuses what a newer program wrote.
func (j *file) loadHeader(b *boltFile, path string) (found bool, err error) {
	errs := b.bucket(string(bucketMeta), func(key []byte, v place) {
		value, rerr := j.read(v)
		if rerr != nil {
			j.damaged(v.offset, rerr)
			return
		}
		switch {
		case bytes.Equal(key, keyHeader):
			if rerr = openValue(key, value, &j.header); rerr == nil {
				found = true
			}
		case bytes.Equal(key, keyNext):
			rerr = openValue(key, value, &j.next)
		}
		if rerr != nil {
			j.damaged(v.offset, fmt.Errorf("the file's %s: %w", key, rerr))
		}
	})
	if found && j.header.Format > Format {
		return true, &NewerFormatError{Path: path, Format: j.header.Format, Mine: Format, Program: j.header.Program}
	}
	for _, err := range errs {
		j.damaged(0, err)
	}
	return found, nil
}

func (j *file) loadConn(key []byte, v place) {
	c := &connInfo{}
	value, err := j.read(v)
	if err == nil {
		err = openValue(key, value, c)
	}
	if err != nil || len(key) != 8 || binary.BigEndian.Uint64(key) != c.Conn {
		j.damaged(v.offset, fmt.Errorf("the entry of a connection: %w", errValueSum))
		return
	}
	j.conns[c.Conn] = c
}

// loadBlocks takes the places from the blocks and their headers from the index.
func (j *file) loadBlocks(b *boltFile) {
	heads := map[uint64][]byte{}
	for _, err := range b.bucket(string(bucketIndex), func(key []byte, v place) {
		if value, err := j.read(v); err == nil && len(key) == 8 {
			heads[binary.BigEndian.Uint64(key)] = value
		}
	}) {
		j.damaged(0, err)
	}
	for _, err := range b.bucket(string(bucketBlocks), func(key []byte, v place) {
		if len(key) != 8 {
			j.damaged(v.offset, errors.New("a block has no number"))
			return
		}
		seq := binary.BigEndian.Uint64(key)
		head, ok := heads[seq]
		delete(heads, seq)
		h, err := parseHead(head)
		if !ok || err != nil || h.first != seq {
			j.damaged(v.offset, fmt.Errorf("the index entry of the block of record %d is damaged", seq))
			if h, err = j.headAt(v.offset); err != nil || h.first != seq {
				return // the search finds it if anything is left
			}
		}
		if j.thin {
			h.thin()
		}
		j.blocks = append(j.blocks, blockRef{h, []int64{v.offset}})
	}) {
		j.damaged(0, err)
	}
	for seq := range heads {
		j.damaged(0, fmt.Errorf("the block of record %d is in the index but not in the file", seq))
	}
}

func (j *file) read(p place) ([]byte, error) {
	if p.length > maxHeader+blockFixed || p.offset+p.length > j.size {
		return nil, errors.New("a value reaches beyond the file")
	}
	b := make([]byte, p.length)
	_, err := j.f.ReadAt(b, p.offset)
	return b, err
}

// headAt reads the head of the block at an offset.
func (j *file) headAt(offset int64) (*blockHeader, error) {
	fixed, err := j.read(place{offset, blockFixed})
	if err != nil {
		return nil, err
	}
	n, _, err := headLen(fixed)
	if err != nil {
		return nil, err
	}
	head, err := j.read(place{offset, int64(n)})
	if err != nil {
		return nil, err
	}
	return parseHead(head)
}

// scan searches the whole file for blocks: the way to those that can't be
// reached through the file's pages, and to intact copies of damaged ones.
func (j *file) scan() {
	if j.scanned {
		return
	}
	j.scanned = true
	const window = 1 << 20
	buf := make([]byte, window+len(blockMagic)-1)
	for at := int64(0); at < j.size; at += window {
		n, _ := j.f.ReadAt(buf, at)
		for i := 0; i < n; {
			k := bytes.Index(buf[i:n], []byte(blockMagic))
			if k < 0 {
				break
			}
			if h, err := j.headAt(at + int64(i+k)); err == nil {
				j.addFound(h, at+int64(i+k))
			}
			i += k + 1
		}
	}
	slices.SortStableFunc(j.blocks, func(a, b blockRef) int {
		return int(min(max(int64(a.head.first-b.head.first), -1), 1))
	})
}

// addFound adds a place where a block was found by searching.
func (j *file) addFound(h *blockHeader, at int64) {
	for i := range j.blocks {
		b := &j.blocks[i]
		if b.head.first == h.first && b.head.count == h.count && b.head.sum == h.sum {
			if !slices.Contains(b.places, at) {
				b.places = append(b.places, at)
			}
			return
		}
	}
	j.blocks = append(j.blocks, blockRef{h, []int64{at}})
}

// payload reads a block's payload from the first place where it is intact.
func (j *file) payload(r *blockRef, buf []byte) ([]byte, error) {
	var first error
	for try := 0; try < 2; try++ {
		for _, at := range r.places {
			b, err := j.payloadAt(r.head, at, buf)
			if err == nil {
				return b, nil
			}
			if first == nil {
				first = &DamageError{File: j.name, Seq: r.head.first, Block: true, Offset: at, Err: err}
			}
		}
		if j.scanned {
			break
		}
		// A copy that bbolt left in a free page is as good as the block itself.
		head := r.head
		j.scan()
		for i := range j.blocks {
			if j.blocks[i].head == head {
				r = &j.blocks[i]
			}
		}
	}
	return nil, first
}

func (j *file) payloadAt(h *blockHeader, at int64, buf []byte) ([]byte, error) {
	fixed, err := j.read(place{at, blockFixed})
	if err != nil {
		return nil, err
	}
	n, size, err := headLen(fixed)
	if err != nil {
		return nil, err
	}
	if at+int64(n)+int64(size) > j.size {
		return nil, errors.New("it reaches beyond the end of the file")
	}
	if size != h.payload {
		return nil, errHeaderSum
	}
	buf = slices.Grow(buf[:0], size)[:size]
	if _, err := j.f.ReadAt(buf, at+int64(n)); err != nil {
		return nil, err
	}
	if crc32.Checksum(buf, castagnoli) != h.sum {
		return nil, errPayloadSum
	}
	return buf, nil
}

// describe says what a file that is no journal looks like.
func describe(f io.ReaderAt) string {
	b := make([]byte, 512)
	n, _ := f.ReadAt(b, 0)
	const imported = " (a capture? see 'repltap import')"
	switch what, _ := Foreign(b[:n]); {
	case IsZstd(b[:n]):
		return "it is " + what + imported
	case what != "":
		return "it is " + what
	case bytes.HasPrefix(b, []byte(`{"`)):
		return "it is JSON text" + imported
	case bytes.HasPrefix(b, []byte("SERVER ")):
		return "it is plain text of replication lines (see 'repltap import')"
	}
	if len(bytes.Trim(b[:n], "\x00")) == 0 {
		return "it begins with zeros only"
	}
	return "it has none of the marks of one"
}
