package scim

import "strings"

// URNs of SCIM 1.1 (draft-scim-core-schema-01 §6 to §10). Users, groups and what
// a gateway says of itself have one in common.
const (
	SchemaCoreV1       = "urn:scim:schemas:core:1.0"
	SchemaEnterpriseV1 = "urn:scim:schemas:extension:enterprise:1.0"
)

// in returns t with the names of a dialect: what a request in SCIM 1.1 calls an
// attribute is found beside the attribute's own name, since old clients mix the
// generations of URNs. The attributes are those of t; it may be nil.
func (t *ResourceType) in(d Dialect) *ResourceType {
	if t == nil || d == V2 {
		return t
	}
	c := *t
	c.dialect = d
	return &c
}

// splitV1 returns the schema that a name of SCIM 1.1 begins with, nil when t has
// no such one, and the attribute behind it, which is "" for the URN alone. Some
// write the name of the type behind the URN, as in 2.0 (and as the id of a schema
// has it, draft-scim-core-schema-01 §11.6).
func (t *ResourceType) splitV1(name string) (s *Schema, attribute string, ok bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	if rest, isCore := strings.CutPrefix(name, "urn:scim:schemas:core:"); isCore {
		s, name = t.Schema, rest
	} else if rest, isEnterprise := strings.CutPrefix(name, "urn:scim:schemas:extension:enterprise:"); isEnterprise {
		s, name = t.schemas[lowerEnterprise], rest
	} else {
		return nil, "", false
	}
	version, rest, _ := strings.Cut(name, ":")
	if version != "1.0" && version != "2.0" {
		return nil, "", false
	}
	kind, behind, _ := strings.Cut(rest, ":")
	if kind == strings.ToLower(t.Name) {
		rest = behind
	}
	return s, rest, true
}

var lowerEnterprise = strings.ToLower(SchemaEnterprise)

// attributeV1 returns the attribute of a name of SCIM 1.1, or nil.
func (t *ResourceType) attributeV1(name string) *Attribute {
	s, attribute, ok := t.splitV1(name)
	if !ok || s == nil || attribute == "" {
		return nil
	}
	return t.attributes[strings.ToLower(s.ID)+":"+attribute]
}

// schemaV1 returns the schema whose URN in SCIM 1.1 is that one, or nil.
func (t *ResourceType) schemaV1(urn string) *Schema {
	if s, attribute, ok := t.splitV1(urn); ok && attribute == "" {
		return s
	}
	return nil
}

// sub returns the sub-attribute of a that has that name in t's dialect, or nil.
func (t *ResourceType) sub(a *Attribute, name string) *Attribute {
	s := a.Sub(name)
	if s == nil && t.dialect == V1 && isManager(a) && strings.EqualFold(name, managerID) {
		return a.Sub("value")
	}
	return s
}

// managerID is what the value of a manager is called in SCIM 1.1
// (draft-scim-core-schema-01 §7).
const managerID = "managerId"

// isManager reports whether a is the manager of the enterprise extension.
func isManager(a *Attribute) bool {
	return a.Name == "manager" && a.parent == nil && a.schema == SchemaEnterprise
}

// urnV1 is the reverse of splitV1: what a schema is called in SCIM 1.1.
func urnV1(urn string) string {
	switch urn {
	case SchemaUser, SchemaGroup:
		return SchemaCoreV1
	case SchemaEnterprise:
		return SchemaEnterpriseV1
	}
	return urn
}

// nameV1 is what an attribute or sub-attribute is called in SCIM 1.1. A $ref is
// not called anything: 1.1 has none, nor may a name have a $ in it.
func nameV1(a *Attribute) string {
	switch {
	case a.Name == "$ref":
		return ""
	case a.Name == "value" && a.parent != nil && isManager(a.parent):
		return managerID
	}
	return a.Name
}
