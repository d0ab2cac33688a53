package e2e

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/redmine"
)

// tracker is a gateway before a real Redmine, which is looked at through its own API.
// There is one Redmine for all tests.
type tracker struct {
	*gateway
	app *redmine.Server
	way *redmine.Roadblock // between the two
}

// startTracker loads Caddy with testdata/rest/redmine.caddyfile.
func startTracker(t *testing.T, replace ...string) *tracker {
	t.Helper()
	app := redmine.Start(t)
	way := redmine.NewRoadblock(t, app.URL())
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(app.Log())
		}
	})
	return &tracker{startGateway(t, new(directory), setup{File: "rest/redmine.caddyfile", Redmine: app, Roadblock: way, Replace: replace}), app, way}
}

// redmine returns the Caddyfile with the files and addresses of this test.
func (g *gateway) redmine(t *testing.T, text string) string {
	t.Helper()
	dir := filepath.Dir(g.LogFile)
	for name, secret := range map[string]string{"entra": token, "redmine": g.setup.Redmine.Key()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return replaced(t, strings.ReplaceAll(text, "/etc/scimgate/", dir+"/"), append([]string{
		"scim.example.com {", "http://:" + g.port + " {\n\tbind 127.0.0.1",
		"https://redmine.example.com", g.setup.Roadblock.URL,
	}, g.setup.Replace...)...)
}

// ask asks Redmine itself.
func (r *tracker) ask(t *testing.T, want int, method, target, body string) gjson.Result {
	t.Helper()
	status, answer, err := r.app.Do(method, target, body)
	if err != nil || status != want {
		t.Fatalf("%s %s at Redmine: %d: %s: %v, want %d", method, target, status, answer, err, want)
	}
	return gjson.ParseBytes(answer)
}

// account returns what Redmine has of a login, its status and groups too.
func (r *tracker) account(t *testing.T, login string) gjson.Result {
	t.Helper()
	for _, row := range r.ask(t, 200, "GET", "/users.json?limit=100&status=&name="+url.QueryEscape(login), "").Get("users").Array() {
		if row.Get("login").Str == login {
			return r.ask(t, 200, "GET", "/users/"+row.Get("id").Raw+".json?include=groups", "").Get("user")
		}
	}
	return gjson.Result{}
}

// members returns the ids of a group's members as Redmine has them.
func (r *tracker) members(t *testing.T, group string) []string {
	t.Helper()
	var ids []string
	for _, id := range r.ask(t, 200, "GET", "/groups/"+group+".json?include=users", "").Get("group.users.#.id").Array() {
		ids = append(ids, id.Raw)
	}
	return ids
}

// trackerUser is the body that creates a user as Entra does.
func trackerUser(userName, mail string) string {
	return jsonOf(map[string]any{
		"schemas": []string{userSchema}, "userName": userName, "active": true, "password": passwordOf(userName),
		"name":   map[string]any{"givenName": "Ada", "familyName": "Lovelace"},
		"emails": []map[string]any{{"type": "work", "primary": true, "value": mail}},
	})
}

// add creates a user through the gateway.
func (r *tracker) add(t *testing.T, userName string) (id string) {
	t.Helper()
	return r.want(t, 201, "POST", "/Users", trackerUser(userName, userName+"@example.com")).get("id")
}

// lookUp returns the ids that a provider finds by userName.
func (r *tracker) lookUp(t *testing.T, userName string) []string {
	t.Helper()
	a := r.want(t, 200, "GET", "/Users?filter="+url.QueryEscape("userName eq "+strconv.Quote(userName)), "")
	var ids []string
	for _, id := range gjson.Get(a.Body, "Resources.#.id").Array() {
		ids = append(ids, id.Str)
	}
	if got := gjson.Get(a.Body, "totalResults").Int(); got != int64(len(ids)) {
		t.Errorf("looking up %s: totalResults %d, and %d resources", userName, got, len(ids))
	}
	return ids
}

// Redmine's search finds parts of logins, names and mail addresses: who is meant is the
// one whose whole login it is, in any case, on whichever page that stands.
func TestRedmineFindsWholeLogins(t *testing.T) {
	r := startTracker(t)
	ann := r.want(t, 201, "POST", "/Users", trackerUser("ann", "a.lovelace@example.com")).get("id")
	r.want(t, 201, "POST", "/Users", trackerUser("joanne", "ann@example.com"))
	r.want(t, 201, "POST", "/Users", trackerUser("b.turing", "ann.b@example.com"))
	for userName, want := range map[string][]string{"ann": {ann}, "ANN": {ann}, "an": nil, "nn": nil, "ann@example.com": nil, "Ada": nil, "Lovelace": nil} {
		if got := r.lookUp(t, userName); !slices.Equal(got, want) {
			t.Errorf("looking up %s finds %q, want %q", userName, got, want)
		}
	}
	// More than a page of others have it in their mail addresses, and stand before.
	r.app.Seed(t, 105)
	r.app.Exec(t, "UPDATE email_addresses SET address = 'zoe' || address WHERE address LIKE 'seed%'")
	zoe := r.add(t, "zoe")
	if got := r.lookUp(t, "zoe"); !slices.Equal(got, []string{zoe}) {
		t.Errorf("looking up zoe finds %q, want %s", got, zoe)
	}
	byMail := r.want(t, 200, "GET", "/Users?filter="+url.QueryEscape(`emails[type eq "work"].value eq "ann@example.com"`), "")
	if got := gjson.Get(byMail.Body, "Resources.#.userName").Raw; got != `["joanne"]` {
		t.Errorf("looking up a mail address finds %s", got)
	}
}

// A search that says nothing of the status hides the locked: a provider that heard "no
// such user" would create a second one.
func TestRedmineFindsTheLocked(t *testing.T) {
	r := startTracker(t)
	id := r.add(t, "ada")
	r.ask(t, 204, "PUT", "/users/"+id+".json", `{"user":{"status":3}}`)
	if hidden := r.ask(t, 200, "GET", "/users.json?name=ada", ""); hidden.Get("total_count").Int() != 0 {
		t.Fatalf("Redmine does not hide the locked any more: %s", hidden.Raw)
	}
	a := r.want(t, 200, "GET", "/Users?filter=userName+eq+%22ada%22", "")
	if gjson.Get(a.Body, "totalResults").Int() != 1 || gjson.Get(a.Body, "Resources.0.id").Str != id || gjson.Get(a.Body, "Resources.0.active").Raw != "false" {
		t.Errorf("the locked user is found as %s", a.Body)
	}
	if got := gjson.Get(r.want(t, 200, "GET", "/Users?count=100", "").Body, "Resources.#.id").Raw; !strings.Contains(got, strconv.Quote(id)) {
		t.Errorf("the locked user is not listed: %s", got)
	}
}

// A login or a mail address that is taken is a conflict, and changes nothing.
func TestRedmineTakenLogin(t *testing.T) {
	r := startTracker(t)
	r.add(t, "ada")
	grace := r.add(t, "grace")
	before := r.account(t, "ada").Raw
	for what, a := range map[string]answer{
		"the login":                r.do(t, "POST", "/Users", trackerUser("ada", "other@example.com")),
		"the login, in capitals":   r.do(t, "POST", "/Users", trackerUser("ADA", "other@example.com")),
		"the mail address":         r.do(t, "POST", "/Users", trackerUser("other", "ada@example.com")),
		"the login, by a renaming": r.do(t, "PATCH", "/Users/"+grace, patchOf(operation("Replace", "userName", "Ada"))),
	} {
		if a.Status != 409 || a.get("scimType") != "uniqueness" {
			t.Errorf("%s is taken: %d %s", what, a.Status, a.Body)
		}
	}
	if after := r.account(t, "ada").Raw; after != before {
		t.Errorf("ada was %s and is %s", before, after)
	}
	if r.account(t, "other").Exists() || !r.account(t, "grace").Exists() {
		t.Error("a refused write has changed something")
	}
}

// One who is a member already is told apart from somebody who is not there, although
// Redmine says the same of both.
func TestRedmineMembers(t *testing.T) {
	r := startTracker(t)
	ada, grace := r.add(t, "ada"), r.add(t, "grace")
	group := r.want(t, 201, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "engineers"})).get("id")
	member := func(op string, ids ...string) string {
		var values []map[string]any
		for _, id := range ids {
			values = append(values, map[string]any{"value": id})
		}
		return patchOf(operation(op, "members", values))
	}
	has := func(when string, want ...string) {
		t.Helper()
		if got := r.members(t, group); !slices.Equal(got, want) {
			t.Errorf("%s the members are %q, want %q", when, got, want)
		}
	}
	path := "/Groups/" + group
	isDone := func(when string, a answer) {
		t.Helper()
		if a.Status != 200 && a.Status != 204 {
			t.Errorf("%s: %d %s", when, a.Status, a.Body)
		}
	}
	isDone("adding", r.do(t, "PATCH", path, member("Add", ada)))
	isDone("adding one more", r.do(t, "PATCH", path, member("Add", ada, grace)))
	has("with one more", ada, grace)
	if a := r.do(t, "PATCH", path, member("Add", "99999")); a.Status < 400 || a.Status > 499 {
		t.Errorf("adding nobody: %d %s", a.Status, a.Body)
	}
	has("after nobody was added", ada, grace)
	isDone("removing", r.do(t, "PATCH", path, member("Remove", ada)))
	has("removed", grace)
	isDone("replacing", r.do(t, "PATCH", path, member("Replace", ada)))
	has("replaced", ada)
	isDone("renaming", r.do(t, "PATCH", path, patchOf(operation("Replace", "displayName", "Engineers & <co> \"x\""))))
	has("renamed", ada)
	if a := r.want(t, 200, "GET", path, ""); a.get("displayName") != `Engineers & <co> "x"` || gjson.Get(a.Body, "members.#.value").Raw != `["`+ada+`"]` {
		t.Errorf("the group is %s", a.Body)
	}
	if a := r.do(t, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": `engineers & <CO> "x"`})); a.Status != 409 {
		t.Errorf("the name is taken: %d %s", a.Status, a.Body)
	}
	r.want(t, 204, "DELETE", path, "")
	r.ask(t, http.StatusNotFound, "GET", "/groups/"+group+".json", "")
	r.want(t, 404, "GET", path, "")
}

// The administrator of whom the gateway has the key is protected.
func TestRedmineProtects(t *testing.T) {
	r := startTracker(t)
	admin := r.lookUp(t, redmine.AdminLogin)
	if len(admin) != 1 {
		t.Fatalf("the administrator is found as %q", admin)
	}
	if a := r.do(t, "PATCH", "/Users/"+admin[0], disable); a.Status != 403 {
		t.Errorf("disabling the administrator: %d %s", a.Status, a.Body)
	}
	if !r.app.CanSignIn(t, redmine.AdminLogin, redmine.AdminPassword) {
		t.Error("the administrator can't sign in any more")
	}
}
