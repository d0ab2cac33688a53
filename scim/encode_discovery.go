package scim

import (
	"hash/fnv"
	"strconv"
	"time"
)

// providerConfig writes the document of RFC 7643 §5, with the pagination of
// RFC 9865 §4.
func (e *encoder) providerConfig(d *Discovery) {
	supported := func(name string, is bool) {
		e.object(name, func() { e.bool("supported", is) })
	}
	e.document(SchemaProvider, "ServiceProviderConfig", endpointProvider, "", func() {
		if d.DocumentationURI != "" {
			e.text("documentationUri", d.DocumentationURI)
		}
		supported("patch", true)
		e.object("bulk", func() {
			e.bool("supported", d.BulkOperations > 0)
			e.number("maxOperations", d.BulkOperations)
			e.number("maxPayloadSize", int(d.BulkPayload))
		})
		e.object("filter", func() {
			e.bool("supported", true)
			e.number("maxResults", d.MaxResults)
		})
		supported("changePassword", d.ChangePassword)
		supported("sort", d.Sort)
		supported("etag", d.ETag)
		e.object("pagination", func() {
			e.bool("cursor", d.CursorLife > 0)
			e.bool("index", true)
			e.text("defaultPaginationMethod", "index")
			e.number("defaultPageSize", d.defaultPageSize())
			e.number("maxPageSize", d.MaxResults)
			if d.CursorLife > 0 {
				e.number("cursorTimeout", max(1, int(d.CursorLife/time.Second)))
			}
		})
		list(e, "authenticationSchemes", d.AuthenticationSchemes, (*encoder).authenticationScheme)
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
	e.document(SchemaResourceType, "ResourceType", endpointTypes, t.Name, func() {
		e.text("id", t.Name)
		e.text("name", t.Name)
		e.text("endpoint", t.Endpoint)
		e.text("description", t.Description)
		e.text("schema", t.Schema.ID)
		if len(t.Extensions) > 0 {
			list(e, "schemaExtensions", t.Extensions, func(e *encoder, s *Schema) {
				e.text("schema", s.ID)
				e.bool("required", s.IsRequired())
			})
		}
	})
}

// schema writes the document of RFC 7643 §7.
func (e *encoder) schema(s *Schema) {
	e.document(SchemaSchema, "Schema", endpointSchemas, s.ID, func() {
		e.text("id", s.ID)
		e.text("name", s.Name)
		e.text("description", s.Description)
		list(e, "attributes", s.Attributes, (*encoder).definition)
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

// document writes an object that is a resource of the schema urn. It stands at
// endpoint, behind a slash and its id when it has one. The id is a name or a URN,
// whose colons may stand in a path as they are (RFC 3986 §3.3). Its version is
// made from what it says, wherever the gateway stands.
func (e *encoder) document(urn, resourceType, endpoint, id string, members func()) {
	start := len(e.dst)
	e.dst = append(e.dst, '{')
	e.texts("schemas", []string{urn})
	members()
	version := fnv.New64a()
	version.Write(e.dst[start:])
	if id != "" {
		endpoint += "/" + id
	}
	e.object("meta", func() {
		e.text("resourceType", resourceType)
		e.text("location", e.base+endpoint)
		e.text("version", Meta{Version: strconv.FormatUint(version.Sum64(), 36)}.ETag())
	})
	e.dst = append(e.dst, '}')
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
