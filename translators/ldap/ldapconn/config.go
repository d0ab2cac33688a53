package ldapconn

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"
)

// Config describes one directory service. Zero durations and counts mean the
// defaults named here.
type Config struct {
	// Servers are the URLs of the servers that hold the same data, in order of
	// preference: ldap://host[:389], ldaps://host[:636] or
	// ldapi://%2Fpath%2Fto%2Fsocket. At least one.
	Servers []string
	// StartTLS secures ldap:// connections before anything else is sent on
	// them (RFC 4511 section 4.14). A server that refuses it is not used.
	StartTLS bool
	// TLS is used for ldaps:// and StartTLS. Nil means the system's roots. An
	// empty ServerName becomes the host of each server's URL.
	TLS *tls.Config
	// BindDN is the account of all connections; empty means anonymous, unless
	// External is set.
	BindDN string
	// Password returns the account's password. It is asked whenever a
	// connection is made and once more when the server has refused a bind, so
	// a rotated secret needs no reload. It must be set when BindDN is, and an
	// empty password is never sent: servers take it for an anonymous bind
	// (RFC 4513 section 5.1.2).
	Password func(ctx context.Context) (string, error)
	// External signs in by SASL EXTERNAL (RFC 4513 section 5.2.3) instead of by
	// BindDN and Password: as who the client certificate of TLS stands for, or
	// over ldapi:// as the process's user. Who that is says Pool.Identity.
	External bool

	// DialTimeout bounds the making of a connection: TCP, TLS and bind
	// together. Default 5 s.
	DialTimeout time.Duration
	// RequestTimeout bounds a request on a connection, from its sending to its
	// last answer. Default 10 s.
	RequestTimeout time.Duration
	// WriteTimeout is how long a server may leave our bytes unread. Default 5 s.
	WriteTimeout time.Duration
	// Connections is how many connections requests share. Default 2.
	Connections int
	// InFlight is how many requests may be open on each of them; what is
	// beyond waits. Default 64. (slapd drops a connection at 1000, an
	// anonymous one at 100.)
	InFlight int
	// Exclusive is how many further connections paged searches may use, each
	// of them one, and separately how many bind tests, on connections that
	// nobody is signed in on. Default 4.
	Exclusive int
	// IdleTimeout is when an unused connection of either is closed. Default 1 min.
	IdleTimeout time.Duration
	// MaxAge is when a connection is replaced, less up to a tenth at random,
	// so that changes of DNS and load balancers are followed. Default 30 min.
	MaxAge time.Duration
	// BackoffMin and BackoffMax bound the growing pause, half of it at random,
	// before a server that failed is tried again. Default 250 ms and 30 s.
	BackoffMin, BackoffMax time.Duration
	// RefusedMin and RefusedMax do the same after a refused bind, on all
	// servers together: each attempt counts towards a lockout of the account.
	// A changed password ends the pause. Default 30 s and 5 min.
	RefusedMin, RefusedMax time.Duration
	// Grace is how long after Destruct and after the last lease the pool still
	// serves. Default 10 s.
	Grace time.Duration

	// Logger is told of servers that fail and come back, never of requests.
	// Nil discards.
	Logger *slog.Logger
	// Observe is called after each request, connect and bind. It must be
	// quick and safe for concurrent use. Nil is allowed.
	Observe func(Observation)
}

// Observation is one finished exchange with a server, for metrics.
type Observation struct {
	// Operation is search, modify, add, delete, modify_dn, password_modify,
	// connect (with the service account's bind) or bind_test.
	Operation string
	// Server is the server's URL.
	Server string
	// Outcome is Answered, NotSent or Unknown.
	Outcome Outcome
	// ResultCode is the LDAP result code when Outcome is Answered.
	ResultCode uint16
	// Duration is how long it took, without waiting for a connection.
	Duration time.Duration
}

func (c *Config) setDefaults() {
	c.DialTimeout = cmp.Or(c.DialTimeout, 5*time.Second)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, 10*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 5*time.Second)
	c.Connections = cmp.Or(c.Connections, 2)
	c.InFlight = cmp.Or(c.InFlight, 64)
	c.Exclusive = cmp.Or(c.Exclusive, 4)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, time.Minute)
	c.MaxAge = cmp.Or(c.MaxAge, 30*time.Minute)
	c.BackoffMin = cmp.Or(c.BackoffMin, 250*time.Millisecond)
	c.BackoffMax = cmp.Or(c.BackoffMax, 30*time.Second)
	c.RefusedMin = cmp.Or(c.RefusedMin, 30*time.Second)
	c.RefusedMax = cmp.Or(c.RefusedMax, 5*time.Minute)
	c.Grace = cmp.Or(c.Grace, 10*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Observe == nil {
		c.Observe = func(Observation) {}
	}
}

func (c *Config) validate() error {
	for _, number := range []struct {
		name  string
		value int64
	}{
		{"DialTimeout", int64(c.DialTimeout)}, {"RequestTimeout", int64(c.RequestTimeout)},
		{"WriteTimeout", int64(c.WriteTimeout)}, {"Connections", int64(c.Connections)},
		{"InFlight", int64(c.InFlight)}, {"Exclusive", int64(c.Exclusive)},
		{"IdleTimeout", int64(c.IdleTimeout)}, {"MaxAge", int64(c.MaxAge)},
		{"BackoffMin", int64(c.BackoffMin)}, {"BackoffMax", int64(c.BackoffMax)},
		{"RefusedMin", int64(c.RefusedMin)}, {"RefusedMax", int64(c.RefusedMax)}, {"Grace", int64(c.Grace)},
	} {
		if number.value < 0 {
			return fmt.Errorf("%s is negative", number.name)
		}
	}
	switch {
	case len(c.Servers) == 0:
		return errors.New("no server is named")
	case c.BackoffMin > c.BackoffMax:
		return errors.New("BackoffMin is above BackoffMax")
	case c.RefusedMin > c.RefusedMax:
		return errors.New("RefusedMin is above RefusedMax")
	case c.External && (c.BindDN != "" || c.Password != nil):
		return errors.New("SASL EXTERNAL is without a DN and password")
	case c.BindDN != "" && c.Password == nil:
		return fmt.Errorf("binding as %s needs a password", c.BindDN)
	case c.BindDN == "" && c.Password != nil:
		return errors.New("a password needs the DN that it belongs to")
	}
	return nil
}

// address is where and how a server is reached.
type address struct {
	network, host, location string // host is the name that a certificate is checked against
	tls                     bool
}

// CheckServer reports what is wrong with a server's URL.
func CheckServer(text string) error {
	_, err := parseAddress(text, false)
	return err
}

// parseAddress reads a server's URL. net/url refuses the escaped path that
// ldapi has for a host, so that scheme is read by hand.
func parseAddress(text string, startTLS bool) (address, error) {
	if rest, is := strings.CutPrefix(text, "ldapi://"); is {
		path, err := url.PathUnescape(strings.TrimSuffix(rest, "/"))
		switch {
		case err != nil:
			return address{}, fmt.Errorf("reading server %q: %w", text, err)
		case !strings.HasPrefix(path, "/"):
			return address{}, fmt.Errorf("reading server %q: no socket path; it looks like ldapi://%%2Frun%%2Fslapd%%2Fldapi", text)
		case startTLS:
			return address{}, fmt.Errorf("reading server %q: StartTLS is for ldap:// only", text)
		}
		return address{network: "unix", location: path}, nil
	}
	parsed, err := url.Parse(text)
	if err != nil {
		return address{}, fmt.Errorf("reading server: %w", err)
	}
	ports := map[string]string{"ldap": "389", "ldaps": "636"}
	switch {
	case ports[parsed.Scheme] == "":
		return address{}, fmt.Errorf("reading server %q: the scheme must be ldap, ldaps or ldapi", text)
	case parsed.Hostname() == "":
		return address{}, fmt.Errorf("reading server %q: no host", text)
	case parsed.Path != "" && parsed.Path != "/", parsed.RawQuery != "", parsed.User != nil, parsed.Fragment != "":
		return address{}, fmt.Errorf("reading server %q: only scheme, host and port belong here", text)
	case parsed.Scheme == "ldaps" && startTLS:
		return address{}, fmt.Errorf("reading server %q: StartTLS is for ldap:// only", text)
	}
	return address{
		network:  "tcp",
		host:     parsed.Hostname(),
		location: net.JoinHostPort(parsed.Hostname(), cmp.Or(parsed.Port(), ports[parsed.Scheme])),
		tls:      parsed.Scheme == "ldaps",
	}, nil
}
