// Package store is the memory that the gateways of one operator share: issued
// tokens, switches, the journal, and attributes that a backend has no place for.
// It is one SQL database, SQLite or PostgreSQL ([Engine]). The users themselves
// are never in it: the backend is the truth (DESIGN §4 rule 8), and a store that is
// lost locks nobody out of the backend and invents nobody.
//
// The store knows tables and transactions. What a row means is the business of the
// rooms that own it.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
)

// ErrUnavailable says that the store can't be asked now: it is not open yet, or its
// database does not answer, or is locked, or its disk is full. Nothing is known of
// what it holds; a write may or may not have been done.
var ErrUnavailable = errors.New("the store is unavailable")

// Store is an open store, or one that is being opened. It is safe for many
// goroutines. Configurations that follow one another share it.
type Store struct {
	engine   Engine
	instance string
	log      *zap.Logger

	mu     sync.Mutex
	db     *Database // nil: not open
	reason error     // why not
	begun  bool
	opened chan struct{} // closed when the store is open for the first time
	cancel context.CancelFunc
	ended  chan struct{}

	watched watcher
	usesMu  sync.Mutex
	uses    map[useKey]*Use
}

// New returns a store that stands on the engine. It opens nothing.
func New(engine Engine, log *zap.Logger) *Store {
	return &Store{
		engine: engine, instance: uuid.NewString(), log: log,
		reason: errors.New("it is not open yet"), opened: make(chan struct{}),
	}
}

// Location says where the store is, without secrets.
func (s *Store) Location() string { return s.engine.Location() }

// Instance names this process, in the store. Another process has another one, also
// on the same machine after a restart.
func (s *Store) Instance() string { return s.instance }

// retryOpening is how long is waited before opening is tried again.
const retryOpening = 2 * time.Second

// Start opens the store in the background, and tries again until it can be opened.
// Calling it again does nothing.
func (s *Store) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun {
		return
	}
	s.begun = true
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.ended = cancel, make(chan struct{})
	s.watched.begin(ctx, s)
	go func() {
		defer close(s.ended)
		for s.Open(ctx) != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(retryOpening):
			}
		}
	}()
}

// Open opens the store now, or says why it can't be: for commands. The schema is
// migrated.
func (s *Store) Open(ctx context.Context) error {
	db, err := s.engine.Open(ctx)
	if err == nil {
		if err = migrate(ctx, db); err != nil {
			err = errors.Join(err, db.Close())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.reason = err
		return fmt.Errorf("opening the store %s: %w", s.Location(), err)
	}
	s.db, s.reason = db, nil
	close(s.opened)
	return nil
}

// Wait returns when the store has been opened once, or with why it has not when ctx
// ends.
func (s *Store) Wait(ctx context.Context) error {
	select {
	case <-s.opened:
		return nil
	case <-ctx.Done():
		_, err := s.database()
		return err
	}
}

func (s *Store) database() (*Database, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, s.reason)
	}
	return s.db, nil
}

// Read calls do with a transaction that sees one state of the store and changes
// nothing. An error of the database wraps [ErrUnavailable].
func (s *Store) Read(ctx context.Context, do func(*Tx) error) error {
	db, err := s.database()
	if err != nil {
		return err
	}
	return db.transact(ctx, db.Reader, &sql.TxOptions{ReadOnly: db.Dialect == PostgreSQL, Isolation: db.Dialect.readIsolation()}, do)
}

// Write calls do with a transaction and commits it, durably, unless do returns an
// error. An error of the database wraps [ErrUnavailable]: then it is not known
// whether the transaction was committed.
func (s *Store) Write(ctx context.Context, do func(*Tx) error) error {
	db, err := s.database()
	if err != nil {
		return err
	}
	return db.transact(ctx, db.Writer, nil, do)
}

// Destruct closes the store. It is called when no configuration uses it any more.
func (s *Store) Destruct() error {
	s.mu.Lock()
	cancel, ended := s.cancel, s.ended
	s.mu.Unlock()
	if cancel != nil {
		cancel()
		<-ended
		s.watched.running.Wait()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	db := s.db
	s.db, s.reason = nil, errors.New("it is closed")
	if db == nil {
		return nil
	}
	return db.Close()
}
