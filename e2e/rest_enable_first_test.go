package e2e

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

// TestRestEnableFirst: who comes back to an application that changes nothing of a locked
// account is unlocked first, and what is refused then is answered with what was done. Who
// stays locked is never unlocked.
func TestRestEnableFirst(t *testing.T) {
	app := legacy.Start(t, legacy.Options{LockedStay: true})
	g := startRest(t, app, "enable-first")
	id, _ := restFixture(t, app)
	on := operation("Replace", "active", "True")
	title := func(text string) map[string]any { return operation("Replace", "title", text) }
	const done = "The account was enabled. The rest of the request was not carried out: "
	isLocked := func() bool { return app.User("ada")["status"] == "locked" }

	for name, test := range map[string]struct {
		with     map[string]any
		status   int
		isLocked bool // in the end
		words    string
	}{
		"taken":                           {title("Duchess"), 200, false, ""},
		"refused by the application":      {title(strings.Repeat("x", 300)), 400, false, "Title is too long"},
		"refused before anything is sent": {operation("Replace", enterprise+":employeeNumber", "007"), 400, true, "employeeNumber"},
		"one that can't be read":          {operation("Replace", `emails[type eq "work"`, "x"), 400, true, ""},
		"a name that somebody else has":   {operation("Replace", "userName", "grace"), 409, false, ""},
	} {
		if app.User("grace") == nil {
			if _, err := app.Add(map[string]any{"login": "grace"}, "grace-password"); err != nil {
				t.Fatal(err)
			}
		}
		g.want(t, 200, "PATCH", "/Users/"+id, disable)
		app.Forget()
		a := g.do(t, "PATCH", "/Users/"+id, patchOf(test.with, on))
		if a.Status != test.status || isLocked() != test.isLocked {
			t.Errorf("%s: answered %s, locked: %v", name, a, isLocked())
		}
		isTold := strings.HasPrefix(a.get("detail"), done)
		if wanted := a.Status != 200 && !test.isLocked; isTold != wanted || !strings.Contains(strings.ToLower(a.get("detail")), strings.ToLower(test.words)) {
			t.Errorf("%s: answered %s", name, a)
		}
		if test.isLocked && len(app.Writes()) > 0 {
			t.Errorf("%s: written was %+v", name, app.Writes())
		}
	}

	g.want(t, 200, "PATCH", "/Users/"+id, disable)
	app.Forget()
	if a := g.want(t, 400, "PATCH", "/Users/"+id, patchOf(title("Queen"))); !strings.Contains(a.get("detail"), "the account is locked") {
		t.Errorf("answered %s", a)
	}
	if writes := app.Writes(); len(writes) != 1 || !isLocked() {
		t.Errorf("written was %+v", writes)
	}
	// A disable is alone and first, as everywhere; the rest is refused by the application.
	g.want(t, 200, "PATCH", "/Users/"+id, enable)
	a := g.want(t, 400, "PATCH", "/Users/"+id, patchOf(title("Queen"), operation("Replace", "active", "False")))
	if !strings.HasPrefix(a.get("detail"), "The account was disabled.") || !isLocked() {
		t.Errorf("answered %s", a)
	}
	// PUT is the same, and each part is in the journal, with what became of it.
	back := strings.Replace(restUser("ada"), `"Countess"`, `"`+strings.Repeat("x", 300)+`"`, 1)
	if a := g.want(t, 400, "PUT", "/Users/"+id, back); !strings.HasPrefix(a.get("detail"), done) || isLocked() {
		t.Errorf("answered %s", a)
	}
	waitFor(t, "the outcomes", func() bool { return len(g.openIntents(t)) == 0 })
	lines := g.journal(t)
	var results []string
	for _, line := range lines {
		if line.Kind != "intent" {
			results = append(results, line.Result)
		}
	}
	if n := len(results); n < 2 || results[n-2] != "applied" || results[n-1] != "not applied" {
		t.Errorf("the results are %q", results)
	}
}

// TestRestEnableFirstRehearsed: a rehearsal shows both parts, and does neither.
func TestRestEnableFirstRehearsed(t *testing.T) {
	app := legacy.Start(t, legacy.Options{LockedStay: true})
	id, _ := restFixture(t, app)
	if err := app.Set("ada", map[string]any{"status": "locked"}); err != nil {
		t.Fatal(err)
	}
	g := startRest(t, app, "enable-first", "base /scim/v2\n", "base /scim/v2\ndry_run\n")
	g.want(t, 503, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", "Duchess"), operation("Replace", "active", "True")))
	plans := g.logged(t, "dry run: this plan was not carried out")
	if len(plans) != 1 || len(app.Writes()) > 0 {
		t.Fatalf("%d plans, written was %+v", len(plans), app.Writes())
	}
	text := plans[0].Get("plan").String()
	if first, second, has := strings.Cut(text, "# change the account"); !has || !strings.Contains(first, `{"status":"active"}`) || !strings.Contains(second, `{"title":"Duchess"}`) {
		t.Errorf("the plan is\n%s", text)
	}
}
