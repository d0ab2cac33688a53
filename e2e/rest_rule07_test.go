package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

func TestRestRule07TheIDIsTheBackendsOwn(t *testing.T) {
	app := legacy.Start(t, legacy.Options{})
	g := startRest(t, app, "plain")
	id := g.want(t, 201, "POST", "/Users", restUser("ada")).get("id")
	if fmt.Sprint(app.User("ada")["id"]) != id {
		t.Errorf("the application calls it %v, we %s", app.User("ada")["id"], id)
	}
	for _, name := range []string{"ada.king", "ada.lovelace", "ADA.Lovelace"} {
		if a := g.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "userName", name))); a.get("id") != id || a.get("userName") != name {
			t.Errorf("renamed to %s", a)
		}
	}

	app = legacy.Start(t, legacy.Options{PutByName: true})
	g = startRest(t, app, "put-by-name")
	id = g.want(t, 201, "POST", "/Users", restUser("ada")).get("id")
	a := g.want(t, 403, "PATCH", "/Users/"+id, patchOf(operation("Replace", "userName", "ada.king")))
	if id != "ada" || a.get("detail") == "" || strings.Join(app.Logins(), " ") != "ada" {
		t.Errorf("%s is answered %s, and there are %q", id, a, app.Logins())
	}
}
