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

// Store is an open store, or one that is being opened. It is safe for many
// goroutines. Configurations that follow one another share it.
type Store struct {
	engine   Engine
	instance string
	log      *zap.Logger
	// heartbeat is how often a store that works is looked after, and patience how
	// long its database may take to answer then.
	heartbeat, patience time.Duration
	doubted             chan struct{} // has an element when somebody was told that the store is unavailable

	opening sync.Mutex // held while the database is opened and closed

	mu      sync.Mutex
	serves  bool
	release func() error // of what an Exclusive engine has taken
	db      *Database    // nil: not open
	health  health
	keys    map[string][]byte
	life    context.Context // of what goes on in the background; nil: nothing does
	cancel  context.CancelFunc
	ended   chan struct{} // closed when the store is no longer looked after

	sightings map[string]sighting // of the other instances
	looked    time.Time           // when they were noted

	locks locker

	opened   chan struct{} // closed when the store can be read for the first time
	openOnce sync.Once
	watched  watcher
	usesMu   sync.Mutex
	uses     map[useKey]*Use
}

var (
	errNotOpen = errors.New("it is not open yet")
	errClosed  = errors.New("it is closed")
)

// New returns a store that stands on the engine. It opens nothing.
func New(engine Engine, log *zap.Logger) *Store {
	s := &Store{
		engine: engine, instance: uuid.NewString(), log: log, doubted: make(chan struct{}, 1), opened: make(chan struct{}),
		health:    health{read: errNotOpen, write: errNotOpen, since: time.Now(), changed: make(chan struct{})},
		heartbeat: usualHeartbeat, patience: usualPatience, sightings: make(map[string]sighting), keys: make(map[string][]byte),
	}
	for i := range s.locks.holders {
		s.locks.holders[i].use = make(turn, 1)
	}
	return s
}

// Location says where the store is, without secrets.
func (s *Store) Location() string { return s.engine.Location() }

// Instance names this process, in the store. Another process has another one, also
// on the same machine after a restart.
func (s *Store) Instance() string { return s.instance }

// Start opens the store in the background, for a process that serves, and tries
// again until it can be opened. Calling it again does nothing.
func (s *Store) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serves {
		return
	}
	s.serves = true
	metrics.serves(s.Location(), s.health.write)
	s.lookAfter(0)
	s.watched.begin(s.life, s)
}

// Open opens the store now, or says why it can't be: for commands. It is open when
// it can be read; whether it can be written is told by [Store.Health].
func (s *Store) Open(ctx context.Context) error {
	if err := s.look(ctx); err != nil {
		return fmt.Errorf("opening the store %s: %w", s.Location(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookAfter(s.heartbeat)
	return nil
}

// open opens the database, if it is not open, and brings its tables to this version.
func (s *Store) open(ctx context.Context) (*Database, error) {
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	db, serves, isTaken := s.db, s.serves, s.release != nil
	s.mu.Unlock()
	if engine, isExclusive := s.engine.(Exclusive); isExclusive && serves && !isTaken {
		release, err := engine.Serve()
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		s.release = release
		s.mu.Unlock()
	}
	if db != nil {
		return db, nil
	}
	limited, cancel := context.WithTimeout(ctx, openingTime)
	defer cancel()
	db, err := s.engine.Open(limited)
	if err != nil {
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db = db
	return db, nil
}

// Read calls do with a transaction that sees one state of the store and changes
// nothing. It ends after a minute unless ctx sets another limit. An error of the
// database wraps [ErrUnavailable].
func (s *Store) Read(ctx context.Context, do func(*Tx) error) error {
	s.awaitOpening(ctx)
	s.mu.Lock()
	db, fault := s.db, s.health.read
	s.mu.Unlock()
	if fault != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, fault)
	}
	return s.observed(transactionReads, func() error { return db.read(ctx, do) })
}

// Write calls do with a transaction and commits it, durably, unless do returns an
// error. It ends after a minute unless ctx sets another limit. An error of the
// database wraps [ErrUnavailable]: then it is not known whether the transaction was
// committed.
func (s *Store) Write(ctx context.Context, do func(*Tx) error) error {
	s.awaitOpening(ctx)
	s.mu.Lock()
	db, fault := s.db, s.health.write
	s.mu.Unlock()
	if fault != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, fault)
	}
	return s.observed(transactionWrites, func() error { return db.write(ctx, do) })
}

// firstOpening is how long the first who ask wait for a store that is being opened for
// the first time: requests that come in the moment after the start are not to be
// refused for that moment.
const firstOpening = 2 * time.Second

// awaitOpening returns when it is known whether the store can be opened.
func (s *Store) awaitOpening(ctx context.Context) {
	s.mu.Lock()
	isOpening := s.serves && errors.Is(s.health.write, errNotOpen)
	changed := s.health.changed
	s.mu.Unlock()
	if !isOpening {
		return
	}
	limited, cancel := context.WithTimeout(ctx, firstOpening)
	defer cancel()
	select {
	case <-changed:
	case <-limited.Done():
	}
}

// observed measures a transaction.
func (s *Store) observed(kind string, transaction func() error) error {
	begin := time.Now()
	err := transaction()
	metrics.transactions.WithLabelValues(kind).Observe(time.Since(begin).Seconds())
	s.doubt(err)
	return err
}

// doubt has the store looked after if the error says that it is unavailable.
func (s *Store) doubt(err error) {
	if !errors.Is(err, ErrUnavailable) {
		return
	}
	select {
	case s.doubted <- struct{}{}:
	default:
	}
}

func (db *Database) read(ctx context.Context, do func(*Tx) error) error {
	return db.transact(ctx, db.Reader, &sql.TxOptions{ReadOnly: db.Dialect == PostgreSQL, Isolation: db.Dialect.readIsolation()}, do)
}

func (db *Database) write(ctx context.Context, do func(*Tx) error) error {
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
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	db, release := s.db, s.release
	s.mu.Unlock()
	var err error
	if db != nil {
		s.locks.close()
		s.leave(db)
		err = db.Close()
	}
	if release != nil {
		err = errors.Join(err, release())
	}
	s.mu.Lock()
	s.db, s.release = nil, nil
	s.mu.Unlock()
	s.settle(errClosed, errClosed)
	metrics.closed(s.Location())
	return err
}
