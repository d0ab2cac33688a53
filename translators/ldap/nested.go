package ldap

import (
	"context"
	"fmt"
	"iter"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// What becomes of groups that are members of groups ([ResourceConfig]).
const (
	NestedShow    = "show"    // they are members like people
	NestedFlatten = "flatten" // the people in them are members, and they themselves are not shown
)

// The bounds of flattening: how many groups within a group are read, and how many
// groups are looked at on the way up from people to the groups that they are in.
const (
	groupsWithin = 1000
	groupsAbove  = 10_000
)

// The types of a user's groups (RFC 7643 §4.1.2).
const (
	typeDirect   = "direct"
	typeIndirect = "indirect"
)

// isFlat reports whether groups are shown with the people in their groups.
func (t *Translator) isFlat() bool { return t.groups != nil && t.groups.isFlat }

// flattening collects the people that are reached through groups, each once.
type flattening struct {
	t       *Translator
	k       *kind
	people  map[string]struct{}
	groups  map[string]struct{} // those that were read or will be: groups may go in a circle
	waiting []string            // of these the ones to be read
}

func (t *Translator) newFlattening(k *kind) *flattening {
	return &flattening{t: t, k: k, people: make(map[string]struct{}), groups: make(map[string]struct{})}
}

// enter puts a group on the list of those to be read.
func (f *flattening) enter(id string) error {
	if _, is := f.groups[id]; is {
		return nil
	}
	if len(f.groups) > groupsWithin {
		return &translators.Error{Kind: translators.TooMany, Detail: fmt.Sprintf(
			"More than %d groups are members of the group, directly and through others, too many to show the people in them. Read the group without its members, or configure nested show.", groupsWithin)}
	}
	f.groups[id] = struct{}{}
	f.waiting = append(f.waiting, id)
	return nil
}

// take yields the people among the members of one group who were not yielded
// before, and remembers the groups among them. It returns false when nobody wants
// more.
func (f *flattening) take(members iter.Seq2[scim.Member, error], yield func(scim.Member, error) bool) bool {
	for m, err := range members {
		if err == nil && m.Type == f.t.groups.served.Name {
			if err = f.enter(m.ID); err == nil {
				continue
			}
		}
		if err != nil {
			yield(scim.Member{}, err)
			return false
		}
		if _, is := f.people[m.ID]; is {
			continue
		}
		f.people[m.ID] = struct{}{}
		if !yield(m, nil) {
			return false
		}
	}
	return true
}

// within yields the people in the groups that wait, and in the groups in these,
// one group after the other.
func (f *flattening) within(ctx context.Context, yield func(scim.Member, error) bool) {
	for len(f.waiting) > 0 {
		id := f.waiting[0]
		f.waiting = f.waiting[1:]
		e, err := f.t.readByID(ctx, f.k, id, []string{f.k.memberField})
		if err == nil && e == nil {
			err = errMembersChanged()
		}
		if err != nil {
			yield(scim.Member{}, err)
			return
		}
		if !f.take(f.t.directMembersOf(ctx, f.k, e), yield) {
			return
		}
	}
}

// flatMembersOf yields the people in a group and in the groups in it. More than
// groupsWithin of these end in an error: a shorter list would say of somebody that
// he is no member.
func (t *Translator) flatMembersOf(ctx context.Context, k *kind, e *goldap.Entry) iter.Seq2[scim.Member, error] {
	return func(yield func(scim.Member, error) bool) {
		f := t.newFlattening(k)
		if id, ok := t.profile.readID(e); ok {
			f.groups[id] = struct{}{}
		}
		if f.take(t.directMembersOf(ctx, k, e), yield) {
			f.within(ctx, yield)
		}
	}
}

// nestedIn returns which of a group's members are groups: their ids, by memberKey.
func (t *Translator) nestedIn(ctx context.Context, k *kind, values []string) (map[string]string, error) {
	var names []name
	for _, v := range values {
		if n := newName(withoutUID(v)); n.key != k.placeholder && isBelowKey(n.key, k.baseKey) {
			names = append(names, n)
		}
	}
	found, err := t.lookUp(ctx, names, idAlone)
	if err != nil {
		return nil, err
	}
	groups := make(map[string]string)
	for key, ref := range found {
		if ref.kind == k {
			groups[key] = ref.id
		}
	}
	return groups, nil
}

// peopleWithin returns the ids of those who are in the groups, directly or through
// others, but not through the group except itself.
func (t *Translator) peopleWithin(ctx context.Context, k *kind, except string, groups map[string]string) (map[string]struct{}, error) {
	f := t.newFlattening(k)
	f.groups[except] = struct{}{}
	for _, id := range groups {
		if err := f.enter(id); err != nil {
			return nil, err
		}
	}
	var fault error
	f.within(ctx, func(_ scim.Member, err error) bool {
		fault = err
		return err == nil
	})
	return f.people, fault
}

// replaceFlat finds out which members come and go where the people in the groups
// of a group are shown as its members, and a full list is to replace them. It is
// held against those whom the group names itself. Groups stay, and who is in one
// of them is a member already, and can't be left out.
func (t *Translator) replaceFlat(ctx context.Context, k *kind, id string, present, ids, values []string) (*memberDelta, error) {
	nested, err := t.nestedIn(ctx, k, present)
	if err != nil {
		return nil, err
	}
	through, err := t.peopleWithin(ctx, k, id, nested)
	if err != nil {
		return nil, err
	}
	named := make(map[string]bool, len(present))
	for _, v := range present {
		named[k.memberKey(v)] = true
	}
	wanted := make(map[string]bool, len(ids))
	var direct []string
	for i, v := range values {
		wanted[ids[i]] = true
		if _, isThere := through[ids[i]]; !isThere || named[k.memberKey(v)] {
			direct = append(direct, v)
		}
	}
	for person := range through {
		if !wanted[person] {
			return nil, staysMember(person)
		}
	}
	return t.difference(k, present, direct, nested)
}

// staysMember refuses to take somebody out of a group who is in a group in it.
func staysMember(id string) error {
	return &translators.Error{Kind: translators.Refused, Path: "members", Detail: fmt.Sprintf(
		"members: the user %q is a member through another group that is in this one, and would stay one. Take the user out of that group, or that group out of this one. Nothing was changed.", id)}
}

// checkLeaving refuses to take people out of a group in which they would stay,
// because a group in it has them as well. It looks upwards, from the people: how
// many others are in the group does not matter.
func (t *Translator) checkLeaving(ctx context.Context, k *kind, group string, people []namedMember, ids []string) error {
	var values []string
	for _, m := range people {
		values = append(values, m.name)
	}
	stay, err := t.isAbove(ctx, k, group, values)
	if err != nil || !stay {
		return err
	}
	for i, v := range values {
		if stay, err = t.isAbove(ctx, k, group, []string{v}); err != nil {
			return err
		} else if stay {
			return staysMember(ids[i])
		}
	}
	return errMembersChanged() // meanwhile
}

// isAbove reports whether the group has one of the names as a member through
// another group.
func (t *Translator) isAbove(ctx context.Context, k *kind, group string, names []string) (bool, error) {
	seen := map[string]bool{group: true}
	for level := 0; len(names) > 0; level++ {
		above, err := t.groupsWithAny(ctx, k, names)
		if err != nil {
			return false, err
		}
		names = nil
		for _, e := range above {
			id, ok := t.profile.readID(e)
			switch {
			case !ok:
				return false, t.hiddenID()
			case id == group && level > 0:
				return true, nil
			case !seen[id]:
				seen[id] = true
				names = append(names, e.DN)
			}
		}
		if len(seen) > groupsAbove {
			return false, tooManyAbove()
		}
	}
	return false, nil
}

// groupsWithAny returns the groups that have any of the names as members.
func (t *Translator) groupsWithAny(ctx context.Context, k *kind, names []string) ([]*goldap.Entry, error) {
	var found []*goldap.Entry
	for len(names) > 0 {
		batch := names[:min(batchSize, len(names))]
		names = names[len(batch):]
		terms := make([]clause, len(batch))
		for i, n := range batch {
			terms[i] = equals(k.memberField, n)
		}
		entries, more, err := t.searchUpTo(ctx, k, oneOf(terms...), []string{t.profile.id}, groupsAbove)
		switch {
		case err != nil:
			return nil, fmt.Errorf("looking for the groups of members: %w", err)
		case more:
			return nil, tooManyAbove()
		}
		found = append(found, entries...)
	}
	return found, nil
}

func tooManyAbove() error {
	return &translators.Error{Kind: translators.TooMany, Detail: fmt.Sprintf(
		"More than %d groups would have to be looked at to find out who is in which group through others. Ask for fewer users at a time or without their groups, or configure nested show.", groupsAbove)}
}

// lookAbove reads the groups of that name, and those that they are in, level by
// level: by their keys, nothing for what is no group of ours. It is read afresh,
// because it says who is in a group.
func (t *Translator) lookAbove(ctx context.Context, names []string) (map[string]reference, error) {
	known := make(map[string]reference)
	for len(names) > 0 {
		var asked []name
		for _, text := range names {
			n := newName(text)
			if _, is := known[n.key]; !is {
				known[n.key] = reference{}
				asked = append(asked, n)
			}
		}
		if len(known) > groupsAbove {
			return nil, tooManyAbove()
		}
		found, err := t.lookUp(ctx, asked, withParents)
		if err != nil {
			return nil, err
		}
		names = nil
		for _, n := range asked {
			if ref := found[n.key]; ref.kind == t.groups {
				known[n.key] = ref
				names = append(names, ref.parents...)
			}
		}
	}
	return known, nil
}

// allGroupsOf returns the groups that a user's entry names, and those that these
// are in; above are all of them.
func (t *Translator) allGroupsOf(k *kind, e *goldap.Entry, above map[string]reference) scim.Value {
	var elements []scim.Value
	seen := make(map[string]bool)
	kindOfMembership := typeDirect
	for names := attributeValues(e, k.groupsField); len(names) > 0; kindOfMembership = typeIndirect {
		var next []string
		for _, text := range names {
			key := nameKey(text)
			ref := above[key]
			if seen[key] || ref.kind == nil {
				continue
			}
			seen[key] = true
			fields := append(k.groupFields(ref), scim.Field{Attribute: k.groups.Sub("type"), Value: scim.String(kindOfMembership)})
			elements = append(elements, scim.Complex(fields...))
			next = append(next, ref.parents...)
		}
		names = next
	}
	return scim.List(elements...)
}

// groupFields are those by which a user's group is shown.
func (k *kind) groupFields(ref reference) []scim.Field {
	fields := []scim.Field{{Attribute: k.groups.Sub("value"), Value: scim.String(ref.id)}}
	if ref.display != "" {
		fields = append(fields, scim.Field{Attribute: k.groups.Sub("display"), Value: scim.String(ref.display)})
	}
	return fields
}
