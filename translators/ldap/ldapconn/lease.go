package ldapconn

import (
	"sync"
	"time"
)

// Lease keeps a pool serving. A request takes one at its beginning and
// releases it at its end.
type Lease struct {
	pool *Pool
	once sync.Once
}

// Acquire takes a lease. It fails with ErrClosed only after Close, or after
// Destruct when the pool has been without a lease for the grace time.
func (p *Pool) Acquire() (*Lease, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, &Error{Op: "leasing", Outcome: NotSent, Err: ErrClosed}
	}
	p.leases++
	if p.grace != nil {
		p.grace.Stop()
	}
	return &Lease{pool: p}, nil
}

// Release gives the lease back. More than once does no harm.
func (l *Lease) Release() {
	l.once.Do(func() {
		l.pool.mu.Lock()
		defer l.pool.mu.Unlock()
		l.pool.leases--
		l.pool.closeLater()
	})
}

// Destruct closes the pool once it has been without a lease for the grace
// time, and does not wait for that: requests of a configuration that is being
// replaced go on. It makes a *Pool a value of caddy.UsagePool.
func (p *Pool) Destruct() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing = true
	p.closeLater()
	return nil
}

// closeLater starts the grace time if it is due. The caller holds mu.
func (p *Pool) closeLater() {
	if !p.closing || p.closed || p.leases > 0 {
		return
	}
	if p.grace != nil {
		p.grace.Stop()
	}
	p.grace = time.AfterFunc(p.config.Grace, p.closeIfIdle)
}

// closeIfIdle ends the grace time. A lease may have been taken just before.
func (p *Pool) closeIfIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leases == 0 {
		p.shutDown()
	}
}

// Interface guards
var _ interface{ Destruct() error } = (*Pool)(nil)
