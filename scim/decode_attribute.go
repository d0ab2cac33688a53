package scim

import "errors"

// isActive reports whether a is the attribute that enables and disables.
func isActive(a *Attribute) bool {
	return a.Name == "active" && a.parent == nil && isCoreSchema(a.schema)
}

func isPassword(a *Attribute) bool {
	return a.Name == "password" && a.parent == nil && isCoreSchema(a.schema)
}

// isReadOnly reports whether nothing can be written at the path.
func isReadOnly(p Path) bool {
	return p.Attribute.Mutability == ReadOnly || p.Leaf().Mutability == ReadOnly || isMadeOfValue(p)
}

// isMadeOfValue reports whether a path names the address of a resource whose id
// stands beside it. It may be written with that, which tells it, and not alone.
func isMadeOfValue(p Path) bool {
	return p.Sub != nil && p.Sub.Name == "$ref" && p.Attribute.Sub("value") != nil
}

// takesList reports whether the value at the path is a list.
func takesList(p Path) bool {
	if p.Sub != nil {
		return p.Sub.MultiValued
	}
	return p.Attribute.MultiValued && p.Selector == nil
}

var errSeveral = errors.New("expected one value, found several")

// only returns the element of an array of one, null for an empty array, and
// anything else as it is.
func only(v jsonValue) (jsonValue, error) {
	if v.kind() != jsonArray {
		return v, nil
	}
	var first jsonValue
	n := 0
	for e := range v.elements() {
		if n++; n > 1 {
			return nil, errSeveral
		}
		first = e
	}
	return first, nil
}
