package gateway

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
)

// withV1 gives a gateway of the tests a second base.
func withV1(h *Handler) { h.BaseV1 = "/scim/v1" }

func TestBelowTwoBases(t *testing.T) {
	for bases, paths := range map[[2]string]map[string]string{
		{"/scim/v2", "/scim/v1"}: {
			"/scim/v1/Users": "1.1 /Users", "/SCIM//V1/Users.json": "1.1 /Users.json", "/scim/v1": "1.1 ", "/scim/v2/Users": "2.0 /Users",
			"/scim/v11/Users": "", "/scim/v": "", "/scim": "", "//scim/v1//Users": "1.1 /Users",
		},
		{"/scim", "/scim/v1"}:   {"/scim/v1/Users": "1.1 /Users", "/scim/Users": "2.0 /Users", "/scim/v1x": "2.0 /v1x"},
		{"/scim/v2", "/scim"}:   {"/scim/v2/Users": "2.0 /Users", "/scim/Users": "1.1 /Users", "/scim/v2x": "1.1 /v2x"},
		{"/scim/v2", ""}:        {"/scim/v1/Users": "", "/Users": "", "": "", "/scim/v2": "2.0 "},
		{"/a/scim/v2", "/b/v1"}: {"/b/v1/Users": "1.1 /Users", "/a/v1/Users": ""},
	} {
		h := &Handler{Base: bases[0], BaseV1: bases[1]}
		for path, want := range paths {
			rest, dialect, ok := h.below(path)
			got := ""
			if ok {
				got = map[scim.Dialect]string{scim.V1: "1.1 ", scim.V2: "2.0 "}[dialect] + rest
			}
			if got != want {
				t.Errorf("%q: %s is %q, want %q", bases, path, got, want)
			}
		}
	}
}

func TestCommonBase(t *testing.T) {
	for _, c := range [][3]string{
		{"/scim/v2", "", "/scim/v2"},
		{"/scim/v2", "/scim/v1", "/scim/v"},
		{"/scim", "/SCIM/v1", "/scim"},
		{"/scim/v1", "/scim", "/scim"},
		{"/a/v2", "/b/v1", "/"},
		{"/é/v2", "/è/v1", "/"},
	} {
		if got := (&Handler{Base: c[0], BaseV1: c[1]}).commonBase(); got != c[2] {
			t.Errorf("%s and %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

// At the second base, whatever is answered is SCIM 1.1, also before it is known
// what is asked.
func TestAnswersOfV1(t *testing.T) {
	h, _ := newHandler(t, works(), withV1)
	const user = "/scim/v1/Users/" + userID
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		path1, want        string // gjson
	}{
		"read":                 {"GET", user, "", nil, 200, "schemas.0", "urn:scim:schemas:core:1.0"},
		"location":             {"GET", user, "", nil, 200, "meta.location", "http://example.com/scim/v1/Users/" + userID},
		"a disable":            {"PATCH", user, `{"active":false}`, nil, 200, "id", userID},
		"a disable by POST":    {"POST", user, `{"active":false}`, []string{"X-HTTP-Method-Override: PATCH"}, 200, "id", userID},
		"no token":             {"GET", user, "", []string{"Authorization: Bearer no"}, 401, "Errors.0.code", "401"},
		"an unknown endpoint":  {"GET", "/scim/v1/Devices", "", nil, 404, "Errors.0.code", "404"},
		"an unknown user":      {"GET", "/scim/v1/Users/x", "", nil, 404, "Errors.0.code", "404"},
		"XML wanted":           {"GET", user, "", []string{"Accept: application/xml"}, 406, "Errors.0.code", "406"},
		"XML sent":             {"PATCH", user, `<User/>`, []string{"Content-Type: application/xml"}, 415, "Errors.0.code", "415"},
		"too large":            {"PATCH", user, `{"title":"` + strings.Repeat("x", 20<<20) + `"}`, nil, 413, "Errors.0.code", "413"},
		"bulk":                 {"POST", "/scim/v1/Bulk", `{}`, nil, 501, "Errors.0.code", "501"},
		"a post to discovery":  {"POST", "/scim/v1/Schemas", `{}`, nil, 405, "Errors.0.code", "405"},
		"the provider":         {"GET", "/scim/v1/ServiceProviderConfigs", "", nil, 200, "urn:okta:schemas:scim:providerconfig:1\\.0.userManagementCapabilities.0", "IMPORT_NEW_USERS"},
		"2.0 at the other one": {"GET", "/scim/v2/Users/x", "", nil, 404, "status", "404"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(h, c.method, c.path, c.body, c.headers...)
			if answer.Code != c.status || gjson.Get(answer.Body.String(), c.path1).String() != c.want {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
			if kind := answer.Header().Get("Content-Type"); strings.HasPrefix(c.path, "/scim/v1") && kind != "application/json; charset=utf-8" {
				t.Errorf("the answer is %s", kind)
			}
		})
	}
}

// A method that a POST stands for is counted as what it is.
func TestGuessOfAnOverriddenMethod(t *testing.T) {
	h, logs := newHandler(t, works(), withV1)
	if answer := ask(h, "POST", "/scim/v1/Users/"+userID, `{`, "X-HTTP-Method-Override: patch"); answer.Code != 400 {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	if line := logs.FilterMessage("scim request").All(); len(line) != 1 || line[0].ContextMap()["operation"] != "update" {
		t.Errorf("logged: %v", line)
	}
}

func TestExternalURLOfV1(t *testing.T) {
	for external, want := range map[string]string{
		"":                                     "http://example.com/dir/v1",
		"https://idm.example.com/t/scim/v2":    "https://idm.example.com/t/dir/v1",
		"https://idm.example.com/scim/v2":      "https://idm.example.com/dir/v1",
		"https://idm.example.com:8443/tenant":  "https://idm.example.com:8443/dir/v1",
		"https://idm.example.com/t/scim/v2?x=": "https://idm.example.com/dir/v1",
	} {
		h, _ := newHandler(t, works(), func(h *Handler) { h.BaseV1, h.ExternalURL = "/dir/v1", external })
		answer := ask(h, "GET", "/dir/v1/Users/"+userID, "")
		if got := gjson.Get(answer.Body.String(), "meta.location").String(); got != want+"/Users/"+userID {
			t.Errorf("%s: %d, at %s", external, answer.Code, got)
		}
	}
}

func TestExplainOfV1(t *testing.T) {
	h, _ := newHandler(t, works(), withV1)
	r := httptest.NewRequest("PATCH", "/scim/v1/Users/"+userID, strings.NewReader(`{"active":false}`))
	text, err := h.Explain(t.Context(), r, true)
	if err != nil || !strings.HasPrefix(text, "# update User "+userID+"\n#   replace active false\n") {
		t.Errorf("explained %q, %v", text, err)
	}
	r = httptest.NewRequest("PATCH", "/scim/v3/Users/"+userID, strings.NewReader(`{"active":false}`))
	if _, err := h.Explain(t.Context(), r, true); err == nil || !strings.Contains(err.Error(), "/scim/v2 and /scim/v1") {
		t.Errorf("outside of both: %v", err)
	}
}
