package gateway

import (
	"slices"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// enableAnd is a request that enables Ada and gives her another title.
var enableAnd = strings.Replace(setTitle, `"Operations":[`, `"Operations":[{"op":"Replace","path":"active","value":"True"},`, 1)

// enablesFirst is a gateway before a backend that changes no account that is disabled, and
// Ada is.
func enablesFirst(t *testing.T) (*store, *Handler) {
	t.Helper()
	s := holds()
	s.enablesFirst = true
	h, _ := newHandler(t, s, nil)
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, disableAda); answer.Code != 200 {
		t.Fatalf("disabling: %d", answer.Code)
	}
	s.writes = nil
	return s, h
}

// isWritten checks which calls were made.
func isWritten(t *testing.T, s *store, want ...string) {
	t.Helper()
	if !slices.Equal(s.writes, want) {
		t.Errorf("written was %q, want %q", s.writes, want)
	}
}

// TestEnableFirst: an update that enables and does more is carried out in two parts; every
// other is not.
func TestEnableFirst(t *testing.T) {
	enabling, titling, both := "update User "+userID+" active", "update User "+userID+" title", "update User "+userID+" title active"
	t.Run("enabling and more", func(t *testing.T) {
		s, h := enablesFirst(t)
		if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, enableAnd); answer.Code != 200 || !strings.Contains(answer.Body.String(), `"active":true`) {
			t.Errorf("answered %d %s", answer.Code, answer.Body)
		}
		isWritten(t, s, enabling, titling)
		// Who is enabled already is changed in one.
		if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, strings.Replace(enableAnd, `"x"`, `"y"`, 1)); answer.Code != 200 {
			t.Errorf("answered %d %s", answer.Code, answer.Body)
		}
		isWritten(t, s, enabling, titling, titling)
	})
	t.Run("the rest is refused", func(t *testing.T) {
		s, h := enablesFirst(t)
		s.before = func(in translators.Intent) {
			if in.Changes[0].Attribute.Name == "title" {
				delete(s.entries, userID) // somebody was faster
			}
		}
		answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, enableAnd)
		if detail := answer.Body.String(); answer.Code != 404 || !strings.Contains(detail, "The account was enabled. The rest of the request was not carried out: There is no such resource.") {
			t.Errorf("answered %d %s", answer.Code, detail)
		}
		isWritten(t, s, enabling, titling)
	})
	t.Run("a version", func(t *testing.T) {
		s, h := enablesFirst(t)
		if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, enableAnd, `If-Match: W/"1"`); answer.Code != 412 {
			t.Errorf("answered %d %s", answer.Code, answer.Body)
		}
		isWritten(t, s)
		if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, enableAnd, `If-Match: W/"2"`); answer.Code != 200 {
			t.Errorf("answered %d %s", answer.Code, answer.Body)
		}
		isWritten(t, s, enabling+" if version 2", titling+" if version 3")
	})
	t.Run("one who stays disabled", func(t *testing.T) {
		s, h := enablesFirst(t)
		if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, setTitle); answer.Code != 200 {
			t.Errorf("answered %d %s", answer.Code, answer.Body)
		}
		isWritten(t, s, titling)
	})
	t.Run("another backend", func(t *testing.T) {
		s := holds()
		s.entries[userID].resource.Set(users.Attribute("active"), scim.Bool(false))
		h, _ := newHandler(t, s, nil)
		if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, enableAnd); answer.Code != 200 {
			t.Errorf("answered %d %s", answer.Code, answer.Body)
		}
		isWritten(t, s, both)
	})
}

// TestWhoIsEnabledFirstStaysEnabled, whatever becomes of the rest: the disable before it is
// not made again.
func TestWhoIsEnabledFirstStaysEnabled(t *testing.T) {
	s, h, r := lateStore(t, func(s *store) { s.enablesFirst = true })
	s.isDisabledUnproven(t, h, r)
	s.before = func(in translators.Intent) { s.unanswered = in.Changes[0].Attribute.Name == "title" }
	if answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, enableAnd); answer.Code < 500 || !strings.Contains(answer.Body.String(), "The account was enabled.") {
		t.Fatalf("answered %d %s", answer.Code, answer.Body)
	}
	h.proveOwed(t.Context())
	if !s.isActive(t, "ada") || len(owing.of(h.Name)) != 0 {
		t.Errorf("active: %t, owed: %v", s.isActive(t, "ada"), owing.of(h.Name))
	}
}
