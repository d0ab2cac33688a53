package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	memory "github.com/scimgate/scimgate/modules/store"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// sharer keeps other gateways out of what a key names.
type sharer interface {
	Lock(ctx context.Context, key string) (unlock func(), err error)
	// IsLocked reports whether another gateway is in what the key names.
	IsLocked(ctx context.Context, key string) (bool, error)
}

// disableWaits is how long a disable waits for another request or gateway, which may
// hang: a lock keeps writes apart, and nothing stops a disable.
const disableWaits = 3 * time.Second

// provisionLocks finds out what keeps other gateways out, if any can be there.
func (h *Handler) provisionLocks(ctx caddy.Context) error {
	s, err := remembering(ctx)
	if s != nil {
		h.sharer = s
	}
	return err
}

// lock waits until this request alone, on all gateways that share the store, writes
// what the words name, of which the first is a type. Without the store nobody but this
// process is kept out. A disable ([translators.IsUrgent]) goes on then, and also where
// another keeps it waiting: it is then beside whatever that one does, which is noted. Any
// other write is refused, as the journal would: but for the journal the store may be back
// in a moment, and another gateway writes about the same. Where there is no journal it
// goes on too.
func (x *exchange) lock(ctx context.Context, words ...string) (func(), error) {
	return x.lockFor(ctx, func() bool { return x.calls > 0 }, words...)
}

// lockFor is lock. What hasWritten says when it is given back counts for how long the
// backend may take to show it: other gateways are kept out for as long.
func (x *exchange) lockFor(ctx context.Context, hasWritten func() bool, words ...string) (func(), error) {
	lag := x.h.lagOf(words[0])
	words = append([]string{x.h.Name}, words...)
	waiting := ctx
	if translators.IsUrgent(ctx) {
		limited, cancel := context.WithTimeout(ctx, disableWaits)
		defer cancel()
		waiting = limited
	}
	hangs := func() bool { return ctx.Err() == nil && waiting.Err() != nil }
	unlock, err := locks.lock(waiting, words...)
	switch {
	case err != nil && hangs():
		return x.goOn(func() {}), nil
	case err != nil || x.h.sharer == nil:
		return unlock, err
	}
	unlockShared, err := x.h.sharer.Lock(waiting, lockKey(words))
	switch {
	case errors.Is(err, memory.ErrUnavailable) && translators.IsUrgent(ctx):
		x.isBeside = true
		return unlock, nil
	case errors.Is(err, memory.ErrUnavailable) && x.h.Journal.Off:
		return unlock, nil
	case errors.Is(err, memory.ErrUnavailable):
		unlock()
		return nil, &scim.Error{Status: http.StatusServiceUnavailable, RetryAfter: retryUnavailable, Err: err,
			Detail: "The gateway can't record what it is about to do, so that nothing was done."}
	case err != nil && hangs():
		return x.goOn(unlock), nil
	case err != nil:
		unlock()
		return nil, err
	}
	return func() {
		if lag > 0 && hasWritten() {
			time.AfterFunc(lag, unlockShared) // to this process it is given again meanwhile
		} else {
			unlockShared()
		}
		unlock()
	}, nil
}

// goOn notes that a disable goes on beside another write about the same person.
func (x *exchange) goOn(unlock func()) func() {
	x.isBeside = true
	x.h.log.Warn("another request or gateway holds a person for long: the disable does not wait for it",
		zap.String("request_id", x.id), zap.Duration("waited", disableWaits))
	return unlock
}

// lagOf is how long the backend may take to show what was written of the type.
func (h *Handler) lagOf(name string) time.Duration {
	for _, served := range h.types {
		if served.Name == name {
			return served.Lag
		}
	}
	return 0
}

// lockOther is lock for a resource that a request about another one writes to as well
// ([translators.Intent]): one at a time, and never a group's by who holds a user's, so that
// no two requests wait for each other.
func (x *exchange) lockOther(ctx context.Context, t *scim.ResourceType, id string) (func(), error) {
	return x.lockFor(ctx, func() bool { return true }, t.Name, id)
}

// lockKey is what the words name, without case.
func lockKey(words []string) string { return strings.ToLower(strings.Join(words, "\x00")) }

// locks serialises the writes about one person or group, across all
// configurations of this process: they are keyed by the gateway's name, which
// survives a reload.
var locks = lockTable{held: make(map[string]*heldLock)}

type lockTable struct {
	mu   sync.Mutex
	held map[string]*heldLock
}

type heldLock struct {
	free  chan struct{} // holds one element while nobody holds the lock
	users int           // holders and waiters
}

// lock waits for the lock of what the words name, compared without case.
// Who holds a group's may hold a user's too, and nobody else two at a time.
func (t *lockTable) lock(ctx context.Context, words ...string) (unlock func(), err error) {
	key := lockKey(words)
	t.mu.Lock()
	l := t.held[key]
	if l == nil {
		l = &heldLock{free: make(chan struct{}, 1)}
		l.free <- struct{}{}
		t.held[key] = l
	}
	l.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(t.held, key)
		}
	}
	select {
	case <-l.free:
		return func() {
			l.free <- struct{}{}
			leave()
		}, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
