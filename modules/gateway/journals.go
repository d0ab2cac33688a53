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
var journals = journalPool{open: caddy.NewUsagePool()}

// journalPool keeps a journal from being opened while it is still being closed:
// its file is locked until then.
type journalPool struct {
	mu   sync.Mutex
	open *caddy.UsagePool
}

func (p *journalPool) take(path string) (*journal.Journal, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	value, _, err := p.open.LoadOrNew(path, func() (caddy.Destructor, error) { return journal.Open(path) })
	if err != nil {
		return nil, err
	}
	return value.(*journal.Journal), nil
}

func (p *journalPool) giveBack(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = p.open.Delete(path)
}

// sharedJournal is a gateway's hold on a journal. It is taken by the first write
// or the first check, so that a configuration can be looked at without touching
// the file.
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
	var err error
	s.journal, err = journals.take(s.path)
	return s.journal, err
}

// journalGrace is how long a replaced configuration keeps its journal behind its
// last request: a connection that is being drained may still ask.
const journalGrace = 10 * time.Second

// release gives the journal back when no request is under way any more. What was
// done until now is on disk when it returns: the process may be about to end.
func (s *sharedJournal) release(inFlight *atomic.Int64) {
	s.mu.Lock()
	if s.journal != nil {
		_ = s.journal.Flush() // what can't be written was told when it was begun
	}
	s.mu.Unlock()
	if caddy.Exiting() && inFlight.Load() == 0 {
		s.giveBack()
		return
	}
	var wait func()
	wait = func() {
		if inFlight.Load() > 0 {
			time.AfterFunc(time.Second, wait)
			return
		}
		s.giveBack()
	}
	time.AfterFunc(journalGrace, wait)
}

func (s *sharedJournal) giveBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.released = true
	if s.journal != nil {
		s.journal = nil
		journals.giveBack(s.path)
	}
}
