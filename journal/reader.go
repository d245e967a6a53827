package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

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
	Redact  string // the highest level of its recordings
	Key     string // names the key of its pseudonyms: only under the same one are they the same
	Program string
}

// Reader reads a journal: a directory, any one file of it, or a directory that
// is being recorded into. Its methods may be called one after another, each
// reads anew.
type Reader struct {
	info Info
	dir  string
	file string     // the one file, when it is not a directory
	part *recording // the one recording to read, of several

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
	if r.part != nil {
		return r.part.files, nil
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

// first takes what the journal says of itself from the first file that has a
// header, and the start from the recording that began first: imports may have
// been added in any order. A file that has no header is no reason not to read the
// others; that it is bad is said when it is read. A journal of which no file can be
// read for what the system says is refused.
func (r *Reader) first(paths []string, hello liveHello) error {
	var bad, unreadable error
	found := false
	for _, p := range paths {
		h := hello.Header
		if n, _ := fileNumber(p); !r.info.Live || n != hello.File {
			j, err := openToRead(p)
			if errors.Is(err, fs.ErrNotExist) && r.file == "" {
				continue // it was removed just now
			} else if err != nil {
				if errors.As(err, new(*UnreadableError)) {
					unreadable = cmp.Or(unreadable, err)
				} else if !isJournalFile(p, err) {
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
		if found {
			r.info.Start = min(r.info.Start, h.Start)
			r.info.Redact = higher(r.info.Redact, h.Redact)
			continue
		}
		found = true
		r.info.Start, r.info.Source, r.info.Redact, r.info.Program = h.Start, h.Source, h.Redact, h.Program
		r.info.Key = h.Key
	}
	if found {
		return nil
	}
	return errors.Join(unreadable, bad)
}

// higher is the higher of two levels of redaction, by name.
func higher(a, b string) string {
	x, _ := wire.ParseRedaction(a)
	y, _ := wire.ParseRedaction(b)
	if y > x {
		return b
	}
	return a
}

// Info is what was found by Open.
func (r *Reader) Info() Info { return r.info }

// Close is for symmetry: between calls a Reader holds nothing open.
func (r *Reader) Close() error { return nil }

// Records gives the records that pass the filter, in the journal's order. An
// error that IsPartial, as a *DamageError or *RemovedError, is about a
// part that can't be read, and reading goes on after it. So it does after an
// *UnreadableError, for those who want the rest and fail in the end; any other ends
// it. A record is valid until the next.
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
