package ldapconn

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// dial makes a connection to a server and binds it, all within DialTimeout.
func (p *Pool) dial(ctx context.Context, s *server, secret string) (*connection, error) {
	started := time.Now()
	ctx, cancel := context.WithTimeout(ctx, p.config.DialTimeout)
	defer cancel()
	c, err := p.open(ctx, s)
	if err == nil {
		// Whatever go-ldap waits for, the end of ctx ends it.
		stop := context.AfterFunc(ctx, c.kill)
		err = p.bind(ctx, c, secret)
		if !stop() && err == nil {
			err = ctx.Err()
		}
		if err != nil {
			err = timely(ctx, err)
			c.kill()
			_ = c.ldap.Close()
		} else {
			c.ldap.SetTimeout(p.config.RequestTimeout)
		}
	}
	p.observe("connect", s, started, err)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// timely prefers the end of ctx to what it has caused.
func timely(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil && !errors.Is(err, ErrBindRefused) {
		return fmt.Errorf("giving up: %w", cause)
	}
	return err
}

// open makes a connection and secures it, without a bind.
func (p *Pool) open(ctx context.Context, s *server) (*connection, error) {
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4,
	}}
	raw, err := dialer.DialContext(ctx, s.address.network, s.address.location)
	if err != nil {
		return nil, err
	}
	c := &connection{server: s, socket: newSocket(raw, p.config.WriteTimeout)}
	c.expires = time.Now().Add(p.config.MaxAge - time.Duration(rand.Int64N(int64(p.config.MaxAge)/10+1)))
	stop := context.AfterFunc(ctx, c.kill)
	err = p.secure(ctx, c)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		err = timely(ctx, err)
		c.kill()
		if c.ldap != nil {
			_ = c.ldap.Close()
		}
		return nil, err
	}
	return c, nil
}

// secure puts TLS on a connection if its server is to have it, and LDAP on top.
func (p *Pool) secure(ctx context.Context, c *connection) error {
	config := p.config.TLS.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	config.ServerName = cmp.Or(config.ServerName, c.server.address.host)
	if c.server.address.tls {
		secured := tls.Client(c.socket, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("securing the connection: %w", err)
		}
		c.ldap = ldap.NewConn(secured, true)
	} else {
		c.ldap = ldap.NewConn(c.socket, false)
	}
	c.ldap.SetTimeout(p.config.DialTimeout)
	c.ldap.Start()
	if p.config.StartTLS {
		if err := c.ldap.StartTLS(config); err != nil {
			return fmt.Errorf("securing the connection: StartTLS: %w", opaque(err))
		}
	}
	return nil
}

// password asks for the service account's password.
func (p *Pool) password(ctx context.Context) (string, error) {
	if p.config.BindDN == "" {
		return "", nil
	}
	password, err := p.config.Password(ctx)
	if err == nil && password == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", &Error{Op: "connecting", Outcome: NotSent, Err: fmt.Errorf("reading the password of %s: %w", p.config.BindDN, err)}
	}
	return password, nil
}

// bind binds the service account. A refusal is taken back once if the password
// has changed meanwhile.
func (p *Pool) bind(ctx context.Context, c *connection, password string) error {
	if p.config.External {
		return p.bindExternal(c)
	}
	if p.config.BindDN == "" {
		// A frozen server accepts connections too: let it say something.
		_, err := c.ldap.Search(rootDSERequest("1.1"))
		if err != nil {
			return fmt.Errorf("reading the root entry: %w", opaque(err))
		}
		return nil
	}
	p.mu.Lock()
	isProven := password == p.proven
	p.mu.Unlock()
	if !isProven {
		// Two wrong binds at a time would be one too many.
		select {
		case p.bindGate <- struct{}{}:
			defer func() { <-p.bindGate }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for repeated := false; ; repeated = true {
		p.mu.Lock()
		refused := p.refusedFor(password, time.Now())
		p.mu.Unlock()
		if refused != nil {
			return refused
		}
		err := c.ldap.Bind(p.config.BindDN, password)
		if err == nil {
			p.mu.Lock()
			p.proven, p.refusedTest = password, ""
			p.refusal.password, p.refusal.until = "", time.Time{}
			p.refusal.pause.Reset()
			p.mu.Unlock()
			return nil
		}
		if !ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultUnwillingToPerform) {
			return fmt.Errorf("binding as %s: %w", p.config.BindDN, opaque(err))
		}
		p.refused(c.server, password, err)
		if !repeated {
			if password, err = p.password(ctx); err != nil {
				return err
			}
		}
	}
}

// refused notes a refused bind. It holds for all servers: they share the
// account, and often its lockout.
func (p *Pool) refused(s *server, password string, err error) {
	p.mu.Lock()
	pause := p.refusal.pause.NextBackOff()
	p.refusal.password, p.refusal.until, p.refusal.cause = password, time.Now().Add(pause), err.Error()
	p.proven = ""
	p.mu.Unlock()
	p.config.Logger.Error("the directory refuses the service account's bind; not trying again before its password changes",
		slog.String("server", s.url), slog.String("bind_dn", p.config.BindDN), slog.Duration("retry_in", pause), slog.Any("error", err))
}

// refusedFor returns the error for a password that was refused lately.
// The caller holds mu.
func (p *Pool) refusedFor(password string, now time.Time) error {
	if p.refusal.password != password || !now.Before(p.refusal.until) {
		return nil
	}
	return &Error{
		Op: "connecting", Outcome: NotSent, RetryAfter: p.refusal.until.Sub(now),
		Err: fmt.Errorf("%w: %s", ErrBindRefused, p.refusal.cause),
	}
}

// observe reports a finished exchange.
func (p *Pool) observe(operation string, s *server, started time.Time, err error) {
	observation := Observation{Operation: operation, Server: s.url, Duration: time.Since(started)}
	if err != nil {
		var known *Error
		observation.Outcome, observation.ResultCode = NotSent, resultCode(err)
		if errors.As(err, &known) {
			observation.Outcome = known.Outcome
		}
	}
	p.config.Observe(observation)
}
