package rest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

const sentMaps = "map userName login\nmap title title\nmap password pass\n"

// planned plans and carries out one change of a user, and returns what was written.
func planned(t *testing.T, tr *Translator, app *shelf, attribute, value string) (string, error) {
	t.Helper()
	plan, err := tr.Plan(t.Context(), setting(t, tr, "7", attribute, scim.String(value)))
	if err == nil {
		err = translators.Execute(t.Context(), plan).Err
	}
	return app.written(), err
}

// TestUpdateSendsWhatChanges: a change that no update call sends is refused, not answered
// with success while nothing happens.
func TestUpdateSendsWhatChanges(t *testing.T) {
	tests := map[string]struct{ update, changes, want string }{
		"a field by name":            {"update POST /users/{id} {\n body form `t={field.title?}`\n}", "title", "POST /users/7 t=new"},
		"not named":                  {"update POST /users/{id} {\n body form `t={field.title?}`\n}", "userName", ""},
		"all fields":                 {"update PATCH /users/{id}", "userName", `PATCH /users/7 {"login":"new"}`},
		"without it":                 {"update PATCH /users/{id} {\n without login\n}", "userName", ""},
		"a whole record without it":  {"update PUT /users/{id} {\n without login\n}", "userName", ""},
		"an attribute":               {"update POST /users/{id}?login={userName} {\n body none\n}", "userName", "POST /users/7?login=new "},
		"a value that sees fields":   {"value all `fields`\nupdate POST /users/{id} {\n body json `{\"a\": {all}}`\n}", "userName", `POST /users/7 {"a":{"login":"new"}}`},
		"a value that sees the id":   {"value all `id`\nupdate POST /users/{id} {\n body json `{\"a\": {all}}`\n}", "userName", ""},
		"a call that is not due":     {"update POST /users/{id}/a {\n body json `{\"t\": {title}}`\n}\nupdate POST /users/{id}/b {\n when `record.login == \"x\"`\n body json `{\"l\": {userName}}`\n}", "userName", ""},
		"only what changes":          {"update POST /users/{id} {\n send whole\n body form `l={field.login}&t={changed.title?}`\n}", "userName", "POST /users/7 l=new"},
		"only what changes, changed": {"update POST /users/{id} {\n send whole\n body form `l={field.login}&t={changed.title?}`\n}", "title", "POST /users/7 l=ada&t=new"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			app := newShelf(t, `{"id":"7","login":"ada","title":"old"}`)
			tr := provision(t, app.block(sentMaps+shelfCalls+tt.update))
			got, err := planned(t, tr, app, tt.changes, "new")
			if tt.want != "" {
				if err != nil || got != tt.want {
					t.Errorf("sent was %q, %v; want %q", got, err, tt.want)
				}
				return
			}
			e, _ := errors.AsType[*translators.Error](err)
			if e == nil || e.Kind != translators.Refused || e.Path != tt.changes || !strings.Contains(e.Detail, tt.changes) || got != "" {
				t.Errorf("sent was %q, %v", got, err)
			}
		})
	}
}

// TestUnsentIsWarnedOf when the Caddyfile is read.
func TestUnsentIsWarnedOf(t *testing.T) {
	app := newShelf(t, `{}`)
	tr := provision(t, app.block(sentMaps+shelfCalls+"update POST /users/{id} {\n body form `t={field.title?}`\n}\npassword POST /users/{id}/p {\n body form `p={password}`\n}"))
	gaps := strings.Join(tr.users.gaps(), "\n")
	if !strings.Contains(gaps, "no update call sends userName: ") {
		t.Errorf("it says %s", gaps)
	}
}

// TestChangedIsOfUpdate alone.
func TestChangedIsOfUpdate(t *testing.T) {
	users := testKind(t, blockUsers)
	for text, want := range map[string]string{
		"create POST /x {\n body form `t={changed.title?}`\n}":     "only update changes fields",
		"update POST /x/{id} {\n body form `t={changed.nose?}`\n}": "no attribute is mapped to nose",
	} {
		if _, err := testStep(t, users, text, CallDefaults{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// TestPasswordField: the call of password has the field that password is mapped to.
func TestPasswordField(t *testing.T) {
	app := newShelf(t, `{"id":"7","login":"ada","title":"old"}`)
	tr := provision(t, app.block(sentMaps+shelfCalls+"password POST /users/{id}/p {\n body form `p={field.pass}`\n}"))
	if got, err := planned(t, tr, app, "password", "s3same"); err != nil || got != "POST /users/7/p p=s3same" {
		t.Errorf("sent was %q, %v", got, err)
	}
}

// TestOtherValuesAreWarnedOf: a value that the application has cut, replaced or not taken
// is named in the log, by its path alone.
func TestOtherValuesAreWarnedOf(t *testing.T) {
	for name, tt := range map[string]struct {
		record string
		want   []any
	}{
		"as it was sent": {`{"id":"7","login":"ada","title":"Countess"}`, nil},
		"cut":            {`{"id":"7","login":"ada","title":"Count"}`, []any{"title"}},
		"not taken":      {`{"id":"7","login":"ada"}`, []any{"title"}},
	} {
		t.Run(name, func(t *testing.T) {
			app := newShelf(t, tt.record)
			tr := provision(t, app.block(sentMaps+shelfCalls+"create POST /users"))
			core, logs := observer.New(zap.WarnLevel)
			tr.logger = zap.New(core)
			r := scim.NewResource(tr.users.served.ResourceType)
			for attribute, value := range map[string]string{"userName": "ada", "title": "Countess", "password": "hunter2!"} {
				r.Set(r.Type.Attribute(attribute), scim.String(value))
			}
			if _, report := carry(t, tr, creation(r)); report.Err != nil {
				t.Fatal(report.Err)
			}
			var got []any
			for _, entry := range logs.All() {
				got, _ = entry.ContextMap()["attributes"].([]any)
				if text := entry.Message; strings.Contains(text, "Count") {
					t.Errorf("it tells %s", text)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
