package ldapconn

import (
	"context"
	"errors"
	"time"
)

// acquireExclusive takes a connection that nobody else uses, an idle one or a
// new one. releaseExclusive gives it back.
func (p *Pool) acquireExclusive(ctx context.Context, op string) (*connection, error) {
	if p.exclusive.Acquire(ctx, 1) != nil {
		return nil, interrupted(ctx, op, "", NotSent)
	}
	c, err := p.takeOrConnect(ctx, op)
	if err != nil {
		p.exclusive.Release(1)
		return nil, err
	}
	return c, nil
}

// takeOrConnect returns an idle connection or makes one.
func (p *Pool) takeOrConnect(ctx context.Context, op string) (*connection, error) {
	p.mu.Lock()
	if c := p.idle.take(); c != nil {
		p.mu.Unlock()
		return c, nil
	}
	if _, err := p.candidates(time.Now()); err != nil {
		p.mu.Unlock()
		return nil, err
	}
	p.running.Add(1)
	p.mu.Unlock()
	connected := make(chan grant, 1)
	go func() {
		defer p.running.Done()
		c, err := p.connect()
		connected <- grant{c, err}
	}()
	select {
	case g := <-connected:
		if g.err != nil {
			return nil, g.err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		g.conn.inFlight++
		return g.conn, nil
	case <-ctx.Done():
		// The connection may still come about; the next one can use it.
		go func() {
			if g := <-connected; g.err == nil {
				p.mu.Lock()
				p.idle.put(g.conn)
				p.mu.Unlock()
			}
		}()
		return nil, interrupted(ctx, op, "", NotSent)
	}
}

// releaseExclusive gives a connection back. One that is not clean, for there
// is an unfinished search on it, is closed.
func (p *Pool) releaseExclusive(c *connection, isClean bool) {
	p.mu.Lock()
	c.inFlight--
	if isClean {
		p.idle.put(c)
	} else {
		p.discard(c)
	}
	p.mu.Unlock()
	p.exclusive.Release(1)
}

// onExclusive runs a request on an exclusive connection. When ctx ends the
// connection is given up, so that nothing is left running.
func onExclusive[T any](ctx context.Context, p *Pool, c *connection, name verb, request func() (T, error)) (T, error) {
	started := time.Now()
	stop := context.AfterFunc(ctx, c.kill)
	result, err := request()
	if !stop() {
		failure := interrupted(ctx, name.op, c.server.url, Unknown)
		p.observe(name.metric, c.server, started, failure)
		return result, failure
	}
	if err == nil {
		p.observe(name.metric, c.server, started, nil)
		return result, nil
	}
	failure := &Error{Op: name.op, Server: c.server.url}
	failure.Outcome, failure.Err = judge(err)
	if failure.Outcome != Answered && !isMistake(err) {
		failure.isRepeatable = !errors.Is(failure.Err, errNoAnswer) || c.socket.isSilent(started)
		p.mu.Lock()
		p.doubt(c)
		p.mu.Unlock()
	}
	p.observe(name.metric, c.server, started, failure)
	return result, failure
}
