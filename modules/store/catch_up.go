package store

import (
	"context"
	"sync"
	"time"
)

// How tokens and switches are read for a caller whose token is not known yet.
const (
	catchUpPause = 250 * time.Millisecond // between two readings for such callers
	catchUpTime  = time.Second            // for what a caller waits
)

// catching is the reading for callers whose token is not known.
type catching struct {
	mu    sync.Mutex
	next  *reading  // that has not begun yet; nil: there is none
	begun time.Time // when the latest one has
}

// reading is one for all who have asked for it before it begins.
type reading struct {
	ended chan struct{}
	err   error
}

// CatchUp has tokens and switches read now, and returns when that was done: for a
// caller who shows a token that may have been issued a moment ago, elsewhere. All who
// ask at a time share a reading, and there are not more than four a second, however
// many tokens somebody invents. It takes about a second at most. An error says that
// the store can't be asked now. In a process that does not serve it does nothing.
func (s *Store) CatchUp(ctx context.Context) error {
	s.mu.Lock()
	serves, life := s.serves, s.life
	s.mu.Unlock()
	if !serves {
		return nil
	}
	c := &s.watched.catching
	c.mu.Lock()
	r := c.next
	if r == nil {
		r = &reading{ended: make(chan struct{})}
		c.next = r
		pause := catchUpPause - time.Since(c.begun)
		s.watched.running.Go(func() { s.catchUp(life, r, pause) })
	}
	c.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, catchUpTime)
	defer cancel()
	select {
	case <-r.ended:
		return r.err
	case <-limited.Done():
		return limited.Err()
	}
}

// catchUp carries out a reading after a pause.
func (s *Store) catchUp(life context.Context, r *reading, pause time.Duration) {
	defer close(r.ended)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-life.Done():
	}
	c := &s.watched.catching
	c.mu.Lock()
	c.next, c.begun = nil, time.Now() // who asks from now on wants a later one
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(life, catchUpTime)
	defer cancel()
	r.err = s.refresh(ctx)
}
