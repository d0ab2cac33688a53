package ldap

import (
	"context"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
)

// checkMembers refuses what can't be asked of members: they are not read to
// evaluate a filter, there may be a hundred thousand.
func checkMembers(k *kind, f scim.Filter) error {
	if k.members == nil {
		return nil
	}
	if _, ok := memberID(k, f); ok {
		return nil
	}
	refused := false
	switch f := f.(type) {
	case scim.And:
		return checkAll(k, f.Terms)
	case scim.Or:
		return checkAll(k, f.Terms)
	case scim.Not:
		return checkMembers(k, f.Term)
	case scim.Elements:
		refused = f.Attribute == k.members
	case scim.Present:
		refused = f.Target.Attribute == k.members
	case scim.Compare:
		refused = f.Target.Attribute == k.members
	}
	if refused {
		return scim.Invalid(scim.InvalidFilter, "members can be searched by their ids alone: members eq \"<id>\"")
	}
	return nil
}

func checkAll(k *kind, terms []scim.Filter) error {
	for _, t := range terms {
		if err := checkMembers(k, t); err != nil {
			return err
		}
	}
	return nil
}

// memberID returns the id in a filter that asks for a member by its id.
func memberID(k *kind, f scim.Filter) (id string, ok bool) {
	switch f := f.(type) {
	case scim.Elements:
		if f.Attribute == k.members {
			return elementID(f)
		}
	case scim.Compare:
		if f.Target.Attribute == k.members && f.Target.Sub != nil && f.Target.Sub.Name == "value" && f.Operator == scim.Equal && !f.Value.IsAbsent() {
			return f.Value.Text(), true
		}
	}
	return "", false
}

// withoutMembers replaces what a filter asks of members by the ids of the groups
// for which it holds, so that it can be checked against resources, which have no
// members in them.
func (t *Translator) withoutMembers(ctx context.Context, k *kind, f scim.Filter, values map[string]string) (scim.Filter, error) {
	if id, ok := memberID(k, f); ok {
		return t.groupsWith(ctx, k, values[id], f)
	}
	var err error
	replaceAll := func(terms []scim.Filter) []scim.Filter {
		replaced := make([]scim.Filter, len(terms))
		for i, term := range terms {
			if err == nil {
				replaced[i], err = t.withoutMembers(ctx, k, term, values)
			}
		}
		return replaced
	}
	switch g := f.(type) {
	case scim.And:
		f = scim.And{Terms: replaceAll(g.Terms)}
	case scim.Or:
		f = scim.Or{Terms: replaceAll(g.Terms)}
	case scim.Not:
		f = scim.Not{Term: replaceAll([]scim.Filter{g.Term})[0]}
	}
	return f, err
}

// groupsWith returns the filter of the groups that have the value as a member.
func (t *Translator) groupsWith(ctx context.Context, k *kind, value string, asked scim.Filter) (scim.Filter, error) {
	is := func(id string) scim.Filter {
		return scim.Compare{Target: scim.Target{Attribute: scim.AttributeID}, Operator: scim.Equal, Value: scim.String(id)}
	}
	groups := []scim.Filter{is("")} // nobody's, so that there are never too few terms
	if value != "" {
		var found []*goldap.Entry
		found, more, err := t.searchUpTo(ctx, k, equals(k.memberField, value), []string{t.profile.id}, t.Candidates)
		switch {
		case err != nil:
			return nil, err
		case more:
			return nil, t.tooWide(asked)
		}
		for _, e := range found {
			if id, ok := t.profile.readID(e); ok {
				groups = append(groups, is(id))
			}
		}
	}
	if len(groups) == 1 {
		return groups[0], nil
	}
	return scim.Or{Terms: groups}, nil
}
