package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// Health says whether the store can be asked.
type Health struct {
	// Err is why it can't be written, or nil.
	Err error
	// Since is when this became so.
	Since time.Time
	// Changed is closed when Err is no longer nil, or no longer not.
	Changed <-chan struct{}
}

type health struct {
	read, write error // why it can't be; nil: it can
	since       time.Time
	changed     chan struct{}
}

const (
	// usualHeartbeat is how often a store that works is looked after, and the
	// instance says that it is there.
	usualHeartbeat = 10 * time.Second
	// usualPatience is how long a database may take to answer that.
	usualPatience = 5 * time.Second
	// openingTime is how long it may take to open a database, migrations apart.
	openingTime = 30 * time.Second
	// A store that does not work is looked after again after the shortest pause,
	// then after ever longer ones.
	shortestPause = 100 * time.Millisecond
	longestPause  = 5 * time.Second
)

// Health says whether the store can be read and written. While it can't be, calls
// are refused at once, until it is found to work again.
func (s *Store) Health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Health{s.health.write, s.health.since, s.health.changed}
}

// Available reports whether the store can be read and written.
func (s *Store) Available() bool { return s.Health().Err == nil }

// Wait returns when the store can be read and written, or with why it can't when ctx
// ends.
func (s *Store) Wait(ctx context.Context) error {
	for {
		now := s.Health()
		if now.Err == nil {
			return nil
		}
		select {
		case <-now.Changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, now.Err)
		}
	}
}

// lookAfter looks after the store in the background, for the first time after a
// while. It is called with s.mu locked.
func (s *Store) lookAfter(first time.Duration) {
	if s.life != nil {
		return
	}
	s.life, s.cancel = context.WithCancel(context.Background())
	s.ended = make(chan struct{})
	ctx := s.life
	go func() {
		defer close(s.ended)
		timer := time.NewTimer(first)
		defer timer.Stop()
		doubted, pause := s.doubted, shortestPause
		for {
			select {
			case <-ctx.Done():
				return
			case <-doubted:
			case <-timer.C:
			}
			_ = s.look(ctx)
			if s.Available() {
				doubted, pause = s.doubted, shortestPause
				timer.Reset(s.heartbeat)
			} else {
				doubted = nil // who asks a store that does not work changes nothing
				timer.Reset(pause)
				pause = min(2*pause, longestPause)
			}
		}
	}()
}

// look opens the store if it is not open, finds out whether it can be read and
// written, and returns why it can't be read.
func (s *Store) look(ctx context.Context) error {
	db, read := s.open(ctx)
	write := read
	if read == nil {
		begin := time.Now()
		read, write = s.probe(ctx, db)
		if write != nil && db.Forget != nil && time.Since(begin) < promptly {
			// One connection that was cut says nothing of a server that is there.
			db.Forget()
			read, write = s.probe(ctx, db)
		}
	}
	if ctx.Err() != nil && errors.Is(read, ctx.Err()) {
		return read // nobody waited for what the store would have said
	}
	if write != nil && db != nil && db.Forget != nil {
		db.Forget()
	}
	s.settle(read, write)
	return read
}

func (s *Store) probe(ctx context.Context, db *Database) (read, write error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	read = db.read(ctx, func(tx *Tx) error {
		var version int
		return tx.Row(ctx, "SELECT COALESCE(MAX(version), 0) FROM scim_schema").Scan(&version)
	})
	if read == nil && db.Check != nil {
		read = db.Check()
	}
	if read != nil {
		return read, read
	}
	return nil, s.attend(ctx, db)
}

// settle notes what was found out, and tells who wants to know. A command is told by
// the error of what it does.
func (s *Store) settle(read, write error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.health
	s.health.read, s.health.write = read, write
	log := zap.NewNop()
	if s.serves {
		log = s.log.With(zap.String("store", s.Location()))
		metrics.serves(s.Location(), write)
	}
	if read == nil {
		s.openOnce.Do(func() { close(s.opened) })
	}
	switch {
	case before.write != nil && write != nil:
		if before.write == errNotOpen && write != errClosed {
			log.Error("the store can't be opened, and is tried again: until then writes are refused, but for disables", zap.Error(write))
		}
		return
	case before.write == nil && write == nil:
		return
	case write == nil:
		clear(s.keys)
		log.Info("the store is available", zap.Duration("after", time.Since(before.since)))
	case write != errClosed:
		clear(s.sightings)
		log.Error("the store is unavailable: until it is back writes are refused, but for disables", zap.Error(write))
	}
	s.health.since, s.health.changed = time.Now(), make(chan struct{})
	close(before.changed)
}
