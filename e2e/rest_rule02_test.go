package e2e

import (
	"slices"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

func TestRestRule02ADisableIsProven(t *testing.T) {
	t.Run("in force", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{})
		g := startRest(t, app, "plain")
		id, _ := restFixture(t, app)
		put := func(active any) string {
			return jsonOf(map[string]any{"schemas": []string{userSchema}, "id": id, "userName": "ada", "active": active})
		}
		for name, ways := range map[string][2]string{
			"PATCH": {disable, enable},
			"Okta":  {patchOf(operation("replace", "", map[string]any{"active": false})), patchOf(operation("replace", "", map[string]any{"active": true}))},
			"PUT":   {put(false), put("True")},
		} {
			method := "PATCH"
			if name == "PUT" {
				method = "PUT"
			}
			app.Forget()
			if a := g.want(t, 200, method, "/Users/"+id, ways[0]); a.get("active") != "false" {
				t.Errorf("%s: answered %s", name, a)
			}
			if signIn(t, app, "ada", passwordOf("ada")) {
				t.Errorf("%s: Ada can sign in", name)
			}
			// What was written was read back.
			requests := app.Requests()
			if last := requests[len(requests)-1]; last.Op != "users.read" {
				t.Errorf("%s: the last request is %s", name, last.Op)
			}
			g.want(t, 200, method, "/Users/"+id, ways[1])
			if !signIn(t, app, "ada", passwordOf("ada")) {
				t.Errorf("%s: Ada can't sign in", name)
			}
		}
		if proofs := g.proofs(t); !slices.Contains(proofs, "proven") {
			t.Errorf("the proofs are %q", proofs)
		}
	})
	t.Run("not in force", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{DeafToLocks: true})
		g := startRest(t, app, "plain")
		id, _ := restFixture(t, app)
		a := g.do(t, "PATCH", "/Users/"+id, disable)
		if a.Status < 500 {
			t.Errorf("answered %s although Ada can still sign in", a)
		}
		isSCIMError(t, a)
		if !signIn(t, app, "ada", passwordOf("ada")) {
			t.Fatal("the application is not deaf")
		}
		if a := g.want(t, 200, "GET", "/Users/"+id, ""); a.get("active") != "true" {
			t.Errorf("the user is %s", a)
		}
		if proofs := g.proofs(t); slices.Contains(proofs, "proven") {
			t.Errorf("the proofs are %q", proofs)
		}
	})
	t.Run("read back late", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{LagReads: 3})
		g := startRest(t, app, "lag")
		id, err := app.Add(map[string]any{"login": "ada"}, passwordOf("ada"))
		if err != nil {
			t.Fatal(err)
		}
		if a := g.want(t, 200, "PATCH", "/Users/"+id, disable); a.get("active") != "false" {
			t.Errorf("answered %s", a)
		}
		if proofs := g.proofs(t); !slices.Contains(proofs, "proven") {
			t.Errorf("the proofs are %q", proofs)
		}
	})
	t.Run("reading back fails", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{})
		g := startRest(t, app, "plain", restQuick...)
		id, _ := restFixture(t, app)
		app.Fail(legacy.Fault{Kind: legacy.HTML, Status: 404, Op: "users.read", Skip: 1})
		isFault(t, "a proof that is not read", g.do(t, "PATCH", "/Users/"+id, disable))
		app.Mend()
		g.want(t, 200, "PATCH", "/Users/"+id, disable)
		if signIn(t, app, "ada", passwordOf("ada")) {
			t.Error("Ada can sign in")
		}
	})
	t.Run("where nobody can tell", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{SilentOnStatus: true, Status: legacy.ByCall})
		g := startRest(t, app, "silent")
		id, _ := restFixture(t, app)
		g.want(t, 200, "PATCH", "/Users/"+id, disable)
		if signIn(t, app, "ada", passwordOf("ada")) {
			t.Error("Ada can sign in")
		}
		if proofs := g.proofs(t); slices.Contains(proofs, "proven") || !slices.Contains(proofs, "unprovable") {
			t.Errorf("the proofs are %q", proofs)
		}
	})
}
