package wire

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// split collects what comes of input, chopped into pieces of the given sizes
// (the rest at once), with Flush at the end. It checks what holds for every
// piece on the way.
func split(t testing.TB, input []byte, sizes ...int) (complete []string) {
	t.Helper()
	var s Splitter
	var conserved []byte
	keep := func(p Piece) {
		conserved = append(conserved, p.Text[len(p.Text)-p.New:]...)
		if p.Kind != PiecePartial {
			complete = append(complete, fmt.Sprintf("%d%v %s", p.Kind, p.Over, p.Text))
		}
		checkPiece(t, p)
	}
	rest := input
	for len(rest) > 0 {
		n := len(rest)
		if len(sizes) > 0 {
			n, sizes = min(n, sizes[0]), sizes[1:]
		}
		partial := false
		for p := range s.Split(rest[:n]) {
			if partial {
				t.Fatal("a partial piece was not the last")
			}
			partial = p.Kind == PiecePartial
			keep(p)
		}
		if n > 0 && partial != (s.Held() > 0) {
			t.Fatalf("partial is %v, but %d bytes are held", partial, s.Held())
		}
		rest = rest[n:]
	}
	held := s.Held()
	if p, ok := s.Flush(); ok {
		if len(p.Text) != held || p.New != 0 {
			t.Fatalf("flushed %d bytes, %d new; %d were held", len(p.Text), p.New, held)
		}
		keep(p)
	} else if held > 0 {
		t.Fatal("what was held was not flushed")
	}
	if s.Held() != 0 {
		t.Fatal("something is held after Flush")
	}
	if !bytes.Equal(conserved, input) {
		t.Fatalf("the new bytes are %.80q, the input was %.80q", conserved, input)
	}
	return complete
}

func checkPiece(t testing.TB, p Piece) {
	t.Helper()
	content := bytes.TrimSuffix(p.Text, []byte{'\n'})
	switch {
	case p.New > len(p.Text), len(p.Text) == 0, len(content) > MaxLine, bytes.IndexByte(content, '\n') >= 0:
		t.Fatalf("impossible piece of kind %d: %d bytes, %d new", p.Kind, len(p.Text), p.New)
	case p.Kind == PieceLine && (p.Over || len(content) == len(p.Text)):
		t.Fatal("a line without its newline, or an over-long one")
	case p.Kind == PiecePartial && (p.New == 0 || len(content) < len(p.Text)):
		t.Fatal("a partial piece that is whole, or brings nothing")
	}
}

func TestSplitter(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	for name, test := range map[string]struct {
		input string
		want  []string
	}{
		"empty":           {"", nil},
		"one":             {"a\n", []string{"0false a\n"}},
		"blank":           {"\n\n", []string{"0false \n", "0false \n"}},
		"no end":          {"a\nb", []string{"0false a\n", "1false b"}},
		"crlf":            {"a\r\nb\r\n", []string{"0false a\r\n", "0false b\r\n"}},
		"just fits":       {long + "\n", []string{"0false " + long + "\n"}},
		"just fits open":  {long, []string{"1false " + long}},
		"one too long":    {long + "y\nz\n", []string{"1true " + long, "1true y\n", "0false z\n"}},
		"twice":           {long + long + "\nz\n", []string{"1true " + long, "1true " + long + "\n", "0false z\n"}},
		"twice and more":  {long + long + "yy\n", []string{"1true " + long, "1true " + long, "1true yy\n"}},
		"over-long, open": {long + "yy", []string{"1true " + long, "1true yy"}},
	} {
		t.Run(name, func(t *testing.T) {
			input := []byte(test.input)
			for _, sizes := range [][]int{nil, slices.Repeat([]int{1}, len(input)), {MaxLine}, {MaxLine - 1, 1, 1, 1},
				{MaxLine + 1}, {1, MaxLine, MaxLine}, {3, 0, 5, 8, 13}} {
				if got := split(t, input, sizes...); !slices.Equal(got, test.want) {
					t.Errorf("chopped into %d: %.80q, want %.80q", len(sizes), got, test.want)
				}
			}
		})
	}
}

// TestSplitterFoundLate shows the piece without new bytes: that a line is too
// long shows only with the byte after MaxLine.
func TestSplitterFoundLate(t *testing.T) {
	var s Splitter
	for range s.Split(bytes.Repeat([]byte{'x'}, MaxLine)) {
	}
	var got []Piece
	for p := range s.Split([]byte("y\n")) {
		p.Text = bytes.Clone(p.Text)
		got = append(got, p)
	}
	if len(got) != 2 || got[0].New != 0 || len(got[0].Text) != MaxLine || string(got[1].Text) != "y\n" || !got[1].Over {
		t.Errorf("got %d pieces: %.80v", len(got), got)
	}
}

func TestSplitterAliasesAndAllocatesNothing(t *testing.T) {
	chunk := []byte(strings.Repeat("RDATA typing master 5 [\"!r:x\",[]]\n", 100) + "PING 1")
	var s Splitter
	for p := range s.Split(chunk[:40]) {
		if p.Kind == PieceLine && &p.Text[0] != &chunk[0] {
			t.Error("a line that is whole in its chunk was copied")
		}
	}
	s.Reset()
	allocs := testing.AllocsPerRun(100, func() {
		for p := range s.Split(chunk) {
			sinkKind = p.Kind
		}
		s.Reset()
	})
	if allocs != 0 {
		t.Errorf("%v allocations for 100 lines", allocs)
	}
}

func TestSplitterBreakAndReset(t *testing.T) {
	var s Splitter
	for range s.Split([]byte("a\nb\nc")) {
		break
	}
	if s.Held() != 0 {
		t.Error("what was not asked for is held")
	}
	for range s.Split([]byte("half a li")) {
	}
	s.Reset()
	for p := range s.Split([]byte("PING 5\n")) {
		if string(p.Text) != "PING 5\n" {
			t.Errorf("after Reset: %q", p.Text)
		}
	}
}

func FuzzSplitter(f *testing.F) {
	for _, line := range seedLines {
		f.Add([]byte(line), uint16(7), uint8(1))
	}
	f.Add([]byte(strings.Repeat("x", MaxLine)+"\n"), uint16(MaxLine), uint8(1))
	f.Add([]byte(strings.Repeat("x", 2*MaxLine+3)+"\na"), uint16(4096), uint8(3))
	f.Fuzz(func(t *testing.T, input []byte, size uint16, step uint8) {
		input = bytes.Repeat(input, 1+int(step)*200/(len(input)+1)) // long lines are found sooner
		input = input[:min(len(input), 3*MaxLine)]
		var sizes []int
		for n, total := int(size), 0; total < len(input) && len(sizes) < 500; n = n*int(step)%9973 + 1 {
			sizes = append(sizes, n)
			total += n
		}
		whole, chopped := split(t, input), split(t, input, sizes...)
		if !slices.Equal(whole, chopped) {
			t.Errorf("whole %.200q, chopped %.200q", whole, chopped)
		}
	})
}
