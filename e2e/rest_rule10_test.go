package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
)

// hostile are texts that mean something somewhere.
var hostile = []string{
	"../groups", "..", ".", "a/b", "a?status=all", "a&status=all", "a#b", "a%2Fb", "a%00", "a;b", "a b", "a+b", "a\"b", "a'b", `a\b`, "a\nX-Api-Key: x", "a\r\nb",
	"{env.SCIMGATE_DEMO_TOKEN}", "{file./etc/passwd}", "{secret.app}", "{id}", "{{id}}", "{userName}", "a{", "}", `","status":"active`, "<x>&y;", "]]>", "*", "(uid=*)", "é中🙂", "http://192.0.2.1/x", "//192.0.2.1/x", "@all", "#",
}

func TestRestRule10EverythingIsData(t *testing.T) {
	app := legacy.Start(t, legacy.Options{})
	g := startRest(t, app, "plain")
	id, group := restFixture(t, app)
	t.Run("in the query", func(t *testing.T) {
		for _, text := range hostile {
			app.Forget()
			a := g.do(t, "GET", filterPath("/Users", "userName eq "+quoted(text)), "")
			if a.Status != 200 && a.Status != 400 || a.Status == 200 && a.get("totalResults") != "0" {
				t.Errorf("%q: answered %s", text, a)
			}
			for _, r := range app.Requests() {
				asked, err := url.Parse(r.URL)
				if err != nil || asked.Path != "/users" || asked.Query().Get("login") != text || asked.Query().Has("status") || r.Header.Get("X-Api-Key") != legacy.Key {
					t.Errorf("%q is asked for with %s %v", text, r.URL, err)
				}
			}
		}
	})
	t.Run("in the path", func(t *testing.T) {
		for _, text := range hostile {
			app.Forget()
			segment := url.PathEscape(text)
			if strings.Trim(text, ".") == "" {
				segment = strings.ReplaceAll(text, ".", "%2E")
			}
			for _, r := range []request{
				{"GET", "/Users/" + segment, ""}, {"PATCH", "/Users/" + segment, disable}, {"DELETE", "/Users/" + segment, ""},
			} {
				a := g.do(t, r.method, r.path, r.body)
				if a.Status != 404 && a.Status != 400 && a.Status/100 != 3 {
					t.Errorf("%s %s: answered %s", r.method, r.path, a)
				}
			}
			for _, r := range app.Requests() {
				if r.Op != "users.read" && r.Op != "users.update" && r.Op != "users.delete" || r.ID != text || r.Status != 404 {
					t.Errorf("%q became %s %s (%s), answered %d", text, r.Method, r.URL, r.Op, r.Status)
				}
			}
		}
		for _, text := range hostile {
			app.Forget()
			a := g.do(t, "PATCH", "/Groups/"+group, patchOf(operation("Remove", "members", members(text))))
			if a.Status/100 == 5 {
				t.Errorf("removing the member %q: answered %s", text, a)
			}
			for _, r := range app.Requests() {
				if r.Op == "groups.delete" || r.Op == "groups.set" || r.Op == "" {
					t.Errorf("removing the member %q became %s %s", text, r.Method, r.URL)
				}
			}
		}
		if logins, ok := app.Members("Engineering"); !ok || strings.Join(logins, " ") != "ada" {
			t.Errorf("the members are %q, %v", logins, ok)
		}
	})
	t.Run("in the body", func(t *testing.T) {
		for _, text := range hostile {
			a := g.do(t, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", text), operation("Replace", "name.familyName", text)))
			user := app.User("ada")
			if a.Status != 200 || user["title"] != text || user["last_name"] != text || user["status"] != "active" {
				t.Errorf("%q: answered %s, and the application has %v", text, a, user)
			}
			app.Forget()
			a = g.do(t, "PATCH", "/Groups/"+group, patchOf(operation("Add", "members", members(text))))
			if a.Status/100 != 4 {
				t.Errorf("adding the member %q: answered %s", text, a)
			}
		}
	})
	t.Run("of the application", func(t *testing.T) {
		// What is read is data too: none of it is evaluated, followed or shown raw.
		if err := app.Set("ada", map[string]any{"title": "{env.SCIMGATE_DEMO_TOKEN}<script>", "last_name": "{file./etc/passwd}"}); err != nil {
			t.Fatal(err)
		}
		a := g.want(t, 200, "GET", "/Users/"+id, "")
		if a.get("title") != "{env.SCIMGATE_DEMO_TOKEN}<script>" || a.get("name.familyName") != "{file./etc/passwd}" {
			t.Errorf("read as %s", a)
		}
		// The application's own words are one line, without control characters.
		a = g.want(t, 400, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", strings.Repeat("x", 300))))
		if !strings.Contains(a.get("detail"), "title is too long") || strings.ContainsAny(a.get("detail"), "\n\r\x00") {
			t.Errorf("answered %s", a)
		}
	})
	t.Run("in XML", func(t *testing.T) {
		app := legacy.Start(t, legacy.Options{Wire: legacy.SOAP})
		g := startRest(t, app, "soap")
		id := g.want(t, 201, "POST", "/Users", restUser("ada")).get("id")
		for _, text := range hostile {
			a := g.do(t, "GET", filterPath("/Users", "userName eq "+quoted(text)), "")
			if a.Status != 200 && a.Status != 400 || a.Status == 200 && a.get("totalResults") != "0" {
				t.Errorf("%q: answered %s", text, a)
			}
		}
		for _, text := range []string{"</m:title><m:status>locked</m:status><m:title>", "&lt;&xxe;", "<![CDATA[x]]>", "<!--"} {
			g.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "title", text)))
			if user := app.User("ada"); user["title"] != text || user["status"] != "active" {
				t.Errorf("%q became %v", text, user)
			}
		}
	})
}
