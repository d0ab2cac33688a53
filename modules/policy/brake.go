package policy

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// Brake lets that many accounts be disabled or deleted within any span of that
// length. Beyond it requests are answered with 503 until the span has passed or
// the configuration is reloaded.
type Brake struct {
	// Disable is the number of accounts, at least 1.
	Disable int `json:"disable"`
	// Per is the length of the span, at least a second.
	Per caddy.Duration `json:"per"`

	mu    sync.Mutex
	taken []time.Time // within the last span, oldest first
	now   func() time.Time
}

func (b *Brake) provision() error {
	if b.now == nil {
		b.now = time.Now
	}
	if b.Disable < 1 {
		return errors.New("brake: the number of accounts must be 1 or more")
	}
	if time.Duration(b.Per) < time.Second {
		return errors.New("brake: the time must be 1s or more")
	}
	return nil
}

// take reserves one account, or says how long to wait for the next.
func (b *Brake) take() (stamp time.Time, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, span := b.now(), time.Duration(b.Per)
	b.taken = slices.DeleteFunc(b.taken, func(t time.Time) bool { return now.Sub(t) >= span })
	if len(b.taken) >= b.Disable {
		return time.Time{}, span - now.Sub(b.taken[0])
	}
	b.taken = append(b.taken, now)
	return now, 0
}

func (b *Brake) giveBack(stamp time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.taken, stamp); i >= 0 {
		b.taken = slices.Delete(b.taken, i, i+1)
	}
}
