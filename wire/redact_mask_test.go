package wire

import (
	"bytes"
	"testing"
)

// TestMask: what two keys made of a line is the same under a mask, and so is what
// nobody redacted.
func TestMask(t *testing.T) {
	one, two := redactors(), redactors()
	changed := 0
	for _, level := range levels {
		two[level] = NewRedactor(level, []byte("another key"))
		mask := NewMask(level)
		for _, c := range captures(t) {
			c.play(NewConversation(AllReleases), func(_ Direction, p Piece, _ []Finding) {
				if p.Kind != PieceLine || level == RedactPersonal && p.Text[0] == 'R' && len(p.Text)%5 != 0 {
					return
				}
				a, ok := one[level].Line(nil, p.Text, nil, AllDialects)
				b, _ := two[level].Line(nil, p.Text, nil, AllDialects)
				want, okMask := mask.Line(nil, p.Text, nil, AllDialects)
				if !ok || !okMask {
					return
				}
				if !bytes.Equal(a, b) {
					changed++
				}
				for _, of := range [][]byte{a, b} {
					if got, ok := mask.Line(nil, of, nil, AllDialects); !ok || !bytes.Equal(got, want) {
						t.Errorf("%v: masked %.200q\n from %.200q\n want %.200q", level, got, of, want)
					}
				}
			})
		}
	}
	if changed == 0 {
		t.Error("no line was redacted")
	}
}
