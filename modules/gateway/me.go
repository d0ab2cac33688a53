package gateway

import (
	"context"
	"fmt"
	"net/http"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// identify finds the user whom the caller stands for, and makes the operation one
// about this user (RFC 7644 §3.11). It asks anew with each request: who has left,
// or was renamed, is not acted upon by a name remembered.
func (x *exchange) identify(ctx context.Context) error {
	if x.caller.Me == nil {
		return &scim.Error{Status: http.StatusNotImplemented, Detail: fmt.Sprintf(
			"/Me stands for the user who calls, and the configuration of the gateway does not say who that is: the credential %q has no line me. Ask for the user at /Users.", x.caller.Name)}
	}
	const enough = 2 // to see that it is not the only one
	found, err := x.h.translator.Search(ctx, translators.Query{Type: x.op.Type, Filter: x.caller.Me, Limit: enough})
	if err != nil {
		return err
	}
	if len(found.Entries) == 0 && !found.More {
		return &scim.Error{Status: http.StatusNotFound, Detail: fmt.Sprintf(
			"/Me stands for the user who calls, and there is no user as the line me of the credential %q has it.", x.caller.Name)}
	}
	if len(found.Entries) > 1 || found.More {
		var ids []string
		for _, entry := range found.Entries {
			ids = append(ids, entry.Resource.ID)
		}
		return &translators.Error{Kind: translators.Conflict, IDs: ids, Detail: fmt.Sprintf(
			"/Me stands for the user who calls, and the line me of the credential %q is true of several users, so that the one who is meant can't be told.", x.caller.Name)}
	}
	x.op.ID = found.Entries[0].Resource.ID
	x.resource = x.op.ID
	return nil
}
