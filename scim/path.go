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
