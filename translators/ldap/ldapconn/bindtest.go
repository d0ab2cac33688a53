package ldapconn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// BindResult is what a server says to a name and password.
type BindResult struct {
	// Server is the URL of the server that has answered.
	Server string
	// Accepted means that the bind succeeded.
	Accepted bool
	// Locked means that the server has said, by the password policy control
	// (draft-behera-ldap-password-policy), that the account is locked. Servers
	// that keep this to themselves only refuse.
	Locked bool
	// Governed means that the answer came with the password policy control,
	// whatever it says: a password policy is in force for the entry. slapd's
	// overlay leaves the control out for its rootdn and for a name without an
	// entry; a proxy in between may take it out.
	Governed bool
	// ResultCode is the LDAP result code, Diagnostic the server's words. They
	// are for the operator; Active Directory puts the reason there.
	ResultCode uint16
	Diagnostic string
}

// accountLocked is an error of the password policy control.
const accountLocked = 1

// TestBind tries a name and password at the active server. A refusal is a
// result; an error means that nothing is known. It counts towards a lockout like
// any failed login.
//
// It goes out on a connection of its own kind, on which nobody is signed in: a
// refused bind leaves it so (RFC 4513 section 4), and it is kept for the next
// test. After an accepted one, or when no answer came, it is closed.
func (p *Pool) TestBind(ctx context.Context, dn, password string) (BindResult, error) {
	if dn == "" || password == "" {
		// Servers take both for anonymous and accept (RFC 4513 section 5.1).
		return BindResult{}, &Error{Op: testingBind.op, Outcome: NotSent, Err: errors.New("name or password is empty")}
	}
	end, err := p.beginTest(ctx)
	if err != nil {
		return BindResult{}, err
	}
	defer end()
	ctx, cancel := context.WithTimeout(ctx, p.config.DialTimeout)
	defer cancel()
	request := ldap.NewSimpleBindRequest(dn, password, []ldap.Control{ldap.NewControlBeheraPasswordPolicy()})
	for {
		c, isFresh, err := p.takeProbe(ctx)
		if err != nil {
			return BindResult{}, err
		}
		result, err := p.testBind(ctx, c, request)
		p.giveProbe(c, err == nil && !result.Accepted)
		var failure *Error
		if isFresh || !errors.As(err, &failure) || failure.Outcome == Answered || ctx.Err() != nil {
			return result, err
		}
		// The server may have closed it while it was kept: a new one shows.
	}
}

// beginTest waits until there may be one bind test more.
func (p *Pool) beginTest(ctx context.Context) (end func(), err error) {
	if p.bindTests.Acquire(ctx, 1) != nil {
		return nil, interrupted(ctx, testingBind.op, "", NotSent)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.bindTests.Release(1)
		return nil, &Error{Op: testingBind.op, Outcome: NotSent, Err: ErrClosed}
	}
	p.running.Add(1)
	return func() {
		p.running.Done()
		p.bindTests.Release(1)
	}, nil
}

// takeProbe returns a connection on which nobody is signed in, one that was kept
// or a new one. giveProbe takes it back.
func (p *Pool) takeProbe(ctx context.Context) (c *connection, isFresh bool, err error) {
	p.mu.Lock()
	c = p.probes.take()
	p.mu.Unlock()
	if c == nil {
		c, err = p.newProbe(ctx)
		return c, true, err
	}
	return c, false, nil
}

// newProbe makes a connection on which nobody is signed in.
func (p *Pool) newProbe(ctx context.Context) (*connection, error) {
	p.mu.Lock()
	s := p.active
	p.mu.Unlock()
	started := time.Now()
	c, err := p.open(ctx, s)
	if err != nil {
		failure := &Error{Op: testingBind.op, Server: s.url, Outcome: NotSent, Err: err}
		p.observe(testingBind.metric, s, started, failure)
		return nil, failure
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep(c)
	c.inFlight++
	return c, nil
}

// giveProbe keeps a connection for the next test, or closes it when somebody may
// be signed in on it.
func (p *Pool) giveProbe(c *connection, isClean bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.inFlight--
	if isClean {
		p.probes.put(c)
	} else {
		p.discard(c)
	}
}

// testBind makes one attempt. The connection is killed when ctx ends.
func (p *Pool) testBind(ctx context.Context, c *connection, request *ldap.SimpleBindRequest) (result BindResult, err error) {
	started := time.Now()
	defer func() { p.observe(testingBind.metric, c.server, started, err) }()
	result.Server = c.server.url
	stop := context.AfterFunc(ctx, c.kill)
	defer stop()
	answer, err := c.ldap.SimpleBind(request)
	if answer != nil {
		policy, has := ldap.FindControl(answer.Controls, ldap.ControlTypeBeheraPasswordPolicy).(*ldap.ControlBeheraPasswordPolicy)
		result.Governed, result.Locked = has, has && policy.Error == accountLocked
	}
	if err == nil {
		result.Accepted = true
		return result, nil
	}
	failure := &Error{Op: testingBind.op, Server: c.server.url}
	failure.Outcome, failure.Err = judge(err)
	switch resultCode(failure.Err) {
	case ldap.LDAPResultInvalidCredentials, ldap.LDAPResultUnwillingToPerform,
		ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultConstraintViolation:
	default:
		failure.Err = timely(ctx, failure.Err)
		return BindResult{}, failure
	}
	result.ResultCode = resultCode(failure.Err)
	var refusal *ldap.Error
	if errors.As(failure.Err, &refusal) && refusal.Err != nil {
		result.Diagnostic = refusal.Err.Error()
	}
	return result, nil
}

// TestOwnBind is TestBind of the service account with its own password, which
// no lockout counts; or it signs in by SASL EXTERNAL, whose result tells nothing
// of a password policy.
//
// A password that the server refuses, because it was changed there, is not tried a
// second time before another is configured or a connection has signed in with it:
// the account would be locked out in the end. The error is then ErrBindRefused.
func (p *Pool) TestOwnBind(ctx context.Context) (BindResult, error) {
	if p.config.External {
		return p.testExternal(ctx)
	}
	password, err := p.password(ctx)
	if err != nil {
		return BindResult{}, err
	}
	p.mu.Lock()
	err = p.refusedFor(password, time.Now())
	if err == nil && password != "" && password == p.refusedTest {
		err = &Error{Op: testingBind.op, Outcome: NotSent, Err: ErrBindRefused}
	}
	p.mu.Unlock()
	if err != nil {
		return BindResult{}, err
	}
	result, err := p.TestBind(ctx, p.config.BindDN, password)
	if err == nil && !result.Accepted {
		p.mu.Lock()
		p.refusedTest = password
		p.mu.Unlock()
		return BindResult{}, &Error{Op: testingBind.op, Server: result.Server, Outcome: Answered, Err: fmt.Errorf("%w: %s", ErrBindRefused, result.Diagnostic)}
	}
	return result, err
}
