package scim

import (
	"net/http"
	"strings"
	"time"
)

// Discovery answers the requests by which a client finds out what a gateway
// can do (RFC 7644 §4). What it says is made from the types that are really
// served and is therefore true: an attribute that is not mapped is in no schema.
type Discovery struct {
	// Types are the resource types, narrowed to what is mapped.
	Types []*ResourceType
	// DocumentationURI is a page for people; left out when empty.
	DocumentationURI string
	// MaxResults is the largest number of resources in an answer to a search.
	MaxResults int
	// DefaultPageSize is the number of resources when a search asks for none;
	// 0 means MaxResults.
	DefaultPageSize int
	// ChangePassword says that a user's password can be set.
	ChangePassword bool
	// ETag says that versions are given out and that If-Match is honoured.
	ETag bool
	// Sort says that sortBy is honoured.
	Sort bool
	// BulkOperations is the largest number of operations in a Bulk and
	// BulkPayload its largest body in bytes; without operations there is no Bulk.
	BulkOperations int
	BulkPayload    int64
	// CursorLife is how long a cursor can be used after the last use (RFC 9865 §4),
	// told in whole seconds; 0: there are none.
	CursorLife time.Duration
	// AuthenticationSchemes are the ways in which a client may present itself,
	// such as [BearerToken] and [HTTPBasic].
	AuthenticationSchemes []AuthenticationScheme
}

// AuthenticationScheme is one way for a client to present itself (RFC 7643 §5).
type AuthenticationScheme struct {
	Type        string // oauth, oauth2, oauthbearertoken, httpbasic or httpdigest
	Name        string
	Description string
	SpecURI     string
	Primary     bool // the one to be preferred; at most one is
}

// The schemes that a gateway speaks.
var (
	BearerToken = AuthenticationScheme{
		Type: "oauthbearertoken", Name: "OAuth Bearer Token",
		Description: "A token in the Authorization header: Bearer and the token.",
		SpecURI:     "https://www.rfc-editor.org/rfc/rfc6750",
	}
	// OAuth2 leads to what a BearerToken is asked for with.
	OAuth2 = AuthenticationScheme{
		Type: "oauth2", Name: "OAuth 2.0 Client Credentials",
		Description: "An access token from /oauth2/token below this base, for client credentials or a client assertion.",
		SpecURI:     "https://www.rfc-editor.org/rfc/rfc6749",
	}
	HTTPBasic = AuthenticationScheme{
		Type: "httpbasic", Name: "HTTP Basic",
		Description: "A user name and a password in the Authorization header.",
		SpecURI:     "https://www.rfc-editor.org/rfc/rfc7617",
	}
)

// The endpoints of discovery (RFC 7644 §4).
const (
	endpointProvider = "/ServiceProviderConfig"
	endpointTypes    = "/ResourceTypes"
	endpointSchemas  = "/Schemas"
)

// Serves reports whether a path within the gateway's base, such as
// /Schemas/urn:…:User, is one for [Discovery.Answer].
func (d *Discovery) Serves(path string) bool {
	endpoint, _ := splitEndpoint(path)
	return endpoint != ""
}

// Answer returns the body for a GET of a path within the gateway's base, a
// trailing slash and case aside. out.Base stands in each meta.location. filter, which
// may be nil, is that of the request; only in SCIM 1.1 can one be applied, and only
// to /Schemas.
//
// Its errors are [*Error]: 403 for a filter, 404 for what is not there.
func (d *Discovery) Answer(path string, filter Filter, out Output) ([]byte, error) {
	e := &encoder{base: strings.TrimSuffix(out.Base, "/"), dialect: out.Dialect}
	split := splitEndpoint
	if out.Dialect == V1 {
		split = splitEndpointV1
	}
	endpoint, name := split(path)
	if endpoint == "" || endpoint == endpointProvider && name != "" {
		return nil, notDiscovered(path)
	}
	if filter != nil && (out.Dialect != V1 || endpoint != endpointSchemas || name != "") {
		return nil, &Error{Status: http.StatusForbidden, Detail: "a filter cannot be applied to " + endpoint}
	}
	switch {
	case out.Dialect == V1:
		if !d.answerV1(e, endpoint, name, filter) {
			return nil, notDiscovered(path)
		}
	case endpoint == endpointProvider:
		e.providerConfig(d)
	case endpoint == endpointTypes && name == "":
		encodeAll(e, d.Types, (*encoder).resourceType)
	case endpoint == endpointTypes:
		t := find(d.Types, func(t *ResourceType) bool { return strings.EqualFold(t.Name, name) })
		if t == nil {
			return nil, notDiscovered(path)
		}
		e.resourceType(t)
	case name == "":
		encodeAll(e, d.schemas(), (*encoder).schema)
	default:
		s := find(d.schemas(), func(s *Schema) bool {
			return strings.EqualFold(s.ID, name) || strings.EqualFold(s.Name, name)
		})
		if s == nil {
			return nil, notDiscovered(path)
		}
		e.schema(s)
	}
	return e.dst, nil
}

func (d *Discovery) defaultPageSize() int {
	if d.DefaultPageSize > 0 {
		return d.DefaultPageSize
	}
	return d.MaxResults
}

func notDiscovered(path string) *Error {
	return &Error{Status: http.StatusNotFound, Detail: path + " does not exist"}
}

// splitEndpoint returns the endpoint that a path belongs to, in the spelling of
// RFC 7644, and what stands behind it; or nothing when it is none of discovery.
func splitEndpoint(path string) (endpoint, name string) {
	path = strings.TrimSuffix(path, "/")
	for _, endpoint := range []string{endpointProvider, endpointTypes, endpointSchemas} {
		if len(path) < len(endpoint) || !strings.EqualFold(path[:len(endpoint)], endpoint) {
			continue
		}
		rest := path[len(endpoint):]
		if rest == "" || rest[0] == '/' {
			return endpoint, strings.TrimPrefix(rest, "/")
		}
	}
	return "", ""
}

func find[T any](all []*T, is func(*T) bool) *T {
	for _, x := range all {
		if is(x) {
			return x
		}
	}
	return nil
}

// schemas returns the schemas of all types, each once. One that several types
// share has the attributes that any of them serves.
func (d *Discovery) schemas() []*Schema {
	var all []*Schema
	for _, t := range d.Types {
		for _, s := range append([]*Schema{t.Schema}, t.Extensions...) {
			known := find(all, func(k *Schema) bool { return strings.EqualFold(k.ID, s.ID) })
			if known == nil {
				merged := *s
				merged.Attributes = append([]*Attribute(nil), s.Attributes...)
				all = append(all, &merged)
				continue
			}
			for _, a := range s.Attributes {
				if find(known.Attributes, func(k *Attribute) bool { return strings.EqualFold(k.Name, a.Name) }) == nil {
					known.Attributes = append(known.Attributes, a)
				}
			}
		}
	}
	return all
}

// encodeAll writes documents as a ListResponse. Discovery is never paged away.
func encodeAll[T any](e *encoder, all []*T, one func(*encoder, *T)) {
	l := NewListEncoder(e.dst, Page{Total: len(all), StartIndex: 1}, Output{e.base, e.dialect})
	for _, x := range all {
		l.next()
		one(&l.e, x)
	}
	e.dst = l.Finish()
}
