// Package web makes HTTP requests to an application: over kept connections, within
// time and size, repeated where that is safe, no faster than the application
// wants, and never to another host.
package web

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/translators"
)

// Client makes requests to one application. It is used by many goroutines at once.
type Client struct {
	config    Config
	base      *url.URL
	signer    Signer
	logger    *zap.Logger
	observe   func(translators.Observation)
	transport *http.Transport
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
	c := &Client{config: config, base: address, logger: logger, observe: observe}
	if c.logger == nil {
		c.logger = zap.NewNop()
	}
	if c.observe == nil {
		c.observe = func(translators.Observation) {}
	}
	c.transport = &http.Transport{ForceAttemptHTTP2: true, Proxy: http.ProxyFromEnvironment, IdleConnTimeout: 90 * time.Second}
	return c, nil
}

// UseSigner sets what signs requests in. It is called at most once, before the first
// request that is signed; the signer itself may hold the client.
func (c *Client) UseSigner(s Signer) { c.signer = s }

// To returns a client for another server that the configuration names, such as one
// that gives out tokens: with the same settings but the server's name, without a
// signer, with limits of its own. It is closed with c.
func (c *Client) To(base string) (*Client, error) { return New(c.config, base, c.logger, c.observe) }

// Lease keeps the connections open after Destruct until release is called.
func (c *Client) Lease() (release func()) { return func() {} }

// Destruct closes the connections once nothing is under way and no lease is held. It
// does not wait, and what still comes is served. It makes a *Client a value of
// caddy.UsagePool.
func (c *Client) Destruct() error {
	c.transport.CloseIdleConnections()
	return nil
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

// Request is what is sent.
type Request struct {
	Method string
	// URL is the path and the query, to the end of the client's base; or an absolute
	// URL, which must be of the same scheme, host and port.
	URL    string
	Header http.Header
	Body   []byte
	// IsRepeatable allows to send it again when no answer came, or one that says busy.
	IsRepeatable bool
	// Unsigned keeps the signer from it.
	Unsigned bool
	// IsRefused reports whether an answer means that the request was not signed in.
	// Default: the status 401.
	IsRefused func(*Response) bool
	// IsBusy reports whether an answer means that the request was not carried out and
	// may be sent again later. Default: 429 and 503.
	IsBusy func(*Response) bool
	// IsAnswer reports whether a redirect (a status of 301 to 308 with Location) is what
	// the application answers to a write that it carried out: it is then returned as any
	// answer is. Default: none is; GET and HEAD follow it within the host, writes follow
	// 307 and 308, and others are errors.
	IsAnswer func(*Response) bool
	// Timeout bounds all of it, repetitions included. Default: that of the client.
	Timeout time.Duration
}

// Response is an answer that came whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // as it was sent, but for the content coding
	URL    string // that it came from, after redirects
	// RetryAfter is that of the header, 0 without one; bounded.
	RetryAfter time.Duration
	// MaybeDone says that the request was sent before, that no answer came, and that it
	// may have been carried out then: of DELETE, not found may mean that it has done
	// its work.
	MaybeDone bool
}

// Error is why no answer came.
type Error struct {
	// MaybeSent is set where the application may have got the request.
	MaybeSent bool
	// Reason is a word for metrics: connect, tls, timeout, cut, too_large, redirect,
	// busy, breaker, sign_in, canceled, invalid.
	Reason     string
	RetryAfter time.Duration // 0 when unknown
	Err        error
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Do sends a request and reads the answer whole. An answer of any status is no
// error. Its error is an *[Error].
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(r.Timeout, time.Duration(c.config.Timeout), 10*time.Second))
	defer cancel()
	target, err := c.Resolve("", r.URL)
	if err != nil {
		return nil, &Error{Reason: "invalid", Err: err}
	}
	for again := false; ; again = true {
		request, err := http.NewRequestWithContext(ctx, r.Method, target, bytes.NewReader(r.Body))
		if err != nil {
			return nil, &Error{Reason: "invalid", Err: err}
		}
		if r.Header != nil {
			request.Header = r.Header.Clone()
		}
		isSigned := c.signer != nil && !r.Unsigned
		if isSigned {
			if err := c.signer.Sign(ctx, request, r.Body); err != nil {
				return nil, &Error{Reason: "sign_in", Err: err}
			}
		}
		answer, err := c.transport.RoundTrip(request)
		if err != nil {
			return nil, &Error{MaybeSent: true, Reason: "cut", Err: err}
		}
		limit := cmp.Or(c.config.MaxAnswer, 8<<20)
		body, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
		_ = answer.Body.Close()
		if err != nil {
			return nil, &Error{MaybeSent: true, Reason: "cut", Err: err}
		}
		if int64(len(body)) > limit {
			return nil, &Error{MaybeSent: true, Reason: "too_large", Err: errors.New("the answer is too large")}
		}
		response := &Response{Status: answer.StatusCode, Header: answer.Header, Body: body, URL: target}
		isRefused := response.Status == http.StatusUnauthorized
		if r.IsRefused != nil {
			isRefused = r.IsRefused(response)
		}
		if isSigned && isRefused && !again && c.signer.Refused(ctx, request) {
			continue
		}
		return response, nil
	}
}
