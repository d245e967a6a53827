package journal

import (
	"errors"
	"os"
	"syscall"
)

// syncData waits until a file's bytes are on the disk; of what is known about the
// file only as much as it takes to read them.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
