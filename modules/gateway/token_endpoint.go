package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/modules/oauth"
	memory "github.com/scimgate/scimgate/modules/store"
)

// operationToken is what the log and the metrics call a request for an access token.
const operationToken = "token"

// isTokenEndpoint reports whether a path below the base is where access tokens are
// given.
func (h *Handler) isTokenEndpoint(path string) bool {
	return h.Access.TokenEndpoint != nil && strings.TrimSuffix(path, "/") == access.TokenEndpointPath
}

// giveToken answers a request for an access token (RFC 6749 §4.4). It is recorded like
// any other request.
func (x *exchange) giveToken() {
	x.operation = operationToken
	x.conn.readUntil(x.started.Add(time.Duration(x.h.Timeout)))
	w := &statusWriter{ResponseWriter: x.conn.w}
	x.conn.w.Header().Set("X-Request-Id", x.id)
	x.err = oauth.Serve(w, x.conn.r, func(_ context.Context, q oauth.Request) (oauth.Answer, error) {
		answer, caller, refusal, err := x.h.Access.GiveToken(x.conn.r, q)
		x.caller = caller
		if refusal != nil {
			return oauth.Answer{}, x.refuseToken(refusal, q.ByHeader)
		}
		if w := x.h.switched(memory.Disabled); w != nil { // whoever is not let in learns nothing of it
			return oauth.Answer{}, errors.Join(&oauth.Error{Code: oauth.UnauthorizedClient, Status: http.StatusForbidden,
				Description: "This gateway is switched off by its operator. The client is right, and nothing is to be changed at the provider."}, switchedBy(w))
		}
		if err == nil {
			x.h.log.Info("an access token was given", zap.String("request_id", x.id),
				zap.String("caller", caller.Name), zap.String("token", caller.Token), zap.Duration("life", answer.Life), zap.Strings("scope", answer.Scopes))
		}
		return answer, err
	})
	x.status = w.status
}

// refuseToken says to a client that it gets no access token, in the words of OAuth;
// why is for the log alone.
func (x *exchange) refuseToken(refusal *access.Refusal, byHeader bool) error {
	x.caller = access.Caller{Name: refusal.Credential, Token: refusal.Token, Address: refusal.Address}
	x.isSummed = refusal.IsSummed
	metrics.refused(x.h.Name, refusal)
	answer := &oauth.Error{Code: oauth.InvalidClient, RetryAfter: refusal.RetryAfter, ByHeader: byHeader,
		Description: "The client is not known, or what it showed is not accepted."}
	switch refusal.Status {
	case http.StatusUnauthorized:
	case http.StatusServiceUnavailable:
		answer.Code, answer.Description = oauth.Unavailable, "The client can't be looked up now."
	default:
		answer.Status = refusal.Status
		if refusal.Status == http.StatusForbidden {
			answer.Description = "Access is not allowed from here."
		}
	}
	return errors.Join(answer, fmt.Errorf("no access token: %s", refusal.Reason))
}

// statusWriter keeps the status that was written.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}
