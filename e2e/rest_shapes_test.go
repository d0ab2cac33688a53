package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/internal/legacy"
)

// restShape is a shape of application, and what of it differs for those who speak
// SCIM.
type restShape struct {
	name    string // of the Caddyfile
	options legacy.Options
	without []string // of name, title, number, mail, rename, groups, group writes, password
	groups  []string // that are there always: displayName, and what the application calls it
}

func (s restShape) has(what string) bool { return !slices.Contains(s.without, what) }

// restShapes are all shapes.
var restShapes = []restShape{
	{name: "plain"},
	{name: "form", options: legacy.Options{Wire: legacy.Form, Nested: true}},
	{name: "xml", options: legacy.Options{Wire: legacy.XML}},
	{name: "soap", options: legacy.Options{Wire: legacy.SOAP}},
	{name: "rpc", options: legacy.Options{Wire: legacy.RPC, SignIn: legacy.ByLogin, TokenUses: 20}},
	{name: "graphql", options: legacy.Options{Wire: legacy.GraphQL, Paging: legacy.ByCursor}},
	{name: "page-number", options: legacy.Options{Paging: legacy.ByNumber}},
	{name: "page-cursor", options: legacy.Options{Paging: legacy.ByCursor}},
	{name: "page-link", options: legacy.Options{Paging: legacy.ByLink}},
	{name: "page-url", options: legacy.Options{Paging: legacy.ByURL}},
	{name: "substring", options: legacy.Options{Search: legacy.Substring, BriefRows: true}},
	{name: "no-search", options: legacy.Options{Search: legacy.NoSearch}},
	{name: "exact-case", options: legacy.Options{Search: legacy.Exact}},
	{name: "put-by-name", options: legacy.Options{PutByName: true}, without: []string{"rename"}},
	{name: "errors-in-200", options: legacy.Options{ErrorsIn200: true}},
	{name: "sentences", options: legacy.Options{Sentences: true}},
	{name: "location", options: legacy.Options{LocationOnly: true}},
	{name: "location-pattern", options: legacy.Options{LocationOnly: true}},
	{name: "groups-on-users", options: legacy.Options{Groups: legacy.OnUsers}},
	{name: "roles", options: legacy.Options{Groups: legacy.Roles}, without: []string{"group writes"}},
	{name: "no-groups", options: legacy.Options{Groups: legacy.NoGroups}, without: []string{"groups"}},
	{name: "vague-members", options: legacy.Options{VagueMembers: true}},
	{name: "steps", options: legacy.Options{InSteps: true}},
	{name: "put-etag", options: legacy.Options{Update: legacy.PutETag}},
	{name: "put-version", options: legacy.Options{Update: legacy.PutVersion}},
	{name: "sign-in-basic", options: legacy.Options{SignIn: legacy.ByBasic}, without: []string{"groups"}},
	{name: "sign-in-query-key", options: legacy.Options{SignIn: legacy.ByQuery}, without: []string{"groups"}},
	{name: "sign-in-session", options: legacy.Options{SignIn: legacy.ByLogin, TokenUses: 20}, without: []string{"groups"}},
	{name: "sign-in-cookie", options: legacy.Options{SignIn: legacy.ByCookie, TokenUses: 20}, without: []string{"groups"}},
	{name: "sign-in-oauth", options: legacy.Options{SignIn: legacy.ByOAuth, TokenUses: 20}, without: []string{"groups"}},
	{name: "sign-in-hmac", options: legacy.Options{SignIn: legacy.ByHMAC}, without: []string{"groups"}},
	{name: "inverted", options: legacy.Options{Status: legacy.Inverted}},
	{name: "enumeration", options: legacy.Options{Status: legacy.Number}},
	{name: "letters", options: legacy.Options{Status: legacy.YesNo}},
	{name: "lock-calls", options: legacy.Options{Status: legacy.ByCall}},
	{name: "mails", options: legacy.Options{Mails: true}},
	{name: "mail-list", options: legacy.Options{Mails: true}},
	{name: "joined-names", options: legacy.Options{JoinedNames: true}},
	{name: "unix-times", options: legacy.Options{UnixTimes: true, TextNumbers: true}},
	{name: "latin1", options: legacy.Options{Latin1: true}},
	{name: "retires", options: legacy.Options{Retires: true}},
	{name: "enable-first", options: legacy.Options{LockedStay: true}},
	{name: "lag", options: legacy.Options{LagReads: 2}},
}

// TestRestShapes takes one account through its life before each shape of application.
func TestRestShapes(t *testing.T) {
	for _, s := range restShapes {
		t.Run(s.name, func(t *testing.T) {
			app := legacy.Start(t, s.options)
			g := startRest(t, app, s.name)
			life{t, s, app, g}.live()
		})
	}
}

// life is the life of an account.
type life struct {
	*testing.T
	shape restShape
	app   *legacy.App
	*gateway
}

// finds checks that exactly this id, or nobody, is found.
func (l life) finds(filter, id string) {
	l.Helper()
	a := l.want(l.T, 200, "GET", filterPath("/Users", filter), "")
	want := "1"
	if id == "" {
		want = "0"
	}
	if a.get("totalResults") != want || a.get("Resources.0.id") != id {
		l.Errorf("%s finds %s, want the id %q", filter, a, id)
	}
}

// holds checks what the application has, as JSON.
func (l life) holds(login, path, want string) {
	l.Helper()
	if got := (answer{Body: jsonOf(l.app.User(login))}).get(path); got != want {
		l.Errorf("the application has %s %q of %s, want %q", path, got, login, want)
	}
}

func (l life) canSignIn(login, password string, want bool) {
	l.Helper()
	if got := signIn(l.T, l.app, login, password); got != want {
		l.Errorf("%s can sign in: %v, want %v", login, got, want)
	}
}

// reads checks what a user is to those who speak SCIM.
func (l life) reads(id string, pairs ...string) {
	l.Helper()
	a := l.want(l.T, 200, "GET", "/Users/"+id, "")
	for i := 0; i < len(pairs); i += 2 {
		if got := a.get(pairs[i]); got != pairs[i+1] {
			l.Errorf("%s is %q, want %q: %s", pairs[i], got, pairs[i+1], a)
		}
	}
}

func (l life) live() {
	t, s := l.T, l.shape
	l.finds(`userName eq "ada"`, "")
	// The login of another one, and a mail address, have that of Ada in them.
	other := l.want(t, 201, "POST", "/Users", restUser("ada.other")).get("id")
	l.finds(`userName eq "ada"`, "")
	created := l.want(t, 201, "POST", "/Users", restUser("ada"))
	id := created.get("id")
	if created.get("userName") != "ada" || created.get("active") != "true" || id == "" || id == other {
		t.Fatalf("created as %s", created)
	}
	if created.get("password") != "" {
		t.Errorf("the password is told: %s", created)
	}
	l.canSignIn("ada", passwordOf("ada"), true)
	if again := l.want(t, 409, "POST", "/Users", restUser("ada")); again.get("scimType") != "uniqueness" {
		t.Errorf("the second Ada is answered %s", again)
	}
	l.canSignIn("ada", passwordOf("ada"), true)
	l.finds(`userName eq "ada"`, id)
	l.finds(`userName eq "ADA"`, id)
	l.finds(`userName eq "ada.other"`, other)
	l.finds(`userName eq "ad"`, "")
	l.finds(`userName eq "ada" and active eq false`, "")
	l.reads(id, "userName", "ada", "name.givenName", "Zoë", "name.familyName", "Ångström-<&>", "title", "Countess", "active", "true",
		`emails.#(type=="work").value`, "ada@example.com", strings.ReplaceAll(enterprise, ".", `\.`)+".employeeNumber", "4711")
	if list := l.want(t, 200, "GET", "/Users", ""); list.get("totalResults") != "2" || list.get("Resources.#") != "2" {
		t.Errorf("the list is %s", list)
	}
	if created, err := time.Parse(time.RFC3339, l.want(t, 200, "GET", "/Users/"+id, "").get("meta.created")); s.name != "substring" && s.name != "rpc" &&
		(err != nil || time.Since(created).Abs() > 10*time.Minute) {
		t.Errorf("created %v: %v", created, err)
	}

	// What the application has for itself stays.
	if err := l.app.Set("ada", map[string]any{"theme": "dark", "notices": false}); err != nil {
		t.Fatal(err)
	}
	l.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", "Königin & \"Engine\" {id} {env.HOME}"), operation("Replace", "name.familyName", "Lovelace")))
	l.reads(id, "title", "Königin & \"Engine\" {id} {env.HOME}", "name.familyName", "Lovelace", "name.givenName", "Zoë")
	l.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Remove", "title", nil)))
	l.reads(id, "title", "", "name.familyName", "Lovelace")
	login := "ada"
	if s.has("rename") {
		login = "ada.king"
		renamed := l.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "userName", login)))
		if renamed.get("id") != id || renamed.get("userName") != login {
			t.Errorf("renamed to %s", renamed)
		}
		l.finds(`userName eq "ada"`, "")
		if taken := l.want(t, 409, "PATCH", "/Users/"+id, patchOf(operation("Replace", "userName", "ada.other"))); taken.get("scimType") != "uniqueness" {
			t.Errorf("a taken name is answered %s", taken)
		}
	} else {
		l.want(t, 403, "PATCH", "/Users/"+id, patchOf(operation("Replace", "userName", "ada.king")))
	}
	l.finds(fmt.Sprintf("userName eq %q", login), id)
	l.canSignIn(login, passwordOf("ada"), true)

	for range 2 {
		disabled := l.want(t, 200, "PATCH", "/Users/"+id, disable)
		if disabled.get("active") != "false" {
			t.Errorf("disabled is %s", disabled)
		}
		l.canSignIn(login, passwordOf("ada"), false)
	}
	l.finds(fmt.Sprintf("userName eq %q", login), id)
	l.finds(fmt.Sprintf("userName eq %q and active eq false", login), id)
	l.reads(id, "active", "false", "name.familyName", "Lovelace")
	// Who comes back may have another title.
	back := l.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", "Duchess"), operation("Replace", "active", "True")))
	if back.get("active") != "true" || back.get("title") != "Duchess" {
		t.Errorf("enabled as %s", back)
	}
	l.canSignIn(login, passwordOf("ada"), true)
	l.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password", "another-Password-9")))
	l.canSignIn(login, "another-Password-9", true)
	l.canSignIn(login, passwordOf("ada"), false)
	l.holds(login, "theme", "dark")
	l.holds(login, "notices", "false")

	switch {
	case !s.has("groups"):
		if list := l.want(t, 200, "GET", "/Groups", ""); list.get("totalResults") != "0" {
			t.Errorf("the groups are %s", list)
		}
	case !s.has("group writes"):
		l.groups(id, login, l.groupID(t, "Agents"), "agent")
		l.want(t, 200, "GET", "/Groups", "")
	default:
		group := l.want(t, 201, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "Analysts & <Engines>"})).get("id")
		if taken := l.want(t, 409, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "Analysts & <Engines>"})); taken.get("scimType") != "uniqueness" {
			t.Errorf("the second group is answered %s", taken)
		}
		l.groups(id, login, l.groupID(t, "Analysts & <Engines>"), "Analysts & <Engines>")
		l.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Replace", "displayName", "People")))
		l.hasMembers("People", group, login, id)
		l.want(t, 204, "DELETE", "/Groups/"+group, "")
		l.want(t, 404, "GET", "/Groups/"+group, "")
	}

	l.want(t, 204, "DELETE", "/Users/"+id, "")
	l.want(t, 404, "GET", "/Users/"+id, "")
	l.want(t, 404, "PATCH", "/Users/"+id, disable)
	l.want(t, 404, "DELETE", "/Users/"+id, "")
	l.finds(fmt.Sprintf("userName eq %q", login), "")
	if list := l.want(t, 200, "GET", "/Users", ""); list.get("totalResults") != "1" || list.get("Resources.#") != "1" {
		t.Errorf("the list is %s", list)
	}
	if logins := l.app.Logins(); !slices.Equal(logins, []string{"ada.other"}) {
		t.Errorf("left are %q", logins)
	}
	l.reads(other, "userName", "ada.other", "active", "true")
}

// groups puts users into a group and takes them out. In the end one is in it.
func (l life) groups(id, login, group, name string) {
	l.Helper()
	t := l.T
	for range 2 {
		l.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Add", "members", members(id))))
		l.hasMembers(name, group, login, id)
	}
	if a := l.want(t, 200, "GET", filterPath("/Groups", fmt.Sprintf("id eq %q and members eq %q", group, id)), ""); a.get("totalResults") != "1" {
		t.Errorf("asked whether %s is a member: %s", login, a)
	}
	for range 2 {
		l.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Remove", "members", members(id))))
		l.hasMembers(name, group, "", "")
	}
	l.want(t, 400, "PATCH", "/Groups/"+group, patchOf(operation("Add", "members", members("4712"))))
	l.hasMembers(name, group, "", "")
	l.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Replace", "members", members(id))))
	l.hasMembers(name, group, login, id)
}

// hasMembers checks that a group has one member, or none.
func (l life) hasMembers(name, group, login, id string) {
	l.Helper()
	logins, ok := l.app.Members(name)
	if !ok || strings.Join(logins, " ") != login {
		l.Errorf("the application has the members %q, want %q", logins, login)
	}
	a := l.want(l.T, 200, "GET", "/Groups/"+group, "")
	if a.get("members.0.value") != id || a.get("members.1.value") != "" {
		l.Errorf("the group is %s, want the member %q", a, id)
	}
}
