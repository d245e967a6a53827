package journal

import (
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"slices"

	"repltap/wire"
)

// A recording that was killed, or lost its power, has no end of the connections
// that were open. They end where the recording does: a pass that comes to its end
// gives each of them a record of KindClose with How "cut", so that no reader needs
// a rule of its own. (One that was ended in good order has written down all ends
// that it saw.) The same holds for what was removed while it was read: a
// connection that the next file does not know any more ended in there.

// cutNote is the event of a connection that its recording did not see end.
var cutNote = mustJSON(Event{How: HowCut, By: "tap", Note: "the recording ends here: it was killed, or power was lost"})

// removedNote is the event of a connection whose end was removed before it was read.
var removedNote = mustJSON(Event{How: "unknown", Note: "its end was removed from the journal before it was read"})

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // numbers and strings: can't fail
	}
	return b
}

// open is the connections that are open where a pass is, by what it has seen of
// them in the heads of blocks, whether it read the blocks or not.
type open map[uint64]*[2]int64 // bytes that went s2c and c2s

// see takes in the head of a block. A gap may be noted after its connection's end.
func (o open) see(h *blockHeader) {
	for i := range h.flows {
		f := &h.flows[i]
		went := o[f.conn]
		if f.conn == 0 || went == nil && f.bytes == 0 && f.gapBytes > 0 {
			continue
		}
		if went == nil {
			went = new([2]int64)
			o[f.conn] = went
		}
		if f.dir != wire.NoDirection {
			n := &went[f.dir-wire.S2C]
			*n = max(*n, f.start+f.bytes+f.gapBytes)
		}
	}
}

// enter says which recording what follows is of; false: stop. A tap that is started
// again begins after it ended, unless the clock was set back meanwhile.
func (s *pass) enter(h *fileHeader) bool {
	if h.Recording == "" || h.Recording == s.recording {
		return true
	}
	first, before := s.recording == "", s.now
	past := s.past || h.past()
	s.recording, s.past = h.Recording, h.past()
	if !first && s.removed == nil && !s.cutAll(cutNote, nil) {
		return false
	}
	s.now, s.ended = 0, false
	if step := h.Start - before; !first && !past && step <= -clockStep {
		note := mustJSON(Event{Step: step, Wall: h.Start, Note: "between two recordings, so it may be more"})
		return s.cut(&entry{seq: s.seen, time: h.Start, kind: KindClock, note: note})
	}
	return true
}

// cutAll ends the connections that are open, but for those of keep.
func (s *pass) cutAll(note []byte, keep map[uint64]bool) bool {
	for _, conn := range slices.Sorted(maps.Keys(s.open)) {
		if keep[conn] {
			continue
		}
		delete(s.open, conn)
		if !s.cut(&entry{seq: s.seen, time: s.now, conn: conn, kind: KindClose, note: note}) {
			return false
		}
	}
	return true
}

// endOfRecording is called when nothing more comes of a journal; false: stop.
func (s *pass) endOfRecording() bool {
	if s.r.silent != nil || s.ended || s.r.file != "" && !s.endsWithFile() {
		return true
	}
	return s.cutAll(cutNote, nil)
}

// endsWithFile says of a file that is read alone whether its recording ends in it.
// One that was finished and is followed by a file of the same recording, or by one
// that was not copied with it, does not.
func (s *pass) endsWithFile() bool {
	j, err := openToRead(s.r.file)
	if err != nil {
		return false
	}
	defer j.close()
	n, ok := fileNumber(s.r.file)
	if j.header.Ended || !ok {
		return j.header.Ended
	}
	next, err := openToRead(filepath.Join(s.r.dir, fileName(n+1)))
	if err != nil {
		return !j.header.Sealed
	}
	defer next.close()
	return next.header.Recording != j.header.Recording
}

// removal is a part of the journal that was removed before this pass came to it.
type removal struct {
	RemovedError
	known map[uint64]bool // connections that the file after it knows
}

// reach notes that file n is read now. What lies between it and what was read
// before is either removed by retention, which takes the oldest files, or missing.
func (s *pass) reach(n uint64) bool {
	at := s.at
	s.at = max(at, n)
	if s.removed != nil {
		s.removed.LastFile = fileName(max(n-1, 1))
		return true
	}
	if at == 0 || n <= at || n == at+1 && s.done >= at {
		return true
	}
	numbers, err := listFiles(s.r.dir)
	if err != nil {
		return s.fail(err)
	}
	if len(numbers) == 0 || numbers[0] > at {
		first := at + 1
		if s.done < at {
			first = at
		}
		s.removed = &removal{known: map[uint64]bool{}, RemovedError: RemovedError{First: s.seen + 1, FirstFile: fileName(first), LastFile: fileName(n - 1), From: s.now}}
		return true
	}
	s.upTo = 0
	return s.fail(&DamageError{File: fileName(s.done + 1), Err: errors.New("the file is missing")})
}

// tellRemoved says what was removed, once it is known with which record at which
// time the journal goes on.
func (s *pass) tellRemoved(next uint64, at int64) bool {
	h := s.removed
	if h == nil {
		return true
	}
	s.removed = nil
	if h.First >= next {
		return true // all of it was read in time
	}
	h.Last, h.To = next-1, at
	if h.To >= s.from && h.From <= s.to && !s.fail(&h.RemovedError) {
		return false
	}
	return s.cutAll(removedNote, h.known)
}

// ledger adds what went over a connection that goes on after it.
func (h *removal) ledger(c *connInfo, went *[2]int64) {
	h.known[c.Conn] = true
	if went == nil {
		return
	}
	for i := range c.Flows {
		h.Bytes += max(0, c.Flows[i].Start-went[i])
	}
}
