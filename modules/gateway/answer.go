package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// proofHeader tells a caller that reads it that a disable was accepted by the
// backend but can't be proven.
const proofHeader = "Scimgate-Proof"

// drainTimeout bounds how long the server waits for a body that is not asked for
// any more: it reads some of it before it answers, and a caller that announces a
// body and sends none would hold the connection for ever.
var drainTimeout = 5 * time.Second

// answer writes a status and a body; nil is none.
func (x *exchange) answer(status int, body []byte) {
	if x.hasBody {
		x.readUntil(time.Now().Add(drainTimeout))
	}
	header := x.w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Request-Id", x.id)
	if x.proof == translators.Unprovable {
		header.Set(proofHeader, string(x.proof))
	}
	x.status = status
	if body == nil {
		x.w.WriteHeader(status)
		return
	}
	mediaType, ok := scim.AnswerType(strings.Join(x.r.Header.Values("Accept"), ","))
	if !ok {
		mediaType = "application/scim+json" // of the error that says so
	}
	header.Set("Content-Type", mediaType+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		_, _ = x.w.Write(body)
	}
}

// resourceAnswer encodes an entry and answers with it.
func (x *exchange) resourceAnswer(status int, entry *translators.Entry) {
	out := x.output()
	body, err := scim.AppendResource(takeBody(), entry.Resource, x.op.Projection, out, entry.Members)
	if err != nil {
		x.fail(err)
		return
	}
	defer keepBody(body)
	header := x.w.Header()
	location := scim.Location(out.Base, entry.Resource)
	if status == http.StatusCreated {
		header.Set("Location", location)
	} else {
		header.Set("Content-Location", location)
	}
	if etag := entry.Resource.Meta.ETag(); etag != "" {
		header.Set("ETag", etag)
	}
	x.answer(status, body)
}

// bodies are buffers that answers were encoded into, for those to come.
var bodies sync.Pool

// The sizes of a buffer: enough for a user, and what is not worth keeping.
const (
	smallBody = 2 << 10
	largeBody = 128 << 10
)

// takeBody returns an empty buffer for an answer.
func takeBody() []byte {
	if kept, ok := bodies.Get().(*[]byte); ok {
		return (*kept)[:0]
	}
	return make([]byte, 0, smallBody)
}

// keepBody hands over a buffer whose answer has been written.
func keepBody(body []byte) {
	if cap(body) <= largeBody {
		bodies.Put(&body)
	}
}

// fail answers with an error, whatever it is.
func (x *exchange) fail(err error) {
	x.err = err
	e := x.errorAnswer(err)
	header := x.w.Header()
	if e.RetryAfter > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
	if e.Allow != "" {
		header.Set("Allow", e.Allow)
	}
	x.answer(e.Status, scim.AppendError(nil, e, x.dialect))
}

// refuse answers a caller who was not let in. The body says no more than it
// must.
func (x *exchange) refuse(refusal *access.Refusal) {
	x.caller = access.Caller{Name: refusal.Credential, Address: refusal.Address}
	x.operation = "refused"
	details := map[int]string{
		http.StatusUnauthorized: "The credential is missing or not accepted.",
		http.StatusForbidden:    "Access is not allowed from here.",
		http.StatusTooEarly:     "Send the request again.",
	}
	if refusal.Status == http.StatusUnauthorized {
		for _, challenge := range x.h.Access.Challenge() {
			x.w.Header().Add("WWW-Authenticate", challenge)
		}
	}
	x.fail(&scim.Error{Status: refusal.Status, Detail: details[refusal.Status], Err: errors.New(refusal.Reason)})
}

// How long a provider is told to wait when the backend gives no hint.
const (
	retryUnavailable = 30 * time.Second
	retryUnknown     = 30 * time.Second
)

// errorAnswer turns any error into what the provider is told: the one table
// between the inner errors and SCIM (RFC 7644 §3.12). The backend's own words
// stay in the log.
func (x *exchange) errorAnswer(err error) *scim.Error {
	if e := scim.AsError(err); e != nil {
		return e
	}
	if e, ok := errors.AsType[*translators.Error](err); ok {
		return backendAnswer(e)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &scim.Error{Status: http.StatusGatewayTimeout, RetryAfter: retryUnavailable, Err: err,
			Detail: "The backend did not answer in time."}
	}
	return &scim.Error{Status: http.StatusInternalServerError, Err: err,
		Detail: fmt.Sprintf("The gateway failed. Its log says why under request %s.", x.id)}
}

func backendAnswer(e *translators.Error) *scim.Error {
	answer := &scim.Error{Detail: e.Detail, Err: e.Err, RetryAfter: e.RetryAfter}
	wait := func(d time.Duration) {
		if answer.RetryAfter == 0 {
			answer.RetryAfter = d
		}
	}
	switch e.Kind {
	case translators.NotFound:
		answer.Status = http.StatusNotFound
	case translators.Conflict:
		answer.Status, answer.Type = http.StatusConflict, scim.UniquenessErr
	case translators.Invalid:
		answer.Status, answer.Type = http.StatusBadRequest, scim.InvalidValue
	case translators.TooMany:
		answer.Status, answer.Type = http.StatusBadRequest, scim.TooMany
	case translators.Refused:
		answer.Status = http.StatusForbidden
	case translators.Indefinite:
		answer.Status = http.StatusGatewayTimeout
		wait(retryUnknown)
	default:
		answer.Status = http.StatusServiceUnavailable
		wait(retryUnavailable)
	}
	if answer.Detail == "" {
		answer.Detail = http.StatusText(answer.Status)
	}
	if len(e.IDs) > 0 {
		answer.Detail += " The resources are " + strings.Join(e.IDs, ", ") + "."
	}
	return answer
}

// baseURL returns the tenant URL as the caller sees it. What a proxy says of
// scheme and host counts only when Caddy trusts the proxy.
func (x *exchange) baseURL() string {
	if x.h.ExternalURL != "" {
		return x.h.ExternalURL
	}
	scheme, host := "http", x.r.Host
	if x.r.TLS != nil {
		scheme = "https"
	}
	if trusted, _ := caddyhttp.GetVar(x.r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted {
		if forwarded := firstOf(x.r.Header.Get("X-Forwarded-Proto")); forwarded == "https" || forwarded == "http" {
			scheme = forwarded
		}
		if forwarded := firstOf(x.r.Header.Get("X-Forwarded-Host")); isHost(forwarded) {
			host = forwarded
		}
	}
	return scheme + "://" + host + x.h.Base
}

// output is how the answer is written.
func (x *exchange) output() scim.Output { return scim.Output{Base: x.baseURL(), Dialect: x.dialect} }

func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}

// isHost reports whether s is made of what a host and a port are made of.
func isHost(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_:[]", r))
	})
}
