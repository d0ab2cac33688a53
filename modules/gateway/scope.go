package gateway

import (
	"fmt"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"github.com/scimgate/scimgate/modules/access"
	"github.com/scimgate/scimgate/modules/policy"
	"github.com/scimgate/scimgate/scim"
)

// errScope is why a request is refused that the caller's scope does not cover. It is
// the operator who holds it back.
var errScope = fmt.Errorf("%w: the scope of the credential does not cover it", policy.ErrHeldBack)

// permit says why the caller may not do what was decoded. Nothing was read for it yet.
// A disable that is refused is a provider's that was given the wrong token: somebody
// stays who was to go, and the log says so loudly.
func (x *exchange) permit(op *scim.Operation) error {
	scopes := x.caller.Scopes
	if len(scopes) == 0 {
		return nil
	}
	denied := func(verb string, t *scim.ResourceType) error {
		metrics.refused(x.h.Name, &access.Refusal{Kind: access.KindScope})
		if x.disables || op.Action == scim.ActionDelete && t.Schema.ID == scim.SchemaUser {
			x.h.log.Error("a disable or delete was refused, because the scope of the credential does not cover it: whoever was to go is still there",
				zap.String("request_id", x.id), zap.String("caller", x.caller.Name), zap.String("token", x.caller.Token),
				zap.String("resource_type", t.Name), zap.String("resource_id", op.ID), zap.Stringer("scope", scopes))
		}
		return &scim.Error{Status: http.StatusForbidden, Err: errScope, Detail: fmt.Sprintf(
			"The scope of this token is %s: it may not %s %s. The operator of the gateway can issue a token with the scope %s.",
			scopes, verb, strings.TrimPrefix(t.Endpoint, "/"), strings.ToLower(strings.TrimPrefix(t.Endpoint, "/")))}
	}
	switch op.Action {
	case scim.ActionRead, scim.ActionSearch:
		if op.Type != nil && !scopes.MayRead(op.Type) {
			return denied("read", op.Type)
		}
	case scim.ActionSearchAll:
		for _, part := range op.Parts {
			if !scopes.MayRead(part.Type) {
				return denied("read", part.Type)
			}
		}
	case scim.ActionCreate, scim.ActionUpdate, scim.ActionDelete:
		if !scopes.MayWrite(op.Type) {
			return denied("write", op.Type)
		}
	}
	return nil
}
