package web

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/translators"
)

// breaker keeps requests from an application that has failed several times in a
// row; after a while one is let through, to see.
type breaker struct {
	circuit *gobreaker.TwoStepCircuitBreaker[struct{}] // nil: never
	until   atomic.Int64                               // when one is let through, in Unix nanoseconds
}

// What becomes of a sending, for the breaker.
var (
	errFailed  = errors.New("failed")
	errSkipped = errors.New("says nothing about the application")
)

func newBreaker(c Config, address string, logger *zap.Logger) *breaker {
	b := new(breaker)
	if c.BreakAfter == 0 {
		return b
	}
	pause := time.Duration(c.BreakFor)
	b.circuit = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:     pause,
		ReadyToTrip: func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= uint32(c.BreakAfter) },
		IsExcluded:  func(err error) bool { return errors.Is(err, errSkipped) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			switch to {
			case gobreaker.StateOpen:
				b.until.Store(time.Now().Add(pause).UnixNano())
				logger.Error("the application fails again and again: no request is sent to it for a while",
					zap.String("address", address), zap.Int("failures", c.BreakAfter), zap.Duration("pause", pause))
			case gobreaker.StateClosed:
				logger.Info("the application answers again", zap.String("address", address))
			}
		},
	})
	return b
}

// check refuses what allow would refuse, but does not begin anything. A disable is not
// refused: what has failed may be all but that.
func (b *breaker) check(ctx context.Context) *Error {
	if b.circuit == nil || translators.IsUrgent(ctx) || b.circuit.State() != gobreaker.StateOpen {
		return nil
	}
	return b.refusal()
}

// allow begins a sending, whose end is told to done.
func (b *breaker) allow(ctx context.Context) (done func(error), failure *Error) {
	if b.circuit == nil {
		return func(error) {}, nil
	}
	done, err := b.circuit.Allow()
	if err != nil && translators.IsUrgent(ctx) {
		return func(error) {}, nil
	}
	if err != nil {
		return nil, b.refusal()
	}
	return done, nil
}

func (b *breaker) refusal() *Error {
	// Another request may be trying just now whether the application answers.
	after := max(time.Until(time.Unix(0, b.until.Load())), time.Second)
	return &Error{Reason: reasonBreaker, RetryAfter: after,
		Err: fmt.Errorf("the application has failed several times in a row: no request is sent to it for %s", after.Round(time.Second))}
}

// judge says what a sending tells about the application: its own errors, and that no
// answer came, count as failures; that it was given up early counts for nothing.
func judge(response *Response, failure *Error, took, patience time.Duration) error {
	switch {
	case failure == nil && response.Status >= 500:
		return errFailed
	case failure == nil, failure.Reason == reasonTooLarge, failure.Reason == reasonCoding:
		return nil
	case failure.Reason == reasonCanceled, failure.Reason == reasonInvalid:
		return errSkipped
	case failure.Reason == reasonTimeout && took < patience:
		return errSkipped
	}
	return errFailed
}
