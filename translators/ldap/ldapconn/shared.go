package ldapconn

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// waiter waits for a connection.
type waiter struct {
	granted chan grant // holds one
}

type grant struct {
	conn *connection
	err  error
}

// acquire takes a place on a shared connection, the one with the fewest
// requests. release gives it back.
func (p *Pool) acquire(ctx context.Context, op string) (*connection, error) {
	if ctx.Err() != nil {
		return nil, interrupted(ctx, op, "", NotSent)
	}
	p.mu.Lock()
	if c, err := p.pick(time.Now()); c != nil || err != nil {
		p.mu.Unlock()
		return c, err
	}
	w := &waiter{granted: make(chan grant, 1)}
	element := p.waiting.PushBack(w)
	p.mu.Unlock()
	select {
	case g := <-w.granted:
		return g.conn, g.err
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case g := <-w.granted: // at the same moment
		if g.conn != nil {
			p.release(g.conn)
		}
	default:
		p.waiting.Remove(element)
	}
	return nil, interrupted(ctx, op, p.active.url, NotSent)
}

// pick returns a shared connection with a place on it, taken. Without one it
// returns nil: the caller waits, or gets the error if there is nothing to wait
// for. It sees to it that connections are made as they are needed.
// The caller holds mu.
func (p *Pool) pick(now time.Time) (*connection, error) {
	if p.closed {
		return nil, &Error{Op: "connecting", Outcome: NotSent, Err: ErrClosed}
	}
	s := p.active
	if slices.ContainsFunc(s.conns, func(c *connection) bool { return !c.isUsable() }) {
		s.conns = slices.DeleteFunc(s.conns, func(c *connection) bool {
			if c.isUsable() {
				return false
			}
			p.retire(c)
			return true
		})
	}
	var best *connection
	fresh, bestIsFresh := 0, false
	for _, c := range s.conns {
		isFresh := now.Before(c.expires)
		if isFresh {
			fresh++
		}
		if c.inFlight >= p.config.InFlight {
			continue
		}
		if best == nil || isFresh && !bestIsFresh || isFresh == bestIsFresh && c.inFlight < best.inFlight {
			best, bestIsFresh = c, isFresh
		}
	}
	isIdle := best != nil && bestIsFresh && best.inFlight == 0
	if fresh < p.config.Connections && !isIdle && !p.connecting {
		if len(s.conns) == 0 {
			s.rootDSE = nil // it may come back as another
			if _, err := p.candidates(now); err != nil {
				return nil, err
			}
			p.startConnect()
		} else if !s.isPausing(now) && !now.Before(p.refusal.until) {
			p.startConnect()
		}
	}
	if best != nil {
		best.inFlight++
	}
	return best, nil
}

// startConnect makes a shared connection in the background.
// The caller holds mu.
func (p *Pool) startConnect() {
	p.connecting = true
	p.running.Add(1)
	go func() {
		defer p.running.Done()
		c, err := p.connect()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.connecting = false
		switch {
		case err == nil && (p.closed || c.server != p.active):
			p.retire(c)
		case err == nil:
			p.replaceExpired(c)
		case !slices.ContainsFunc(p.active.conns, (*connection).isUsable):
			p.failWaiting(err)
		}
		p.serve()
	}()
}

// replaceExpired adds a connection in place of those that are too old.
// The caller holds mu.
func (p *Pool) replaceExpired(c *connection) {
	now := time.Now()
	c.server.conns = slices.DeleteFunc(c.server.conns, func(other *connection) bool {
		if now.Before(other.expires) {
			return false
		}
		p.retire(other)
		return true
	})
	c.server.conns = append(c.server.conns, c)
}

// serve gives connections to those who wait, as far as there are any.
// The caller holds mu.
func (p *Pool) serve() {
	for p.waiting.Len() > 0 {
		c, err := p.pick(time.Now())
		if c == nil && err == nil {
			return
		}
		first := p.waiting.Remove(p.waiting.Front()).(*waiter)
		first.granted <- grant{c, err}
	}
}

// failWaiting sends everybody away who waits. The caller holds mu.
func (p *Pool) failWaiting(err error) {
	for p.waiting.Len() > 0 {
		p.waiting.Remove(p.waiting.Front()).(*waiter).granted <- grant{err: err}
	}
}

// release gives a place back. The caller holds mu.
func (p *Pool) release(c *connection) {
	c.inFlight--
	if c.retired && c.inFlight == 0 {
		p.shut(c)
	}
	p.serve()
}

// retire takes a connection out of use: no new requests, closed when the last
// one on it has ended. The caller removes it from its server's list.
// The caller holds mu.
func (p *Pool) retire(c *connection) {
	if c.retired {
		return
	}
	c.retired = true
	if c.inFlight == 0 {
		p.shut(c)
	}
}

// retireAll retires every connection of a server, idle ones too.
// The caller holds mu.
func (p *Pool) retireAll(s *server) {
	for _, c := range s.conns {
		p.retire(c)
	}
	s.conns = nil
	s.rootDSE = nil
	p.idle.clear(s)
	p.probes.clear(s)
}

// shut closes a connection without making anybody wait for it.
// The caller holds mu.
func (p *Pool) shut(c *connection) {
	go func() {
		defer p.running.Done()
		c.close()
	}()
}

// doubt takes a server's connections out of use because one of them has
// failed: the server may have been restarted or be frozen. New ones will show.
// The caller holds mu.
func (p *Pool) doubt(c *connection) {
	if c.epoch == c.server.epoch {
		c.server.epoch++
		p.retireAll(c.server)
	}
	p.retire(c)
}

// do runs a request on a connection and gives the connection's place back when
// the request has ended, which may be after do has returned because ctx ended.
func do[T any](ctx context.Context, p *Pool, c *connection, name verb, request func(*ldap.Conn) (T, error)) (T, error) {
	started := time.Now()
	if ctx.Done() == nil {
		result, err := request(c.ldap)
		return result, p.finish(c, name, started, err)
	}
	type answer struct {
		result T
		err    error
	}
	ended := make(chan answer, 1)
	go func() {
		result, err := request(c.ldap)
		ended <- answer{result, p.finish(c, name, started, err)}
	}()
	select {
	case a := <-ended:
		return a.result, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-ended: // at the same moment; knowing is better
		return a.result, a.err
	default:
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) &&
		time.Since(started) >= min(time.Second, p.config.RequestTimeout) && c.socket.isSilent(started) {
		p.mu.Lock()
		p.doubt(c)
		p.mu.Unlock()
	}
	var none T
	return none, interrupted(ctx, name.op, c.server.url, Unknown)
}

// verb is the name of an operation in errors and in metrics.
type verb struct{ op, metric string }

var (
	searching        = verb{"searching", "search"}
	modifying        = verb{"modifying", "modify"}
	adding           = verb{"adding", "add"}
	deleting         = verb{"deleting", "delete"}
	renaming         = verb{"renaming", "modify_dn"}
	changingPassword = verb{"changing a password", "password_modify"}
	testingBind      = verb{"testing a bind", "bind_test"}
)

// finish takes the consequences of an ended request: the connection's place is
// free, and one that has failed is not used again.
func (p *Pool) finish(c *connection, name verb, started time.Time, err error) error {
	var result *Error
	if err != nil {
		result = &Error{Op: name.op, Server: c.server.url, isRepeatable: !isMistake(err)}
		result.Outcome, result.Err = judge(err)
	}
	p.mu.Lock()
	if result != nil && result.isRepeatable {
		switch {
		case errors.Is(result.Err, errNoAnswer):
			result.isRepeatable = c.socket.isSilent(started)
			if result.isRepeatable {
				p.doubt(c)
			}
			p.retire(c)
			if c.timeouts++; c.timeouts > 1 {
				c.kill()
			}
		case result.Outcome != Answered, resultCode(err) == ldap.LDAPResultUnavailable:
			p.doubt(c)
		default:
			result.isRepeatable = resultCode(err) == ldap.LDAPResultBusy
		}
	}
	p.release(c)
	p.mu.Unlock()
	if result == nil {
		p.observe(name.metric, c.server, started, nil)
		return nil
	}
	p.observe(name.metric, c.server, started, result)
	return result
}
