package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// bboltContent gives what bbolt itself finds in a file, after it has checked all of
// the file's pages.
func bboltContent(t testing.TB, path string) map[string]map[string]string {
	t.Helper()
	db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string]map[string]string{}
	err = db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Errorf("bbolt: %v", err)
		}
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			out[string(name)] = map[string]string{}
			return b.ForEach(func(k, v []byte) error {
				out[string(name)][string(k)] = string(v)
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestBboltReadsWhatIsWritten puts values of all sizes, new and over others, and has
// bbolt read the file after each of many commits.
func TestBboltReadsWhatIsWritten(t *testing.T) {
	for _, step := range []int64{0, growStep} {
		path := filepath.Join(t.TempDir(), "db")
		b, err := createBolt(path, fileHeader{Format: Format}, step, new(watch))
		if err != nil {
			t.Fatal(err)
		}
		defer b.close()
		places := map[string]place{}
		b.bucket(bucketBlocks).placed = func(key []byte, at place) { places[string(key)] = at }
		r := rand.New(rand.NewSource(1))
		want := map[string]map[string]string{"blocks": {}, "index": {}, "conns": {}}
		put := func(name string, n uint64, size int) {
			value := make([]byte, size)
			r.Read(value)
			if err := b.put([]byte(name), numberKey(n), value); err != nil {
				t.Fatal(err)
			}
			want[name][string(numberKey(n))] = string(value)
		}
		sizes := []int{1, 30, 300, 1000, 3000, 4063, 4064, 4065, 20000}
		next := uint64(0)
		for commit := range 300 {
			for range r.Intn(20) {
				next += uint64(1 + r.Intn(5))
				put("blocks", next, sizes[r.Intn(len(sizes))])
				put("index", next, 20+r.Intn(100))
			}
			for range r.Intn(30) {
				put("conns", uint64(1+r.Intn(1+commit*3)), 100+r.Intn(200))
			}
			if err := b.commit(); err != nil {
				t.Fatal(err)
			}
			if commit%20 > 0 {
				continue
			}
			got := bboltContent(t, path)
			for name, values := range want {
				if len(got[name]) != len(values) {
					t.Fatalf("commit %d: %q has %d keys, want %d", commit, name, len(got[name]), len(values))
				}
				for k, v := range values {
					if got[name][k] != v {
						t.Fatalf("commit %d: the value of %x in %q is another one", commit, k, name)
					}
				}
			}
			for k, p := range places {
				text := make([]byte, p.length)
				if _, err := b.f.ReadAt(text, p.offset); err != nil || string(text) != want["blocks"][k] {
					t.Fatalf("commit %d: block %x is not at %v: %v", commit, k, p, err)
				}
			}
		}
		st, _ := os.Stat(path)
		var data int
		for _, values := range want {
			for _, v := range values {
				data += len(v)
			}
		}
		if st.Size() > int64(data)*3/2+growStep {
			t.Errorf("%d bytes of values take %d: pages are not used again", data, st.Size())
		}
	}
}

// TestHalfACommit cuts commits short after each of their writes: what was committed
// before is there.
func TestHalfACommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	b, err := createBolt(path, fileHeader{Format: Format}, 0, new(watch))
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(200) {
		b.put(bucketBlocks, numberKey(i), bytes.Repeat([]byte{byte(i)}, 300))
		b.put(bucketConns, numberKey(i%20), fmt.Appendf(nil, "%d", i))
		if err := b.commit(); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := bboltContent(t, path)
	b.put(bucketBlocks, numberKey(200), make([]byte, 10000))
	b.put(bucketConns, numberKey(1), []byte("later"))
	if err := b.commit(); err != nil {
		t.Fatal(err)
	}
	b.close()
	after, _ := os.ReadFile(path)
	half := filepath.Join(t.TempDir(), "half")
	pages := 0
	for at := 2 * b.page; at < len(after); at += b.page { // all but the metas
		if at < len(before) && bytes.Equal(before[at:at+b.page], after[at:at+b.page]) {
			continue
		}
		pages++
		mixed := append(bytes.Clone(before), make([]byte, max(0, len(after)-len(before)))...)
		copy(mixed[at:at+b.page], after[at:])
		if err := os.WriteFile(half, mixed, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := bboltContent(t, half); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("with page %d of the next commit it reads otherwise", at/b.page)
		}
	}
	if pages < 5 {
		t.Errorf("only %d pages have changed", pages)
	}
}

// TestVerifyAsksBbolt: a journal is verified by bbolt's reading as well as by ours.
func TestVerifyAsksBbolt(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, fileName(1))
	j, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	if err := boltAgrees(path, j); err != nil {
		t.Error(err)
	}
	j.conns[7] = &connInfo{} // one that bbolt does not find
	if err := boltAgrees(path, j); !errors.Is(err, errBoltDiffers) {
		t.Errorf("%v", err)
	}
	// What bbolt maps can be cut short below it.
	if err := os.Truncate(path, 2*int64(os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	if err := boltAgrees(path, j); !errors.Is(err, errBoltDiffers) {
		t.Errorf("of a file that was cut: %v", err)
	}
}
