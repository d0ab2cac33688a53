package directory

import (
	"slices"

	"github.com/go-ldap/ldap/v3"
)

// uniqueness is a resolved [Unique].
type uniqueness struct {
	base string
	typ  *AttributeType
}

// checkUnique does the work of slapd's unique overlay: none of the touched attributes (nil: any) may
// have a value that another entry below the same base has.
func (s *Server) checkUnique(t *tree, e *entry, touched []*AttributeType) error {
	for _, rule := range s.unique {
		a := e.get(rule.typ)
		if a == nil || !below(e.norm, rule.base) || touched != nil && !slices.Contains(touched, rule.typ) {
			continue
		}
		for _, norm := range a.norm {
			for _, other := range t.index[rule.typ][norm] {
				if other.norm != e.norm && below(other.norm, rule.base) {
					return fail(ldap.LDAPResultConstraintViolation, "some attributes not unique")
				}
			}
		}
	}
	return nil
}

// referenceAuthor is the modifiersName that slapd's refint overlay leaves.
const referenceAuthor = "cn=Referential Integrity Overlay"

// dropReferences takes a deleted name out of the reference attributes. The last value of an attribute
// becomes the placeholder; without one it goes, or stays dangling where a class requires it.
func (s *Server) dropReferences(x *transaction, name string) {
	for _, t := range s.references {
		for _, holder := range slices.Clone(x.index[t][name]) {
			a := holder.get(t)
			i := a.find(name)
			old := a.pretty[i]
			last := len(a.norm) == 1
			x.remove(holder, a, i)
			if last && len(s.nothing) > 0 {
				x.add(holder, t, s.nothing.String(), s.nothing.norm())
			} else if _, err := s.schema.checkEntry(holder); err != nil {
				x.add(holder, t, old, name)
				continue
			}
			s.stamp(x, holder, referenceAuthor)
		}
	}
}

// moveReferences lets the reference attributes follow an entry to its new name.
func (s *Server) moveReferences(x *transaction, oldName string, moved *entry) {
	for _, t := range s.references {
		for _, holder := range slices.Clone(x.index[t][oldName]) {
			a := holder.get(t)
			if a.find(moved.norm) < 0 {
				x.add(holder, t, moved.name, moved.norm)
			}
			x.remove(holder, a, a.find(oldName))
			s.stamp(x, holder, referenceAuthor)
		}
	}
}
