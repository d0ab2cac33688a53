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

// checkUnique does the work of slapd's unique overlay: no entry but e itself may have, below the same
// base, one of the values that an update brings. The update counts as below the base when one of its
// names is. Like the overlay it runs before the server fills in naming attributes.
func (s *Server) checkUnique(values []checkedValues, self string, names ...string) error {
	for _, rule := range s.unique {
		if !slices.ContainsFunc(names, func(name string) bool { return below(name, rule.base) }) {
			continue
		}
		for _, item := range values {
			if item.typ != rule.typ {
				continue
			}
			for _, norm := range item.norm {
				for _, other := range s.tree.index[rule.typ][norm] {
					if other.norm != self && below(other.norm, rule.base) {
						return fail(ldap.LDAPResultConstraintViolation, "some attributes not unique")
					}
				}
			}
		}
	}
	return nil
}

// referenceAuthor is the modifiersName that slapd's refint overlay leaves. Neither it nor the memberof
// overlay, which writes as the root account, touches entryCSN or modifyTimestamp.
const referenceAuthor = "cn=Referential Integrity Overlay"

func (s *Server) referenceWriter(t *AttributeType) string {
	if slices.Contains(s.tree.memberships, t) {
		return s.root.name
	}
	return referenceAuthor
}

// dropReferences takes a deleted name out of the reference attributes. The last value of an attribute
// becomes the placeholder; without one it goes, or stays dangling where a class requires it.
func (s *Server) dropReferences(x *transaction, name string) {
	for _, t := range s.references {
		for _, holder := range slices.Clone(x.index[t][name]) {
			a := holder.get(t)
			i := a.find(name)
			old := a.pretty[i]
			author := s.referenceWriter(t)
			last := len(a.norm) == 1
			x.remove(holder, a, i)
			if last && len(s.nothing) > 0 {
				x.add(holder, t, s.nothing.String(), s.nothing.norm())
				author = referenceAuthor
			} else if _, err := s.schema.checkEntry(holder); err != nil {
				x.add(holder, t, old, name)
				continue
			}
			s.setName(x, holder, s.schema.known.modifiersName, author)
		}
	}
}

// moveReferences lets the reference attributes follow an entry that moved along with top, or is top. As
// in slapd the part of the name that did not change keeps the spelling that the value had.
func (s *Server) moveReferences(x *transaction, oldName string, moved, top *entry) {
	kept := 0
	for e := moved; e != top; e = e.parent {
		kept++
	}
	for _, t := range s.references {
		for _, holder := range slices.Clone(x.index[t][oldName]) {
			a := holder.get(t)
			i := a.find(oldName)
			name := top.name
			if old, err := s.schema.parseDN(a.pretty[i]); err == nil && kept > 0 {
				name = old[:kept].String() + "," + name
			}
			x.remove(holder, a, i)
			if present := holder.get(t); present == nil || present.find(moved.norm) < 0 {
				x.add(holder, t, name, moved.norm)
			}
			s.setName(x, holder, s.schema.known.modifiersName, s.referenceWriter(t))
		}
	}
}
