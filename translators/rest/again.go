package rest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/scimgate/scimgate/translators"
)

// The bounds of repeating a write that is in conflict with another's.
const (
	mostAgain       = 5 // times, behind the first
	firstAgainPause = 20 * time.Millisecond
)

// contendedAfter is what a provider hears to wait where others keep writing.
const contendedAfter = 2 * time.Second

// runFresh is run for a call that writes upon a record as it was read. Where somebody else
// has written it since, which isHindered tells, refresh reads it again and the call is
// repeated, several times with growing pauses: who writes all the time is often the
// application itself. isDone is what refresh says: nothing is left to do.
//
// That it does not succeed is Unavailable, and never Changed: of a version that it has not
// demanded a provider must not hear.
func (t *Translator) runFresh(ctx context.Context, s *step, with *scope, isHindered func(error) bool, refresh func() (isDone bool, err error)) (a *answer, isDone bool, err error) {
	pause := firstAgainPause
	for n := 0; ; n++ {
		if a, err = t.run(ctx, s, with); !isHindered(err) {
			return a, false, err
		}
		if n == mostAgain || !paused(ctx, pause/2+rand.N(pause)) {
			return a, false, &translators.Error{Kind: translators.Unavailable, RetryAfter: contendedAfter,
				Detail: "Somebody else keeps changing the record in the application: each time that it was read, it was another when it was to be written. Nothing was changed. Try again.",
				Err:    fmt.Errorf("read and written %d times: %w", n+1, err)}
		}
		pause *= 2
		if isDone, err = refresh(); isDone || err != nil {
			return nil, isDone, err
		}
	}
}

// paused waits, and reports whether there was time for it.
func paused(ctx context.Context, pause time.Duration) bool {
	if deadline, has := ctx.Deadline(); has && time.Until(deadline) <= pause {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
