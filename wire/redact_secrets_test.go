package wire

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// leak is a piece of the secret, of eight bytes or more, that is in what was
// kept; in any spelling that a line can have.
func leak(kept []byte, secret string) string {
	for _, s := range append([]string{secret}, spellings(secret)...) {
		for i := 0; i+8 <= len(s); i++ {
			if bytes.Contains(kept, []byte(s[i:i+8])) {
				return s[i : i+8]
			}
		}
	}
	return ""
}

func spellings(secret string) (all []string) {
	for _, s := range styles {
		all = append(all, strings.Trim(s.str(secret), `"`), strings.Trim(pyRepr(s.str(secret)), `'"`))
	}
	return all
}

// keep is what a recorder may keep of a stream of bytes.
func keepOf(r *Redactor, chunks [][]byte) (kept []byte) {
	var s Splitter
	var trail Trail
	take := func(p Piece) {
		var out []byte
		ok := false
		switch p.Kind {
		case PieceLine:
			out, ok = r.Line(nil, p.Text, nil, AllDialects)
		case PieceFragment:
			out, ok = r.Fragment(nil, p, AllDialects, &trail)
		default:
			return
		}
		if ok {
			kept = append(kept, out...)
		}
	}
	for _, c := range chunks {
		for p := range s.Split(c) {
			take(p)
		}
	}
	if p, ok := s.Flush(); ok {
		take(p)
	}
	return kept
}

func (p planter) chop(b []byte) (chunks [][]byte) {
	for len(b) > 0 {
		n := min(len(b), 1+p.IntN(p.IntN(20000)+1))
		chunks = append(chunks, b[:n])
		b = b[n:]
	}
	return chunks
}

func TestRedactPlantedSecrets(t *testing.T) {
	all := redactors()
	kept, whole := [3]int{}, 0
	n := 2500
	if testing.Short() {
		n = 500
	}
	for seed := range n {
		p := planter{rand.New(rand.NewPCG(uint64(seed), 1))}
		secret := p.token()
		line := p.line(secret)
		asIs := true
		if p.IntN(3) == 0 {
			line = p.echo(line, secret)
		}
		for p.IntN(2) == 0 {
			line = p.spoil(line)
			asIs = false
		}
		if p.IntN(10) > 0 {
			line += "\n"
		}
		if asIs {
			whole++
		}
		for _, level := range levels {
			out := keepOf(all[level], p.chop([]byte(line)))
			if l := leak(out, secret); l != "" {
				t.Errorf("seed %d, %v: %q of %q is in\n\t%.1500q\nof\n\t%.1500q", seed, level, l, secret, out, line)
			}
			if asIs && len(out) == len(line) {
				kept[level]++
			}
		}
		if t.Failed() && testing.Verbose() {
			return
		}
	}
	t.Logf("of %d good lines %d were kept at secrets, %d at personal", whole, kept[RedactSecrets], kept[RedactPersonal])
	if kept[RedactSecrets] < whole*8/10 {
		t.Errorf("only %d of %d good lines were kept", kept[RedactSecrets], whole)
	}
}
