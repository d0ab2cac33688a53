package gateway

import (
	"context"
	"strings"
	"sync"
)

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
// Nobody holds two at a time.
func (t *lockTable) lock(ctx context.Context, words ...string) (unlock func(), err error) {
	key := strings.ToLower(strings.Join(words, "\x00"))
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
