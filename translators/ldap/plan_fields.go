package ldap

import (
	"context"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// fieldChange is what happens to the values of one attribute of an entry.
type fieldChange struct {
	name          string
	before, after []string
	isKnown       bool // whether before is: the values can be put back
	secret        bool
	reference     bool // the values are names of entries
}

// fieldChanges are the attributes whose values differ between two states of a
// resource, of those SCIM attributes that differ. before may be nil: then all
// that has values in after is named, and nothing can be put back.
func (k *kind) fieldChanges(before, after *scim.Resource, differences []scim.Difference, refs translators.References) (fields []fieldChange, dropped []string, err error) {
	wanted := make(map[*scim.Attribute]bool, len(differences))
	for _, d := range differences {
		wanted[d.Attribute] = true
	}
	want := func(a *scim.Attribute) bool { return wanted[a] }
	encoded, dropped, err := k.mapping.Encode(after, want, refs)
	if err != nil {
		return nil, nil, err
	}
	var former []translators.FieldValues
	isKnown := before != nil
	if isKnown {
		// What stands in the directory may be what no codec would write, or a
		// reference to what is gone: then it is simply replaced.
		former, _, err = k.mapping.Encode(before, want, lenient{refs})
		isKnown = err == nil
	}
	for _, f := range encoded {
		change := fieldChange{name: f.Field, after: f.Values, isKnown: isKnown && !f.Secret, secret: f.Secret}
		if l := k.mapping.LeafOf(f.Field); l != nil {
			change.reference = l.IsReference()
		}
		if i := slices.IndexFunc(former, func(o translators.FieldValues) bool { return o.Field == f.Field }); i >= 0 && !f.Secret {
			change.before = former[i].Values
			if sameSet(change.before, change.after) {
				continue
			}
		}
		fields = append(fields, change)
	}
	return append(fields, k.removedSecrets(differences)...), dropped, nil
}

// removedSecrets are the attributes whose values nobody sees and that are to have
// none: before and after they are absent as far as anybody knows.
func (k *kind) removedSecrets(differences []scim.Difference) (fields []fieldChange) {
	for _, d := range differences {
		if !d.Before.IsAbsent() || !d.After.IsAbsent() {
			continue
		}
		for _, l := range k.mapping.Leaves {
			if l.Path.Attribute != d.Attribute || !l.IsSecret() || !l.IsWritable() {
				continue
			}
			for _, f := range l.Fields {
				fields = append(fields, fieldChange{name: f, secret: true})
			}
		}
	}
	return fields
}

// lenient gives ids that have no name one of their own, for comparing.
type lenient struct{ translators.References }

// Name implements [translators.References].
func (l lenient) Name(leaf *translators.Leaf, id string) (string, bool) {
	if l.References != nil {
		if name, ok := l.References.Name(leaf, id); ok {
			return name, true
		}
	}
	return "{" + id + "}", true
}

// modifications bring the attribute of an entry with that name to its values.
// rdn is the name as it was, renamed the one that it has got by then, or nil.
//
// An attribute with one value is replaced: what is mapped to it must read back.
// Of several, those that differ are added and removed, and so are those of an
// attribute that names the entry: its other values are nobody's business here.
func (f *fieldChange) modifications(rdn, renamed *goldap.RelativeDN) []goldap.Change {
	if rdn == nil || !isNaming(rdn, f.name) {
		if len(f.after) == 0 || len(f.after) == 1 && len(f.before) <= 1 || !f.isKnown {
			return []goldap.Change{replacement(f.name, f.after...)}
		}
		return deltas(f.name, f.before, f.after)
	}
	now := f.before
	if !f.isKnown {
		now = []string{valueInRDN(rdn, f.name).Value}
	}
	if renamed != nil {
		old, got := valueInRDN(rdn, f.name).Value, valueInRDN(renamed, f.name).Value
		now = slices.DeleteFunc(slices.Clone(now), func(v string) bool { return v == old })
		if !slices.Contains(now, got) {
			now = append(now, got)
		}
	}
	return deltas(f.name, now, f.after)
}

// deltas turn one set of values into another: what goes before what comes, so
// that a value can be written in another case.
func deltas(name string, before, after []string) []goldap.Change {
	var changes []goldap.Change
	if gone := missing(before, after); len(gone) > 0 {
		changes = append(changes, modification(goldap.DeleteAttribute, name, gone))
	}
	if come := missing(after, before); len(come) > 0 {
		changes = append(changes, modification(goldap.AddAttribute, name, come))
	}
	return changes
}

// reverse takes changes back that deltas and replacement made of f.
func (f *fieldChange) reverse(changes []goldap.Change) []goldap.Change {
	var back []goldap.Change
	for _, c := range slices.Backward(changes) {
		switch c.Operation {
		case goldap.AddAttribute:
			back = append(back, modification(goldap.DeleteAttribute, f.name, c.Modification.Vals))
		case goldap.DeleteAttribute:
			back = append(back, modification(goldap.AddAttribute, f.name, c.Modification.Vals))
		default:
			back = append(back, replacement(f.name, f.before...))
		}
	}
	return back
}

func modification(operation uint, name string, values []string) goldap.Change {
	return goldap.Change{Operation: operation, Modification: goldap.PartialAttribute{Type: name, Vals: values}}
}

// missing returns the values of a that are not in b.
func missing(a, b []string) []string {
	var values []string
	for _, v := range a {
		if !slices.Contains(b, v) {
			values = append(values, v)
		}
	}
	return values
}

func sameSet(a, b []string) bool {
	return len(a) == len(b) && len(missing(a, b)) == 0
}

// referencesFor resolves, with one search for each kind, what the wanted
// attributes of the resources refer to. The names are read now: what is written
// is never taken from what is remembered.
func (t *Translator) referencesFor(ctx context.Context, k *kind, in translators.Intent, want func(*scim.Attribute) bool) (translators.References, error) {
	var ids []string
	for _, r := range []*scim.Resource{in.After, before(in)} {
		if r != nil {
			ids = append(ids, k.mapping.IDs(r, want)...)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	names, err := t.namesOf(ctx, in, ids)
	if err != nil {
		return nil, err
	}
	return &resolution{byID: names}, nil
}

// before is the present state of an intent's resource, nil when it is not known.
func before(in translators.Intent) *scim.Resource {
	if in.Before == nil {
		return nil
	}
	return in.Before.Resource
}

// hasField reports whether one of the changes is to that attribute.
func hasField(changes []goldap.Change, name string) bool {
	return slices.ContainsFunc(changes, func(c goldap.Change) bool { return strings.EqualFold(c.Modification.Type, name) })
}
