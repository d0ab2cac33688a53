package e2e

import (
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/internal/postgres"
)

// A whole record, sent and not answered, reaches the application behind the disable, with
// the account active as it was read. The disable is not called proven, and made again as
// soon as that is seen: by the gateway that has disabled, also where another has written.
func TestRestALateWriteUndoesNoDisable(t *testing.T) {
	for name, groups := range map[string]bool{"of the user": false, "of a group that is in the user": true} {
		t.Run(name, func(t *testing.T) {
			app := legacy.Start(t, legacy.Options{Update: legacy.PutOverlays, Groups: legacy.OnUsers})
			g := startRest(t, app, "groups-on-users", "update PATCH /users", "update PUT /users")
			id := g.want(t, 201, "POST", "/Users", restUser("ada")).get("id")
			crowd := g.want(t, 201, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "crowd"})).get("id")
			app.Fail(legacy.Fault{Kind: legacy.Late, Op: "users.update", Times: 1})
			// It is repeated, and that is answered.
			if groups {
				g.want(t, 204, "PATCH", "/Groups/"+crowd, patchOf(operation("Add", "members", members(id))))
			} else {
				g.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", "Dr")))
			}
			disabledAndUndone(t, app, g.want(t, 200, "PATCH", "/Users/"+id, disable))
		})
	}
	t.Run("of another gateway", func(t *testing.T) {
		server := postgres.Start(t)
		app := legacy.Start(t, legacy.Options{Update: legacy.PutOverlays})
		dsn := server.Database(t)
		var both [2]*mortal
		for i := range both {
			both[i] = newMortal(t, new(directory), dsn, setup{File: "rest/plain.caddyfile", Application: app, Replace: []string{"update PATCH /users", "update PUT /users"}})
			both[i].start(t)
		}
		id := both[0].want(t, 201, "POST", "/Users", restUser("ada")).get("id")
		app.Fail(legacy.Fault{Kind: legacy.Late, Op: "users.update", Times: 1})
		both[0].want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", "Dr")))
		disabledAndUndone(t, app, both[1].want(t, 200, "PATCH", "/Users/"+id, disable))
	})
}

// disabledAndUndone lets the late write come behind a disable.
func disabledAndUndone(t *testing.T, app *legacy.App, a answer) {
	t.Helper()
	if a.get("active") != "false" || app.User("ada")["status"] != "locked" {
		t.Errorf("the disable is answered %s", a)
	}
	if proof := a.Header.Get("Scimgate-Proof"); proof != "unprovable" {
		t.Errorf("the proof is %q", proof)
	}
	app.CarryOutLate()
	if app.User("ada")["status"] != "active" {
		t.Fatal("the late write has undone nothing")
	}
	waitFor(t, "the account is disabled again", func() bool { return app.User("ada")["status"] == "locked" })
}
