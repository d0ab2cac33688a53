package scim

import (
	"fmt"
	"slices"
	"strings"
)

// Schema is a named set of attributes (RFC 7643 §7). Its JSON is that of the RFC.
type Schema struct {
	ID          string       `json:"id"` // its URN
	Name        string       `json:"name,omitempty"`
	Description string       `json:"description,omitempty"`
	Attributes  []*Attribute `json:"attributes,omitempty"`
}

// Clone returns a copy of s and its attributes, for another type.
func (s *Schema) Clone() *Schema {
	c := *s
	c.Attributes = make([]*Attribute, len(s.Attributes))
	for i, a := range s.Attributes {
		c.Attributes[i] = a.Clone()
	}
	return &c
}

// IsRequired reports whether a resource must have something of the schema
// (RFC 7643 §6): an attribute of it is required.
func (s *Schema) IsRequired() bool {
	return slices.ContainsFunc(s.Attributes, func(a *Attribute) bool { return a.Required })
}

// ResourceType is a kind of resource that a gateway serves (RFC 7643 §6): its
// base schema and its extensions.
type ResourceType struct {
	Name        string // "User"
	Endpoint    string // "/Users"
	Description string
	Schema      *Schema
	Extensions  []*Schema

	// References are the endpoints of the types, by their names, that values of
	// this one refer to besides users and groups.
	References map[string]string

	attributes map[string]*Attribute // by lower-case name and by lower-case URN:name
	schemas    map[string]*Schema    // by lower-case URN
	dialect    Dialect               // whose names are known beside these
}

// The common attributes (RFC 7643 §3.1) that every resource has and no schema
// lists. externalId is not among them: it is served where it is mapped, like
// any other attribute of the base schema.
var (
	AttributeSchemas = common(&Attribute{Name: "schemas", Type: TypeReference, ReferenceTypes: []string{"uri"}, MultiValued: true,
		CaseExact: true, Required: true, Returned: ReturnedAlways, Mutability: ReadOnly,
		Description: "The URNs of the schemas of this resource."})
	AttributeID = common(&Attribute{Name: "id", CaseExact: true, Required: true, Mutability: ReadOnly,
		Returned: ReturnedAlways, Uniqueness: UniqueServer,
		Description: "The identifier of this resource, given by the backend; it never changes."})
	AttributeMeta = common(&Attribute{Name: "meta", Type: TypeComplex, Mutability: ReadOnly,
		Description: "What the gateway knows about this resource as such.",
		SubAttributes: []*Attribute{
			{Name: "resourceType", CaseExact: true, Mutability: ReadOnly},
			{Name: "created", Type: TypeDateTime, Mutability: ReadOnly},
			{Name: "lastModified", Type: TypeDateTime, Mutability: ReadOnly},
			{Name: "location", Type: TypeReference, ReferenceTypes: []string{"uri"}, CaseExact: true, Mutability: ReadOnly},
			{Name: "version", CaseExact: true, Mutability: ReadOnly},
		}})
)

func common(a *Attribute) *Attribute {
	a.normalise("", false, nil)
	return a
}

// NewResourceType ties the schemas' attributes to the type and indexes them. It
// fails when a name or a URN stands twice. The schemas must not be used by
// another type: take them from a constructor such as [UserSchema].
func NewResourceType(name, endpoint, description string, schema *Schema, extensions ...*Schema) (*ResourceType, error) {
	t := &ResourceType{
		Name: name, Endpoint: endpoint, Description: description,
		Schema: schema, Extensions: extensions,
		attributes: make(map[string]*Attribute), schemas: make(map[string]*Schema),
	}
	for _, a := range []*Attribute{AttributeSchemas, AttributeID, AttributeMeta} {
		t.attributes[strings.ToLower(a.Name)] = a
		t.attributes[strings.ToLower(schema.ID+":"+a.Name)] = a
	}
	ambiguous := make(map[string]bool)
	for i, s := range append([]*Schema{schema}, extensions...) {
		urn := strings.ToLower(s.ID)
		if t.schemas[urn] != nil {
			return nil, fmt.Errorf("resource type %s: schema %s stands twice", name, s.ID)
		}
		t.schemas[urn] = s
		for _, a := range s.Attributes {
			a.normalise(s.ID, i == 0, nil)
			key := strings.ToLower(a.Name)
			full := urn + ":" + key
			if t.attributes[full] != nil {
				return nil, fmt.Errorf("resource type %s: attribute %s stands twice", name, full)
			}
			t.attributes[full] = a
			// A bare name means the base schema's attribute; failing that, the
			// only extension's attribute of that name (older clients write
			// "manager" and "department" so).
			switch {
			case i == 0:
				if t.attributes[key] != nil {
					return nil, fmt.Errorf("resource type %s: attribute %s stands twice", name, a.Name)
				}
				t.attributes[key] = a
			case t.attributes[key] == nil && !ambiguous[key]:
				t.attributes[key] = a
			case t.attributes[key].schema != schema.ID && t.attributes[key].schema != "":
				delete(t.attributes, key)
				ambiguous[key] = true
			}
		}
	}
	t.indexSpellings()
	return t, nil
}

// indexSpellings enters the names as the RFC writes them beside those in lower
// case: nearly everybody writes them so, and none needs to be folded then.
func (t *ResourceType) indexSpellings() {
	enter := func(name string) {
		if a := t.attributes[strings.ToLower(name)]; a != nil {
			t.attributes[name] = a
		}
	}
	for _, a := range append(t.Attributes(), AttributeSchemas, AttributeID, AttributeMeta) {
		enter(a.Name)
		enter(a.schema + ":" + a.Name)
	}
	for _, s := range append([]*Schema{t.Schema}, t.Extensions...) {
		t.schemas[s.ID] = s
	}
}

// Attribute returns the attribute of that name, compared without case, or nil.
// The name may stand behind its schema's URN and a colon; without one, an
// extension's attribute is found when no other attribute has its name.
func (t *ResourceType) Attribute(name string) *Attribute {
	if a := t.attributes[name]; a != nil {
		return a
	}
	a := t.attributes[strings.ToLower(name)]
	if a == nil && t.dialect == V1 {
		return t.attributeV1(name)
	}
	return a
}

// SchemaByURN returns the base schema or the extension of that URN, compared
// without case, or nil.
func (t *ResourceType) SchemaByURN(urn string) *Schema {
	if s := t.schemas[urn]; s != nil {
		return s
	}
	s := t.schemas[strings.ToLower(urn)]
	if s == nil && t.dialect == V1 {
		return t.schemaV1(urn)
	}
	return s
}

// Attributes returns all attributes, the base schema's first, without the
// common ones.
func (t *ResourceType) Attributes() []*Attribute {
	all := append([]*Attribute(nil), t.Schema.Attributes...)
	for _, e := range t.Extensions {
		all = append(all, e.Attributes...)
	}
	return all
}

// Narrow returns a copy of t with only those attributes and sub-attributes that
// keep approves; an extension left without attributes is dropped. keep is
// called with the attributes of t; a complex attribute is asked for itself
// first and then for each of its sub-attributes. adjust, which may be nil, is
// called with the attribute of t and its copy, which it may change.
func (t *ResourceType) Narrow(keep func(*Attribute) bool, adjust func(old, narrowed *Attribute)) *ResourceType {
	narrowed := func(s *Schema) *Schema {
		c := &Schema{ID: s.ID, Name: s.Name, Description: s.Description}
		for _, a := range s.Attributes {
			if keep(a) {
				c.Attributes = append(c.Attributes, a.clone(keep))
			}
		}
		return c
	}
	var extensions []*Schema
	for _, e := range t.Extensions {
		if c := narrowed(e); len(c.Attributes) > 0 {
			extensions = append(extensions, c)
		}
	}
	n, err := NewResourceType(t.Name, t.Endpoint, t.Description, narrowed(t.Schema), extensions...)
	if err != nil {
		panic(err) // a subset of what was unique is unique
	}
	n.References = t.References
	if adjust != nil {
		for _, a := range n.Attributes() {
			old := t.Attribute(a.schema + ":" + a.Name)
			adjust(old, a)
			for _, s := range a.SubAttributes {
				adjust(old.Sub(s.Name), s)
			}
		}
	}
	return n
}
