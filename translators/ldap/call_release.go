package ldap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// releaseCall takes an entry that was removed out of the groups that still name
// it, or makes them name it as it was renamed. Where the directory does that
// itself nothing is left to do, but for groups whose only member was removed:
// slapd's overlay refint leaves those as they are.
//
// It comes after the removal: a person who must go is gone first, whatever
// becomes of the groups.
type releaseCall struct {
	t       *Translator
	k       *kind    // of the groups
	value   string   // what names the entry in a group
	renamed string   // what is to name it; "" when it was removed
	groups  []string // that named it when the plan was made
}

// String implements [translators.Call].
func (c *releaseCall) String() string {
	records := make([]string, len(c.groups))
	for i, dn := range c.groups {
		r := newRecord(dn, "", "modify", nil)
		r.changes(c.delta().changes(c.k.memberField))
		records[i] = r.String()
	}
	return strings.Join(records, "\n")
}

// delta is what happens to one group.
func (c *releaseCall) delta() *memberDelta {
	d := &memberDelta{remove: []string{c.value}}
	if c.renamed != "" {
		d.add = []string{c.renamed}
	}
	return d
}

// Purpose implements [translators.Call].
func (c *releaseCall) Purpose() string {
	if c.renamed != "" {
		return "keep it in its groups"
	}
	return "take it out of its groups"
}

// Do implements [translators.Call].
func (c *releaseCall) Do(ctx context.Context, _ []translators.CallResult) translators.CallResult {
	groups, err := c.t.groupsNaming(ctx, c.k, c.value)
	if err != nil {
		return result(fmt.Errorf("%s: %w", c.Purpose(), err))
	}
	for i, dn := range groups {
		err := c.change(ctx, dn)
		if err != nil && resultCode(err) == goldap.LDAPResultSuccess && ctx.Err() == nil {
			// No answer. Once more does no harm, and of somebody removed nobody
			// will come back: the provider hears next that there is no such person.
			err = c.change(ctx, dn)
		}
		if err != nil {
			c.takeBack(ctx, groups[:i+1])
			return result(c.t.writeFault(c.Purpose(), err))
		}
	}
	return translators.CallResult{Outcome: translators.Applied}
}

// takeBack undoes, as far as that is possible, what was done to some groups: when
// the others can't be changed the rename is taken back as well.
func (c *releaseCall) takeBack(ctx context.Context, groups []string) {
	back, ok := c.Undo().(*releaseCall)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), translators.SettleTimeout)
	defer cancel()
	for _, dn := range slices.Backward(groups) {
		if back.change(ctx, dn) != nil {
			return // the failure before it is the one to report
		}
	}
}

// change makes one group name the entry as it is to be named. A group that does
// not name it any more is as it should be: the directory was quicker.
func (c *releaseCall) change(ctx context.Context, dn string) error {
	delta := c.delta()
	for n := 1; ; n++ {
		request := goldap.NewModifyRequest(dn, nil)
		request.Changes = delta.leaving(c.k.memberField)
		_, err := c.t.pool.Modify(ctx, request)
		switch code := resultCode(err); {
		case code == goldap.LDAPResultNoSuchAttribute, code == goldap.LDAPResultNoSuchObject:
			return nil
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

// groupsAtMost bounds the groups of one entry that are changed with it.
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

// Undo implements [translators.Call]. An entry that was removed can't be put back
// into its groups.
func (c *releaseCall) Undo() translators.Call {
	if c.renamed == "" {
		return nil
	}
	return &releaseCall{t: c.t, k: c.k, value: c.renamed, renamed: c.value, groups: c.groups}
}

// Interface guard
var _ translators.Call = (*releaseCall)(nil)
