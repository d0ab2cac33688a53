package gateway

import (
	"context"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// enablesFirst reports whether an update enables an account and changes more of it, where
// the backend changes nothing of an account that is disabled. A rehearsal shows the whole
// plan.
func (x *exchange) enablesFirst(intent translators.Intent) bool {
	isRehearsal := x.h.DryRun && x.operator == nil
	return x.h.typeOf(intent.Type).EnablesFirst && intent.Before != nil && len(intent.Changes) > 1 && !isRehearsal &&
		changesActive(intent, func(d scim.Difference) bool { return d.After.IsTrue() })
}

// enableFirst enables an account, proves it, and then carries out the rest of the update.
// What can't be planned is refused before anything is done; what the backend refuses then
// is answered with what was done.
func (x *exchange) enableFirst(ctx context.Context, op *scim.Operation, whole translators.Intent) (*translators.Entry, error) {
	if _, err := x.h.translator.Plan(ctx, whole); err != nil {
		return nil, err
	}
	enable, rest := op.SplitEnable()
	entry, err := x.updateOne(ctx, enable)
	if err != nil {
		return nil, err
	}
	x.isEnabledNow(op.Type, op.ID) // whatever becomes of the rest
	rest.Condition = x.behindDisable(rest.Condition, entry)
	if entry, err = x.updateOne(ctx, rest); err != nil {
		return nil, x.behind("The account was enabled. The rest of the request was not carried out: ", err)
	}
	return entry, nil
}
