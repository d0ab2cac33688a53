package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// proofHeader tells a caller that reads it that a disable was accepted by the
// backend but can't be proven.
const proofHeader = "Scimgate-Proof"

// answer hands over a status and a body; nil is none.
func (x *exchange) answer(status int, body []byte) {
	x.status = status
	x.edge.send(x, status, body)
}

// resourceAnswer encodes an entry and answers with it.
func (x *exchange) resourceAnswer(status int, entry *translators.Entry) {
	if x.isListed {
		x.placed(status, scim.Location(x.edge.baseURL(), entry.Resource), entry.Resource)
		x.answer(status, nil)
		return
	}
	out := x.output()
	body, err := scim.AppendResource(takeBody(), entry.Resource, x.op.Projection, out, entry.Members)
	if err != nil {
		x.fail(err)
		return
	}
	defer keepBody(body)
	x.placed(status, scim.Location(out.Base, entry.Resource), entry.Resource)
	x.answer(status, body)
}

// placed says where the resource is that is answered with, and its version. Of /Me
// the place is told as RFC 7644 §3.11 has it, too.
func (x *exchange) placed(status int, location string, r *scim.Resource) {
	if status == http.StatusCreated || x.op.IsMe {
		x.head.location = location
	}
	if status != http.StatusCreated {
		x.head.contentLocation = location
	}
	x.head.etag = r.Meta.ETag()
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
	x.head.retryAfter, x.head.allow = e.RetryAfter, e.Allow
	x.answer(e.Status, scim.AppendError(nil, e, x.dialect))
}

// refuse answers a caller who was not let in. The body says no more than it
// must.
func (x *exchange) refuse(refusal *access.Refusal) {
	x.caller = access.Caller{Name: refusal.Credential, Token: refusal.Token, Address: refusal.Address}
	x.operation, x.isSummed = "refused", refusal.IsSummed
	metrics.refused(x.h.Name, refusal)
	details := map[int]string{
		http.StatusUnauthorized:       "The credential is missing or not accepted.",
		http.StatusForbidden:          "Access is not allowed from here.",
		http.StatusTooEarly:           "Send the request again.",
		http.StatusServiceUnavailable: "The token can't be looked up now.",
		http.StatusTooManyRequests:    "The credential is not accepted, and there were too many wrong ones from here.",
	}
	if refusal.Status == http.StatusUnauthorized {
		x.head.challenges = x.h.Access.Challenge()
	}
	x.fail(&scim.Error{Status: refusal.Status, Detail: details[refusal.Status], RetryAfter: refusal.RetryAfter, Err: errors.New(refusal.Reason)})
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
	case translators.Changed:
		answer.Status, answer.Detail = http.StatusPreconditionFailed, changedDetail
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

// output is how the answer is written.
func (x *exchange) output() scim.Output {
	return scim.Output{Base: x.edge.baseURL(), Dialect: x.dialect}
}
