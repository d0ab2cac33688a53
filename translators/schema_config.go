package translators

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/scimgate/scimgate/scim"
)

// SchemaConfig is a schema that the operator defines, in the form of RFC 7643 §7.
// What of it is mapped is served, like any other attribute.
type SchemaConfig struct {
	scim.Schema

	// Extends are the names of the resource types that the schema is an extension
	// of: User, Group, or one of [ResourceTypeConfig]. Empty for the schema of a
	// resource type.
	Extends []string `json:"extends,omitempty"`
}

// ResourceTypeConfig is a resource type that the operator defines besides users
// and groups (RFC 7643 §6).
type ResourceTypeConfig struct {
	// Name is the name of the type, such as Device: letters and digits.
	Name string `json:"name"`
	// Endpoint is where its resources are below the base of the gateway, such as
	// /Devices.
	Endpoint string `json:"endpoint"`
	// Schema is the URN of a [SchemaConfig], which says what attributes it has.
	Schema string `json:"schema"`
	// Description is for people who look at /ResourceTypes. Default: the
	// description of the schema.
	Description string `json:"description,omitempty"`
}

// FullTypes are all resource types that a configuration knows, each with its
// extensions and all their attributes. They are the whole that mappings narrow
// down.
type FullTypes []*scim.ResourceType

// NewFullTypes makes users, groups and what the operator defines into types. The
// error has one mistake a line.
func NewFullTypes(schemas []SchemaConfig, resources []ResourceTypeConfig) (FullTypes, error) {
	var mistakes []error
	for i, s := range schemas {
		if err := CheckSchema(schemas[:i], s); err != nil {
			mistakes = append(mistakes, fmt.Errorf("schema %s: %w", s.ID, err))
		}
	}
	for i, r := range resources {
		if err := CheckResourceType(resources[:i], r, schemas); err != nil {
			mistakes = append(mistakes, fmt.Errorf("resource %s: %w", r.Name, err))
		}
	}
	for _, s := range schemas {
		if err := CheckExtends(s, resources); err != nil {
			mistakes = append(mistakes, fmt.Errorf("schema %s: %w", s.ID, err))
		}
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	types := FullTypes{scim.UserType(), scim.GroupType()}
	references := make(map[string]string, len(resources))
	for _, r := range resources {
		base := schemaOf(schemas, r.Schema).Clone()
		base.Attributes = append([]*scim.Attribute{scim.ExternalID()}, base.Attributes...)
		description := r.Description
		if description == "" {
			description = base.Description
		}
		t, err := scim.NewResourceType(r.Name, r.Endpoint, description, base)
		if err != nil {
			return nil, err
		}
		types, references[r.Name] = append(types, t), r.Endpoint
	}
	for i, t := range types {
		extensions := t.Extensions
		for _, s := range schemas {
			if slices.ContainsFunc(s.Extends, func(name string) bool { return strings.EqualFold(name, t.Name) }) {
				extensions = append(extensions, s.Clone())
			}
		}
		extended, err := scim.NewResourceType(t.Name, t.Endpoint, t.Description, t.Schema, extensions...)
		if err != nil {
			return nil, err
		}
		extended.References = references
		types[i] = extended
	}
	return types, nil
}

// Named returns the type of that name, compared without case, or nil.
func (types FullTypes) Named(name string) *scim.ResourceType {
	for _, t := range types {
		if strings.EqualFold(t.Name, name) {
			return t
		}
	}
	return nil
}

// typeNames lists the types for an error.
func typeNames(resources []ResourceTypeConfig) string {
	names := []string{"User", "Group"}
	for _, r := range resources {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// schemaOf returns the schema of that URN, or nil.
func schemaOf(schemas []SchemaConfig, urn string) *scim.Schema {
	for i := range schemas {
		if strings.EqualFold(schemas[i].ID, urn) {
			return &schemas[i].Schema
		}
	}
	return nil
}

// reserved are names that mean something already, and what they mean.
var reserved = map[string]string{
	"groups":   "the groups of a user are served by map groups, and Okta takes no other attribute of that name",
	"members":  "the members of a group are served by map members; give references another name and map their value",
	"active":   "whether an account can be used is served by disable in users",
	"password": "a password is served by map password in users",
}

// CheckSchema checks one schema by itself and beside the earlier ones. It spells
// what it says as RFC 7643 does, see [scim.Schema.Check].
func CheckSchema(earlier []SchemaConfig, s SchemaConfig) error {
	if err := s.Check(); err != nil {
		return err
	}
	switch {
	case scim.IsCoreSchema(s.ID):
		return errors.New("it is a schema of RFC 7643, which is there without being defined: give yours a URN of its own")
	case schemaOf(earlier, s.ID) != nil:
		return errors.New("it is defined twice: remove one of the two")
	}
	for _, a := range s.Attributes {
		if err := CheckAttributeName(a.Name); err != nil {
			return err
		}
	}
	return nil
}

// CheckAttributeName refuses the names that attributes of a defined schema can't
// have, because they mean something already.
func CheckAttributeName(name string) error {
	if scim.IsCommonName(name) {
		return fmt.Errorf("attribute %s: every resource has it without a schema (RFC 7643 §3.1): remove it", name)
	}
	if meaning := reserved[strings.ToLower(name)]; meaning != "" {
		return fmt.Errorf("attribute %s: the name is taken: %s. Choose another name", name, meaning)
	}
	return nil
}

// The endpoints and names that mean something already (RFC 7644 §3.2, §4).
var (
	takenEndpoints = []string{"Users", "Groups", "Me", "Bulk", "Schemas", "ResourceTypes", "ServiceProviderConfig", "ServiceProviderConfigs"}
	takenNames     = []string{"User", "Group", "Schema", "ResourceType", "ServiceProviderConfig"}
)

// CheckResourceType checks one resource type by itself, beside the earlier ones
// and with its schema.
func CheckResourceType(earlier []ResourceTypeConfig, r ResourceTypeConfig, schemas []SchemaConfig) error {
	isPlain := func(text, besides string) bool {
		return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(besides, c)
		})
	}
	is := func(text string) func(string) bool {
		return func(other string) bool { return strings.EqualFold(text, other) }
	}
	segment, hasSlash := strings.CutPrefix(r.Endpoint, "/")
	switch {
	case !isPlain(r.Name, ""):
		return fmt.Errorf("%q is not the name of a resource type: letters and digits, such as Device", r.Name)
	case slices.ContainsFunc(takenNames, is(r.Name)):
		return fmt.Errorf("the name %s is taken (users and groups have blocks of their own): choose another name", r.Name)
	case r.Endpoint == "":
		return errors.New("endpoint is missing: say where its resources are, such as endpoint /Devices")
	case !hasSlash || !isPlain(segment, "-_"):
		return fmt.Errorf("endpoint %s is not one name behind a slash: write it so, such as endpoint /Devices", r.Endpoint)
	case slices.ContainsFunc(takenEndpoints, is(segment)):
		return fmt.Errorf("endpoint %s is taken by SCIM itself: choose another one", r.Endpoint)
	case r.Schema == "":
		return errors.New("schema is missing: name the schema that says what attributes it has, and define it beside the resource: schema <urn> { … }")
	}
	for _, other := range earlier {
		switch {
		case strings.EqualFold(other.Name, r.Name):
			return errors.New("it is defined twice: choose another name for one of the two")
		case strings.EqualFold(other.Endpoint, r.Endpoint):
			return fmt.Errorf("endpoint %s is that of %s already: choose another one", r.Endpoint, other.Name)
		case strings.EqualFold(other.Schema, r.Schema):
			return fmt.Errorf("schema %s is that of %s already: define one for each", r.Schema, other.Name)
		}
	}
	s := slices.IndexFunc(schemas, func(s SchemaConfig) bool { return strings.EqualFold(s.ID, r.Schema) })
	switch {
	case s < 0 && scim.IsCoreSchema(r.Schema):
		return fmt.Errorf("schema %s is for users and groups: define one of its own", r.Schema)
	case s < 0:
		return fmt.Errorf("schema %s is not defined: add schema %s { attribute … } beside the resource", r.Schema, r.Schema)
	case len(schemas[s].Extends) > 0:
		return fmt.Errorf("schema %s is an extension of %s: remove extends there, or name another schema", r.Schema, strings.Join(schemas[s].Extends, ", "))
	}
	return nil
}

// CheckExtends checks what a schema is for: it extends types that there are, or is
// the schema of one.
func CheckExtends(s SchemaConfig, resources []ResourceTypeConfig) error {
	if len(s.Extends) == 0 {
		if !slices.ContainsFunc(resources, func(r ResourceTypeConfig) bool { return strings.EqualFold(r.Schema, s.ID) }) {
			return errors.New("nothing uses it: add extends User, name it as schema in a resource, or remove it")
		}
		return nil
	}
	for i, name := range s.Extends {
		isResource := slices.ContainsFunc(resources, func(r ResourceTypeConfig) bool { return strings.EqualFold(r.Name, name) })
		switch {
		case !isResource && !strings.EqualFold(name, "User") && !strings.EqualFold(name, "Group"):
			return fmt.Errorf("extends %s: there is no such resource type: there are %s", name, typeNames(resources))
		case slices.ContainsFunc(s.Extends[:i], func(other string) bool { return strings.EqualFold(other, name) }):
			return fmt.Errorf("extends %s stands twice: name it once", name)
		}
	}
	return nil
}

// Unmapped names the attributes of the schemas, and their parts, that a served
// type could have and that are not mapped in it. They are not served.
func Unmapped(full FullTypes, served []Type, schemas []SchemaConfig) []string {
	var names []string
	for _, t := range served {
		for _, a := range full.Named(t.Name).Attributes() {
			if scim.IsCommonName(a.Name) || schemaOf(schemas, a.Schema()) == nil {
				continue
			}
			kept := t.Attribute(a.Schema() + ":" + a.Name)
			if kept == nil {
				names = append(names, a.Schema()+":"+a.Name)
				continue
			}
			for _, s := range a.SubAttributes {
				// The address of a reference is nothing to map.
				if s.Name != "$ref" && kept.Sub(s.Name) == nil {
					names = append(names, a.Schema()+":"+a.Name+"."+s.Name)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// CheckExtensions is [CheckMapped] for all schemas.
func CheckExtensions(schemas []SchemaConfig, served []Type) error {
	var mistakes []error
	for _, s := range schemas {
		if err := CheckMapped(s, served); err != nil {
			mistakes = append(mistakes, fmt.Errorf("schema %s: %w", s.ID, err))
		}
	}
	return errors.Join(mistakes...)
}

// CheckMapped looks whether something of every extension is mapped in each of the
// types that it extends; served are the narrowed types.
func CheckMapped(s SchemaConfig, served []Type) error {
	for _, name := range s.Extends {
		i := slices.IndexFunc(served, func(t Type) bool { return strings.EqualFold(t.Name, name) })
		switch {
		case i < 0:
			return fmt.Errorf("extends %s: resources of that type are not served: configure them, or remove the line", name)
		case served[i].SchemaByURN(s.ID) == nil:
			return fmt.Errorf("extends %s: nothing of it is mapped there: add map %s:%s and the field that holds it, or remove the line",
				name, s.ID, s.Attributes[0].Name)
		}
	}
	return nil
}
