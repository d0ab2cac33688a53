package journal

import (
	"errors"
	"os"
	"syscall"
)

// syncData brings what was written to a file of fixed size to the disk.
func syncData(file *os.File) error {
	for {
		err := syscall.Fdatasync(int(file.Fd()))
		if !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
