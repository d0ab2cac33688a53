package ldap

import (
	"context"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// update is an update being planned.
type update struct {
	t    *Translator
	k    *kind
	in   translators.Intent
	at   *target // where it is after the calls planned so far
	from string  // where it is now
	// referred is the name that references to it hold after the calls planned so far.
	referred string
	plan     *translators.Plan

	fields  []fieldChange
	members *memberDelta
	offline []goldap.Change // what is not known to the value without reading
	// disables and enables say what becomes of active.
	disables, enables bool
}

// planUpdate plans what changes an entry.
func (t *Translator) planUpdate(ctx context.Context, k *kind, in translators.Intent) (*translators.Plan, error) {
	at, err := t.find(ctx, k, in)
	if err != nil {
		return nil, err
	}
	if t.profile.isOutdated(at.entry, in.Version) {
		return nil, changed(k, in.ID)
	}
	u := &update{t: t, k: k, in: in, at: at, from: at.name, referred: at.name, plan: newPlan(k, in.ID)}
	u.judgeActive()
	if err := u.judgeFields(ctx); err != nil {
		return nil, err
	}
	if k.memberField != "" && !in.Members.IsEmpty() {
		if err := u.judgeMembers(ctx); err != nil {
			return nil, err
		}
	}
	if err := u.arrange(ctx); err != nil {
		return nil, err
	}
	return u.plan, nil
}

// judgeActive finds out what becomes of active, and what is to be proven. An
// account that is to stay disabled is proven to be when nothing else changes: a
// repeated disable is answered like the first. An account with some of its locks
// counts as active; who is said to be active loses those too.
func (u *update) judgeActive() {
	if u.k.active == nil {
		return
	}
	for _, d := range u.in.Changes {
		if d.Attribute == u.k.active && d.After.Kind() == scim.KindBool {
			u.enables, u.disables = d.After.IsTrue(), !d.After.IsTrue()
		}
	}
	if u.in.SetsActive && !u.disables && !u.isOff() && u.at.entry != nil && isAnyLocked(u.k.locks, u.at.entry) {
		u.enables = true
	}
	switch {
	case u.disables, len(u.in.Changes) == 0 && u.isOff():
		u.plan.Proves = translators.ProofDisabled
	case u.enables:
		u.plan.Proves = translators.ProofEnabled
	}
}

// isOff reports whether the account is to be disabled in the end.
func (u *update) isOff() bool {
	if u.in.After == nil {
		return false
	}
	active, isKnown := u.in.After.IsActive()
	return isKnown && !active
}

// judgeFields finds out which attributes of the entry change.
func (u *update) judgeFields(ctx context.Context) error {
	var changes []scim.Difference
	for _, d := range u.in.Changes {
		if d.Attribute != u.k.active && d.Attribute != u.k.groups {
			changes = append(changes, d)
		}
	}
	if len(changes) == 0 {
		return nil
	}
	want := func(a *scim.Attribute) bool {
		return slices.ContainsFunc(changes, func(d scim.Difference) bool { return d.Attribute == a })
	}
	refs, err := u.t.referencesFor(ctx, u.k, u.in, want)
	if err != nil {
		return err
	}
	u.fields, u.plan.Dropped, err = u.k.fieldChanges(before(u.in), u.in.After, changes, refs)
	if isPasswordChange(u.fields) && u.isOff() && u.k.active != nil {
		u.plan.Proves = translators.ProofDisabled // it must not have enabled the account
	}
	return err
}

// judgeMembers finds out which members come and go.
func (u *update) judgeMembers(ctx context.Context) error {
	m := u.in.Members
	add, remove, err := u.t.memberValues(ctx, u.k, u.in, m.Add, m.Remove)
	if err != nil {
		return err
	}
	switch {
	case !m.ReplaceAll:
		u.members = &memberDelta{add, remove}
		return nil
	case u.in.Offline:
		if len(add) == 0 && u.k.needsMember {
			add = []string{u.k.config.Placeholder}
		}
		u.offline = append(u.offline, replacement(u.k.memberField, add...))
		return nil
	}
	present, err := u.t.readMembers(ctx, u.k, u.in.ID)
	if err != nil {
		return err
	}
	if u.k.isFlat {
		u.members, err = u.t.replaceFlat(ctx, u.k, u.in.ID, present, m.Add, add)
	} else {
		u.members, err = u.t.difference(u.k, present, add, nil)
	}
	return err
}
