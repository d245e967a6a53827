package journal

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"repltap/wire"
)

// several makes a journal of three files, and says what is in each.
func several(t *testing.T) (dir string, texts [][]byte) {
	t.Helper()
	dir = t.TempDir()
	for i := range 3 {
		w := create(t, dir, Options{})
		x := newTraffic(w, int64(i))
		x.talk(w.NextConn(), 50, 100)
		x.close(uint64(i + 1))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		text, errs := readAll(filepath.Join(dir, fileName(uint64(i+1))))
		if len(errs) > 0 || len(text) == 0 {
			t.Fatal(errs)
		}
		texts = append(texts, text)
	}
	mustBeFine(t, dir)
	return dir, texts
}

// Whatever became of one file, all others are read, and it is said.
func TestABadFileHidesNoOther(t *testing.T) {
	harms := map[string]func(path string) error{
		"emptied":     func(path string) error { return os.Truncate(path, 0) },
		"cut short":   func(path string) error { return os.Truncate(path, 3000) },
		"no journal":  func(path string) error { return os.WriteFile(path, []byte("SERVER lab.test\n"), 0o600) },
		"a directory": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"removed":     os.Remove,
	}
	for what, harm := range harms {
		for i := range 3 {
			dir, texts := several(t)
			if err := harm(filepath.Join(dir, fileName(uint64(i+1)))); err != nil {
				t.Fatal(err)
			}
			got, errs := readAll(dir)
			texts[i] = nil
			if want := bytes.Join(texts, nil); !bytes.Equal(got, want) {
				t.Errorf("file %d %s: %d bytes are read, want %d", i+1, what, len(got), len(want))
			}
			if what == "removed" && i != 1 {
				continue // retention removes the oldest, and of a file that never was nobody knows
			}
			if len(errs) == 0 || !IsPartial(errs[0]) {
				t.Errorf("file %d %s: reading says %v", i+1, what, errs)
			}
			if rep := verify(t, dir); rep.OK || len(rep.Damage) == 0 {
				t.Errorf("file %d %s: verify finds nothing", i+1, what)
			}
		}
	}
}

// A file may lose what was written last and look whole: a disk that reorders
// writes, an old copy put back. The file after it knows better.
func TestALostEndIsFound(t *testing.T) {
	dir := t.TempDir()
	first := filepath.Join(dir, fileName(1))
	w := create(t, dir, Options{})
	x := newTraffic(w, 1)
	x.talk(1, 50, 100)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	x.send(1, wire.S2C, "PING 1\n", 10)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := create(t, dir, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	mustBeFine(t, dir)
	if err := os.WriteFile(first, old, 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs := readAll(dir)
	if rep := verify(t, dir); rep.OK || len(rep.Damage) != 1 || len(errs) != 1 {
		t.Errorf("reading says %v, verify %+v", errs, rep.Damage)
	}
}

// A file under another's name is not what it seems.
func TestACopyOfAFileIsNoOther(t *testing.T) {
	dir, _ := several(t)
	b, err := os.ReadFile(filepath.Join(dir, fileName(1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileName(4)), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if rep := verify(t, dir); rep.OK || len(rep.Damage) == 0 {
		t.Errorf("%+v", rep)
	}
}

// A recorder that was stopped keeps nobody from reading what is on disk.
func TestASilentRecorder(t *testing.T) {
	dir, texts := several(t)
	ln, err := net.Listen("unix", filepath.Join(dir, socketName))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	wait := helloWait
	helloWait = 50 * time.Millisecond
	defer func() { helloWait = wait }()
	got, errs := readAll(dir)
	if !bytes.Equal(got, bytes.Join(texts, nil)) {
		t.Errorf("%d bytes are read", len(got))
	}
	var silent *SilentRecorderError
	if len(errs) != 1 || !errors.As(errs[0], &silent) {
		t.Errorf("reading says %v", errs)
	}
}
