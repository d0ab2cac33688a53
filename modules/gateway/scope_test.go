package gateway

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/modules/access"
)

// What the scope does not cover is refused on every way, and nothing is written; a
// disable that is refused is loud.
func TestScope(t *testing.T) {
	const one = "/scim/v2/Users/" + userID
	for _, test := range []struct {
		name  string
		scope access.Scopes
		asked [][3]string // method, path, body
		code  int
	}{
		{"read reads", access.Scopes{"read"}, [][3]string{{"GET", one, ""}, {"GET", "/scim/v2/Users?filter=userName%20eq%20%22ada%22", ""}, {"GET", "/scim/v2/Me", ""}}, 200},
		{"read writes nothing", access.Scopes{"read"}, [][3]string{
			{"PATCH", one, disableAda}, {"PUT", one, putAda}, {"DELETE", one, ""}, {"POST", "/scim/v2/Users", putAda},
			{"PATCH", "/scim/v2/Me", disableAda}, {"DELETE", "/scim/v2/Me", ""},
		}, 403},
		{"groups are no users", access.Scopes{"groups"}, [][3]string{
			{"GET", one, ""}, {"GET", "/scim/v2/Users", ""}, {"GET", "/scim/v2/?filter=id%20pr", ""}, {"GET", "/scim/v2/Me", ""},
			{"PATCH", one, disableAda}, {"PUT", one, putAda}, {"DELETE", one, ""}, {"POST", "/scim/v2/Users", putAda},
			{"POST", "/scim/v2/Users/.search", `{"count": 1}`}, {"POST", "/scim/v2/.search", `{"count": 1}`},
		}, 403},
		{"discovery is open", access.Scopes{"groups"}, [][3]string{
			{"GET", "/scim/v2/ServiceProviderConfig", ""}, {"GET", "/scim/v2/Schemas", ""}, {"GET", "/scim/v2/ResourceTypes", ""},
		}, 200},
		{"users write", access.Scopes{"users"}, [][3]string{{"GET", one, ""}, {"PATCH", one, setTitle}, {"PATCH", "/scim/v2/Me", disableAda}}, 200},
	} {
		s := holds()
		h, logs := newHandler(t, s, func(h *Handler) {
			h.Access.Credentials[0].Scope, h.Access.Credentials[0].Me = test.scope, `userName eq "ada"`
		})
		for _, a := range test.asked {
			answer := ask(h, a[0], a[1], a[2])
			if answer.Code != test.code || test.code == 403 && !strings.Contains(answer.Body.String(), "The scope of this token is "+test.scope.String()) {
				t.Errorf("%s: %s %s: %d %s", test.name, a[0], a[1], answer.Code, answer.Body)
			}
		}
		if test.code != 403 {
			continue
		}
		got := sendBulk(t, h, 0, `PATCH /Users/`+userID+` `+disableAda)
		if got.Operations[0].Status != "403" || !s.isActive(t, "ada") || len(s.writes) > 0 {
			t.Errorf("%s, in a Bulk: %+v, written %q", test.name, got, s.writes)
		}
		if logs.FilterMessageSnippet("a disable or delete was refused").Len() < 3 {
			t.Errorf("%s: the log does not say it: %v", test.name, logs.All())
		}
	}
}

// In SCIM 1.1 a POST may stand for a PATCH or a DELETE.
func TestScopeV1(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, func(h *Handler) {
		h.BaseV1 = "/scim/v1"
		h.Access.Credentials[0].Scope = access.Scopes{"read"}
	})
	for _, method := range []string{"PATCH", "PUT", "DELETE"} {
		answer := ask(h, "POST", "/scim/v1/Users/"+userID, map[string]string{"PATCH": `{"active":false}`, "PUT": putAda}[method], methodOverride+": "+method)
		if answer.Code != 403 || len(s.writes) > 0 {
			t.Errorf("%s: %d %s, written %q", method, answer.Code, answer.Body, s.writes)
		}
	}
}
