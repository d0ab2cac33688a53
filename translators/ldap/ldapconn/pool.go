// Package ldapconn keeps connections to one LDAP directory service that
// several servers may serve. It knows go-ldap and nothing of what the requests
// mean.
//
// Requests go out multiplexed on a few shared connections; paged searches get
// a connection each, since servers keep one page cursor a connection. All go
// to one server at a time, the most preferred that works, so that what was
// written can be read back. When that server can't be dialled or falls silent
// the next one takes over; when it is well again requests return to it. A
// request in flight stays where it is. (Whether servers agree with each other
// at such a moment is a matter of their replication.)
//
// Reads that got no answer are repeated once, on a new connection. Writes are
// repeated only if they surely never left; otherwise their outcome is Unknown
// and the caller has to look.
//
// Nothing is dialled before the first request.
package ldapconn

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/semaphore"
)

// Pool is the connections to one directory service. Its methods may be called
// from several goroutines.
type Pool struct {
	config  Config
	servers []*server // in order of preference

	// ctx ends when the pool is closed; connects and the way back to a
	// preferred server run under it.
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup // connections and goroutines

	exclusive, bindTests *semaphore.Weighted
	bindGate             chan struct{} // held while binding with an unproven password

	// mu guards what follows, and the fields of servers and connections that
	// say so.
	mu         sync.Mutex
	active     *server
	switches   int       // how often active has changed
	connecting bool      // a shared connection is being made
	returning  bool      // a goroutine tries more preferred servers
	waiting    list.List // of *waiter, first come first served
	idle       *shelf    // exclusive connections
	probes     *shelf    // connections for bind tests, which nobody is signed in on
	closed     bool
	refusal    refusal
	proven     string // the password of the last accepted bind
	// refusedTest is the password that TestOwnBind was refused with last.
	refusedTest string
	identity    string // what the last server has called us, see Identity

	leases  int
	closing bool
	grace   *time.Timer
}

// refusal remembers a refused bind.
type refusal struct {
	password string
	until    time.Time
	cause    string
	pause    *backoff.ExponentialBackOff
}

// New checks a configuration and returns a pool. It does not dial.
func New(config Config) (*Pool, error) {
	config.setDefaults()
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configuring LDAP connections: %w", err)
	}
	p := &Pool{
		config:    config,
		exclusive: semaphore.NewWeighted(int64(config.Exclusive)),
		bindTests: semaphore.NewWeighted(int64(config.Exclusive)),
		bindGate:  make(chan struct{}, 1),
	}
	for i, url := range config.Servers {
		address, err := parseAddress(url, config.StartTLS)
		if err != nil {
			return nil, fmt.Errorf("configuring LDAP connections: %w", err)
		}
		p.servers = append(p.servers, newServer(url, i, address, &p.config))
	}
	p.active = p.servers[0]
	p.idle, p.probes = &shelf{pool: p}, &shelf{pool: p}
	p.refusal.pause = newPause(config.RefusedMin, config.RefusedMax)
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p, nil
}

// Server is the URL of the server that requests go to at the moment.
func (p *Pool) Server() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.active.url
}

// Close refuses new requests with ErrClosed, waits for those in flight and
// closes all connections. RequestTimeout bounds the waiting, but a paged search
// that has begun is not interrupted. It may be called more than once.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.shutDown()
	p.mu.Unlock()
	p.running.Wait()
	return nil
}

// shutDown is Close without waiting. The caller holds mu.
func (p *Pool) shutDown() {
	if p.closed {
		return
	}
	p.closed, p.closing = true, true
	if p.grace != nil {
		p.grace.Stop()
	}
	p.failWaiting(&Error{Op: "connecting", Outcome: NotSent, Err: ErrClosed})
	for _, s := range p.servers {
		p.retireAll(s)
	}
	p.stop()
}

// candidates returns the servers to try for a new connection: the active one,
// then the others in order of preference, without those that have failed
// lately. It fails when there are none. The caller holds mu.
func (p *Pool) candidates(now time.Time) ([]*server, error) {
	if p.closed {
		return nil, &Error{Op: "connecting", Outcome: NotSent, Err: ErrClosed}
	}
	list := []*server{p.active}
	for _, s := range p.servers {
		if s != p.active {
			list = append(list, s)
		}
	}
	list = slices.DeleteFunc(list, func(s *server) bool { return s.isPausing(now) })
	if len(list) == 0 {
		return nil, p.unavailable(now)
	}
	return list, nil
}

// unavailable is the error while every server has failed lately.
// The caller holds mu.
func (p *Pool) unavailable(now time.Time) *Error {
	result := &Error{Op: "connecting", Outcome: NotSent, RetryAfter: p.config.BackoffMax}
	var causes []error
	for _, s := range p.servers {
		result.RetryAfter = min(result.RetryAfter, max(0, s.retryAt.Sub(now)))
		if s.lastErr != nil {
			causes = append(causes, fmt.Errorf("%s: %w", s.url, s.lastErr))
		}
	}
	result.Err = errors.Join(causes...)
	if len(causes) == 0 {
		result.Err = errors.New("no server can be reached")
	}
	return result
}

// connect makes a connection to the active server or, when that can't be had,
// to the next one that can, which becomes the active one.
func (p *Pool) connect() (*connection, error) {
	for {
		secret, err := p.password(p.ctx)
		if err != nil {
			return nil, err
		}
		p.mu.Lock()
		err = p.refusedFor(secret, time.Now())
		var candidates []*server
		if err == nil {
			candidates, err = p.candidates(time.Now())
		}
		switches := p.switches
		p.mu.Unlock()
		if err != nil {
			return nil, err
		}
		overtaken := false
		for _, s := range candidates {
			c, err := p.dial(p.ctx, s, secret)
			if err == nil {
				if p.adopt(c, switches) {
					return c, nil
				}
				c.close()
				overtaken = true
				break
			}
			if errors.Is(err, ErrBindRefused) {
				return nil, err
			}
			if p.ctx.Err() != nil {
				return nil, &Error{Op: "connecting", Outcome: NotSent, Err: ErrClosed}
			}
			p.fail(s, err)
		}
		if !overtaken {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.closed {
				return nil, &Error{Op: "connecting", Outcome: NotSent, Err: ErrClosed}
			}
			return nil, p.unavailable(time.Now())
		}
	}
}

// fail notes that a server could not be dialled.
func (p *Pool) fail(s *server, err error) {
	p.mu.Lock()
	pause := s.failed(err, time.Now())
	p.mu.Unlock()
	p.config.Logger.Warn("LDAP server can't be reached",
		slog.String("server", s.url), slog.Duration("retry_in", pause), slog.Any("error", err))
}

// adopt makes a new connection the pool's, and its server the active one. It
// refuses one to a server other than the active when that has changed since
// the attempt began: somebody else has found a better one.
func (p *Pool) adopt(c *connection, switches int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	if c.server != p.active {
		if p.switches != switches {
			return false
		}
		p.switchTo(c.server)
	}
	p.own(c)
	return true
}

// own counts a connection as the pool's own, on which requests can be made.
// The caller holds mu.
func (p *Pool) own(c *connection) {
	p.keep(c)
	c.server.reached()
}

// keep has the pool wait for a connection when it is closed. The caller holds mu.
func (p *Pool) keep(c *connection) {
	c.epoch = c.server.epoch
	p.running.Add(1)
}

// switchTo makes a server the active one. Requests in flight on the former
// finish there. The caller holds mu.
func (p *Pool) switchTo(s *server) {
	former := p.active
	p.active = s
	p.switches++
	p.retireAll(former)
	p.config.Logger.Warn("changing to another LDAP server",
		slog.String("server", s.url), slog.String("former", former.url))
	if s.index > 0 && !p.returning && !p.closed {
		p.returning = true
		p.running.Add(1)
		go func() {
			defer p.running.Done()
			p.comeBack()
		}()
	}
}

// comeBack tries the servers that are preferred to the active one, each after
// its pause, until none is preferred.
func (p *Pool) comeBack() {
	for {
		p.mu.Lock()
		if p.closed || p.active.index == 0 {
			p.returning = false
			p.mu.Unlock()
			return
		}
		s := slices.MinFunc(p.servers[:p.active.index], func(a, b *server) int { return a.retryAt.Compare(b.retryAt) })
		timer := time.NewTimer(time.Until(s.retryAt))
		p.mu.Unlock()
		select {
		case <-timer.C:
		case <-p.ctx.Done():
			timer.Stop()
			continue
		}
		secret, err := p.password(p.ctx)
		var c *connection
		if err == nil {
			c, err = p.dial(p.ctx, s, secret)
		}
		if err != nil {
			p.fail(s, err)
			continue
		}
		p.mu.Lock()
		if p.closed || s.index >= p.active.index {
			p.mu.Unlock()
			c.close()
			continue
		}
		p.switchTo(s)
		p.own(c)
		s.conns = append(s.conns, c)
		p.serve()
		p.mu.Unlock()
	}
}
