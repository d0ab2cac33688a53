package e2e

import (
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

func TestRestRule04TwiceIsOnce(t *testing.T) {
	for _, options := range []legacy.Options{{}, {VagueMembers: true}} {
		shape := "plain"
		if options.VagueMembers {
			shape = "vague-members"
		}
		t.Run(shape, func(t *testing.T) {
			app := legacy.Start(t, options)
			g := startRest(t, app, shape)
			id, group := restFixture(t, app)
			other, err := app.Add(map[string]any{"login": "grace"}, "")
			if err != nil {
				t.Fatal(err)
			}
			put := jsonOf(map[string]any{"schemas": []string{userSchema}, "userName": "ada", "title": "Countess", "active": false})
			for _, r := range []request{
				{"PATCH", "/Users/" + id, disable},
				{"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "Countess"))},
				{"PUT", "/Users/" + id, put},
				{"PATCH", "/Users/" + id, enable},
				{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(other)))},
				{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(other)))},
				{"PATCH", "/Groups/" + group, patchOf(operation("Replace", "members", members(id, other)))},
				{"PATCH", "/Groups/" + group, patchOf(operation("Replace", "displayName", "Engines"))},
			} {
				first := g.do(t, r.method, r.path, r.body)
				user, _ := app.Members("Engines")
				before := jsonOf(map[string]any{"user": app.User("ada"), "members": user})
				second := g.do(t, r.method, r.path, r.body)
				if first.Status/100 != 2 || second.Status != first.Status {
					t.Errorf("%s %s: %s, then %s", r.path, r.body, first, second)
				}
				user, _ = app.Members("Engines")
				if after := jsonOf(map[string]any{"user": app.User("ada"), "members": user}); after != before {
					t.Errorf("%s %s: %s became %s", r.path, r.body, before, after)
				}
			}
			// What is known to be so is not written again.
			app.Forget()
			g.want(t, 200, "PATCH", "/Users/"+id, enable)
			g.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", "Countess")))
			if writes := app.Writes(); len(writes) > 0 {
				t.Errorf("written again: %+v", writes)
			}
			if a := g.want(t, 409, "POST", "/Users", restUser("ada")); a.get("scimType") != "uniqueness" {
				t.Errorf("answered %s", a)
			}
			g.want(t, 204, "DELETE", "/Users/"+id, "")
			g.want(t, 404, "DELETE", "/Users/"+id, "")
			g.want(t, 404, "PATCH", "/Users/"+id, enable)
		})
	}
}
