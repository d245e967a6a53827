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
	waiting []holding
	closed  bool
	done    chan struct{}
	gone    atomic.Uint64 // retention has removed the files up to this one
	left    atomic.Uint64 // the files up to this one went with their directory
}

func startSealer(s *store) *sealer {
	l := &sealer{s: s, done: make(chan struct{})}
	l.cond = sync.NewCond(&l.mu)
	go l.run()
	return l
}

// maxWaiting is of how many files that wait it is known what is lost with them.
const maxWaiting = 100

func (l *sealer) add(h holding) {
	l.mu.Lock()
	if len(l.waiting) >= maxWaiting {
		h = holding{number: h.number}
	}
	l.waiting = append(l.waiting, h) // one a file: as few as there are files
	l.cond.Signal()
	l.mu.Unlock()
}

// forget leaves the files up to one as they are: they went with their directory.
func (l *sealer) forget(upTo uint64) {
	l.left.Store(upTo)
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
		h := l.waiting[0]
		n := h.number
		l.waiting = l.waiting[1:]
		l.mu.Unlock()
		if err := sealFile(l.s.pathOf(n), &l.disk); err != nil {
			l.failed(&h, err)
		}
		if n <= l.gone.Load() {
			os.Remove(l.s.pathOf(n)) // it was removed while it was sealed
		}
		l.s.measure(&l.disk)
		l.disk.done()
	}
}

// failed accounts for a file that could not be sealed because it is not what was
// written any more; any other is read as it is.
func (l *sealer) failed(h *holding, err error) {
	why := l.missing(h)
	switch {
	case h.number <= max(l.gone.Load(), l.left.Load()):
	case why == nil:
		l.s.log.Warn("a journal file could not be sealed; it is read as it is", "file", fileName(h.number), "error", err)
	default:
		lost := &LostFileError{File: fileName(h.number), Err: why}
		l.s.salvage(h, &l.disk)
		lost.Bytes = l.s.forgo(h.flows, reasonLost+lost.Error())
		l.s.say(lost)
	}
}

// missing says what became of a file that was written.
func (l *sealer) missing(h *holding) error {
	path := l.s.pathOf(h.number)
	l.disk.at("look at", path)
	there, err := os.Lstat(path)
	switch {
	case isGone(err):
		return errRemoved
	case err != nil || h.info == nil:
		return nil
	case !os.SameFile(h.info, there):
		return errReplaced
	case there.Size() < h.end.offset:
		return errCut
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if h.end.isCut(f) { // and grew again
		return errCut
	}
	return nil
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
