package e2e

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

// ops are the requests that an application was sent.
func ops(app *legacy.App) string {
	var all []string
	for _, r := range app.Requests() {
		all = append(all, r.Op)
	}
	return strings.Join(all, " ")
}

func TestRestRule05WorkIsProportionalToTheChange(t *testing.T) {
	app := legacy.Start(t, legacy.Options{Seed: 6000})
	g := startRest(t, app, "plain")
	g.isChecked(t)
	id, other, member := legacy.SeedID(17), legacy.SeedID(5500), legacy.SeedID(10)
	for _, step := range []struct {
		name string
		request
		status int
		ops    []string // any of them
	}{
		{"find", request{"GET", filterPath("/Users", `userName eq "`+legacy.SeedLogin(17)+`"`), ""}, 200, []string{"users.list"}},
		{"find nobody", request{"GET", filterPath("/Users", `userName eq "nobody"`), ""}, 200, []string{"users.list"}},
		{"read", request{"GET", "/Users/" + id, ""}, 200, []string{"users.read"}},
		{"disable", request{"PATCH", "/Users/" + id, disable}, 200, []string{"users.read users.update users.read"}},
		{"change", request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "x"))}, 200, []string{"users.read users.update users.read", "users.read users.update"}},
		{"create", request{"POST", "/Users", restUser("ada")}, 201, []string{"users.list users.create", "users.list users.create users.read"}},
		{"add a member", request{"PATCH", "/Groups/" + legacy.SeedGroup, patchOf(operation("Add", "members", members(other)))}, 204, []string{"groups.add", "users.read groups.add"}},
		{"remove a member", request{"PATCH", "/Groups/" + legacy.SeedGroup, patchOf(operation("Remove", "members", members(member)))}, 204, []string{"groups.remove"}},
		{"read a group without members", request{"GET", filterPath("/Groups", `displayName eq "Everybody"`) + "&excludedAttributes=members", ""}, 200, []string{"groups.list"}},
		{"delete", request{"DELETE", "/Users/" + id, ""}, 204, []string{"users.read users.delete", "users.delete", "users.read users.delete users.read"}},
	} {
		app.Forget()
		g.want(t, step.status, step.method, step.path, step.body)
		got := ops(app)
		if !strings.Contains("|"+strings.Join(step.ops, "|")+"|", "|"+got+"|") {
			t.Errorf("%s asks for %s, want %q", step.name, got, step.ops)
		}
		for _, r := range app.Requests() {
			if len(r.Body) > 600 {
				t.Errorf("%s sends %d bytes", step.name, len(r.Body))
			}
		}
	}
	if logins, _ := app.Members("Everybody"); len(logins) != 2999 { // 3000, and one in, and two out
		t.Errorf("there are %d members", len(logins))
	}
}
