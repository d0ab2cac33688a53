package e2e

import (
	"fmt"
	"sync"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

// TestRestMembersInUsersAtOnce: where groups are kept in the user, and the user is only
// written whole, nothing that comes at the same time is lost: neither one of the groups,
// nor a disable, which a record that was read before it would take back.
func TestRestMembersInUsersAtOnce(t *testing.T) {
	app := legacy.Start(t, legacy.Options{Groups: legacy.OnUsers, Update: legacy.PutOverlays})
	g := startRest(t, app, "groups-on-users", "update PATCH /users", "update PUT /users")
	user := g.want(t, 201, "POST", "/Users", restUser("ada")).get("id")
	const many = 12
	groups := make([]string, many)
	for i := range groups {
		groups[i] = g.want(t, 201, "POST", "/Groups", fmt.Sprintf(`{"schemas":[%q],"displayName":"Group %d"}`, groupSchema, i)).get("id")
	}
	var all sync.WaitGroup
	for _, group := range groups {
		all.Go(func() {
			g.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Add", "members", []map[string]string{{"value": user}})))
		})
	}
	all.Go(func() { g.want(t, 200, "PATCH", "/Users/"+user, disable) })
	all.Wait()
	a := g.want(t, 200, "GET", "/Users/"+user, "")
	if a.get("groups.#") != fmt.Sprint(many) {
		t.Errorf("%s groups of %d are left: %s", a.get("groups.#"), many, a)
	}
	if a.get("active") != "false" || signIn(t, app, "ada", passwordOf("ada")) {
		t.Errorf("the disabled account works: %s", a)
	}
}

// TestRestMembersTogetherAtOnce: where the members of a group are only written all
// together, nobody who comes at the same time as another is lost.
func TestRestMembersTogetherAtOnce(t *testing.T) {
	app := legacy.Start(t, legacy.Options{})
	g := startRest(t, app, "plain",
		"add_member POST /groups/{id}/members {\n\t\t\t\t\tbody json `{\"user_id\": {member.id}}`\n\t\t\t\t\talready 409\n\t\t\t\t}\n", "",
		"remove_member DELETE /groups/{id}/members/{member.id} {\n\t\t\t\t\talready 404 \"no such member\"\n\t\t\t\t}\n", "")
	group := g.want(t, 201, "POST", "/Groups", fmt.Sprintf(`{"schemas":[%q],"displayName":"All"}`, groupSchema)).get("id")
	const many = 12
	users := make([]string, many)
	for i := range users {
		users[i] = g.want(t, 201, "POST", "/Users", restUser(fmt.Sprintf("user%d", i))).get("id")
	}
	var all sync.WaitGroup
	for _, user := range users {
		all.Go(func() {
			g.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Add", "members", []map[string]string{{"value": user}})))
		})
	}
	all.Wait()
	if a := g.want(t, 200, "GET", "/Groups/"+group, ""); a.get("members.#") != fmt.Sprint(many) {
		t.Errorf("%s members of %d are left: %s", a.get("members.#"), many, a)
	}
}

// TestRestGroupsDeletedAtOnce: a group that is deleted is taken from its users first, one
// at a time with whatever else is written to them.
func TestRestGroupsDeletedAtOnce(t *testing.T) {
	app := legacy.Start(t, legacy.Options{Groups: legacy.OnUsers, Update: legacy.PutOverlays, NamesStay: true})
	g := startRest(t, app, "groups-on-users", "update PATCH /users", "update PUT /users")
	user := g.want(t, 201, "POST", "/Users", restUser("ada")).get("id")
	const many = 12
	groups := make([]string, many)
	for i := range groups {
		groups[i] = g.want(t, 201, "POST", "/Groups", fmt.Sprintf(`{"schemas":[%q],"displayName":"Group %d","members":[{"value":%q}]}`, groupSchema, i, user)).get("id")
	}
	var all sync.WaitGroup
	for _, group := range groups {
		all.Go(func() { g.want(t, 204, "DELETE", "/Groups/"+group, "") })
	}
	all.Go(func() { g.want(t, 200, "PATCH", "/Users/"+user, disable) })
	all.Wait()
	if a := g.want(t, 200, "GET", "/Users/"+user, ""); a.get("active") != "false" || signIn(t, app, "ada", passwordOf("ada")) {
		t.Errorf("the disabled account works: %s", a)
	}
	if left := (answer{Body: jsonOf(app.User("ada"))}).get("groups.#"); left != "0" {
		t.Errorf("the application has %s groups left of the user, want none", left)
	}
}
