package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mends is how a trouble ends that is the disk's.
func mends(_ *testing.T, d *faultyDisk, _ string) { d.mend() }

// refuses is how it begins.
func refuses(calls, name string, after int, errno syscall.Errno) func(*testing.T, *faultyDisk, string) {
	return func(_ *testing.T, d *faultyDisk, _ string) { d.refuse(calls, name, after, errno) }
}

// hangs is how it begins, at the first call that waits.
func hangs(calls, name string) func(*testing.T, *faultyDisk, string) {
	return func(t *testing.T, d *faultyDisk, _ string) {
		f := d.hang(calls, name)
		until(t, "a call hangs", func() bool {
			select {
			case <-f.met:
				return true
			default:
				return false
			}
		})
	}
}

// whileSealed is how something is done to the first file while it is sealed.
func whileSealed(do func(path string) error) func(*testing.T, *faultyDisk, string) {
	return func(t *testing.T, d *faultyDisk, dir string) {
		hangs("create", "0000000001.journal.sealing")(t, d, dir)
		fine(t, do(filepath.Join(dir, "0000000001.journal")))
		d.mend()
	}
}

var (
	small  = []string{"--rotate-size", "8KiB"}
	sealed = []string{"--rotate-size", "8KiB", "--max-size", "0"}
)

var diskFaults = []diskTrouble{
	{name: "full", begin: refuses("write create", "", 0, syscall.ENOSPC), end: mends,
		health: "no space left", log: "can't be written", reason: "write failed: no space left"},
	{name: "full at the second write", begin: refuses("write", ".journal", 1, syscall.ENOSPC), end: mends,
		health: "0000000001.journal: no space left", log: "can't be written", reason: "write failed: no space left"},
	{name: "write error", begin: refuses("write", "", 2, syscall.EIO), end: mends,
		health: "input/output error", log: "can't be written", reason: "write failed: input/output error"},
	{name: "first sync fails", begin: refuses("fsync", "", 0, syscall.EIO), end: mends,
		health: "input/output error", log: "can't be written", reason: "write failed: "},
	{name: "sync of the meta page fails", begin: refuses("fsync", ".journal", 1, syscall.EIO), end: mends,
		health: "input/output error", log: "can't be written", reason: "write failed: "},
	{name: "read-only", begin: refuses("write create rename unlink truncate", "", 0, syscall.EROFS), end: mends,
		health: "read-only file system", log: "can't be written", reason: "write failed: read-only file system"},
	{name: "no file can be made", args: small, begin: refuses("create", "", 0, syscall.EACCES), end: mends,
		health: "permission denied", log: "can't be written", reason: "write failed: permission denied"},
	{name: "no file can be named", args: small, begin: refuses("rename", "beginning", 0, syscall.EIO), end: mends,
		health: "input/output error", log: "can't be written", reason: "write failed: "},
	{name: "nothing can be looked at", begin: refuses("stat open read", "", 0, syscall.EACCES), end: mends,
		health: "can't be known: "},
	{name: "read error", begin: refuses("read", "", 0, syscall.EIO), end: mends},
	{name: "write hangs", begin: hangs("write", ".journal"), end: mends, health: "has not answered for", log: "does not answer"},
	{name: "sync hangs", begin: hangs("fsync", ".journal"), end: mends, health: "(sync 0000000001.journal)", log: "does not answer"},
	{name: "everything hangs under load", args: []string{"--redact", "none"}, begin: hangs("write fsync stat create read", ""), end: mends, flood: true,
		health: "has not answered for", log: "does not answer", reason: "queue full: the disk has not answered for"},
	{name: "rotation hangs", args: small, begin: hangs("create rename", "beginning"), end: mends,
		health: "has not answered for", log: "does not answer"},
	{name: "removing the oldest hangs", args: []string{"--rotate-size", "8KiB", "--max-size", "100KiB"}, old: true, begin: hangs("unlink", ".journal"), end: mends,
		health: "(remove 00", log: "does not answer"},

	{name: "sealing: no file can be made", args: sealed, begin: refuses("create", "sealing", 0, syscall.ENOSPC), log: "could not be sealed", end: mends},
	{name: "sealing: write error", args: sealed, begin: refuses("write", "sealing", 3, syscall.EIO), log: "could not be sealed", end: mends},
	{name: "sealing: sync error", args: sealed, begin: refuses("fsync", "sealing", 0, syscall.EIO), log: "could not be sealed", end: mends},
	{name: "sealing: can't be named", args: sealed, begin: refuses("rename", "sealing", 0, syscall.EIO), log: "could not be sealed", end: mends},
	{name: "sealing: read error", args: sealed, begin: refuses("read", ".journal", 0, syscall.EIO), log: "could not be sealed", end: mends},
	{name: "sealing: the file is removed", args: []string{"--rotate-size", "16KiB"}, begin: whileSealed(os.Remove),
		health: "0000000001.journal was removed", log: "taken away", reason: "file lost: 0000000001.journal was removed"},
	{name: "sealing: the file is cut", args: []string{"--rotate-size", "16KiB"}, begin: whileSealed(func(path string) error { return os.Truncate(path, 2*4096) }),
		health: "0000000001.journal was cut short", log: "taken away", reason: "file lost: 0000000001.journal was cut short", damage: true},
	{name: "sealing: hangs", args: sealed, begin: hangs("write fsync", "sealing"), end: mends},
}

// TestDiskFaults: traffic flows while a disk fails or hangs, and none of it is
// missing without a word.
func TestDiskFaults(t *testing.T) {
	together(t, diskFaults, func(c diskTrouble) string { return c.name }, func(t *testing.T, c diskTrouble) {
		d := mountDisk(t)
		c.meet(t, d, filepath.Join(d.dir, "journal"), filepath.Join(d.backing, "journal"))
	})
}

// TestEndWhileDiskHangs: a disk that hangs for good does not keep a recorder from
// ending, which says what it could not write.
func TestEndWhileDiskHangs(t *testing.T) {
	together(t, []string{"write", "fsync", "stat"}, nameOf, func(t *testing.T, calls string) {
		d := mountDisk(t)
		p, addr, master := startRecorder(t, filepath.Join(d.dir, "journal"), "--flush-interval", "100ms", "--queue", "1MiB")
		f := flow(t, addr, master)
		f.passes(200)
		hangs(calls, "")(t, d, "")
		f.passes(200)
		other, behind := link(t, addr, master) // one more, in the middle of a line
		other.Write([]byte("PING 1"))
		if n, err := behind.Read(make([]byte, 6)); n != 6 {
			t.Error(n, err)
		}
		for _, c := range []net.Conn{other, behind} {
			c.Close()
		}
		f.stop()
		if status := p.end(syscall.SIGTERM); status != statusFailed {
			t.Errorf("exit status %d", status)
		}
		if said := p.said(); !strings.Contains(said, "the disk has not answered for") || !strings.Contains(said, "bytes of traffic that were passed on are not in the journal") {
			t.Errorf("it said:\n%s", said)
		}
	})
}

// TestEndHangs: nor does one that hangs in what is done only at the end. What was
// written stays.
func TestEndHangs(t *testing.T) {
	together(t, []string{"reserve", "recorder.sock", ".journal.sealing"}, nameOf, func(t *testing.T, file string) {
		d := mountDisk(t)
		p, addr, master := startRecorder(t, filepath.Join(d.dir, "journal"), "--flush-interval", "100ms")
		f := flow(t, addr, master)
		f.passes(200)
		f.stop()
		d.hang("unlink rename", file)
		if status := p.end(syscall.SIGTERM); status != statusFailed || !strings.Contains(p.said(), "the disk has not answered for") {
			t.Errorf("exit status %d:\n%s", status, p.said())
		}
		raw, _, _ := repltap(t, "log", filepath.Join(d.backing, "journal"), "--format", "raw", "--direction", "s2c")
		if n := int64(strings.Count(raw, "\n")); n != f.lines.Load() {
			t.Errorf("%d lines passed, %d are in the journal", f.lines.Load(), n)
		}
	})
}

// TestEndBeforeDiskAnswers: nor does one that hangs from the beginning.
func TestEndBeforeDiskAnswers(t *testing.T) {
	t.Parallel()
	d := mountDisk(t)
	f := d.hang("create", "")
	p := start(t, io.Discard, "record", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--journal", filepath.Join(d.dir, "journal"))
	<-f.met
	if status := p.end(syscall.SIGTERM); status != statusFailed || !strings.Contains(p.said(), "the disk has not answered") {
		t.Errorf("exit status %d:\n%s", status, p.said())
	}
}
