package ldap

import (
	"context"

	"github.com/scimgate/scimgate/translators"
)

// planDelete plans the removal of an entry: first the entry, then what is left
// of it in groups and in what refers to it.
func (t *Translator) planDelete(ctx context.Context, k *kind, in translators.Intent) (*translators.Plan, error) {
	at, err := t.find(ctx, k, in)
	if err != nil {
		return nil, err
	}
	if t.profile.isOutdated(at.entry, in.Version) {
		return nil, changed(k, in.ID)
	}
	plan := newPlan(k, in.ID)
	plan.Calls = []translators.Call{&deleteCall{entryCall{
		t: t, k: k, id: in.ID, dn: at.name, purpose: "remove the entry", demanded: in.Version, offline: at.dn == nil,
	}}}
	release, err := t.planRelease(ctx, k, in, at)
	if err != nil {
		return nil, err
	}
	if release != nil {
		plan.Calls = append(plan.Calls, release)
	}
	plan.Calls = append(plan.Calls, t.planReferences(ctx, k, in, at)...)
	inTurn(plan.Calls)
	return plan, nil
}

// planRelease plans to take the entry out of its groups; nil when it is in none.
func (t *Translator) planRelease(ctx context.Context, k *kind, in translators.Intent, at *target) (translators.Call, error) {
	if !t.isNamedInGroups(k) || in.Offline {
		return nil, nil
	}
	value := at.name
	if !t.groups.memberIsDN {
		var err error
		if value, err = t.loginOf(ctx, k, in, at); value == "" || err != nil {
			return nil, err
		}
	}
	call, err := t.releasing(ctx, t.membership(), value, "")
	if call == nil || err != nil {
		return nil, err
	}
	return call, nil
}

// planReferences plans to take away what refers to the entry. That it can't be
// looked for is no reason to keep the entry: it is looked for again when that is
// gone, and failing then is told.
func (t *Translator) planReferences(ctx context.Context, k *kind, in translators.Intent, at *target) []translators.Call {
	if in.Offline {
		return nil
	}
	var calls []translators.Call
	for _, place := range t.referring(k) {
		call, err := t.releasing(ctx, place, at.name, "")
		switch {
		case err != nil:
			calls = append(calls, &releaseCall{t: t, at: place, value: at.name, isUnseen: true})
		case call != nil:
			calls = append(calls, call)
		}
	}
	return calls
}

// loginOf returns the name by which a posixGroup has the user as a member.
func (t *Translator) loginOf(ctx context.Context, k *kind, in translators.Intent, at *target) (string, error) {
	if v := at.entry.GetEqualFoldAttributeValue(fieldUID); v != "" {
		return v, nil
	}
	e, err := t.readByID(ctx, k, in.ID, []string{fieldUID})
	if err != nil || e == nil {
		return "", err
	}
	return e.GetEqualFoldAttributeValue(fieldUID), nil
}
