package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/internal/owner"
)

// A local file holds what a process knew last of tokens and switches: hashes, and no
// secret. From it they hold when a process starts while the store is away, and
// by it a restored backup is noticed. It is written in Caddy's data directory, and in
// the configuration directory too, so that restoring one of them does not restore
// both.

// witnessFiles are the places of the file of a store.
func (s *Store) witnessFiles() []string {
	sum := sha256.Sum256([]byte(s.Location()))
	name := "control-" + hex.EncodeToString(sum[:8]) + ".json"
	return []string{filepath.Join(caddy.AppDataDir(), "scimgate", name), filepath.Join(caddy.AppConfigDir(), "scimgate", name)}
}

// recall reads and hands out what a process on this machine knew last; nil is
// nothing.
func (s *Store) recall() *Control {
	var latest *Control
	for _, file := range s.witnessFiles() {
		c, err := readWitness(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			s.log.Warn("the local copy of tokens and switches can't be used", zap.Error(err))
			continue
		}
		if latest == nil || c.Sequence > latest.Sequence {
			latest = c
		}
	}
	if latest != nil {
		s.publish(latest)
	}
	return latest
}

func readWitness(file string) (*Control, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := new(Control)
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return c, nil
}

// keep writes what is known to the local file. What was never changed needs none.
func (s *Store) keep(c *Control) {
	if c.Mark == "" {
		return
	}
	text, err := json.Marshal(c)
	for _, file := range s.witnessFiles() {
		if err == nil {
			err = writeWitness(file, text)
		}
	}
	if err != nil {
		s.log.Warn("the local copy of tokens and switches can't be written: without it a gateway that starts while the store is away knows no issued token", zap.Error(err))
	}
}

// writeWitness writes a file that its owner alone can read, all of it or nothing.
func writeWitness(file string, text []byte) (err error) {
	if err := owner.MakeDirectory(filepath.Dir(file)); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temporary.Name()))
		}
	}()
	if _, err := temporary.Write(text); err != nil {
		return errors.Join(err, temporary.Close())
	}
	if err := errors.Join(temporary.Sync(), temporary.Close(), owner.GiveAway(temporary.Name())); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}
