package ldap

import (
	"context"
	"fmt"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Plan implements [translators.Translator].
//
// What disables comes first and is never taken back; what enables comes last.
// All else that concerns one entry is one request where the protocol has one.
func (t *Translator) Plan(ctx context.Context, in translators.Intent) (*translators.Plan, error) {
	k := t.kindOf(in.Type)
	if k == nil {
		return nil, &translators.Error{Kind: translators.Invalid, Detail: "This resource type is not served by the directory."}
	}
	var plan *translators.Plan
	var err error
	switch in.Action {
	case scim.ActionCreate:
		plan, err = t.planCreate(ctx, k, in)
	case scim.ActionUpdate:
		plan, err = t.planUpdate(ctx, k, in)
	case scim.ActionDelete:
		plan, err = t.planDelete(ctx, k, in)
	default:
		err = fmt.Errorf("there is no plan for the action %q", in.Action)
	}
	if err != nil {
		return nil, fmt.Errorf("planning to %s a %s: %w", in.Action, k.served.Name, err)
	}
	return plan, nil
}

// target is the entry that a plan is about.
type target struct {
	dn *goldap.DN // nil in an offline plan that was not told
	// name is dn as the directory writes it, or a symbol in braces.
	name  string
	entry *goldap.Entry // as it was read; nil when dn is, or isRemembered
	// isRemembered is set when the name is from an earlier request, so that a
	// write to it has to be guarded.
	isRemembered bool
}

// version is what tells whether the entry was changed since it was read; "" when
// that is not known.
func (at *target) version(p *profile) string {
	if at.entry == nil || p.version == "" {
		return ""
	}
	return at.entry.GetEqualFoldAttributeValue(p.version)
}

// find returns the target of an intent: the entry that the host has read, or one
// that is read now. The account of scimgate itself is no target.
func (t *Translator) find(ctx context.Context, k *kind, in translators.Intent) (*target, error) {
	at := &target{name: "{dn of " + in.ID + "}"}
	if in.Before != nil {
		if h, ok := in.Before.Handle.(*handle); ok {
			at.name, at.entry = h.dn, h.entry
		}
	}
	if at.entry == nil && t.isBlind(ctx, in) {
		at.name, at.isRemembered = t.places.get(in.ID)
	}
	if at.entry == nil && !in.Offline && !at.isRemembered {
		var err error
		if at.entry, err = t.readByID(ctx, k, in.ID, t.targetAttributes(k)); err != nil {
			return nil, err
		}
		if at.entry == nil {
			return nil, notFound(k, in.ID)
		}
		at.name = at.entry.DN
		t.places.put(in.ID, at.name)
	}
	if at.entry == nil && !at.isRemembered {
		at.name = "{dn of " + in.ID + "}"
		return at, nil
	}
	dn, err := goldap.ParseDN(at.name)
	if err != nil {
		return nil, &translators.Error{
			Kind:   translators.Refused,
			Detail: "The name of the entry in the directory can't be read.",
			Err:    t.veilOf(k).unreadable(at.name, err),
		}
	}
	at.dn = dn
	if t.isOwnAccount(dn) {
		return nil, errOwnAccount()
	}
	return at, nil
}

// isBlind reports whether an intent adds and removes members alone, so that
// nothing of the group has to be known but its name.
func (t *Translator) isBlind(ctx context.Context, in translators.Intent) bool {
	return len(in.Changes) == 0 && !in.Members.IsEmpty() && !in.Members.ReplaceAll && !in.Offline &&
		t.control(ctx, t.profile.assertionControl) != ""
}

// targetAttributes are what a plan must see of an entry that it changes.
func (t *Translator) targetAttributes(k *kind) []string {
	names := slices.Concat([]string{t.profile.id}, lockAttributes(k.locks))
	for _, name := range []string{t.profile.version, t.profile.lock} {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// readByID returns the entry with that id, nil when there is none.
func (t *Translator) readByID(ctx context.Context, k *kind, id string, attributes []string) (*goldap.Entry, error) {
	found, err := t.locate(ctx, k, []string{id}, attributes)
	if err != nil {
		return nil, err
	}
	return found[id], nil
}

// subject is what [Translator.Prove] has to know of a plan.
type subject struct {
	kind *kind
	id   string // "" when the plan creates the resource
}

// newPlan returns a plan for the resource with that id.
func newPlan(k *kind, id string) *translators.Plan {
	return &translators.Plan{Data: subject{k, id}}
}
