package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

func TestRestRule06WhatCameComesBack(t *testing.T) {
	t.Run("values", func(t *testing.T) {
		for _, shape := range []string{"plain", "form", "xml", "soap", "rpc", "mail-list"} {
			t.Run(shape, func(t *testing.T) {
				i := slices.IndexFunc(restShapes, func(s restShape) bool { return s.name == shape })
				app := legacy.Start(t, restShapes[i].options)
				g := startRest(t, app, shape)
				id := g.want(t, 201, "POST", "/Users", restUser("ada")).get("id")
				for _, value := range []string{
					"x", "0", "true", "null", "  between  ", "a&b=c", "<b>&amp;</b>", `"quoted" \ back`, "{id} {{ {env.HOME} {password}", "line\nbreak",
					"Zoë 中文 🙂", "]]>", "%41%00", "a+b c", "'; DROP TABLE users; --", "{\"id\":1}", "[]", strings.Repeat("long ", 50),
				} {
					a := g.do(t, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", value)))
					read := g.want(t, 200, "GET", "/Users/"+id, "")
					switch {
					case a.Status == 200 && read.get("title") != value:
						t.Errorf("%q came back as %q", value, read.get("title"))
					case a.Status != 200 && a.Status != 400:
						t.Errorf("%q is answered %s", value, a)
					}
					if a.Status == 400 {
						t.Errorf("%q is refused: %s", value, a)
					}
				}
			})
		}
	})
	t.Run("what can't come back is refused", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{JoinedNames: true})
		g := startRest(t, app, "joined-names")
		id := g.want(t, 201, "POST", "/Users", restUser("ada")).get("id")
		g.want(t, 400, "PATCH", "/Users/"+id, patchOf(operation("Replace", "name.givenName", "Ada Augusta of Lovelace"), operation("Remove", "name.familyName", nil)))
		if a := g.want(t, 200, "GET", "/Users/"+id, ""); a.get("name.givenName") != "Zoë" {
			t.Errorf("read as %s", a)
		}
	})
	t.Run("what is not mapped is not claimed", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{})
		g := startRest(t, app, "plain")
		id := g.want(t, 201, "POST", "/Users", strings.Replace(restUser("ada"), `"title"`, `"nickName":"Addie","shoeSize":44,"title"`, 1)).get("id")
		if a := g.want(t, 200, "GET", "/Users/"+id, ""); a.get("nickName") != "" || a.get("shoeSize") != "" || a.get("theme") != "" {
			t.Errorf("read as %s", a)
		}
		if schemas := g.want(t, 200, "GET", "/Schemas", ""); strings.Contains(schemas.Body, `"nickName"`) || !strings.Contains(schemas.Body, `"title"`) {
			t.Errorf("the schemas are %s", schemas)
		}
		g.want(t, 400, "GET", filterPath("/Users", `nickName eq "Addie"`), "")
		g.want(t, 400, "GET", filterPath("/Users", `theme eq "light"`), "")
	})
	t.Run("what the application has for itself stays", func(t *testing.T) {
		for shape, update := range map[string]legacy.Update{"put-etag": legacy.PutETag, "put-version": legacy.PutVersion} {
			app := legacy.Start(t, legacy.Options{Update: update})
			g := startRest(t, app, shape)
			id := g.want(t, 201, "POST", "/Users", restUser("ada")).get("id")
			if err := app.Set("ada", map[string]any{"theme": "dark", "notices": false}); err != nil {
				t.Fatal(err)
			}
			g.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", "x")))
			g.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Remove", "title", nil)))
			g.want(t, 200, "PATCH", "/Users/"+id, disable)
			if user := app.User("ada"); user["theme"] != "dark" || user["notices"] != false || user["title"] != nil && user["title"] != "" {
				t.Errorf("%s: the user is %v", shape, user)
			}
		}
	})
}
