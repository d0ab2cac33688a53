package ldap

import (
	"context"

	"github.com/scimgate/scimgate/translators"
)

// planDelete plans the removal of an entry: first the entry, then what is left
// of it in groups.
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
	return t.releasing(ctx, value, "")
}

// isNamedInGroups reports whether resources of the kind can be members.
func (t *Translator) isNamedInGroups(k *kind) bool {
	return t.groups != nil && t.groups.memberField != "" && (t.groups.memberIsDN || k == t.users)
}

// releasing returns the call for the groups that have the member value now; nil
// when there are none.
func (t *Translator) releasing(ctx context.Context, value, renamed string) (translators.Call, error) {
	groups, err := t.groupsNaming(ctx, t.groups, value)
	if err != nil || len(groups) == 0 {
		return nil, err
	}
	return &releaseCall{t: t, k: t.groups, value: value, renamed: renamed, groups: groups}, nil
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
