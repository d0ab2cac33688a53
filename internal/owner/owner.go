// Package owner makes files that the service can use, whoever has tried it before:
// what root makes in a directory of somebody else belongs to that one.
package owner

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeDirectory makes a directory and those above it, as far as they are not there,
// for their owner alone.
func MakeDirectory(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := MakeDirectory(filepath.Dir(path)); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	return GiveAway(path)
}
