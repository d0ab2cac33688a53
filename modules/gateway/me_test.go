package gateway

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// /Me is the user whom the credential is mapped to (RFC 7644 §3.11).
func TestMe(t *testing.T) {
	const location = "http://example.com/scim/v2/Users/" + userID
	mapped := func(filter string) func(*Handler) {
		return func(h *Handler) { h.Access.Credentials[0].Me = filter }
	}
	s := holds()
	h, _ := newHandler(t, s, mapped(`userName eq "ADA"`))
	for _, request := range [][2]string{{"GET", ""}, {"PATCH", setTitle}, {"PUT", putAda}} {
		answer := ask(h, request[0], "/scim/v2/Me", request[1])
		if answer.Code != 200 || answer.Header().Get("Location") != location || answer.Header().Get("Content-Location") != location {
			t.Errorf("%s: %d %v %s", request[0], answer.Code, answer.Header(), answer.Body)
		}
	}
	if answer := ask(h, "GET", "/scim/v2/Me", "", `If-None-Match: W/"2"`); answer.Code != 304 || answer.Header().Get("Location") != location {
		t.Errorf("GET again: %d %v", answer.Code, answer.Header())
	}
	if _, hasTitle := title(s); !hasTitle {
		t.Errorf("written %q", s.writes)
	}
	got := sendBulk(t, h, 0, `PATCH /Me `+disableAda)
	if o := got.Operations[0]; o.Status != "200" || o.Location != location || s.isActive(t, "ada") {
		t.Errorf("in a Bulk: %+v", o)
	}
	if answer := ask(h, "DELETE", "/scim/v2/Me", ""); answer.Code != 204 || s.named("ada") != nil {
		t.Errorf("DELETE: %d %s", answer.Code, answer.Body)
	}
	if answer := ask(h, "GET", "/scim/v2/Me", ""); answer.Code != 404 || !strings.Contains(answer.Body.String(), `credential \"test\"`) {
		t.Errorf("GET of who is gone: %d %s", answer.Code, answer.Body)
	}

	s = holds()
	other := &stored{resource: scim.NewResource(users), version: 1}
	other.resource.ID = "other"
	s.entries["other"] = other
	h, _ = newHandler(t, s, mapped(`userName pr or not (userName pr)`))
	if answer := ask(h, "DELETE", "/scim/v2/Me", ""); answer.Code != 409 || !strings.Contains(answer.Body.String(), userID) || len(s.writes) > 0 {
		t.Errorf("several: %d %s", answer.Code, answer.Body)
	}

	h, _ = newHandler(t, holds(), nil)
	for _, method := range []string{"GET", "PATCH", "PUT", "DELETE", "POST"} {
		answer := ask(h, method, "/scim/v2/Me", map[string]string{"PATCH": disableAda, "PUT": putAda, "POST": putAda}[method])
		if answer.Code != 501 || method != "POST" && !strings.Contains(answer.Body.String(), "has no line me") {
			t.Errorf("%s without a mapping: %d %s", method, answer.Code, answer.Body)
		}
	}
}

// Protection meets /Me as it meets the user.
func TestMeIsProtected(t *testing.T) {
	s := holds()
	s.deletes = translators.DeleteDisable
	h, _ := newHandler(t, s, func(h *Handler) {
		h.Access.Credentials[0].Me = `userName eq "ada"`
		h.Policy.Protect = []string{`userName eq "ada"`}
	})
	if answer := ask(h, "DELETE", "/scim/v2/Me", ""); answer.Code != 403 || !s.isActive(t, "ada") {
		t.Errorf("DELETE: %d %s", answer.Code, answer.Body)
	}
}
