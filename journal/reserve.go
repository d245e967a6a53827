package journal

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// A journal whose disk is full at the end of the recording would end as if it had
// been killed: what is missing would be known to nobody. So a little room is kept
// in a file of zeros, which is given up for the last block: the gaps.
const (
	reserveName = "reserve"
	reserveSize = 256 << 10
)

func (s *store) reservePath() string { return filepath.Join(s.dir, reserveName) }

// reserve takes the room, or sees that it is there. Without it recording works as
// well.
func (s *store) reserve() {
	s.disk.at("look at", s.reservePath())
	st, err := os.Lstat(s.reservePath())
	if err == nil && st.Mode().IsRegular() && st.Size() >= reserveSize {
		return
	}
	s.disk.at("write to", s.reservePath())
	err = os.WriteFile(s.reservePath(), make([]byte, reserveSize), 0o600)
	if err != nil {
		s.disk.at("remove", s.reservePath())
		os.Remove(s.reservePath())
	}
	if err != nil && !s.bare {
		s.log.Warn("no room could be set aside for the end of the journal", "error", plainError(err))
	}
	if s.bare = err != nil; !s.bare && s.losses.any.Load() {
		s.note()
	}
}

// While nothing can be written, what is lost is noted in the reserve itself, whose
// room is there already. A recorder that is killed then takes nothing with it:
// readers find the note, and the next recording into the directory makes gaps of
// it. The note is a length (u32, little-endian) and checked JSON of a list of
// liveLost; a length of 0 is no note.

var keyReserve = []byte("reserve")

// maxNoted is how many losses a note has room for.
const maxNoted = 400

// note writes down what is lost so far, that of old connections added up when there
// are many. If that fails too there is nothing left to be done.
func (s *store) note() {
	lost := s.losses.list()
	if n := len(lost) - maxNoted; n > 0 {
		sum := ledger{}
		for i := range lost {
			sum.merge(&lost[i])
		}
		newest := lost[n].conn
		sum.addUp(func(conn uint64) bool { return conn <= newest })
		lost = sum.sorted()
	}
	value, err := sealValue(keyReserve, liveLosses(lost))
	if err != nil || len(value)+4 > reserveSize {
		return
	}
	s.noted = true
	s.overwriteReserve(append(binary.LittleEndian.AppendUint32(nil, uint32(len(value))), value...))
}

// unnote takes the note back when the journal has what it says.
func (s *store) unnote() {
	if s.noted && !s.losses.any.Load() {
		s.noted = false
		s.overwriteReserve(make([]byte, 4))
	}
}

func (s *store) overwriteReserve(b []byte) {
	s.disk.at("write to", s.reservePath())
	f, err := os.OpenFile(s.reservePath(), os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if _, err := f.WriteAt(b, 0); err == nil {
		s.disk.at("sync", s.reservePath())
		f.Sync()
	}
}

// notedLosses reads what a killed recorder has noted in a directory.
func notedLosses(dir string) (lost []liveLost) {
	f, err := os.Open(filepath.Join(dir, reserveName))
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, reserveSize)
	n, _ := io.ReadFull(f, b)
	if n < 4 {
		return nil
	}
	size := int(binary.LittleEndian.Uint32(b))
	if size == 0 || size > n-4 || openValue(keyReserve, b[4:4+size], &lost) != nil {
		return nil
	}
	return slices.DeleteFunc(lost, func(l liveLost) bool { return l.Event == nil || l.Event.Offset == nil })
}

// inherit takes over what the recording before could not write any more. What of
// it the files have all the same is left out.
func (s *store) inherit(seen map[flowKey]int64) {
	for _, l := range notedLosses(s.dir) {
		ev, k := l.Event, flowKey{l.Conn, l.Dir}
		if seen[k] < *ev.Offset+ev.Bytes {
			s.next.Conn = max(s.next.Conn, l.Conn)
			lost := &lostFlow{conn: l.Conn, dir: l.Dir, bytes: ev.Bytes, lines: ev.Lines, from: ev.From, to: ev.To, offset: *ev.Offset}
			s.losses.add(ledger{k: lost}, ev.Reason)
		}
	}
	s.noted = s.losses.any.Load() // the reserve has the note of them
}

// lastWill writes down what was lost up to the end of the recording, when its
// last blocks were. It gives the error of the last write.
func (s *store) lastWill() error {
	lost := s.losses.take()
	if s.st.Err == nil && len(lost) == 0 {
		return nil
	}
	b := newBuilder()
	b.reset()
	seq, now := s.next.Seq, int64(0)
	for _, l := range lost {
		now = max(now, l.to)
	}
	for _, l := range lost {
		seq++
		note, err := json.Marshal(l.event())
		if err != nil {
			return err
		}
		f := b.add(&entry{seq: seq, time: now, conn: l.conn, dir: l.dir, kind: KindGap, note: note}, l.offset)
		f.gapBytes, f.gapLines = l.bytes, l.lines
	}
	seq++
	note, err := json.Marshal(Event{What: "end"})
	if err != nil {
		return err
	}
	b.add(&entry{seq: seq, time: now, kind: KindFile, note: note}, 0)
	block, head := newPacker(zstd.SpeedFastest).pack(b)
	s.write([]packedBlock{{head: head, block: block, next: nextNumbers{Seq: seq, Conn: s.next.Conn}}})
	return s.st.Err
}

// event is the gap that a loss makes in the journal.
func (l *lostFlow) event() *Event {
	offset, reason := l.offset, l.reason
	if l.others > 0 {
		reason += fmt.Sprintf(" (and what was lost of %d older connections)", l.others)
	}
	return &Event{Bytes: l.bytes, Lines: l.lines, From: l.from, To: l.to, Offset: &offset, Reason: reason}
}
