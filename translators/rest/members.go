package rest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// errManyOfOneName is the error for a name that several accounts have.
func errManyOfOneName(what string, all []*handle) error {
	return &translators.Error{Kind: translators.Conflict, IDs: []string{all[0].id, all[1].id},
		Detail: "The application has several " + what + " of one name, by which it refers to them."}
}

// membersOf yields the members of a group. Where the application refers to them by name
// they are looked up, some at a time; a name that nobody has is left out.
func (t *Translator) membersOf(ctx context.Context, k *kind, h *handle) iter.Seq2[scim.Member, error] {
	return func(yield func(scim.Member, error) bool) {
		seen := make(map[string]bool)
		give := func(ids []string) bool {
			for _, id := range ids {
				if !seen[id] && !yield(scim.Member{ID: id, Type: "User"}, nil) {
					return false
				}
				seen[id] = true
			}
			return true
		}
		for ids, err := range t.memberIDs(ctx, k.membership, h) {
			if err != nil {
				yield(scim.Member{}, fmt.Errorf("reading the members of a group: %w", err))
				return
			}
			if !give(ids) {
				return
			}
		}
	}
}

// memberIDs yields the ids of a group's members, some at a time.
func (t *Translator) memberIDs(ctx context.Context, m *membership, h *handle) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		if m.inUser != nil {
			t.membersInUsers(ctx, m, h, yield)
			return
		}
		var names []string
		isStopped := false
		flush := func(atLeast int) error {
			if len(names) < max(atLeast, 1) {
				return nil
			}
			ids, err := t.idsOfNames(ctx, m, names)
			if err == nil && !yield(ids, nil) {
				isStopped, err = true, errEnough
			}
			names = names[:0]
			return err
		}
		err := t.memberNames(ctx, m, h, func(name string) error {
			names = append(names, name)
			return flush(4 * atOnce)
		})
		if err == nil {
			err = flush(1)
		}
		if err != nil && !isStopped {
			yield(nil, err)
		}
	}
}

// memberNames calls each for the references to the members of a group.
func (t *Translator) memberNames(ctx context.Context, m *membership, h *handle, each func(name string) error) error {
	if !m.groups.has(OpMembers) {
		for _, name := range m.inGroup.in(h.record) {
			if err := each(name); err != nil {
				return err
			}
		}
		return nil
	}
	for _, s := range m.groups.steps[OpMembers] {
		for row, err := range t.rows(ctx, s, &scope{kind: m.groups, id: h.id, record: h.record}) {
			if err != nil {
				if translators.KindOf(err) == translators.NotFound {
					err = &translators.Error{Kind: translators.Unavailable, Err: err,
						Detail: "The application has the group, and the call of members does not find it. If that means that there are none, say so in that call: not_found 404."}
				}
				return err
			}
			for _, name := range m.inGroup.in(row) {
				if err := each(name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// idsOfNames returns the ids of the users that the application calls so, without those
// who are not there.
func (t *Translator) idsOfNames(ctx context.Context, m *membership, names []string) ([]string, error) {
	if !m.byName || m.users.isNamedByKey {
		return slices.Clone(names), nil
	}
	found := make([]string, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, name := range names {
		group.Go(func() error {
			all, _, err := t.gather(ctx, m.users, equals(m.users.name, name), translators.Selection{}, 2)
			if err == nil && len(all) > 1 {
				err = errManyOfOneName("users", all)
			}
			if err == nil && len(all) == 1 {
				found[i] = all[0].id
			}
			return err
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(found, func(id string) bool { return id == "" }), err
}

func equals(a *scim.Attribute, text string) scim.Filter {
	return scim.Compare{Target: scim.Target{Attribute: a}, Operator: scim.Equal, Value: scim.String(text)}
}

// membersInUsers yields the users whose records name the group: those that the call
// of members finds, or else all users, within Candidates.
func (t *Translator) membersInUsers(ctx context.Context, m *membership, h *handle, yield func([]string, error) bool) {
	name := m.nameOf(t.resourceOf(m.groups, h, translators.Selection{Attributes: []*scim.Attribute{m.groups.name}}))
	see := look{fields: []string{m.inUser.text}}
	var pending []string
	isStopped := false
	flush := func() error {
		all, err := t.records(ctx, m.users, pending, see)
		pending = nil
		if err != nil {
			return err
		}
		var ids []string
		for _, u := range all {
			if slices.Contains(m.inUser.in(u.record), name) {
				ids = append(ids, u.id)
			}
		}
		if !yield(ids, nil) {
			isStopped = true
			return errEnough
		}
		return nil
	}
	take := func(u *handle) error {
		if !u.isUnsure && !t.backend.writes.expects(m.users, u.id) && m.users.sees(u.record, see) {
			if slices.Contains(m.inUser.in(u.record), name) && !yield([]string{u.id}, nil) {
				isStopped = true
				return errEnough
			}
			return nil
		}
		if pending = append(pending, u.id); len(pending) >= 4*atOnce {
			return flush()
		}
		return nil
	}
	err := t.eachUserOf(ctx, m, h, take)
	if err == nil && len(pending) > 0 {
		err = flush()
	}
	if err != nil && !isStopped {
		yield(nil, err)
	}
}

// eachUserOf calls each for the users among whom those of a group are.
func (t *Translator) eachUserOf(ctx context.Context, m *membership, h *handle, each func(*handle) error) error {
	if !m.groups.has(OpMembers) {
		if !m.users.has(OpList) {
			return &translators.Error{Kind: translators.TooMany,
				Detail: "The application tells of no group who is in it. Configure a call that finds them, members GET …, or list of users, whose rows are looked at then."}
		}
		return t.eachRow(ctx, m.users, inquiry{list: true}, t.Candidates, each)
	}
	for _, s := range m.groups.steps[OpMembers] {
		with := &scope{kind: m.groups, id: h.id, record: h.record}
		for row, err := range t.rows(ctx, s, with) {
			if err != nil {
				return err
			}
			u, err := t.rowOf(m.users, s, row)
			if err != nil {
				return (&lookup{t: t, s: s, with: with}).clean(err)
			}
			if !u.isAbsent {
				err = each(u)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// groupsOf returns the groups that a user's record names.
func (t *Translator) groupsOf(ctx context.Context, k *kind, h *handle) (scim.Value, error) {
	ids, err := t.groupIDs(ctx, k, h)
	if err != nil {
		return scim.Value{}, fmt.Errorf("reading the groups of a user: %w", err)
	}
	elements := make([]scim.Value, len(ids))
	for i, id := range ids {
		elements[i] = scim.Complex(scim.Field{Attribute: k.groups.Sub("value"), Value: scim.String(id)})
	}
	return scim.List(elements...), nil
}

// groupIDs returns the ids of the groups that a user's record names.
func (t *Translator) groupIDs(ctx context.Context, users *kind, h *handle) (ids []string, err error) {
	refs := users.groupRefs
	m := t.groups.membership
	if m != nil && m.inUser != nil {
		refs = m.inUser
	}
	if refs == nil {
		return nil, nil
	}
	names := refs.in(h.record)
	if m == nil || m.inUser == nil || !m.byDisplayName {
		return names, nil
	}
	for _, name := range names {
		if t.groups.isNamedByKey {
			ids = append(ids, name)
			continue
		}
		all, _, err := t.gather(ctx, t.groups, equals(t.groups.name, name), translators.Selection{}, 2)
		switch {
		case err != nil:
			return nil, err
		case len(all) > 1:
			return nil, errManyOfOneName("groups", all)
		case len(all) == 1:
			ids = append(ids, all[0].id)
		}
	}
	return ids, nil
}

// groupsOfMember returns the ids of the groups whose members are asked for by a user,
// where users have their groups.
func (t *Translator) groupsOfMember(ctx context.Context, id string) ([]string, error) {
	h, err := t.recordAwaited(ctx, t.users, id, look{fields: []string{t.groups.membership.inUser.text}})
	if err != nil || h == nil {
		return nil, err
	}
	return t.groupIDs(ctx, t.users, h)
}

// complete sets what a filter looks at and no field of the record tells: the members of a
// group and the groups of a user.
func (t *Translator) complete(ctx context.Context, k *kind, r *scim.Resource, f scim.Filter, h *handle) error {
	for _, target := range scim.Targets(f) {
		switch a := target.Attribute; {
		case k.groups != nil && a.Name == k.groups.Name && a.Schema() == k.groups.Schema():
			groups, err := t.groupsOf(ctx, k, h)
			if err != nil {
				return err
			}
			r.Set(k.groups, groups)
		case k.members != nil && a.IsReferenceSet():
			var elements []scim.Value
			members := t.membersOf(ctx, k, h)
			if asked, ok := membersAsked(f); ok {
				members = t.membersAmong(ctx, k, h, asked)
			}
			for m, err := range members {
				if err != nil {
					return err
				}
				fields := []scim.Field{{Attribute: k.members.Sub("value"), Value: scim.String(m.ID)}}
				if of := k.members.Sub("type"); of != nil {
					fields = append(fields, scim.Field{Attribute: of, Value: scim.String(m.Type)})
				}
				elements = append(elements, scim.Complex(fields...))
			}
			r.Set(k.members, scim.List(elements...))
		}
	}
	return nil
}

// membersAsked returns the ids of the members whom a filter names; ok is false when it
// asks for more than whether these are members.
func membersAsked(f scim.Filter) (ids []string, ok bool) {
	within := func(terms ...scim.Filter) bool {
		for _, term := range terms {
			asked, ok := membersAsked(term)
			if !ok {
				return false
			}
			ids = append(ids, asked...)
		}
		return true
	}
	switch f := f.(type) {
	case scim.And:
		ok = within(f.Terms...)
	case scim.Or:
		ok = within(f.Terms...)
	case scim.Not:
		ok = within(f.Term)
	case scim.Elements:
		c, is := f.Filter.(scim.Compare)
		if is && f.Attribute.IsReferenceSet() && c.Target.Sub != nil {
			return membersAsked(scim.Compare{Target: scim.Target{Attribute: f.Attribute, Sub: c.Target.Sub}, Operator: c.Operator, Value: c.Value})
		}
		ok = !f.Attribute.IsReferenceSet()
	case scim.Compare:
		if !f.Target.Attribute.IsReferenceSet() {
			return nil, true
		}
		isValue := f.Target.Sub == nil || f.Target.Sub.Name == "value"
		return []string{f.Value.Text()}, isValue && f.Operator == scim.Equal && f.Value.Text() != ""
	default:
		ok = !slices.ContainsFunc(scim.Targets(f), func(t scim.Target) bool { return t.Attribute.IsReferenceSet() })
	}
	return ids, ok
}

// membersAmong yields those of the users with these ids who are members of a group. Where
// the application tells of users which groups they are in, or knows members by name, it
// is asked for these users, and for no other.
func (t *Translator) membersAmong(ctx context.Context, k *kind, h *handle, ids []string) iter.Seq2[scim.Member, error] {
	m := k.membership
	is := func(id string) (bool, error) {
		if m.inUser == nil && !m.byName && m.users.absence == nil {
			return t.isMember(ctx, m, h, id)
		}
		see := m.users.lookFor(translators.Selection{Attributes: []*scim.Attribute{m.users.name}})
		if m.inUser != nil {
			see = look{fields: []string{m.inUser.text}}
		}
		u, err := t.recordAwaited(ctx, m.users, id, see)
		if err != nil || u == nil {
			return false, err
		}
		if m.inUser != nil {
			name := m.nameOf(t.resourceOf(m.groups, h, translators.Selection{Attributes: []*scim.Attribute{m.groups.name}}))
			return slices.Contains(m.inUser.in(u.record), name), nil
		}
		if !m.byName {
			return t.isMember(ctx, m, h, id)
		}
		name := t.resourceOf(m.users, u, translators.Selection{Attributes: []*scim.Attribute{m.users.name}}).Get(m.users.name).Text()
		if name == "" {
			return false, nil
		}
		return t.isMember(ctx, m, h, name)
	}
	return func(yield func(scim.Member, error) bool) {
		for i, id := range ids {
			if slices.Contains(ids[:i], id) {
				continue
			}
			there, err := is(id)
			if err != nil {
				err = fmt.Errorf("reading whether a group has a member: %w", err)
			}
			if (there || err != nil) && !yield(scim.Member{ID: id, Type: "User"}, err) {
				return
			}
		}
	}
}

// isMember reports whether a group has a member, as it is now.
func (t *Translator) isMember(ctx context.Context, m *membership, group *handle, name string) (bool, error) {
	is := false
	err := t.memberNames(ctx, m, group, func(there string) error {
		if there == name {
			is = true
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return is, err
}
