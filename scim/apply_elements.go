package scim

import (
	"bytes"
	"slices"
	"strings"
)

// elements are the values of a multi-valued attribute while they are changed.
type elements struct {
	attribute *Attribute
	items     []Value
	index     map[string]int // by identity, the first of each; nil until needed
	primary   int            // the last element that was made primary, or -1
}

func newElements(a *Attribute, v Value) *elements {
	return &elements{attribute: a, items: slices.Clone(v.Items()), primary: -1}
}

// value returns the elements as a value, with one primary at most if one was
// made so.
func (e *elements) value() Value {
	if e.primary >= 0 {
		for i, item := range e.items {
			if i != e.primary && item.SubNamed("primary").IsTrue() {
				e.items[i] = item.WithSub(e.attribute.Sub("primary"), Bool(false))
			}
		}
	}
	return List(e.items...)
}

// add appends item, or sets what it says in the element that is the same.
func (e *elements) add(item Value) error {
	if e.index == nil {
		e.index = make(map[string]int, len(e.items)+1)
		for i, present := range slices.Backward(e.items) {
			e.index[identity(e.attribute, present)] = i
		}
	}
	key := identity(e.attribute, item)
	i, isThere := e.index[key]
	if !isThere {
		i = len(e.items)
	}
	if err := e.put(i, item); err != nil {
		return err
	}
	if i < len(e.items) {
		e.index[key] = i
	}
	return nil
}

// addOne is add without an index, for a single item.
func (e *elements) addOne(item Value) error {
	key := appendIdentity(nil, e.attribute, item)
	var other []byte
	i := slices.IndexFunc(e.items, func(present Value) bool {
		other = appendIdentity(other[:0], e.attribute, present)
		return bytes.Equal(key, other)
	})
	if i < 0 {
		i = len(e.items)
	}
	return e.put(i, item)
}

// put sets what item says in the element i, or appends item when there is no such
// element.
func (e *elements) put(i int, item Value) error {
	isThere := i < len(e.items)
	if !isThere {
		e.items = append(e.items, Value{})
	}
	if !e.attribute.IsComplex() {
		e.items[i] = item // it may be written in another case
		return nil
	}
	old := e.items[i]
	fields := item.fields
	if isThere {
		// What an existing element cannot take is no reason to refuse it.
		fields = slices.DeleteFunc(slices.Clone(fields), func(f Field) bool {
			return f.Attribute.Mutability == Immutable && !old.Sub(f.Attribute).IsAbsent()
		})
	}
	v, err := merge(e.attribute, old, fields)
	if err != nil {
		return err
	}
	if v.IsAbsent() { // it said nothing that could be written
		e.items = e.items[:i]
		return nil
	}
	e.items[i] = v
	if makesPrimary(item.fields) {
		e.primary = i
	}
	return nil
}

// addAll adds one item after another.
func (e *elements) addAll(items []Value) error {
	if slices.ContainsFunc(items, func(v Value) bool { return !fits(e.attribute, v) }) {
		return misfit(e.attribute)
	}
	for _, item := range items {
		if err := e.add(item); err != nil {
			return err
		}
	}
	return nil
}

// onList applies the change to all values of the multi-valued a.
func (c Change) onList(a *Attribute, old Value) (Value, error) {
	given := c.Value.Items()
	if slices.ContainsFunc(given, func(v Value) bool { return !fits(a, v) }) {
		return Value{}, misfit(a)
	}
	if c.Op == Remove && len(given) > 0 {
		return without(a, old, given), nil
	}
	if c.isRemoval() {
		return Value{}, nil
	}
	e := newElements(a, Value{})
	if c.Op == Add {
		e = newElements(a, old)
	}
	if err := e.addAll(given); err != nil {
		return Value{}, err
	}
	if c.Op == Replace {
		e.keepReadOnly(old)
	}
	return e.value(), nil
}

// keepReadOnly gives the read-only sub-attributes back to the elements that
// were there before: no client can name them, and none can take them away.
func (e *elements) keepReadOnly(old Value) {
	if !slices.ContainsFunc(e.attribute.SubAttributes, func(s *Attribute) bool { return s.Mutability == ReadOnly }) {
		return
	}
	for _, was := range old.Items() {
		i, isThere := e.index[identity(e.attribute, was)]
		if !isThere {
			continue
		}
		for _, f := range was.fields {
			if f.Attribute.Mutability == ReadOnly {
				e.items[i] = e.items[i].WithSub(f.Attribute, f.Value)
			}
		}
	}
}

// without returns old without the elements that one of the given describes.
func without(a *Attribute, old Value, given []Value) Value {
	described := make(map[string][]Value, len(given))
	for _, g := range given {
		key := valueKey(a, g)
		described[key] = append(described[key], g)
	}
	kept := slices.DeleteFunc(slices.Clone(old.Items()), func(item Value) bool {
		return slices.ContainsFunc(described[valueKey(a, item)], func(g Value) bool {
			return isSameType(a, g, item)
		})
	})
	return List(kept...)
}

// onElements applies the change to those elements that the path selects.
func (c Change) onElements(old Value) (Value, error) {
	a, selector := c.Path.Attribute, c.Path.Selector
	e := newElements(a, Value{})
	e.items = make([]Value, 0, len(old.Items())+1)
	isFound := false
	for _, item := range old.Items() {
		if selector != nil && !MatchValue(selector, item) {
			e.items = append(e.items, item)
			continue
		}
		isFound = true
		v, err := c.onElement(item)
		if err != nil {
			return Value{}, err
		}
		if v.IsAbsent() {
			continue
		}
		if c.makesPrimary() {
			e.primary = len(e.items)
		}
		e.items = append(e.items, v)
	}
	if !isFound && !c.isRemoval() {
		item, err := c.newElement()
		if err != nil {
			return Value{}, err
		}
		if err := e.addOne(item); err != nil {
			return Value{}, err
		}
	}
	return e.value(), nil
}

// onElement applies the change to one element and returns an absent value when
// nothing is left of it.
func (c Change) onElement(item Value) (Value, error) {
	a := c.Path.Attribute
	if c.Path.Sub == nil {
		value := c.Value
		if items := value.Items(); len(items) == 1 {
			value = items[0]
		}
		c.Value = value
		return c.onSingle(a, item)
	}
	v, err := c.onSub(item)
	if err != nil || !c.isRemoval() {
		return v, err
	}
	if isStub(v) {
		return Value{}, nil
	}
	return v, checkRequired(a, item, v)
}

// newElement returns what the change makes when nothing is selected: an element
// that the selector would match, changed as the change says.
func (c Change) newElement() (Value, error) {
	if c.Path.Selector == nil {
		return c.onElement(Value{})
	}
	terms, ok := EqualTerms(c.Path.Selector)
	isReadOnly := func(f Field) bool { return f.Attribute.Mutability == ReadOnly }
	if !ok || slices.ContainsFunc(terms, isReadOnly) {
		return Value{}, Invalid(NoTarget, "no element is selected by %s", c.Path)
	}
	return c.onElement(Complex(terms...))
}

// makesPrimary reports whether the change itself makes an element primary.
func (c Change) makesPrimary() bool {
	switch {
	case c.isRemoval():
		return false
	case c.Path.Sub != nil:
		return makesPrimary([]Field{{c.Path.Sub, c.Value}})
	}
	for _, item := range c.Value.Items() {
		if makesPrimary(item.fields) {
			return true
		}
	}
	return false
}

func makesPrimary(fields []Field) bool {
	return slices.ContainsFunc(fields, func(f Field) bool {
		return f.Attribute.Name == "primary" && f.Attribute.Mutability != ReadOnly && f.Value.IsTrue()
	})
}

// isStub reports whether an element says nothing but what kind it is.
func isStub(v Value) bool {
	return !slices.ContainsFunc(v.fields, func(f Field) bool {
		return f.Attribute.Name != "type" && f.Attribute.Name != "primary"
	})
}

// identity returns the key by which an element is the same as another: its value
// and type, or all of it when it has no value.
func identity(a *Attribute, v Value) string { return string(appendIdentity(nil, a, v)) }

func appendIdentity(dst []byte, a *Attribute, v Value) []byte {
	dst = appendValueKey(dst, a, v)
	if t := v.SubNamed("type"); !t.IsAbsent() && !v.SubNamed("value").IsAbsent() {
		dst = appendFoldKey(append(dst, ' '), a.Sub("type"), t)
	}
	return dst
}

func valueKey(a *Attribute, v Value) string { return string(appendValueKey(nil, a, v)) }

// appendValueKey appends the key of an element's value or, when it has none, of all of
// it that a client can write; that it is the primary one makes it no other.
func appendValueKey(dst []byte, a *Attribute, v Value) []byte {
	if v.kind != KindComplex {
		return appendFoldKey(dst, a, v)
	}
	if value := v.SubNamed("value"); !value.IsAbsent() {
		return appendFoldKey(append(dst, "value "...), a.Sub("value"), value)
	}
	v.fields = slices.DeleteFunc(slices.Clone(v.fields), func(f Field) bool {
		return f.Attribute.Mutability == ReadOnly || f.Attribute.Name == "primary"
	})
	return appendFoldKey(dst, a, v)
}

// isSameType reports whether two elements have the same type, or one has none.
func isSameType(a *Attribute, v, w Value) bool {
	x, y := v.SubNamed("type"), w.SubNamed("type")
	if x.IsAbsent() || y.IsAbsent() {
		return true
	}
	t := a.Sub("type")
	return bytes.Equal(appendFoldKey(nil, t, x), appendFoldKey(nil, t, y))
}

// appendFoldKey is appendKey without case where a's values have none.
func appendFoldKey(dst []byte, a *Attribute, v Value) []byte {
	if v.kind == KindString && a != nil && !a.CaseExact {
		v.text = strings.ToLower(v.text)
	}
	return appendKey(dst, v)
}
