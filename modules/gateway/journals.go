package gateway

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/modules/journal"
)

// journals are the open journals by their path: gateways with the same file,
// also before and after a reload, share one.
var journals = caddy.NewUsagePool()

// sharedJournal is a gateway's hold on a journal. It is taken by the first
// write, so that a configuration can be looked at without touching the file.
type sharedJournal struct {
	path string

	mu       sync.Mutex
	journal  *journal.Journal
	released bool
}

// get returns the journal, opening it if need be.
func (s *sharedJournal) get() (*journal.Journal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.journal != nil {
		return s.journal, nil
	}
	if s.released {
		return nil, journal.ErrClosed
	}
	value, _, err := journals.LoadOrNew(s.path, func() (caddy.Destructor, error) { return journal.Open(s.path) })
	if err != nil {
		return nil, err
	}
	s.journal = value.(*journal.Journal)
	return s.journal, nil
}

// journalGrace is how long a replaced configuration keeps its journal behind its
// last request: a connection that is being drained may still ask.
const journalGrace = 10 * time.Second

// release gives the journal back when no request is under way any more.
func (s *sharedJournal) release(inFlight *atomic.Int64) {
	giveBack := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.released = true
		if s.journal != nil {
			s.journal = nil
			_, _ = journals.Delete(s.path)
		}
	}
	if caddy.Exiting() && inFlight.Load() == 0 {
		giveBack()
		return
	}
	var wait func()
	wait = func() {
		if inFlight.Load() > 0 {
			time.AfterFunc(time.Second, wait)
			return
		}
		giveBack()
	}
	time.AfterFunc(journalGrace, wait)
}
