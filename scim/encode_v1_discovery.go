package scim

import (
	"slices"
	"strings"
)

// schemaOktaV1 is the part of the configuration from which Okta's agent for
// on-premises provisioning reads what it may do (okta.md §11).
const schemaOktaV1 = "urn:okta:schemas:scim:providerconfig:1.0"

// providerConfigV1 writes the document of draft-scim-core-schema-01 §9.
func (e *encoder) providerConfigV1(d *Discovery) {
	supported := func(name string, is bool) {
		e.object(name, func() { e.bool("supported", is) })
	}
	e.dst = append(e.dst, '{')
	e.texts("schemas", []string{SchemaCoreV1, schemaOktaV1})
	if d.DocumentationURI != "" {
		e.text("documentationUrl", d.DocumentationURI)
	}
	supported("patch", true)
	e.object("bulk", func() {
		e.bool("supported", false)
		e.number("maxOperations", 0)
		e.number("maxPayloadSize", 0)
	})
	e.object("filter", func() {
		e.bool("supported", true)
		e.number("maxResults", d.MaxResults)
	})
	supported("changePassword", d.ChangePassword)
	supported("sort", d.Sort)
	supported("etag", d.ETag)
	supported("xmlDataFormat", false)
	list(e, "authenticationSchemes", d.AuthenticationSchemes, func(e *encoder, s AuthenticationScheme) {
		e.text("name", s.Name)
		e.text("description", s.Description)
		if s.SpecURI != "" {
			e.text("specUrl", s.SpecURI)
		}
		e.text("type", s.Type)
		e.bool("primary", s.Primary)
	})
	e.object(schemaOktaV1, func() { e.texts("userManagementCapabilities", d.capabilitiesV1()) })
	e.locationV1(endpointProvidersV1)
	e.dst = append(e.dst, '}')
}

// capabilitiesV1 returns what Okta can do through the gateway, in Okta's words.
func (d *Discovery) capabilitiesV1() []string {
	served := func(urn string) *ResourceType {
		return find(d.Types, func(t *ResourceType) bool { return t.Schema.ID == urn })
	}
	var all []string
	if served(SchemaGroup) != nil {
		all = append(all, "GROUP_PUSH")
	}
	users := served(SchemaUser)
	if users == nil {
		return all
	}
	all = append(all, "IMPORT_NEW_USERS", "IMPORT_PROFILE_UPDATES", "PUSH_NEW_USERS")
	if d.ChangePassword {
		all = append(all, "PUSH_PASSWORD_UPDATES")
	}
	all = append(all, "PUSH_PENDING_USERS", "PUSH_PROFILE_UPDATES")
	if active := users.Attribute(SchemaUser + ":active"); active != nil && active.Mutability != ReadOnly {
		all = append(all, "PUSH_USER_DEACTIVATION", "REACTIVATE_USERS")
	}
	return all
}

// schemaV1 writes the document of draft-scim-core-schema-01 §10: all attributes of
// a type, those of its extensions too, each with its schema.
func (e *encoder) schemaV1(t *ResourceType) {
	e.dst = append(e.dst, '{')
	id := t.idV1()
	e.text("id", id)
	e.text("name", t.Name)
	e.text("description", t.Description)
	e.text("schema", urnV1(t.Schema.ID))
	e.text("endpoint", t.Endpoint)
	attributes := append([]*Attribute{AttributeID, AttributeMeta}, t.Attributes()...)
	list(e, "attributes", attributes, func(e *encoder, a *Attribute) {
		schema := a.schema
		if schema == "" {
			schema = t.Schema.ID
		}
		e.definitionV1(a, urnV1(schema))
	})
	e.locationV1(endpointSchemas + "/" + id)
	e.dst = append(e.dst, '}')
}

// idV1 is the id of the schema of a type: those of users and groups have one URN
// (draft-scim-core-schema-01 §11.6).
func (t *ResourceType) idV1() string {
	if urn := urnV1(t.Schema.ID); urn != t.Schema.ID {
		return urn + ":" + t.Name
	}
	return t.Schema.ID
}

// definitionV1 writes an attribute, or with no schema a sub-attribute.
func (e *encoder) definitionV1(a *Attribute, schema string) {
	e.text("name", nameV1(a))
	kind := a.Type
	if kind == TypeReference {
		kind = TypeString
	}
	e.text("type", string(kind))
	e.bool("multiValued", a.MultiValued)
	if a.MultiValued {
		e.text("multiValuedAttributeChildName", childNameV1(a.Name))
	}
	e.text("description", a.Description)
	if schema != "" {
		e.text("schema", schema)
	}
	e.bool("readOnly", a.Mutability == ReadOnly)
	e.bool("required", a.Required)
	e.bool("caseExact", a.CaseExact)
	subs := slices.DeleteFunc(slices.Clone(a.SubAttributes), func(s *Attribute) bool { return s == metaResourceType || nameV1(s) == "" })
	if len(subs) > 0 {
		list(e, "subAttributes", subs, func(e *encoder, s *Attribute) { e.definitionV1(s, "") })
	}
	if len(a.CanonicalValues) > 0 {
		e.texts("canonicalValues", a.CanonicalValues)
	}
}

// childNameV1 is the name of one element of a list, which XML would have: email of
// emails.
func childNameV1(name string) string {
	if strings.HasSuffix(name, "sses") {
		return strings.TrimSuffix(name, "es")
	}
	if one := strings.TrimSuffix(name, "s"); one != "" {
		return one
	}
	return name
}

// resourceTypeV1 writes what 2.0 has at /ResourceTypes in the names of 1.1, which
// has no such endpoint; Okta's tests ask for it.
func (e *encoder) resourceTypeV1(t *ResourceType) {
	e.dst = append(e.dst, '{')
	e.texts("schemas", []string{SchemaCoreV1})
	e.text("id", t.Name)
	e.text("name", t.Name)
	e.text("endpoint", t.Endpoint)
	e.text("description", t.Description)
	e.text("schema", urnV1(t.Schema.ID))
	if len(t.Extensions) > 0 {
		list(e, "schemaExtensions", t.Extensions, func(e *encoder, s *Schema) {
			e.text("schema", urnV1(s.ID))
			e.bool("required", false)
		})
	}
	e.locationV1(endpointTypes + "/" + t.Name)
	e.dst = append(e.dst, '}')
}

// locationV1 writes the meta of a document.
func (e *encoder) locationV1(path string) {
	e.object("meta", func() { e.text("location", e.base+path) })
}

// answerV1 writes what Answer returns in SCIM 1.1 (draft-scim-api-01 §3), or
// reports that there is nothing. A schema is found by its id, by the name of its
// type and by its endpoint: /Schemas/Users, or /Schemas by a filter.
func (d *Discovery) answerV1(e *encoder, endpoint, name string, filter Filter) bool {
	is := func(t *ResourceType) bool {
		return strings.EqualFold(t.Name, name) || strings.EqualFold(t.Endpoint, "/"+name) || strings.EqualFold(t.idV1(), name)
	}
	one := map[string]func(*encoder, *ResourceType){endpointSchemas: (*encoder).schemaV1, endpointTypes: (*encoder).resourceTypeV1}[endpoint]
	switch {
	case endpoint == endpointProvider && name == "":
		e.providerConfigV1(d)
	case one != nil && name == "":
		chosen := slices.DeleteFunc(slices.Clone(d.Types), func(t *ResourceType) bool { return !Match(filter, t.schemaResourceV1()) })
		encodeAll(e, chosen, one)
	case one != nil && find(d.Types, is) != nil:
		one(e, find(d.Types, is))
	default:
		return false
	}
	return true
}

// schemaTypeV1 is what a filter on /Schemas can look at. UnboundID's SCIM SDK asks
// so for the schema of users: name eq "User" and schema eq "urn:scim:schemas:core:1.0".
var schemaTypeV1 = mustType("Schema", endpointSchemas, "The attributes of a type", &Schema{ID: SchemaCoreV1, Attributes: []*Attribute{
	{Name: "name"}, {Name: "schema"}, {Name: "endpoint", MultiValued: true}, {Name: "description"},
}})

// schemaResourceV1 is the schema of t, as far as a filter looks at it. The endpoint
// is found with and without its slash.
func (t *ResourceType) schemaResourceV1() *Resource {
	r := NewResource(schemaTypeV1)
	r.ID = t.idV1()
	for name, v := range map[string]Value{
		"name": String(t.Name), "schema": String(urnV1(t.Schema.ID)), "description": String(t.Description),
		"endpoint": List(String(t.Endpoint), String(strings.TrimPrefix(t.Endpoint, "/"))),
	} {
		r.Set(schemaTypeV1.Attribute(name), v)
	}
	return r
}
