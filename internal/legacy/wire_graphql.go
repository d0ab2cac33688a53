package legacy

import (
	"net/http"
	"regexp"
	"strings"
)

// graphQLWire is GraphQL at /graphql, of which it understands what its clients send: one
// field at the top, which it knows by its name, and values as variables. There are
// users, user, createUser, updateUser, deleteUser; groups, group, createGroup,
// updateGroup, deleteGroup, addMember, removeMember, setMembers. Lists are connections
// (edges, node, pageInfo) whose last page has a cursor too. What is created or
// changed stands in the variable input.
type graphQLWire struct{}

var graphQLFields = map[string]string{
	"users": "users.list", "user": "users.read", "createUser": "users.create", "updateUser": "users.update", "deleteUser": "users.delete",
	"groups": "groups.list", "group": "groups.read", "createGroup": "groups.create", "updateGroup": "groups.update", "deleteGroup": "groups.delete",
	"addMember": "groups.add", "removeMember": "groups.remove", "setMembers": "groups.set",
}

// topField is the first field of a document, behind its operation and that one's
// variables.
var topField = regexp.MustCompile(`^\s*(query|mutation)\b[^{]*\{\s*(\w+)`)

func (graphQLWire) parse(a *App, r *request, body []byte) error {
	r.isTyped = true
	if r.http.URL.Path != "/graphql" || r.http.Method != http.MethodPost {
		return notFound("page")
	}
	call, err := decodeJSON(body)
	if err != nil {
		return &failure{400, "BAD_REQUEST", "this is no request of GraphQL"}
	}
	query, _ := call["query"].(string)
	found := topField.FindStringSubmatch(query)
	if found == nil || graphQLFields[found[2]] == "" || (found[1] == "query") != isRead(graphQLFields[found[2]]) {
		return &failure{400, "GRAPHQL_VALIDATION_FAILED", "Cannot query that field"}
	}
	variables, _ := call["variables"].(record)
	r.field, r.op = found[2], graphQLFields[found[2]]
	r.params = paramsOf(variables)
	if after := r.params.Get("after"); after != "" {
		r.params.Set("cursor", after)
	}
	if first := r.params.Get("first"); first != "" {
		r.params.Set("limit", first)
	}
	r.id, r.member = r.params.Get("id"), r.params.Get("userId")
	r.body = record{"user_id": variables["userId"], "user_ids": variables["userIds"]}
	if input, is := variables["input"].(record); is {
		r.body = input
	}
	return nil
}

// isRead reports whether an op changes nothing.
func isRead(op string) bool { return strings.HasSuffix(op, ".list") || strings.HasSuffix(op, ".read") }

func (graphQLWire) print(a *App, r *request, out *reply) *answer {
	value := out.body
	if page, is := value.(record); is && strings.HasSuffix(r.op, ".list") {
		value = connectionOf(page, r.field)
	}
	if value == nil {
		value = true
	}
	return a.json(200, http.Header{}, record{"data": record{r.field: value}})
}

// connectionOf makes a page of a list a connection.
func connectionOf(page record, field string) record {
	edges := []any{}
	for _, node := range page[field].([]any) {
		edges = append(edges, record{"node": node})
	}
	end, hasNext := page["next_cursor"], page["next_cursor"] != nil
	if !hasNext {
		end = "ZW5k" // no place to go on from
	}
	return record{"edges": edges, "pageInfo": record{"endCursor": end, "hasNextPage": hasNext}}
}

func (graphQLWire) fail(a *App, r *request, f *failure) *answer {
	return a.json(200, http.Header{}, record{"data": nil, "errors": []any{
		record{"message": f.text, "path": []any{r.field}, "extensions": record{"code": strings.ToUpper(f.code)}},
	}})
}
