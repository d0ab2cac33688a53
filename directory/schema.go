package directory

import (
	"fmt"
	"strings"
)

// Flags are the properties of an attribute type that are either there or not.
type Flags uint8

const (
	// Substrings lets filters match parts of a value; without it such a filter is Undefined.
	Substrings Flags = 1 << iota
	// Ordered lets filters compare with >= and <=; without it such a filter is Undefined.
	Ordered
	// SingleValued refuses a second value (result 19).
	SingleValued
	// Operational keeps the attribute out of "*" and free of object class rules.
	Operational
	// ReadOnly is NO-USER-MODIFICATION: only the server writes it (result 19).
	ReadOnly
)

// AttributeType describes one attribute (RFC 4512 section 4.1.2).
type AttributeType struct {
	// Names holds the attribute's names; the first is the one in answers.
	Names []string
	// OID is the dotted object identifier.
	OID string
	// Rule decides how values are checked, compared and sorted.
	Rule Rule
	// Flags holds the yes-or-no properties.
	Flags Flags
	// MaxLength bounds a value in bytes; longer is result 21. Zero means no bound, which is what slapd
	// does with the bounds of its standard schema.
	MaxLength int
}

// Name returns the name that answers carry.
func (t *AttributeType) Name() string { return t.Names[0] }

func (t *AttributeType) is(f Flags) bool { return t.Flags&f != 0 }

// ClassKind says what part an object class plays in an entry (RFC 4512 section 2.4).
type ClassKind uint8

// The kinds of object class.
const (
	Abstract ClassKind = iota
	Structural
	Auxiliary
)

// ObjectClass describes one object class (RFC 4512 section 4.1.1).
type ObjectClass struct {
	// Name is the class's only name.
	Name string
	// OID is the dotted object identifier.
	OID string
	// Superior names the one class that this one extends; empty only for top.
	Superior string
	// Kind is structural, auxiliary or abstract.
	Kind ClassKind
	// Must and May name the attributes that entries of the class have to carry and may carry.
	Must, May []string
}

// Schema is a set of attribute types and object classes, to add to those that every server knows: the
// ones of core, cosine, nis, inetOrgPerson and ppolicy that people, groups and their containers need.
type Schema struct {
	Attributes []AttributeType
	Classes    []ObjectClass
}

// class is an object class with its names resolved.
type class struct {
	ObjectClass
	superior  *class
	must, may map[*AttributeType]bool
}

// descendsFrom reports whether c is other or extends it.
func (c *class) descendsFrom(other *class) bool {
	for ; c != nil; c = c.superior {
		if c == other {
			return true
		}
	}
	return false
}

// schema is what the server looks names up in; it does not change once made.
type schema struct {
	attributes []*AttributeType
	classes    []*class
	attribute  map[string]*AttributeType // by lower-case name and OID
	class      map[string]*class         // by lower-case name and OID
	known      wellKnown
}

// wellKnown are the attribute types that the server itself reads and writes.
type wellKnown struct {
	objectClass, userPassword, member, uniqueMember,
	entryUUID, entryCSN, entryDN, structuralObjectClass, subschemaSubentry, hasSubordinates, memberOf,
	creatorsName, createTimestamp, modifiersName, modifyTimestamp,
	pwdChangedTime, pwdAccountLockedTime, pwdPolicySubentry,
	pwdLockout, pwdLockoutDuration, pwdMinLength, pwdCheckQuality, pwdMaxAge *AttributeType
}

func newSchema(extra Schema) (*schema, error) {
	s := &schema{attribute: map[string]*AttributeType{}, class: map[string]*class{}}
	for _, t := range append(builtinAttributes(), extra.Attributes...) {
		if err := s.addAttribute(t); err != nil {
			return nil, err
		}
	}
	for _, c := range append(builtinClasses(), extra.Classes...) {
		if err := s.addClass(c); err != nil {
			return nil, err
		}
	}
	a := func(name string) *AttributeType { return s.attribute[strings.ToLower(name)] }
	s.known = wellKnown{
		a("objectClass"), a("userPassword"), a("member"), a("uniqueMember"),
		a("entryUUID"), a("entryCSN"), a("entryDN"), a("structuralObjectClass"), a("subschemaSubentry"), a("hasSubordinates"), a("memberOf"),
		a("creatorsName"), a("createTimestamp"), a("modifiersName"), a("modifyTimestamp"),
		a("pwdChangedTime"), a("pwdAccountLockedTime"), a("pwdPolicySubentry"),
		a("pwdLockout"), a("pwdLockoutDuration"), a("pwdMinLength"), a("pwdCheckQuality"), a("pwdMaxAge"),
	}
	return s, nil
}

func (s *schema) addAttribute(t AttributeType) error {
	if len(t.Names) == 0 || t.OID == "" || int(t.Rule) >= len(rules) {
		return fmt.Errorf("adding attribute type %v: name, OID and a known rule are needed", t.Names)
	}
	for _, key := range append([]string{t.OID}, t.Names...) {
		if _, taken := s.attribute[strings.ToLower(key)]; taken {
			return fmt.Errorf("adding attribute type %s: %s is defined already", t.Name(), key)
		}
		s.attribute[strings.ToLower(key)] = &t
	}
	s.attributes = append(s.attributes, &t)
	return nil
}

func (s *schema) addClass(def ObjectClass) error {
	c := &class{ObjectClass: def, must: map[*AttributeType]bool{}, may: map[*AttributeType]bool{}}
	if def.Name == "" || def.OID == "" {
		return fmt.Errorf("adding object class %q: name and OID are needed", def.Name)
	}
	if def.Superior != "" {
		if c.superior = s.class[strings.ToLower(def.Superior)]; c.superior == nil {
			return fmt.Errorf("adding object class %s: superior %s is not known", def.Name, def.Superior)
		}
	}
	for _, list := range []struct {
		names []string
		set   map[*AttributeType]bool
	}{{def.Must, c.must}, {def.May, c.may}} {
		for _, name := range list.names {
			t := s.attribute[strings.ToLower(name)]
			if t == nil {
				return fmt.Errorf("adding object class %s: attribute %s is not known", def.Name, name)
			}
			list.set[t] = true
		}
	}
	for _, key := range []string{def.OID, def.Name} {
		if _, taken := s.class[strings.ToLower(key)]; taken {
			return fmt.Errorf("adding object class %s: %s is defined already", def.Name, key)
		}
		s.class[strings.ToLower(key)] = c
	}
	s.classes = append(s.classes, c)
	return nil
}
