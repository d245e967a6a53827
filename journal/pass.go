package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"repltap/wire"
)

// pass is one reading of a journal, from its first file to the end.
type pass struct {
	r         *Reader
	ctx       context.Context
	f         *Filter
	from, to  int64 // Unix nanoseconds, both of them inside
	j         *joiner
	u         *unpacker
	buf       []byte
	last      uint64                  // number of the last record read
	seen      uint64                  // number of the last record that was there, read or not
	now       int64                   // time of the last record that was there
	at        uint64                  // number of the last file of which something was read
	done      uint64                  // number of the last file read to its end
	upTo      uint64                  // the last record in it, 0 when that is not known
	open      open                    // connections that have not ended yet
	removed   *removal                // what was removed and not told yet
	ended     bool                    // it was ended in good order
	recording string                  // id of the recording that is read
	past      bool                    // and that it is an import
	conn      func(*connInfo)         // what a file says of a connection; may be nil
	fail      func(error) bool        // something can't be read; false: stop
	lost      func([]liveLost) bool   // the recorder can't write; false: stop
	told      bool                    // it was called
	whole     func(string, *file)     // a finished file of that path was read; may be nil
	begin     func(*blockHeader) bool // a block begins; false: stop
	each      func(*entry) bool       // an entry; false: stop
	cut       func(*entry) bool       // an end that is in no block; false: stop
}

func (r *Reader) newPass(ctx context.Context, f Filter) *pass {
	s := &pass{r: r, ctx: ctx, f: &f, from: -1 << 63, to: 1<<63 - 1, j: newJoiner(), u: newUnpacker(), open: open{}}
	s.lost = s.unwritten
	s.cut = func(e *entry) bool { return s.each(e) }
	if r.part != nil {
		s.at, s.done, s.upTo, s.seen = r.part.done, r.part.done, r.part.upTo, r.part.upTo
	}
	if f.From.Set {
		s.from = f.From.resolve(r.info.Start)
	}
	if f.To.Set {
		s.to = f.To.resolve(r.info.Start) - 1
	}
	return s
}

func (s *pass) inTime(t int64) bool { return s.from <= t && t <= s.to }

// run reads everything; false when it was told to stop.
func (s *pass) run(follow bool) bool {
	for {
		hello, live := liveHello{}, false
		if s.r.silent != nil && !s.fail(s.r.silent) {
			return false
		}
		if s.r.info.Live {
			var err error
			if hello, live, err = helloLive(s.r.dir); err != nil && !s.fail(err) {
				return false
			}
		}
		if !s.finishedFiles(hello.File) {
			return false
		}
		if !live {
			hello.Lost = s.r.noted()
		}
		if len(hello.Lost) > 0 && !s.told {
			s.told = true
			if !s.lost(hello.Lost) {
				return false
			}
		}
		if !live {
			return s.endOfRecording()
		}
		if hello.File == 0 && !follow {
			return true // between files: what comes later is a later reading's
		}
		if hello.File == 0 {
			if !s.pause() {
				return s.fail(s.ctx.Err())
			}
			continue
		}
		again, ok := s.liveFile(hello, follow)
		if !ok || !again {
			return ok
		}
		s.done = min(s.done, hello.File-1) // the rest of it is on disk
	}
}

// noted is what a recorder that was killed could not write.
func (r *Reader) noted() []liveLost {
	if r.file != "" || r.part != nil || r.silent != nil {
		return nil
	}
	return notedLosses(r.dir)
}

// pause waits a little for the recorder to begin a file; false when ctx ended.
func (s *pass) pause() bool {
	select {
	case <-s.ctx.Done():
		return false
	case <-time.After(200 * time.Millisecond):
		return true
	}
}

// unwritten is what a reader says of traffic that the recorder can't write.
func (s *pass) unwritten(lost []liveLost) bool {
	e := &UnwrittenError{}
	for _, l := range lost {
		e.Bytes, e.Reason = e.Bytes+l.Event.Bytes, l.Event.Reason
	}
	return s.fail(e)
}

// finishedFiles reads all files that nobody writes any more and that were not
// read yet.
func (s *pass) finishedFiles(open uint64) bool {
	paths, err := s.r.paths()
	if err != nil {
		return s.fail(err)
	}
	for _, p := range paths {
		n, numbered := fileNumber(p)
		if numbered && (n <= s.done || open != 0 && n >= open) {
			continue // one that was begun since open was asked for is not finished
		}
		if !s.file(p, n) {
			return false
		}
	}
	return true
}

// file reads file n of the journal.
func (s *pass) file(path string, n uint64) bool {
	j, err := openToRead(path)
	if errors.Is(err, fs.ErrNotExist) && s.r.file == "" {
		return true // it was removed since the files were listed
	}
	if s.r.file == "" && !s.reach(n) {
		return false
	}
	s.done = n
	if err != nil {
		s.upTo = 0 // what was in it is not known
		var unreadable *UnreadableError
		if !IsPartial(err) && !errors.As(err, &unreadable) && isJournalFile(path, err) {
			err = &DamageError{File: filepath.Base(path), Err: errors.New(plainError(err))}
		}
		return s.fail(err)
	}
	defer j.close()
	if !s.enter(&j.header) || !s.continues(j) || !s.troubles(j) {
		return false
	}
	if !s.blocks(j) {
		return false
	}
	if s.whole != nil {
		s.whole(path, j)
	}
	s.ended = j.header.Ended
	for id, c := range j.conns {
		if c.Closed != 0 {
			delete(s.open, id)
		}
	}
	return true
}

// troubles says what of a file can't be read but for its blocks. Where the disk
// does not give what is on it, it is not known what is damaged.
func (s *pass) troubles(j *file) bool {
	if j.f.err != nil {
		return s.fail(j.unreadable())
	}
	for _, p := range j.problems {
		if !s.fail(p) {
			return false
		}
	}
	return true
}

// blocks reads the blocks of a file.
func (s *pass) blocks(j *file) bool {
	failed := j.f.err != nil
	for i := range j.blocks {
		b := &j.blocks[i]
		if s.ctx.Err() != nil {
			return s.fail(s.ctx.Err())
		}
		if b.head.first+uint64(b.head.count) <= s.last+1 || !s.wanted(b.head) {
			continue
		}
		payload, err := j.payload(b, s.buf)
		if err == nil {
			s.buf = payload
			if !s.block(b.head, payload, &err) {
				return false
			}
		}
		if err != nil {
			var d *DamageError
			switch {
			case j.f.err != nil && failed:
				continue
			case j.f.err != nil:
				failed, err = true, j.unreadable()
			case !errors.As(err, &d):
				err = &DamageError{File: j.name, Seq: b.head.first, Block: true, Offset: b.places[0], Err: err}
			}
			if !s.fail(err) {
				return false
			}
		}
	}
	return true
}

// wanted takes in the head of a block, and says whether the block is to be read.
func (s *pass) wanted(h *blockHeader) bool {
	s.open.see(h)
	s.seen, s.now = max(s.seen, h.first+uint64(h.count)-1), max(s.now, h.tmax)
	return !s.skip(h)
}

// continues checks that a file goes on where the one before it ended: that one
// may have lost its end in a way that leaves it looking whole. A file of which
// parts are missing can't be asked, nor can the one after it.
func (s *pass) continues(j *file) bool {
	before, hole := s.upTo, s.removed != nil
	s.upTo = j.upTo()
	for _, c := range j.conns {
		s.learn(c)
	}
	next, at := j.header.After+1, int64(0)
	if len(j.blocks) > 0 {
		at = j.blocks[0].head.tmin
		if next == 1 {
			next = j.blocks[0].head.first
		}
	}
	if !s.tellRemoved(next, at) {
		return false
	}
	s.seen = max(s.seen, j.header.After)
	if hole || before == 0 || len(j.problems) > 0 || j.header.After <= before {
		return true
	}
	return s.fail(&DamageError{File: j.name, Err: fmt.Errorf("it goes on after record %d, but the file before it ends with record %d: what is between is missing", j.header.After, before)})
}

// learn takes the name of a connection's worker.
func (s *pass) learn(c *connInfo) {
	if s.conn != nil {
		s.conn(c)
	}
	if s.removed != nil {
		s.removed.ledger(c, s.open[c.Conn])
	}
	if c.Worker != "" {
		s.j.workers[c.Conn] = c.Worker
	}
}

// skip says whether nothing in a block can pass the filter. A block that ends in
// the middle of a line is read all the same: the line may pass later. So is one
// with a gap.
func (s *pass) skip(h *blockHeader) bool {
	out := h.tmax < s.from || h.tmin > s.to ||
		(len(s.f.Conns) > 0 || len(s.f.Workers) > 0 || s.f.Dir != wire.NoDirection) && !slices.ContainsFunc(h.flows, s.wants) ||
		s.f.byContent() && !h.thinned && !slices.ContainsFunc(h.tallies, s.counts)
	return out && !slices.ContainsFunc(h.flows, func(f flow) bool { return f.open || f.gapBytes > 0 })
}

// wants says whether a direction of a connection passes, whatever is in it.
func (s *pass) wants(f flow) bool {
	who := Filter{Conns: s.f.Conns, Workers: s.f.Workers, Dir: s.f.Dir}
	return who.Match(&Record{Conn: f.conn, Dir: f.dir, Worker: s.j.workers[f.conn]})
}

func (s *pass) counts(t tally) bool {
	return (len(s.f.Commands) == 0 || t.command == wire.CmdUnknown || slices.Contains(s.f.Commands, t.command.String())) &&
		(len(s.f.Streams) == 0 || slices.Contains(s.f.Streams, t.stream)) &&
		(len(s.f.Instances) == 0 || slices.Contains(s.f.Instances, t.instance)) &&
		(s.f.Dir == wire.NoDirection || s.f.Dir == t.dir)
}

// block reads the entries of one block that were not read yet; false when it was
// told to stop, while what is wrong with the block goes into err.
func (s *pass) block(h *blockHeader, payload []byte, err *error) bool {
	if !s.begin(h) {
		return false
	}
	stopped := false
	*err = s.u.entries(h, payload, func(e *entry) bool {
		if e.kind == KindClose {
			delete(s.open, e.conn)
		}
		if e.seq <= s.last {
			return true
		}
		s.last = e.seq
		stopped = !s.each(e)
		return !stopped
	})
	return !stopped
}

// liveFile reads the open file through its writer. again says that it was
// finished meanwhile, so the rest is to be read from disk.
func (s *pass) liveFile(hello liveHello, follow bool) (again, ok bool) {
	number := hello.File
	if !s.reach(number) || !s.enter(&hello.Header) {
		return false, false
	}
	l := dialLive(s.r.dir, liveRequest{Op: "read", File: number, After: s.last, Follow: follow})
	if l == nil {
		return true, true
	}
	defer l.close()
	stop := context.AfterFunc(s.ctx, l.close)
	defer stop()
	for {
		kind, body, err := l.next()
		if s.ctx.Err() != nil {
			return false, s.fail(s.ctx.Err())
		}
		if err != nil {
			return true, true // the recorder is gone: what it wrote is on disk
		}
		switch kind {
		case frameConn:
			c := &connInfo{}
			if json.Unmarshal(body, c) == nil {
				s.learn(c)
			}
		case frameBlock:
			if !s.liveBlock(number, body) {
				return false, false
			}
		case frameEnd:
			var end liveEnd
			if err := json.Unmarshal(body, &end); err != nil || end.Error != "" {
				return false, s.fail(fmt.Errorf("the recorder: %s", end.Error))
			}
			return end.Finished, true
		}
	}
}

func (s *pass) liveBlock(number uint64, block []byte) bool {
	h, err := parseHead(block)
	if err == nil {
		n, size, _ := headLen(block)
		payload := block[n:]
		if len(payload) != size || crc32.Checksum(payload, castagnoli) != h.sum {
			err = errPayloadSum
		} else if !s.tellRemoved(h.first, h.tmin) {
			return false
		} else if !s.wanted(h) {
			return true
		} else if !s.block(h, payload, &err) {
			return false
		}
	}
	if err == nil {
		return true
	}
	return s.fail(&DamageError{File: fileName(number), Block: true, Err: err})
}
