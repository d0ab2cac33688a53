package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Error is why no answer came.
type Error struct {
	// MaybeSent is set where the application may have got the request, and carried it
	// out.
	MaybeSent bool
	// Reason is a word for metrics:
	//
	//	connect    no connection was made
	//	tls        one side does not trust the other, or speaks no TLS
	//	timeout    no whole answer came in time
	//	cut        the connection broke before the answer was whole
	//	too_large  the answer is larger than MaxAnswer
	//	coding     the answer is compressed in a way that was not asked for
	//	redirect   the answer leads to where the request must not go
	//	busy       the limits of connections or rate, or the application, kept it
	//	           waiting for too long
	//	breaker    the application has failed too often lately
	//	sign_in    it could not be signed in
	//	canceled   the caller has gone
	//	invalid    it can't be sent as it is
	Reason     string
	RetryAfter time.Duration // 0 when unknown
	// Unavailable is who is busy, or can't be reached, where signing in has failed for that
	// and not because it was refused: the application, the token endpoint login.example.com.
	Unavailable string
	Err         error
}

// The words of [Error.Reason].
const (
	reasonConnect  = "connect"
	reasonTLS      = "tls"
	reasonTimeout  = "timeout"
	reasonCut      = "cut"
	reasonTooLarge = "too_large"
	reasonCoding   = "coding"
	reasonRedirect = "redirect"
	reasonBusy     = "busy"
	reasonBreaker  = "breaker"
	reasonSignIn   = "sign_in"
	reasonCanceled = "canceled"
	reasonInvalid  = "invalid"
)

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// MayComeLate reports whether the request may be under way yet: what was answered, in
// whatever way, is not.
func (e *Error) MayComeLate() bool {
	switch e.Reason {
	case reasonTooLarge, reasonCoding, reasonRedirect:
		return false
	}
	return e.MaybeSent
}

// invalid is the error of a request that can't be sent as it is.
func invalid(err error) *Error { return &Error{Reason: reasonInvalid, Err: err} }

// lost is the error of a request without an answer.
func (c *Client) lost(ctx context.Context, w *wire, err error) *Error {
	e := &Error{MaybeSent: w.maybeSent()}
	host := c.base.Host
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Reason, e.Err = reasonCanceled, fmt.Errorf("giving up the request to %s: %w", host, ctx.Err())
	case ctx.Err() != nil && !w.isConnected:
		e.Reason, e.Err = reasonTimeout, fmt.Errorf("connecting to %s: no connection in time: %w", host, ctx.Err())
	case ctx.Err() != nil:
		e.Reason, e.Err = reasonTimeout, fmt.Errorf("waiting for %s: no answer in time: %w", host, ctx.Err())
	case isDistrust(err, w.isConnected):
		// Who does not trust the client's certificate has not looked at the request.
		e.MaybeSent, e.Reason, e.Err = false, reasonTLS, c.explained(fmt.Errorf("securing the connection to %s: %w", host, err))
	case !w.isConnected:
		e.Reason, e.Err = reasonConnect, fmt.Errorf("connecting to %s: %w", host, err)
	case strings.Contains(err.Error(), "server response headers exceeded"):
		e.Reason, e.Err = reasonTooLarge, fmt.Errorf("reading the answer of %s: its headers are too large: %w", host, err)
	default:
		e.Reason, e.Err = reasonCut, fmt.Errorf("waiting for %s: no whole answer: %w", host, err)
	}
	return e
}

// isDistrust reports whether the cause is that one side does not trust the other, or
// speaks no TLS. With TLS 1.3 a server tells what it thinks of the client's
// certificate after the request was written already.
func isDistrust(err error, isConnected bool) bool {
	if alert, is := errors.AsType[tls.AlertError](err); is {
		return !isConnected || isAboutTrust(alert)
	}
	text := err.Error()
	return !isConnected && (strings.Contains(text, "tls: ") || strings.Contains(text, "x509: ") || strings.Contains(text, "tls_certificate: ") ||
		strings.Contains(text, "server gave HTTP response to HTTPS client"))
}

// isAboutTrust reports whether an alert (RFC 8446 §6.2) is one of those by which a
// handshake fails.
func isAboutTrust(alert tls.AlertError) bool {
	switch alert {
	case 40, 42, 43, 44, 45, 46, 48, 49, 51, 70, 71, 116:
		return true
	}
	return false
}

// explained adds to an error of TLS what the operator can do about it, where that is
// known.
func (c *Client) explained(err error) error {
	if pair := c.config.TLS; pair != nil && pair.Certificate != "" {
		shown, loadError := pair.ClientCertificate()
		if loadError == nil && shown.Leaf != nil && time.Now().After(shown.Leaf.NotAfter) {
			return fmt.Errorf("the certificate in %s has expired on %s: renew it: %w", pair.Certificate, shown.Leaf.NotAfter.Format(time.DateOnly), err)
		}
	}
	switch text := err.Error(); {
	case strings.Contains(text, "server gave HTTP response to HTTPS client"), strings.Contains(text, "first record does not look like a TLS handshake"):
		return fmt.Errorf("the server speaks no TLS at this port: correct the port, or write http:// where the network is trusted: %w", err)
	case strings.Contains(text, "certificate signed by unknown authority"):
		return fmt.Errorf("the server's certificate is of an authority that is not known here: name its file in tls_ca: %w", err)
	case strings.Contains(text, "certificate required"):
		return fmt.Errorf("the server wants a client certificate: name it in tls_certificate <certificate file> <key file>: %w", err)
	}
	return err
}
