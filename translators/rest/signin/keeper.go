package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// How long to wait until signing in is tried again. A refusal counts against the
// account, which many applications lock after five of them within a quarter or half
// an hour; a fault counts against nobody.
const (
	refusalPause    = time.Minute
	refusalPauseMax = 15 * time.Minute
	faultPause      = time.Second
	faultPauseMax   = 15 * time.Second
)

// A session that the application refuses is renewed at once, but an application that
// refuses all of them is not kept busy with signing in: renewals have a budget that
// refills with time, and a session that was never good for anything costs more of it.
const (
	renewalBudget   = 60
	renewalRefill   = 1 // per second
	renewalOfGood   = 1
	renewalOfUnused = 10
)

// openTimeout bounds one attempt to sign in, repetitions included.
const openTimeout = time.Minute

// refusal is why an application did not let us in, where trying the same again is of
// no use and may lock the account.
type refusal struct{ error }

// Unwrap returns what happened.
func (r refusal) Unwrap() error { return r.error }

// keeper keeps the session of one scheme: it signs in when the first request needs
// it, once for all requests that wait, and again when the session has ended. After a
// failure it waits, for longer each time: after a refusal everybody, because the next one
// may lock the gateway's account, after a fault all but disables.
type keeper struct {
	// open signs in.
	open func(context.Context) (*session, error)
	// end signs a session out; nil where there is nothing to do.
	end func(context.Context, *session) error
	// of is who signs in: the application, or the token endpoint login.example.com.
	of string
	// secrets are read anew before each attempt.
	secrets []*secret

	mu       sync.Mutex
	number   uint64
	current  *session
	attempt  *attempt // under way
	refusals int      // since there was a session
	faults   int      // in a row
	failure  error    // the last one
	closedTo time.Time
	renewals *rate.Limiter
	running  sync.WaitGroup
}

// attempt is one attempt to sign in; session and err are there when done is closed.
type attempt struct {
	done    chan struct{}
	session *session
	err     error
}

func newKeeper(open func(context.Context) (*session, error), secrets ...*secret) *keeper {
	return &keeper{open: open, of: "the application", secrets: secrets, renewals: rate.NewLimiter(renewalRefill, renewalBudget)}
}

// get returns a session. Its error is a *[web.Error] whose RetryAfter tells when the
// next attempt is made.
func (k *keeper) get(ctx context.Context) (*session, error) {
	for looked := false; ; looked = true {
		k.mu.Lock()
		now := time.Now()
		if k.current.isGood(now) {
			defer k.mu.Unlock()
			return k.current, nil
		}
		wait := k.closedTo.Sub(now)
		if k.refusals == 0 && translators.IsUrgent(ctx) {
			wait = 0 // a fault counts against nobody, and nothing stops a disable
		}
		if k.attempt == nil && wait > 0 {
			failure, who := k.failure, k.unavailable(k.failure)
			k.mu.Unlock()
			if !looked && k.renewSecrets() {
				k.reset()
				continue
			}
			return nil, &web.Error{Reason: "sign_in", RetryAfter: wait, Unavailable: who, Err: fmt.Errorf(
				"%w (the next attempt is in %s, or when a secret has changed)", failure, wait.Round(time.Second))}
		}
		if k.attempt == nil {
			k.attempt = &attempt{done: make(chan struct{})}
			a := k.attempt
			k.running.Go(func() { k.run(context.WithoutCancel(ctx), a) })
		}
		a := k.attempt
		k.mu.Unlock()
		select {
		case <-a.done:
			return a.session, a.err
		case <-ctx.Done():
			return nil, &web.Error{Reason: "sign_in", Unavailable: k.of, Err: fmt.Errorf("waiting for it: %w", context.Cause(ctx))}
		}
	}
}

// run makes an attempt for all that wait for it. It does not end with the request that
// began it.
func (k *keeper) run(ctx context.Context, a *attempt) {
	defer close(a.done)
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	k.renewSecrets()
	began := time.Now()
	s, err := k.open(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.attempt = nil
	if err == nil {
		k.number++
		s.number, s.began = k.number, began
		k.current, a.session = s, s
		k.refusals, k.faults, k.failure, k.closedTo = 0, 0, nil, time.Time{}
		return
	}
	pause := k.pauseAfter(err)
	k.failure, k.closedTo = err, time.Now().Add(pause)
	a.err = &web.Error{Reason: "sign_in", RetryAfter: pause, Unavailable: k.unavailable(err), Err: err}
}

// unavailable is who it is because of whom signing in has failed, unless it was refused.
func (k *keeper) unavailable(err error) string {
	if _, is := errors.AsType[*web.Error](err); is {
		return k.of
	}
	return ""
}

// pauseAfter counts a failure and returns how long to wait after it.
func (k *keeper) pauseAfter(err error) time.Duration {
	if _, isRefusal := errors.AsType[refusal](err); isRefusal {
		k.refusals, k.faults = k.refusals+1, 0
		return grown(refusalPause, 3, k.refusals, refusalPauseMax)
	}
	k.faults++
	pause := grown(faultPause, 2, k.faults, faultPauseMax)
	if fault, is := errors.AsType[*web.Error](err); is {
		pause = max(pause, min(fault.RetryAfter, refusalPauseMax))
	}
	return pause
}

// grown is what becomes of a pause by its nth time.
func grown(pause time.Duration, factor, n int, most time.Duration) time.Duration {
	for range n - 1 {
		pause = min(pause*time.Duration(factor), most)
	}
	return pause
}

// renewSecrets reports whether one of the secrets has changed.
func (k *keeper) renewSecrets() bool {
	changed := false
	for _, s := range k.secrets {
		changed = s.renew() || changed
	}
	return changed
}

// hidden are the secrets that an answer may repeat: those of the configuration and the
// session.
func (k *keeper) hidden() []string {
	hidden := valuesOf(k.secrets)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != nil {
		hidden = append(append(hidden, k.current.token), k.current.values...)
		for _, value := range k.current.named {
			hidden = append(hidden, value)
		}
	}
	return hidden
}

// reset forgets the failures: what they were about has changed.
func (k *keeper) reset() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refusals, k.faults, k.failure, k.closedTo = 0, 0, nil, time.Time{}
}

// refused ends the session that a request was signed with, if it is still in use, and
// reports whether the request may be signed anew.
func (k *keeper) refused(r *http.Request) bool {
	s := sessionOf(r, k)
	k.mu.Lock()
	defer k.mu.Unlock()
	if s == nil || k.current == nil || k.current.number != s.number {
		return true // another request was refused before, and there is a new one
	}
	cost := renewalOfUnused
	if s.isGoodFor.Load() {
		cost = renewalOfGood
	}
	if !k.renewals.AllowN(time.Now(), cost) {
		return false
	}
	k.current = nil
	return true
}

// answered is told of an answer to what was signed with a session.
func (k *keeper) answered(r *http.Request, answer *web.Response) {
	s := sessionOf(r, k)
	if s == nil {
		return
	}
	if answer.Status < 400 {
		s.isGoodFor.Store(true)
	}
	if s.cookies != nil {
		s.cookies.SetCookies(r.URL, cookiesOf(answer))
	}
}

// close waits for an attempt that is under way, and signs out.
func (k *keeper) close(ctx context.Context) error {
	k.running.Wait()
	k.mu.Lock()
	s := k.current
	k.current = nil
	k.mu.Unlock()
	if s == nil || k.end == nil || !s.isGood(time.Now()) {
		return nil
	}
	return k.end(ctx, s)
}
