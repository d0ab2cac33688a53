package ldap

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/ldap/ldapconn"
	"github.com/scimgate/scimgate/translators/trust"
)

// backends are the connections of all configurations in the process, so that
// those of a directory survive a reload that does not change it.
var backends = caddy.NewUsagePool()

// backend is the connections to a directory, shared by all configurations that
// describe them alike.
type backend struct {
	*ldapconn.Pool
	observer atomic.Pointer[func(translators.Observation)]
	// largestPage is the page that the directory took after it had refused a
	// larger one; 0 when it has refused none.
	largestPage atomic.Int64
}

// backendKey tells backends apart. It is a digest, because what it is made of
// holds the password.
type backendKey [sha256.Size]byte

// provisionBackend takes a reference to the connections, which are made with
// the first request.
func (t *Translator) provisionBackend(ctx caddy.Context) error {
	replacer := caddy.NewReplacer()
	servers := make([]string, len(t.Servers))
	for i, text := range t.Servers {
		server, err := replacer.ReplaceOrErr(text, true, true)
		if err != nil {
			return fmt.Errorf("server %s: %w", text, err)
		}
		servers[i] = server
	}
	if len(servers) == 0 {
		return errors.New("no server is named: give its address, such as ldaps://directory.example.com")
	}
	bindDN, err := replacer.ReplaceOrErr(t.BindDN, true, true)
	if err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	if bindDN != "" {
		if t.bindDN, err = goldap.ParseDN(bindDN); err != nil {
			return fmt.Errorf("bind %q is not a DN: %w", bindDN, err)
		}
	}
	password, err := readPassword(t.BindPassword)
	if err != nil {
		return err
	}
	switch {
	case t.BindExternal && password != "":
		return errors.New("bind external is without a password")
	case t.BindExternal:
	case bindDN != "" && password == "":
		return errors.New("bind: the password is missing: give it as a placeholder, such as {file./etc/scimgate/ldap}")
	case bindDN == "" && password != "":
		return errors.New("bind: the DN that the password belongs to is missing")
	}
	tlsConfig, roots, err := t.TLS.trust().Load()
	if err != nil {
		return err
	}
	if t.BindExternal {
		if err := t.TLS.canSignIn(servers); err != nil {
			return err
		}
	}
	config := t.Connections.pool()
	config.Servers, config.TLS, config.External = servers, tlsConfig, t.BindExternal
	config.StartTLS = t.TLS != nil && t.TLS.StartTLS
	config.Logger = ctx.Slogger()
	if bindDN != "" && !t.BindExternal {
		config.BindDN = bindDN
		template := t.BindPassword
		config.Password = func(context.Context) (string, error) { return readPassword(template) }
	}
	if t.key, err = digest(servers, config.BindDN, t.BindExternal, t.BindPassword, password, t.TLS, roots, t.Connections); err != nil {
		return err
	}
	value, _, err := backends.LoadOrNew(t.key, func() (caddy.Destructor, error) {
		b := new(backend)
		config.Observe = b.observe
		pool, err := ldapconn.New(config)
		b.Pool = pool
		return b, err
	})
	if err != nil {
		return err
	}
	t.backend, t.holds = value.(*backend), true
	t.pool = t.backend.Pool
	return nil
}

// readPassword resolves the placeholders in the password's template: {file.*} is
// read anew each time. The error names the placeholder, never what it stands for.
func readPassword(template string) (string, error) {
	password, err := caddy.NewReplacer().ReplaceOrErr(template, true, true)
	if err != nil {
		return "", fmt.Errorf("bind: reading the password: %w", err)
	}
	return password, nil
}

// digest is the key of a backend with these settings.
func digest(settings ...any) (backendKey, error) {
	text, err := json.Marshal(settings)
	if err != nil {
		return backendKey{}, fmt.Errorf("comparing connections: %w", err)
	}
	return sha256.Sum256(text), nil
}

// trust is what the translators have in common.
func (c *TLSConfig) trust() *trust.Config {
	if c == nil {
		return nil
	}
	return &c.Config
}

// canSignIn reports what is missing for SASL EXTERNAL at one of the servers.
func (c *TLSConfig) canSignIn(servers []string) error {
	for _, server := range servers {
		scheme, _, _ := strings.Cut(server, "://")
		switch {
		case scheme == "ldapi":
		case scheme == "ldap" && (c == nil || !c.StartTLS):
			return fmt.Errorf("bind external: nothing says to %s who scimgate is: use ldapi://, or TLS (ldaps:// or starttls) with tls_certificate", server)
		case c == nil || c.Certificate == "":
			return fmt.Errorf("bind external: %s needs a client certificate: add tls_certificate <certificate file> <key file>", server)
		}
	}
	return nil
}

// pool returns the settings in the form of the pool, whose defaults are those
// that the fields document.
func (c *ConnectionsConfig) pool() ldapconn.Config {
	if c == nil {
		return ldapconn.Config{}
	}
	return ldapconn.Config{
		Connections: c.Shared, InFlight: c.InFlight, Exclusive: c.Exclusive,
		DialTimeout: time.Duration(c.DialTimeout), RequestTimeout: time.Duration(c.RequestTimeout),
		MaxAge: time.Duration(c.MaxAge),
	}
}

// Lease implements [translators.Translator].
func (t *Translator) Lease() (func(), error) {
	lease, err := t.pool.Acquire()
	if err != nil {
		return nil, t.fault("taking a lease", err)
	}
	return lease.Release, nil
}

// Observe implements [translators.Observed]. Operations are those of
// [ldapconn.Observation]; a result is "ok", an LDAP result code, or "not_sent" or
// "unknown" where there was none.
func (t *Translator) Observe(f func(translators.Observation)) { t.backend.observer.Store(&f) }

func (b *backend) observe(o ldapconn.Observation) {
	f := b.observer.Load()
	if f == nil || *f == nil {
		return
	}
	result := o.Outcome.String()
	switch {
	case o.Outcome == ldapconn.Answered && o.ResultCode == goldap.LDAPResultSuccess:
		result = "ok"
	case o.Outcome == ldapconn.Answered:
		result = strconv.Itoa(int(o.ResultCode))
	}
	(*f)(translators.Observation{Operation: o.Operation, Result: result, Duration: o.Duration})
}

// Interface guard
var _ caddy.Destructor = (*backend)(nil)
