package ldap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// defaultHoldersAtMost bounds the entries of one kind that are changed because an
// entry that they name is renamed or removed.
const defaultHoldersAtMost = 100_000

// holding is where entries of a kind hold the names of others: in the attribute
// with the members of groups, or in those that hold references.
type holding struct {
	kind         *kind
	fields       []string
	isMembership bool
}

// holder is an entry that holds a name, in these attributes.
type holder struct {
	dn     string
	fields []string
}

// membership is where groups hold their members.
func (t *Translator) membership() holding {
	return holding{kind: t.groups, fields: []string{t.groups.memberField}, isMembership: true}
}

// isNamedInGroups reports whether resources of the kind can be members.
func (t *Translator) isNamedInGroups(k *kind) bool {
	return t.groups != nil && t.groups.memberField != "" && (t.groups.memberIsDN || k == t.users)
}

// referring is where entries hold references to resources of the kind, one for
// each kind of entries that do. What is mapped for reading alone is the
// directory's, and not among them.
func (t *Translator) referring(k *kind) []holding {
	var all []holding
	for _, other := range t.kinds {
		var fields []string
		for _, l := range other.references {
			if !l.IsWritable() || !k.isTargetOf(l) {
				continue
			}
			for _, field := range l.Fields {
				isSame := func(f string) bool { return strings.EqualFold(f, field) }
				if !isSame(other.memberField) && !slices.ContainsFunc(fields, isSame) {
					fields = append(fields, field)
				}
			}
		}
		if len(fields) > 0 {
			all = append(all, holding{kind: other, fields: fields})
		}
	}
	return all
}

// holdersOf returns the entries that hold the name now, at most holdersAtMost of
// them, and whether these are all.
func (t *Translator) holdersOf(ctx context.Context, at holding, value string) (holders []holder, isAll bool, err error) {
	filters := make([]string, len(at.fields))
	for i, field := range at.fields {
		filters[i] = string(equals(field, value))
	}
	attributes := []string{noAttributes}
	if len(at.fields) > 1 {
		attributes = at.fields
	}
	entries, more, err := t.searchUpTo(ctx, at.kind, clause(anyOf(filters)), attributes, t.holdersAtMost)
	if err != nil {
		return nil, false, fmt.Errorf("looking for the entries that name an entry: %w", err)
	}
	key := nameKey(value)
	for _, e := range entries {
		holders = append(holders, holder{e.DN, holdingFields(e, at.fields, key)})
	}
	slices.SortFunc(holders, func(a, b holder) int { return strings.Compare(a.dn, b.dn) })
	return holders, !more, nil
}

// holdingFields are those of the attributes that hold the name, as far as that
// can be seen; else all of them.
func holdingFields(e *goldap.Entry, fields []string, key string) []string {
	if len(fields) == 1 {
		return fields
	}
	var holding []string
	for _, field := range fields {
		if slices.ContainsFunc(attributeValues(e, field), func(v string) bool { return nameKey(v) == key }) {
			holding = append(holding, field)
		}
	}
	if len(holding) == 0 {
		return fields
	}
	return holding
}

// releasing returns the call for the entries that hold the name now; nil when there
// are none.
func (t *Translator) releasing(ctx context.Context, at holding, value, renamed string) (*releaseCall, error) {
	holders, isAll, err := t.holdersOf(ctx, at, value)
	if err != nil {
		return nil, err
	}
	if !at.isMembership {
		// Its own reference to itself goes with it, and follows under its new name.
		holders = renamedHolder(holders, nameKey(value), renamed)
	}
	if len(holders) == 0 {
		return nil, nil
	}
	c := &releaseCall{t: t, at: at, value: value, renamed: renamed, holders: holders}
	if !isAll && renamed != "" {
		return nil, c.tooMany() // nothing has been done yet
	}
	return c, nil
}

// renamedHolder is holders with the one of that name as it is then.
func renamedHolder(holders []holder, key, renamed string) []holder {
	i := slices.IndexFunc(holders, func(h holder) bool { return nameKey(h.dn) == key })
	switch {
	case i < 0:
	case renamed == "":
		return slices.Delete(holders, i, i+1)
	default:
		holders[i].dn = renamed
	}
	return holders
}
