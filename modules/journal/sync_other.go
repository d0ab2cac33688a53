//go:build !linux

package journal

import "os"

// syncData brings what was written to the disk.
func syncData(file *os.File) error { return file.Sync() }
