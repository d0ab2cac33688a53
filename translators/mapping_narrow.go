package translators

import (
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
)

// narrow returns the type with nothing in it but what leaves or the translator
// serve, and with the leaves' rules told in its schema as far as a schema can
// (RFC 7643 §7). leaves are those of the full type.
func narrow(full *scim.ResourceType, leaves []*Leaf, handled []*scim.Attribute) *scim.ResourceType {
	kept := make(map[*scim.Attribute]bool)
	all := func(a *scim.Attribute) {
		kept[a] = true
		for _, s := range a.SubAttributes {
			kept[s] = true
		}
	}
	for _, a := range handled {
		all(a)
	}
	for _, l := range leaves {
		switch custom := l.Config.Custom; {
		case l.isWhole() && custom != nil && len(custom.Subs) > 0:
			for _, name := range custom.Subs {
				kept[l.Path.Attribute.Sub(name)] = true
			}
		case l.isWhole():
			all(l.Path.Attribute)
		}
		kept[l.Path.Attribute], kept[l.Path.Leaf()] = true, true
		for _, t := range l.Terms {
			kept[t.Attribute] = true
		}
		// The address of a reference follows from its value.
		if ref := l.Path.Attribute.Sub("$ref"); ref != nil && l.Path.Sub != nil && strings.EqualFold(l.Path.Sub.Name, "value") {
			kept[ref] = true
		}
	}
	return full.Narrow(func(a *scim.Attribute) bool { return kept[a] }, func(old, narrowed *scim.Attribute) {
		if slices.Contains(handled, old) || slices.Contains(handled, old.Parent()) {
			return
		}
		var below []*Leaf // at the attribute and its sub-attributes
		for _, l := range leaves {
			if l.Path.Leaf() == old || l.Path.Attribute == old || l.isWhole() && l.Path.Attribute == old.Parent() {
				below = append(below, l)
			}
		}
		if len(below) > 0 {
			tell(below, narrowed)
		}
		if canonical := canonicalTerms(old, leaves); canonical != nil {
			narrowed.CanonicalValues = canonical
		}
	})
}

// tell shows the rules of the leaves at or below an attribute in its schema.
func tell(below []*Leaf, a *scim.Attribute) {
	every := func(is func(*Leaf) bool) bool {
		return !slices.ContainsFunc(below, func(l *Leaf) bool { return !is(l) })
	}
	switch {
	case every(func(l *Leaf) bool { return !l.IsWritable() }):
		a.Mutability, a.Required = scim.ReadOnly, false
	case every(func(l *Leaf) bool { return !l.IsReadable() }):
		a.Mutability, a.Returned = scim.WriteOnly, scim.ReturnedNever
	}
	// Of a selected element a schema can't say that it is required, and what
	// has a default may be left out and taken away: it comes back.
	if slices.ContainsFunc(below, func(l *Leaf) bool {
		return l.Config.Required && l.Path.Selector == nil && l.Config.Default == "" && len(l.Config.DefaultFrom) == 0
	}) {
		a.Required = true
	}
	a.Private = slices.ContainsFunc(below, func(l *Leaf) bool {
		return l.IsPrivate() && (l.isWhole() || strings.EqualFold(l.Path.Leaf().Name, a.Name))
	})
	if !a.IsComplex() && every(func(l *Leaf) bool { return len(l.Config.OneOf) > 0 }) {
		a.CanonicalValues = nil // shared with the full type
		for _, l := range below {
			for _, v := range l.Config.OneOf {
				if !slices.Contains(a.CanonicalValues, v) {
					a.CanonicalValues = append(a.CanonicalValues, v)
				}
			}
		}
	}
}

// canonicalTerms returns the texts that selectors and constants give a
// sub-attribute, when nothing else can give it one; else nil.
func canonicalTerms(old *scim.Attribute, leaves []*Leaf) []string {
	var texts []string
	add := func(v scim.Value) {
		if v.Kind() == scim.KindString && !slices.Contains(texts, v.Text()) {
			texts = append(texts, v.Text())
		}
	}
	for _, l := range leaves {
		if old.Parent() == nil || l.Path.Attribute != old.Parent() {
			continue
		}
		if l.isWhole() || l.Path.Sub == old && !l.IsConstant() {
			return nil
		}
		if l.Path.Sub == old {
			add(l.constant)
		}
		for _, t := range l.Terms {
			if t.Attribute == old {
				add(t.Value)
			}
		}
	}
	return texts
}
