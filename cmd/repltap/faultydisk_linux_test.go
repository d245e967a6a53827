package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// fuseWanted has the tests that mount a file system fail, not skip, where none can
// be mounted; .ci/run sets it.
const fuseWanted = "REPLTAP_TEST_FUSE"

// faultyDisk is a file system that passes everything on to a directory, except for
// what it is told to refuse or to leave unanswered.
type faultyDisk struct {
	dir     string // where it is mounted
	backing string // the directory, which has no faults

	mu     sync.Mutex
	faults []*fault
}

// fault is what becomes of some calls.
type fault struct {
	calls string        // their kinds: read, write, fsync, create, rename, unlink, truncate, stat
	name  string        // part of the file's name
	after int           // so many of them pass
	errno syscall.Errno // what the others give,
	hang  chan struct{} // or what they wait for
	met   chan struct{} // closed with the first of them
	once  sync.Once
}

// mountDisk mounts a faulty disk without faults.
func mountDisk(t *testing.T) *faultyDisk {
	t.Helper()
	backing, mount := t.TempDir(), t.TempDir()
	var st syscall.Stat_t
	if err := syscall.Stat(backing, &st); err != nil {
		t.Fatal(err)
	}
	d := &faultyDisk{dir: mount, backing: backing}
	root := &fs.LoopbackRoot{Path: backing, Dev: uint64(st.Dev)}
	root.NewNode = func(r *fs.LoopbackRoot, _ *fs.Inode, _ string, _ *syscall.Stat_t) fs.InodeEmbedder {
		return &faultyNode{LoopbackNode: fs.LoopbackNode{RootData: r}, disk: d}
	}
	node := root.NewNode(root, nil, "", &st)
	root.RootNode = node
	server, err := fs.Mount(mount, node, &fs.Options{MountOptions: fuse.MountOptions{DirectMount: true, FsName: "faulty", Name: "faulty"}})
	if err != nil {
		if os.Getenv(fuseWanted) != "" {
			t.Fatal("no file system can be mounted here, and ", fuseWanted, " is set: ", err)
		}
		t.Skip("no file system can be mounted here (that takes /dev/fuse, and root or fusermount3 of Debian's fuse3): ", err)
	}
	t.Cleanup(func() {
		d.mend()
		// A process of another test that was begun during the mount has inherited a
		// file of it.
		until(t, "the faulty disk is unmounted", func() bool { return server.Unmount() == nil })
	})
	return d
}

// refuse has the calls of some kinds fail from now on, but for the first few.
func (d *faultyDisk) refuse(calls, name string, after int, errno syscall.Errno) *fault {
	return d.add(&fault{calls: calls, name: name, after: after, errno: errno})
}

// hang leaves the calls of some kinds unanswered from now on.
func (d *faultyDisk) hang(calls, name string) *fault {
	return d.add(&fault{calls: calls, name: name, hang: make(chan struct{})})
}

func (d *faultyDisk) add(f *fault) *fault {
	f.met = make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, f)
	return f
}

// mend ends all faults.
func (d *faultyDisk) mend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.faults {
		if f.hang != nil {
			close(f.hang)
		}
	}
	d.faults = nil
}

// call says what becomes of a call. One that hangs ends when its process is killed.
func (d *faultyDisk) call(ctx context.Context, kind, path string) syscall.Errno {
	f := d.faultOf(kind, filepath.Base(path))
	if f == nil {
		return 0
	}
	f.once.Do(func() { close(f.met) })
	if f.hang == nil {
		return f.errno
	}
	select {
	case <-f.hang:
		return 0
	case <-ctx.Done():
		return syscall.EINTR
	}
}

func (d *faultyDisk) faultOf(kind, name string) *fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.faults {
		if !strings.Contains(f.calls, kind) || !strings.Contains(name, f.name) {
			continue
		}
		if f.after--; f.after < 0 {
			return f
		}
	}
	return nil
}

// faultyNode is a file or directory of a faultyDisk.
type faultyNode struct {
	fs.LoopbackNode
	disk *faultyDisk
}

func (n *faultyNode) name() string { return n.Path(nil) }

func (n *faultyNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if errno := n.disk.call(ctx, "stat", name); errno != 0 {
		return nil, errno
	}
	return n.LoopbackNode.Lookup(ctx, name, out)
}

func (n *faultyNode) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if errno := n.disk.call(ctx, "stat", n.name()); errno != 0 {
		return errno
	}
	if h, ok := f.(*faultyFile); ok {
		f = h.LoopbackFile
	}
	return n.LoopbackNode.Getattr(ctx, f, out)
}

func (n *faultyNode) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if _, sized := in.GetSize(); sized {
		if errno := n.disk.call(ctx, "truncate", n.name()); errno != 0 {
			return errno
		}
	}
	if h, ok := f.(*faultyFile); ok {
		f = h.LoopbackFile
	}
	return n.LoopbackNode.Setattr(ctx, f, in, out)
}

func (n *faultyNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if errno := n.disk.call(ctx, "create", name); errno != 0 {
		return nil, nil, 0, errno
	}
	inode, f, _, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	return inode, n.file(name, f), fuse.FOPEN_DIRECT_IO, errno
}

func (n *faultyNode) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if errno := n.disk.call(ctx, "open", n.name()); errno != 0 {
		return nil, 0, errno
	}
	f, _, errno := n.LoopbackNode.Open(ctx, flags)
	return n.file(n.name(), f), fuse.FOPEN_DIRECT_IO, errno
}

func (n *faultyNode) file(name string, f fs.FileHandle) fs.FileHandle {
	if l, ok := f.(*fs.LoopbackFile); ok {
		return &faultyFile{l, n.disk, name}
	}
	return f
}

func (n *faultyNode) Rename(ctx context.Context, name string, to fs.InodeEmbedder, toName string, flags uint32) syscall.Errno {
	if errno := n.disk.call(ctx, "rename", name); errno != 0 {
		return errno
	}
	return n.LoopbackNode.Rename(ctx, name, to, toName, flags)
}

func (n *faultyNode) Unlink(ctx context.Context, name string) syscall.Errno {
	if errno := n.disk.call(ctx, "unlink", name); errno != 0 {
		return errno
	}
	return n.LoopbackNode.Unlink(ctx, name)
}

// faultyFile is an open file. Nothing of it is kept in the page cache, so that each
// read comes here.
type faultyFile struct {
	*fs.LoopbackFile
	disk *faultyDisk
	name string
}

func (f *faultyFile) Read(ctx context.Context, p []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	if errno := f.disk.call(ctx, "read", f.name); errno != 0 {
		return nil, errno
	}
	return f.LoopbackFile.Read(ctx, p, at)
}

func (f *faultyFile) Write(ctx context.Context, p []byte, at int64) (uint32, syscall.Errno) {
	if errno := f.disk.call(ctx, "write", f.name); errno != 0 {
		return 0, errno
	}
	return f.LoopbackFile.Write(ctx, p, at)
}

func (f *faultyFile) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if errno := f.disk.call(ctx, "fsync", f.name); errno != 0 {
		return errno
	}
	return f.LoopbackFile.Fsync(ctx, flags)
}
