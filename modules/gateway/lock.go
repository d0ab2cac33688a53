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
)

// sharer keeps other gateways out of what a key names.
type sharer interface {
	Lock(ctx context.Context, key string) (unlock func(), err error)
}

// disableWaits is how long a disable waits for another gateway, which may hang: a
// lock keeps writes apart, and nothing stops a disable.
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
// what the words name. Without the store nobody but this process is kept out. A disable
// goes on then. Any other write is refused, as the journal would: but for the journal
// the store may be back in a moment, and another gateway writes about the same. Where
// there is no journal it goes on too.
func (x *exchange) lock(ctx context.Context, words ...string) (func(), error) {
	words = append([]string{x.h.Name}, words...)
	unlock, err := locks.lock(ctx, words...)
	if err != nil || x.h.sharer == nil {
		return unlock, err
	}
	waiting := ctx
	if x.disables {
		limited, cancel := context.WithTimeout(ctx, disableWaits)
		defer cancel()
		waiting = limited
	}
	unlockShared, err := x.h.sharer.Lock(waiting, lockKey(words))
	switch {
	case errors.Is(err, memory.ErrUnavailable) && (x.disables || x.h.Journal.Off):
		return unlock, nil
	case errors.Is(err, memory.ErrUnavailable):
		unlock()
		return nil, &scim.Error{Status: http.StatusServiceUnavailable, RetryAfter: retryUnavailable, Err: err,
			Detail: "The gateway can't record what it is about to do, so that nothing was done."}
	case err != nil && ctx.Err() == nil && waiting.Err() != nil:
		x.h.log.Warn("another gateway holds a person for long: the disable does not wait for it",
			zap.String("request_id", x.id), zap.Duration("waited", disableWaits))
		return unlock, nil
	case err != nil:
		unlock()
		return nil, err
	}
	return func() {
		unlockShared()
		unlock()
	}, nil
}

// lockOther is lock for a resource that a request about another one writes to as well
// ([translators.Intent]): one at a time, and never a group's by who holds a user's, so that
// no two requests wait for each other.
func (x *exchange) lockOther(ctx context.Context, t *scim.ResourceType, id string) (func(), error) {
	return x.lock(ctx, t.Name, id)
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
