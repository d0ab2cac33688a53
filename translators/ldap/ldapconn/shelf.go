package ldapconn

import (
	"slices"
	"time"
)

// shelf keeps connections that one user at a time has for himself while nobody
// does: as many as there may be users, for IdleTimeout at most. The caller of
// its methods holds Pool.mu.
type shelf struct {
	pool   *Pool
	conns  []*connection // the one used last is at the end
	reaper *time.Timer
}

// take returns the connection that was used last, or nil.
func (s *shelf) take() *connection {
	for len(s.conns) > 0 {
		c := s.conns[len(s.conns)-1]
		s.conns = s.conns[:len(s.conns)-1]
		if c.isUsable() && c.server == s.pool.active && time.Now().Before(c.expires) {
			c.inFlight++
			return c
		}
		s.pool.retire(c)
	}
	return nil
}

// put keeps a connection that nobody uses for later, or closes it.
func (s *shelf) put(c *connection) {
	p := s.pool
	if p.closed || !c.isUsable() || c.server != p.active || len(s.conns) >= p.config.Exclusive {
		p.discard(c)
		return
	}
	c.idleAt = time.Now()
	s.conns = append(s.conns, c)
	if len(s.conns) == 1 {
		s.reaper = time.AfterFunc(p.config.IdleTimeout, s.reap)
	}
}

// reap closes connections that were idle for too long, the front ones of the
// list, and comes back for the others. It takes Pool.mu itself.
func (s *shelf) reap() {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	now := time.Now()
	for len(s.conns) > 0 {
		left := s.conns[0].idleAt.Add(s.pool.config.IdleTimeout).Sub(now)
		if left > 0 {
			s.reaper.Reset(left)
			return
		}
		s.pool.retire(s.conns[0])
		s.conns = s.conns[1:]
	}
}

// clear retires the connections to a server.
func (s *shelf) clear(of *server) {
	s.conns = slices.DeleteFunc(s.conns, func(c *connection) bool {
		if c.server == of {
			s.pool.retire(c)
		}
		return c.server == of
	})
}

// discard closes a connection that nobody uses. The caller holds mu.
func (p *Pool) discard(c *connection) {
	if c.retired {
		p.shut(c) // retired while it was in use
		return
	}
	p.retire(c)
}
