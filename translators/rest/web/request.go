package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Request is what is sent.
type Request struct {
	Method string
	// URL is the path and the query, to the end of the client's base; or an absolute
	// URL, which must be of the same host (see [Client.Resolve]).
	URL    string
	Header http.Header
	Body   []byte
	// IsRepeatable allows to send it again when it may have been sent and no answer
	// came, or one of a gateway before the application (502, 504). What was not sent,
	// and what the application was too busy for, is sent again in any case.
	IsRepeatable bool
	// Unsigned keeps the signer from it.
	Unsigned bool
	// Signer signs it instead of the client's: that of a login call, which can't wait
	// for the session that it is to bring. Such a request, as an unsigned one, may be
	// one that another waits for.
	Signer Signer
	// IsRefused reports whether an answer means that the request was not signed in.
	// Default: the status 401.
	IsRefused func(*Response) bool
	// IsBusy reports whether an answer means that the request was not carried out and
	// may be sent again later. Default: 429 and 503.
	IsBusy func(*Response) bool
	// IsAnswer reports whether a redirect (a status of 301 to 308 with Location) is
	// all that the application answers to this request: it is then returned as any
	// answer is. Default: none is; GET and HEAD follow it within the host, writes follow
	// 307 and 308, and others are errors.
	IsAnswer func(*Response) bool
	// Timeout bounds all of it, repetitions included. Default: that of the client.
	Timeout time.Duration
}

// check refuses what can't be sent.
func (r *Request) check() error {
	for name, values := range r.Header {
		if !isToken(name) {
			return fmt.Errorf("%q is not the name of a header", name)
		}
		for _, value := range values {
			if !isHeaderValue(value) {
				return fmt.Errorf("the value of the header %s holds a line break or another control character", name)
			}
		}
	}
	if !isToken(r.Method) {
		return fmt.Errorf("%q is not a method", r.Method)
	}
	return nil
}

// isRead reports whether the method is one that changes nothing.
func (r *Request) isRead() bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// signer returns what signs the request, or nil.
func (r *Request) signer(usual Signer) Signer {
	switch {
	case r.Unsigned:
		return nil
	case r.Signer != nil:
		return r.Signer
	}
	return usual
}

// isInner reports whether another request may wait for this one.
func (r *Request) isInner() bool { return r.Unsigned || r.Signer != nil }

func (r *Request) isRefused(response *Response) bool {
	if r.IsRefused == nil {
		return response.Status == http.StatusUnauthorized
	}
	return r.IsRefused(response)
}

func (r *Request) isBusy(response *Response) bool {
	if r.IsBusy == nil {
		return response.Status == http.StatusTooManyRequests || response.Status == http.StatusServiceUnavailable
	}
	return r.IsBusy(response)
}

// build makes the request of net/http for one sending.
func (r *Request) build(ctx context.Context, target *url.URL) *http.Request {
	to := *target
	request := (&http.Request{
		Method: r.Method, URL: &to, Host: to.Host, Header: r.Header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if request.Header == nil {
		request.Header = make(http.Header)
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "scimgate")
	}
	if len(r.Body) > 0 {
		request.ContentLength = int64(len(r.Body))
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
		request.Body, _ = request.GetBody()
	}
	return request
}

// sendOnce keeps net/http from sending a request again by itself when a kept
// connection breaks, which it does with methods that are safe by definition.
func sendOnce(request *http.Request) {
	switch request.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		request.GetBody = nil
		if request.Body == nil {
			request.Body = io.NopCloser(strings.NewReader(""))
		}
	}
}

// isToken reports whether the text is a token (RFC 9110 §5.6.2).
func isToken(text string) bool {
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return text != ""
}

// isHeaderValue reports whether the text can be a header's value (RFC 9110 §5.5).
func isHeaderValue(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
