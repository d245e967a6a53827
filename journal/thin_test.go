package journal

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"repltap/wire"
)

// TestManyKinds: of a block with very many kinds of lines nothing is kept that says
// which they are, and its lines are found all the same.
func TestManyKinds(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{})
	x := newTraffic(w, 1)
	x.open(1)
	const kinds = 3 * maxKeptTallies
	for i := range kinds {
		x.send(1, wire.S2C, fmt.Sprintf("RDATA stream%d writer%d 7 [\"x\"]\n", i, i), 1000)
	}
	x.close(1)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := openFile(filepath.Join(dir, fileName(1)))
	if err != nil {
		t.Fatal(err)
	}
	defer whole.close()
	kept := 0
	for _, b := range whole.blocks {
		kept += len(b.head.tallies)
	}
	if kept < kinds {
		t.Errorf("the sealed file has %d tallies for %d kinds", kept, kinds)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	j, err := openToRead(filepath.Join(dir, fileName(1)))
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	thinned := 0
	for _, b := range j.blocks {
		if b.head.thinned {
			thinned++
		}
		if len(b.head.tallies) > maxKeptTallies {
			t.Errorf("a block has %d tallies in memory", len(b.head.tallies))
		}
	}
	if thinned == 0 {
		t.Fatal("no block has that many kinds")
	}
	for _, i := range []int{0, kinds / 2, kinds - 1} {
		n := 0
		for _, err := range r.Records(context.Background(), Filter{Streams: []string{fmt.Sprintf("stream%d", i)}}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("stream%d has %d lines, want 1", i, n)
		}
	}
}
