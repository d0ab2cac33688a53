package directory

import (
	"sync"
	"time"
)

// faults are what tests do to the server: freeze it, slow it down.
type faults struct {
	done   chan struct{} // closed by Close
	mu     sync.Mutex
	frozen chan struct{} // nil while running, closed by Thaw
	delay  time.Duration
}

// Freeze makes the server stop answering, as a stopped process does: connections stay open and new ones
// are accepted by the kernel, but nothing is carried out and nothing is sent until [Server.Thaw].
func (s *Server) Freeze() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if s.faults.frozen == nil {
		s.faults.frozen = make(chan struct{})
	}
}

// Thaw ends [Server.Freeze]; what has waited is now carried out.
func (s *Server) Thaw() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if s.faults.frozen != nil {
		close(s.faults.frozen)
		s.faults.frozen = nil
	}
}

// Delay makes every request wait before it is carried out, each for itself, as a long line would. Zero
// ends it.
func (s *Server) Delay(d time.Duration) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.delay = d
}

// Cut closes every connection at once, in the middle of whatever it is doing. New ones are accepted.
func (s *Server) Cut() {
	s.connMu.Lock()
	defer s.connMu.Unlock()
	for c := range s.conns {
		c.socket.Close()
	}
}

// pass waits out a freeze. It reports false when the server was closed meanwhile.
func (f *faults) pass() bool {
	for {
		f.mu.Lock()
		frozen := f.frozen
		f.mu.Unlock()
		if frozen == nil {
			return true
		}
		select {
		case <-frozen:
		case <-f.done:
			return false
		}
	}
}

// wait waits out the delay and any freeze.
func (f *faults) wait() bool {
	f.mu.Lock()
	delay := f.delay
	f.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-f.done:
			return false
		}
	}
	return f.pass()
}
