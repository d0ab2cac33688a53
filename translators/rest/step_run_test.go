package rest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/translators"
	"github.com/scimgate/scimgate/translators/rest/web"
)

// ran makes one call against an application.
func ran(t *testing.T, handle http.HandlerFunc, block, text string, with scope) (*answer, error) {
	t.Helper()
	tr, k := served(t, handle), testKind(t, block)
	s, err := testStep(t, k, text, CallDefaults{Item: "user"})
	if err != nil {
		t.Fatal(err)
	}
	with.kind = k
	return tr.run(context.Background(), s, &with)
}

// says answers so.
func says(status int, media, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", media)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestRun(t *testing.T) {
	fields := given(t, `login="ada"`, `password="hunter2!"|********`)
	create := func(status int, media, body string, header ...string) (*answer, error) {
		return ran(t, says(status, media, body, header...), blockUsers, "create POST /users", scope{fields: fields})
	}
	t.Run("create", func(t *testing.T) {
		var got string
		a, err := ran(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body)
			says(201, asJSON, `{"user":{"id":7,"api_key":"s3cret"}}`)(w, r)
		}, blockUsers, "create POST /users", scope{fields: fields})
		if err != nil || a.id != "7" || a.verdict != VerdictSuccess {
			t.Errorf("got %+v, %v", a, err)
		}
		if got != `POST /api/users application/json {"user":{"login":"ada","password":"hunter2!"}}` {
			t.Errorf("sent was %s", got)
		}
	})
	t.Run("create, a page", func(t *testing.T) {
		if _, err := create(200, asHTML, page); translators.KindOf(err) != translators.Indefinite {
			t.Errorf("got %v", err)
		}
	})
	t.Run("secrets are not told", func(t *testing.T) {
		a, err := create(422, asJSON, `{"error":"password hunter2! is too simple; key s3cret","api_key":"k-e-y"}`)
		e, _ := err.(*translators.Error)
		if e == nil || a == nil || e.Kind != translators.Invalid || e.Path != "password" {
			t.Fatalf("got %v", err)
		}
		if all := e.Detail + e.Err.Error() + a.text; strings.Contains(all, "hunter2!") || strings.Contains(all, "k-e-y") {
			t.Errorf("it tells %s", all)
		}
		if !strings.Contains(e.Detail, `"password *** is too simple; key s3cret"`) {
			t.Errorf("it says %s", e.Detail)
		}
	})
	t.Run("busy", func(t *testing.T) {
		_, err := create(429, asJSON, `{}`, "Retry-After", "7")
		e, _ := err.(*translators.Error)
		if e == nil || e.Kind != translators.Unavailable || e.RetryAfter != 7*time.Second {
			t.Errorf("got %#v", err)
		}
	})
	t.Run("cut", func(t *testing.T) {
		_, err := ran(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, blockUsers, "create POST /users", scope{fields: fields})
		if translators.KindOf(err) != translators.Indefinite {
			t.Errorf("a write: %v", err)
		}
		_, err = ran(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, blockUsers, "read GET /users/{id}", scope{id: "7"})
		if translators.KindOf(err) != translators.Unavailable {
			t.Errorf("a read: %v", err)
		}
	})
	t.Run("not due", func(t *testing.T) {
		a, err := ran(t, says(500, "", ""), blockUsers, "disable POST /users/{id} {\n when `id == \"8\"`\n}", scope{id: "7"})
		if a != nil || err != nil {
			t.Errorf("got %v, %v", a, err)
		}
	})
	t.Run("not to be sent", func(t *testing.T) {
		if _, err := ran(t, says(200, "", ""), blockUsers, "disable POST /users/{id}", scope{}); translators.KindOf(err) != translators.Invalid {
			t.Errorf("got %v", err)
		}
	})
	t.Run("read", func(t *testing.T) {
		a, err := ran(t, says(200, asJSON, `{"user":{"id":7}}`, "ETag", `"3"`), blockUsers, "read GET /users/{id}", scope{id: "7"})
		if err != nil || a.item.Raw != `{"id":7}` || a.header.Get("ETag") != `"3"` {
			t.Errorf("got %+v, %v", a, err)
		}
	})
	t.Run("read of nothing", func(t *testing.T) {
		if _, err := ran(t, says(200, asJSON, ""), blockUsers, "read GET /users/{id}", scope{id: "7"}); translators.KindOf(err) != translators.Unavailable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("unclear", func(t *testing.T) {
		a, err := ran(t, says(422, asJSON, `{"errors":["User is invalid"]}`), blockGroups, "add_member POST /groups/{id}/users {\n body json `{\"user_id\":{member.id}}`\n unclear 422\n}",
			scope{id: "5", member: &translators.Entry{Resource: ada(testKind(t, blockUsers))}})
		if translators.KindOf(err) != translators.Indefinite || a == nil || a.verdict != VerdictUnclear || a.text != "User is invalid" {
			t.Errorf("got %+v, %v", a, err)
		}
	})
}

// TestRunSignsInAgain: an answer that the configuration takes for signed out is one, whatever
// its status.
func TestRunSignsInAgain(t *testing.T) {
	requests := 0
	tr := served(t, func(w http.ResponseWriter, r *http.Request) {
		if requests++; r.Header.Get("X-Session") != "new" {
			says(200, asHTML, page)(w, r)
			return
		}
		says(200, asJSON, `{"id":7}`)(w, r)
	})
	s, err := testStep(t, testKind(t, blockUsers), "read GET /users/{id} {\n sign_in 200 \"<title>sign in\"\n}", CallDefaults{})
	if err != nil {
		t.Fatal(err)
	}
	signer := &renewing{session: "old"}
	tr.backend.client.UseSigner(signer)
	a, err := tr.run(context.Background(), s, &scope{id: "7"})
	if err != nil || a.item.Get("id").Int() != 7 || requests != 2 {
		t.Errorf("got %+v, %v after %d requests", a, err, requests)
	}
}

// renewing is a signer with a session that has to be renewed.
type renewing struct{ session string }

func (s *renewing) Sign(_ context.Context, r *http.Request, _ []byte) error {
	r.Header.Set("X-Session", s.session)
	return nil
}

func (s *renewing) Refused(context.Context, *http.Request) bool {
	s.session = "new"
	return true
}

// TestRunRepeatsWhatIsBusy: also where the configuration alone knows it, and writes only where
// they may be.
func TestRunRepeatsWhatIsBusy(t *testing.T) {
	for text, want := range map[string]int{
		"read GET /users/{id} {\n busy 500 locked\n}":                  2,
		"update PUT /users/{id} {\n busy 500 locked\n send changed\n}": 2,
		"read GET /users/{id}":                                         1,
	} {
		requests := 0
		tr := served(t, func(w http.ResponseWriter, r *http.Request) {
			if requests++; requests == 1 {
				says(500, asJSON, `{"error":"database is LOCKED"}`)(w, r)
				return
			}
			says(200, asJSON, `{"id":7}`)(w, r)
		})
		client, err := web.New(web.Config{Retries: 1}, tr.URL, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = client.Destruct() }()
		tr.backend.client = client
		s, err := testStep(t, testKind(t, blockUsers), text, CallDefaults{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = tr.run(context.Background(), s, &scope{id: "7", fields: given(t, `mail="x"`), record: gjson.Parse("{}")})
		if requests != want || (err == nil) != (want == 2) {
			t.Errorf("%s: %d requests, %v", text, requests, err)
		}
	}
}
