package directory

import (
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// checkedValues is an attribute as it came from a client, resolved and normalised.
type checkedValues struct {
	typ          *AttributeType
	pretty, norm []string
}

// checkOwnership refuses attributes that only the server writes. As in slapd that comes after all
// values have been checked.
func (c checkedValues) checkOwnership() error {
	if c.typ.is(ReadOnly) {
		return fail(ldap.LDAPResultConstraintViolation, "%s: no user modification allowed", c.typ.Name())
	}
	return nil
}

// checkValues resolves an attribute that a client writes and checks its values one by one and against
// each other.
func (s *schema) checkValues(in namedValues) (checkedValues, error) {
	c := checkedValues{typ: s.attribute[strings.ToLower(in.name)]}
	if c.typ == nil {
		return c, fail(ldap.LDAPResultUndefinedAttributeType, "%s: attribute type undefined", in.name)
	}
	if c.typ.is(SingleValued) && len(in.values) > 1 {
		return c, fail(ldap.LDAPResultConstraintViolation, "%s: multiple values provided", c.typ.Name())
	}
	seen := make(map[string]bool, len(in.values))
	for i, value := range in.values {
		pretty, norm, ok := s.normalise(c.typ, value)
		if !ok {
			return c, fail(ldap.LDAPResultInvalidAttributeSyntax, "%s: value #%d invalid per syntax", c.typ.Name(), i)
		}
		if seen[norm] {
			return c, fail(ldap.LDAPResultAttributeOrValueExists, "%s: value #%d provided more than once", c.typ.Name(), i)
		}
		seen[norm] = true
		c.pretty, c.norm = append(c.pretty, pretty), append(c.norm, norm)
	}
	return c, nil
}

// checkEntry checks a whole entry against the schema, as slapd does before an update becomes real:
// object classes, required and allowed attributes, single values, and the attributes of the RDN. It
// returns the structural class.
func (s *schema) checkEntry(e *entry) (*class, error) {
	objectClass := e.get(s.known.objectClass)
	if objectClass == nil {
		return nil, fail(ldap.LDAPResultObjectClassViolation, "no objectClass attribute")
	}
	var structural *class
	var classes []*class
	for _, name := range objectClass.norm {
		c := s.class[name]
		classes = append(classes, c)
		switch {
		case c.Kind != Structural || structural != nil && structural.descendsFrom(c):
		case structural == nil || c.descendsFrom(structural):
			structural = c
		default:
			return nil, fail(ldap.LDAPResultObjectClassViolation, "invalid structural object class chain (%s/%s)", structural.Name, c.Name)
		}
	}
	if structural == nil {
		return nil, fail(ldap.LDAPResultObjectClassViolation, "no structural object class provided")
	}
	if old := e.first(s.known.structuralObjectClass); old != "" && !strings.EqualFold(old, structural.Name) {
		return nil, fail(ldap.LDAPResultObjectClassModsProhibited, "structural object class modification from '%s' to '%s' not allowed", old, structural.Name)
	}
	for _, a := range e.rdn.avas {
		switch values := e.get(a.typ); {
		case values == nil:
			return nil, fail(ldap.LDAPResultNamingViolation, "naming attribute '%s' is not present in entry", a.typ.Name())
		case values.find(a.norm) < 0:
			return nil, fail(ldap.LDAPResultNamingViolation, "value of naming attribute '%s' is not present in entry", a.typ.Name())
		}
	}
	return structural, s.checkAttributes(e, classes)
}

func (s *schema) checkAttributes(e *entry, classes []*class) error {
	for _, named := range classes {
		for c := named; c != nil; c = c.superior {
			for t := range c.must {
				if e.get(t) == nil {
					return fail(ldap.LDAPResultObjectClassViolation, "object class '%s' requires attribute '%s'", named.Name, t.Name())
				}
			}
		}
	}
	anything := slices.Contains(classes, s.class["extensibleobject"])
	for _, a := range e.attributes {
		if a.typ.is(SingleValued) && len(a.norm) > 1 {
			return fail(ldap.LDAPResultConstraintViolation, "attribute '%s' cannot have multiple values", a.typ.Name())
		}
		if !anything && !a.typ.is(Operational) && !slices.ContainsFunc(classes, func(c *class) bool { return c.allows(a.typ) }) {
			return fail(ldap.LDAPResultObjectClassViolation, "attribute '%s' not allowed", a.typ.Name())
		}
	}
	return nil
}

func (c *class) allows(t *AttributeType) bool {
	for ; c != nil; c = c.superior {
		if c.must[t] || c.may[t] {
			return true
		}
	}
	return false
}
