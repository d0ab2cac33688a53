package scim

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Requests in SCIM 1.1 (draft-scim-api-01) become the same operations as those
// in 2.0. Of what is different, the names stand in names_v1.go, the PATCH in
// decode_v1_patch.go, and the rest here.

// requestV1 returns the request in the form of 2.0, as far as it is one of HTTP:
// with the method that X-HTTP-Method-Override gives a POST (§3.12), with what the
// suffix of its path accepts (§3.6), and without a cursor, which 1.1 does not know
// and passes over.
func requestV1(r Request) (Request, error) {
	var err error
	if r.Method, err = r.EffectiveMethod(V1); err != nil {
		return r, err
	}
	r = r.withoutSuffixV1()
	var kept []string
	for part := range strings.SplitSeq(r.RawQuery, "&") {
		name, _, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		switch {
		case err == nil && strings.EqualFold(name, "cursor"):
			continue
		case err == nil && strings.EqualFold(name, "filterBy") && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			return r, Invalid(InvalidFilter, "the parameter filterBy is not one of SCIM 1.1; write filter=userName eq \"ada\" instead")
		}
		kept = append(kept, part)
	}
	r.RawQuery = strings.Join(kept, "&")
	return r, nil
}

// EffectiveMethod returns the method that is meant: in SCIM 1.1 a POST may say in
// X-HTTP-Method-Override that it stands for a PUT, PATCH or DELETE. Any other
// word there is a 400.
func (r Request) EffectiveMethod(d Dialect) (string, error) {
	override := strings.ToUpper(strings.TrimSpace(r.MethodOverride))
	if d != V1 || r.Method != http.MethodPost || override == "" {
		return r.Method, nil
	}
	switch override {
	case http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodPost:
		return override, nil
	}
	return r.Method, Invalid(InvalidSyntax, "X-HTTP-Method-Override is %s; a POST can stand for PUT, PATCH or DELETE", shorten(override))
}

// withoutSuffixV1 cuts off .json or .xml, by which a client asks for a format as it
// does by Accept. Where an id could end so, it is the id that was meant: of two
// people, ada and ada.json, one must not be taken for the other.
func (r Request) withoutSuffixV1() Request {
	path := strings.TrimSuffix(r.Path, "/")
	dot := strings.LastIndexByte(path, '.')
	if dot < 1 {
		return r
	}
	isDiscovery, _ := splitEndpointV1(path[:dot])
	if _, id, hasID := cutID(path[:dot]); hasID && isDiscovery == "" && !isMadeID(id) {
		return r
	}
	switch strings.ToLower(path[dot:]) {
	case ".json":
		r.Path = path[:dot]
	case ".xml":
		r.Path, r.Accept = path[:dot], "application/xml"
	}
	return r
}

// isMadeID reports whether an id is one as directories and databases make them: a
// UUID or a number. They end in no suffix.
func isMadeID(id string) bool {
	const digits, lengthUUID = "0123456789", 36
	return id != "" && strings.Trim(id, digits) == "" || len(id) == lengthUUID && strings.Trim(id, digits+"abcdefABCDEF-") == ""
}

// endpointProvidersV1 is where SCIM 1.1 has what a gateway can do (§3).
const endpointProvidersV1 = "/ServiceProviderConfigs"

// splitEndpointV1 is splitEndpoint for SCIM 1.1.
func splitEndpointV1(path string) (endpoint, name string) {
	if strings.EqualFold(strings.TrimSuffix(path, "/"), endpointProvidersV1) {
		return endpointProvider, ""
	}
	return splitEndpoint(path)
}

// routeV1 finds out what a request asks for where SCIM 1.1 differs from 2.0; it
// returns nothing where it does not: at the endpoints of resources.
func (d *Decoder) routeV1(r Request) (*Operation, error) {
	path := strings.TrimSuffix(r.Path, "/")
	if isDiscovery, _ := splitEndpointV1(path); isDiscovery != "" {
		return &Operation{Action: ActionDiscover, ID: path}, allow(r, path, http.MethodGet, http.MethodHead)
	}
	endpoint, id, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	remedy := ""
	switch {
	case strings.EqualFold(endpoint, "bulk"):
		remedy = "send single requests"
	case strings.EqualFold(endpoint, "me"):
		remedy = "address the user by id, or speak SCIM 2.0, at the other base of this gateway"
	case strings.EqualFold(endpoint, ".search"):
		remedy = "send a GET to /Users or /Groups, with the filter in the query"
	case strings.EqualFold(id, ".search"):
		remedy = "send a GET to the endpoint before it, with the filter in the query"
	}
	if remedy != "" {
		return nil, &Error{Status: http.StatusNotImplemented, Detail: fmt.Sprintf(
			"%s is not supported in SCIM 1.1; %s", shorten(path), remedy)}
	}
	if t, _ := d.typeAt("/" + endpoint); t == nil {
		return nil, &Error{Status: http.StatusNotFound, Detail: fmt.Sprintf(
			"there is no endpoint %s; users are at /Users, groups at /Groups", shorten(r.Path))}
	}
	return nil, nil
}

// filterSchemasV1 reads the filter of a search for schemas.
func (x *decoding) filterSchemasV1(text string) {
	f, err := ParseFilter(schemaTypeV1, text, x.limits.Filter)
	if err != nil {
		x.fail(err)
	}
	x.op.Query = newQuery()
	x.op.Query.Filter = f
}

// bodyV1 reads a resource or, in a PATCH, what is to be changed of one. A PatchOp
// of 2.0 is taken too: some templates mix the versions.
func (x *decoding) bodyV1(root jsonValue) error {
	switch {
	case x.method != http.MethodPatch:
		x.refuseOperationsV1(root)
		x.resource(root)
		return nil
	case hasOperations(root):
		x.besideOperations(root)
		return x.patch(root)
	}
	x.patchV1(root)
	return nil
}

func hasOperations(root jsonValue) bool {
	for name, v := range root.members() {
		if name.is("operations") {
			return v.kind() != jsonNull
		}
	}
	return false
}

// besideOperations looks at what stands beside the Operations of a PatchOp. It
// counts for nothing, but a disable may not be dropped.
func (x *decoding) besideOperations(root jsonValue) {
	for name, v := range root.members() {
		switch {
		case name.is("operations") || name.is("schemas") || name.is("id") || name.is("meta") || name.is("externalid"):
		case x.t.Schema.ID == SchemaUser && meansDisable(name.String(), v):
			x.fail(Invalid(InvalidSyntax, "active stands beside Operations and does not disable there; send either a PatchOp or a part of the user"))
		default:
			x.ignore(name.String())
		}
	}
}

// isOperationV1 reports whether a member of an element is not a sub-attribute but
// says what is to be done with it (draft-scim-core-schema-01 §3.2).
func (x *decoding) isOperationV1(a *Attribute, name jsonName) bool {
	return x.decoder.Dialect == V1 && a.MultiValued && name.is("operation")
}

// isDeleteV1 reports whether an element is to be removed, by its sub-attribute
// operation.
func isDeleteV1(element jsonValue) (bool, error) {
	for name, v := range element.members() {
		if !name.is("operation") || v.isEmpty() {
			continue
		}
		if v.kind() == jsonString {
			if text, err := v.text(); err == nil && strings.EqualFold(strings.TrimSpace(text), "delete") {
				return true, nil
			}
		}
		return false, Invalid(InvalidValue, "the operation of an element can be delete and nothing else")
	}
	return false, nil
}

// refuseOperationsV1 refuses a POST or PUT of elements that are to be deleted:
// only a PATCH can say so, and to take them for elements, or for nothing, would
// both be guessing.
func (x *decoding) refuseOperationsV1(root jsonValue) {
	for _, v := range root.members() {
		for element := range v.elements() {
			if isDelete, _ := isDeleteV1(element); isDelete {
				x.fail(Invalid(InvalidValue, "an element has the operation delete, which only a PATCH can have; leave out what is not to be there"))
				return
			}
		}
		if v.kind() == jsonObject {
			x.refuseOperationsV1(v)
		}
	}
}
