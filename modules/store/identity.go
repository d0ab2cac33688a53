package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// ID names the store for good, wherever it is moved: it is made once.
func (s *Store) ID(ctx context.Context) (string, error) {
	return s.once(ctx, stateStore, func() string { return uuid.NewString() })
}

// Key returns the random key of that name, 32 bytes, which all instances of the store
// share. Whoever asks first makes it. It is kept in memory from then on.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	key := s.keys[name]
	s.mu.Unlock()
	if key != nil {
		return key, nil
	}
	text, err := s.once(ctx, "key:"+name, func() string {
		fresh := make([]byte, 32)
		_, _ = rand.Read(fresh) // never fails
		return hex.EncodeToString(fresh)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the key %s: %w", name, err)
	}
	if key, err = hex.DecodeString(text); err != nil || len(key) != 32 {
		return nil, fmt.Errorf("reading the key %s: what the store has is no key", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[name] = key
	return key, nil
}

// forgetKeys has keys read anew: the database is not the one that it was.
func (s *Store) forgetKeys() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.keys)
}

// once returns a value of scim_state, which is made if it is not there.
func (s *Store) once(ctx context.Context, name string, fresh func() string) (value string, err error) {
	find := func(tx *Tx) error {
		return tx.Row(ctx, "SELECT value FROM scim_state WHERE name = $1", name).Scan(&value)
	}
	if err := s.Read(ctx, find); !errors.Is(err, sql.ErrNoRows) {
		return value, err
	}
	err = s.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO scim_state (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, fresh())
		if err != nil {
			return err
		}
		return find(tx)
	})
	return value, err
}
