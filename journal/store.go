package journal

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"repltap/wire"
)

// maxBatch is how many bytes of blocks go to disk in one transaction. When the
// disk is slow, more blocks wait and share one.
const maxBatch = 16 << 20

// growStep is how many bytes an open file grows at a time.
const growStep = 1 << 20

// maxEnded is how many connections may have ended in a file before the next one
// is begun: what the file says of them stays in memory. So does what is known of
// those that end while nothing can be written, of which there are no more either.
const maxEnded = 1 << 15

// minTrouble is how long at least Stats has what went wrong, so that a probe that looks
// from time to time sees it even when all was well again at once.
const minTrouble = time.Second

// store owns the directory of a journal that is being written. All that asks
// anything of the disk is done by its run goroutine (and the sealer's, of other
// files), which holds no lock meanwhile: others see what is under mu, and in disk
// that it waits.
type store struct {
	dir    string
	lock   *os.File // holds the lock on the directory; nil when that is not the one that it was
	opts   *Options
	log    *slog.Logger
	id     string // of this recording
	key    []byte // for pseudonyms; nil when there are none
	flush  func() error
	server *server
	sealer *sealer
	disk   watch

	live    map[uint64]*connInfo // connections that are open, as of the last block
	unsaved map[uint64]bool      // those of live that the open file does not have
	onDisk  map[uint64][2]int64  // bytes of each direction that the files account for
	next    nextNumbers
	seq     uint64 // of the last block that was written
	born    time.Time
	written int64       // bytes of blocks in the open file
	kept    ledger      // of the open file: what is lost with it
	ended   int         // connections that ended in it
	moves   []livePlace // where the commit that is going on has put blocks
	noted   bool        // the reserve has a note of losses
	bare    bool        // there is no reserve

	mu        sync.RWMutex
	file      *boltWriter // the open file; nil between files
	number    uint64      // its number, or the last one's
	header    fileHeader  // its header
	places    []livePlace // its blocks, in order
	conns     map[uint64]liveConn
	commits   uint64 // how many there were, for conns
	changed   chan struct{}
	openBytes int64 // of the open file on disk
	st        Stats
	past      error // what went wrong last
	pastAt    time.Time
	doubt     error // why it can't be known whether the directory and the open file are where they were

	losses  losses
	failing atomic.Bool   // the last write went wrong
	settled atomic.Int64  // bytes of traffic that were written or are among the losses
	givenUp chan struct{} // closed when the disk is not waited for any more
}

// livePlace says where a block is in the open file.
type livePlace struct {
	first, last uint64 // numbers of its records
	place
}

// liveConn is what the open file says of a connection. It does not change.
type liveConn struct {
	info *connInfo
	at   uint64 // the commit that wrote it
}

// openStore locks the directory and makes the next file in it.
func openStore(dir string, o *Options) (*store, nextNumbers, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nextNumbers{}, fmt.Errorf("making the journal directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, nextNumbers{}, err
	}
	s := &store{dir: dir, lock: lock, opts: o, log: o.Log, live: map[uint64]*connInfo{}, unsaved: map[uint64]bool{}, onDisk: map[uint64][2]int64{},
		changed: make(chan struct{}), givenUp: make(chan struct{})}
	id := make([]byte, 8)
	rand.Read(id)
	s.id = hex.EncodeToString(id)
	unsealed, err := s.resume()
	if err == nil && o.Redact != wire.RedactNone {
		s.key, err = redactionKey(dir, nil)
	}
	if err == nil {
		err = s.create()
	}
	if err != nil {
		lock.Close()
		return nil, nextNumbers{}, err
	}
	s.reserve()
	s.disk.done()
	s.sealer = startSealer(s)
	for _, n := range unsealed {
		s.sealer.add(holding{number: n})
	}
	return s, s.next, nil
}

// resume finds where an earlier recording ended, and which of its files it could
// not seal any more.
func (s *store) resume() (unsealed []uint64, err error) {
	removeLeftovers(s.dir)
	numbers, err := listFiles(s.dir)
	if err != nil {
		return nil, err
	}
	seen := map[flowKey]int64{}
	for _, n := range numbers {
		s.number = n
		j, err := openFile(filepath.Join(s.dir, fileName(n)))
		var newer *NewerFormatError
		if errors.As(err, &newer) {
			return nil, err
		} else if err != nil {
			s.log.Warn("a file of the journal can't be read; it is left as it is", "file", fileName(n), "error", err)
			continue
		}
		s.next.Seq, s.next.Conn = max(s.next.Seq, j.next.Seq), max(s.next.Conn, j.next.Conn)
		for id, c := range j.conns {
			s.next.Conn = max(s.next.Conn, id)
			for i := range c.Flows {
				k := flowKey{id, wire.S2C + wire.Direction(i)}
				seen[k] = max(seen[k], c.Flows[i].Seen)
			}
		}
		for _, b := range j.blocks {
			s.next.Seq = max(s.next.Seq, b.head.first+uint64(b.head.count)-1)
		}
		if !j.header.Sealed && len(j.problems) == 0 {
			unsealed = append(unsealed, n)
		}
		j.close()
	}
	s.seq = s.next.Seq
	s.inherit(seen)
	return unsealed, nil
}

// create makes the next file, with all that is known of the open connections.
func (s *store) create() error {
	number := s.number + 1
	path := s.pathOf(number)
	h := fileHeader{Journal: "repltap", Format: Format, Program: s.opts.Program, Number: number, Recording: s.id,
		Start: s.opts.Anchor.UnixNano(), Source: s.opts.Source, Redact: s.opts.Redact.String(), Key: keyName(s.key), After: s.seq, Past: s.opts.Past}
	conns := make([]*connInfo, 0, len(s.live))
	for id, old := range s.live {
		c := *old
		for i := range c.Flows {
			// What could not be written is accounted for where its gap is noted.
			c.Flows[i].Start = s.onDisk[id][i]
		}
		s.live[id] = &c
		conns = append(conns, &c)
	}
	// It gets its name when it is a journal file: a crash leaves none that is not.
	begun := path + beginningSuffix
	os.Remove(begun)
	f, err := createBolt(begun, h, growStep, &s.disk)
	if err != nil {
		return fmt.Errorf("making a journal file: %w", err)
	}
	f.bucket(bucketBlocks).placed = s.placed
	err = f.putConns(conns, s.next)
	if err == nil {
		err = f.commit()
	}
	if err == nil {
		err = f.rename(path)
	}
	if err != nil {
		f.close()
		os.Remove(begun)
		return fmt.Errorf("making a journal file: %w", err)
	}
	syncDir(s.dir)
	s.born, s.written, s.kept, s.ended = time.Now(), 0, ledger{}, 0
	s.mu.Lock()
	s.file, s.number, s.header, s.places, s.conns = f, number, h, nil, map[uint64]liveConn{}
	s.mu.Unlock()
	s.saved(conns)
	s.measure(&s.disk)
	return nil
}

func (s *store) pathOf(number uint64) string { return filepath.Join(s.dir, fileName(number)) }

// saved notes that the open file has these connections.
func (s *store) saved(conns []*connInfo) {
	clear(s.unsaved)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commits++
	s.openBytes = s.file.grown
	for _, c := range conns {
		s.conns[c.Conn] = liveConn{c, s.commits}
		if c.Closed != 0 {
			s.ended++
			delete(s.live, c.Conn)
			delete(s.onDisk, c.Conn)
		}
	}
}

// run writes blocks until there are no more, and sees to it meanwhile that the
// journal is where it was.
func (s *store) run(packed <-chan packedBlock) {
	tick := time.NewTicker(max(s.opts.FlushInterval/2, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case p, ok := <-packed:
			if !ok {
				return
			}
			s.writeAll(p, packed)
		case <-tick.C:
			s.write(nil)
		}
	}
}

// writeAll writes a block and those that wait behind it.
func (s *store) writeAll(p packedBlock, packed <-chan packedBlock) {
	batch, size := []packedBlock{p}, len(p.block)
	for more := true; more && size < maxBatch; {
		select {
		case q, ok := <-packed:
			if more = ok; ok {
				batch, size = append(batch, q), size+len(q.block)
			}
		default:
			more = false
		}
	}
	s.write(batch)
	for _, q := range batch {
		if q.done != nil {
			close(q.done)
		}
	}
}

// write commits a batch, which may be empty. When that fails the blocks are lost
// and written down as such; the file stays as it was and the next batch tries a
// new one.
func (s *store) write(batch []packedBlock) {
	defer s.disk.done()
	err := s.ready() // before the batch is learned: a new file begins where the last batch ended
	for _, p := range batch {
		s.next = p.next
		for i := range p.conns {
			s.learn(&p.conns[i])
		}
	}
	if err == nil && s.anew(batch) {
		if err = s.commit(batch); isLoss(err) {
			s.lose(&LostFileError{File: fileName(s.number), Err: err})
		}
	}
	s.settle(batch, err)
	if err != nil {
		s.drop()
		s.forget()
		s.note()
		return
	}
	s.unnote()
	if s.written >= s.opts.RotateSize || s.written > 0 && time.Since(s.born) >= s.opts.RotateInterval || s.ended >= maxEnded {
		s.rotate()
	}
}

// forget keeps bounded what is known of connections that ended while nothing could be
// written: when there are too many, what was lost of the older half is added up.
func (s *store) forget() {
	var ended []uint64
	for id, c := range s.live {
		if c.Closed != 0 {
			ended = append(ended, id)
		}
	}
	if len(ended) < s.opts.maxUnwritten {
		return
	}
	slices.Sort(ended)
	ended = ended[:len(ended)/2+1]
	newest := ended[len(ended)-1]
	s.losses.addUp(func(conn uint64) bool {
		c := s.live[conn]
		return conn <= newest && (c == nil || c.Closed != 0)
	})
	for _, id := range ended {
		delete(s.live, id)
		delete(s.unsaved, id)
		delete(s.onDisk, id)
	}
}

// anew says whether there is something to commit.
func (s *store) anew(batch []packedBlock) bool {
	return len(s.unsaved) > 0 || slices.ContainsFunc(batch, func(p packedBlock) bool { return p.head != nil })
}

// settle notes what has become of a batch.
func (s *store) settle(batch []packedBlock, err error) {
	lost, bytes := ledger{}, int64(0)
	s.mu.Lock()
	for _, p := range batch {
		if p.head == nil {
			continue
		}
		bytes += p.head.rawBytes()
		if err == nil {
			s.st.Blocks++
			s.st.Records += uint64(p.head.count)
		} else {
			s.st.Failed++
			lost.add(p.head)
		}
	}
	if err == nil && len(batch) > 0 {
		s.wake()
	}
	s.mu.Unlock()
	if err != nil {
		s.forgo(lost, "write failed: "+plainError(err))
	}
	s.settled.Add(bytes)
	s.report(err)
}

// forgo notes what is not going to be in the journal.
func (s *store) forgo(lost ledger, reason string) (bytes int64) {
	gaps, bytes := s.losses.add(lost, reason)
	if bytes > 0 && s.opts.Lost != nil {
		s.opts.Lost(reason, gaps, bytes)
	}
	return bytes
}

// wake has readers look at the open file. Under mu.
func (s *store) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// report notes how the last write went, and logs when writing begins to fail and
// when it works again.
func (s *store) report(err error) {
	s.mu.Lock()
	before := s.st.Err
	s.st.Err = err
	if err != nil {
		s.past, s.pastAt = err, time.Now()
	}
	s.mu.Unlock()
	s.failing.Store(err != nil)
	switch {
	case err != nil && before == nil:
		s.log.Error("the journal can't be written; the traffic goes on and is noted as a gap", "dir", s.dir, "error", err)
	case err == nil && before != nil:
		s.log.Info("the journal is written again", "dir", s.dir, "file", fileName(s.number))
	}
}

// lastErr is why the last write went wrong, nil when it did not.
func (s *store) lastErr() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.st.Err
}

// stats asks nothing of the disk: it may hang.
func (s *store) stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := s.st
	st.Bytes += s.openBytes
	switch hang := s.disk.hang(s.opts.FlushInterval); {
	case st.Err != nil:
	case hang != nil:
		st.Err = hang
	case s.past != nil && time.Since(s.pastAt) < max(s.opts.FlushInterval, minTrouble):
		st.Err = s.past
	default:
		st.Err = s.doubt
	}
	return st
}

// learn takes over what a block says of a connection.
func (s *store) learn(c *connInfo) {
	old := s.live[c.Conn]
	n := *c
	for i := range n.Flows {
		if old != nil {
			n.Flows[i].Start = old.Flows[i].Start
		}
	}
	s.live[c.Conn] = &n
	s.unsaved[c.Conn] = true
}

// commit writes a batch and what it says of the connections in one transaction.
func (s *store) commit(batch []packedBlock) error {
	conns := make([]*connInfo, 0, len(s.unsaved))
	for id := range s.unsaved {
		conns = append(conns, s.live[id])
	}
	for _, p := range batch {
		if p.head == nil {
			continue
		}
		if err := s.file.putBlock(p.head.first, p.block); err != nil {
			return err
		}
	}
	if err := s.file.putConns(conns, s.next); err != nil {
		return err
	}
	if err := s.file.commit(); err != nil {
		return err
	}
	for _, p := range batch {
		if p.head != nil {
			s.written += int64(len(p.block))
			s.seq = p.head.first + uint64(p.head.count) - 1
			s.kept.add(p.head)
		}
	}
	for _, c := range conns {
		s.onDisk[c.Conn] = [2]int64{c.Flows[0].Seen, c.Flows[1].Seen}
	}
	s.findable(batch)
	s.saved(conns)
	return nil
}

// placed notes where a block was written. Those in the last page move as others
// come to lie behind them.
func (s *store) placed(key []byte, at place) {
	s.moves = append(s.moves, livePlace{first: binary.BigEndian.Uint64(key), place: at})
}

// findable makes what was committed known to readers of the open file.
func (s *store) findable(batch []packedBlock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range batch {
		if p.head != nil {
			s.places = append(s.places, livePlace{first: p.head.first, last: p.head.first + uint64(p.head.count) - 1})
		}
	}
	for _, m := range s.moves {
		if i, ok := placeOf(s.places, m.first); ok {
			s.places[i].place = m.place
		}
	}
	s.moves = s.moves[:0]
}

// placeOf finds a block among those of a file.
func placeOf(places []livePlace, first uint64) (int, bool) {
	return slices.BinarySearchFunc(places, first, func(p livePlace, first uint64) int { return cmp.Compare(p.first, first) })
}

// takeLost gives what was lost once it can be written down; nil nearly always.
func (s *store) takeLost() []lostFlow {
	if s.failing.Load() {
		return nil
	}
	return s.losses.take()
}

// drop lets go of the open file. What is committed in it stays as it is.
func (s *store) drop() {
	s.mu.Lock()
	f := s.file
	s.file, s.places, s.conns, s.openBytes = nil, nil, nil, 0
	s.wake()
	s.mu.Unlock()
	if f != nil {
		f.close()
	}
	s.kept, s.written = nil, 0
	for id := range s.live {
		s.unsaved[id] = true
	}
	s.measure(&s.disk)
}

// finish ends the open file, which is sealed then.
func (s *store) finish() {
	s.file.trim()
	done := s.holding()
	done.info, _ = s.file.f.Stat() // without it the file is not missed when it is replaced
	s.drop()
	s.sealer.add(done)
}

// rotate ends the open file and begins the next one.
func (s *store) rotate() {
	if err := s.checkFile(); err != nil {
		s.lose(&LostFileError{File: fileName(s.number), Err: err})
	} else {
		s.finish()
	}
	if err := s.create(); err != nil {
		s.report(err)
	}
	s.retain()
}

// close ends the last file, after run.
func (s *store) close() error {
	defer s.disk.done()
	s.write(nil)
	s.disk.at("remove", s.reservePath())
	os.Remove(s.reservePath())
	err := s.lastWill()
	if err == nil && s.file != nil {
		s.header.Ended = true
		if err = s.file.putHeader(s.header); err == nil {
			err = s.file.commit()
		}
	}
	if s.file != nil {
		s.finish()
	}
	s.disk.at("read", s.dir) // which is what readers may wait for
	s.server.close()
	s.disk.done()
	s.sealer.close()
	s.retain()
	if s.lock != nil {
		s.lock.Close()
	}
	return err
}
