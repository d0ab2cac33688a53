package ldap

import (
	"context"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// planCreate plans a new entry: one request, so that an account is never there
// without its lock, nor a group without its members.
func (t *Translator) planCreate(ctx context.Context, k *kind, in translators.Intent) (*translators.Plan, error) {
	refs, err := t.referencesFor(ctx, k, in, nil)
	if err != nil {
		return nil, err
	}
	values, dropped, err := k.mapping.Encode(in.After, nil, refs)
	if err != nil {
		return nil, err
	}
	call := &addCall{t: t, k: k, secrets: k.secretFields()}
	call.set("objectClass", k.config.ObjectClasses...)
	for _, c := range k.config.Constants {
		call.set(c.Attribute, c.Values...)
	}
	for _, v := range values {
		call.set(v.Field, v.Values...)
	}
	plan := newPlan(k, "")
	plan.Dropped = dropped
	parent, isOff := k.createIn, false
	if active, isKnown := in.After.IsActive(); isKnown && !active && len(k.locks) > 0 {
		plan.Proves = translators.ProofDisabled
		isOff = true
	}
	for _, l := range k.locks {
		// What an application takes for enabled may be a value as well.
		for _, c := range l.modifications(isOff) {
			call.put(c.Modification.Type, c.Modification.Vals...)
		}
		if p := l.parent(isOff); p != nil {
			parent = p
		}
	}
	if err := t.addMembers(ctx, k, in, call); err != nil {
		return nil, err
	}
	name := call.valuesOf(k.rdnField)
	if len(name) == 0 {
		path := k.rdn.Path.String()
		return nil, &translators.Error{Kind: translators.Invalid, Path: path,
			Detail: path + ": new entries are named by it in the directory. Send a value."}
	}
	dn := child(parent, newRDN(k.rdnField, name[0]))
	if t.isOwnAccount(dn) {
		return nil, errOwnAccount()
	}
	call.dn = dn.String()
	plan.Calls = []translators.Call{call}
	return plan, nil
}

// addMembers gives a new group its members, or the one that stands for none.
func (t *Translator) addMembers(ctx context.Context, k *kind, in translators.Intent, call *addCall) error {
	if k.memberField == "" {
		return nil
	}
	members := in.Members
	if members == nil {
		members = new(scim.MemberChange)
	}
	values, _, err := t.memberValues(ctx, k, in, members.Add, nil)
	if err != nil {
		return err
	}
	if len(values) == 0 && k.needsMember {
		values = []string{k.config.Placeholder}
	}
	call.set(k.memberField, values...)
	return nil
}

// set adds values to an attribute of the new entry.
func (c *addCall) set(name string, values ...string) {
	if len(values) == 0 {
		return
	}
	i := slices.IndexFunc(c.attributes, func(a goldap.Attribute) bool { return strings.EqualFold(a.Type, name) })
	if i < 0 {
		c.attributes = append(c.attributes, goldap.Attribute{Type: name})
		i = len(c.attributes) - 1
	}
	for _, v := range values {
		if !slices.Contains(c.attributes[i].Vals, v) {
			c.attributes[i].Vals = append(c.attributes[i].Vals, v)
		}
	}
}

// put makes the values the only ones of an attribute of the new entry.
func (c *addCall) put(name string, values ...string) {
	c.attributes = slices.DeleteFunc(c.attributes, func(a goldap.Attribute) bool { return strings.EqualFold(a.Type, name) })
	c.set(name, values...)
}

func (c *addCall) valuesOf(name string) []string {
	for _, a := range c.attributes {
		if strings.EqualFold(a.Type, name) {
			return a.Vals
		}
	}
	return nil
}
