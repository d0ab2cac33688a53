package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// lockConnections is how many connections hold locks. Each holds any number.
	lockConnections = 2
	// lockPatience is how long the database may take to answer about a lock.
	lockPatience = 2 * time.Second
	// A lock that another gateway holds is asked for again after the shortest pause,
	// then after ever longer ones.
	shortestLockPause = 2 * time.Millisecond
	longestLockPause  = 50 * time.Millisecond
)

// Lock keeps the other gateways on the store out of what key names until unlock is
// called. It knows nothing of the other goroutines of this process, which are to be
// kept out first: to them the lock is given again. Where one process alone serves,
// on SQLite, it does nothing.
//
// While another gateway has the lock it waits, until ctx ends and with the error of
// ctx. The error is [ErrUnavailable] when the store can't be asked, or does not
// answer within two seconds; then nobody is kept out. A lock is lost with the
// connection that holds it: it keeps those who write in order, and is no proof that
// nobody else does.
func (s *Store) Lock(ctx context.Context, key string) (unlock func(), err error) {
	for pause := shortestLockPause; ; pause = min(2*pause, longestLockPause) {
		if unlock, err = s.lockNow(ctx, key); !errors.Is(err, errHeld) {
			return unlock, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// IsLocked reports whether another gateway on the store is in what key names. It waits
// for none, and fails as [Store.Lock] does.
func (s *Store) IsLocked(ctx context.Context, key string) (bool, error) {
	unlock, err := s.lockNow(ctx, key)
	switch {
	case errors.Is(err, errHeld):
		return true, nil
	case err != nil:
		return false, err
	}
	unlock()
	return false, nil
}

// lockNow is Lock that waits for nobody: its error is errHeld while another gateway has
// the lock.
func (s *Store) lockNow(ctx context.Context, key string) (unlock func(), err error) {
	if _, isAlone := s.engine.(Exclusive); isAlone {
		return func() {}, nil
	}
	s.awaitOpening(ctx)
	s.mu.Lock()
	db, fault := s.db, s.health.read
	s.mu.Unlock()
	if fault != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, fault)
	}
	if db.Locker == nil {
		return func() {}, nil
	}
	sum := sha256.Sum256([]byte(key))
	number := int64(binary.BigEndian.Uint64(sum[:]))
	holder := &s.locks.holders[int(sum[8])%lockConnections]
	generation, err := holder.lock(ctx, db, number)
	switch {
	case errors.Is(err, errHeld):
		return nil, err
	case err != nil:
		s.doubt(err)
		return nil, err
	}
	return func() { s.locks.unlock(holder, number, generation) }, nil
}

// locker holds the locks of a process.
type locker struct {
	holders   [lockConnections]holder
	unlocking sync.WaitGroup
}

// unlock gives a lock back in the background: an answer need not wait for it. A
// goroutine of this process that asks for it meanwhile has it a second time.
func (l *locker) unlock(h *holder, number int64, generation int) {
	l.unlocking.Go(func() { h.unlock(number, generation) })
}

// close gives back what is held.
func (l *locker) close() {
	l.unlocking.Wait()
	for i := range l.holders {
		h := &l.holders[i]
		h.use.Lock()
		h.drop()
		h.use.Unlock()
	}
}

// errHeld says that another gateway has the lock.
var errHeld = errors.New("another gateway has the lock")

// holder is a connection that holds locks.
type holder struct {
	use        turn
	conn       *sql.Conn
	generation int // of the connection
}

// lock takes the lock if nobody else has it. The caller gives it back to the same
// generation.
func (h *holder) lock(ctx context.Context, db *Database, number int64) (generation int, err error) {
	// Only the wait ends with ctx: a caller who leaves must not break the connection,
	// and with it the locks of others.
	limited, cancel := context.WithTimeout(context.Background(), lockPatience)
	defer cancel()
	if err := h.use.lock(ctx, limited); err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, db.judge(limited, err)
	}
	defer h.use.Unlock()
	for isFresh := h.conn == nil; ; isFresh = true {
		var isOurs bool
		if h.conn == nil {
			h.conn, err = db.Locker.Conn(limited)
		}
		if err == nil {
			err = h.conn.QueryRowContext(limited, "SELECT pg_try_advisory_lock($1)", number).Scan(&isOurs)
		}
		switch {
		case err == nil && isOurs:
			return h.generation, nil
		case err == nil:
			return 0, errHeld
		}
		h.drop()
		if isFresh || limited.Err() != nil {
			return 0, db.judge(limited, err)
		}
		err = nil // one that was cut while nobody used it is made anew
	}
}

func (h *holder) unlock(number int64, generation int) {
	h.use.Lock()
	defer h.use.Unlock()
	if h.conn == nil || h.generation != generation {
		return // it is lost already
	}
	limited, cancel := context.WithTimeout(context.Background(), lockPatience)
	defer cancel()
	if _, err := h.conn.ExecContext(limited, "SELECT pg_advisory_unlock($1)", number); err != nil {
		h.drop() // which gives it back too
	}
}

// drop closes the connection. It is called in the holder's turn.
func (h *holder) drop() {
	if h.conn == nil {
		return
	}
	_ = h.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = h.conn.Close()
	h.conn = nil
	h.generation++
}

// turn is a mutex for which nobody waits longer than he likes.
type turn chan struct{}

// lock waits until it is the caller's turn, or one of the two ends.
func (t turn) lock(one, other context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-one.Done():
		return one.Err()
	case <-other.Done():
		return other.Err()
	}
}

func (t turn) Lock()   { t <- struct{}{} }
func (t turn) Unlock() { <-t }
