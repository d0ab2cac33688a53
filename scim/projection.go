package scim

// Projection says which attributes an answer shall carry: the parameters
// attributes and excludedAttributes (RFC 7644 §3.9). The zero Projection asks
// for the default set.
type Projection struct {
	// Include are the paths named by attributes; nil when the parameter was
	// not given. Not nil but empty: nothing that exists was named, so that only
	// what is always returned is.
	Include []Target
	// Exclude are the paths named by excludedAttributes.
	Exclude []Target
}

// IsDefault reports whether the projection asks for the default set.
func (p Projection) IsDefault() bool { return p.Include == nil && len(p.Exclude) == 0 }

// Wants reports whether the answer shall carry the attribute, or some part of
// it if it is complex.
func (p Projection) Wants(a *Attribute) bool {
	switch a.Returned {
	case ReturnedAlways:
		return true
	case ReturnedNever:
		return false
	}
	if p.Include != nil {
		for _, t := range p.Include {
			if t.Attribute == a {
				return true
			}
		}
		return false
	}
	if a.Returned == ReturnedRequest {
		return false
	}
	for _, t := range p.Exclude {
		if t.Attribute == a && t.Sub == nil {
			return false
		}
	}
	return true
}

// WantsSub reports whether the answer shall carry the sub-attribute s of an
// attribute that it [Projection.Wants].
func (p Projection) WantsSub(a, s *Attribute) bool {
	switch s.Returned {
	case ReturnedAlways:
		return true
	case ReturnedNever:
		return false
	}
	if p.Include != nil {
		for _, t := range p.Include {
			if t.Attribute == a && (t.Sub == nil || t.Sub == s) {
				return true
			}
		}
		return false
	}
	if s.Returned == ReturnedRequest {
		return false
	}
	for _, t := range p.Exclude {
		if t.Attribute == a && t.Sub == s {
			return false
		}
	}
	return true
}
