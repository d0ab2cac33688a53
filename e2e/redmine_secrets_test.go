package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/redmine"
)

// Redmine tells the keys of accounts to whom may read them: they are secrets as the
// passwords are, and the gateway's own key.
func TestRedmineRule11SecretsAreOnlyInMemory(t *testing.T) {
	const first, next, short = "first-Jc90Ub-password", "next-Xe14Fa-password", "sh0rt!!"
	keepsConfig(t)
	r := startTracker(t, trackerOnce...)
	var told strings.Builder // what was answered
	do := func(status int, method, path, body string) answer {
		t.Helper()
		a := r.do(t, method, path, body)
		if status != 0 && a.Status != status {
			t.Errorf("%s %s: answered %s, want %d", method, path, a, status)
		}
		fmt.Fprintf(&told, "%v %s\n", a.Header, a.Body)
		return a
	}
	withPassword := func(login, password string) string {
		return strings.Replace(trackerUser(login, login+"@example.com"), passwordOf(login), password, 1)
	}
	password := func(value string) string { return patchOf(operation("Replace", "password", value)) }
	id := do(201, "POST", "/Users", withPassword("ada", first)).get("id")
	do(409, "POST", "/Users", withPassword("ada", first))
	do(400, "POST", "/Users", withPassword("short", short))
	do(200, "PATCH", "/Users/"+id, password(next))
	do(400, "PATCH", "/Users/"+id, password(short))
	do(200, "GET", "/Users", "")
	do(200, "GET", filterPath("/Users", `userName eq "ada"`), "")
	for n, fault := range []redmine.Fault{redmine.CutBefore, redmine.CutAfter, redmine.HalfAnswer} {
		r.way.Block(redmine.Block{Fault: fault})
		do(0, "PATCH", "/Users/"+id, password(next+"+"))
		do(0, "GET", "/Users/"+id, "")
		do(0, "POST", "/Users", withPassword(fmt.Sprint("other", n), first))
		r.way.Open()
	}
	r.reload(t, func(s *setup) { s.Replace = append(s.Replace, "base /scim/v2\n", "base /scim/v2\ndry_run\n") })
	do(503, "PATCH", "/Users/"+id, password(next))
	do(503, "POST", "/Users", withPassword("third", first))
	r.reload(t, func(s *setup) { s.Replace = s.Replace[:len(s.Replace)-2] }) // no dry run any more
	do(200, "PATCH", "/Users/"+id, disable)
	commands := r.tryCommands(t, tried{
		gateway: "redmine", address: r.way.URL, files: []string{"redmine"}, how: []string{"right", "wrong"},
		path: "/Users/" + id, change: operation("Replace", "name.familyName", "King"), password: next,
	})
	secrets := map[string]string{"the token": token, "the key": r.app.Key(), "the first password": first, "the next password": next, "the short password": short}
	for _, row := range r.ask(t, 200, "GET", "/users.json?status=", "").Get("users.#.login").Array() {
		key := r.account(t, row.Str).Get("api_key")
		if key.Type != gjson.String || key.Str == "" {
			t.Fatalf("Redmine does not tell the key of %s any more", row.Str)
		}
		secrets["the key of "+row.Str] = key.Str
	}
	r.tellsNone(t, secrets, redmine.AdminLogin, map[string]string{"what commands print": commands, "the answers": told.String()})
}
