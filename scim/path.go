package scim

// Path names what a change or a mapping is about (RFC 7644 §3.5.2): an
// attribute, the elements of it that satisfy Selector, and a sub-attribute:
//
//	emails[type eq "work"].value
type Path struct {
	Attribute *Attribute
	Selector  Filter     // nil: all elements
	Sub       *Attribute // nil: the whole value
}

// Leaf returns the attribute at the end of the path.
func (p Path) Leaf() *Attribute {
	if p.Sub != nil {
		return p.Sub
	}
	return p.Attribute
}

// String writes the path in canonical form, fit to be parsed again.
func (p Path) String() string {
	s := p.Attribute.String()
	if p.Selector != nil {
		s += "[" + selectorString(p.Selector) + "]"
	}
	if p.Sub != nil {
		s += "." + p.Sub.Name
	}
	return s
}

// Value returns what stands at the path in r: the value of a simple or complex
// attribute, or the list of what the selected elements have there. Elements are
// selected by [MatchValue].
func (p Path) Value(r *Resource) Value {
	whole := r.Get(p.Attribute)
	if whole.Kind() != KindList {
		if p.Sub != nil {
			return whole.Sub(p.Sub)
		}
		return whole
	}
	var found []Value
	for _, element := range whole.Items() {
		if p.Selector != nil && !MatchValue(p.Selector, element) {
			continue
		}
		if p.Sub != nil {
			element = element.Sub(p.Sub)
		}
		found = append(found, element)
	}
	return List(found...)
}
