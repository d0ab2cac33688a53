package ldap

import (
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// element is one sort of values of an attribute: what the leaves with the same
// constants in their selectors make. A simple attribute, and a complex one that
// has but one value, has one sort.
type element struct {
	fielded []*translators.Leaf // those that are read from fields
	fixed   []scim.Field        // constants: the selector's and those of constant leaves
	terms   []scim.Field        // the selector's alone
}

// whole returns the leaf that is the whole of a complex value, or nil.
func (e element) whole() *translators.Leaf {
	for _, l := range e.fielded {
		if l.Path.Sub == nil && l.Path.Attribute.IsComplex() {
			return l
		}
	}
	return nil
}

// elementsOf returns the sorts of values that an attribute can have.
func (k *kind) elementsOf(a *scim.Attribute) []element {
	var elements []element
	for _, l := range k.mapping.Leaves {
		if l.Path.Attribute != a {
			continue
		}
		i := slices.IndexFunc(elements, func(e element) bool { return sameTerms(e.terms, l.Terms) })
		if i < 0 {
			i = len(elements)
			elements = append(elements, element{fixed: slices.Clone(l.Terms), terms: l.Terms})
		}
		if l.IsConstant() {
			elements[i].fixed = append(elements[i].fixed, scim.Field{Attribute: l.Path.Leaf(), Value: l.Constant()})
		} else {
			elements[i].fielded = append(elements[i].fielded, l)
		}
	}
	return elements
}

// sameTerms reports whether two selectors demand the same.
func sameTerms(a, b []scim.Field) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x scim.Field) bool {
		return !slices.ContainsFunc(b, func(y scim.Field) bool {
			return x.Attribute == y.Attribute && (x.Value.Equal(y.Value) ||
				!x.Attribute.CaseExact && x.Value.Kind() == scim.KindString && strings.EqualFold(x.Value.Text(), y.Value.Text()))
		})
	})
}

// elementID returns the id in a filter that asks for an element by its id alone:
// members[value eq "…"].
func elementID(f scim.Elements) (id string, ok bool) {
	c, ok := f.Filter.(scim.Compare)
	if !ok || c.Operator != scim.Equal || c.Value.IsAbsent() || c.Target.Sub == nil || c.Target.Sub.Name != "value" ||
		c.Target.Attribute.Sub("$ref") == nil {
		return "", false
	}
	return c.Value.Text(), true
}
