package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// coreSchemas are those that a gateway has by itself.
var coreSchemas = []string{SchemaUser, SchemaGroup, SchemaEnterprise, SchemaSchema, SchemaResourceType, SchemaProvider}

// IsCoreSchema reports whether the URN is that of a schema of RFC 7643, which a
// gateway has by itself. It is compared without case.
func IsCoreSchema(urn string) bool {
	return slices.ContainsFunc(coreSchemas, func(core string) bool { return strings.EqualFold(core, urn) })
}

// IsCommonName reports whether every resource has an attribute of that name,
// which no schema defines (RFC 7643 §3.1). Names are compared without case.
func IsCommonName(name string) bool {
	return slices.ContainsFunc([]string{"schemas", "id", "externalId", "meta"}, func(common string) bool { return strings.EqualFold(common, name) })
}

// ReadSchemas reads schemas as a service provider shows them at /Schemas (RFC
// 7643 §7, RFC 7644 §4): one document, an array of them or a ListResponse. It
// leaves out the schemas of RFC 7643, and the common attributes that many list
// with theirs. What is unknown in a document is passed over. It looks at the form
// alone: [Schema.Check] says whether a schema makes sense.
func ReadSchemas(data []byte) ([]*Schema, error) {
	documents, err := schemaDocuments(data)
	if err != nil {
		return nil, err
	}
	var schemas []*Schema
	for i, document := range documents {
		s := new(Schema)
		if err := json.Unmarshal(document, s); err != nil {
			return nil, fmt.Errorf("reading schema %d: %w", i+1, err)
		}
		if s.ID == "" {
			return nil, fmt.Errorf("schema %d has no id: a schema is written as RFC 7643 §7 has it, with id, name and attributes", i+1)
		}
		if IsCoreSchema(s.ID) {
			continue
		}
		s.Attributes = slices.DeleteFunc(s.Attributes, func(a *Attribute) bool { return a != nil && IsCommonName(a.Name) })
		schemas = append(schemas, s)
	}
	if len(schemas) == 0 {
		return nil, errors.New("there is no schema in it besides those of RFC 7643, which need no definition")
	}
	return schemas, nil
}

// schemaDocuments takes the documents out of an array or a ListResponse.
func schemaDocuments(data []byte) ([]json.RawMessage, error) {
	var documents []json.RawMessage
	if err := json.Unmarshal(data, &documents); err == nil {
		return documents, nil
	}
	var list struct {
		Resources []json.RawMessage `json:"Resources"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("it is neither a schema, an array of schemas nor a ListResponse in JSON: %w", err)
	}
	if list.Resources != nil {
		return list.Resources, nil
	}
	return []json.RawMessage{data}, nil
}
