package scim

import (
	"slices"
	"strings"
)

// Kind is what a [Value] holds.
type Kind uint8

// The kinds of values. The zero Kind is Absent: null, [] and "not there" are
// the same in SCIM (RFC 7643 §2.5).
const (
	Absent Kind = iota
	KindString
	KindBool
	KindNumber
	KindComplex
	KindList
)

// Value is one value of an attribute: a string (also dateTime, binary and
// reference), a boolean, a number kept as it was written, a complex value or a
// list. The zero Value is absent.
type Value struct {
	kind   Kind
	flag   bool
	text   string
	fields []Field
	items  []Value
}

// Field is an attribute together with its value.
type Field struct {
	Attribute *Attribute
	Value     Value
}

// String returns a string value.
func String(s string) Value { return Value{kind: KindString, text: s} }

// Bool returns a boolean value.
func Bool(b bool) Value { return Value{kind: KindBool, flag: b} }

// Number returns a number from its JSON literal, which is kept as it is.
func Number(literal string) Value { return Value{kind: KindNumber, text: literal} }

// Complex returns a complex value; fields that are absent are left out, and a
// value without fields is absent.
func Complex(fields ...Field) Value {
	kept := slices.DeleteFunc(slices.Clone(fields), func(f Field) bool { return f.Value.IsAbsent() })
	if len(kept) == 0 {
		return Value{}
	}
	return Value{kind: KindComplex, fields: kept}
}

// List returns the values of a multi-valued attribute; absent items are left
// out, and an empty list is absent.
func List(items ...Value) Value {
	kept := slices.DeleteFunc(slices.Clone(items), Value.IsAbsent)
	if len(kept) == 0 {
		return Value{}
	}
	return Value{kind: KindList, items: kept}
}

// Kind returns what v holds.
func (v Value) Kind() Kind { return v.kind }

// IsAbsent reports whether v holds nothing.
func (v Value) IsAbsent() bool { return v.kind == Absent }

// Text returns the string of a string value or the literal of a number, else "".
func (v Value) Text() string { return v.text }

// IsTrue reports whether v is the boolean true.
func (v Value) IsTrue() bool { return v.kind == KindBool && v.flag }

// Items returns the values of a list; a single value is its own only item. The
// slice must not be changed.
func (v Value) Items() []Value {
	switch v.kind {
	case Absent:
		return nil
	case KindList:
		return v.items
	}
	return []Value{v}
}

// Fields returns the sub-attributes of a complex value. The slice must not be
// changed.
func (v Value) Fields() []Field { return v.fields }

// Sub returns the value of a sub-attribute of a complex value. Attributes are
// compared by name, so that a value made for a type can be read with the
// attributes of another narrowing of that type.
func (v Value) Sub(a *Attribute) Value {
	for _, f := range v.fields {
		if f.Attribute == a || strings.EqualFold(f.Attribute.Name, a.Name) {
			return f.Value
		}
	}
	return Value{}
}

// SubNamed returns the value of the sub-attribute of that name.
func (v Value) SubNamed(name string) Value {
	for _, f := range v.fields {
		if strings.EqualFold(f.Attribute.Name, name) {
			return f.Value
		}
	}
	return Value{}
}

// WithSub returns a copy of a complex (or absent) value in which a has the
// value x; an absent x removes it.
func (v Value) WithSub(a *Attribute, x Value) Value {
	fields := make([]Field, 0, len(v.fields)+1)
	done := false
	for _, f := range v.fields {
		if f.Attribute == a || strings.EqualFold(f.Attribute.Name, a.Name) {
			f.Value, done = x, true
		}
		fields = append(fields, f)
	}
	if !done {
		fields = append(fields, Field{a, x})
	}
	return Complex(fields...)
}

// Equal reports whether v and w are the same to the letter. The order of
// sub-attributes does not count, that of a list does; numbers are compared by
// their literals.
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind || v.flag != w.flag || v.text != w.text ||
		len(v.items) != len(w.items) || len(v.fields) != len(w.fields) {
		return false
	}
	for i := range v.items {
		if !v.items[i].Equal(w.items[i]) {
			return false
		}
	}
	for _, f := range v.fields {
		if !f.Value.Equal(w.Sub(f.Attribute)) {
			return false
		}
	}
	return true
}
