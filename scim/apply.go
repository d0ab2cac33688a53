package scim

// Apply returns before as the changes leave it (RFC 7644 §3.5.2). They are
// applied in order, each to what the ones before it made, and all or none:
// before is never changed, and an error is an [*Error] that names the path.
//
// Where RFC 7644 and what providers send are not the same, the providers win:
//
//   - Add and Replace of a single-valued attribute are the same. Of a complex
//     value they set the named sub-attributes and leave the others; a named
//     sub-attribute without a value is removed.
//   - Add to a multi-valued attribute appends what is not there yet. Elements
//     are the same if they are equal, or if their value and type are: then the
//     sub-attributes given are set in the one that is there.
//   - Add and Replace at a selector set the named sub-attributes of each element
//     that it matches. When it matches none and is a conjunction of eq, such as
//     emails[type eq "work"], an element with these values is created; any other
//     selector that matches nothing is noTarget. A path such as emails.value,
//     without a selector, means all elements, or a new one when there are none.
//   - Remove with a Value takes those elements away that are equal to one of
//     the values or have its value (and its type, where both have one): Entra
//     names the elements to be removed so. What is not there is no error.
//   - Replace by an absent Value is Remove, Add of one changes nothing.
//
// An element that is made primary, in whatever way, is the only one afterwards;
// of several at once it is the last. An element that a removal leaves with
// nothing but type and primary is removed. When the value of an element goes or
// changes, what was derived from it ($ref and read-only sub-attributes, and its
// display when it goes) goes too.
//
// A change of a read-only attribute, the removal of a required one and another
// value for an immutable one are errors of type mutability; read-only
// sub-attributes within a value are passed over.
//
// Adds to a list cost what they add, however many there are. Any other change of
// a list looks at what is in it; changes that together look at more than
// 1,000,000 values are a 400 invalidValue.
func Apply(before *Resource, changes []Change) (*Resource, error) {
	w := &applying{after: before.Clone()}
	for _, c := range changes {
		if err := w.do(c); err != nil {
			return nil, err
		}
	}
	return w.done(), nil
}

// apply returns what the change makes of the whole value of its attribute.
func (c Change) apply(old Value) (Value, error) {
	a, sub := c.Path.Attribute, c.Path.Sub
	switch {
	case c.Op != Add && c.Op != Remove && c.Op != Replace:
		return Value{}, Invalid(InvalidSyntax, "the operation on %s is none of add, remove and replace", a)
	case a.Mutability == ReadOnly:
		return Value{}, Invalid(MutabilityErr, "%s is read-only", a)
	case sub != nil && sub.Mutability == ReadOnly:
		return Value{}, Invalid(MutabilityErr, "%s is read-only", sub)
	case c.Op == Add && c.Value.IsAbsent():
		return old, nil
	case !a.MultiValued && c.Path.Selector != nil:
		return Value{}, Invalid(InvalidPath, "%s has a single value, so that no filter can stand behind it", a)
	case !a.IsComplex() && (c.Path.Selector != nil || sub != nil):
		return Value{}, Invalid(InvalidPath, "%s has no sub-attributes", a)
	case !a.MultiValued && sub != nil:
		return c.onSub(old)
	case !a.MultiValued:
		return c.onSingle(a, old)
	case c.Path.Selector == nil && sub == nil:
		return c.onList(a, old)
	}
	return c.onElements(old)
}

// isRemoval reports whether the change takes its target away.
func (c Change) isRemoval() bool {
	return c.Op == Remove || c.Op == Replace && c.Value.IsAbsent()
}

// onSingle applies the change to a single value of a.
func (c Change) onSingle(a *Attribute, old Value) (Value, error) {
	switch {
	case c.isRemoval():
		return Value{}, nil
	case !fits(a, c.Value):
		return Value{}, misfit(a)
	case a.IsComplex():
		return merge(a, old, c.Value.fields)
	}
	return c.Value, nil
}

// onSub applies the change to the sub-attribute at the end of its path within
// old, a value of the attribute or one element of it.
func (c Change) onSub(old Value) (Value, error) {
	sub := c.Path.Sub
	change := c.onSingle
	if sub.MultiValued {
		change = c.onList
	}
	v, err := change(sub, old.Sub(sub))
	if err != nil {
		return Value{}, err
	}
	return merge(c.Path.Attribute, old, []Field{{sub, v}})
}

// merge sets the fields in old, a value of the complex attribute a.
func merge(a *Attribute, old Value, fields []Field) (Value, error) {
	v := old
	named := make(map[string]bool, len(fields))
	for _, f := range fields {
		s := f.Attribute
		if s.Mutability == ReadOnly {
			continue
		}
		was := old.Sub(s)
		if s.Mutability == Immutable && !was.IsAbsent() && !sameValue(was, f.Value) {
			return Value{}, Invalid(MutabilityErr, "%s has a value that cannot be changed", s)
		}
		named[s.Name] = true
		v = v.WithSub(s, f.Value)
	}
	return withoutStale(old, v, named), nil
}

// withoutStale removes from v, which was old, what was derived from a value that
// it has no more, unless it was named anew.
func withoutStale(old, v Value, named map[string]bool) Value {
	was, is := old.SubNamed("value"), v.SubNamed("value")
	if was.IsAbsent() || was.Equal(is) {
		return v
	}
	for _, f := range v.fields {
		s := f.Attribute
		isDerived := s.Mutability == ReadOnly || s.Name == "$ref" || s.Name == "display" && is.IsAbsent()
		if isDerived && !named[s.Name] {
			v = v.WithSub(s, Value{})
		}
	}
	return v
}

// fits reports whether v can stand as one value of a. That its scalars are of
// a's type is the business of whoever read them.
func fits(a *Attribute, v Value) bool {
	return v.kind != KindList && (v.kind == KindComplex) == a.IsComplex()
}

func misfit(a *Attribute) error {
	if a.IsComplex() {
		return Invalid(InvalidValue, "a value of %s is an object of sub-attributes", a)
	}
	return Invalid(InvalidValue, "%s takes a simple value and only one", a)
}

// checkMutability compares a whole value of a before and after one change.
func checkMutability(a *Attribute, old, v Value) error {
	if old.IsAbsent() {
		return nil
	}
	if a.Mutability == Immutable && !sameValue(old, v) {
		return Invalid(MutabilityErr, "%s has a value that cannot be changed", a)
	}
	if a.Required && v.IsAbsent() {
		return errRequired(a)
	}
	if a.MultiValued {
		return nil // the elements have been looked at one by one
	}
	return checkRequired(a, old, v)
}

// checkRequired fails when v lacks a required sub-attribute that old has.
func checkRequired(a *Attribute, old, v Value) error {
	for _, s := range a.SubAttributes {
		if s.Required && !old.Sub(s).IsAbsent() && v.Sub(s).IsAbsent() {
			return errRequired(s)
		}
	}
	return nil
}

func errRequired(a *Attribute) error {
	return Invalid(MutabilityErr, "%s is required and cannot be removed", a)
}
