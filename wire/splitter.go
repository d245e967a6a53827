package wire

import (
	"bytes"
	"iter"
)

// MaxLine is the length, without the newline, above which every receiver on
// TCP refuses a line. The Splitter shows where that happens; it refuses nothing.
const MaxLine = 16384

// PieceKind says what a Piece is.
type PieceKind uint8

const (
	// PieceLine is a line: Text ends in '\n' and is at most MaxLine+1 long.
	PieceLine PieceKind = iota
	// PieceFragment is bytes that are no line of the protocol: a part of an
	// over-long line, or (from Flush) one whose end never came.
	PieceFragment
	// PiecePartial is the beginning of a line whose rest has not come yet. It
	// is only ever the last piece of a Split, and its bytes come again.
	PiecePartial
)

// Piece is what a Splitter found.
type Piece struct {
	Kind PieceKind
	// Text is all of it: the terminator too, and what earlier chunks brought.
	// It is valid until the next piece is asked for.
	Text []byte
	// New counts those of Text's last bytes that came with this chunk. The New
	// bytes of all pieces, one after the other, are the input. It may be 0: that
	// a line is over-long shows only when one more byte comes.
	New int
	// Over marks a part of an over-long line.
	Over bool
}

// Splitter cuts one direction of one connection into lines. The same bytes
// give the same lines and fragments however they are chopped. Its zero value is
// ready; it holds at most MaxLine bytes.
//
// A line longer than MaxLine comes as fragments of MaxLine bytes, the last of
// which has the rest and the newline. So a receiver's limit falls between the
// first and the second of them.
type Splitter struct {
	held []byte // the beginning of what is not complete yet
	over bool   // held continues an over-long line
}

// Split gives the pieces that chunk completes, in order, and at last a
// PiecePartial when something remains. A line that lies whole in chunk aliases
// it. What follows the piece at which the caller breaks off is not seen again.
func (s *Splitter) Split(chunk []byte) iter.Seq[Piece] {
	return func(yield func(Piece) bool) {
		for len(chunk) > 0 {
			p := s.next(chunk)
			chunk = chunk[p.New:]
			if !yield(p) {
				return
			}
		}
	}
}

// next gives the first piece of chunk, which is not empty. A piece without new
// bytes empties what is held, so the call after it gets on.
func (s *Splitter) next(chunk []byte) Piece {
	room := MaxLine - len(s.held) // what fits besides a newline
	window := chunk[:min(len(chunk), room+1)]
	if i := bytes.IndexByte(window, '\n'); i >= 0 {
		p := Piece{Kind: PieceLine, Text: s.take(chunk[:i+1]), New: i + 1, Over: s.over}
		if s.over {
			p.Kind = PieceFragment
		}
		s.over = false
		return p
	}
	if len(window) > room {
		s.over = true
		return Piece{Kind: PieceFragment, Text: s.take(chunk[:room]), New: room, Over: true}
	}
	s.held = append(s.held, chunk...)
	return Piece{Kind: PiecePartial, Text: s.held, New: len(chunk), Over: s.over}
}

// take joins what is held to b and holds nothing any more. Its result may lie
// in held's memory, which the next partial overwrites.
func (s *Splitter) take(b []byte) []byte {
	if len(s.held) == 0 {
		return b
	}
	text := append(s.held, b...)
	s.held = text[:0]
	return text
}

// Flush gives what is held at the end of a stream, as a fragment without new
// bytes, and resets the Splitter. It reports false when nothing was held.
func (s *Splitter) Flush() (Piece, bool) {
	p := Piece{Kind: PieceFragment, Text: s.held, Over: s.over}
	s.Reset()
	return p, len(p.Text) > 0
}

// Held is how many bytes are held of a line that is not complete yet.
func (s *Splitter) Held() int { return len(s.held) }

// Reset forgets what is held: after a gap, what follows is not its rest.
func (s *Splitter) Reset() {
	s.held = s.held[:0]
	s.over = false
}
