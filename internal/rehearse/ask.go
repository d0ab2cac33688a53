package rehearse

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// What SCIM calls its messages.
const (
	userURN     = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN    = "urn:ietf:params:scim:schemas:core:2.0:Group"
	listURN     = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	patchURN    = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	errorURN    = "urn:ietf:params:scim:api:messages:2.0:Error"
	microsoft   = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
	contentType = "application/scim+json"
)

// send sends a request and keeps it with its answer. That there is no answer is a
// finding.
func (s *step) send(r request) exchange {
	x := s.client.do(s.ctx, r)
	s.exchanges = append(s.exchanges, x)
	if x.err != nil {
		s.findAs(s.meaning(x), Required, "%s got no answer: %v", what(x), x.err)
	}
	if proof := x.header.Get(proofHeader); proof != "" {
		s.warn("%s was done, and the server says that it can't tell whether that keeps anybody out (%s: %s): the account may go on working. Its log says why", what(x), proofHeader, proof)
	}
	return x
}

// proofHeader is where scimgate says of a disable that it could not prove it. Of
// servers that do not say such a thing nobody can know it from outside.
const proofHeader = "Scimgate-Proof"

// what names a request in a sentence.
func what(x exchange) string {
	path := x.path
	if path == "" {
		path = x.kind.endpoint()
		if x.id != "" {
			path += "/{id}"
		}
	}
	return x.method + " " + path
}

// answers checks the status. What is neither is a finding, with what the server
// says about it.
func (s *step) answers(x exchange, statuses ...int) bool {
	if x.status == 0 {
		return false
	}
	if slices.Contains(statuses, x.status) {
		return true
	}
	if s.isHeld(x) {
		return false
	}
	var texts []string
	for _, status := range statuses {
		texts = append(texts, strconv.Itoa(status))
	}
	s.findAs(s.meaning(x), s.check.Severity, "%s was answered %d and should be %s%s", what(x), x.status, strings.Join(texts, " or "), because(x))
	return false
}

// declines reports whether the server says that it does not do such a thing at
// all, and keeps that as the verdict.
func (s *step) declines(x exchange, thing string) bool {
	switch x.status {
	case http.StatusNotImplemented, http.StatusMethodNotAllowed:
		s.unsupported = fmt.Sprintf("not supported: %s is answered %d", what(x), x.status)
	case http.StatusNotFound:
		if x.method != http.MethodPost {
			return false
		}
		s.unsupported = fmt.Sprintf("not supported: %s is answered 404", what(x))
	default:
		return false
	}
	s.unsupported += ", so there is no " + thing + " to be had"
	if said := detail(x); said != "" {
		s.unsupported += ": " + said
	}
	return true
}

// detail is what an error says to the one who reads the provider's log.
func detail(x exchange) string {
	v, err := decode(x.answer)
	if err != nil {
		return ""
	}
	return text(v, "detail")
}

// scimError checks the body of an error.
func (s *step) scimError(x exchange, severity Severity) {
	v, err := decode(x.answer)
	_, isObject := v.(map[string]any)
	wanted := consequence{
		"The provisioning log shows no reason, and nobody learns what to change.",
		"Answer with a SCIM error as JSON body, with schemas, status and detail, also where a proxy in front answers.",
	}
	if severity == Required {
		wanted.otherwise = "Okta's test suite fails here."
	}
	switch {
	case len(strings.TrimSpace(string(x.answer))) == 0:
		s.findAs(wanted, severity, "%s was answered %d without a body: a SCIM error is wanted", what(x), x.status)
	case err != nil || !isObject:
		s.findAs(wanted, severity, "%s was answered %d with something that is no JSON object (%s): a SCIM error is wanted", what(x), x.status, media(x))
	case !hasSchema(v, errorURN):
		s.findAs(wanted, severity, "%s was answered %d with a body whose schemas lack %s", what(x), x.status, errorURN)
	case text(v, "detail") == "":
		s.findAs(wanted, severity, "%s was answered %d without a detail, so that nobody learns what to change", what(x), x.status)
	default:
		if status := fmt.Sprint(member(v, "status")); status != strconv.Itoa(x.status) {
			s.warn("the error of %s has the status %q in its body, and is answered %d", what(x), status, x.status)
		}
	}
}

func hasSchema(v any, urn string) bool {
	all, _ := member(v, "schemas").([]any)
	return slices.ContainsFunc(all, func(one any) bool { s, _ := one.(string); return strings.EqualFold(s, urn) })
}

func media(x exchange) string {
	kind, _, err := mime.ParseMediaType(x.header.Get("Content-Type"))
	if err != nil {
		return "no content type"
	}
	return kind
}

// body reads the JSON object of an answer.
func (s *step) body(x exchange) (map[string]any, bool) {
	v, err := decode(x.answer)
	object, isObject := v.(map[string]any)
	if err != nil || !isObject {
		if len(x.answer) == 0 {
			err = errors.New("it is empty")
		} else if err == nil {
			err = errors.New("it is another kind of JSON")
		}
		s.findAs(s.meaning(x), s.check.Severity, "the body of the answer to %s is no JSON object: %v", what(x), err)
		return nil, false
	}
	if kind := media(x); kind != contentType {
		s.warn("the answer to %s comes as %s and should come as %s", what(x), kind, contentType)
	}
	return object, true
}

// page is a list that a server answered with.
type page struct {
	total     int
	resources []map[string]any
	has       map[string]bool // the optional numbers that are there
	numbers   map[string]int
}

// list reads an answer as a ListResponse.
func (s *step) list(x exchange) (page, bool) {
	p := page{has: make(map[string]bool), numbers: make(map[string]int)}
	if !s.answers(x, http.StatusOK) {
		return p, false
	}
	v, ok := s.body(x)
	if !ok {
		return p, false
	}
	if !hasSchema(v, listURN) {
		s.findAs(s.meaning(x), s.check.Severity, "the answer to %s is no ListResponse: its schemas lack %s", what(x), listURN)
		return p, false
	}
	for _, name := range []string{"totalResults", "startIndex", "itemsPerPage"} {
		number, isNumber := member(v, name).(json.Number)
		n, err := number.Int64()
		p.has[name], p.numbers[name] = isNumber && err == nil, int(n)
		if found := member(v, name); found != nil && !p.has[name] {
			s.fail("%s is %s, and must be a whole number without quotes", name, mustEncode(found))
		}
	}
	if !p.has["totalResults"] {
		if member(v, "totalResults") == nil {
			s.fail("the answer to %s has no totalResults", what(x))
		}
		return p, false
	}
	p.total = p.numbers["totalResults"]
	resources, isList := member(v, "Resources").([]any)
	switch {
	case !isList && p.total > 0:
		s.fail("the answer to %s has totalResults %d and no list of Resources", what(x), p.total)
		return p, false
	case !isList:
		s.warn("the answer to %s has no Resources: an empty list is what clients look into", what(x))
	}
	for _, one := range resources {
		resource, isObject := one.(map[string]any)
		if !isObject || text(resource, "id") == "" {
			s.fail("the answer to %s lists something without an id", what(x))
			return p, false
		}
		p.resources = append(p.resources, resource)
	}
	return p, true
}

// filter is a query as Entra writes it: blanks are +. Okta writes %20.
func (s *scene) filter(expression string) string {
	query := "filter=" + url.QueryEscape(expression)
	if s.provider == Okta {
		query = strings.ReplaceAll(query, "+", "%20") + "&startIndex=1&count=100"
	}
	return query
}

// equals is a comparison in a filter.
func equals(attribute, value string) string { return attribute + " eq " + mustEncode(value) }

// search looks resources up by an attribute, as a check that counts.
func (s *step) search(kind Kind, expression, more string) exchange {
	query := s.filter(expression)
	if more != "" {
		query = more + "&" + query
	}
	return s.send(request{operation: "lookup", method: http.MethodGet, kind: kind, query: query})
}

// findsOne searches and checks that one is found, and that it is the one.
func (s *step) findsOne(kind Kind, expression, more, id string) (map[string]any, bool) {
	p, ok := s.list(s.search(kind, expression, more))
	switch {
	case !ok:
		return nil, false
	case p.total != 1 || len(p.resources) != 1:
		s.fail("looking for %s found %d, and there is one", expression, max(p.total, len(p.resources)))
	case id != "" && text(p.resources[0], "id") != id:
		s.fail("looking for %s found the id %s, and it was created as %s", expression, text(p.resources[0], "id"), id)
	default:
		return p.resources[0], true
	}
	return nil, false
}

// findsNone searches and checks that nobody is found.
func (s *step) findsNone(kind Kind, expression, more string) bool {
	x := s.search(kind, expression, more)
	p, ok := s.list(x)
	if ok && p.total+len(p.resources) != 0 {
		s.fail("looking for %s found %d, and there is none", expression, max(p.total, len(p.resources)))
		return false
	}
	return ok
}

// read reads a resource by id, as a check that counts.
func (s *step) read(kind Kind, id string) exchange {
	return s.send(request{operation: "read", method: http.MethodGet, kind: kind, id: id})
}

// look reads a user back to see what has become of it, and tells the difference.
func (s *step) look(p *person) (attributes, bool) {
	state, ok := s.readBack(p)
	if ok && s.Witness != nil {
		remark, err := s.Witness.Saw(s.ctx, text(p.resource, "userName"), state.get("active") != "false")
		if remark != "" {
			s.note("%s", remark)
		}
		if err != nil {
			s.find(Required, "%v", err)
		}
	}
	return state, ok
}

// readBack is look without a witness.
func (s *step) readBack(p *person) (attributes, bool) {
	x := s.send(request{operation: "read", method: http.MethodGet, kind: User, id: p.id, readBack: true})
	if !s.answers(x, http.StatusOK) {
		return nil, false
	}
	resource, ok := s.body(x)
	if !ok {
		return nil, false
	}
	if got := text(resource, "id"); got != p.id {
		s.find(Required, "GET /Users/{id} shows the id %q, and the user was created as %q", got, p.id)
	}
	state := flatten(resource)
	s.changes = append(s.changes, differences(p.state, state)...)
	p.resource, p.state = resource, state
	return state, true
}

// lookAtGroup is look for the group.
func (s *step) lookAtGroup() (attributes, bool) {
	x := s.send(request{operation: "read", method: http.MethodGet, kind: Group, id: s.group.id, readBack: true})
	if !s.answers(x, http.StatusOK) {
		return nil, false
	}
	resource, ok := s.body(x)
	if !ok {
		return nil, false
	}
	state := flatten(resource)
	s.changes = append(s.changes, differences(s.group.state, state)...)
	s.group.state = state
	return state, true
}

// want is what an attribute is to be afterwards.
type want struct {
	path  string
	value any // nil: nothing
}

// indispensable are attributes that a server can't be without.
var indispensable = []string{"userName", "active"}

// became compares what was sent with what is there now. An attribute that was
// there neither before nor after has no place in the server: that is said, and is
// no failure. What is there must be what was sent.
func (s *step) became(before, after attributes, wants ...want) {
	for _, w := range wants {
		was, is := before.get(w.path), after.get(w.path)
		wanted := ""
		if w.value != nil {
			wanted = mustEncode(w.value)
		}
		switch {
		case is == wanted || wanted == "" && is == `""`:
		case is == "" && was == "" && !slices.Contains(indispensable, w.path):
			s.findAs(notKept, Recommended, "%s is not kept: the server has no place for it", w.path)
		case is == "" && was == "":
			s.fail("%s is not there, and should be %s", w.path, wanted)
		case is == "":
			s.fail("%s is gone, and should be %s", w.path, wanted)
		case is == was && wanted == "":
			s.fail("%s is still %s, and should be empty", w.path, is)
		case is == was:
			s.fail("%s is still %s, and should be %s", w.path, is, wanted)
		default:
			s.fail("%s is %s, and should be exactly %s", w.path, is, cmp.Or(wanted, "empty"))
		}
	}
}

// patch sends operations to a resource.
func (s *step) patch(operation string, kind Kind, id string, operations ...any) exchange {
	return s.send(request{
		operation: operation, method: http.MethodPatch, kind: kind, id: id,
		body: object{"schemas", list{patchURN}, "Operations", list(operations)},
	})
}

// patched is patch with its answer checked.
func (s *step) patched(operation string, kind Kind, id string, operations ...any) bool {
	x := s.patch(operation, kind, id, operations...)
	if !s.answers(x, http.StatusOK, http.StatusNoContent) {
		return false
	}
	if x.status == http.StatusNoContent && len(x.answer) > 0 {
		s.warn("204 comes with a body")
	}
	return true
}

// op is one operation of a PATCH. Without path it has none.
func op(name, path string, value any) object {
	o := object{"op", name}
	if path != "" {
		o = append(o, "path", path)
	}
	if value != nil {
		o = append(o, "value", value)
	}
	return o
}
