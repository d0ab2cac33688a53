//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// lock takes the file for this process until it is closed, or says that another one
// has it. A file system that knows no locks keeps nobody out.
func lock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return err
	}
	return nil
}

// giveAway gives what root has made to the owner of the directory it is in.
func giveAway(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	directory, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	owner, ok := directory.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}
