package scim

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// endpointSearch is what searches are posted to (RFC 7644 §3.4.3).
const endpointSearch = ".search"

// route finds out what kind of operation method and path ask for, of which type
// and on which id.
func (d *Decoder) route(r Request) (*Operation, error) {
	if d.Dialect == V1 {
		if op, err := d.routeV1(r); op != nil || err != nil {
			return op, err
		}
	}
	path := strings.TrimSuffix(r.Path, "/")
	if isDiscovery, _ := splitEndpoint(path); isDiscovery != "" {
		return &Operation{Action: ActionDiscover, ID: path}, allow(r, path, http.MethodGet, http.MethodHead)
	}
	endpoint, id, hasID := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !hasID {
		switch strings.ToLower(endpoint) {
		case "":
			return &Operation{Action: ActionSearchAll, Query: newQuery()}, allow(r, "/", http.MethodGet, http.MethodHead)
		case endpointSearch:
			return &Operation{Action: ActionSearchAll, Query: newQuery()}, allow(r, path, http.MethodPost)
		case "me":
			return d.routeMe(r, path)
		case "bulk":
			return &Operation{Action: ActionBulk}, allow(r, path, http.MethodPost)
		}
	}
	t, isServed := d.typeAt("/" + endpoint)
	if t == nil {
		return nil, &Error{Status: http.StatusNotFound, Detail: fmt.Sprintf(
			"there is no endpoint %s; %s", shorten(r.Path), d.endpoints())}
	}
	op := &Operation{Type: t, ID: id}
	var err error
	switch {
	case !hasID:
		op.Action = ActionSearch
		if r.Method == http.MethodPost {
			op.Action = ActionCreate
		}
		err = allow(r, path, http.MethodGet, http.MethodHead, http.MethodPost)
	case strings.EqualFold(id, endpointSearch):
		op.Action, op.ID = ActionSearch, ""
		err = allow(r, path, http.MethodPost)
	default:
		err = op.routeOne(r, path)
	}
	if op.Action == ActionSearch {
		op.Query = newQuery()
	}
	switch {
	case err != nil:
		return nil, err
	case op.ID != "" && !isPossibleID(id), hasID && id == "":
		return nil, &Error{Status: http.StatusNotFound, Detail: fmt.Sprintf("%s %s does not exist", t.Name, shorten(id))}
	case isServed:
		return op, nil
	case op.Action == ActionSearch:
		return &Operation{Action: ActionSearchNone, Query: op.Query}, nil
	case op.Action == ActionCreate:
		return nil, &Error{Status: http.StatusNotImplemented, Detail: fmt.Sprintf(
			"this gateway does not provision resources of the type %s: its configuration maps none", t.Name)}
	}
	return nil, &Error{Status: http.StatusNotFound, Detail: fmt.Sprintf("%s %s does not exist", t.Name, shorten(id))}
}

// routeOne finds out what is asked about one resource.
func (op *Operation) routeOne(r Request, path string) error {
	switch r.Method {
	case http.MethodPut, http.MethodPatch:
		op.Action, op.IsPut = ActionUpdate, r.Method == http.MethodPut
	case http.MethodDelete:
		op.Action = ActionDelete
	default:
		op.Action = ActionRead
	}
	return allow(r, path, http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete)
}

// routeMe finds out what is asked about the user whom the caller stands for
// (RFC 7644 §3.11).
func (d *Decoder) routeMe(r Request, path string) (*Operation, error) {
	t, isServed := d.typeAt("/users")
	switch {
	case !isServed:
		return nil, &Error{Status: http.StatusNotImplemented, Detail: "/Me stands for a user, and this gateway's configuration maps no users"}
	case r.Method == http.MethodPost:
		return nil, &Error{Status: http.StatusNotImplemented, Detail: "nobody can register at /Me; users are created by POST to /Users"}
	}
	op := &Operation{Type: t, IsMe: true}
	return op, op.routeOne(r, path)
}

func newQuery() *Query { return &Query{StartIndex: 1, Count: NoCount} }

// endpoints says where what is.
func (d *Decoder) endpoints() string {
	text := "users are at /Users, groups at /Groups"
	for _, t := range d.Types {
		if !IsCoreSchema(t.Schema.ID) {
			text += fmt.Sprintf(", resources of the type %s at %s", t.Name, t.Endpoint)
		}
	}
	return text
}

// typeAt returns the resource type at an endpoint and whether it is served. Of
// users and groups it is known that they could be.
func (d *Decoder) typeAt(endpoint string) (t *ResourceType, isServed bool) {
	for _, t := range d.Types {
		if strings.EqualFold(t.Endpoint, endpoint) {
			return t, true
		}
	}
	switch strings.ToLower(endpoint) {
	case "/users":
		return unservedUser, false
	case "/groups":
		return unservedGroup, false
	}
	return nil, false
}

var unservedUser, unservedGroup = UserType(), GroupType()

// allow returns a 405 unless the method is one of these.
func allow(r Request, path string, methods ...string) error {
	for _, m := range methods {
		if m == r.Method {
			return nil
		}
	}
	allowed := strings.Join(methods, ", ")
	return &Error{Status: http.StatusMethodNotAllowed, Allow: allowed, Detail: fmt.Sprintf(
		"%s is not possible at %s, only %s", shorten(r.Method), shorten(path), allowed)}
}

// longestID is how many bytes an id can have: no backend makes longer ones, and in a
// Bulk whatever stands for one goes to the backend and into the log.
const longestID = 1024

// isPossibleID reports whether a resource could have the id at all. What would
// lead elsewhere in a URL is none.
func isPossibleID(id string) bool {
	if len(id) > longestID {
		return false
	}
	for segment := range strings.SplitSeq(id, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return utf8.ValidString(id) && strings.IndexByte(id, 0) < 0
}

// The media types that are read and written (RFC 7644 §3.1).
const (
	contentSCIM = "application/scim+json"
	contentJSON = "application/json"
)

// AnswerType returns the media type for an answer to a request with this Accept
// header (RFC 9110 §12.5.1): application/scim+json if it is accepted, else
// application/json; in SCIM 1.1, which has only the latter, the other way round.
// It returns false when neither is. Without the header everything is accepted.
// Weights are not compared, but q=0 is a refusal.
func AnswerType(accept string, d Dialect) (mediaType string, ok bool) {
	first, second := contentSCIM, contentJSON
	if d == V1 {
		first, second = second, first
	}
	if strings.TrimSpace(accept) == "" {
		return first, true
	}
	for part := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		if isRefusal(parameters) {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "*/*", "application/*", first:
			return first, true
		case second:
			mediaType, ok = second, true
		}
	}
	return mediaType, ok
}

// isRefusal reports whether parameters of an Accept header hold a weight of 0.
func isRefusal(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			value = strings.TrimSpace(value)
			return value != "" && strings.Trim(value, "0.") == ""
		}
	}
	return false
}

// checkContentType returns a 415 for a body that says it is not JSON. One that
// does not say what it is, is taken for JSON.
func checkContentType(header string) *Error {
	name, _, _ := strings.Cut(header, ";")
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", contentSCIM, contentJSON:
		return nil
	}
	return &Error{Status: http.StatusUnsupportedMediaType, Detail: fmt.Sprintf(
		"the body's Content-Type is %s; send %s or %s", shorten(header), contentSCIM, contentJSON)}
}
