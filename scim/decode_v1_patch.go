package scim

import "strings"

// partialV1 is what a PATCH of SCIM 1.1 names in meta.attributes and gives a
// value, so that the value does not join those that are there but takes their
// place (draft-scim-api-01 §3.3.2).
type partialV1 struct {
	replaced map[*Attribute]bool
	elements int // of lists that were read, each of which may be a change
}

// patchV1 reads a partial resource (draft-scim-api-01 §3.3.2): what meta.attributes
// names is removed first, then what the body has is merged into the resource.
// Single values replace, sub-attributes of complex values replace one by one,
// elements of lists are added or, with the operation delete, removed. Nothing else
// is removed: not by null, which SCIM 1.1 does not know and some clients write for
// what they do not mean to change, nor by an empty list. An empty string does
// remove, as it does in 2.0, and null is refused for active.
func (x *decoding) patchV1(root jsonValue) {
	x.partial = &partialV1{replaced: make(map[*Attribute]bool)}
	x.removeV1(root)
	for name, v := range root.members() {
		if isNothingV1(v) && x.attribute(name.String()) == nil {
			continue // an extension would be cleared
		}
		x.member(Replace, nil, name, v)
	}
	x.refuseContradiction(0)
}

// isNothingV1 reports whether a value in a PATCH says nothing.
func isNothingV1(v jsonValue) bool {
	return v.kind() == jsonNull || v.kind() == jsonArray && v.isEmpty()
}

// removeV1 removes what meta.attributes names, but for what the body gives
// another value.
func (x *decoding) removeV1(root jsonValue) {
	names := attributesV1(root)
	switch names.kind() {
	case jsonNull:
		return
	case jsonString, jsonArray:
	default:
		x.fail(Invalid(InvalidSyntax, "meta.attributes is %s; a list of the names of attributes is needed", names.kind()))
		return
	}
	given := make(map[*Attribute]bool)
	x.givenV1(given, nil, root)
	if names.kind() == jsonString {
		x.removeNamedV1(names, given)
	}
	for name := range names.elements() {
		x.removeNamedV1(name, given)
	}
}

// attributesV1 returns meta.attributes of a body, or null.
func attributesV1(root jsonValue) (names jsonValue) {
	for name, meta := range root.members() {
		if !name.is("meta") {
			continue
		}
		for name, v := range meta.members() {
			if name.is("attributes") {
				names = v
			}
		}
	}
	return names
}

// removeNamedV1 removes what one element of meta.attributes names. It is a string
// or, as the SCIM SDK of UnboundID writes the elements of any list, an object with
// a value.
func (x *decoding) removeNamedV1(name jsonValue, given map[*Attribute]bool) {
	for member, v := range name.members() {
		if member.is("value") && v.kind() != jsonObject {
			x.removeNamedV1(v, given)
			return
		}
	}
	if name.kind() != jsonString {
		x.fail(Invalid(InvalidSyntax, "meta.attributes holds %s; it is a list of the names of attributes", name.kind()))
		return
	}
	text, err := name.text()
	if err != nil {
		x.fail(Invalid(InvalidPath, "a name in meta.attributes cannot be read: %v", err))
		return
	}
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	p, err := ParsePath(x.t, text)
	if err == nil && p.Selector == nil && p.Attribute.MultiValued && p.Sub != nil && p.Sub.Name == "value" {
		// Of a complex attribute a sub-attribute has to be named: members.value,
		// emails.value. Without their values, the elements are gone.
		p.Sub, text = nil, p.Attribute.String()
	}
	if err != nil || p.Selector != nil || isReadOnly(p) || !given[p.Leaf()] {
		x.remove(text, nil)
		return
	}
	switch {
	case p.Attribute.IsReferenceSet():
		x.members.clear()
		x.partial.replaced[p.Attribute] = true
	case takesList(p):
		x.partial.replaced[p.Leaf()] = true
	case p.Leaf().IsComplex() && !p.Leaf().Required:
		x.clear(p, true)
	}
}

// givenV1 notes the attributes that a body, or the object of the extension s in
// it, gives a value.
func (x *decoding) givenV1(given map[*Attribute]bool, s *Schema, object jsonValue) {
	for name, v := range object.members() {
		if v.kind() == jsonNull {
			continue
		}
		text := strings.TrimSpace(name.String())
		full := text
		if s != nil {
			full = s.ID + ":" + text
		}
		if a := x.attribute(full); a != nil {
			given[a] = true
			for name, v := range v.members() {
				if sub := x.subAttribute(a, name); sub != nil && v.kind() != jsonNull {
					given[sub] = true
				}
			}
			continue
		}
		if s == nil {
			if e := SchemaForPath(x.t, text); e != nil {
				x.givenV1(given, e, v)
				continue
			}
		}
		if p, err := ParsePath(x.t, full); err == nil && p.Selector == nil {
			given[p.Leaf()] = true
		}
	}
}

// mergeV1 reads what a partial resource has at a path, where that differs from
// what a replace would do, and reports whether it did.
func (x *decoding) mergeV1(p Path, v jsonValue) bool {
	switch {
	case isNothingV1(v):
		return !isActive(p.Attribute) && !x.partial.replaced[p.Leaf()]
	case isReadOnly(p):
		return false
	case p.Attribute.IsReferenceSet() && p.Selector == nil && (p.Sub == nil || p.Sub.Name == "value"):
		x.mergeMembersV1(p, v)
		return true
	case takesList(p):
		x.mergeListV1(p, v)
		return true
	}
	return false
}

// eachElement calls do with the elements of an array, or with a single value.
func eachElement(v jsonValue, do func(jsonValue)) {
	if v.kind() != jsonArray {
		do(v)
		return
	}
	for e := range v.elements() {
		do(e)
	}
}

// mergeMembersV1 adds and removes members, without knowing them.
func (x *decoding) mergeMembersV1(p Path, v jsonValue) {
	eachElement(v, func(e jsonValue) {
		isDelete, err := isDeleteV1(e)
		switch {
		case err != nil:
			x.fail(err)
		case isDelete && x.partial.replaced[p.Attribute]:
			// All of them are removed as it is.
		default:
			x.memberID(e, func(id string) { x.members.put(id, !isDelete) })
		}
	})
}

// mergeListV1 adds elements to a list, merges what they say into those that are
// the same, and removes those that are to be deleted.
func (x *decoding) mergeListV1(p Path, v jsonValue) {
	isReplaced := x.partial.replaced[p.Leaf()]
	var items []Value
	eachElement(v, func(e jsonValue) {
		if x.partial.elements++; x.partial.elements == x.limits.Operations+1 {
			x.fail(Invalid(InvalidValue, "a PATCH may change %d elements of lists; raise %q in the gateway's configuration to allow more",
				x.limits.Operations, limitOperations))
		}
		isDelete, err := isDeleteV1(e)
		if err != nil {
			x.fail(err)
			return
		}
		item, err := x.element(p.Leaf(), e)
		switch {
		case err != nil:
			x.fail(err)
		case isDelete && isReplaced:
		case isDelete && item.IsAbsent():
			x.fail(Invalid(InvalidValue, "%s: an element that is to be deleted must say which one: by its value, or by what else it has", p))
		case isDelete:
			x.emit(deletionV1(p, item))
		case isReplaced:
			items = append(items, item)
		case !item.IsAbsent():
			x.emit(additionV1(p, item))
		}
	})
	if !isReplaced {
		return
	}
	if list := List(items...); !list.IsAbsent() {
		x.emit(Change{Op: Replace, Path: p, Value: list})
	} else {
		x.clear(p, true)
	}
}

// additionV1 merges an element into the one that has its value, or adds it. With a
// type, the element is the same only if it has that type too (as everywhere here):
// an address may be there twice, as work and as home, and neither may be lost.
func additionV1(p Path, item Value) Change {
	a := p.Leaf()
	value := a.Sub("value")
	if value == nil || a.Sub("type") == nil || item.Sub(value).IsAbsent() || !item.SubNamed("type").IsAbsent() || p.Sub != nil {
		return Change{Op: Add, Path: p, Value: List(item)}
	}
	p.Selector = Compare{Target{a, value}, Equal, item.Sub(value)}
	return Change{Op: Replace, Path: p, Value: item}
}

// deletionV1 removes the element that has the value of item, and its type if it
// says so, or where it has no value, those that have all that it says. Which one
// is primary, and how they are displayed, counts only where nothing else is said.
func deletionV1(p Path, item Value) Change {
	a := p.Leaf()
	if !a.IsComplex() || !item.SubNamed("value").IsAbsent() || p.Sub != nil {
		return Change{Op: Remove, Path: p, Value: List(item)}
	}
	var telling, all []Filter
	for _, f := range item.Fields() {
		if f.Value.Kind() == KindList {
			continue
		}
		c := Compare{Target{a, f.Attribute}, Equal, f.Value}
		all = append(all, c)
		if f.Attribute.Name != "primary" && f.Attribute.Name != "display" {
			telling = append(telling, c)
		}
	}
	if len(telling) == 0 {
		telling = all
	}
	if len(telling) == 0 { // it says nothing that can be compared
		return Change{Op: Remove, Path: p, Value: List(item)}
	}
	p.Selector = telling[0]
	if len(telling) > 1 {
		p.Selector = And{telling}
	}
	return Change{Op: Remove, Path: p}
}
