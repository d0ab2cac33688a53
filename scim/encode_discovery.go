package scim

import "strconv"

// providerConfig writes the document of RFC 7643 §5, with the pagination of
// RFC 9865 §4.
func (e *encoder) providerConfig(d *Discovery) {
	supported := func(name string, is bool) {
		e.object(name, func() { e.bool("supported", is) })
	}
	e.document(SchemaProvider, func() {
		if d.DocumentationURI != "" {
			e.text("documentationUri", d.DocumentationURI)
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
		supported("sort", false)
		supported("etag", d.ETag)
		e.object("pagination", func() {
			e.bool("cursor", false)
			e.bool("index", true)
			e.text("defaultPaginationMethod", "index")
			e.number("defaultPageSize", d.defaultPageSize())
			e.number("maxPageSize", d.MaxResults)
		})
		list(e, "authenticationSchemes", d.AuthenticationSchemes, (*encoder).authenticationScheme)
		e.documentMeta("ServiceProviderConfig", endpointProvider, "")
	})
}

func (e *encoder) authenticationScheme(s AuthenticationScheme) {
	e.text("type", s.Type)
	e.text("name", s.Name)
	e.text("description", s.Description)
	if s.SpecURI != "" {
		e.text("specUri", s.SpecURI)
	}
	e.bool("primary", s.Primary)
}

// resourceType writes the document of RFC 7643 §6.
func (e *encoder) resourceType(t *ResourceType) {
	e.document(SchemaResourceType, func() {
		e.text("id", t.Name)
		e.text("name", t.Name)
		e.text("endpoint", t.Endpoint)
		e.text("description", t.Description)
		e.text("schema", t.Schema.ID)
		if len(t.Extensions) > 0 {
			list(e, "schemaExtensions", t.Extensions, func(e *encoder, s *Schema) {
				e.text("schema", s.ID)
				e.bool("required", false)
			})
		}
		e.documentMeta("ResourceType", endpointTypes, t.Name)
	})
}

// schema writes the document of RFC 7643 §7.
func (e *encoder) schema(s *Schema) {
	e.document(SchemaSchema, func() {
		e.text("id", s.ID)
		e.text("name", s.Name)
		e.text("description", s.Description)
		list(e, "attributes", s.Attributes, (*encoder).definition)
		e.documentMeta("Schema", endpointSchemas, s.ID)
	})
}

// definition writes all characteristics of an attribute, also those that have
// their default, as RFC 7643 §8.7 does: not every reader knows the defaults.
func (e *encoder) definition(a *Attribute) {
	e.text("name", a.Name)
	e.text("type", string(a.Type))
	if len(a.SubAttributes) > 0 {
		list(e, "subAttributes", a.SubAttributes, (*encoder).definition)
	}
	e.bool("multiValued", a.MultiValued)
	e.text("description", a.Description)
	e.bool("required", a.Required)
	if len(a.CanonicalValues) > 0 {
		e.texts("canonicalValues", a.CanonicalValues)
	}
	e.bool("caseExact", a.CaseExact)
	e.text("mutability", string(a.Mutability))
	e.text("returned", string(a.Returned))
	e.text("uniqueness", string(a.Uniqueness))
	if len(a.ReferenceTypes) > 0 {
		e.texts("referenceTypes", a.ReferenceTypes)
	}
}

// document writes an object that is a resource of the schema urn.
func (e *encoder) document(urn string, members func()) {
	e.dst = append(e.dst, '{')
	e.texts("schemas", []string{urn})
	members()
	e.dst = append(e.dst, '}')
}

// documentMeta writes the meta of a document that stands at endpoint, behind a
// slash and its id when it has one. The id is a name or a URN, whose colons may
// stand in a path as they are (RFC 3986 §3.3).
func (e *encoder) documentMeta(resourceType, endpoint, id string) {
	if id != "" {
		endpoint += "/" + id
	}
	e.object("meta", func() {
		e.text("resourceType", resourceType)
		e.text("location", e.base+endpoint)
	})
}

func (e *encoder) object(name string, members func()) {
	e.key(name)
	e.dst = append(e.dst, '{')
	members()
	e.dst = append(e.dst, '}')
}

func (e *encoder) bool(name string, b bool) {
	e.key(name)
	e.dst = strconv.AppendBool(e.dst, b)
}

func (e *encoder) number(name string, n int) {
	e.key(name)
	e.dst = strconv.AppendInt(e.dst, int64(n), 10)
}

func (e *encoder) texts(name string, all []string) {
	e.key(name)
	e.dst = append(e.dst, '[')
	for i, s := range all {
		if i > 0 {
			e.dst = append(e.dst, ',')
		}
		e.dst = appendString(e.dst, s)
	}
	e.dst = append(e.dst, ']')
}

// list writes a member that is an array of objects, whose members one writes.
func list[T any](e *encoder, name string, all []T, one func(*encoder, T)) {
	e.key(name)
	e.dst = append(e.dst, '[')
	for i, x := range all {
		if i > 0 {
			e.dst = append(e.dst, ',')
		}
		e.dst = append(e.dst, '{')
		one(e, x)
		e.dst = append(e.dst, '}')
	}
	e.dst = append(e.dst, ']')
}
