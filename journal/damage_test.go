package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"repltap/wire"
)

// sample makes a journal file of several blocks, sealed or as a crash leaves it.
func sample(t testing.TB, sealed bool) (path string, text []byte) {
	t.Helper()
	dir := t.TempDir()
	w := create(t, dir, Options{})
	x := newTraffic(w, 1)
	for i := range 6 {
		x.talk(uint64(i+1), 40, 500)
		w.Sync()
	}
	path = filepath.Join(dir, fileName(1))
	if !sealed { // a copy of the open file is what kill -9 leaves
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), fileName(1))
		if err := os.WriteFile(copied, b, 0o600); err != nil {
			t.Fatal(err)
		}
		path = copied
	}
	w.Close()
	text, errs := readAll(path)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return path, text
}

// readAll gives all bytes of lines and fragments, and what could not be read.
func readAll(path string) (text []byte, errs []error) {
	r, err := Open(path)
	if err != nil {
		return nil, []error{err}
	}
	for rec, err := range r.Records(context.Background(), Filter{}) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		text = append(text, rec.Data...)
	}
	return text, errs
}

// lost counts the lines of want that are not in got.
func lost(want, got []byte) int {
	have := map[string]int{}
	for l := range bytes.Lines(got) {
		have[string(l)]++
	}
	n := 0
	for l := range bytes.Lines(want) {
		if have[string(l)]--; have[string(l)] < 0 {
			n++
		}
	}
	return n
}

func TestEveryDamageIsFoundOrHarmless(t *testing.T) {
	for _, sealed := range []bool{true, false} {
		path, want := sample(t, sealed)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewSource(1))
		broken := filepath.Join(t.TempDir(), fileName(1))
		tries := 600
		if testing.Short() {
			tries = 200
		}
		for range tries {
			b := bytes.Clone(whole)
			at := r.Intn(len(b))
			b[at] ^= 1 << r.Intn(8)
			os.WriteFile(broken, b, 0o600)
			got, errs := readAll(broken)
			rep, err := Verify(context.Background(), broken, nil)
			same := bytes.Equal(got, want)
			switch {
			case err != nil:
				t.Errorf("byte %d: one bit, and nothing can be read: %v", at, err)
			case len(errs) == 0 != (len(rep.Damage) == 0):
				t.Errorf("byte %d: reading finds %v, verify %v", at, errs, rep.Damage)
			case rep.OK && !same:
				t.Errorf("byte %d: %d lines are lost and nobody says so", at, lost(want, got))
			case sealed == false && lost(want, got) > 50:
				t.Errorf("byte %d: %d lines are lost, which is more than a block: %v", at, lost(want, got), errs)
			}
		}
	}
}

func TestCutShort(t *testing.T) {
	path, want := sample(t, false)
	whole, _ := os.ReadFile(path)
	broken := filepath.Join(t.TempDir(), fileName(1))
	for n := 0; n < len(whole); n += 2477 {
		os.WriteFile(broken, whole[:n], 0o600)
		got, errs := readAll(broken)
		_, err := Verify(context.Background(), broken, nil)
		if !bytes.Equal(got, want) && len(errs) == 0 {
			t.Errorf("%d bytes of %d: %d lines are lost and nobody says so", n, len(whole), lost(want, got))
		}
		if len(errs) == 0 != (err == nil) && err != nil {
			t.Errorf("%d bytes: %v, but reading says %v", n, err, errs)
		}
	}
}

func TestNotAJournal(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		p := filepath.Join(dir, name)
		os.WriteFile(p, []byte(content), 0o600)
		return p
	}
	other := filepath.Join(dir, "other.db")
	db, err := bbolt.Open(other, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("users")); return err })
	db.Close()
	newer := filepath.Join(dir, "newer.journal")
	b, err := createBolt(newer, fileHeader{Journal: "repltap", Format: Format + 1, Program: "repltap 99"}, growStep, new(watch))
	if err == nil {
		err = b.commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	b.close()
	is := func(target any) func(error) bool {
		return func(err error) bool { return errors.As(err, target) }
	}
	for path, ok := range map[string]func(error) bool{
		file("empty.journal", ""):                         func(err error) bool { return errors.Is(err, ErrEmptyFile) },
		file("text.journal", "hello, world\n"):            is(new(*NotJournalError)),
		file("zeros", strings.Repeat("\x00", 100000)):     is(new(*NotJournalError)),
		file("capture.zst", "\x28\xb5\x2f\xfd1234567890"): is(new(*NotJournalError)),
		other:                        is(new(*NotJournalError)),
		newer:                        is(new(*NewerFormatError)),
		t.TempDir():                  func(err error) bool { return errors.Is(err, ErrNoFiles) },
		filepath.Join(dir, "not/me"): func(err error) bool { return errors.Is(err, os.ErrNotExist) },
	} {
		if _, err := Open(path); !ok(err) {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
}

// TestDiskFails lets files grow no more for a while, as a full disk does. The
// limit is the process's, so it is one of its own.
func TestDiskFails(t *testing.T) {
	if os.Getenv("JOURNAL_TEST_CHILD") == "" {
		child := exec.Command(os.Args[0], "-test.run=^TestDiskFails$")
		child.Env = append(os.Environ(), "JOURNAL_TEST_CHILD=1")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	w := create(t, dir, Options{FlushInterval: time.Millisecond})
	x := newTraffic(w, 1)
	x.talk(1, 100, 50)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	restore := limitFiles(t, 1000)
	x.talk(2, 1000, 50)
	err := w.Sync()
	failed := w.Stats()
	if rep := verify(t, dir); rep.OK || len(rep.Gaps) == 0 || rep.Unaccounted != 0 {
		t.Errorf("while nothing can be written: %+v", rep)
	} else if l, n := rep.Connections[2], int64(len(x.sent[flowKey{2, wire.S2C}])); l.Conn != 2 || l.Forwarded != n || l.Gap != n {
		t.Errorf("while nothing can be written: %+v, but %d were sent", l, n)
	}
	if _, errs := readAll(dir); len(errs) != 1 || !IsPartial(errs[0]) {
		t.Errorf("while nothing can be written, reading says %v", errs)
	}
	killed := copyDir(t, dir)
	x.close(1)
	w.Sync()
	restore()
	for w.Stats().Err != nil { // it finds out by itself
		runtime.Gosched()
	}
	if err == nil || failed.Failed == 0 || failed.Err == nil {
		t.Errorf("nothing failed: %v %+v", err, failed)
	}
	x.send(2, wire.S2C, "PING 7\n", 10)
	if err := w.Sync(); err != nil {
		t.Fatalf("it does not recover: %v", err)
	}
	x.send(2, wire.S2C, "PING 8\n", 10)
	x.close(2)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rep := verify(t, dir)
	if rep.Unaccounted != 0 || len(rep.Damage) > 0 || len(rep.Gaps) == 0 {
		t.Errorf("unaccounted %d, damage %v, gaps %v", rep.Unaccounted, rep.Damage, rep.Gaps)
	}
	for _, l := range rep.Connections {
		d, _ := wire.ParseDirection(l.Dir)
		if n := int64(len(x.sent[flowKey{l.Conn, d}])); l.Forwarded != n || l.Journalled+l.Gap != n {
			t.Errorf("%+v, but %d were sent", l, n)
		}
	}
	text, _ := readAll(dir)
	if !bytes.Contains(text, []byte("PING 8\n")) {
		t.Error("what came after is not there")
	}
	killedWhileFull(t, killed, int64(len(x.sent[flowKey{2, wire.S2C}])-len("PING 7\nPING 8\n")))
}

// killedWhileFull: a recorder that was killed while it could not write has left
// word of that, and the next one makes gaps of it.
func killedWhileFull(t *testing.T, dir string, sent int64) {
	for recordings := range 3 {
		if recordings > 0 {
			create(t, dir, Options{}).Close()
		}
		rep := verify(t, dir)
		if rep.OK || len(rep.Gaps) == 0 || rep.Unaccounted != 0 || len(rep.Damage) > 0 {
			t.Errorf("after %d more recordings: %+v", recordings, rep)
		}
		var gaps int64
		for _, g := range rep.Gaps {
			if g.Conn == 2 && g.Dir == "s2c" {
				gaps += g.Bytes
			}
		}
		if gaps != sent {
			t.Errorf("after %d more recordings: gaps of %d bytes, want %d", recordings, gaps, sent)
		}
	}
}

// copyDir is what kill -9 would leave of a journal. The limit on files is this
// process's own.
func copyDir(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	cp := exec.Command("sh", "-c", `ulimit -S -f unlimited; find "$0" -type f -exec cp {} "$1" \;`, dir, to)
	if out, err := cp.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return to
}

// TestDiskFullToTheEnd: even then the journal says what is not in it.
func TestDiskFullToTheEnd(t *testing.T) {
	dir := smallDisk(t, "2m")
	var told int64
	w := create(t, dir, Options{FlushInterval: time.Millisecond, Lost: func(_ string, _ int, n int64) { told += n }})
	x := newTraffic(w, 1)
	x.open(1)
	x.open(2)
	noise := make([]byte, 3000)
	for range 2000 {
		x.r.Read(noise)
		x.send(1, wire.S2C, fmt.Sprintf("RDATA typing master 1 [\"%x\"]\n", noise), 100000)
	}
	x.close(1)
	x.send(2, wire.S2C, "PING 1\n", 10)
	if err := w.Sync(); err == nil {
		t.Fatal("the disk was not full")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	rep := verify(t, dir)
	if rep.OK || len(rep.Gaps) == 0 || rep.Unaccounted != 0 || len(rep.Damage) != 0 || len(rep.Notes) != 0 {
		t.Errorf("%+v", rep)
	}
	var gaps int64
	for _, g := range rep.Gaps {
		gaps += g.Bytes
	}
	if told != gaps {
		t.Errorf("%d bytes were reported lost, %d are in the journal's gaps", told, gaps)
	}
	for _, l := range rep.Connections {
		d, _ := wire.ParseDirection(l.Dir)
		if n := int64(len(x.sent[flowKey{l.Conn, d}])); l.Forwarded != n {
			t.Errorf("%+v, but %d were sent", l, n)
		}
	}
}

func TestRetentionNeverTakesTheOpenFile(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{MaxSize: 1, MaxAge: time.Nanosecond})
	x := newTraffic(w, 1)
	x.talk(1, 100, 50)
	w.Sync()
	w.store.retain()
	x.check(t, dir)
	w.Close()
	x.check(t, dir)
}

func FuzzBlock(f *testing.F) {
	b := newBuilder()
	block, _ := packAll(b, pieces([]byte("SERVER x\nRDATA caches master 1 [\"a\",[\"b\"],3]\nRDATA caches master 2 [\"c\",[\"d\"],4]\nrest"), 1))
	n, _, _ := headLen(block)
	f.Add(block[blockFixed:n], block[n:])
	block, _ = packAll(b, []entry{{seq: 1, kind: KindOpen, note: []byte("{}")}})
	n, _, _ = headLen(block)
	f.Add(block[blockFixed:n], block[n:])
	f.Fuzz(func(t *testing.T, header, payload []byte) {
		// The checksums would hide nearly everything, so they are not asked.
		h := &blockHeader{}
		d := decoder{b: header}
		h.parse(&d)
		total := 0
		for _, s := range h.sections {
			if s.raw > 1<<20 {
				return
			}
			total += s.stored()
		}
		if d.bad || total != len(payload) {
			return
		}
		u := newUnpacker()
		defer u.close()
		var es []entry
		if u.entries(h, payload, func(e *entry) bool {
			c := *e
			c.data, c.note = bytes.Clone(e.data), bytes.Clone(e.note)
			es = append(es, c)
			return true
		}) != nil {
			return
		}
		j := newJoiner()
		yield := func(*Record) bool { return true }
		j.block(h, yield)
		for i := range es {
			j.entry(&es[i], yield)
		}
	})
}

func FuzzOpen(f *testing.F) {
	path, _ := sample(f, false)
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte{1})
	f.Add(uint32(4096), []byte("\xff\xff\xff\xff"))
	f.Add(uint32(9000), bytes.Repeat([]byte{0}, 5000))
	f.Add(uint32(16), []byte("RTBLOCK"))
	broken := filepath.Join(f.TempDir(), fileName(1))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		c := bytes.Clone(b)
		copy(c[int(at)%len(c):], patch)
		if err := os.WriteFile(broken, c, 0o600); err != nil {
			t.Skip(err)
		}
		readAll(broken)
		Verify(context.Background(), broken, nil)
	})
}
