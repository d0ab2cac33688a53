package web

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/scimgate/scimgate/translators"
)

// limits hold requests back: so many at the same time, so many within a period.
type limits struct {
	slots chan struct{}
	rate  *rate.Limiter // nil: no bound
}

func newLimits(c Config) *limits {
	l := &limits{slots: make(chan struct{}, c.Connections)}
	if c.Rate > 0 {
		// A tenth may go at once, and the rest in step: that makes Rate, and no more,
		// within any period of Per.
		burst := max(1, c.Rate/10)
		l.rate = rate.NewLimiter(rate.Limit(float64(c.Rate-burst+1)/time.Duration(c.Per).Seconds()), burst)
	}
	return l
}

// enter waits until a request may be sent, and no longer than ctx allows; leave is
// called when it is done. A request that another one waits for, which holds a place
// already, takes none: they could wait for each other. A disable waits for nothing; it
// counts, and others wait the longer.
func (l *limits) enter(ctx context.Context, isInner bool) (leave func(), failure *Error) {
	leave = func() {}
	isUrgent := translators.IsUrgent(ctx)
	if !isInner && !isUrgent {
		select {
		case l.slots <- struct{}{}:
			leave = func() { <-l.slots }
		case <-ctx.Done():
			return nil, ended(ctx, &Error{Reason: reasonBusy, RetryAfter: time.Second,
				Err: fmt.Errorf("%d requests are under way, and no place became free in time: see connections", cap(l.slots))})
		}
	}
	if l.rate == nil {
		return leave, nil
	}
	reservation := l.rate.Reserve()
	delay := reservation.Delay()
	if isUrgent {
		return leave, nil
	}
	if !fits(ctx, delay) {
		reservation.Cancel()
		leave()
		return nil, &Error{Reason: reasonBusy, RetryAfter: delay, Err: errors.New("the rate of requests is reached: see rate")}
	}
	if err := wait(ctx, delay); err != nil {
		reservation.Cancel()
		leave()
		return nil, ended(ctx, &Error{Reason: reasonBusy, RetryAfter: delay, Err: err})
	}
	return leave, nil
}

// ended makes a failure one of the reason canceled where the caller has gone.
func ended(ctx context.Context, e *Error) *Error {
	if errors.Is(ctx.Err(), context.Canceled) {
		e.Reason, e.RetryAfter, e.Err = reasonCanceled, 0, ctx.Err()
	}
	return e
}

// fits reports whether so long a wait leaves time before the deadline.
func fits(ctx context.Context, delay time.Duration) bool {
	deadline, has := ctx.Deadline()
	return !has || delay < time.Until(deadline)
}

// wait waits, but not beyond the end of ctx.
func wait(ctx context.Context, delay time.Duration) error {
	if delay <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
