//go:build darwin || freebsd || linux || netbsd || openbsd

package terminal

import (
	"os"
	"syscall"
	"unsafe"
)

// windowOf asks the terminal how many columns it has; 0 when it does not say.
func windowOf(file *os.File) int {
	var size struct{ rows, columns, x, y uint16 }
	raw, err := file.SyscallConn()
	if err != nil {
		return 0
	}
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	})
	if err != nil || errno != 0 {
		return 0
	}
	return int(size.columns)
}
