package ldap

import (
	"slices"

	goldap "github.com/go-ldap/ldap/v3"
)

// membersAtOnce bounds the members that one request changes. With the memberof
// overlay slapd takes 1 to 5 ms for each, the more the busier it is, and a request
// must be answered within its time (10 s by default).
const membersAtOnce = 500

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
