package ldap

import (
	"context"
	"slices"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// inquiry is a SCIM filter as it is asked of the directory.
type inquiry struct {
	filter clause      // what is searched for
	rest   scim.Filter // what remains to be checked here; nil when nothing does
}

// ask turns a SCIM filter into a inquiry. It looks up the resources that the
// filter names by id, and finds out whether the directory can evaluate what it is
// to be asked, which is remembered.
func (t *Translator) ask(ctx context.Context, k *kind, f scim.Filter) (inquiry, error) {
	if f == nil {
		return inquiry{filter: everything}, nil
	}
	if err := checkMembers(k, f); err != nil {
		return inquiry{}, err
	}
	values, err := t.valuesOfIDs(ctx, k, f)
	if err != nil {
		return inquiry{}, err
	}
	if err := t.learnRules(ctx, k, f); err != nil {
		return inquiry{}, err
	}
	terms := []scim.Filter{f}
	if and, ok := f.(scim.And); ok {
		terms = and.Terms
	}
	c := &filterCompiler{kind: k, profile: t.profile, rules: t.rules, named: values}
	all := c.each(terms)
	if c.undefined, err = t.undefined(ctx, k, c.used); err != nil {
		return inquiry{}, err
	}
	if len(c.undefined) > 0 {
		all = c.each(terms)
	}
	var rest []scim.Filter
	for i, b := range all {
		if !b.isExact() {
			rest = append(rest, terms[i])
		}
	}
	q := inquiry{filter: both(all).may}
	switch len(rest) {
	case 0:
		return q, nil
	case 1:
		q.rest = rest[0]
	default:
		q.rest = scim.And{Terms: rest}
	}
	q.rest, err = t.withoutMembers(ctx, k, q.rest, values.values)
	return q, err
}

// undefined returns those of the assertions that the directory can't evaluate
// for the kind's entries: the syntax of the attribute does not take the value, or
// it has no rule for such a comparison. That must not be taken for the answer
// that no entry has the value. When it can't say of an entry whether it has the
// attribute at all, the mapping or the access rules are wrong.
func (t *Translator) undefined(ctx context.Context, k *kind, used []clause) ([]clause, error) {
	var undefined []clause
	for _, a := range used {
		field, comparison := a.parts()
		isDefined, err := t.isDefined(ctx, k, a, field+comparison)
		if err != nil {
			return nil, err
		}
		if isDefined {
			continue
		}
		undefined = append(undefined, a)
		isKnown, err := t.isDefined(ctx, k, present(field), field+"=*")
		switch {
		case err != nil:
			return nil, err
		case !isKnown:
			return nil, &translators.Error{Kind: translators.Unavailable, Detail: "The directory can't search the attribute " + field +
				": its schema does not define it, or the account of scimgate may not see it. Correct the mapping or the access rules."}
		}
	}
	return undefined, nil
}

// definedFor is how long it is remembered that the directory can evaluate a
// clause: schema and access rules may change under a running gateway.
const definedFor = time.Minute

// isDefined reports whether the directory can evaluate the clause for one of
// the kind's entries at least. That it can is remembered under the key. While
// there are no entries there is nothing to go wrong.
func (t *Translator) isDefined(ctx context.Context, k *kind, a clause, key string) (bool, error) {
	key = k.served.Name + " " + strings.ToLower(key)
	if at, known := t.defined.Load(key); known && time.Since(at.(time.Time)) < definedFor {
		return true, nil
	}
	// Every entry satisfies one of a and not a, unless a is undefined.
	for _, f := range []clause{oneOf(a, noneOf(a)), ""} {
		entries, err := t.search(ctx, k.request(string(f), []string{"1.1"}, 1))
		if f != "" && resultCode(err) == goldap.LDAPResultAdminLimitExceeded {
			// A directory that refuses what it has no index for (OpenLDAP:
			// size.unchecked): the base is an entry too, and costs it nothing.
			base := k.request("", []string{"1.1"}, 1)
			base.Scope, base.Filter = goldap.ScopeBaseObject, string(f)
			entries, err = t.search(ctx, base)
			if err == nil && len(entries) == 0 {
				continue
			}
		}
		found := len(entries) > 0 || resultCode(err) == goldap.LDAPResultSizeLimitExceeded
		switch {
		case err != nil && !found:
			return false, t.fault("trying a filter", err)
		case found && f != "":
			t.defined.Store(key, time.Now())
			return true, nil
		case found:
			return false, nil
		}
	}
	return true, nil
}

// named is what stands in the directory's attributes for the resources that a
// filter names by id. An id that is missing is nobody's.
type named struct {
	values map[string]string // of members and groups: names, or login names for memberUid
	names  map[string]string // of what leaves refer to
}

// valuesOfIDs looks up the resources that a filter names by id.
func (t *Translator) valuesOfIDs(ctx context.Context, k *kind, f scim.Filter) (named, error) {
	members, references := t.namedIDs(k, f)
	var n named
	var err error
	field := ""
	if k.members != nil && !k.memberIsDN {
		field = fieldUID
		delete(members, t.groups)
	}
	if n.values, err = t.lookUpIDs(ctx, members, field); err != nil {
		return named{}, err
	}
	n.names, err = t.lookUpIDs(ctx, references, "")
	return n, err
}

// lookUpIDs returns what stands for the resources with these ids: the values of
// the field, or their names when there is none.
func (t *Translator) lookUpIDs(ctx context.Context, ids map[*kind][]string, field string) (map[string]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var attributes []string
	if field != "" {
		attributes = []string{field}
	}
	values := make(map[string]string)
	for _, k := range t.kinds { // in order
		unknown := slices.DeleteFunc(ids[k], func(id string) bool { return values[id] != "" })
		found, err := t.locate(ctx, k, unknown, attributes)
		if err != nil {
			return nil, err
		}
		for id, e := range found {
			if values[id] = e.DN; field != "" {
				values[id] = e.GetEqualFoldAttributeValue(field)
			}
		}
	}
	return values, nil
}

// namedIDs returns the ids that a filter compares members or groups with, and
// those that it compares references with, by the kinds that they may be of.
func (t *Translator) namedIDs(k *kind, f scim.Filter) (members, references map[*kind][]string) {
	add := func(to *map[*kind][]string, of *kind, id string) {
		if of == nil || slices.Contains((*to)[of], id) {
			return
		}
		if *to == nil {
			*to = make(map[*kind][]string)
		}
		(*to)[of] = append((*to)[of], id)
	}
	walkFilter(f, func(f scim.Filter) {
		c, ok := f.(scim.Compare)
		if !ok || c.Operator != scim.Equal || c.Value.IsAbsent() {
			return
		}
		id, isValue := c.Value.Text(), c.Target.Sub != nil && c.Target.Sub.Name == "value"
		if isValue && k.members != nil && c.Target.Attribute == k.members {
			add(&members, t.users, id)
			add(&members, t.groups, id)
		}
		if isValue && k.groups != nil && c.Target.Attribute == k.groups {
			add(&members, t.groups, id)
		}
		for _, l := range k.references {
			if l.Path.Attribute != c.Target.Attribute || l.Path.Sub != c.Target.Sub {
				continue
			}
			for _, other := range t.kinds {
				if other.isTargetOf(l) {
					add(&references, other, id)
				}
			}
		}
	})
	return members, references
}

// walkFilter calls visit for a filter and all in it.
func walkFilter(f scim.Filter, visit func(scim.Filter)) {
	visit(f)
	switch f := f.(type) {
	case scim.And:
		for _, t := range f.Terms {
			walkFilter(t, visit)
		}
	case scim.Or:
		for _, t := range f.Terms {
			walkFilter(t, visit)
		}
	case scim.Not:
		walkFilter(f.Term, visit)
	case scim.Elements:
		walkFilter(f.Filter, visit)
	}
}
