package journal

import (
	"encoding/json"
	"os"
	"path/filepath"

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

// reserve takes the room. Without it recording works as well.
func (s *store) reserve() {
	err := os.WriteFile(s.reservePath(), make([]byte, reserveSize), 0o600)
	if err != nil {
		os.Remove(s.reservePath())
		s.log.Warn("no room could be set aside for the end of the journal", "error", plainError(err))
	}
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
	offset := l.offset
	return &Event{Bytes: l.bytes, Lines: l.lines, From: l.from, To: l.to, Offset: &offset, Reason: l.reason}
}
