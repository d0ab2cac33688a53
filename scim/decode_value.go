package scim

import (
	"net/http"
	"strings"
)

// set reads the value that an add or replace gives a path. isExplicit says that
// the path was written as such: to write to a read-only attribute is an error
// then (RFC 7644 §3.5.2), while in a resource it is passed over (§3.5.1).
func (x *decoding) set(op ChangeOp, p Path, v jsonValue, isExplicit bool) {
	x.name(p.Attribute)
	x.name(p.Sub)
	leaf := p.Leaf()
	switch {
	case x.partial != nil && x.mergeV1(p, v):
	case p.Attribute.IsReferenceSet():
		x.setMembers(op, p, v)
	case isReadOnly(p):
		if isExplicit || isActive(p.Attribute) && looksFalse(v) {
			x.fail(Invalid(MutabilityErr, "%s is read-only", p))
		}
	case takesList(p):
		list, ok := x.list(leaf, v)
		switch {
		case !ok:
		case !list.IsAbsent():
			x.emit(Change{Op: op, Path: p, Value: list})
		case op == Replace:
			x.clear(p, false)
		}
	case leaf.IsComplex():
		x.setComplex(p, v)
	default:
		value, err := simple(leaf, v)
		switch {
		case err != nil:
			x.fail(err)
		case value.IsAbsent():
			x.clear(p, false)
		default:
			// Of a single value add is the same as replace.
			x.emit(Change{Op: Replace, Path: p, Value: value})
		}
	}
}

// setComplex reads a single complex value: an attribute such as name, or the
// elements that a path selects. The sub-attributes that it names are replaced,
// those that it names without a value removed, the others stay
// (RFC 7644 §3.5.2.3).
func (x *decoding) setComplex(p Path, v jsonValue) {
	c, err := x.complex(p.Attribute, v)
	switch {
	case err != nil:
		x.fail(err)
		return
	case c.isEmpty:
		x.clear(p, false)
		return
	}
	if !c.value.IsAbsent() {
		x.emit(Change{Op: Replace, Path: p, Value: c.value})
	}
	for _, s := range c.cleared {
		x.clear(Path{Attribute: p.Attribute, Selector: p.Selector, Sub: s}, false)
	}
}

// clear removes what a path names: by a remove, or because null or "" was given.
//
// A directory holds no empty strings, so that "" and null are the same here, and
// both read back as no value at all (Microsoft's validation sends both).
func (x *decoding) clear(p Path, isRemove bool) {
	a, leaf := p.Attribute, p.Leaf()
	isRequired := leaf.Required && p.Selector == nil && (p.Sub == nil || !a.MultiValued)
	switch {
	case x.method == http.MethodPost:
		return // there is nothing to remove
	case x.method == http.MethodPut && (isActive(a) || isPassword(a)):
		return // not given, as far as these two are concerned
	case isActive(a):
		x.fail(Invalid(InvalidValue, "active is either true or false and cannot be removed"))
	case isPassword(a) && !isRemove:
		x.fail(Invalid(InvalidValue, "the password is empty"))
	case isRequired && isRemove:
		x.fail(Invalid(MutabilityErr, "%s is required and cannot be removed", leaf))
	case isRequired:
		x.fail(Invalid(InvalidValue, "%s is required and cannot be empty", leaf))
	default:
		x.emit(Change{Op: Remove, Path: p})
	}
}

// emit adds a change. After an error it is only kept if it could disable.
//
// What adds elements to a list, or takes elements out of it, joins the change
// before it when that does the same: some clients send an operation for each.
func (x *decoding) emit(c Change) {
	if x.err != nil && !isActive(c.Path.Attribute) {
		return
	}
	if c.Path.Selector != nil && c.Path.Attribute.isSimpleList() {
		x.emitSelected(c)
		return
	}
	if n := len(x.op.Changes); n > 0 && c.continues(x.op.Changes[n-1]) {
		last := &x.op.Changes[n-1]
		last.Value.items = append(last.Value.items, c.Value.items...)
		return
	}
	x.op.Changes = append(x.op.Changes, c)
}

// emitSelected adds a change of those values of a simple list that its path
// selects: they are taken out, and what the change gives instead is added.
func (x *decoding) emitSelected(c Change) {
	path := Path{Attribute: c.Path.Attribute}
	x.emit(Change{Op: Remove, Path: path, Value: List(selectedValues(nil, c.Path.Selector)...)})
	if c.Op != Remove {
		x.emit(Change{Op: Add, Path: path, Value: List(c.Value.Items()...)})
	}
}

// selectedValues appends the values that the selector of a simple list names.
func selectedValues(values []Value, selector Filter) []Value {
	switch f := selector.(type) {
	case Or:
		for _, term := range f.Terms {
			values = selectedValues(values, term)
		}
	case Compare:
		values = append(values, f.Value)
	}
	return values
}

// continues reports whether c and the change before it are one: both add
// elements to a list, or both remove elements from it. Of an immutable list the
// first adds and the second fails.
func (c Change) continues(before Change) bool {
	p, q := c.Path, before.Path
	return c.Op == before.Op && c.Op != Replace &&
		p.Attribute == q.Attribute && p.Attribute.Mutability != Immutable &&
		p.Selector == nil && q.Selector == nil && p.Sub == nil && q.Sub == nil &&
		c.Value.kind == KindList && before.Value.kind == KindList
}

// name notes that a PUT names a, when that counts.
func (x *decoding) name(a *Attribute) {
	if x.decoder.ClearOmitted && x.method == http.MethodPut && a != nil {
		if x.named == nil {
			x.named = make(map[*Attribute]bool)
		}
		x.named[a] = true
	}
}

// list reads the values of a multi-valued attribute: an array, or one value.
func (x *decoding) list(a *Attribute, v jsonValue) (list Value, ok bool) {
	var items []Value
	add := func(v jsonValue) bool {
		item, err := x.element(a, v)
		if err != nil {
			x.fail(err)
			return false
		}
		if !item.IsAbsent() {
			items = append(items, item)
		}
		return true
	}
	if v.kind() != jsonArray {
		if !add(v) {
			return Value{}, false
		}
		return List(items...), true
	}
	for e := range v.elements() {
		if !add(e) {
			return Value{}, false
		}
	}
	return List(items...), true
}

func (x *decoding) element(a *Attribute, v jsonValue) (Value, error) {
	if !a.IsComplex() {
		return simple(a, v)
	}
	c, err := x.complex(a, v)
	return c.value, err
}

// complexValue is what was read for one complex value.
type complexValue struct {
	value   Value
	cleared []*Attribute // named, but without a value
	isEmpty bool         // it says that there is no value at all
}

// complex reads one complex value: an object of sub-attributes, or what stands
// for {"value": …}, such as the id of a manager.
//
// A value sub-attribute that is named but empty empties the whole: Entra removes
// a manager by {"value": ""}.
func (x *decoding) complex(a *Attribute, v jsonValue) (c complexValue, err error) {
	if v, err = only(v); err != nil {
		return c, Invalid(InvalidValue, "%s: %v", a, err)
	}
	if v.isEmpty() {
		c.isEmpty = v.kind() != jsonObject
		return c, nil
	}
	main := a.Sub("value")
	if v.kind() != jsonObject {
		if main == nil || main.Mutability == ReadOnly {
			return c, Invalid(InvalidValue, "%s: expected an object of sub-attributes, found %s", a, v.kind())
		}
		x.name(main)
		value, err := simple(main, v)
		c.value = Complex(Field{main, value})
		return c, err
	}
	var fields []Field
	for name, member := range v.members() {
		s := x.subAttribute(a, name)
		if s == nil {
			if member.kind() != jsonNull && !x.isOperationV1(a, name) {
				x.ignore(a.String() + "." + name.String())
			}
			continue
		}
		if s.Mutability == ReadOnly || x.partial != nil && isNothingV1(member) {
			continue
		}
		x.name(s)
		var value Value
		if s.MultiValued {
			value, _ = x.list(s, member)
		} else if value, err = simple(s, member); err != nil {
			return c, err
		}
		if value.IsAbsent() {
			c.isEmpty = c.isEmpty || s == main
			c.cleared = append(c.cleared, s)
			continue
		}
		if x.decoder.Dialect == V1 {
			if was, isThere := fieldOf(fields, s); isThere && !was.Equal(value) {
				return c, Invalid(InvalidValue, "%s has two values, as %s and as %s; send one of them", a, nameV1(s), s.Name)
			} else if isThere {
				continue
			}
		}
		fields = append(fields, Field{s, value})
	}
	if c.isEmpty {
		return complexValue{isEmpty: true}, nil
	}
	c.value = Complex(fields...)
	return c, nil
}

// subAttribute returns the sub-attribute of that name. Entra writes the
// display of a role as displayName.
func (x *decoding) subAttribute(a *Attribute, name jsonName) *Attribute {
	for _, s := range a.SubAttributes {
		if len(s.Name) == len(name) && strings.EqualFold(s.Name, string(name)) {
			return s
		}
	}
	if name.is("displayname") {
		return a.Sub("display")
	}
	return x.t.sub(a, name.String())
}

// simple reads one value of a simple attribute. Some clients wrap it in an array
// or, as they do with references, in {"value": …}.
func simple(a *Attribute, v jsonValue) (Value, error) {
	v, err := only(v)
	if err == nil && v.kind() == jsonObject {
		for name, member := range v.members() {
			if name.is("value") {
				v = member
			}
		}
		v, err = only(v)
	}
	if err != nil {
		return Value{}, Invalid(InvalidValue, "%s: %v", a, err)
	}
	switch v.kind() {
	case jsonNull:
		return Value{}, nil
	case jsonTrue, jsonFalse:
		return Coerce(a, Bool(v.kind() == jsonTrue))
	case jsonNumber:
		return Coerce(a, Number(string(v)))
	case jsonString:
		text, err := v.text()
		if err != nil {
			return Value{}, Invalid(InvalidValue, "%s: the value cannot be stored: %v", a, err)
		}
		if text == "" {
			return Value{}, nil
		}
		return Coerce(a, String(text))
	}
	return Value{}, Invalid(InvalidValue, "%s: expected a single value, found %s", a, v.kind())
}
