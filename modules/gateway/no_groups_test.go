package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// A backend without groups has none: a provider that looks for one hears that there is
// none, and no error for which it would put all of its work off.
func TestNoGroups(t *testing.T) {
	h, _ := newHandler(t, works(), nil)
	for _, test := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{http.MethodGet, "/Groups", "", http.StatusOK, ""},
		{http.MethodGet, "/Groups?filter=displayName+eq+%22engineers%22", "", http.StatusOK, ""},
		{http.MethodGet, "/Groups?excludedAttributes=members&filter=displayName+eq+%22engineers%22&startIndex=1&count=100", "", http.StatusOK, ""},
		{http.MethodGet, "/Groups?filter=id+eq+%221%22+and+members+eq+%222%22", "", http.StatusOK, ""},
		{http.MethodPost, "/Groups/.search", `{"filter":"displayName eq \"engineers\"","count":10}`, http.StatusOK, ""},
		{http.MethodGet, "/Groups/1", "", http.StatusNotFound, "Group"},
		{http.MethodPatch, "/Groups/1", `{"Operations":[{"op":"add","path":"members","value":[{"value":"2"}]}]}`, http.StatusNotFound, "Group"},
		{http.MethodPost, "/Groups", `{"displayName":"engineers"}`, http.StatusNotImplemented, "Group"},
	} {
		answer := ask(h, test.method, "/scim/v2"+test.path, test.body)
		body := answer.Body.String()
		if answer.Code != test.status || !strings.Contains(body, test.says) {
			t.Errorf("%s %s: %d %s", test.method, test.path, answer.Code, body)
		}
		if answer.Code != http.StatusOK {
			continue
		}
		list := gjson.Parse(body)
		if list.Get("schemas.0").Str != "urn:ietf:params:scim:api:messages:2.0:ListResponse" || list.Get("totalResults").Raw != "0" || list.Get("Resources.#").Int() != 0 {
			t.Errorf("%s %s: %s", test.method, test.path, body)
		}
	}
	if types := ask(h, http.MethodGet, "/scim/v2/ResourceTypes", "").Body.String(); strings.Contains(types, "/Groups") {
		t.Errorf("groups are told of and not served: %s", types)
	}
}
