package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/modules/store/sqlite"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// A disk that is full refuses writes, is read, and is written again when there is
// room: nothing that was committed is lost.
func TestDiskFull(t *testing.T) {
	start(t, "full", fileVariable+"="+filepath.Join(t.TempDir(), "scimgate.db")).hears("survived")
}

// One process serves on a file, and the next one says who it is and takes over when
// it ends, also by force. Commands work beside it.
func TestOneServes(t *testing.T) {
	elsewhere(t)
	path := filepath.Join(t.TempDir(), "scimgate.db")
	first := start(t, "serve", fileVariable+"="+path)
	first.hears("serves")
	_, id, _ := strings.Cut(first.out.Text(), " ")

	second := store.New(&sqlite.Engine{Path: path}, zap.NewNop())
	second.Start()
	defer func() { _ = second.Destruct() }()
	wait(t, "the second one is refused", func() bool {
		err := second.Health().Err
		return err != nil && strings.Contains(err.Error(), "another gateway serves on it (process ")
	})
	if err := set(t, second, "a", "1"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the second one writes: %v", err)
	}
	command := storetest.Open(t, &sqlite.Engine{Path: path, MustExist: true})
	if err := set(t, command, "a", "1"); err != nil {
		t.Errorf("a command: %v", err)
	}
	begin(t, command, id)
	if got := dead(t, command); len(got) != 0 {
		t.Errorf("dead are %q", got)
	}
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := dead(t, second); len(got) != 1 || got[0] != id {
		t.Errorf("dead are %q, want %q", got, id)
	}
}

// A transaction of another process that does not end costs a write and not the
// gateway.
func TestLocked(t *testing.T) {
	engine := storetest.SQLite(t)
	s, other := storetest.Open(t, engine()), storetest.Open(t, engine())
	err := other.Write(t.Context(), func(tx *store.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := s.Write(ctx, func(*store.Tx) error { return nil })
		if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a deadline: %v", err)
		}
		if err := s.Write(t.Context(), func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("without a deadline: %v", err)
		}
		if _, err := get(t, s, "a"); errors.Is(err, store.ErrUnavailable) {
			t.Errorf("reading: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := set(t, s, "a", "1"); err != nil {
		t.Error(err)
	}
}

// A file that is taken away or replaced under a gateway is not written to as if
// nothing had happened.
func TestReplaced(t *testing.T) {
	for name, with := range map[string]string{"taken away": "", "replaced": "another file"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "scimgate.db")
			s := attending(t, &sqlite.Engine{Path: path})
			if err := os.Rename(path, path+".old"); err != nil {
				t.Fatal(err)
			}
			if with != "" {
				if err := os.WriteFile(path, []byte(with), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			wait(t, "it is noticed", func() bool {
				err := s.Health().Err
				return err != nil && strings.Contains(err.Error(), "start scimgate again")
			})
			if err := set(t, s, "a", "1"); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("writing: %v", err)
			}
			if err := errors.Join(ignoreMissing(os.Remove(path)), os.Rename(path+".old", path)); err != nil {
				t.Fatal(err)
			}
			if err := s.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// What is no database is said to be none, and stays as it is.
func TestNoDatabase(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "scimgate.db")
	text := strings.Repeat("this is no database\n", 1000)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"a text": path, "a directory": directory, "below a file": filepath.Join(path, "scimgate.db")} {
		s := store.New(&sqlite.Engine{Path: path}, zap.NewNop())
		if err := s.Open(t.Context()); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Destruct(); err != nil {
			t.Error(err)
		}
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != text {
		t.Errorf("the text has changed: %v", err)
	}
}
