package rest

import (
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/translators/mapfile"
)

// readCall reads the text of a call.
func readCall(text string) (CallConfig, error) {
	d := caddyfile.NewTestDispenser(text)
	d.Next()
	return parseCall(&mapfile.Block{Dispenser: d, Name: "users"}, Operation(d.Val()))
}

func TestParseCall(t *testing.T) {
	yes, no, zero := true, false, 0
	tests := map[string]struct {
		text string
		want CallConfig
	}{
		"short": {"search GET /users.json?name={userName}&status=", CallConfig{Method: "GET", URL: "/users.json?name={userName}&status="}},
		"whole": {`create POST /users {
			header SOAPAction "urn:create"
			header X-Empty ""
			query tenant {secret.tenant}
			query verbose ""
			body xml ` + "`<user>{userName}</user>`" + `
			answer xml
			item Envelope.Body.user
			id Envelope.Body.user.id
			id_header Location ` + "`/users/(\\d+)$`" + `
			error fault.text
			conflict 409 422 "is taken"
			conflict "already there"
			failed 2xx when ` + "`body.ok == false`" + `
			unclear 200-204 "?" when status
			conflict 200 1062
			when ` + "`id != \"\"`" + `
			repeatable
			if_match
			timeout 30s
			undo DELETE /users/{1.id} {
				already 404
				repeatable off
			}
		}`, CallConfig{
			Method: "POST", URL: "/users",
			Header:    []Parameter{{"SOAPAction", "urn:create"}, {"X-Empty", ""}},
			Query:     []Parameter{{"tenant", "{secret.tenant}"}, {"verbose", ""}},
			Body:      "xml",
			Template:  "<user>{userName}</user>",
			Answer:    "xml",
			Item:      "Envelope.Body.user",
			ID:        "Envelope.Body.user.id",
			IDHeader:  "Location",
			IDPattern: `/users/(\d+)$`,
			ErrorText: []string{"fault.text"},
			Judgements: []Judgement{
				{Verdict: "conflict", Statuses: []string{"409", "422"}, Text: "is taken"}, {Verdict: "conflict", Text: "already there"},
				{Verdict: "failed", Statuses: []string{"2xx"}, When: "body.ok == false"},
				{Verdict: "unclear", Statuses: []string{"200-204"}, Text: "?", When: "status"},
				{Verdict: "conflict", Statuses: []string{"200"}, Text: "1062"},
			},
			When:       `id != ""`,
			Repeatable: &yes,
			IfMatch:    true,
			Timeout:    caddy.Duration(30 * time.Second),
			Undo: []CallConfig{{Method: "DELETE", URL: "/users/{1.id}",
				Judgements: []Judgement{{Verdict: "already", Statuses: []string{"404"}}}, Repeatable: &no}},
		}},
		"update": {"update PUT /users/{id} {\n send whole\n without api_key created_on\n}",
			CallConfig{Method: "PUT", URL: "/users/{id}", Send: "whole", Without: []string{"api_key", "created_on"}}},
		"a form":   {"update PATCH /users/{id} {\n body form dotted\n}", CallConfig{Method: "PATCH", URL: "/users/{id}", Body: "form", Nesting: "dotted"}},
		"into":     {"read GET /roles/{id} {\n into roles\n}", CallConfig{Method: "GET", URL: "/roles/{id}", Into: "roles"}},
		"own page": {"list GET /users {\n page none\n items .\n}", CallConfig{Method: "GET", URL: "/users", Page: &PageConfig{By: "none"}, Items: "."}},
		"a page by offset": {"list GET /users {\n page offset limit 100 total_count\n}", CallConfig{Method: "GET", URL: "/users",
			Page: &PageConfig{By: "offset", Limit: "limit", Size: 100, Total: "total_count"}}},
		"a page by offset, all said": {"list GET /users {\n page offset start count 50 meta.total\n}", CallConfig{Method: "GET", URL: "/users",
			Page: &PageConfig{By: "offset", Parameter: "start", Limit: "count", Size: 50, Total: "meta.total"}}},
		"a page by number in a block": {"list GET /users {\n page number p {\n limit per 20\n first 0\n total n\n pages of\n}\n}", CallConfig{Method: "GET", URL: "/users",
			Page: &PageConfig{By: "number", Parameter: "p", Limit: "per", Size: 20, First: &zero, Total: "n", Pages: "of"}}},
		"a page by cursor":        {"list GET /users {\n page cursor after meta.next\n}", CallConfig{Method: "GET", URL: "/users", Page: &PageConfig{By: "cursor", Parameter: "after", Next: "meta.next"}}},
		"a page by cursor, sized": {"list GET /users {\n page cursor after limit 10 meta.next\n}", CallConfig{Method: "GET", URL: "/users", Page: &PageConfig{By: "cursor", Parameter: "after", Limit: "limit", Size: 10, Next: "meta.next"}}},
		"a page by link":          {"list GET /users {\n page link per_page 100\n}", CallConfig{Method: "GET", URL: "/users", Page: &PageConfig{By: "link", Limit: "per_page", Size: 100}}},
		"a page by URL":           {"list GET /users {\n page url links.next\n}", CallConfig{Method: "GET", URL: "/users", Page: &PageConfig{By: "url", Next: "links.next"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := readCall(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseCallRefuses(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"no URL":                {"read GET", "write read <method> <url>, such as read GET /users/{id}"},
		"too much":              {"read GET /users /groups", "write read <method> <url>"},
		"no method":             {"read FETCH /users", "there is no method FETCH: there are GET, HEAD, POST"},
		"a small method":        {"read get /users", "the method get is written in capitals: GET"},
		"an unknown word":       {"read GET / {\n itme x\n}", "there is no itme here: there are header, query"},
		"a word twice":          {"read GET / {\n item x\n item y\n}", "item is given twice"},
		"an unknown body":       {"create POST / {\n body yaml\n}", "body yaml is not understood"},
		"none with a template":  {"create POST / {\n body none x\n}", "body none has no template"},
		"an unknown answer":     {"read GET / {\n answer yaml\n}", "answer yaml is not understood"},
		"an empty judgement":    {"read GET / {\n failed\n}", "say of which answers"},
		"statuses behind text":  {"read GET / {\n failed x 422\n}", "422 is not understood: first come the statuses"},
		"no such status":        {"read GET / {\n failed 999\n}", "999 is no status"},
		"no status at all":      {"read GET / {\n failed 4044\n}", "4044 is no status"},
		"a range backwards":     {"read GET / {\n failed 404-400\n}", "404-400 is no status"},
		"no such class":         {"read GET / {\n failed 6xx\n}", "6xx is no status"},
		"never reached":         {"read GET / {\n failed 4xx\n not_found 404 \"no such user\"\n}", "not_found 404 never counts: failed 4xx before it says otherwise"},
		"never reached, ranges": {"read GET / {\n busy 500-503 420\n failed 420 501-502\n}", "failed 420 501-502 never counts: busy 500-503 420 before it"},
		"when without":          {"read GET / {\n failed 422 when\n}", "when is not understood"},
		"a header's name":       {"read GET / {\n header \"X Y\" z\n}", "that is no name of a header"},
		"a header without":      {"read GET / {\n header X\n}", "write header <name> <value>"},
		"a pattern":             {"create POST / {\n id_header Location `(`\n}", "the pattern (:"},
		"a pattern of no group": {"create POST / {\n id_header Location `x`\n}", "needs a group that is the id"},
		"repeatable":            {"create POST / {\n repeatable no\n}", "repeatable stands alone in its line, or with off"},
		"page of no kind":       {"list GET / {\n page offsets\n}", "page is not understood"},
		"page, too much":        {"list GET / {\n page offset a b\n}", "page offset: b is not understood"},
		"page, no next":         {"list GET / {\n page cursor after\n}", "say where in the answer the next cursor is"},
		"page, more of url":     {"list GET / {\n page url next {\n more x\n}\n}", "page url has no more"},
		"page, more and pages":  {"list GET / {\n page number {\n more x\n pages y\n}\n}", "more and pages both say"},
		"page, next of offset":  {"list GET / {\n page offset {\n next x\n}\n}", "page offset has no next"},
		"page, first of link":   {"list GET / {\n page link {\n first 1\n}\n}", "page link has no first"},
		"page, pages of offset": {"list GET / {\n page offset {\n pages x\n}\n}", "page offset has no pages"},
		"page, parameter":       {"list GET / {\n page link {\n parameter x\n}\n}", "page link has no parameter"},
		"page none with more":   {"list GET / {\n page none {\n total x\n}\n}", "page none has no settings"},
		"page, limit":           {"list GET / {\n page link {\n limit x 0\n}\n}", "limit x 0 is not understood"},
		"page, first":           {"list GET / {\n page offset {\n first x\n}\n}", "first x is not understood"},
		"page, unknown":         {"list GET / {\n page offset {\n size 1\n}\n}", "there is no size here: there are parameter, limit"},
		"undo":                  {"create POST / {\n undo DELETE\n}", "write undo <method> <url>"},
		"timeout":               {"create POST / {\n timeout soon\n}", "not a duration"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := readCall(test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Testfile:") {
				t.Errorf("got %v", err)
			}
		})
	}
}
