package e2e

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

func TestRestRule15ARehearsalNeverLies(t *testing.T) {
	app := legacy.Start(t, legacy.Options{InSteps: true})
	id, err := app.Add(map[string]any{"login": "ada", "title": "Analyst"}, passwordOf("ada"))
	if err != nil {
		t.Fatal(err)
	}
	g := startRest(t, app, "steps", "base /scim/v2\n", "base /scim/v2\ndry_run\n")
	for name, w := range map[string]struct {
		request
		plan []string // parts of it, in this order
	}{
		"create":         {request{"POST", "/Users", restUser("fresh")}, []string{"POST /users", `"login":"fresh"`, "PUT /users/{1.id}/role", `"role":"agent"`, "POST /staff"}},
		"change":         {request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "Countess"))}, []string{"PATCH /users/" + id, `"title":"Countess"`}},
		"disable":        {request{"PATCH", "/Users/" + id, disable}, []string{"PATCH /users/" + id, `"status":"locked"`}},
		"password":       {request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "password", "another-Password-9"))}, []string{"PATCH /users/" + id, `"password":`}},
		"delete":         {request{"DELETE", "/Users/" + id, ""}, []string{"DELETE /staff/" + id, "DELETE /users/" + id}},
		"create a group": {request{"POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "New"})}, []string{"POST /groups", `"name":"New"`}},
	} {
		logged := len(g.logged(t, "dry run: this plan was not carried out"))
		a := g.do(t, w.method, w.path, w.body)
		isFault(t, name, a)
		if a.Status != 503 || !strings.Contains(a.get("detail"), "dry run") {
			t.Errorf("%s: answered %s", name, a)
		}
		plans := g.logged(t, "dry run: this plan was not carried out")
		if len(plans) != logged+1 {
			t.Errorf("%s: %d plans are logged, want one", name, len(plans)-logged)
			continue
		}
		text := plans[logged].Get("plan").String()
		if strings.Contains(text, legacy.Key) || strings.Contains(text, "another-Password-9") {
			t.Errorf("%s: the plan tells a secret: %s", name, text)
		}
		rest := strings.NewReplacer(`": `, `":`, app.URL, "").Replace(text)
		for _, part := range w.plan {
			_, behind, found := strings.Cut(rest, part)
			if !found {
				t.Errorf("%s: the plan has no %q: %s", name, part, text)
			}
			rest = behind
		}
	}
	if writes := app.Writes(); len(writes) > 0 {
		t.Errorf("written: %+v", writes)
	}
	if !strings.Contains(strings.Join(app.Logins(), " "), "ada") || len(app.Logins()) != 1 {
		t.Errorf("there are %q", app.Logins())
	}
	if lines := g.journal(t); len(lines) != 0 {
		t.Errorf("the journal has %v", lines)
	}
}
