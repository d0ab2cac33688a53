//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package owner

import (
	"os"
	"path/filepath"
	"syscall"
)

// GiveAway gives what root has made to the owner of the directory it is in. To
// anybody else but root it does nothing.
func GiveAway(path string) error {
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
