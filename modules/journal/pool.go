package journal

import (
	"context"
	"errors"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/store"
)

// journals are the journals of this process: configurations that follow one another
// share one.
var journals = caddy.NewUsagePool()

// spools are the local files of this process by their paths: also journals in
// different stores share one.
var spools = caddy.NewUsagePool()

// takeSpool returns the local file at the path, for one more user.
func takeSpool(path string) *spool {
	value, _, _ := spools.LoadOrNew(path, func() (caddy.Destructor, error) { return newSpool(path), nil })
	return value.(*spool)
}

// giveBack closes the local file if nobody uses it any more.
func (s *spool) giveBack() error {
	_, err := spools.Delete(s.path)
	return err
}

// poolKey tells journals apart.
type poolKey struct {
	store *store.Store
	spool string
}

// Take returns the journal in the store, whose local file for disables is at the
// path, for one more user. It opens nothing. Every user calls [Journal.Release] once.
func Take(s *store.Store, spoolPath string) (*Journal, error) {
	value, _, err := journals.LoadOrNew(poolKey{s, spoolPath}, func() (caddy.Destructor, error) {
		s.Hold()
		return New(s, spoolPath), nil
	})
	if err != nil {
		return nil, err
	}
	return value.(*Journal), nil
}

// Hold keeps the journal, and its store, open for one more user, who calls
// [Journal.Release] once.
func (j *Journal) Hold() {
	_, _, _ = journals.LoadOrNew(j.key, func() (caddy.Destructor, error) { return j, nil })
}

// Release closes the journal if nobody uses it any more. What was handed over is
// recorded then.
func (j *Journal) Release() error {
	_, err := journals.Delete(j.key)
	return err
}

// Destruct implements caddy.Destructor.
func (j *Journal) Destruct() error { return errors.Join(j.Close(), j.store.Release()) }

// Close records what was handed over, in a bounded time, and ends the journal.
func (j *Journal) Close() error {
	j.mu.Lock()
	wasClosed, begun := j.isClosed(), j.begun
	if !wasClosed {
		close(j.closing)
	}
	j.mu.Unlock()
	if wasClosed {
		return nil
	}
	if !begun {
		return j.spool.giveBack()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*commitTimeout+time.Second)
	defer cancel()
	select {
	case <-j.ended:
		return j.spool.giveBack()
	case <-ctx.Done():
		return errors.New("closing the journal: the store does not answer")
	}
}

// Interface guards
var (
	_ caddy.Destructor = (*Journal)(nil)
	_ caddy.Destructor = (*spool)(nil)
)
