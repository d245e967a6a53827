package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// source is one FILE of an import. It can be read more than once.
type source struct {
	name  string // as the person wrote it, "stdin" for -
	file  *os.File
	size  int64
	mtime time.Time // zero for what is no file
	read  int64     // bytes of the file that the reader at work has read
}

// openSource opens a file for import. What can be read only once (a pipe,
// stdin) is copied to a temporary file first, since an import looks through
// everything before it writes anything.
func openSource(ctx context.Context, e *env, path string) (*source, error) {
	if path == "-" {
		return spool(ctx, "stdin", func() (io.ReadCloser, error) { return io.NopCloser(e.stdin), nil })
	}
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return spool(ctx, path, func() (io.ReadCloser, error) { return os.Open(path) })
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &source{name: path, file: f, size: st.Size(), mtime: st.ModTime()}, nil
}

// spool copies what can be read once. Opening a pipe and reading it may take for
// ever and can't be called off, so when ctx ends the copying is left to itself:
// the program ends then.
func spool(ctx context.Context, name string, open func() (io.ReadCloser, error)) (*source, error) {
	f, err := os.CreateTemp("", "repltap-import-*")
	if err != nil {
		return nil, err
	}
	// It has no name from here on: what it holds is not redacted yet, and nothing
	// of it must be left whatever becomes of this process.
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	s := &source{name: name, file: f}
	type copied struct {
		n   int64
		err error
	}
	done := make(chan copied, 1)
	go func() {
		r, err := open()
		if err != nil {
			done <- copied{err: err}
			return
		}
		defer r.Close()
		n, err := io.Copy(f, r)
		done <- copied{n, err}
	}()
	select {
	case c := <-done:
		s.size, err = c.n, c.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return s, nil
}

func (s *source) close() { s.file.Close() }

// reader starts reading the source from its beginning, decompressed.
func (s *source) reader() (r *bufio.Reader, stop func(), err error) {
	s.read = 0
	r, stop, err = decompress(&countingReader{io.NewSectionReader(s.file, 0, s.size), &s.read})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return r, stop, nil
}

// countingReader counts what was read of r.
type countingReader struct {
	r io.Reader
	n *int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}
