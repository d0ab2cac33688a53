package translators

import (
	"fmt"
	"slices"

	"github.com/scimgate/scimgate/scim"
)

// Problem is a value of the backend that was left out of a resource.
type Problem struct {
	Path  string // in SCIM
	Field string // in the backend; "" where it is not one alone
	Why   string // for the operator's log; it never holds the value
	Err   error  // what the codec has said; nil where it was not the codec
}

// String says all of it.
func (p Problem) String() string {
	if p.Field == "" {
		return p.Path + ": " + p.Why
	}
	return fmt.Sprintf("%s (%s): %s", p.Path, p.Field, p.Why)
}

// Fields returns the backend's fields to ask for, each once, in the order of
// the configuration. What can only be written is not among them. The slice must
// not be changed.
func (m *Mapping) Fields(s Selection) []string {
	if s.All {
		return m.fields
	}
	return m.fieldsOf(s)
}

func (m *Mapping) fieldsOf(s Selection) []string {
	var fields []string
	for _, l := range m.Leaves {
		if !l.IsReadable() || !s.Wants(l.Path.Attribute) {
			continue
		}
		for _, f := range l.Fields {
			if !slices.Contains(fields, f) {
				fields = append(fields, f)
			}
		}
	}
	return fields
}

// Decode sets the attributes of r that the selection wants from the backend's
// fields; get returns the values of one, each in the form that the codec reads.
// An empty text counts as no value (RFC 7643 §2.5 and most backends agree that
// nothing can be told from it).
//
// The elements of a multi-valued complex attribute are made of the leaves that
// have the same terms, in the order of the configuration, constants included,
// and only where a leaf with a field has a value. Where there is one such leaf,
// each of its field's values is an element; where there are several, their
// first values are one.
//
// What can't be read is left out and reported: a value that the codec does not
// understand, a reference to what is not served, further values of what has but
// one.
func (m *Mapping) Decode(r *scim.Resource, s Selection, get func(field string) []string, refs References) []Problem {
	d := decoder{get: get, refs: refs}
	for i := range m.attributes {
		am := &m.attributes[i]
		if !s.Wants(am.attribute) {
			continue
		}
		switch a := am.attribute; {
		case !a.IsComplex():
			r.Set(a, d.simple(a, am.slots[0].leaves[0]))
		case a.MultiValued:
			var elements []scim.Value
			for j := range am.slots {
				elements = append(elements, d.elements(a, &am.slots[j])...)
			}
			r.Set(a, scim.List(elements...))
		default:
			r.Set(a, d.single(a, &am.slots[0]))
		}
	}
	return d.problems
}

// Names returns the backend's names that Decode will ask its [References] for,
// each once.
func (m *Mapping) Names(s Selection, get func(field string) []string) []string {
	var names []string
	for _, l := range m.Leaves {
		if !l.IsReference() || !l.IsReadable() || !s.Wants(l.Path.Attribute) {
			continue
		}
		_, raws := rawValues(l, get)
		for _, raw := range raws {
			if !slices.Contains(names, raw) {
				names = append(names, raw)
			}
		}
	}
	return names
}

type decoder struct {
	get      func(field string) []string
	refs     References
	problems []Problem
}

// simple reads the value or the values of a simple attribute.
func (d *decoder) simple(a *scim.Attribute, l *Leaf) scim.Value {
	if a.MultiValued {
		return scim.List(d.all(l)...)
	}
	return d.first(l)
}

// elements reads the elements of one slot.
func (d *decoder) elements(a *scim.Attribute, s *slot) []scim.Value {
	if s.multi == nil {
		return []scim.Value{d.single(a, s)}
	}
	values := d.all(s.multi)
	for i, v := range values {
		values[i] = s.assemble([]scim.Field{{Attribute: s.multi.Path.Sub, Value: v}})
	}
	return values
}

// single reads one complex value from the first values of its leaves.
func (d *decoder) single(a *scim.Attribute, s *slot) scim.Value {
	var fields []scim.Field
	hasFields := false
	for _, l := range s.leaves {
		if l.IsConstant() {
			continue
		}
		hasFields = true
		if v := d.first(l); !v.IsAbsent() {
			fields = append(fields, scim.Field{Attribute: l.Path.Sub, Value: v})
		}
	}
	if hasFields && len(fields) == 0 {
		return scim.Value{}
	}
	return s.assemble(fields)
}

// assemble makes an element of what was read and the slot's constants.
func (s *slot) assemble(read []scim.Field) scim.Value {
	fields := make([]scim.Field, 0, len(s.leaves)+len(s.terms))
	for _, l := range s.leaves {
		if l.IsConstant() {
			fields = append(fields, scim.Field{Attribute: l.Path.Sub, Value: l.constant})
			continue
		}
		for _, f := range read {
			switch {
			case f.Attribute == nil: // a whole value
				fields = append(fields, f.Value.Fields()...)
			case f.Attribute == l.Path.Sub:
				fields = append(fields, f)
			}
		}
	}
	for _, t := range s.terms {
		if !slices.ContainsFunc(fields, func(f scim.Field) bool { return f.Attribute == t.Attribute }) {
			fields = append(fields, t)
		}
	}
	return scim.Complex(fields...)
}

// first reads the first value of a singular leaf.
func (d *decoder) first(l *Leaf) scim.Value {
	if l.IsConstant() {
		return l.constant
	}
	if !l.IsReadable() {
		return scim.Value{}
	}
	field, raws := rawValues(l, d.get)
	if len(raws) == 0 {
		return scim.Value{}
	}
	if len(raws) > 1 {
		d.report(l, field, fmt.Sprintf("it has %d values and only the first is served", len(raws)))
	}
	return d.value(l, field, raws[0])
}

// all reads the values of a leaf that may have many.
func (d *decoder) all(l *Leaf) []scim.Value {
	if l.IsConstant() {
		return []scim.Value{l.constant}
	}
	if !l.IsReadable() {
		return nil
	}
	field, raws := rawValues(l, d.get)
	values := make([]scim.Value, 0, len(raws))
	for _, raw := range raws {
		if v := d.value(l, field, raw); !v.IsAbsent() {
			values = append(values, v)
		}
	}
	return values
}

// value reads one value; it is absent when it can't be read.
func (d *decoder) value(l *Leaf, field, raw string) scim.Value {
	if l.IsReference() {
		if d.refs != nil {
			if id, ok := d.refs.ID(l, raw); ok {
				return scim.String(id)
			}
		}
		d.report(l, field, "it refers to something that is not served here")
		return scim.Value{}
	}
	v, err := l.Codec.Decode(raw)
	if err != nil {
		d.report(l, field, "it cannot be read: "+err.Error())
		d.problems[len(d.problems)-1].Err = err
		return scim.Value{}
	}
	return v
}

func (d *decoder) report(l *Leaf, field, why string) {
	d.problems = append(d.problems, Problem{Path: l.Path.String(), Field: field, Why: why})
}

// rawValues returns the first field of the leaf that has a value, and its
// values.
func rawValues(l *Leaf, get func(string) []string) (field string, raws []string) {
	if reader, is := l.Codec.(FieldReader); is {
		return reader.ReadFields(get)
	}
	for _, f := range l.Fields {
		raws := get(f)
		if slices.Contains(raws, "") {
			raws = slices.DeleteFunc(slices.Clone(raws), func(raw string) bool { return raw == "" })
		}
		if len(raws) > 0 {
			return f, raws
		}
	}
	return "", nil
}
