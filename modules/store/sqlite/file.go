package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/scimgate/scimgate/internal/owner"
)

// make makes the file and its directory, if they are not there, for the owner alone.
// What root makes in a directory of somebody else belongs to that one: a gateway that
// was tried as root is not in the way of the service.
func (e *Engine) make() error {
	// A file that is there is left alone. To open and close it would take the locks
	// away that this process has on it already.
	switch info, err := os.Stat(e.Path); {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is no file", e.Path)
	case err == nil:
		return nil
	case e.MustExist || !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := owner.MakeDirectory(filepath.Dir(e.Path)); err != nil {
		return err
	}
	file, err := os.OpenFile(e.Path, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // somebody was faster
	}
	if err != nil {
		return err
	}
	return errors.Join(owner.GiveAway(e.Path), file.Close())
}

// isSame says that the file is no longer the one that was opened: what is written
// would go nowhere.
func (e *Engine) isSame(opened os.FileInfo) error {
	switch now, err := os.Stat(e.Path); {
	case err != nil:
		return fmt.Errorf("the open file is gone, start scimgate again: %w", err)
	case !os.SameFile(opened, now):
		return fmt.Errorf("%s is no longer the file that was opened: start scimgate again", e.Path)
	}
	return nil
}

// Serve implements store.Exclusive.
func (e *Engine) Serve() (release func() error, err error) {
	if err := owner.MakeDirectory(filepath.Dir(e.Path)); err != nil {
		return nil, err
	}
	path := e.Path + ".lock"
	_, err = os.Stat(path)
	isNew := errors.Is(err, fs.ErrNotExist)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if isNew {
		_ = owner.GiveAway(path)
	}
	if err := lock(file); err != nil {
		holder, _ := os.ReadFile(path)
		return nil, errors.Join(fmt.Errorf("another gateway serves on it (%s), and one alone can: give this one a file of its own, or let both share a PostgreSQL: %w",
			strings.TrimSpace(string(holder)), err), file.Close())
	}
	// For the message above only: the lock ends with the process, the file stays.
	host, _ := os.Hostname()
	_ = file.Truncate(0)
	_, _ = fmt.Fprintf(file, "process %d on %s\n", os.Getpid(), host)
	return file.Close, nil
}
