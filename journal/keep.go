package journal

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// fileInfo is a finished file as retention sees it.
type fileInfo struct {
	number uint64
	size   int64
	last   time.Time // when it was last written to
}

// finished lists the files that are not open.
func (s *store) finished(w *watch) []fileInfo {
	w.at("list", s.dir)
	numbers, err := listFiles(s.dir)
	if err != nil {
		return nil
	}
	s.mu.RLock()
	open := uint64(0)
	if s.file != nil {
		open = s.number
	}
	s.mu.RUnlock()
	var out []fileInfo
	for _, n := range numbers {
		w.at("look at", fileName(n))
		if fi, err := os.Stat(s.pathOf(n)); err == nil && n != open {
			out = append(out, fileInfo{n, fi.Size(), fi.ModTime()})
		}
	}
	return out
}

// measure counts the files and their bytes anew.
func (s *store) measure(w *watch) {
	files, size := s.finished(w), int64(0)
	for _, f := range files {
		size += f.size
	}
	s.mu.Lock()
	s.st.Files, s.st.Bytes = len(files), size
	if s.file != nil {
		s.st.Files++
	}
	s.mu.Unlock()
}

// retain deletes the oldest files while the journal is too large or they are too
// old. The file that is open stays, whatever the limits, and when there is none the
// last one.
func (s *store) retain() {
	files := s.finished(&s.disk)
	total := s.stats().Bytes
	if s.opts.MaxSize > 0 || s.opts.MaxAge > 0 {
		total = 0
		for _, f := range files {
			total += f.size
		}
		total += s.written
	}
	if s.file == nil {
		files = files[:max(len(files)-1, 0)]
	}
	for _, f := range files {
		tooLarge := s.opts.MaxSize > 0 && total > s.opts.MaxSize
		tooOld := s.opts.MaxAge > 0 && time.Since(f.last) > s.opts.MaxAge
		if !tooLarge && !tooOld {
			break
		}
		s.sealer.gone.Store(f.number)
		s.disk.at("remove", fileName(f.number))
		if err := os.Remove(s.pathOf(f.number)); err != nil {
			s.log.Error("an old journal file can't be removed", "file", fileName(f.number), "error", err)
			break
		}
		s.log.Info("an old journal file was removed", "file", fileName(f.number), "bytes", f.size)
		total -= f.size
	}
	s.measure(&s.disk)
}

// sealer rewrites finished files in the background, one at a time. A file that
// can't be sealed stays as it is: it reads as well.
type sealer struct {
	s       *store
	disk    watch
	mu      sync.Mutex
	cond    *sync.Cond
	waiting []uint64
	closed  bool
	done    chan struct{}
	gone    atomic.Uint64 // retention has removed the files up to this one
}

func startSealer(s *store) *sealer {
	l := &sealer{s: s, done: make(chan struct{})}
	l.cond = sync.NewCond(&l.mu)
	go l.run()
	return l
}

func (l *sealer) add(number uint64) {
	l.mu.Lock()
	l.waiting = append(l.waiting, number) // one a file: as few as there are files
	l.cond.Signal()
	l.mu.Unlock()
}

// forget leaves the files that wait as they are: they went with their directory.
func (l *sealer) forget() {
	l.mu.Lock()
	l.waiting = nil
	l.mu.Unlock()
}

// close waits until all that was added is sealed.
func (l *sealer) close() {
	l.mu.Lock()
	l.closed = true
	l.cond.Signal()
	l.mu.Unlock()
	<-l.done
}

func (l *sealer) run() {
	defer close(l.done)
	for {
		l.mu.Lock()
		for len(l.waiting) == 0 && !l.closed {
			l.cond.Wait()
		}
		if len(l.waiting) == 0 {
			l.mu.Unlock()
			return
		}
		n := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.mu.Unlock()
		if err := sealFile(l.s.pathOf(n), &l.disk); err != nil && n > l.gone.Load() {
			l.s.log.Warn("a journal file could not be sealed; it is read as it is", "file", fileName(n), "error", err)
		}
		if n <= l.gone.Load() {
			os.Remove(l.s.pathOf(n)) // it was removed while it was sealed
		}
		l.s.measure(&l.disk)
		l.disk.done()
	}
}

// Files that are being made and have no name of their own yet. One that is found
// was left by a crash.
const (
	sealingSuffix   = ".sealing"
	beginningSuffix = ".beginning"
)

func removeLeftovers(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), sealingSuffix) || strings.HasSuffix(e.Name(), beginningSuffix) {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// syncDir makes names in a directory survive a power loss, as far as the file
// system does that.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}
