package gateway

import (
	"context"
	"fmt"
	"net/http"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// remove answers DELETE (RFC 7644 §3.6) in the way that the configuration says.
// What is wrong with the request holds no disable back.
func (x *exchange) remove(ctx context.Context, invalid error) {
	if invalid != nil && !x.disables {
		x.fail(invalid)
		return
	}
	locking := ctx
	if x.disables {
		locking = translators.Urgent(ctx)
	}
	unlock, err := x.lock(locking, x.op.Type.Name, x.op.ID)
	if err != nil {
		x.fail(err)
		return
	}
	defer func() { unlock() }()
	switch x.h.typeOf(x.op.Type).Delete {
	case translators.DeleteRemove:
		err = x.removeOne(ctx)
	case translators.DeleteDisable:
		err = x.disableInstead(ctx, invalid, &unlock)
	default:
		err = &scim.Error{Status: http.StatusForbidden, Detail: fmt.Sprintf(
			"This gateway does not delete %s (\"delete refuse\" in its configuration).", x.op.Type.Endpoint[1:])}
	}
	if err != nil {
		x.fail(err)
		return
	}
	x.deleted()
}

func (x *exchange) removeOne(ctx context.Context) error {
	intent, err := x.removeIntent(ctx)
	if err != nil {
		return err
	}
	_, err = x.carryOut(ctx, intent)
	return err
}

// removeIntent reads whom the deletion is about and asks policy.
func (x *exchange) removeIntent(ctx context.Context) (translators.Intent, error) {
	intent := translators.Intent{Action: scim.ActionDelete, Type: x.op.Type, ID: x.op.ID, Offline: x.offline, Lock: x.lockOther}
	if x.offline {
		return intent, nil
	}
	var err error
	if intent.Before, err = x.readOne(ctx, x.op.Type, x.op.ID, x.needed(x.op)); err != nil {
		return intent, err
	}
	if err := x.h.Policy.Protects(intent.Before.Resource); err != nil {
		return intent, err
	}
	if err := x.unmet(x.op.Condition, intent.Before.Resource); err != nil {
		return intent, err
	}
	intent.Version = x.expected(x.op.Condition, intent.Before.Resource)
	return intent, x.protectsMembersOf(ctx)
}

// protectsMembersOf refuses to delete a group that protected people or groups
// are members of: it would take them out of it.
func (x *exchange) protectsMembersOf(ctx context.Context) error {
	members := x.op.Type.Attribute("members")
	if members == nil || !x.guardsMembers() {
		return nil
	}
	group, err := x.readOne(ctx, x.op.Type, x.op.ID, translators.Selection{Members: true})
	if err != nil {
		return err
	}
	leaving, err := difference(group, nil)
	if err != nil {
		return err
	}
	_, err = x.references(ctx, leaving)
	return err
}

// disableInstead carries DELETE out as active=false. Like any disable it does not
// depend on the version of the resource; the answer does.
func (x *exchange) disableInstead(ctx context.Context, invalid error, unlock *func()) error {
	disable, err := disabling(x.op)
	if err == nil {
		_, err = x.disable(ctx, disable, unlock)
	}
	if err != nil {
		return err
	}
	if invalid == nil {
		invalid = x.changed
	}
	if invalid == nil {
		return nil
	}
	return x.afterDisable(invalid, false)
}

// disabling returns the operation that sets active to false on the same
// resource.
func disabling(op *scim.Operation) (*scim.Operation, error) {
	active := op.Type.Attribute("active")
	if active == nil {
		return nil, fmt.Errorf("disabling instead of deleting: %s has no active", op.Type.Name)
	}
	disable := *op
	disable.Action = scim.ActionUpdate
	disable.Changes = []scim.Change{{Op: scim.Replace, Path: scim.Path{Attribute: active}, Value: scim.Bool(false)}}
	return &disable, nil
}
