package main

import (
	"os"
	"syscall"
	"unsafe"
)

// isDeserted reports whether nobody reads any more: the other end of a pipe is
// closed. It is for who has nothing to write for long.
func (o *outlet) isDeserted() bool {
	file, isFile := o.out.(*os.File)
	if !isFile {
		return false
	}
	const hangUp, failed = 0x10, 0x08 // POLLHUP, POLLERR
	poll := struct {
		fd              int32
		wanted, happens int16
	}{}
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	now := syscall.Timespec{}
	err = raw.Control(func(fd uintptr) {
		poll.fd = int32(fd)
		_, _, _ = syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	})
	return err == nil && poll.happens&(hangUp|failed) != 0
}
