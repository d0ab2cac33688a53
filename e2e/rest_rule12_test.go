package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/internal/legacy"
)

func TestRestRule12AnUnknownOutcomeIsResolved(t *testing.T) {
	for _, shape := range []string{"plain", "xml", "put-by-name", "location"} {
		t.Run(shape, func(t *testing.T) {
			app := legacy.Start(t, map[string]legacy.Options{
				"plain": {}, "xml": {Wire: legacy.XML}, "put-by-name": {PutByName: true}, "location": {LocationOnly: true},
			}[shape])
			g := startRest(t, app, shape, restQuick...)
			for n, kind := range []legacy.FaultKind{legacy.CutAfter, legacy.ErrorAfter, legacy.Half, legacy.SlowAfter, legacy.CutBefore, legacy.ErrorBefore, legacy.Slow} {
				if isSlow := kind == legacy.Slow || kind == legacy.SlowAfter; isSlow && shape != "plain" && shape != "put-by-name" {
					continue // each waits 7 timeouts, for no answer, as with one that is cut
				}
				t.Run(string(kind), func(t *testing.T) { unknownOutcome(t, app, g, shape, n, kind) })
			}
		})
	}
}

func unknownOutcome(t *testing.T, app *legacy.App, g *gateway, shape string, n int, kind legacy.FaultKind) {
	isDone := kind == legacy.CutAfter || kind == legacy.ErrorAfter || kind == legacy.Half || kind == legacy.SlowAfter
	name := func(what string) string { return fmt.Sprintf("%s%d", what, n) }
	user := func(what string) string { return g.want(t, 201, "POST", "/Users", restUser(name(what))).get("id") }
	changed, leaver, deleted, member := user("changed"), user("leaver"), user("deleted"), user("member")
	group := g.want(t, 201, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": name("group")})).get("id")
	create, update := "users.create", "users.update"
	if shape == "put-by-name" {
		create, update = "users.put", "users.put"
	}
	for _, w := range []struct {
		name, op string
		request
		status, again int // when it is done, and when it is repeated then
		is            func() bool
	}{
		{"create", create, request{"POST", "/Users", restUser(name("created"))}, 201, 409, func() bool { return app.User(name("created")) != nil }},
		{"create a group", "groups.create", request{"POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": name("new")})}, 201, 409,
			func() bool { _, is := app.Members(name("new")); return is }},
		{"change", update, request{"PATCH", "/Users/" + changed, patchOf(operation("Replace", "title", "x"))}, 200, 200,
			func() bool { return app.User(name("changed"))["title"] == "x" }},
		{"disable", update, request{"PATCH", "/Users/" + leaver, disable}, 200, 200, func() bool { return app.User(name("leaver"))["status"] == "locked" }},
		{"delete", "users.delete", request{"DELETE", "/Users/" + deleted, ""}, 204, 404, func() bool { return app.User(name("deleted")) == nil }},
		{"add a member", "groups.add", request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(member)))}, 204, 204,
			func() bool {
				logins, _ := app.Members(name("group"))
				return strings.Join(logins, " ") == name("member")
			}},
		{"remove a member", "groups.remove", request{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(member)))}, 204, 204,
			func() bool { logins, _ := app.Members(name("group")); return len(logins) == 0 }},
	} {
		app.Fail(legacy.Fault{Kind: kind, Op: w.op, Times: 1, For: time.Minute})
		a := g.do(t, w.method, w.path, w.body)
		app.Mend()
		switch {
		case isDone && (a.Status != w.status || !w.is()):
			t.Errorf("%s, done: answered %s, and it is so: %v", w.name, a, w.is())
		case !isDone && a.Status == w.status && !w.is():
			t.Errorf("%s, not done: answered %s", w.name, a)
		case !isDone && a.Status != w.status:
			isFault(t, w.name, a)
			if w.is() {
				t.Errorf("%s: answered %s, and it is done", w.name, a)
			}
			if a := g.do(t, w.method, w.path, w.body); a.Status != w.status || !w.is() {
				t.Errorf("%s again: answered %s, and it is so: %v", w.name, a, w.is())
			}
		}
		if a := g.do(t, w.method, w.path, w.body); a.Status != w.again {
			t.Errorf("%s, when it is done: answered %s, want %d", w.name, a, w.again)
		}
	}
	if signIn(t, app, name("leaver"), passwordOf(name("leaver"))) {
		t.Error("the leaver can sign in")
	}
	count := 0
	for _, login := range app.Logins() {
		if login == name("created") {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d were created", count)
	}
}
