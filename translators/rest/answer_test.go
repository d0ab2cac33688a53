package rest

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/translators/rest/web"
)

func TestTakeRecord(t *testing.T) {
	users := testKind(t, blockUsers)
	tests := map[string]struct {
		item   string
		answer *web.Response
		want   string // the record, or a part of the error behind a !
	}{
		"whole":          {"", answerOf(200, asJSON, ` {"id":7} `), `{"id":7}`},
		"in an item":     {"data.user", answerOf(200, asJSON, `{"data":{"user":{"id":7}}}`), `{"id":7}`},
		"in a list":      {"users.0", answerOf(200, asJSON, `{"users":[{"id":7}]}`), `{"id":7}`},
		"of XML":         {"user", answerOf(200, "application/xml", `<user><id>7</id></user>`), `{"id":"7"}`},
		"empty":          {"", answerOf(200, asJSON, ""), "!it is empty, and a record was expected; if the application says so that there is none, write not_found and the status"},
		"204":            {"user", answerOf(204, "", ""), "!it is empty"},
		"cut":            {"", answerOf(200, asJSON, `{"id":7`), "!JSON"},
		"a page":         {"", answerOf(200, asHTML, page), "!page"},
		"another object": {"user", answerOf(200, asJSON, `{"data":{},"api_key":"s3cret"}`), "!it has no record at item user: there is an object with data, api_key; say with item where the record is"},
		"null":           {"user", answerOf(200, asJSON, `{"user":null}`), "!what it has at item user is no record"},
		"an array":       {"", answerOf(200, asJSON, `[{"id":7}]`), "!it is no record: there is an array of 1, the first of which is an object with id; say with item"},
		"a text":         {"user", answerOf(200, asJSON, `{"user":"s3cret"}`), "!what it has at item user is no record: there is a text; say with item where the record itself is"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := testStep(t, users, "read GET /users/{id}", CallDefaults{Item: test.item})
			if err != nil {
				t.Fatal(err)
			}
			a := s.read(test.answer)
			err = s.take(a)
			part, isError := strings.CutPrefix(test.want, "!")
			switch {
			case isError && (err == nil || !strings.Contains(err.Error(), part)):
				t.Errorf("got %v", err)
			case isError && strings.Contains(err.Error(), "s3cret"):
				t.Errorf("it holds a value: %v", err)
			case !isError && (err != nil || strings.TrimSpace(a.item.Raw) != test.want):
				t.Errorf("got %s, %v", a.item.Raw, err)
			}
		})
	}
}

// TestTakeMore: what is added to a record may be anything where it has a name, and nothing
// where the configuration says so.
func TestTakeMore(t *testing.T) {
	users := testKind(t, blockUsers)
	tests := map[string]struct {
		text   string
		answer *web.Response
		want   string // or "!" for an error
	}{
		"fields":            {"2 read GET /users/{id}/x", answerOf(200, asJSON, `{"a":1}`), `{"a":1}`},
		"an array":          {"2 read GET /users/{id}/x", answerOf(200, asJSON, `[1]`), "!"},
		"an array, named":   {"2 read GET /users/{id}/x {\n into roles\n}", answerOf(200, asJSON, `[1]`), `[1]`},
		"missing":           {"2 read GET /users/{id}/x {\n into roles\n item roles\n}", answerOf(200, asJSON, `{}`), "!"},
		"said to be none":   {"2 read GET /users/{id}/x {\n success 404\n}", answerOf(404, asHTML, page), ""},
		"a status of none":  {"status GET /locks/{id} {\n success 404\n}", answerOf(404, "", ""), ""},
		"the record itself": {"read GET /users/{id} {\n success 404\n}", answerOf(404, "", ""), "!"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := testStep(t, users, test.text, CallDefaults{})
			if err != nil {
				t.Fatal(err)
			}
			a := s.judge(test.answer)
			got := ""
			if err := s.take(a); err != nil {
				got = "!"
			} else if a.item.Exists() {
				got = a.item.Raw
			}
			if got != test.want || a.verdict != VerdictSuccess {
				t.Errorf("got %q, %s", got, a.verdict)
			}
		})
	}
}

func TestTakeID(t *testing.T) {
	users := testKind(t, blockUsers)
	tests := map[string]struct {
		text   string
		answer *web.Response
		want   string // or a part of the error behind a !
	}{
		"a number":                      {"create POST /users", answerOf(201, asJSON, `{"id":7}`), "7"},
		"a text":                        {"create POST /users", answerOf(201, asJSON, `{"id":"007"}`), "007"},
		"a big number":                  {"create POST /users", answerOf(201, asJSON, `{"id":12345678901234567890}`), "12345678901234567890"},
		"in an item":                    {"create POST /users {\n item user\n}", answerOf(201, asJSON, `{"id":1,"user":{"id":7}}`), "7"},
		"elsewhere":                     {"create POST /users {\n id result\n}", answerOf(200, asJSON, `{"result":7}`), "7"},
		"elsewhere, not there":          {"create POST /users {\n id result\n}", answerOf(200, asJSON, `{"results":7}`), "!it has no id at result: there is an object with results; say with id in create"},
		"elsewhere, an object":          {"create POST /users {\n id result\n}", answerOf(200, asJSON, `{"result":{"id":7}}`), "!it has no id at result: there is an object with id;"},
		"in Location":                   {"create POST /users", answerOf(201, "", "", "Location", "https://other/api/users/a%2Fb?x#y"), "a/b"},
		"in Location, a slash":          {"create POST /users", answerOf(201, "", "", "Location", "/users/7/"), "7"},
		"in Location, as called":        {"create POST /users.json?x=a.b", answerOf(201, "", "", "Location", "/users/7.json"), "7"},
		"in Location, with a dot":       {"create POST /users", answerOf(201, "", "", "Location", "/users/ada.l"), "ada.l"},
		"the body comes first":          {"create POST /users", answerOf(201, asJSON, `{"id":7}`, "Location", "/users/8"), "7"},
		"Location of nothing":           {"create POST /users", answerOf(201, "", "", "Location", "/"), ""},
		"none":                          {"create POST /users", answerOf(201, "", ""), ""},
		"a header":                      {"create POST /users {\n id_header X-Id\n}", answerOf(201, "", "", "X-Id", "7"), "7"},
		"a header, not there":           {"create POST /users {\n id_header X-Id\n}", answerOf(201, asJSON, `{"id":7}`), "!it has no header X-Id, where the id is: there are Content-Type; say with id_header"},
		"a pattern":                     {"create POST /users {\n id_header Location `/users/(\\d+)/`\n}", answerOf(201, "", "", "Location", "/users/7/profile"), "7"},
		"a pattern without a hit":       {"create POST /users {\n id_header Location `/users/(\\d+)/`\n}", answerOf(201, "", "", "Location", "/login"), "!the value of the header Location does not match the pattern /users/(\\d+)/ of id_header"},
		"a header that ends in nothing": {"create POST /users {\n id_header X-Id\n}", answerOf(201, "", "", "X-Id", "/"), "!the value of the header X-Id does not end in an id: say with id_header X-Id and a pattern"},
		"a text without a hit":          {"create POST /users {\n answer text\n id . `OK (\\d+)`\n}", answerOf(200, "text/plain", "s3cret"), "!what it has at ., a text of 6 characters, does not match the pattern OK (\\d+) of id"},
		"a text, and Location":          {"create POST /users", answerOf(201, "text/plain", "created", "Location", "/users/7"), "7"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := testStep(t, users, test.text, CallDefaults{})
			if err != nil {
				t.Fatal(err)
			}
			a := s.read(test.answer)
			err = s.take(a)
			if part, isError := strings.CutPrefix(test.want, "!"); isError {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("got %v", err)
				}
			} else if err != nil || a.id != test.want {
				t.Errorf("got %q, %v", a.id, err)
			}
		})
	}
}
