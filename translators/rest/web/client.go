// Package web makes HTTP requests to an application: over kept connections, within
// time and size, repeated where that is safe, no faster than the application
// wants, and never to another host.
package web

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/translators"
)

// Client makes requests to one application. It is used by many goroutines at once.
type Client struct {
	config    Config // with its defaults
	base      *url.URL
	signer    Signer // nil: none
	logger    *zap.Logger
	observe   func(translators.Observation)
	transport *http.Transport
	limits    *limits
	breaker   *breaker
	pause     time.Duration // before the first repetition, about

	mu        sync.Mutex
	others    []*Client // by To
	leases    int
	isClosing bool
}

// Signer signs requests in.
type Signer interface {
	// Sign adds to a request what signs it in. It may make requests of its own through
	// the client, with Request.Unsigned set. It is called for each sending of a
	// request, last of all that changes it.
	Sign(ctx context.Context, r *http.Request, body []byte) error
	// Refused is told that the application took the request for not signed in. It
	// reports whether signing in anew may help; the request, which was not carried out,
	// is then sent once more.
	Refused(ctx context.Context, r *http.Request) (again bool)
}

// New returns a client of the application at base, http:// or https:// with a path
// or without one. It connects with the first request. observe is called after each
// sending of a request; its operation is the method, its result the class of the
// status ("2xx") or the Reason of an [Error]. logger and observe may be nil.
func New(config Config, base string, logger *zap.Logger, observe func(translators.Observation)) (*Client, error) {
	address, err := ParseBase(base)
	if err != nil {
		return nil, err
	}
	if config, err = config.withDefaults(); err != nil {
		return nil, err
	}
	transport, err := newTransport(config)
	if err != nil {
		return nil, err
	}
	if logger == nil {
		logger = zap.NewNop()
	}
	if observe == nil {
		observe = func(translators.Observation) {}
	}
	return &Client{
		config: config, base: address, logger: logger, observe: observe, transport: transport, pause: 200 * time.Millisecond,
		limits: newLimits(config), breaker: newBreaker(config, address.Scheme+"://"+address.Host, logger),
	}, nil
}

// UseSigner sets what signs requests in. It is called at most once, before the first
// request that is signed; the signer itself may hold the client.
func (c *Client) UseSigner(s Signer) { c.signer = s }

// To returns a client for another server that the configuration names, such as one
// that gives out tokens: with the same settings but the server's name, without a
// signer, with limits of its own. It is closed with c.
func (c *Client) To(base string) (*Client, error) {
	config := c.config
	if config.TLS != nil {
		security := *config.TLS
		security.ServerName = ""
		config.TLS = &security
	}
	config.Rate, config.Per = 0, 0
	// Never is -1 where no default is in place.
	if config.Retries == 0 {
		config.Retries = -1
	}
	if config.BreakAfter == 0 {
		config.BreakAfter = -1
	}
	other, err := New(config, base, c.logger, c.observe)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.others = append(c.others, other)
	return other, nil
}

// Lease keeps the connections open after Destruct until release is called. More than
// one call of release does no harm.
func (c *Client) Lease() (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leases++
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.leases--
		c.closeIfDone()
	})
}

// Destruct closes the connections once no lease is held. It does not wait, and a
// request that still comes is served. It makes a *Client a value of caddy.UsagePool.
func (c *Client) Destruct() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isClosing = true
	c.closeIfDone()
	return nil
}

// closeIfDone closes what is idle. The caller holds mu.
func (c *Client) closeIfDone() {
	if !c.isClosing || c.leases > 0 {
		return
	}
	c.transport.CloseIdleConnections()
	for _, other := range c.others {
		other.transport.CloseIdleConnections()
	}
}
