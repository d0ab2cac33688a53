package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// What is asked of the database while gateways serve.
const (
	pollControl = time.Second      // tokens and switches: a few rows, all of them only when they have changed
	flushUsage  = 10 * time.Second // how credentials were used: one transaction, if any was
	askTimeout  = 5 * time.Second  // for one of these
	lastTimeout = 2 * time.Second  // for what was not written when the process ends
)

// watcher keeps what a process knows of tokens and switches.
type watcher struct {
	published atomic.Pointer[Control]

	isCurrent atomic.Bool // it could be asked the last time

	mu       sync.Mutex // who reads anew
	isLoaded bool       // from the store itself

	callsMu sync.Mutex
	calls   map[int]func(*Control)
	next    int

	catching catching

	isAway  bool // which the log was told
	running sync.WaitGroup
}

// begin tells what was known last on this machine, and what is known from now on.
func (w *watcher) begin(ctx context.Context, s *Store) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.recall()
	w.running.Go(func() { s.watch(ctx) })
}

// Control returns tokens and switches as they are known now, which is no older than
// a second or two while the store can be asked. Before the store was open they are
// those of the local file that the last process here left behind. It is nil where
// nothing is known.
func (s *Store) Control() *Control { return s.watched.published.Load() }

// IsCurrent reports whether tokens and switches could be read from the store when they
// were asked for last. If not, there may be others than are known.
func (s *Store) IsCurrent() bool { return s.watched.isCurrent.Load() }

// Refresh reads tokens and switches now, for commands: processes that serve read them
// by themselves.
func (s *Store) Refresh(ctx context.Context) (*Control, error) {
	if err := s.refresh(ctx); err != nil {
		return nil, err
	}
	return s.Control(), nil
}

// Watch calls do with tokens and switches, if they are known, and whenever they have
// changed, until stop is called. Calls follow one another, and must be short.
func (s *Store) Watch(do func(*Control)) (stop func()) {
	w := &s.watched
	w.callsMu.Lock()
	defer w.callsMu.Unlock()
	if w.calls == nil {
		w.calls = make(map[int]func(*Control))
	}
	id := w.next
	w.next++
	w.calls[id] = do
	if c := s.Control(); c != nil {
		do(c)
	}
	return func() {
		w.callsMu.Lock()
		defer w.callsMu.Unlock()
		delete(w.calls, id)
	}
}

// publish hands out what was read.
func (s *Store) publish(c *Control) {
	for i := range c.Tokens {
		c.Tokens[i].use = s.Use(c.Tokens[i].Gateway, c.Tokens[i].ID)
	}
	c.index()
	metrics.tellsRestored(s.Location(), c.Restored)
	w := &s.watched
	w.callsMu.Lock()
	defer w.callsMu.Unlock()
	w.published.Store(c)
	for _, do := range w.calls {
		do(c)
	}
}

// watch keeps tokens and switches up to date, and writes how they are used, until
// ctx ends.
func (s *Store) watch(ctx context.Context) {
	select {
	case <-s.opened:
	case <-ctx.Done():
		return
	}
	poll, flush := time.NewTicker(pollControl), time.NewTicker(flushUsage)
	defer poll.Stop()
	defer flush.Stop()
	s.poll(ctx)
	s.writeUsage(ctx, askTimeout)
	for {
		select {
		case <-poll.C:
			s.poll(ctx)
		case <-flush.C:
			s.writeUsage(ctx, askTimeout)
		case <-ctx.Done():
			s.writeUsage(context.WithoutCancel(ctx), lastTimeout)
			return
		}
	}
}

func (s *Store) poll(parent context.Context) {
	ctx, cancel := context.WithTimeout(parent, askTimeout)
	defer cancel()
	err := s.refresh(ctx)
	switch {
	case parent.Err() != nil: // it is being closed
	case err != nil && !s.watched.isAway:
		s.watched.isAway = true
		s.log.Warn("tokens and switches can't be read from the store: they stay as they were known last", zap.Error(err))
	case err == nil && s.watched.isAway:
		s.watched.isAway = false
		s.log.Info("tokens and switches can be read from the store again")
	}
}

// Know reads tokens and switches once, now: for commands, in which nothing keeps them
// up to date.
func (s *Store) Know(ctx context.Context) error {
	present, err := s.readChanged(ctx, nil)
	if err != nil {
		return err
	}
	s.publish(present)
	s.watched.isCurrent.Store(true)
	return nil
}

// refresh reads tokens and switches anew if they have changed since they were read.
func (s *Store) refresh(ctx context.Context) (err error) {
	w := &s.watched
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.isCurrent.Store(err == nil) }()
	known := s.Control()
	if known == nil {
		known = s.recall() // before the store is read: it must not be newer
	}
	present, err := s.readChanged(ctx, known)
	if err != nil || present == nil {
		return err
	}
	if known != nil {
		if lost := lostSince(known, present); lost != nil {
			s.forgetKeys() // they may be lost, too
			if present, err = s.mend(ctx, known, lost); err != nil {
				return errors.Join(errors.New("the store was restored from a backup, and what it has lost can't be written to it"), err)
			}
		} else if known.Mark != "" && known.Store != present.Store {
			s.forgetKeys()
			s.log.Error("this is another store than before, or a new one at its place: the tokens that were issued in the former are not known in it",
				zap.String("store", s.Location()))
		}
	}
	w.isLoaded = true
	s.publish(present)
	s.keep(present)
	return nil
}

// readChanged reads tokens and switches, or nothing if they are as they are known.
func (s *Store) readChanged(ctx context.Context, known *Control) (present *Control, err error) {
	err = s.Read(ctx, func(tx *Tx) error {
		if known != nil && s.watched.isLoaded {
			now, err := readState(ctx, tx)
			if err != nil || known.isSame(now) {
				return err
			}
		}
		present, err = readControl(ctx, tx)
		return err
	})
	return present, err
}
