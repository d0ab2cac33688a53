package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/scimgate/scimgate/translators"
)

// Do sends a request and reads the answer whole. An answer of any status is no
// error. Its error is an *[Error].
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(r.Timeout, time.Duration(c.config.Timeout)))
	defer cancel()
	target, err := c.resolve("", r.URL)
	if err != nil {
		return nil, invalid(err)
	}
	if err := r.check(); err != nil {
		return nil, invalid(err)
	}
	a := &asking{client: c, request: r, target: target}
	response, failure := a.untilAnswered(ctx)
	if failure != nil {
		return nil, failure
	}
	return response, nil
}

// asking is one request until it has its answer.
type asking struct {
	client        *Client
	request       *Request
	target        *url.URL
	isSignedAgain bool
	maybeDone     bool      // by a sending without an answer
	busy          *Response // the last answer that was
}

// untilAnswered sends the request, and again where that is safe and makes sense.
func (a *asking) untilAnswered(ctx context.Context) (*Response, *Error) {
	pauses := backoff.ExponentialBackOff{InitialInterval: a.client.pause, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 5 * time.Second}
	for sent := 0; ; sent++ {
		began := time.Now()
		response, failure := a.follow(ctx)
		if response != nil && a.request.isBusy(response) {
			a.busy = response
		}
		again, pause := a.mayRepeat(response, failure), pauses.NextBackOff()
		if response != nil {
			pause = max(pause, response.RetryAfter)
		}
		if !again || sent == a.client.config.Retries || !fits(ctx, pause+time.Since(began)) { // one that takes as long
			return a.conclude(response, failure)
		}
		if failure != nil && failure.MaybeSent || response != nil && response.isOfGateway() {
			a.maybeDone = true
		}
		if wait(ctx, pause) != nil {
			return a.conclude(nil, ended(ctx, cmp.Or(failure, &Error{Reason: reasonBusy, Err: ctx.Err()})))
		}
		if refusal := a.client.breaker.check(ctx); refusal != nil {
			// What has broken it says more than that it is broken.
			if failure != nil {
				failure.RetryAfter = refusal.RetryAfter
			}
			return a.conclude(response, failure)
		}
	}
}

// mayRepeat reports whether the request may be sent again after this.
func (a *asking) mayRepeat(response *Response, failure *Error) bool {
	if failure == nil {
		return a.request.isBusy(response) || a.request.IsRepeatable && response.isOfGateway()
	}
	switch failure.Reason {
	case reasonConnect, reasonCut:
		return !failure.MaybeSent || a.request.IsRepeatable
	}
	return false
}

// conclude is what is known at the end, of earlier sendings too.
func (a *asking) conclude(response *Response, failure *Error) (*Response, *Error) {
	if failure != nil && a.busy != nil && !a.maybeDone && (failure.Reason == reasonTimeout || failure.Reason == reasonBusy) &&
		(!failure.MaybeSent || a.request.isRead()) {
		return a.busy, nil // it says why there was no other in time
	}
	switch {
	case failure != nil:
		failure.MaybeSent = failure.MaybeSent || a.maybeDone
		return nil, failure
	case a.maybeDone && a.request.isBusy(response):
		// The answer speaks of the last sending alone.
		return nil, &Error{MaybeSent: true, Reason: reasonBusy, RetryAfter: response.RetryAfter,
			Err: fmt.Errorf("no answer came, and when the request was repeated the application was busy (%d)", response.Status)}
	}
	response.MaybeDone = a.maybeDone
	return response, nil
}

// maxRedirects bounds how many redirects are followed.
const maxRedirects = 5

// follow sends the request, once more if it was not signed in, and follows redirects.
func (a *asking) follow(ctx context.Context) (*Response, *Error) {
	r, target := a.request, a.target
	for redirects := 0; ; {
		request, response, failure := a.client.send(ctx, r, target)
		if failure != nil {
			return nil, failure
		}
		if r.isRefused(response) {
			if signer := r.signer(a.client.signer); signer != nil && !a.isSignedAgain {
				a.isSignedAgain = true
				if signer.Refused(ctx, request) {
					continue
				}
			}
			return response, nil
		}
		if listener, is := r.signer(a.client.signer).(Listener); is {
			listener.Answered(request, response)
		}
		response.IsRedirected = redirects > 0
		location := response.redirect()
		if location == "" || r.isBusy(response) || r.IsAnswer != nil && r.IsAnswer(response) {
			return response, nil
		}
		if redirects++; redirects > maxRedirects {
			return nil, &Error{MaybeSent: !r.isRead(), Reason: reasonRedirect,
				Err: fmt.Errorf("the application redirects more than %d times, perhaps in a circle: correct the URL of the call", maxRedirects)}
		}
		if target, failure = a.client.redirect(r, target, response, location); failure != nil {
			return nil, failure
		}
	}
}

// send makes one request, within the limits, and reads the answer.
func (c *Client) send(ctx context.Context, r *Request, target *url.URL) (request *http.Request, response *Response, failure *Error) {
	started := time.Now()
	defer func() {
		result := ""
		if failure != nil {
			result = failure.Reason
		} else {
			result = strconv.Itoa(response.Status/100) + "xx"
		}
		c.observe(translators.Observation{Operation: r.Method, Result: result, Duration: time.Since(started)})
	}()
	if failure := c.breaker.check(ctx); failure != nil {
		return nil, nil, failure
	}
	leave, failure := c.limits.enter(ctx, r.isInner())
	if failure != nil {
		return nil, nil, failure
	}
	defer leave()
	request = r.build(ctx, target)
	if signer := r.signer(c.signer); signer != nil {
		if err := signer.Sign(ctx, request, r.Body); err != nil {
			return nil, nil, unsigned(ctx, err)
		}
	}
	done, failure := c.breaker.allow(ctx)
	if failure != nil {
		return nil, nil, failure
	}
	started = time.Now()
	response, failure = c.exchange(request, r.IsRepeatable)
	done(judge(response, failure, time.Since(started), min(time.Second, time.Duration(c.config.Timeout)/2)))
	if response != nil {
		response.URL = target.String()
	}
	return request, response, failure
}

// unsigned is the error of a request that could not be signed in, and was not sent.
func unsigned(ctx context.Context, err error) *Error {
	e := &Error{Reason: reasonSignIn, Err: fmt.Errorf("signing in: %w", err)}
	if inner, is := errors.AsType[*Error](err); is {
		e.RetryAfter, e.Unavailable = inner.RetryAfter, inner.Unavailable
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		e.Reason = reasonCanceled
	}
	return e
}

// exchange sends what is signed, and reads the answer whole.
func (c *Client) exchange(request *http.Request, isRepeatable bool) (*Response, *Error) {
	if !isRepeatable {
		sendOnce(request)
	}
	var w wire
	ctx := request.Context()
	answer, err := c.transport.RoundTrip(request.WithContext(w.trace(ctx)))
	if err != nil {
		return nil, c.lost(ctx, &w, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusProxyAuthRequired {
		return nil, &Error{Reason: reasonConnect, Err: errors.New(proxyWantsSignIn)}
	}
	body, err := readBody(answer, c.config.MaxAnswer)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, &Error{MaybeSent: true, Reason: reasonTooLarge, Err: err}
	case errors.Is(err, errCoding):
		return nil, &Error{MaybeSent: true, Reason: reasonCoding, Err: err}
	case err != nil:
		return nil, c.lost(ctx, &w, fmt.Errorf("after %d bytes of the body: %w", len(body), err))
	}
	return &Response{Status: answer.StatusCode, Header: answer.Header, Body: body, RetryAfter: retryAfter(answer.Header, time.Now())}, nil
}
