package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"repltap/wire"
)

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

// A directory, and a file in it, can be taken away below their writer, who could go
// on writing into what nobody will ever find. So before each commit, and a few times
// in each flush interval when there is nothing to commit, it looks whether their
// names still lead to them.

// reasonLost begins the reason of a gap that is what was lost with a file.
const reasonLost = "file lost: "

// LostFileError is a journal file that was taken away from its recorder, or all of
// them with their directory.
type LostFileError struct {
	File string // "" is the directory
	Err  error
	// Bytes of traffic that were in the file and are not there any more.
	Bytes int64
}

func (e *LostFileError) Error() string {
	if e.File == "" {
		return "the journal's directory " + e.Err.Error()
	}
	return e.File + " " + e.Err.Error()
}

// Unwrap gives what happened to it.
func (e *LostFileError) Unwrap() error { return e.Err }

// ready sees to it that there is an open file, which is where it belongs.
func (s *store) ready() error {
	if err := s.checkDir(); err != nil {
		s.lose(&LostFileError{Err: err})
		s.leave()
	} else if err := s.checkFile(); err != nil {
		s.lose(&LostFileError{File: fileName(s.number), Err: err})
	}
	if s.lock == nil {
		if err := s.enter(); err != nil {
			return err
		}
	}
	if s.file == nil {
		if err := s.create(); err != nil {
			return err
		}
	}
	s.furnish()
	return nil
}

// checkDir says what became of the directory. That this can't be known is no
// reason not to go on writing, but one to say so.
func (s *store) checkDir() error {
	s.setDoubt(nil)
	if s.lock == nil {
		return nil
	}
	s.disk.at("look at", s.dir)
	there, err := os.Stat(s.dir)
	if isGone(err) {
		return errRemoved
	}
	var here os.FileInfo
	if err == nil {
		here, err = s.lock.Stat()
	}
	if err != nil {
		s.setDoubt(err)
	} else if !os.SameFile(here, there) {
		return errReplaced
	}
	return nil
}

// checkFile says what became of the open file.
func (s *store) checkFile() error {
	if s.file == nil {
		return nil
	}
	err := s.file.check()
	if err != nil && !isLoss(err) {
		s.setDoubt(err)
		return nil
	}
	return err
}

func isLoss(err error) bool {
	return errors.Is(err, errRemoved) || errors.Is(err, errReplaced) || errors.Is(err, errCut)
}

func (s *store) setDoubt(err error) {
	if err != nil {
		err = fmt.Errorf("whether the journal is still where it was can't be known: %w", err)
	}
	s.mu.Lock()
	s.doubt = err
	s.mu.Unlock()
}

// lose accounts for what was in the open file and is not there any more, and lets
// go of the file.
func (s *store) lose(why *LostFileError) {
	if s.file != nil {
		h := s.holding()
		s.seq = max(s.header.After, s.salvage(&h, &s.disk))
		why.Bytes = s.forgo(s.kept, reasonLost+why.Error())
		s.disown()
	}
	s.drop()
	s.note()
	s.mu.Lock()
	s.st.Err = why
	s.mu.Unlock()
	s.say(why)
}

// say logs that a file was taken away, and has Stats say it for a while.
func (s *store) say(why *LostFileError) {
	s.mu.Lock()
	s.past, s.pastAt = why, time.Now()
	s.mu.Unlock()
	s.log.Error("the journal was taken away from its recorder; the traffic goes on, and what is lost is noted as a gap", "dir", s.dir, "error", why, "lost_bytes", why.Bytes)
}

// holding is what was written to a file: what is lost with it.
type holding struct {
	number uint64
	flows  ledger
	places []livePlace // of its blocks, in order
	end    mark
	info   os.FileInfo // which file it is; nil when that is not known
}

// holding is that of the open file.
func (s *store) holding() holding {
	return holding{number: s.number, flows: s.kept, places: s.places, end: s.file.end}
}

// salvage takes out of what is lost with a file what readers still find: all that
// lay before where it was cut, or what another file in its place has. It gives the
// number of the last record of that, 0 when there is none.
func (s *store) salvage(h *holding, w *watch) (seq uint64) {
	w.at("read", s.pathOf(h.number))
	j, err := openFile(s.pathOf(h.number))
	if err != nil {
		return 0
	}
	defer j.close()
	if j.header.Recording != "" && j.header.Recording != s.id {
		return 0
	}
	starts, left := h.starts(), 0
	var buf []byte
	for i := range j.blocks {
		b := &j.blocks[i]
		if _, ours := placeOf(h.places, b.head.first); !ours {
			continue
		}
		w.at("read", s.pathOf(h.number))
		if buf, err = j.payload(b, buf); err == nil {
			h.flows.remove(b.head)
			seq = max(seq, b.head.first+uint64(b.head.count)-1)
			left++
		}
	}
	// Pages are used again, so what is left need not be the beginning. Then what is
	// lost begins where the file did.
	if left > 0 && left < len(h.places) && seq >= h.places[left].first {
		for k, start := range starts {
			h.flows[k].offset = start
		}
	}
	return seq
}

// starts is where what the file holds of each direction begins.
func (h *holding) starts() map[flowKey]int64 {
	starts := map[flowKey]int64{}
	for k, f := range h.flows {
		starts[k] = f.offset
	}
	return starts
}

// disown has the next file begin where what is left ends, and name the connections
// that have ended in the lost one too.
func (s *store) disown() {
	for id, c := range s.conns {
		left := [2]int64{c.info.Flows[0].Seen, c.info.Flows[1].Seen}
		for i := range left {
			if l := s.kept[flowKey{id, wire.S2C + wire.Direction(i)}]; l != nil && l.bytes > 0 {
				left[i] = l.offset
			}
		}
		s.onDisk[id] = left
		if s.live[id] == nil {
			s.live[id] = c.info
		}
	}
}

// leave lets go of a directory that is not the journal's any more.
func (s *store) leave() {
	s.sealer.forget(s.number)
	s.lock.Close()
	s.lock = nil
}

// enter makes the directory again, or goes on in another one that is in its place.
func (s *store) enter() error {
	s.disk.at("make", s.dir)
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("making the journal directory: %w", err)
	}
	lock, err := lockDir(s.dir)
	if err != nil {
		return err
	}
	numbers, err := listFiles(s.dir)
	if err != nil {
		lock.Close()
		return err
	}
	removeLeftovers(s.dir)
	for _, n := range numbers {
		s.number = max(s.number, n)
	}
	s.lock = lock
	s.log.Info("the journal goes on in a directory that is new to it", "dir", s.dir)
	return nil
}

// furnish puts back what else belongs into the directory.
func (s *store) furnish() {
	if s.reserve(); s.key != nil {
		s.disk.at("look at", keyFileName)
		if _, err := os.Lstat(filepath.Join(s.dir, keyFileName)); isGone(err) {
			redactionKey(s.dir, s.key) // when that fails it is tried again the next time
		}
	}
	s.disk.at("look at", socketName)
	if _, err := os.Lstat(filepath.Join(s.dir, socketName)); isGone(err) {
		s.server.listen()
	}
}
