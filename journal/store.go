package journal

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"repltap/wire"
)

// maxBatch is how many bytes of blocks go to disk in one transaction. When the
// disk is slow, more blocks wait and share one.
const maxBatch = 16 << 20

// store owns the directory of a journal that is being written. Its run goroutine
// owns the open file; others only look at it, under mu.
type store struct {
	dir    string
	lock   *os.File // holds the lock on the directory
	opts   *Options
	log    *slog.Logger
	id     string // of this recording
	key    []byte // for pseudonyms; nil when there are none
	flush  func() error
	server *server
	sealer *sealer

	live    map[uint64]*connInfo // connections that are open, as of the last block
	unsaved map[uint64]bool      // those of live that the open file does not have
	onDisk  map[uint64][2]int64  // bytes of each direction that the files account for
	next    nextNumbers
	seq     uint64 // of the last block that was written
	born    time.Time
	written int64 // bytes of blocks in the open file

	mu      sync.RWMutex
	db      *bbolt.DB // the open file; nil between files
	number  uint64    // its number, or the last one's
	changed chan struct{}
	st      Stats

	losses  losses
	noted   bool        // the reserve has a note of them
	failing atomic.Bool // the last write went wrong
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
	s := &store{dir: dir, lock: lock, opts: o, log: o.Log, live: map[uint64]*connInfo{}, unsaved: map[uint64]bool{}, onDisk: map[uint64][2]int64{}, changed: make(chan struct{})}
	id := make([]byte, 8)
	rand.Read(id)
	s.id = hex.EncodeToString(id)
	unsealed, err := s.resume()
	if err == nil && o.Redact != wire.RedactNone {
		s.key, err = redactionKey(dir)
	}
	if err == nil {
		err = s.create()
	}
	if err != nil {
		lock.Close()
		return nil, nextNumbers{}, err
	}
	s.reserve()
	s.sealer = startSealer(s)
	for _, n := range unsealed {
		s.sealer.add(n)
	}
	return s, s.next, nil
}

// lockDir takes the lock that keeps a second writer out. It is on the directory
// itself and goes with the process.
func lockDir(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the journal directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &LockedError{Dir: dir}
		}
		return nil, fmt.Errorf("locking the journal directory: %w", err)
	}
	return f, nil
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
	path := filepath.Join(s.dir, fileName(number))
	h := fileHeader{Journal: "repltap", Format: Format, Program: s.opts.Program, Number: number, Recording: s.id,
		Start: s.opts.Anchor.UnixNano(), Source: s.opts.Source, Redact: s.opts.Redact.String(), Key: keyName(s.key), After: s.seq, Past: s.opts.Past}
	conns := make([]connInfo, 0, len(s.live))
	for _, c := range s.live {
		for i := range c.Flows {
			// What could not be written is accounted for where its gap is noted.
			c.Flows[i].Start = s.onDisk[c.Conn][i]
		}
		conns = append(conns, *c)
	}
	// It gets its name when it is a journal file: a crash leaves none that is not.
	begun := path + beginningSuffix
	os.Remove(begun)
	db, err := createBolt(begun, h, s.opts.RotateSize, growStep)
	if err != nil {
		return fmt.Errorf("making a journal file: %w", err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return putConns(tx, conns, s.next) })
	if err == nil {
		err = os.Rename(begun, path)
	}
	if err != nil {
		db.Close()
		os.Remove(begun)
		return fmt.Errorf("making a journal file: %w", err)
	}
	syncDir(s.dir)
	clear(s.unsaved)
	s.born, s.written = time.Now(), 0
	s.mu.Lock()
	s.db, s.number = db, number
	s.mu.Unlock()
	s.measure()
	return nil
}

// run writes blocks until there are no more.
func (s *store) run(packed <-chan packedBlock) {
	for p := range packed {
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
}

// write commits a batch. When that fails the blocks are lost and written down as
// such; the file stays as it was and the next batch tries a new one.
func (s *store) write(batch []packedBlock) {
	err := s.ensure() // before the batch is learned: a new file begins where the last batch ended
	for _, p := range batch {
		s.next = p.next
		for i := range p.conns {
			s.learn(&p.conns[i])
		}
	}
	if err == nil {
		err = s.commit(batch)
	}
	s.mu.Lock()
	if (err == nil) != (s.st.Err == nil) {
		s.report(err)
	}
	s.st.Err = err
	s.failing.Store(err != nil)
	for _, p := range batch {
		if p.head == nil {
			continue
		}
		if err == nil {
			s.st.Blocks++
			s.st.Records += uint64(p.head.count)
		} else {
			s.st.Failed++
			if gaps, bytes := s.losses.add(p.head, err); bytes > 0 && s.opts.Lost != nil {
				s.opts.Lost(gaps, bytes)
			}
		}
	}
	if err == nil {
		close(s.changed)
		s.changed = make(chan struct{})
	}
	s.mu.Unlock()
	if err != nil {
		s.drop()
		s.note()
		return
	}
	s.unnote()
	if s.written >= s.opts.RotateSize || s.written > 0 && time.Since(s.born) >= s.opts.RotateInterval {
		s.rotate()
	}
}

// report logs when writing begins to fail and when it works again.
func (s *store) report(err error) {
	if err != nil {
		s.log.Error("the journal can't be written; the traffic goes on and is noted as a gap", "dir", s.dir, "error", err)
	} else {
		s.log.Info("the journal is written again", "dir", s.dir)
	}
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

// ensure makes a file when none is open.
func (s *store) ensure() error {
	if s.db != nil {
		return nil
	}
	return s.create()
}

// commit writes a batch and what it says of the connections in one transaction.
func (s *store) commit(batch []packedBlock) error {
	conns := make([]connInfo, 0, len(s.unsaved))
	for id := range s.unsaved {
		conns = append(conns, *s.live[id])
	}
	size := 0
	err := s.db.Update(func(tx *bbolt.Tx) error {
		for _, p := range batch {
			if p.head == nil {
				continue
			}
			size += len(p.block)
			if err := putBlock(tx, p.head.first, p.block); err != nil {
				return err
			}
		}
		return putConns(tx, conns, s.next)
	})
	if err != nil {
		return err
	}
	s.written += int64(size)
	for id := range s.unsaved {
		if c := s.live[id]; c.Closed != 0 {
			delete(s.live, id)
			delete(s.onDisk, id)
		} else {
			s.onDisk[id] = [2]int64{c.Flows[0].Seen, c.Flows[1].Seen}
		}
	}
	clear(s.unsaved)
	if n := len(batch); batch[n-1].head != nil {
		s.seq = batch[n-1].head.first + uint64(batch[n-1].head.count) - 1
	}
	return nil
}

// takeLost gives what was lost once it can be written down; nil nearly always.
func (s *store) takeLost() []lostFlow {
	if s.failing.Load() {
		return nil
	}
	return s.losses.take()
}

// drop lets go of a file that could not be written to. What is committed in it
// stays as it is.
func (s *store) drop() {
	s.mu.Lock()
	db := s.db
	s.db = nil
	s.mu.Unlock()
	if db != nil {
		db.Close()
	}
	for id := range s.live {
		s.unsaved[id] = true
	}
	s.measure()
}

// rotate ends the open file and begins the next one.
func (s *store) rotate() {
	done := s.number
	s.drop()
	s.sealer.add(done)
	if err := s.create(); err != nil {
		s.mu.Lock()
		s.st.Err = err
		s.report(err)
		s.mu.Unlock()
	}
	s.retain()
}

// close ends the last file, after run.
func (s *store) close() error {
	os.Remove(s.reservePath())
	err := s.lastWill()
	if err == nil && s.db != nil {
		err = s.db.Update(func(tx *bbolt.Tx) error {
			h := fileHeader{}
			if err := openValue(keyHeader, tx.Bucket(bucketMeta).Get(keyHeader), &h); err != nil {
				return err
			}
			h.Ended = true
			return putHeader(tx, h)
		})
	}
	if s.db != nil {
		s.drop()
		s.sealer.add(s.number)
	}
	s.server.close()
	s.sealer.close()
	s.retain()
	s.lock.Close()
	return err
}

func (s *store) stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := s.st
	if s.db != nil {
		if fi, err := os.Stat(filepath.Join(s.dir, fileName(s.number))); err == nil {
			st.Bytes += fi.Size()
		}
	}
	return st
}
