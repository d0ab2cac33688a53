package gateway

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/app"
	"github.com/scimgate/scimgate/modules/journal"
)

// Journaling says what of a gateway's writes the journal keeps.
type Journaling struct {
	// Off keeps nothing: nobody can tell afterwards what was done, and a write whose
	// outcome is not known is not found again.
	Off bool `json:"off,omitempty"`
}

// errNoJournal is why a gateway that was set up without an app writes nothing.
var errNoJournal = errors.New("the gateway has no journal")

// heldJournal is a gateway's hold on the journal.
type heldJournal struct {
	*journal.Journal
	once sync.Once
}

// provisionJournal takes hold of the journal, which is opened later. A gateway that is
// only looked at, outside a configuration, has none.
func (h *Handler) provisionJournal(ctx caddy.Context) error {
	if h.Journal.Off {
		return nil
	}
	shared, err := app.Of(ctx)
	if err != nil || shared == nil {
		return err
	}
	h.journal, h.entries = holdJournal(shared.Journal()), shared.EntryLog()
	return nil
}

func holdJournal(j *journal.Journal) *heldJournal {
	j.Hold()
	return &heldJournal{Journal: j}
}

const (
	// journalGrace is how long a replaced configuration keeps its journal behind its
	// last request: a connection that is being drained may still ask.
	journalGrace = 10 * time.Second
	// flushTimeout bounds how long is waited at its end for what was done to be
	// recorded.
	flushTimeout = 5 * time.Second
)

// release gives the journal back when no request is under way any more. What was
// done until now is recorded when it returns: the process may be about to end.
func (j *heldJournal) release(inFlight *atomic.Int64) {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	_ = j.Flush(ctx)                                                  // what the store does not take was told when it was begun
	isLast := caddy.Exiting() || caddy.ActiveContext().Context == nil // none comes behind it: its files may be gone next
	if isLast && inFlight.Load() == 0 {
		j.giveBack()
		return
	}
	var wait func()
	wait = func() {
		if inFlight.Load() > 0 {
			time.AfterFunc(time.Second, wait)
			return
		}
		j.giveBack()
	}
	time.AfterFunc(journalGrace, wait)
}

func (j *heldJournal) giveBack() {
	j.once.Do(func() { _ = j.Release() })
}
