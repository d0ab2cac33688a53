package ldap

import (
	"context"
	"fmt"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// releaseCall takes an entry that was removed out of the groups that still name
// it. Where the directory does that itself nothing is left to do, but for groups
// whose only member it was: slapd's overlay refint leaves those as they are.
//
// It comes after the removal: a person who must go is gone first, whatever
// becomes of the groups.
type releaseCall struct {
	t      *Translator
	k      *kind    // of the groups
	value  string   // what names the entry in a group
	groups []string // that named it when the plan was made
}

// String implements [translators.Call].
func (c *releaseCall) String() string {
	var text string
	for _, dn := range c.groups {
		r := newRecord(dn, "", "modify", nil)
		r.changes((&memberDelta{remove: []string{c.value}}).changes(c.k.memberField))
		text += r.String() + "\n"
	}
	if len(text) > 0 {
		text = text[:len(text)-1]
	}
	return text
}

// Purpose implements [translators.Call].
func (c *releaseCall) Purpose() string { return "take it out of its groups" }

// Do implements [translators.Call].
func (c *releaseCall) Do(ctx context.Context, _ []translators.CallResult) translators.CallResult {
	groups, err := c.t.groupsNaming(ctx, c.k, c.value)
	if err != nil {
		return result(fmt.Errorf("%s: %w", c.Purpose(), err))
	}
	for _, dn := range groups {
		err := c.release(ctx, dn)
		if err != nil && resultCode(err) == goldap.LDAPResultSuccess && ctx.Err() == nil {
			// No answer. Once more does no harm, and nobody will come back: the
			// provider hears next that the person does not exist.
			err = c.release(ctx, dn)
		}
		if err != nil {
			return result(c.t.writeFault(c.Purpose(), err))
		}
	}
	return translators.CallResult{Outcome: translators.Applied}
}

func (c *releaseCall) release(ctx context.Context, dn string) error {
	delta := &memberDelta{remove: []string{c.value}}
	for n := 1; ; n++ {
		request := goldap.NewModifyRequest(dn, nil)
		request.Changes = delta.changes(c.k.memberField)
		_, err := c.t.pool.Modify(ctx, request)
		switch code := resultCode(err); {
		case code == goldap.LDAPResultNoSuchAttribute, code == goldap.LDAPResultNoSuchObject:
			return nil // the directory was quicker
		case code == goldap.LDAPResultObjectClassViolation && c.k.needsMember && delta.hold(c.k.config.Placeholder):
		case code == goldap.LDAPResultAttributeOrValueExists && len(delta.add) > 0:
			delta.add = nil
		default:
			return err
		}
		if n == attempts {
			return err
		}
	}
}

// groupsAtMost bounds the groups that one removal takes an entry out of.
const groupsAtMost = 100_000

// groupsNaming returns the names of the groups that have the member.
func (t *Translator) groupsNaming(ctx context.Context, k *kind, value string) ([]string, error) {
	entries, _, err := t.searchUpTo(ctx, k, equals(k.memberField, value), []string{noAttributes}, groupsAtMost)
	if err != nil {
		return nil, fmt.Errorf("looking for the groups of an entry: %w", err)
	}
	groups := make([]string, len(entries))
	for i, e := range entries {
		groups[i] = e.DN
	}
	slices.Sort(groups)
	return groups, nil
}

// Settle implements [translators.Call].
func (c *releaseCall) Settle(ctx context.Context, _ []translators.CallResult) translators.CallResult {
	groups, err := c.t.groupsNaming(ctx, c.k, c.value)
	switch {
	case err != nil:
		return stillUnknown(err)
	case len(groups) > 0:
		return notApplied(c.Purpose())
	}
	return translators.CallResult{Outcome: translators.Applied}
}

// Undo implements [translators.Call]. The entry that was a member is gone.
func (c *releaseCall) Undo() translators.Call { return nil }

// Interface guard
var _ translators.Call = (*releaseCall)(nil)
