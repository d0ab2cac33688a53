// Package web makes HTTP requests to an application: over kept connections, within
// time and size, repeated where that is safe, no faster than the application
// wants, and never to another host.
package web

import (
	"context"
	"io"
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

// Signer signs requests in. One that is an io.Closer is closed when the client is, by
// requests of its own if it wants.
type Signer interface {
	// Sign adds to a request what signs it in; it may replace its body. It may make
	// requests of its own through the client, with Request.Unsigned or Request.Signer
	// set. It is called for each sending of a request, last of all that changes it. An
	// *[Error] in the chain of its error says when trying again makes sense.
	Sign(ctx context.Context, r *http.Request, body []byte) error
	// Refused is told that the application took the request for not signed in. It
	// reports whether signing in anew may help; the request, which was not carried out,
	// is then sent once more.
	Refused(ctx context.Context, r *http.Request) (again bool)
}

// Listener is a [Signer] that is told of the answers to what it signed, redirects
// among them, but for those that the request calls refused.
type Listener interface {
	Answered(r *http.Request, answer *Response)
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
		if !c.isDone(-1) {
			return
		}
		if _, hasToSignOut := c.signer.(io.Closer); hasToSignOut {
			go c.close() // who releases does not wait for the application
			return
		}
		c.close()
	})
}

// Destruct closes the connections once no lease is held, and then signs out. A request
// that still comes is served. It makes a *Client a value of caddy.UsagePool.
func (c *Client) Destruct() error {
	c.mu.Lock()
	c.isClosing = true
	c.mu.Unlock()
	if c.isDone(0) {
		c.close()
	}
	return nil
}

// isDone counts leases, and reports whether none is held of a client that is closing.
func (c *Client) isDone(leases int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leases += leases
	return c.isClosing && c.leases == 0
}

// close signs out and closes what is idle.
func (c *Client) close() {
	if s, is := c.signer.(io.Closer); is {
		if err := s.Close(); err != nil {
			c.logger.Warn("signing out of the application", zap.Error(err))
		}
	}
	c.transport.CloseIdleConnections()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, other := range c.others {
		other.transport.CloseIdleConnections()
	}
}
