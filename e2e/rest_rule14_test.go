package e2e

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

// Quirks of providers are taken, and what the application does not take is told in
// its own words.
func TestRestRule14NothingIsGuessed(t *testing.T) {
	app := legacy.Start(t, legacy.Options{})
	g := startRest(t, app, "plain")
	id, group := restFixture(t, app)
	for name, body := range map[string]string{
		"capitals and texts": patchOf(operation("Replace", "active", "False"), operation("ADD", "title", "x")),
		"dotted keys":        patchOf(operation("replace", "", map[string]any{"name.familyName": "x", "title": "y"})),
		"a filtered path":    patchOf(operation("Add", `emails[type eq "work"].value`, "x@example.com")),
		"a full path":        patchOf(operation("Replace", enterprise+":employeeNumber", "12")),
		"one of the value":   patchOf(operation("Replace", "userName", "Ada")),
	} {
		if a := g.do(t, "PATCH", "/Users/"+id, body); a.Status != 200 {
			t.Errorf("%s: answered %s", name, a)
		}
	}
	g.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Remove", "members", members(id))))
	for detail, body := range map[string]string{
		"title is too long (maximum is 255 characters)":   patchOf(operation("Replace", "title", strings.Repeat("x", 300))),
		"Password is too short (minimum is 8 characters)": patchOf(operation("Replace", "password", "Zq9")),
		"Login has characters that are not allowed":       patchOf(operation("Replace", "userName", `a"b`)),
	} {
		a := g.want(t, 400, "PATCH", "/Users/"+id, body)
		if !strings.Contains(a.get("detail"), detail) {
			t.Errorf("answered %s, without %q", a, detail)
		}
		isSCIMError(t, a)
	}
	if _, err := app.Add(map[string]any{"login": "grace"}, ""); err != nil {
		t.Fatal(err)
	}
	if a := g.want(t, 409, "PATCH", "/Users/"+id, patchOf(operation("Replace", "userName", "grace"))); a.get("scimType") != "uniqueness" {
		t.Errorf("answered %s", a)
	}
	app.Fail(legacy.Fault{Kind: legacy.Denied, Op: "users.update"})
	a := g.do(t, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", "z")))
	isSCIMError(t, a)
	if a.Status/100 == 2 || strings.Contains(a.Body, "you may not do this") {
		t.Errorf("what the application forbids is answered %s", a)
	}
}
