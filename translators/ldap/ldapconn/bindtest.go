package ldapconn

import (
	"context"
	"errors"
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
	if p.bindTests.Acquire(ctx, 1) != nil {
		return BindResult{}, interrupted(ctx, testingBind.op, "", NotSent)
	}
	defer p.bindTests.Release(1)
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.running.Add(1)
	}
	p.mu.Unlock()
	if closed {
		return BindResult{}, &Error{Op: testingBind.op, Outcome: NotSent, Err: ErrClosed}
	}
	defer p.running.Done()

	ctx, cancel := context.WithTimeout(ctx, p.config.DialTimeout)
	defer cancel()
	request := ldap.NewSimpleBindRequest(dn, password, []ldap.Control{ldap.NewControlBeheraPasswordPolicy()})
	for {
		c, isFresh, err := p.takeProbe(ctx)
		if err != nil {
			return BindResult{}, err
		}
		result, err := p.testBind(ctx, c, request)
		p.mu.Lock()
		c.inFlight--
		if err == nil && !result.Accepted {
			p.probes.put(c)
		} else {
			p.discard(c)
		}
		p.mu.Unlock()
		var failure *Error
		if isFresh || !errors.As(err, &failure) || failure.Outcome == Answered || ctx.Err() != nil {
			return result, err
		}
		// The server may have closed it while it was kept: a new one shows.
	}
}

// takeProbe returns a connection on which nobody is signed in, one that was kept
// or a new one.
func (p *Pool) takeProbe(ctx context.Context) (c *connection, isFresh bool, err error) {
	p.mu.Lock()
	c, s := p.probes.take(), p.active
	p.mu.Unlock()
	if c != nil {
		return c, false, nil
	}
	started := time.Now()
	if c, err = p.open(ctx, s); err != nil {
		failure := &Error{Op: testingBind.op, Server: s.url, Outcome: NotSent, Err: err}
		p.observe(testingBind.metric, s, started, failure)
		return nil, true, failure
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep(c)
	c.inFlight++
	return c, true, nil
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
// no lockout counts.
func (p *Pool) TestOwnBind(ctx context.Context) (BindResult, error) {
	p.mu.Lock()
	password := p.proven
	p.mu.Unlock()
	if password == "" {
		// Nothing was asked of the directory yet.
		if err := p.Probe(ctx); err != nil {
			return BindResult{}, err
		}
		p.mu.Lock()
		password = p.proven
		p.mu.Unlock()
	}
	return p.TestBind(ctx, p.config.BindDN, password)
}
