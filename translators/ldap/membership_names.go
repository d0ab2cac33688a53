package ldap

import (
	"context"
	"fmt"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// namedMember is a resource under the name by which the directory refers to it.
type namedMember struct {
	name string
	kind *kind
	// entry is what was read of it; nil offline.
	entry *goldap.Entry
}

// namesOf returns the entries with these ids, users first, then groups. An id
// that nothing has is missing from the result.
func (t *Translator) namesOf(ctx context.Context, in translators.Intent, ids []string) (map[string]namedMember, error) {
	names := make(map[string]namedMember, len(ids))
	var unread []string
	for _, id := range ids {
		if known := in.References[id]; known != nil && known.Resource != nil {
			if h, ok := known.Handle.(*handle); ok {
				names[id] = namedMember{h.dn, t.kindOf(known.Resource.Type), h.entry}
				continue
			}
		}
		if in.Offline {
			names[id] = namedMember{name: "{dn of " + id + "}"}
			continue
		}
		unread = append(unread, id)
	}
	for _, k := range t.kinds {
		if len(unread) == 0 {
			break
		}
		attributes := []string{t.profile.id}
		if t.needsUID(k) {
			attributes = append(attributes, fieldUID)
		}
		found, err := t.locate(ctx, k, unread, attributes)
		if err != nil {
			return nil, err
		}
		unread = slices.DeleteFunc(unread, func(id string) bool {
			e := found[id]
			if e != nil {
				names[id] = namedMember{e.DN, k, e}
			}
			return e != nil
		})
	}
	return names, nil
}

// needsUID reports whether members of that kind are written by their uid.
func (t *Translator) needsUID(k *kind) bool {
	return k == t.users && t.groups != nil && t.groups.memberField != "" && !t.groups.memberIsDN
}

// memberValue returns what stands in the attribute with the members.
func (t *Translator) memberValue(k *kind, id string, m namedMember) (string, error) {
	if m.kind != nil && !t.canBeMember(m.kind) {
		return "", invalidMember("members: %q is a %s, and groups have users and groups as members alone", id, m.kind.served.Name)
	}
	if m.entry == nil {
		if !k.memberIsDN {
			return "{uid of " + id + "}", nil
		}
		return m.name, nil
	}
	dn, err := goldap.ParseDN(m.name)
	if err == nil && t.isOwnAccount(dn) {
		return "", errOwnAccount()
	}
	if k.memberIsDN {
		return m.name, nil
	}
	if m.kind != t.users {
		return "", invalidMember("members: %q is a group, and groups of this kind have users as members alone", id)
	}
	uid := m.entry.GetEqualFoldAttributeValue(fieldUID)
	if uid == "" {
		return "", invalidMember("members: the user %q has no uid in the directory, by which groups of this kind name their members", id)
	}
	return uid, nil
}

func invalidMember(format string, args ...any) error {
	return &translators.Error{Kind: translators.Invalid, Path: "members", Detail: fmt.Sprintf(format, args...)}
}

// memberValues resolves ids. One that nothing has can't be added; removed it is
// gone already.
func (t *Translator) memberValues(ctx context.Context, k *kind, in translators.Intent, add, remove []string) (come, gone []string, err error) {
	names, err := t.namesOf(ctx, in, slices.Concat(add, remove))
	if err != nil {
		return nil, nil, err
	}
	for _, id := range add {
		m, ok := names[id]
		if !ok {
			return nil, nil, invalidMember("members: there is no user or group with the id %q", id)
		}
		if k.isFlat && m.kind == t.groups {
			return nil, nil, invalidMember("members: %q is a group, and groups are shown with the people in their groups instead of these (nested flatten): name the people, or configure nested show", id)
		}
		v, err := t.memberValue(k, id, m)
		if err != nil {
			return nil, nil, err
		}
		come = append(come, v)
	}
	var people []namedMember
	var leaving []string
	for _, id := range remove {
		m, ok := names[id]
		if !ok {
			continue
		}
		if k.isFlat && !in.Offline && m.kind == t.users {
			people, leaving = append(people, m), append(leaving, id)
		}
		v, err := t.memberValue(k, id, m)
		if translators.KindOf(err) == translators.Invalid {
			continue // what can't be a member is none
		}
		if err != nil {
			return nil, nil, err
		}
		gone = append(gone, v)
	}
	if len(people) > 0 {
		if err := t.checkLeaving(ctx, k, in.ID, people, leaving); err != nil {
			return nil, nil, err
		}
	}
	return come, gone, nil
}

// difference turns the present members into the wanted ones. Members that are no
// resources of the gateway's are left alone: the provider has never seen them. So
// are the groups in nested, which are not shown.
func (t *Translator) difference(k *kind, present, wanted []string, nested map[string]string) (*memberDelta, error) {
	d := &memberDelta{}
	keep := make(map[string]bool, len(wanted))
	for _, v := range wanted {
		keep[k.memberKey(v)] = true
	}
	there := make(map[string]bool, len(present))
	isEmpty := len(wanted) == 0
	isHeld := false
	for _, v := range present {
		key := k.memberKey(v)
		there[key] = true
		switch {
		case k.memberIsDN && key == k.placeholder:
			isHeld = true
		case keep[key]:
		case nested[key] != "":
			isEmpty = false // it stays
		case t.isVisible(k, v):
			if k.memberIsDN && t.isOwnName(withoutUID(v)) {
				return nil, errOwnAccount()
			}
			d.remove = append(d.remove, v)
		default:
			isEmpty = false
		}
	}
	for _, v := range wanted {
		if !there[k.memberKey(v)] {
			d.add = append(d.add, v)
		}
	}
	if isEmpty && k.needsMember && !isHeld {
		d.add = append(d.add, k.config.Placeholder)
	}
	return d, nil
}

// isVisible reports whether a member can be a resource that the gateway serves.
func (t *Translator) isVisible(k *kind, value string) bool {
	if !k.memberIsDN {
		return true
	}
	dn, err := goldap.ParseDN(withoutUID(value))
	return err == nil && slices.ContainsFunc(t.kinds, func(k *kind) bool { return t.canBeMember(k) && k.base.AncestorOfFold(dn) })
}

// canBeMember reports whether resources of the kind can be members of groups
// (RFC 7643 §4.2).
func (t *Translator) canBeMember(k *kind) bool { return k == t.users || k == t.groups }

// memberKey is the same for two writings of one member.
func (k *kind) memberKey(value string) string {
	if k.memberIsDN {
		return nameKey(withoutUID(value))
	}
	return value
}

// readMembers returns the values of a group's members, all of them.
func (t *Translator) readMembers(ctx context.Context, k *kind, id string) ([]string, error) {
	e, err := t.readByID(ctx, k, id, []string{k.memberField})
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, notFound(k, id)
	}
	return attributeValues(e, k.memberField), nil
}
