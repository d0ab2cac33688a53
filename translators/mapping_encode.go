package translators

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
)

// Encode returns, in the order of the configuration, what the fields of every
// writable leaf of the wanted attributes are to hold for r to be true; want nil
// wants all. Values are for a set: each stands once. An empty text is no value.
// A leaf that can only be written and has no value is left out, because nobody
// can know whether it had one: a password is never cleared by not being named.
//
// An element of a multi-valued complex attribute goes to the slot whose terms it
// satisfies, compared as the attribute compares; when it satisfies several, to
// the one with the most terms. An element that says nothing about the terms
// goes to the leaves without terms, or to the only slot there is. What has no
// place is dropped, and its path is among dropped: elements, sub-attributes,
// and values that a constant says otherwise.
//
// The error is an *[Error] of kind Invalid that names the path: two elements
// for one slot of several fields, a value that the codec refuses, an id that
// refs does not know.
func (m *Mapping) Encode(r *scim.Resource, want func(*scim.Attribute) bool, refs References) (values []FieldValues, dropped []string, err error) {
	e := m.assign(r, want)
	if e.err != nil {
		return nil, nil, e.err
	}
	for _, l := range m.Leaves {
		if !l.IsWritable() || want != nil && !want(l.Path.Attribute) {
			continue
		}
		texts, err := encodeAll(l, e.values[l], refs)
		if err != nil {
			return nil, nil, err
		}
		if len(texts) == 0 && !l.IsReadable() {
			continue
		}
		for _, f := range l.Fields {
			values = append(values, FieldValues{Field: f, Values: slices.Clone(texts), Secret: l.IsSecret(), Private: l.IsPrivate()})
		}
	}
	return values, e.dropped, nil
}

// Assign returns which values of r belong to which leaf: the first half of Encode, for
// translators whose fields are more than texts. Leaves without values are missing.
func (m *Mapping) Assign(r *scim.Resource, want func(*scim.Attribute) bool) (values map[*Leaf][]scim.Value, dropped []string, err error) {
	e := m.assign(r, want)
	return e.values, e.dropped, e.err
}

// IDs returns the ids that Encode will ask its [References] for, each once.
func (m *Mapping) IDs(r *scim.Resource, want func(*scim.Attribute) bool) []string {
	var ids []string
	values := m.assign(r, want).values
	for _, l := range m.Leaves {
		if !l.IsReference() || !l.IsWritable() {
			continue
		}
		for _, v := range values[l] {
			if !slices.Contains(ids, v.Text()) {
				ids = append(ids, v.Text())
			}
		}
	}
	return ids
}

// encodeAll writes the values of a leaf in the backend's form, each once.
func encodeAll(l *Leaf, values []scim.Value, refs References) ([]string, error) {
	var texts []string
	for _, v := range values {
		text, err := l.Codec.Encode(v)
		if err != nil {
			detail := err.Error()
			if e := scim.AsError(err); e != nil {
				detail = e.Detail
			}
			return nil, invalid(l.Path.String(), detail)
		}
		if l.IsReference() {
			id, ok := text, false
			if refs != nil {
				text, ok = refs.Name(l, id)
			}
			if !ok {
				return nil, invalid(l.Path.String(), fmt.Sprintf("there is no %s with the id %q", l.refersTo(), id))
			}
		}
		if text != "" && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts, nil
}

// refersTo names what the leaf may refer to.
func (l *Leaf) refersTo() string {
	if len(l.RefersTo) == 0 {
		return "resource"
	}
	return strings.Join(l.RefersTo, " or ")
}

func invalid(path, detail string) *Error {
	return &Error{Kind: Invalid, Path: path, Detail: path + ": " + detail}
}

// assignment is which values of a resource belong to which leaf.
type assignment struct {
	values  map[*Leaf][]scim.Value
	dropped []string
	err     error
}

func (m *Mapping) assign(r *scim.Resource, want func(*scim.Attribute) bool) *assignment {
	e := &assignment{values: make(map[*Leaf][]scim.Value, len(m.Leaves))}
	for i := range m.attributes {
		am := &m.attributes[i]
		if want != nil && !want(am.attribute) {
			continue
		}
		v := r.Get(am.attribute)
		switch a := am.attribute; {
		case !a.IsComplex():
			e.give(am.slots[0].leaves[0], v.Items(), &am.slots[0], a, nil)
		case a.MultiValued:
			e.elements(am, v.Items())
		default:
			e.element(a, &am.slots[0], v)
		}
	}
	return e
}

// give adds values to a leaf of the slot, nil when there is none for them: then
// they are dropped, under the name of the attribute or its sub-attribute.
func (e *assignment) give(l *Leaf, values []scim.Value, s *slot, a, sub *scim.Attribute) {
	for _, v := range values {
		switch {
		case isEmpty(v):
		case l == nil, l.IsConstant() && !sameAs(scim.Field{Attribute: l.Path.Leaf(), Value: v}, l.constant):
			e.drop(s.path(a, sub))
		case !l.IsConstant():
			e.values[l] = append(e.values[l], v)
		}
	}
}

func isEmpty(v scim.Value) bool {
	return v.IsAbsent() || v.Kind() == scim.KindString && v.Text() == ""
}

func (e *assignment) drop(path string) {
	if !slices.Contains(e.dropped, path) {
		e.dropped = append(e.dropped, path)
	}
}

// elements finds the slot of each element.
func (e *assignment) elements(am *attributeMapping, elements []scim.Value) {
	occupied := make([]scim.Value, len(am.slots))
	for _, element := range elements {
		i := am.slotFor(element)
		if i < 0 {
			e.drop(am.describe(element))
			continue
		}
		s := &am.slots[i]
		if s.multi == nil {
			if !occupied[i].IsAbsent() {
				if !occupied[i].Equal(element) && e.err == nil {
					path := s.path(am.attribute, nil)
					e.err = invalid(path, "there are two such values and a place for one: "+am.remedy(s))
				}
				continue
			}
			occupied[i] = element
		}
		e.element(am.attribute, s, element)
	}
}

// element gives the parts of a complex value to the leaves of its slot.
func (e *assignment) element(a *scim.Attribute, s *slot, v scim.Value) {
	for _, l := range s.leaves {
		if l.isWhole() {
			e.give(l, v.Items(), s, a, nil)
			return
		}
	}
	for _, f := range v.Fields() {
		isTerm := slices.ContainsFunc(s.terms, func(t scim.Field) bool { return t.Attribute == f.Attribute })
		if isTerm || f.Attribute.Name == "$ref" { // the address follows from the value
			continue
		}
		e.give(s.leaf(f.Attribute), f.Value.Items(), s, a, f.Attribute)
	}
}

// slotFor returns the index of the slot that an element belongs to, or -1.
func (am *attributeMapping) slotFor(element scim.Value) int {
	best, plain := -1, -1
	for i := range am.slots {
		s := &am.slots[i]
		switch {
		case len(s.terms) == 0:
			plain = i
		case scim.MatchValue(s.selector, element) && (best < 0 || len(s.terms) > len(am.slots[best].terms)):
			best = i
		}
	}
	switch {
	case best >= 0:
		return best
	case plain >= 0 && am.keepsTerms(&am.slots[plain], element):
		return plain
	case plain < 0 && len(am.slots) == 1 && !am.slots[0].contradicts(am.attribute, element):
		return 0
	}
	return -1
}

// keepsTerms reports whether the element, put into the slot without terms, reads
// back with what tells the slots apart: an address of the type home must not
// come back as one without a type.
func (am *attributeMapping) keepsTerms(plain *slot, element scim.Value) bool {
	for i := range am.slots {
		for _, t := range am.slots[i].terms {
			if !element.Sub(t.Attribute).IsAbsent() && plain.leaf(t.Attribute) == nil {
				return false
			}
		}
	}
	return true
}

// remedy says what to do about a second value for a slot that holds one.
func (am *attributeMapping) remedy(s *slot) string {
	remedy := "send one, or have the gateway map " + s.path(am.attribute, nil) + " as a whole, with json"
	for i := range am.slots {
		if terms := am.slots[i].terms; len(terms) > 0 {
			return "send one, or give each a " + terms[0].Attribute.Name + " of its own that is mapped"
		}
	}
	return remedy
}

// contradicts reports whether the element has another value where the slot has
// a constant.
func (s *slot) contradicts(a *scim.Attribute, element scim.Value) bool {
	return slices.ContainsFunc(s.terms, func(t scim.Field) bool {
		demand := scim.Compare{Target: scim.Target{Attribute: a, Sub: t.Attribute}, Operator: scim.Equal, Value: t.Value}
		return !element.Sub(t.Attribute).IsAbsent() && !scim.MatchValue(demand, element)
	})
}

// describe names an element that has no place by what tells the slots apart,
// which is never a person's data.
func (am *attributeMapping) describe(element scim.Value) string {
	for i := range am.slots {
		for _, t := range am.slots[i].terms {
			if v := element.Sub(t.Attribute); !v.IsAbsent() {
				demand := scim.Compare{Target: scim.Target{Attribute: am.attribute, Sub: t.Attribute}, Operator: scim.Equal, Value: v}
				return scim.Path{Attribute: am.attribute, Selector: demand}.String()
			}
		}
	}
	return am.attribute.String()
}
