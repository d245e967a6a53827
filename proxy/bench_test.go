package proxy

import (
	"bytes"
	"io"
	"testing"
)

// benchRig has a sink that costs nothing and keeps nothing.
func benchRig(b *testing.B) *rig {
	return newRig(b, func(_ *RecorderOptions, _ *Tap, s *sink) { s.deaf = true })
}

// BenchmarkLine sends short lines there and back, one at a time: two chunks
// through the whole data path for each operation.
func BenchmarkLine(b *testing.B) { lineThrough(b, benchRig(b), text(120, 1)) }

func lineThrough(b *testing.B, r *rig, line []byte) {
	worker, master := r.pair()
	go func() {
		buf := make([]byte, len(line))
		for {
			n, err := master.Read(buf)
			if err != nil {
				return
			}
			if _, err := master.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, len(line))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := worker.Write(line); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(worker, buf); err != nil {
			b.Fatal(err)
		}
	}
	worker.Close()
}

// BenchmarkStream sends as fast as it goes.
func BenchmarkStream(b *testing.B) { streamThrough(b, benchRig(b)) }

func streamThrough(b *testing.B, r *rig) {
	worker, master := r.pair()
	block := text(1<<20, 1)
	block = block[:bytes.LastIndexByte(block, '\n')+1]
	go func() {
		for {
			if _, err := master.Write(block); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 1<<20)
	b.ReportAllocs()
	b.SetBytes(int64(len(block)))
	for b.Loop() {
		if _, err := io.ReadFull(worker, buf); err != nil {
			b.Fatal(err)
		}
	}
	worker.Close()
}
