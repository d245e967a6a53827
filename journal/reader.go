package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"repltap/wire"
)

// Info is what a journal says of itself.
type Info struct {
	Path    string
	Live    bool // it is being recorded right now
	Files   int
	Bytes   int64 // on disk
	Start   int64 // Unix nanoseconds: the anchor of the first recording in it
	Source  string
	Redact  string
	Key     string // names the key of its pseudonyms: only under the same one are they the same
	Program string
}

// Reader reads a journal: a directory, any one file of it, or a directory that
// is being recorded into. Its methods may be called one after another, each
// reads anew.
type Reader struct {
	info Info
	dir  string
	file string // the one file, when it is not a directory

	silent *SilentRecorderError // the recorder does not answer
}

// Open looks at what path is. Errors: a *NotJournalError, *NewerFormatError,
// ErrEmptyFile, ErrNoFiles, or what the system says. Damage is no error here: it
// comes up when it is read.
func Open(path string) (*Reader, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{info: Info{Path: path}, dir: path}
	if !st.IsDir() {
		r.dir, r.file = filepath.Dir(path), path
	}
	hello, live, err := helloLive(r.dir)
	var silent *SilentRecorderError
	if errors.As(err, &silent) {
		r.silent = silent
	} else if err != nil {
		return nil, err
	}
	if r.file != "" {
		n, ok := fileNumber(path)
		live = live && ok && n == hello.File
	}
	r.info.Live = live
	paths, err := r.paths()
	if err != nil {
		return nil, err
	}
	r.info.Files = len(paths)
	for _, p := range paths {
		if st, err := os.Stat(p); err == nil {
			r.info.Bytes += st.Size()
		}
	}
	return r, r.first(paths, hello)
}

// paths lists the files to read, in order.
func (r *Reader) paths() ([]string, error) {
	if r.file != "" {
		return []string{r.file}, nil
	}
	numbers, err := listFiles(r.dir)
	if err != nil {
		return nil, err
	}
	if len(numbers) == 0 && !r.info.Live {
		return nil, fmt.Errorf("%s: %w", r.dir, ErrNoFiles)
	}
	var out []string
	for _, n := range numbers {
		out = append(out, filepath.Join(r.dir, fileName(n)))
	}
	return out, nil
}

// first reads the header of the first file that has one. A file that has none is
// no reason not to read the others; that it is bad is said when it is read.
func (r *Reader) first(paths []string, hello liveHello) error {
	var bad error
	for _, p := range paths {
		h := hello.Header
		if n, _ := fileNumber(p); !r.info.Live || n != hello.File {
			j, err := openFile(p)
			if errors.Is(err, fs.ErrNotExist) && r.file == "" {
				continue // it was removed just now
			} else if err != nil {
				if !isJournalFile(p, err) {
					bad = errors.Join(bad, err)
				}
				continue
			}
			h = j.header
			if h.Start == 0 && len(j.blocks) > 0 {
				h.Start = j.blocks[0].head.tmin
			}
			j.close()
		}
		r.info.Start, r.info.Source, r.info.Redact, r.info.Program = h.Start, h.Source, h.Redact, h.Program
		r.info.Key = h.Key
		return nil
	}
	return bad
}

// Info is what was found by Open.
func (r *Reader) Info() Info { return r.info }

// Close is for symmetry: between calls a Reader holds nothing open.
func (r *Reader) Close() error { return nil }

// Records gives the records that pass the filter, in the journal's order. An
// error that is a *DamageError, *NewerFormatError or *NotJournalError is about a
// part that can't be read, and reading goes on after it; any other ends it. A
// record is valid until the next.
func (r *Reader) Records(ctx context.Context, f Filter) iter.Seq2[*Record, error] {
	return r.records(ctx, f, false)
}

// Follow is Records and goes on with what is recorded later, until ctx ends or
// the recording does.
func (r *Reader) Follow(ctx context.Context, f Filter) iter.Seq2[*Record, error] {
	return r.records(ctx, f, true)
}

func (r *Reader) records(ctx context.Context, f Filter, follow bool) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		s := r.newPass(ctx, f)
		defer s.u.close()
		s.fail = func(err error) bool { return yield(nil, err) }
		pass := func(rec *Record) bool {
			if !s.inTime(rec.Time) || !f.Match(rec) {
				return true
			}
			return yield(rec, nil)
		}
		s.begin = func(h *blockHeader) bool { return s.j.block(h, pass) }
		s.each = func(e *entry) bool { return s.j.entry(e, pass) }
		if s.run(follow) {
			s.j.finish(pass)
		}
	}
}

// Raw gives the exact bytes of the connections and directions that the filter
// selects, as they were read. With a filter on commands, streams, instances or
// findings it gives the lines that pass it.
func (r *Reader) Raw(ctx context.Context, f Filter) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if f.byContent() || f.Findings {
			for rec, err := range r.Records(ctx, f) {
				if err != nil && !yield(nil, err) || err == nil && rec.Data != nil && !yield(rec.Data, nil) {
					return
				}
			}
			return
		}
		s := r.newPass(ctx, f)
		defer s.u.close()
		s.fail = func(err error) bool { return yield(nil, err) }
		s.begin = func(*blockHeader) bool { return true }
		s.each = func(e *entry) bool {
			rec := Record{Conn: e.conn, Dir: e.dir, Worker: s.j.workers[e.conn]}
			if e.kind != KindNone || !s.inTime(e.time) || !f.Match(&rec) {
				return true
			}
			return yield(e.data, nil)
		}
		s.run(false)
	}
}

// pass is one reading of a journal, from its first file to the end.
type pass struct {
	r        *Reader
	ctx      context.Context
	f        *Filter
	from, to int64 // Unix nanoseconds, both of them inside
	j        *joiner
	u        *unpacker
	buf      []byte
	last     uint64                  // number of the last record read
	done     uint64                  // number of the last file read
	upTo     uint64                  // the last record in it, 0 when that is not known
	conn     func(*connInfo)         // what a file says of a connection; may be nil
	fail     func(error) bool        // something can't be read; false: stop
	lost     func([]liveLost) bool   // the recorder can't write; false: stop
	told     bool                    // it was called
	begin    func(*blockHeader) bool // a block begins; false: stop
	each     func(*entry) bool       // an entry; false: stop
}

func (r *Reader) newPass(ctx context.Context, f Filter) *pass {
	s := &pass{r: r, ctx: ctx, f: &f, from: -1 << 63, to: 1<<63 - 1, j: newJoiner(), u: newUnpacker()}
	s.lost = s.unwritten
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
		if !live || hello.File == 0 && !follow {
			return true // or between files: what comes later is a later reading's
		}
		if hello.File == 0 {
			if !s.pause() {
				return s.fail(s.ctx.Err())
			}
			continue
		}
		again, ok := s.liveFile(hello.File, follow)
		if !ok || !again {
			return ok
		}
	}
}

// noted is what a recorder that was killed could not write.
func (r *Reader) noted() []liveLost {
	if r.file != "" || r.silent != nil {
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
		if numbered && (n <= s.done || n == open) {
			continue
		}
		if s.r.file == "" && s.done > 0 && n > s.done+1 {
			s.upTo = 0
			missing := &DamageError{File: fileName(s.done + 1), Err: errors.New("the file is missing")}
			if !s.fail(missing) {
				return false
			}
		}
		s.done = n
		if !s.file(p) {
			return false
		}
	}
	return true
}

func (s *pass) file(path string) bool {
	j, err := openFile(path)
	if errors.Is(err, fs.ErrNotExist) && s.r.file == "" {
		s.upTo = 0 // retention was faster
		return true
	} else if err != nil {
		s.upTo = 0 // what was in it is not known
		if !IsPartial(err) && isJournalFile(path, err) {
			err = &DamageError{File: filepath.Base(path), Err: errors.New(plainError(err))}
		}
		return s.fail(err)
	}
	defer j.close()
	if !s.continues(j) {
		return false
	}
	for _, p := range j.problems {
		if !s.fail(p) {
			return false
		}
	}
	for _, c := range j.conns {
		s.learn(c)
	}
	for i := range j.blocks {
		b := &j.blocks[i]
		if s.ctx.Err() != nil {
			return s.fail(s.ctx.Err())
		}
		if b.head.first+uint64(b.head.count) <= s.last+1 || s.skip(b.head) {
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
			if !errors.As(err, &d) {
				err = &DamageError{File: j.name, Seq: b.head.first, Block: true, Offset: b.places[0], Err: err}
			}
			if !s.fail(err) {
				return false
			}
		}
	}
	return true
}

// continues checks that a file goes on where the one before it ended: that one
// may have lost its end in a way that leaves it looking whole. A file of which
// parts are missing can't be asked, nor can the one after it.
func (s *pass) continues(j *file) bool {
	before := s.upTo
	s.upTo = 0
	if len(j.problems) > 0 {
		return true
	}
	s.upTo = j.header.After
	for i := range j.blocks {
		h := j.blocks[i].head
		s.upTo = max(s.upTo, h.first+uint64(h.count)-1)
	}
	if before == 0 || j.header.After <= before {
		return true
	}
	return s.fail(&DamageError{File: j.name, Err: fmt.Errorf("it goes on after record %d, but the file before it ends with record %d: what is between is missing", j.header.After, before)})
}

// learn takes the name of a connection's worker.
func (s *pass) learn(c *connInfo) {
	if s.conn != nil {
		s.conn(c)
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
		s.f.byContent() && !slices.ContainsFunc(h.tallies, s.counts)
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
func (s *pass) liveFile(number uint64, follow bool) (again, ok bool) {
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
		} else if s.skip(h) {
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
