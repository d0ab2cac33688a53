package scim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Check reports what is wrong with a schema that somebody else wrote, as one
// error for each mistake: a name that is none, a type or another characteristic
// that RFC 7643 §7 does not know, parts of what is not complex, names that stand
// twice, characteristics that exclude each other. It spells the characteristics
// as the RFC does, whatever their case, and fills in what they imply: a reference
// and a binary value are caseExact (§2.3.6, §2.3.7), what can only be written is
// never returned.
func (s *Schema) Check() error {
	var mistakes []error
	if !isSchemaURN(s.ID) {
		mistakes = append(mistakes, fmt.Errorf("%q is not the URN of a schema, such as urn:example:params:scim:schemas:extension:hr:2.0:User", s.ID))
	}
	if len(s.Attributes) == 0 {
		mistakes = append(mistakes, errors.New("it has no attributes"))
	}
	if slices.Contains(s.Attributes, nil) {
		return errors.New("it has an attribute that is null")
	}
	for i, a := range s.Attributes {
		if err := a.Check(); err != nil {
			mistakes = append(mistakes, err)
		}
		if hasAttribute(s.Attributes[:i], a.Name) {
			mistakes = append(mistakes, fmt.Errorf("attribute %s stands twice: names are compared without case, remove one", a.Name))
		}
	}
	return errors.Join(mistakes...)
}

// isSchemaURN reports whether text is a URN (RFC 8141 §2) that can stand before
// the name of an attribute.
func isSchemaURN(text string) bool {
	if len(text) < len("urn:x:y") || !strings.EqualFold(text[:4], "urn:") || strings.HasSuffix(text, ":") {
		return false
	}
	parts := strings.Split(text[4:], ":")
	return len(parts) > 1 && !slices.Contains(parts, "") && !strings.ContainsFunc(text, func(r rune) bool {
		return !isNameByte(r) && !strings.ContainsRune(":.~+/", r)
	})
}

func isNameByte(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '$'
}

// isName reports whether text is an ATTRNAME (RFC 7643 §2.1).
func isName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !isNameByte(r) }) &&
		!strings.ContainsAny(text[:1], "0123456789-_$")
}

func hasAttribute(all []*Attribute, name string) bool {
	return slices.ContainsFunc(all, func(a *Attribute) bool { return strings.EqualFold(a.Name, name) })
}

// Check is [Schema.Check] for one attribute and its sub-attributes.
func (a *Attribute) Check() error { return a.check(false) }

func (a *Attribute) check(isSub bool) error {
	if !isName(a.Name) && !(isSub && a.Name == "$ref") {
		return fmt.Errorf("attribute %q: a name is a letter, and then letters, digits, $, - and _", a.Name)
	}
	if err := errors.Join(
		spell("type", &a.Type, TypeString, TypeBoolean, TypeDecimal, TypeInteger, TypeDateTime, TypeBinary, TypeReference, TypeComplex),
		spell("mutability", &a.Mutability, ReadWrite, ReadOnly, Immutable, WriteOnly),
		spell("returned", &a.Returned, ReturnedDefault, ReturnedAlways, ReturnedNever, ReturnedRequest),
		spell("uniqueness", &a.Uniqueness, UniqueNone, UniqueServer, UniqueGlobal),
	); err != nil {
		return fmt.Errorf("attribute %s: %w", a.Name, err)
	}
	if mistake := a.contradiction(isSub); mistake != "" {
		return fmt.Errorf("attribute %s: %s", a.Name, mistake)
	}
	switch {
	case a.Type == TypeBinary || a.Type == TypeReference:
		a.CaseExact = true
	case a.Type == "":
		a.Type = TypeString
	}
	if a.Mutability == WriteOnly {
		a.Returned = ReturnedNever
	}
	if slices.Contains(a.SubAttributes, nil) {
		return fmt.Errorf("attribute %s: it has an attribute that is null", a.Name)
	}
	for i, s := range a.SubAttributes {
		if err := s.check(true); err != nil {
			return fmt.Errorf("attribute %s: %w", a.Name, err)
		}
		if hasAttribute(a.SubAttributes[:i], s.Name) {
			return fmt.Errorf("attribute %s: attribute %s stands twice: names are compared without case, remove one", a.Name, s.Name)
		}
	}
	return nil
}

// contradiction says what in a excludes each other, and what to do; or "".
func (a *Attribute) contradiction(isSub bool) string {
	isText := a.Type == "" || a.Type == TypeString || a.Type == TypeReference
	switch {
	case isSub && a.Type == TypeComplex:
		return "a part of a complex attribute can't be complex itself (RFC 7643 §2.3.8): give it a simple type"
	case a.Type == TypeComplex && len(a.SubAttributes) == 0:
		return "a complex attribute has parts: give it attributes of its own"
	case a.Type != TypeComplex && len(a.SubAttributes) > 0:
		return fmt.Sprintf("the type %s has no parts: make it complex, or remove the attributes in it", a.Type)
	case a.Type == TypeComplex && (a.Uniqueness == UniqueServer || a.Uniqueness == UniqueGlobal):
		return "what is unique is a part of it: give uniqueness to that one"
	case a.Type == TypeComplex && (len(a.CanonicalValues) > 0 || a.CaseExact):
		return "canonical values and caseExact are for a part of it: give them to that one"
	case len(a.CanonicalValues) > 0 && !isText:
		return fmt.Sprintf("canonical values are texts, and it is of the type %s: remove them", a.Type)
	case slices.Contains(a.CanonicalValues, ""):
		return "a canonical value is empty: remove it"
	case len(a.ReferenceTypes) > 0 && a.Type != TypeReference:
		return "reference types are for the type reference: remove them, or change the type"
	case a.Name == "$ref" && a.Type != TypeReference:
		return "$ref is the address of a resource: give it the type reference"
	case a.Mutability == WriteOnly && a.Returned != "" && a.Returned != ReturnedNever:
		return fmt.Sprintf("what can only be written is never returned: remove returned %s", a.Returned)
	}
	return ""
}

// spell gives a characteristic the spelling that it has among the known ones;
// none is left for its default.
func spell[T ~string](name string, value *T, known ...T) error {
	if *value == "" {
		return nil
	}
	for _, k := range known {
		if strings.EqualFold(string(*value), string(k)) {
			*value = k
			return nil
		}
	}
	all := make([]string, len(known))
	for i, k := range known {
		all[i] = string(k)
	}
	return fmt.Errorf("%s %s is not known: it is one of %s", name, *value, strings.Join(all, ", "))
}
