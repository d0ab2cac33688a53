package translators

import (
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
)

// LeafFor returns the leaf that gives the target its value within those
// elements that have the given constants, or nil when there is none or more
// than one. It is how a filter is pushed down to the backend: for
//
//	emails[type eq "work" and value co "x"]
//
// the target is emails.value and the constants are the type. Without constants
// it finds the leaf of a singular attribute, or the only leaf of a multi-valued
// one. The leaf may be a constant, or one that cannot be searched because it is
// written only or a whole complex value: the caller looks.
//
// Target and constants may be those of any narrowing of the type; constants are
// compared as the attribute compares.
func (m *Mapping) LeafFor(target scim.Target, constants []scim.Field) *Leaf {
	var found *Leaf
	for _, slot := range m.slots(target.Attribute) {
		if slot.excludes(constants) {
			continue
		}
		if !slot.implies(constants) {
			return nil // it depends on the backend's values whether this one is meant
		}
		if l := slot.leafOf(target); l != nil {
			if found != nil {
				return nil
			}
			found = l
		}
	}
	return found
}

// LeavesFor returns all leaves that give the target a value, in the order of
// the configuration: a filter on emails.value that names no type is about each
// of them.
func (m *Mapping) LeavesFor(target scim.Target) []*Leaf {
	var leaves []*Leaf
	for _, slot := range m.slots(target.Attribute) {
		if l := slot.leafOf(target); l != nil {
			leaves = append(leaves, l)
		}
	}
	return leaves
}

// LeafOf returns the leaf that a backend's field belongs to, one that writes it
// if there is one, or nil. Names of fields are compared without case.
func (m *Mapping) LeafOf(field string) *Leaf {
	var found *Leaf
	for _, l := range m.Leaves {
		if slices.ContainsFunc(l.Fields, func(f string) bool { return strings.EqualFold(f, field) }) &&
			(found == nil || l.IsWritable() && !found.IsWritable()) {
			found = l
		}
	}
	return found
}

// slots returns the slots of an attribute, which is found by its name.
func (m *Mapping) slots(a *scim.Attribute) []slot {
	for _, am := range m.attributes {
		if am.attribute == a || am.attribute.Name == a.Name && am.attribute.Schema() == a.Schema() {
			return am.slots
		}
	}
	return nil
}

// leafOf returns the slot's leaf for the target, or nil.
func (s *slot) leafOf(target scim.Target) *Leaf {
	for _, l := range s.leaves {
		if l.isWhole() || l.Path.Sub == nil && target.Sub == nil ||
			l.Path.Sub != nil && target.Sub != nil && strings.EqualFold(l.Path.Sub.Name, target.Sub.Name) {
			return l
		}
	}
	return nil
}

// fixed returns the value that every element of the slot has at the
// sub-attribute, or an absent one.
func (s *slot) fixed(sub *scim.Attribute) scim.Value {
	for _, t := range s.terms {
		if strings.EqualFold(t.Attribute.Name, sub.Name) {
			return t.Value
		}
	}
	for _, l := range s.leaves {
		if l.Path.Sub != nil && strings.EqualFold(l.Path.Sub.Name, sub.Name) {
			return l.constant
		}
	}
	return scim.Value{}
}

// excludes reports whether no element of the slot can have those constants.
func (s *slot) excludes(constants []scim.Field) bool {
	return slices.ContainsFunc(constants, func(c scim.Field) bool {
		fixed := s.fixed(c.Attribute)
		if fixed.IsAbsent() {
			// The sub-attribute may have a field of its own; if not, no element
			// has a value there.
			return !slices.ContainsFunc(s.leaves, func(l *Leaf) bool {
				return l.isWhole() || strings.EqualFold(l.Path.Sub.Name, c.Attribute.Name)
			}) && !isDefaultFlag(c)
		}
		return !sameAs(c, fixed)
	})
}

// implies reports whether every element of the slot has those constants.
func (s *slot) implies(constants []scim.Field) bool {
	return !slices.ContainsFunc(constants, func(c scim.Field) bool {
		fixed := s.fixed(c.Attribute)
		if !fixed.IsAbsent() {
			return !sameAs(c, fixed)
		}
		return !isDefaultFlag(c) || slices.ContainsFunc(s.leaves, func(l *Leaf) bool {
			return l.isWhole() || strings.EqualFold(l.Path.Sub.Name, c.Attribute.Name)
		})
	})
}

// isDefaultFlag reports whether the constant is primary false, which holds for
// an element that does not say (RFC 7643 §2.4).
func isDefaultFlag(c scim.Field) bool {
	return c.Attribute.Name == "primary" && c.Value.Kind() == scim.KindBool && !c.Value.IsTrue()
}

// sameAs compares as the constant's attribute does.
func sameAs(c scim.Field, v scim.Value) bool {
	if c.Value.Kind() == scim.KindString && v.Kind() == scim.KindString && !c.Attribute.CaseExact {
		return strings.EqualFold(c.Value.Text(), v.Text())
	}
	return c.Value.Equal(v)
}
