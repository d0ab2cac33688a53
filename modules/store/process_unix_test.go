//go:build unix

package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
)

// full writes until no file may grow any more, which is what a full disk is to a
// process, and goes on when it may.
func full(engine store.Engine, _ *bufio.Reader) error {
	signal.Ignore(syscall.SIGXFSZ)
	s := store.New(engine, zap.NewNop())
	s.SetPace(10*time.Millisecond, time.Minute)
	s.Start()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Wait(ctx); err != nil {
		return err
	}
	var unlimited syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: unlimited.Max}); err != nil {
		return err
	}
	write := func(n int) error {
		return s.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO scim_state (name, value) VALUES ($1, $2)", fmt.Sprintf("test %d", n), strings.Repeat("x", 10_000))
			return err
		})
	}
	written := 0
	var err error
	for ; written < 1000 && err == nil; written++ {
		err = write(written)
	}
	written--
	if !errors.Is(err, store.ErrUnavailable) {
		return fmt.Errorf("writing to a full disk, after %d: %w", written, err)
	}
	for now := s.Health(); now.Err == nil; now = s.Health() {
		select {
		case <-now.Changed:
		case <-ctx.Done():
			return errors.New("it counts as available")
		}
	}
	count := func() (n int, err error) {
		err = s.Read(ctx, func(tx *store.Tx) error {
			return tx.Row(ctx, "SELECT COUNT(*) FROM scim_state WHERE name LIKE 'test %'").Scan(&n)
		})
		return n, err
	}
	if n, err := count(); n != written || err != nil {
		return fmt.Errorf("reading while the disk is full: %d of %d, %w", n, written, err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
		return err
	}
	if err := s.Wait(ctx); err != nil {
		return err
	}
	if err := write(written); err != nil {
		return fmt.Errorf("writing afterwards: %w", err)
	}
	if n, err := count(); n != written+1 || err != nil {
		return fmt.Errorf("afterwards there are %d of %d, %w", n, written+1, err)
	}
	fmt.Fprintln(os.Stdout, "survived")
	return s.Destruct()
}
