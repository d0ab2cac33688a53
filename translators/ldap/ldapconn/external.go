package ldapconn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// textTLSAlert is in go-ldap's error when the server has ended TLS for a reason:
// in TLS 1.3 a client's certificate is judged after the handshake, so that what
// the server thinks of it comes with the first answer.
const textTLSAlert = "remote error: tls: "

// bindExternal signs in by SASL EXTERNAL (RFC 4422 appendix A) and asks as whom.
func (p *Pool) bindExternal(c *connection) error {
	if err := p.signInExternally(c); err != nil {
		return err
	}
	answer, err := c.ldap.WhoAmI(nil)
	if err != nil {
		if outcome, cause := judge(err); outcome != Answered {
			return fmt.Errorf("asking the server who we are: %w", cause)
		}
		// It does not know the question (RFC 4532), or does not answer it.
		p.config.Logger.Warn("the directory does not tell as whom SASL EXTERNAL signs in",
			slog.String("server", c.server.url), slog.Any("error", err))
		answer = new(ldap.WhoAmIResult)
	}
	p.mu.Lock()
	p.identity = answer.AuthzID
	p.mu.Unlock()
	return nil
}

// signInExternally signs in on a connection that nothing else uses.
func (p *Pool) signInExternally(c *connection) error {
	err := c.ldap.ExternalBind()
	if err == nil {
		return nil
	}
	switch outcome, cause := judge(err); {
	case outcome == Answered:
		// The words stay, the code goes: it would pass for the answer to a request.
		return fmt.Errorf("%w: %w", ErrExternalRefused, opaque(err))
	case strings.Contains(cause.Error(), textTLSAlert):
		return fmt.Errorf("%w: it does not accept the client certificate: %w", ErrExternalRefused, cause)
	case c.server.address.tls || p.config.StartTLS:
		return fmt.Errorf("signing in by SASL EXTERNAL (a server that does not accept a client certificate may just end the connection): %w", cause)
	default:
		return fmt.Errorf("signing in by SASL EXTERNAL: %w", cause)
	}
}

// Identity is the authorization identity (RFC 4513 section 5.2.1.8) as which the
// connection made last is signed in by SASL EXTERNAL: "dn:" and a name, or "u:"
// and something else. It is empty when nothing was asked of the directory yet,
// or the directory does not tell (RFC 4532).
func (p *Pool) Identity() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.identity
}

// testExternal signs in by SASL EXTERNAL on a connection of its own.
func (p *Pool) testExternal(ctx context.Context) (BindResult, error) {
	end, err := p.beginTest(ctx)
	if err != nil {
		return BindResult{}, err
	}
	defer end()
	ctx, cancel := context.WithTimeout(ctx, p.config.DialTimeout)
	defer cancel()
	c, err := p.newProbe(ctx)
	if err != nil {
		return BindResult{}, err
	}
	defer p.giveProbe(c, false)
	started := time.Now()
	stop := context.AfterFunc(ctx, c.kill)
	defer stop()
	err = p.signInExternally(c)
	result := BindResult{Server: c.server.url, Accepted: err == nil}
	if err != nil && !errors.Is(err, ErrExternalRefused) {
		err = &Error{Op: testingBind.op, Server: c.server.url, Outcome: Unknown, Err: timely(ctx, err)}
	} else if err != nil {
		result.Diagnostic, err = err.Error(), nil
	}
	p.observe(testingBind.metric, c.server, started, err)
	return result, err
}
