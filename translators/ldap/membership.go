package ldap

import (
	"context"
	"fmt"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/translators"
)

// membersAtOnce bounds the members that one request changes: a few thousand take
// a busy slapd with the memberof overlay longer than a request may take.
const membersAtOnce = 1000

// memberDelta is which values of the attribute with a group's members come and
// go, as the directory writes them.
type memberDelta struct {
	add, remove []string
}

func (d *memberDelta) clone() *memberDelta {
	if d == nil {
		return nil
	}
	return &memberDelta{slices.Clone(d.add), slices.Clone(d.remove)}
}

// changes are the modifications that the delta is.
func (d *memberDelta) changes(field string) []goldap.Change {
	var changes []goldap.Change
	if len(d.add) > 0 {
		changes = append(changes, modification(goldap.AddAttribute, field, d.add))
	}
	if len(d.remove) > 0 {
		changes = append(changes, modification(goldap.DeleteAttribute, field, d.remove))
	}
	return changes
}

// leaving is changes with what goes first: that it is not there is then said
// before that something else is.
func (d *memberDelta) leaving(field string) []goldap.Change {
	changes := d.changes(field)
	slices.Reverse(changes)
	return changes
}

// split cuts a delta into parts for one request each, what comes before what
// goes: a group is then never empty on the way.
func (d *memberDelta) split() []*memberDelta {
	if len(d.add)+len(d.remove) <= membersAtOnce {
		return []*memberDelta{d}
	}
	var parts []*memberDelta
	for add := range slices.Chunk(d.add, membersAtOnce) {
		parts = append(parts, &memberDelta{add: add})
	}
	for remove := range slices.Chunk(d.remove, membersAtOnce) {
		parts = append(parts, &memberDelta{remove: remove})
	}
	return parts
}

// reduce takes out of the delta what is done already, after the directory has
// refused it with code: a value is there (20) or is not (16). present tells which
// of the values a group holds; it is asked only about those in question.
func (d *memberDelta) reduce(code uint16, present func([]string) (map[string]bool, error)) (bool, error) {
	if code == goldap.LDAPResultAttributeOrValueExists {
		there, err := d.ask(d.add, true, present)
		d.add = slices.DeleteFunc(d.add, func(v string) bool { return there[v] })
		return err == nil, err
	}
	there, err := d.ask(d.remove, false, present)
	if err != nil {
		return false, err
	}
	d.remove = slices.DeleteFunc(d.remove, func(v string) bool { return !there[v] })
	return true, nil
}

// ask is present, but for a single value, of which the refusal has told.
func (d *memberDelta) ask(values []string, refusedBecause bool, present func([]string) (map[string]bool, error)) (map[string]bool, error) {
	if len(values) == 1 {
		return map[string]bool{values[0]: refusedBecause}, nil
	}
	return present(values)
}

// hold adds the placeholder, after the directory has refused to leave the group
// without a member. It reports false when that was tried.
func (d *memberDelta) hold(placeholder string) bool {
	if slices.Contains(d.add, placeholder) {
		return false
	}
	d.add = append(d.add, placeholder)
	return true
}

// holds reports whether a group is as the delta makes it.
func (d *memberDelta) holds(present func([]string) (map[string]bool, error)) (bool, error) {
	there, err := present(slices.Concat(d.add, d.remove))
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(d.add, func(v string) bool { return !there[v] }) &&
		!slices.ContainsFunc(d.remove, func(v string) bool { return there[v] }), nil
}

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
		v, err := t.memberValue(k, id, m)
		if err != nil {
			return nil, nil, err
		}
		come = append(come, v)
	}
	for _, id := range remove {
		m, ok := names[id]
		if !ok {
			continue
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
	return come, gone, nil
}

// difference turns the present members into the wanted ones. Members that are no
// resources of the gateway's are left alone: the provider has never seen them.
func (t *Translator) difference(k *kind, present, wanted []string) (*memberDelta, error) {
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
	return err == nil && slices.ContainsFunc(t.kinds, func(k *kind) bool { return k.base.AncestorOfFold(dn) })
}

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

// The bounds of present: how many values one question names, and how many
// questions are asked before it is cheaper to read all members.
const (
	valuesPerQuestion = 200
	questionsAtMost   = 200
)

// present returns which of the values are members of the group, without reading
// the others: by asking whether all are, whether any is, and so on with halves.
// After an unlucky repetition of a long request mostly all are, or those in front.
func (t *Translator) present(ctx context.Context, c *entryCall, dn string, values []string) (map[string]bool, error) {
	q := &question{t: t, call: c, dn: dn, there: make(map[string]bool, len(values))}
	for batch := range slices.Chunk(values, valuesPerQuestion) {
		if err := q.sift(ctx, batch); err != nil {
			return nil, err
		}
	}
	return q.there, nil
}

type question struct {
	t     *Translator
	call  *entryCall
	dn    string
	asked int
	all   map[string]bool // by memberKey, once they were read
	there map[string]bool
}

func (q *question) sift(ctx context.Context, values []string) error {
	if q.asked >= questionsAtMost {
		return q.readAll(ctx, values)
	}
	all, err := q.ask(ctx, "(&", values)
	if err != nil {
		return err
	}
	if all {
		for _, v := range values {
			q.there[v] = true
		}
		return nil
	}
	if len(values) == 1 {
		return nil
	}
	some, err := q.ask(ctx, "(|", values)
	if err != nil || !some {
		return err
	}
	half := len(values) / 2
	if err := q.sift(ctx, values[:half]); err != nil {
		return err
	}
	return q.sift(ctx, values[half:])
}

// ask reports whether the group satisfies all, or any, of the values.
func (q *question) ask(ctx context.Context, operator string, values []string) (bool, error) {
	q.asked++
	field := q.call.k.memberField
	f := operator
	for _, v := range values {
		f += equality(field, v, true)
	}
	request := goldap.NewSearchRequest(q.dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false,
		"(&"+q.call.identity("")+f+"))", []string{noAttributes}, nil)
	entries, err := q.t.search(ctx, request)
	if err != nil {
		return false, err
	}
	return len(entries) > 0, nil
}

// noAttributes asks for none (RFC 4511 §4.5.1.8).
const noAttributes = "1.1"

func (q *question) readAll(ctx context.Context, values []string) error {
	if q.all == nil {
		present, err := q.t.readMembers(ctx, q.call.k, q.call.id)
		if err != nil {
			return err
		}
		q.all = make(map[string]bool, len(present))
		for _, v := range present {
			q.all[q.call.k.memberKey(v)] = true
		}
	}
	for _, v := range values {
		if q.all[q.call.k.memberKey(v)] {
			q.there[v] = true
		}
	}
	return nil
}
