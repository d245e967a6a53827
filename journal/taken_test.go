package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"repltap/wire"
)

// taken is a way to take a journal away from its recorder.
type taken struct {
	name   string
	do     func(t *testing.T, dir string)
	reason string // of the gaps; "" when nothing is lost
	damage string // what verify finds in what is left, if anything
}

func openFileOf(dir string) string {
	numbers, _ := listFiles(dir)
	return filepath.Join(dir, fileName(numbers[len(numbers)-1]))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func copyOf(t *testing.T, path string, n int64) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	if n >= 0 {
		b = b[:n]
	}
	other := path + ".copy"
	must(t, os.WriteFile(other, b, 0o600))
	return other
}

var waysToTake = []taken{
	{"cut to nothing", func(t *testing.T, dir string) { must(t, os.Truncate(openFileOf(dir), 0)) },
		"file lost: 0000000002.journal was cut short", "empty"},
	{"cut at a page", func(t *testing.T, dir string) { must(t, os.Truncate(openFileOf(dir), 8*4096)) },
		"file lost: 0000000002.journal was cut short", "cut short"},
	{"removed", func(t *testing.T, dir string) { must(t, os.Remove(openFileOf(dir))) },
		"file lost: 0000000002.journal was removed", "the file is missing"},
	{"replaced by a copy", func(t *testing.T, dir string) {
		must(t, os.Rename(copyOf(t, openFileOf(dir), -1), openFileOf(dir)))
	}, "", ""},
	{"replaced by half a copy", func(t *testing.T, dir string) {
		must(t, os.Rename(copyOf(t, openFileOf(dir), 6*4096), openFileOf(dir)))
	}, "file lost: 0000000002.journal was replaced", "cut short"},
	{"replaced by something else", func(t *testing.T, dir string) {
		path := openFileOf(dir)
		must(t, os.WriteFile(path+".new", []byte("hello"), 0o600))
		must(t, os.Rename(path+".new", path))
	}, "file lost: 0000000002.journal was replaced", "not a repltap journal"},
	{"directory removed", func(t *testing.T, dir string) {
		await(t, "the directory is removed", func() bool { return os.RemoveAll(dir) == nil }) // a file may be made meanwhile
	},
		"file lost: the journal's directory was removed", ""},
	{"directory moved away", func(t *testing.T, dir string) { must(t, os.Rename(dir, dir+".away")) },
		"file lost: the journal's directory was removed", ""},
	{"directory replaced", func(t *testing.T, dir string) {
		must(t, os.Rename(dir, dir+".away"))
		must(t, os.Mkdir(dir, 0o700))
	}, "file lost: the journal's directory was replaced", ""},
}

// await waits for a state that comes by itself.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); !is(); runtime.Gosched() {
		if time.Now().After(late) {
			t.Fatal("in 20 s it never came that ", what)
		}
	}
}

// TestTakenAway: whatever is done to the open file or its directory, recording goes
// on in a new one, and the ledger balances over what is left.
func TestTakenAway(t *testing.T) {
	for _, way := range waysToTake {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "journal")
			var reported int64
			o := Options{FlushInterval: 40 * time.Millisecond, RotateSize: 100_000, Redact: wire.RedactSecrets, Lost: func(_ string, _ int, n int64) { reported += n }}
			w := create(t, dir, o)
			x := newTraffic(w, 1)
			x.talk(1, 20, 100)
			for w.Stats().Files < 2 {
				x.send(1, wire.S2C, "RDATA typing master 0 [\""+noise(x, 10000)+"\"]\n", 5000)
				must(t, w.Sync())
			}
			x.talk(2, 10, 100)
			x.close(2)
			for i := range 20 {
				x.send(1, wire.S2C, fmt.Sprintf("RDATA typing master %d [\"%s\"]\n", i, noise(x, 2000)), 5000)
				must(t, w.Sync())
			}
			key, err := os.ReadFile(filepath.Join(dir, keyFileName))
			must(t, err)
			way.do(t, dir)
			// Nothing is sent: it finds out all the same.
			var lost *LostFileError
			await(t, "Stats says so", func() bool { return errors.As(w.Stats().Err, &lost) })
			await(t, "recording goes on", func() bool { _, err := os.Stat(filepath.Join(dir, fileName(3))); return err == nil })
			x.send(1, wire.C2S, "PING 77\n", 10)
			x.talk(3, 10, 100)
			must(t, w.Sync())
			await(t, "all is well again", func() bool { return w.Stats().Err == nil })
			live := verify(t, dir)
			if live.Unaccounted != 0 {
				t.Errorf("while it is recorded: %+v", live)
			}
			x.close(1)
			must(t, w.Close())
			if again, err := os.ReadFile(filepath.Join(dir, keyFileName)); !bytes.Equal(again, key) {
				t.Errorf("the key for pseudonyms is another one: %v", err)
			}
			x.balances(t, dir, way, lost, reported)
		})
	}
}

// balances checks what is left of the journal.
func (x *traffic) balances(t *testing.T, dir string, way taken, lost *LostFileError, reported int64) {
	t.Helper()
	rep := verify(t, dir)
	if rep.Unaccounted != 0 || len(rep.Damage) > 0 != (way.damage != "") || !strings.Contains(fmt.Sprint(rep.Damage), way.damage) {
		t.Errorf("unaccounted %d, damage %v, want %q", rep.Unaccounted, rep.Damage, way.damage)
	}
	var gaps int64
	for _, g := range rep.Gaps {
		gaps += g.Bytes
		if way.reason == "" || !strings.HasPrefix(g.Reason, way.reason) {
			t.Errorf("gap %+v", g)
		}
	}
	if gaps != lost.Bytes || gaps != reported || gaps > 0 != (way.reason != "") {
		t.Errorf("gaps of %d bytes, %d were logged and %d reported", gaps, lost.Bytes, reported)
	}
	whole := rep.Files > 1 // else the first file, which was not open, is gone with the directory
	for _, l := range rep.Connections {
		d, _ := wire.ParseDirection(l.Dir)
		n := int64(len(x.sent[flowKey{l.Conn, d}]))
		if l.Journalled+l.Gap != l.Forwarded || whole && l.Forwarded != n {
			t.Errorf("%+v, but %d were sent", l, n)
		}
		if l.Conn == 2 && l.Open {
			t.Errorf("that connection %d ended is lost", l.Conn)
		}
	}
	if text, _ := readAll(dir); !bytes.Contains(text, []byte("PING 77\n")) {
		t.Error("what came after is not there")
	}
}

func noise(x *traffic, n int) string {
	b := make([]byte, n/2)
	x.r.Read(b)
	return fmt.Sprintf("%x", b)
}

// TestFurnished: what else belongs into the directory is put back.
func TestFurnished(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{FlushInterval: 20 * time.Millisecond, Redact: wire.RedactSecrets})
	x := newTraffic(w, 1)
	x.talk(1, 10, 100)
	must(t, w.Sync())
	for _, name := range []string{reserveName, keyFileName, socketName} {
		path := filepath.Join(dir, name)
		before, _ := os.ReadFile(path)
		must(t, os.Remove(path))
		await(t, name+" is there again", func() bool {
			after, err := os.ReadFile(path)
			return (err == nil || name == socketName && !errors.Is(err, os.ErrNotExist)) && bytes.Equal(before, after)
		})
	}
	must(t, os.Truncate(filepath.Join(dir, reserveName), 10))
	await(t, "the reserve has its size", func() bool {
		st, err := os.Stat(filepath.Join(dir, reserveName))
		return err == nil && st.Size() == reserveSize
	})
	x.check(t, dir) // by the new socket
	x.close(1)
	must(t, w.Close())
	mustBeFine(t, dir)
}

// TestDirectoryPutBack: what was lost with a directory, and is put back by hand, is
// not missing any more.
func TestDirectoryPutBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	w := create(t, dir, Options{FlushInterval: 20 * time.Millisecond})
	x := newTraffic(w, 1)
	x.talk(1, 50, 100)
	x.talk(2, 50, 100)
	must(t, w.Sync())
	must(t, os.Rename(dir, dir+".away"))
	await(t, "recording goes on", func() bool { _, err := os.Stat(filepath.Join(dir, fileName(2))); return err == nil })
	x.talk(1, 10, 100)
	x.close(1)
	x.close(2)
	must(t, w.Close())
	if rep := verify(t, dir); rep.Unaccounted != 0 || len(rep.Gaps) == 0 {
		t.Errorf("without what was lost: %+v", rep)
	}
	must(t, os.Rename(filepath.Join(dir+".away", fileName(1)), filepath.Join(dir, fileName(1))))
	x.check(t, dir)
	if rep := mustBeFine(t, dir); !strings.Contains(fmt.Sprint(rep.Notes), "put back") {
		t.Errorf("notes: %q", rep.Notes)
	}
}

// TestMiddleLeft: what is lost with a file may lie before all that is left.
func TestMiddleLeft(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{FlushInterval: 20 * time.Millisecond})
	x := newTraffic(w, 1)
	for i := range 4 {
		x.send(1, wire.S2C, fmt.Sprintf("RDATA typing master %d [\"%s\"]\n", i, noise(x, 20000)), 20000)
		must(t, w.Sync())
	}
	path := openFileOf(dir)
	b, err := os.ReadFile(path)
	must(t, err)
	left := make([]byte, len(b))
	copy(left, b[:2*4096])
	w.store.mu.Lock()
	for _, p := range w.store.places[2:4] {
		copy(left[p.offset:], b[p.offset:][:p.length])
	}
	w.store.mu.Unlock()
	must(t, os.WriteFile(path+".left", left, 0o600))
	must(t, os.Rename(path+".left", path))
	await(t, "recording goes on", func() bool { _, err := os.Stat(filepath.Join(dir, fileName(2))); return err == nil })
	x.talk(1, 10, 100)
	must(t, w.Close())
	rep := verify(t, dir)
	want := int64(len(x.sent[flowKey{1, wire.S2C}]))
	for _, l := range rep.Connections {
		if l.Dir == "s2c" && (l.Forwarded != want || l.Journalled+l.Gap != want || l.Gap == 0) {
			t.Errorf("%d bytes were sent: %+v, gaps %+v", want, l, rep.Gaps)
		}
	}
}

// TestManyEndUnwritten: of connections that come and go while nothing can be written
// the number is known and not the names, so that they fill no memory.
func TestManyEndUnwritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	w := create(t, dir, Options{FlushInterval: 10 * time.Millisecond, maxUnwritten: 10})
	x := newTraffic(w, 1)
	x.talk(1, 20, 100)
	must(t, w.Sync())
	must(t, os.Rename(dir, dir+".away"))
	must(t, os.WriteFile(dir, nil, 0o600)) // so that there can't be a new one
	const last = 500
	for c := uint64(2); c <= last; c++ {
		x.talk(c, 1, 100)
		x.send(c, wire.C2S, "PING 1\n", 10)
		x.close(c)
		if w.Sync() == nil {
			t.Fatal("there is a disk")
		}
	}
	lost := w.store.losses.list()
	value, err := sealValue(keyReserve, liveLosses(lost))
	must(t, err)
	if len(lost) > 30 {
		t.Errorf("%d losses are remembered, in %d bytes", len(lost), len(value))
	}
	must(t, os.Remove(dir))
	await(t, "all is well again", func() bool { return w.Stats().Err == nil })
	x.talk(last+1, 10, 100)
	x.close(1)
	must(t, w.Close())
	rep := verify(t, dir)
	var sent, forwarded, gaps int64
	for _, text := range x.sent {
		sent += int64(len(text))
	}
	for _, l := range rep.Connections {
		forwarded, gaps = forwarded+l.Forwarded, gaps+l.Gap
	}
	if rep.Unaccounted != 0 || forwarded != sent || gaps == 0 || !strings.Contains(fmt.Sprint(rep.Gaps), "older connections") {
		t.Errorf("%d bytes were sent: forwarded %d, gaps %d, unaccounted %d: %+v", sent, forwarded, gaps, rep.Unaccounted, rep.Gaps)
	}
}

// TestNoteOfMany: however much is lost, the note of it fits.
func TestNoteOfMany(t *testing.T) {
	s := &store{dir: t.TempDir()}
	must(t, os.WriteFile(s.reservePath(), make([]byte, reserveSize), 0o600))
	want := int64(0)
	for c := range int64(3000) {
		l := &lostFlow{conn: uint64(c), dir: wire.S2C, bytes: 1e12 + c, lines: c, from: 1e18, to: 1e18 + c}
		want += l.bytes
		s.losses.add(ledger{{l.conn, l.dir}: l}, "write failed: "+strings.Repeat("no space left on device", 5))
	}
	s.note()
	for _, l := range notedLosses(s.dir) {
		want -= l.Event.Bytes
	}
	if want != 0 {
		t.Errorf("the note lacks %d bytes", want)
	}
}

// TestCutBeforeRotation: a file that was cut and has grown again is not taken for
// whole when it is finished, nor when it is sealed.
func TestCutBeforeRotation(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{FlushInterval: time.Hour})
	x := newTraffic(w, 1)
	x.talk(1, 50, 100)
	must(t, w.Sync())
	h := w.store.holding()
	info, err := os.Stat(openFileOf(dir))
	must(t, err)
	h.info = info
	if err := w.store.sealer.missing(&h); err != nil {
		t.Error(err)
	}
	must(t, os.Truncate(openFileOf(dir), 2*4096))
	must(t, os.Truncate(openFileOf(dir), info.Size()))
	if err := w.store.sealer.missing(&h); err != errCut {
		t.Errorf("what became of it: %v", err)
	}
	w.store.rotate()
	x.talk(1, 10, 100)
	x.close(1)
	must(t, w.Close())
	if rep := verify(t, dir); rep.Unaccounted != 0 || len(rep.Gaps) == 0 {
		t.Errorf("unaccounted %d, gaps %v", rep.Unaccounted, rep.Gaps)
	}
}
