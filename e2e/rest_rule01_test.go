package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/scimgate/scimgate/internal/legacy"
)

// restFixture adds Ada, with a password, and a group to an application.
func restFixture(t *testing.T, app *legacy.App) (id, group string) {
	t.Helper()
	id, err := app.Add(map[string]any{"login": "ada", "first_name": "Ada", "title": "Analyst", "mail": "ada@example.com"}, passwordOf("ada"))
	if err != nil {
		t.Fatal(err)
	}
	if group, err = app.AddGroup("Engineering", id); err != nil {
		t.Fatal(err)
	}
	return id, group
}

// restQuick makes a gateway notice soon that no answer comes, and try often.
var restQuick = []string{"\t\t\tusers {\n", "\t\t\ttimeout 1s\nretries off\nbreaker off\nusers {\n"}

// restReads are the reads of users that need the application.
func restReads(id string) map[string]request {
	return map[string]request{
		"find":        {"GET", filterPath("/Users", `userName eq "ada"`), ""},
		"find nobody": {"GET", filterPath("/Users", `userName eq "nobody"`), ""},
		"find and":    {"GET", filterPath("/Users", `userName eq "ada" and active eq true`), ""},
		"read":        {"GET", "/Users/" + id, ""},
		"list":        {"GET", "/Users", ""},
		"count":       {"GET", "/Users?count=0", ""},
		"create":      {"POST", "/Users", restUser("fresh")},
		"patch":       {"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "Countess"))},
		"disable":     {"PATCH", "/Users/" + id, disable},
	}
}

func TestRestRule01AFaultIsNeverAbsence(t *testing.T) {
	t.Run("of every request", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{})
		g := startRest(t, app, "plain", restQuick...)
		id, group := restFixture(t, app)
		elsewhere := legacy.Start(t, legacy.Options{})
		requests := restReads(id)
		requests["read group"] = request{"GET", "/Groups/" + group, ""}
		requests["find group"] = request{"GET", filterPath("/Groups", `displayName eq "Engineering"`), ""}
		requests["add a member"] = request{"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(id)))}
		for _, fault := range []legacy.Fault{
			{Kind: legacy.Slow, For: time.Minute},
			{Kind: legacy.TooMany, For: 7 * time.Second},
			{Kind: legacy.ErrorBefore},
			{Kind: legacy.CutBefore},
			{Kind: legacy.HTML, Status: 404},
			{Kind: legacy.HTML, Status: 502},
			{Kind: legacy.LoginPage},
			{Kind: legacy.Redirect, Location: elsewhere.URL + "/users"},
			{Kind: legacy.Redirect, Location: "/nowhere"},
		} {
			t.Run(fmt.Sprint(fault.Kind, fault.Status, fault.Location == "/nowhere"), func(t *testing.T) {
				app.Fail(fault)
				for name, a := range g.sendAll(t, requests) {
					isFault(t, name, a)
				}
				app.Mend()
				g.restIsWell(t, id)
				if logins := app.Logins(); len(logins) != 1 {
					t.Errorf("there are %q", logins)
				}
			})
		}
		if asked := elsewhere.Requests(); len(asked) > 0 {
			t.Errorf("another host was asked: %+v", asked)
		}
	})
	t.Run("of what is read", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{Seed: 220})
		g := startRest(t, app, "plain", restQuick...)
		requests := restReads(legacy.SeedID(3))
		for _, name := range []string{"create", "patch", "disable"} {
			delete(requests, name)
		}
		for _, kind := range []legacy.FaultKind{legacy.Half, legacy.Broken, legacy.Huge, legacy.NoAnswer, legacy.ErrorAfter, legacy.CutAfter} {
			t.Run(string(kind), func(t *testing.T) {
				app.Fail(legacy.Fault{Kind: kind})
				defer app.Mend()
				for name, a := range g.sendAll(t, requests) {
					isFault(t, name, a)
				}
			})
		}
		t.Run("lists", func(t *testing.T) {
			for _, kind := range []legacy.FaultKind{legacy.RepeatedPage, legacy.LyingTotal} {
				app.Fail(legacy.Fault{Kind: kind, Op: "users.list"})
				isFault(t, string(kind), g.do(t, "GET", "/Users", ""))
				app.Mend()
			}
			app.Fail(legacy.Fault{Kind: legacy.LyingTotal, Op: "users.list"})
			isFault(t, "a total that lies", g.do(t, "GET", filterPath("/Users", `userName eq "nobody"`), ""))
			app.Mend()
			for skip := range 3 {
				app.Fail(legacy.Fault{Kind: legacy.ErrorBefore, Op: "users.list", Skip: skip})
				isFault(t, fmt.Sprintf("page %d fails", skip), g.do(t, "GET", "/Users", ""))
				app.Mend()
			}
			if a := g.want(t, 200, "GET", "/Users", ""); a.get("totalResults") != "220" {
				t.Errorf("the list is %s", a)
			}
		})
	})
	t.Run("a next page elsewhere", func(t *testing.T) {
		elsewhere := legacy.Start(t, legacy.Options{})
		app := legacy.Start(t, legacy.Options{Paging: legacy.ByURL, Seed: 5})
		g := startRest(t, app, "page-url", restQuick...)
		for _, location := range []string{elsewhere.URL + "/users", "//" + elsewhere.URL[len("http://"):] + "/users", "ftp://x/y"} {
			app.Fail(legacy.Fault{Kind: legacy.NextElsewhere, Location: location})
			isFault(t, location, g.do(t, "GET", "/Users", ""))
			isFault(t, location, g.do(t, "GET", filterPath("/Users", `userName eq "nobody"`), ""))
			app.Mend()
		}
		if asked := elsewhere.Requests(); len(asked) > 0 {
			t.Errorf("another host was asked: %+v", asked)
		}
	})
	t.Run("a bound", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{Seed: 60, Search: legacy.NoSearch})
		g := startRest(t, app, "no-search", "candidates 5000", "candidates 50")
		a := g.want(t, 400, "GET", filterPath("/Users", `userName eq "nobody"`), "")
		if a.get("scimType") != "tooMany" {
			t.Errorf("answered %s", a)
		}
		isSCIMError(t, a)
	})
	t.Run("the wrong key", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{})
		g := startRest(t, app, "plain", append([]string{"auth header X-Api-Key {file.", "auth header X-Api-Key wrong-{file."}, restQuick...)...)
		for name, a := range g.sendAll(t, restReads("11")) {
			isFault(t, name, a)
		}
	})
	t.Run("nobody is there", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{})
		address := app.URL
		app.URL = "http://127.0.0.1:" + freePort(t)
		g := startRest(t, app, "plain", restQuick...)
		app.URL = address
		for name, a := range g.sendAll(t, restReads("11")) {
			isFault(t, name, a)
		}
	})
}

// restIsWell checks that the gateway answers what is true.
func (g *gateway) restIsWell(t *testing.T, id string) {
	t.Helper()
	waitFor(t, "the gateway to find Ada again", func() bool {
		a, err := g.send("GET", filterPath("/Users", `userName eq "ada"`), "")
		return err == nil && a.Status == 200 && a.get("Resources.0.id") == id
	})
	if a := g.want(t, 200, "GET", filterPath("/Users", `userName eq "nobody"`), ""); a.get("totalResults") != "0" {
		t.Errorf("searching nobody: %s", a)
	}
	g.want(t, 404, "GET", "/Users/4712", "")
}
