package ldap

import (
	"context"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
	"go.uber.org/zap"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Read implements [translators.Translator]. It makes one search for 200 ids, and
// a further one for the names among their values that are not known yet.
func (t *Translator) Read(ctx context.Context, rt *scim.ResourceType, ids []string, s translators.Selection) ([]*translators.Entry, error) {
	k := t.kindOf(rt)
	found, err := t.locate(ctx, k, ids, t.attributesOf(k, s))
	if err != nil {
		return nil, err
	}
	entries := make([]*goldap.Entry, 0, len(found))
	for _, id := range ids {
		if e := found[id]; e != nil {
			entries = append(entries, e)
			delete(found, id) // an id may be asked for twice
		}
	}
	return t.entriesOf(ctx, k, entries, s)
}

// attributesOf returns the attributes to ask for when the selection is wanted.
func (t *Translator) attributesOf(k *kind, s translators.Selection) []string {
	attributes := t.profile.operational()
	add := func(names ...string) {
		for _, name := range names {
			if !slices.ContainsFunc(attributes, func(a string) bool { return strings.EqualFold(a, name) }) {
				attributes = append(attributes, name)
			}
		}
	}
	add(k.mapping.Fields(s)...)
	if k.isPartial() {
		add(objectClass)
	}
	if k.active != nil && s.Wants(k.active) {
		add(lockAttributes(k.locks)...)
	}
	if k.groups != nil && s.Wants(k.groups) {
		add(k.groupsField)
	}
	if k.members != nil && s.Members {
		add(k.memberField)
	}
	return attributes
}

// withID adds the attribute of the id.
func (t *Translator) withID(attributes []string) []string {
	if slices.Contains(attributes, t.profile.id) {
		return attributes
	}
	return append([]string{t.profile.id}, attributes...)
}

// entriesOf decodes entries that were read with [Translator.attributesOf] the
// same selection. It looks up the resources that they name.
func (t *Translator) entriesOf(ctx context.Context, k *kind, entries []*goldap.Entry, s translators.Selection) ([]*translators.Entry, error) {
	var names, groups []string
	for _, e := range entries {
		names = append(names, k.mapping.Names(s, k.valuesOf(e))...)
		if k.groups != nil && s.Wants(k.groups) {
			groups = append(groups, attributeValues(e, k.groupsField)...)
		}
	}
	if !t.isFlat() {
		names, groups = append(names, groups...), nil
	}
	refs, err := t.resolve(ctx, names)
	if err != nil {
		return nil, err
	}
	if len(groups) > 0 {
		if refs.above, err = t.lookAbove(ctx, groups); err != nil {
			return nil, err
		}
	}
	decoded := make([]*translators.Entry, len(entries))
	for i, e := range entries {
		if decoded[i], err = t.decode(ctx, k, e, s, refs); err != nil {
			return nil, err
		}
	}
	return decoded, nil
}

// entryOf is entriesOf for one entry.
func (t *Translator) entryOf(ctx context.Context, k *kind, e *goldap.Entry, s translators.Selection) (*translators.Entry, error) {
	entries, err := t.entriesOf(ctx, k, []*goldap.Entry{e}, s)
	if err != nil {
		return nil, err
	}
	return entries[0], nil
}

// decode makes an entry a resource. refs must know the names in it, unless they
// are not to be shown; ctx is for the members, which are read when they are asked
// for.
func (t *Translator) decode(ctx context.Context, k *kind, e *goldap.Entry, s translators.Selection, refs *resolution) (*translators.Entry, error) {
	id, ok := t.profile.readID(e)
	if !ok {
		return nil, t.hiddenID()
	}
	r := scim.NewResource(k.served.ResourceType)
	r.ID, r.Meta = id, t.profile.meta(e)
	if !k.served.HasVersions {
		r.Meta.Version = "" // it would say that nothing has changed
	}
	for _, problem := range k.mapping.Decode(r, s, k.valuesOf(e), refs) {
		if c := t.logger.Check(zap.DebugLevel, "left out a value of the directory"); c != nil {
			c.Write(zap.String("type", k.served.Name), zap.String("id", id), zap.Stringer("problem", problem))
		}
	}
	if k.active != nil && s.Wants(k.active) {
		r.Set(k.active, scim.Bool(!areLocked(k.locks, e)))
	}
	if k.groups != nil && s.Wants(k.groups) {
		r.Set(k.groups, t.groupsOf(k, e, refs))
	}
	entry := &translators.Entry{Resource: r, Handle: &handle{dn: e.DN, entry: e}}
	if k.members != nil && s.Members {
		entry.Members = t.membersOf(ctx, k, e)
	}
	return entry, nil
}

// groupsOf returns the groups that a user's entry names and that are served.
func (t *Translator) groupsOf(k *kind, e *goldap.Entry, refs *resolution) scim.Value {
	if t.isFlat() {
		return t.allGroupsOf(k, e, refs.above)
	}
	var elements []scim.Value
	for _, name := range attributeValues(e, k.groupsField) {
		ref := refs.byName[nameKey(name)]
		if ref.kind == nil || ref.kind != t.groups {
			continue
		}
		elements = append(elements, scim.Complex(k.groupFields(ref)...))
	}
	return scim.List(elements...)
}

// valuesOf returns the values of the fields of an entry, in the order of the
// directory but for the attribute that names the entry: where that has several
// values the one in the name is first, because it is the one that a rename
// changes.
func (k *kind) valuesOf(e *goldap.Entry) func(field string) []string {
	return func(field string) []string {
		values := attributeValues(e, field)
		if len(values) > 1 && strings.EqualFold(field, k.rdnField) {
			return namingFirst(e, values)
		}
		return values
	}
}

// namingFirst puts the value first that stands in the entry's name.
func namingFirst(e *goldap.Entry, values []string) []string {
	dn, err := goldap.ParseDN(e.DN)
	if err != nil || len(dn.RDNs) == 0 {
		return values
	}
	for _, a := range dn.RDNs[0].Attributes {
		i := slices.Index(values, a.Value)
		if i < 0 {
			i = slices.IndexFunc(values, func(v string) bool { return foldValue(v) == foldValue(a.Value) })
		}
		if i > 0 {
			return slices.Concat(values[i:i+1], values[:i], values[i+1:])
		}
	}
	return values
}

// attributeValues returns the values of an attribute, whose name is compared
// without case.
func attributeValues(e *goldap.Entry, name string) []string {
	for _, a := range e.Attributes {
		if a.Name == name || strings.EqualFold(a.Name, name) {
			return a.Values
		}
	}
	return nil
}
