// Package web makes HTTP requests to an application: over kept connections, within
// time and size, repeated where that is safe, no faster than the application
// wants, and never to another host.
package web

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Client makes requests to one application. It is used by many goroutines at once.
type Client struct {
	config Config
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
	// Timeout bounds all of it, repetitions included. Default: that of the client.
	Timeout time.Duration
}

// Response is an answer that came whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // as it was sent, but for the content coding
	URL    string // that it came from, after redirects
}

// Error is why no answer came.
type Error struct {
	// MaybeSent is set where the application may have got the request.
	MaybeSent bool
	// Reason is a word for metrics: connect, tls, timeout, cut, too_large, redirect,
	// busy, breaker, sign_in, canceled.
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
	return nil, &Error{Reason: "connect", Err: errors.New("not connected")}
}
