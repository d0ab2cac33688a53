package e2e

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

func TestRestRule08TheBackendIsTheTruth(t *testing.T) {
	app := legacy.Start(t, legacy.Options{})
	g := startRest(t, app, "plain")
	id := g.want(t, 201, "POST", "/Users", restUser("ada")).get("id")
	if err := app.Set("ada", map[string]any{"title": "changed behind our back", "status": "locked", "login": "ada.king"}); err != nil {
		t.Fatal(err)
	}
	a := g.want(t, 200, "GET", "/Users/"+id, "")
	if a.get("title") != "changed behind our back" || a.get("active") != "false" || a.get("userName") != "ada.king" {
		t.Errorf("read as %s", a)
	}
	for filter, want := range map[string]string{`userName eq "ada"`: "0", `userName eq "ada.king"`: "1"} {
		if a := g.want(t, 200, "GET", filterPath("/Users", filter), ""); a.get("totalResults") != want {
			t.Errorf("%s finds %s", filter, a)
		}
	}
	if _, err := app.Add(map[string]any{"login": "grace"}, ""); err != nil {
		t.Fatal(err)
	}
	if a := g.want(t, 200, "GET", "/Users", ""); a.get("totalResults") != "2" {
		t.Errorf("the list is %s", a)
	}
	// Two of a name, as some applications allow, are an error that names both.
	twins := legacy.Start(t, legacy.Options{})
	g = startRest(t, twins, "plain", "map userName login", "map userName mail", "map `emails[type eq \"work\"].value` mail", "map nickName login",
		"search GET /users?login={userName}", "search GET /users?mail={userName}", "search GET `/users?mail={emails[type eq \"work\"].value}`", "")
	for _, login := range []string{"ada.one", "ada.two"} {
		if _, err := twins.Add(map[string]any{"login": login, "mail": "ada@example.com"}, ""); err != nil {
			t.Fatal(err)
		}
	}
	twin := g.do(t, "GET", filterPath("/Users", `userName eq "ada@example.com"`), "")
	if twin.Status < 400 || !strings.Contains(twin.Body, "11") || !strings.Contains(twin.Body, "12") {
		t.Errorf("two of a name are answered %s", twin)
	}
	isSCIMError(t, twin)
}
