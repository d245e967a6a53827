package wire

import (
	"bytes"
	"testing"
)

// benchTraffic is the busiest direction of a capture: what it sent, the lines
// of it, and its dialect.
func benchTraffic(b *testing.B) (d Dialect, all []byte, lines [][]byte) {
	for _, c := range captures(b) {
		if c.handMade() || len(c.reads) == 0 {
			continue
		}
		var text []byte
		for _, r := range c.reads {
			if r.Dir == "s2c" {
				text = append(text, r.Data...)
			}
		}
		if len(text) > len(all) {
			all = text
			d, _ = ParseDialect(c.release)
		}
	}
	lines = bytes.SplitAfter(all, []byte{'\n'})
	return d, all, lines[:len(lines)-1]
}

func BenchmarkSplitter(b *testing.B) {
	_, all, lines := benchTraffic(b)
	b.SetBytes(int64(len(all)))
	b.ReportAllocs()
	var s Splitter
	for b.Loop() {
		for rest := all; len(rest) > 0; {
			n := min(len(rest), 32<<10)
			for p := range s.Split(rest[:n]) {
				sinkKind = p.Kind
			}
			rest = rest[n:]
		}
	}
	perLine(b, len(lines))
}

func BenchmarkGistOf(b *testing.B) {
	_, all, lines := benchTraffic(b)
	b.SetBytes(int64(len(all)))
	b.ReportAllocs()
	for b.Loop() {
		for _, line := range lines {
			g := GistOf(line)
			sinkCommand = g.Command
		}
	}
	perLine(b, len(lines))
}

func BenchmarkParse(b *testing.B) {
	d, all, lines := benchTraffic(b)
	b.SetBytes(int64(len(all)))
	b.ReportAllocs()
	var p Parsed
	for b.Loop() {
		for _, line := range lines {
			if err := d.Parse(line, &p); err != nil {
				b.Fatal(err)
			}
		}
	}
	perLine(b, len(lines))
}

func BenchmarkObserve(b *testing.B) {
	_, all, lines := benchTraffic(b)
	b.SetBytes(int64(len(all)))
	b.ReportAllocs()
	for b.Loop() {
		c := NewConversation(AllReleases)
		for _, line := range lines {
			g := GistOf(line)
			c.Observe(0, S2C, Piece{Text: line, New: len(line)}, &g)
		}
	}
	perLine(b, len(lines))
}

func perLine(b *testing.B, lines int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(lines), "ns/line")
}

var (
	sinkKind    PieceKind
	sinkCommand Command
)

func BenchmarkJudge(b *testing.B) {
	d, all, lines := benchTraffic(b)
	b.SetBytes(int64(len(all)))
	b.ReportAllocs()
	r := d.Receiver()
	var p Parsed
	for b.Loop() {
		for _, line := range lines {
			if v := r.Judge(S2C, Piece{Text: line}, &p); v.Action != ActAccept {
				b.Fatal(v)
			}
		}
	}
	perLine(b, len(lines))
}

func BenchmarkSetJudge(b *testing.B) {
	_, all, lines := benchTraffic(b)
	b.SetBytes(int64(len(all)))
	b.ReportAllocs()
	set := dialectRange(v1_22, v1_29) // as long as it is undecided
	var p Parsed
	for b.Loop() {
		for _, line := range lines {
			if v, agreed := set.Judge(S2C, Piece{Text: line}, &p); v.Action != ActAccept || !agreed {
				b.Fatal(v)
			}
		}
	}
	perLine(b, len(lines))
}

// BenchmarkRefuse judges a long line that can't be read.
func BenchmarkRefuse(b *testing.B) {
	line := append(bytes.Repeat([]byte("RDATA a b 5 [\"x\", "), 800), '\n')
	r := v1_29.Receiver()
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if v := r.Judge(S2C, Piece{Text: line}, nil); v.Action != ActError {
			b.Fatal(v.Action)
		}
	}
}
