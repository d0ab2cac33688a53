// Package notice tells an operator, in time, that a credential is about to expire:
// by the log, a metric, a Caddy event, and by e-mail and webhooks where these are
// configured. Each warning is given once by all gateways that share a store, also
// across restarts.
package notice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/store"
)

// Notice says when and how it is warned of credentials that expire.
type Notice struct {
	// Before is how long before the expiry it is warned, each time once. Default:
	// 30, 7 and 1 days. Of what has less time left than several of them, only the
	// shortest counts.
	Before []caddy.Duration `json:"before,omitempty"`
	// Off gives no warning at all.
	Off bool `json:"off,omitempty"`
	// SMTP sends e-mail. Default: none.
	SMTP *SMTP `json:"smtp,omitempty"`
	// Webhooks are sent JSON. Default: none.
	Webhooks []*Webhook `json:"webhooks,omitempty"`

	store *store.Store
	log   *zap.Logger
	emit  func(event string, data map[string]any)

	mu          sync.Mutex
	credentials []Credential // of the Caddyfile
	gateways    []string
	settled     map[claim]bool // was sent, by us or by somebody else
	cancel      context.CancelFunc
	ended       chan struct{}
}

const day = 24 * time.Hour

var defaultBefore = []caddy.Duration{caddy.Duration(30 * day), caddy.Duration(7 * day), caddy.Duration(day)}

// Provision checks the configuration and fills in the defaults. Warnings that were
// given are noted in the store.
func (n *Notice) Provision(s *store.Store, log *zap.Logger) error {
	n.store, n.log, n.settled = s, log, make(map[claim]bool)
	if len(n.Before) == 0 {
		n.Before = slices.Clone(defaultBefore)
	}
	for _, before := range n.Before {
		if before <= 0 {
			return fmt.Errorf("expiry_warning: %s is no time before the expiry, such as 30d", time.Duration(before))
		}
	}
	slices.Sort(n.Before)
	n.Before = slices.Compact(n.Before)
	if n.SMTP != nil {
		if err := n.SMTP.check(); err != nil {
			return fmt.Errorf("expiry_warning: smtp: %w", err)
		}
	}
	for _, w := range n.Webhooks {
		if err := w.check(); err != nil {
			return fmt.Errorf("expiry_warning: webhook: %w", err)
		}
	}
	return nil
}

// Resolve reads the secrets by which messages are sent. Without it none are.
func (n *Notice) Resolve() error {
	for _, way := range n.ways() {
		if err := way.resolve(); err != nil {
			return fmt.Errorf("expiry_warning: %s: %w", way, err)
		}
	}
	return nil
}

// way is one over which messages are sent.
type way interface {
	fmt.Stringer // without secrets
	// key tells ways apart, in the store. It holds no secret.
	key() string
	resolve() error
	send(ctx context.Context, m Message) error
}

// ways are those that are configured, besides the log.
func (n *Notice) ways() []way {
	var all []way
	if n.SMTP != nil {
		all = append(all, n.SMTP)
	}
	for _, w := range n.Webhooks {
		all = append(all, w)
	}
	return all
}

// Watch adds a gateway of the configuration, with the credentials that stand in it.
// The same gateway may be added again: Caddy repeats a site that has several ports.
func (n *Notice) Watch(gateway string, credentials []Credential) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if slices.Contains(n.gateways, gateway) {
		return
	}
	n.gateways = append(n.gateways, gateway)
	n.credentials = append(n.credentials, credentials...)
}

// lookEvery is how often it is looked who expires. It costs nothing while nobody
// does.
const lookEvery = time.Minute

// Start begins to warn. Events are emitted by emit, which may be nil. Calling it again does nothing.
func (n *Notice) Start(emit func(event string, data map[string]any)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.Off || n.cancel != nil {
		return
	}
	n.emit = emit
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel, n.ended = cancel, make(chan struct{})
	go func() {
		defer close(n.ended)
		if n.store.Wait(ctx) != nil {
			return
		}
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		for {
			n.Look(ctx, time.Now())
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
}

// Stop ends what Start began. What is being sent is broken off, and sent later by
// whoever runs then.
func (n *Notice) Stop() {
	n.mu.Lock()
	cancel, ended := n.cancel, n.ended
	n.cancel = nil
	n.mu.Unlock()
	if cancel != nil {
		cancel()
		<-ended
	}
}

// Look gives the warnings that are due at a time.
func (n *Notice) Look(ctx context.Context, now time.Time) {
	for _, c := range n.all() {
		before, is := due(c.Expires, n.Before, now)
		if !is || c.isReplaced() {
			continue
		}
		w := warning{Credential: c, before: before}
		m := w.message(now)
		n.once(ctx, w.claim("log"), now, func(context.Context) error {
			n.tell(w, m)
			return nil
		})
		for _, way := range n.ways() {
			n.once(ctx, w.claim(way.key()), now, func(ctx context.Context) error { return way.send(ctx, m) })
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// tell warns within the process: by the log and an event.
func (n *Notice) tell(w warning, m Message) {
	n.log.Warn("a credential expires soon", zap.String("gateway", w.Gateway), zap.String("credential", w.Name),
		zap.String("id", w.ID), zap.Time("expires", w.Expires), zap.String("remedy", w.remedy()))
	if n.emit != nil {
		go n.emit(m.Event, m.Data) // a handler may take its time
	}
}

// sendTimeout bounds one attempt to send one message.
const sendTimeout = 30 * time.Second

// once does what is to be done by one process of all, if nobody has done it or is at
// it. What fails is tried again later, by any of them.
func (n *Notice) once(ctx context.Context, c claim, now time.Time, do func(context.Context) error) {
	if n.settled[c] {
		return
	}
	attempt, isSettled, err := c.take(ctx, n.store, now)
	if isSettled {
		n.settled[c] = true
	}
	if err != nil {
		n.log.Debug("a warning of an expiry can't be noted in the store: it is given later", zap.Error(err))
	}
	if attempt == 0 {
		return
	}
	sending, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	failed := do(sending)
	if failed == nil {
		n.settled[c] = true
	}
	wait := retryAfter(attempt)
	if failed != nil && ctx.Err() == nil {
		n.log.Error("a warning of an expiry could not be sent: it is tried again", zap.String("gateway", c.gateway), zap.String("credential", c.credential),
			zap.String("by", c.way), zap.Int("attempt", attempt), zap.Duration("again_in", wait), zap.Error(failed))
	}
	noting, cancelNoting := context.WithTimeout(context.WithoutCancel(ctx), notingTimeout)
	defer cancelNoting()
	if err := c.end(noting, n.store, now, failed == nil, wait); err != nil {
		n.log.Warn("a warning of an expiry was given, and that can't be noted in the store: another gateway may give it again", zap.Error(err))
	}
}

// notingTimeout bounds how long the store is waited for behind a message.
const notingTimeout = 5 * time.Second

// retryAfter is how long is waited behind an attempt that failed.
func retryAfter(attempt int) time.Duration {
	const longest = time.Hour
	return min(time.Minute<<min(attempt-1, 10), longest)
}

// TestResult is how a test message was sent.
type TestResult struct {
	Way   string `json:"way"`
	Error string `json:"error,omitempty"`
}

// ErrNoWay says that nothing but log, metric and event is configured.
var ErrNoWay = errors.New("no e-mail and no webhook is configured: write scim { expiry_warning { smtp … } } or { webhook … }")

// Test sends a test message over each way. Nothing is noted.
func (n *Notice) Test(ctx context.Context, by string) ([]TestResult, error) {
	ways := n.ways()
	if len(ways) == 0 {
		return nil, ErrNoWay
	}
	var results []TestResult
	failed := 0
	m := testMessage(by, time.Now())
	for _, way := range ways {
		sending, cancel := context.WithTimeout(ctx, sendTimeout)
		err := way.resolve()
		if err == nil {
			err = way.send(sending, m)
		}
		cancel()
		result := TestResult{Way: way.String()}
		if err != nil {
			failed++
			result.Error = err.Error()
		}
		results = append(results, result)
	}
	if failed > 0 {
		return results, fmt.Errorf("%d of %d messages could not be sent", failed, len(ways))
	}
	return results, nil
}
