package replay

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sort"
	"sync"
)

// spool keeps the rows that the replayed master has written so far, for those
// who ask for them later: in a file that has no name any more, so that memory
// holds a mark for every spoolEvery rows and nothing else. What was not written
// yet is not in it, so nobody is given the future.
type spool struct {
	mu      sync.Mutex
	file    *os.File
	end     int64
	buf     []byte // not in the file yet
	streams map[string]*spooled
}

// spooled is one stream: its rows are a chain of marks through the file.
type spooled struct {
	marks []spoolMark
	rows  int64
	high  int64 // the highest token
	open  []Row // a batch whose token is not known yet
}

// spoolMark says that rows from offset on have tokens of which none before is
// above high, and up to the next mark none is below low.
type spoolMark struct {
	offset    int64
	high, low int64
}

const (
	spoolEvery  = 64
	spoolBuffer = 256 << 10
)

// newSpool makes the file in dir, or where temporary files are.
func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "repltap-replay-*")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name()) // where that does not work, close does it
	return &spool{file: f, streams: map[string]*spooled{}}, nil
}

func (s *spool) close() error {
	err := s.file.Close()
	os.Remove(s.file.Name())
	return err
}

// add adds a row. Those of a batch are added with the one that has the token.
func (s *spool) add(stream string, row Row, batch bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[stream]
	if st == nil {
		st = &spooled{}
		s.streams[stream] = st
	}
	if st.open = append(st.open, row); batch && len(st.open) < maxHeld {
		return nil
	}
	for i := range st.open {
		st.open[i].Token = row.Token
		if err := s.put(stream, st, &st.open[i]); err != nil {
			return err
		}
	}
	clear(st.open)
	st.open = st.open[:0]
	return nil
}

func (s *spool) put(name string, st *spooled, row *Row) error {
	if st.rows%spoolEvery == 0 {
		st.marks = append(st.marks, spoolMark{s.end + int64(len(s.buf)), st.high, row.Token})
	}
	last := &st.marks[len(st.marks)-1]
	last.low = min(last.low, row.Token)
	if st.rows == 0 || row.Token > st.high {
		st.high = row.Token
	}
	st.rows++
	s.buf = binary.AppendUvarint(s.buf, uint64(len(name)))
	s.buf = append(s.buf, name...)
	s.buf = binary.AppendVarint(s.buf, row.Token)
	s.buf = binary.AppendUvarint(s.buf, uint64(len(row.JSON)))
	s.buf = append(s.buf, row.JSON...)
	if len(s.buf) < spoolBuffer {
		return nil
	}
	return s.write()
}

func (s *spool) write() error {
	n, err := s.file.WriteAt(s.buf, s.end)
	s.end += int64(n)
	s.buf = s.buf[:0]
	return err
}

// reset forgets the rows of a stream: it begins anew, and its old tokens are
// those of other rows.
func (s *spool) reset(stream string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, stream)
}

// rows gives the rows of a stream with tokens above from up to upto, in the order
// in which they were written, and not more than limit unless that is 0.
func (s *spool) rows(stream string, from, upto int64, limit int) (rows []Row, err error) {
	err = s.each(stream, from, upto, func(row Row, _ int64) bool {
		if limit > 0 && len(rows) >= limit {
			return false
		}
		row.JSON = append([]byte(nil), row.JSON...)
		rows = append(rows, row)
		return true
	})
	return rows, err
}

// each gives the rows of a stream with tokens above from up to upto, in the order
// in which they were written, until yield says false, with where the next one is.
// What it gives is valid until then.
func (s *spool) each(stream string, from, upto int64, yield func(Row, int64) bool) (err error) {
	s.mu.Lock()
	st := s.streams[stream]
	if st == nil || from >= upto || st.high <= from {
		s.mu.Unlock()
		return nil
	}
	if len(s.buf) > 0 {
		err = s.write()
	}
	// The first mark before which a token is above from; the rows begin in the
	// run before it.
	i := sort.Search(len(st.marks), func(i int) bool { return i > 0 && st.marks[i].high > from })
	r := &spoolReader{file: s.file, at: st.marks[max(0, i-1)].offset, end: s.end}
	s.mu.Unlock()
	for err == nil {
		var row Row
		var name []byte
		if name, row, err = r.next(); err != nil || string(name) != stream || row.Token <= from || row.Token > upto {
			continue
		}
		if !yield(row, r.at-int64(len(r.buf)-r.pos)) {
			return nil
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

// spoolReader reads the file from a mark on.
type spoolReader struct {
	file    *os.File
	at, end int64
	buf     []byte
	pos     int
}

func (r *spoolReader) next() (name []byte, row Row, err error) {
	for {
		n, name, row := spoolRecord(r.buf[r.pos:])
		if n > 0 {
			r.pos += n
			return name, row, nil
		}
		if r.at >= r.end {
			return nil, Row{}, io.EOF
		}
		if err := r.fill(); err != nil {
			return nil, Row{}, err
		}
	}
}

func (r *spoolReader) fill() error {
	rest := copy(r.buf, r.buf[r.pos:])
	if need := rest + spoolBuffer; cap(r.buf) < need {
		r.buf = append(make([]byte, 0, need), r.buf[:rest]...)
	}
	part := r.buf[rest:min(int64(cap(r.buf)), int64(rest)+r.end-r.at)]
	n, err := r.file.ReadAt(part, r.at)
	r.buf, r.pos, r.at = r.buf[:rest+n], 0, r.at+int64(n)
	if n > 0 {
		return nil
	}
	return err
}

// spoolRecord takes a record apart; n is 0 when it is not all there.
func spoolRecord(b []byte) (n int, name []byte, row Row) {
	text := func() []byte {
		size, k := binary.Uvarint(b[n:])
		if k <= 0 || uint64(len(b)-n-k) < size {
			n = len(b) + 1
			return nil
		}
		n += k + int(size)
		return b[n-int(size) : n]
	}
	whole := len(b)
	if name = text(); n > whole {
		return 0, nil, Row{}
	}
	token, k := binary.Varint(b[n:])
	if k <= 0 {
		return 0, nil, Row{}
	}
	n += k
	json := text()
	if n > whole {
		return 0, nil, Row{}
	}
	return n, name, Row{Token: token, JSON: json}
}
