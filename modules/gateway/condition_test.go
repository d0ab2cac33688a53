package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

const (
	setTitle = `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`
	setName  = `{"Operations":[{"op":"replace","path":"userName","value":"ada"}]}` // as it is
	putAda   = `{"userName":"ada","title":"x"}`
)

// What a request asks of the version of a resource (RFC 7644 §3.14, RFC 9110
// §13.1) decides about it, on every verb.
func TestConditions(t *testing.T) {
	const path = "/Users/" + userID
	for name, test := range map[string]struct {
		method, path, body, header string
		versionless                bool
		status                     int
	}{
		"GET none match":                  {"GET", path, "", `If-None-Match: W/"7"`, false, 304},
		"GET none match, strong":          {"GET", path, "", `If-None-Match: "7"`, false, 304},
		"GET none match of several":       {"GET", path, "", `If-None-Match: W/"5", W/"7"`, false, 304},
		"GET none match any":              {"GET", path, "", "If-None-Match: *", false, 304},
		"GET none match another":          {"GET", path, "", `If-None-Match: W/"6"`, false, 200},
		"HEAD none match":                 {"HEAD", path, "", `If-None-Match: W/"7"`, false, 304},
		"GET match":                       {"GET", path, "", `If-Match: W/"7"`, false, 200},
		"GET match another":               {"GET", path, "", `If-Match: W/"6"`, false, 412},
		"GET of nobody":                   {"GET", "/Users/nobody", "", `If-None-Match: *`, false, 404},
		"GET without versions":            {"GET", path, "", `If-None-Match: W/"7"`, true, 200},
		"GET without versions, any":       {"GET", path, "", `If-None-Match: *`, true, 304},
		"PATCH match":                     {"PATCH", path, setTitle, `If-Match: W/"7"`, false, 200},
		"PATCH match any":                 {"PATCH", path, setTitle, `If-Match: *`, false, 200},
		"PATCH match another":             {"PATCH", path, setTitle, `If-Match: W/"6"`, false, 412},
		"PATCH without change":            {"PATCH", path, setName, `If-Match: W/"7"`, false, 200},
		"PATCH without change, another":   {"PATCH", path, setName, `If-Match: W/"6"`, false, 412},
		"PATCH none match":                {"PATCH", path, setTitle, `If-None-Match: W/"7"`, false, 412},
		"PATCH none match another":        {"PATCH", path, setTitle, `If-None-Match: W/"6"`, false, 200},
		"PATCH without versions":          {"PATCH", path, setTitle, `If-Match: W/"7"`, true, 412},
		"PATCH without versions, any":     {"PATCH", path, setTitle, `If-Match: *`, true, 200},
		"PATCH of nobody":                 {"PATCH", "/Users/nobody", setTitle, `If-Match: *`, false, 404},
		"PATCH of nobody, with a version": {"PATCH", "/Users/nobody", setTitle, `If-Match: W/"7"`, false, 404},
		"PATCH with nonsense":             {"PATCH", path, setTitle, `If-Match: W/"7`, false, 400},
		"PUT match":                       {"PUT", path, putAda, `If-Match: W/"7"`, false, 200},
		"PUT match another":               {"PUT", path, putAda, `If-Match: W/"6"`, false, 412},
		"DELETE match":                    {"DELETE", path, "", `If-Match: W/"7"`, false, 204},
		"DELETE match another":            {"DELETE", path, "", `If-Match: W/"6"`, false, 412},
		"DELETE of nobody":                {"DELETE", "/Users/nobody", "", `If-Match: *`, false, 404},
		"POST none match any":             {"POST", "/Users", `{"userName":"bob"}`, `If-None-Match: *`, false, 201},
	} {
		t.Run(name, func(t *testing.T) {
			s := holds()
			s.versionless = test.versionless
			s.entries[userID].version = 7
			h, _ := newHandler(t, s, nil)
			answer := ask(h, test.method, "/scim/v2"+test.path, test.body, test.header)
			if answer.Code != test.status {
				t.Fatalf("answered %d %s, want %d", answer.Code, answer.Body, test.status)
			}
			etag := answer.Header().Get("ETag")
			switch {
			case test.status == 304:
				if etag != `W/"7"` || answer.Body.Len() > 0 || answer.Header().Get("Content-Location") == "" {
					t.Errorf("answered %v %q", answer.Header(), answer.Body)
				}
			case test.status == 412:
				if !strings.Contains(answer.Body.String(), `"status":"412"`) || len(s.writes) > 0 {
					t.Errorf("answered %s, written %q", answer.Body, s.writes)
				}
			case test.status < 300 && test.method != "DELETE" && etag == "":
				t.Errorf("there is no ETag")
			}
			if isWritten, want := len(s.writes) > 0, test.status < 300 && !isRead(test.method) && test.body != setName; isWritten != want {
				t.Errorf("written %q", s.writes)
			}
		})
	}
}

// The version that was asked for goes on to the backend, that nobody may come in
// between; one that was not asked for does not.
func TestConditionIsTheBackends(t *testing.T) {
	for header, want := range map[string]string{
		`If-Match: W/"5", W/"1"`: " if version 1",
		`If-Match: *`:            "",
		`If-None-Match: W/"6"`:   "",
		`Accept: */*`:            "",
	} {
		s := holds()
		h, _ := newHandler(t, s, nil)
		ask(h, "PATCH", "/scim/v2/Users/"+userID, setTitle, header)
		ask(h, "DELETE", "/scim/v2/Users/"+userID, "", strings.ReplaceAll(header, `"1"`, `"2"`))
		same(t, header, s.writes, []string{"update User " + userID + " title" + want, "delete User " + userID + strings.ReplaceAll(want, "1", "2")})
	}
	s := holds()
	s.comparing = true
	s.before = func(translators.Intent) { s.entries[userID].version = 5 } // behind our back
	h, _ := newHandler(t, s, nil)
	answer := ask(h, "PATCH", "/scim/v2/Users/"+userID, setTitle, `If-Match: W/"1"`)
	if answer.Code != http.StatusPreconditionFailed || !strings.Contains(answer.Body.String(), "Read it again with GET") {
		t.Errorf("answered %d %s", answer.Code, answer.Body)
	}
}

// Nothing stops a disable, also no version (DESIGN §4 rule 3). What stands beside
// it is for the version that was asked for, and the answer says what was done.
func TestConditionStopsNoDisable(t *testing.T) {
	const offAndMore = `{"Operations":[{"op":"replace","path":"title","value":"x"},{"op":"replace","path":"active","value":"False"}]}`
	for name, test := range map[string]struct {
		method, body, header string
		status               int
		detail               string
		title                bool
	}{
		"alone":                     {"PATCH", disableAda, `If-Match: W/"6"`, 412, "The account was disabled all the same. The resource has not the version", false},
		"with more":                 {"PATCH", offAndMore, `If-Match: W/"6"`, 412, "The account was disabled. The rest of the request was not carried out: The resource has not", false},
		"by PUT":                    {"PUT", `{"userName":"ada","active":false,"title":"x"}`, `If-Match: W/"6"`, 412, "The account was disabled. The rest", false},
		"by DELETE":                 {"DELETE", "", `If-Match: W/"6"`, 412, "The account was disabled all the same.", false},
		"none match":                {"PATCH", disableAda, `If-None-Match: *`, 412, "The account was disabled all the same. The resource has a version", false},
		"nonsense":                  {"PATCH", disableAda, `If-Match: W/"6`, 400, "The account was disabled. The rest", false},
		"nonsense, by DELETE":       {"DELETE", "", `If-Match: W/"6`, 400, "The account was disabled all the same. If-Match is", false},
		"a DELETE for HTML":         {"DELETE", "", `Accept: text/html`, 204, "", false},
		"of the version":            {"PATCH", disableAda, `If-Match: W/"7"`, 200, "", false},
		"of the version, with more": {"PATCH", offAndMore, `If-Match: W/"7"`, 200, "", true},
		"of any, with more":         {"PATCH", offAndMore, `If-Match: *`, 200, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := holds()
			s.deletes = translators.DeleteDisable
			s.entries[userID].version = 7
			h, _ := newHandler(t, s, nil)
			answer := ask(h, test.method, "/scim/v2/Users/"+userID, test.body, test.header)
			if answer.Code != test.status || !strings.Contains(answer.Body.String(), test.detail) {
				t.Errorf("answered %d %s, want %d %s", answer.Code, answer.Body, test.status, test.detail)
			}
			if s.isActive(t, "ada") {
				t.Error("the account is active")
			}
			if _, hasTitle := title(s); hasTitle != test.title {
				t.Errorf("the title is there: %t", hasTitle)
			}
		})
	}
}

// What only deletes is held back by what is wrong with it, and so it is explained.
func TestConditionOfDelete(t *testing.T) {
	s := holds()
	h, _ := newHandler(t, s, nil)
	answer := ask(h, "DELETE", "/scim/v2/Users/"+userID, "", `If-Match: W/"6`)
	if answer.Code != 400 || s.named("ada") == nil {
		t.Errorf("answered %d %s, and left %v", answer.Code, answer.Body, s.named("ada"))
	}
	for _, deletes := range []translators.DeleteMode{translators.DeleteRemove, translators.DeleteDisable} {
		s.deletes = deletes
		h, _ := newHandler(t, s, nil)
		r := httptest.NewRequest("DELETE", "/scim/v2/Users/"+userID, nil)
		r.Header.Set("If-Match", `W/"6`)
		text, err := h.Explain(t.Context(), r, false)
		isPlanned := strings.Contains(text, "update User")
		if err == nil || !strings.Contains(err.Error(), "If-Match is") || isPlanned != (deletes == translators.DeleteDisable) || strings.Contains(text, "\ndelete User") {
			t.Errorf("delete %s is explained %q, %v", deletes, text, err)
		}
		got := sendBulk(t, h, 0, `{"method":"DELETE","path":"/Users/`+userID+`","version":"W/\"6"}`)
		same(t, "answered", got.statuses(), []string{"DELETE 400"})
		if user := s.named("ada"); user == nil || s.isActive(t, "ada") != (deletes == translators.DeleteRemove) {
			t.Errorf("delete %s in a Bulk left %v", deletes, user)
		}
	}
}

func title(s *store) (string, bool) {
	v := s.named("ada").resource.Get(users.Attribute("title"))
	return v.Text(), !v.IsAbsent()
}

// Between the disable and the rest nobody else may have written.
func TestConditionBehindDisable(t *testing.T) {
	s := holds()
	writes := 0
	s.before = func(translators.Intent) {
		if writes++; writes == 2 {
			s.entries[userID].version = 9 // behind our back
		}
	}
	s.comparing = true
	h, _ := newHandler(t, s, nil)
	answer := ask(h, "PATCH", "/scim/v2/Users/"+userID,
		`{"Operations":[{"op":"replace","path":"title","value":"x"},{"op":"replace","path":"active","value":"False"}]}`, `If-Match: W/"1"`)
	if _, hasTitle := title(s); answer.Code != 412 || hasTitle || s.isActive(t, "ada") {
		t.Errorf("answered %d %s", answer.Code, answer.Body)
	}
}

// A change of members alone asks for the version of the group when it has to, and
// for nothing else.
func TestConditionOfMembers(t *testing.T) {
	s := holds()
	s.entries["g"] = &stored{resource: scim.NewResource(groups), version: 3}
	s.entries["g"].resource.ID = "g"
	h, _ := newHandler(t, s, nil)
	const add = `{"Operations":[{"op":"add","path":"members","value":[{"value":"` + userID + `"}]}]}`
	if answer := ask(h, "PATCH", "/scim/v2/Groups/g", add); answer.Code != 204 || s.reads != 0 || answer.Header().Get("ETag") != `W/"4"` {
		t.Errorf("without condition: %d %v, %d reads", answer.Code, answer.Header(), s.reads)
	}
	if answer := ask(h, "PATCH", "/scim/v2/Groups/g", add, `If-Match: W/"3"`); answer.Code != 412 || len(s.writes) != 1 {
		t.Errorf("with another version: %d %s", answer.Code, answer.Body)
	}
	if answer := ask(h, "PATCH", "/scim/v2/Groups/g", add, `If-Match: W/"4"`); answer.Code != 204 || s.reads != 2 {
		t.Errorf("with its version: %d %s, %d reads", answer.Code, answer.Body, s.reads)
	}
	same(t, "written", s.writes[1:], []string{`update Group g add ["` + userID + `"] remove [] if version 4`})
}

// ServiceProviderConfig promises what all types keep.
func TestConditionIsAdvertised(t *testing.T) {
	for _, versionless := range []bool{false, true} {
		s := holds()
		s.versionless = versionless
		h, _ := newHandler(t, s, nil)
		want := map[bool]string{false: `"etag":{"supported":true}`, true: `"etag":{"supported":false}`}[versionless]
		if answer := ask(h, "GET", "/scim/v2/ServiceProviderConfig", ""); !strings.Contains(answer.Body.String(), want) {
			t.Errorf("answered %s", answer.Body)
		}
	}
}
