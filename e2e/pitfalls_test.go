package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// TestPitfalls goes through what implementers of RFC 7643, 7644 and 9865
// commonly get wrong, over HTTP. Where scimgate does otherwise on purpose,
// docs/divergences.md says so, and the test holds it to that.
func TestPitfalls(t *testing.T) { eachDirectory(t, pitfalls) }

func pitfalls(t *testing.T, d *directory) {
	g := startGateway(t, d, setup{})
	ada, grace, group := g.id(t, "Ada.Lovelace"), g.id(t, "Grace.Hopper"), g.groupID(t, "Engineering")
	user := func(t *testing.T) string { return "/Users/" + g.create(t, "pitfall."+fmt.Sprint(nextNumber())) }
	p := pitfall{g: g}

	t.Run("1 Location and meta.location of a 201", func(t *testing.T) {
		a := g.want(t, 201, "POST", "/Users", userBody("pitfall.one"))
		want := g.URL + "/Users/" + a.get("id")
		if got := a.Header.Get("Location"); got != want || a.get("meta.location") != want {
			t.Errorf("Location %q, meta.location %q, want %q", got, a.get("meta.location"), want)
		}
	})
	t.Run("2 a duplicate, and the name of who was deleted", func(t *testing.T) {
		id := g.create(t, "pitfall.two")
		p.refused(t, 409, uniqueness, "POST", "/Users", userBody("PITFALL.two"))
		g.want(t, 204, "DELETE", "/Users/"+id, "")
		for _, method := range []string{"GET", "DELETE"} {
			p.refused(t, 404, "", method, "/Users/"+id, "")
		}
		p.refused(t, 404, "", "PATCH", "/Users/"+id, disable)
		p.refused(t, 404, "", "PUT", "/Users/"+id, userBody("pitfall.two"))
		g.want(t, 201, "POST", "/Users", userBody("pitfall.two"))
	})
	t.Run("3 no match is an empty list", func(t *testing.T) {
		a := g.want(t, 200, "GET", filterPath("/Users", `userName eq "nobody"`), "")
		if a.get("totalResults") != "0" || !gjson.Get(a.Body, "Resources").IsArray() {
			t.Errorf("%s", a)
		}
	})
	t.Run("4 startIndex and count out of range", func(t *testing.T) {
		total := g.want(t, 200, "GET", "/Users", "").get("totalResults")
		for query, want := range map[string]string{
			"startIndex=-3&count=1": "1 1", "startIndex=0&count=1": "1 1", "count=-1": "1 0", "count=0": "1 0",
		} {
			a := g.want(t, 200, "GET", "/Users?"+query, "")
			if got := a.get("startIndex") + " " + a.get("Resources.#"); got != want || a.get("totalResults") != total {
				t.Errorf("%s: startIndex and resources %s, want %s; total %s of %s", query, got, want, a.get("totalResults"), total)
			}
		}
	})
	t.Run("5 itemsPerPage is what was returned", func(t *testing.T) {
		a := g.want(t, 200, "GET", "/Users?startIndex=2&count=1000", "")
		for _, name := range []string{"startIndex", "itemsPerPage", "totalResults"} {
			if gjson.Get(a.Body, name).Type != gjson.Number {
				t.Errorf("%s is no number: %s", name, a)
			}
		}
		if a.get("itemsPerPage") != a.get("Resources.#") {
			t.Errorf("itemsPerPage %s for %s resources", a.get("itemsPerPage"), a.get("Resources.#"))
		}
	})
	t.Run("6 unknown parameters", func(t *testing.T) {
		g.want(t, 200, "GET", "/Users?aadOptscim062020&unknown=1&count=1", "")
		g.want(t, 200, "GET", "/Users?", "")
	})
	t.Run("7 a filter that can't be read", func(t *testing.T) {
		for _, filter := range []string{`userName zz "x"`, `userName eq`, `nothing eq "x"`, `(userName eq "x"`, `userName`} {
			p.refused(t, 400, invalidFilter, "GET", filterPath("/Users", filter), "")
		}
	})
	t.Run("8 case of names and of values", func(t *testing.T) {
		p.finds(t, `USERNAME EQ "ada.lovelace"`, 1)
		p.finds(t, fmt.Sprintf("id eq %q", ada), 1)
		p.finds(t, fmt.Sprintf("id eq %q", strings.ToUpper(ada)), 0)
		p.finds(t, `meta.resourceType eq "User" and id eq "`+ada+`"`, 1)
		p.finds(t, `meta.resourceType eq "user" and id eq "`+ada+`"`, 0)
	})
	t.Run("9 and binds closer than or", func(t *testing.T) {
		p.finds(t, `userName eq "ada.lovelace" or userName eq "grace.hopper" and title eq "nothing"`, 1)
		p.finds(t, `(userName eq "ada.lovelace" or userName eq "grace.hopper") and title eq "nothing"`, 0)
		p.finds(t, `not (userName eq "ada.lovelace") and id eq "`+grace+`"`, 1)
	})
	t.Run("10 conditions within one element", func(t *testing.T) {
		body := `{"schemas":["` + userSchema + `"],"userName":"pitfall.ten","name":{"familyName":"Ten"},"emails":[` +
			`{"type":"work","value":"ten@example.com"},{"type":"home","value":"ten@example.org"}]}`
		g.want(t, 201, "POST", "/Users", body)
		const other = ` and userName eq "pitfall.ten"`
		p.finds(t, `emails[type eq "work" and value co "example.com"]`+other, 1)
		p.finds(t, `emails[type eq "work" and value co "example.org"]`+other, 0)
		p.finds(t, `emails.type eq "work" and emails.value co "example.com"`+other, 1)
	})
	t.Run("11 any value matches, and a complex attribute alone is its value", func(t *testing.T) {
		p.finds(t, `emails.value eq "ten@example.com"`, 1)
		p.finds(t, `emails co "ten@example"`, 1)
	})
	t.Run("12 order of what has none, and instants", func(t *testing.T) {
		p.refused(t, 400, invalidFilter, "GET", filterPath("/Users", `active gt true`), "")
		p.finds(t, `meta.created gt "2000-01-01T00:00:00+14:00" and id eq "`+ada+`"`, 1)
		p.finds(t, `meta.created lt "2000-01-01T00:00:00Z" and id eq "`+ada+`"`, 0)
	})
	t.Run("13 projections", func(t *testing.T) {
		p.refused(t, 400, invalidValue, "GET", "/Users/"+ada+"?attributes=userName&excludedAttributes=title", "")
		a := g.want(t, 200, "GET", "/Users/"+ada+"?excludedAttributes=id,userName", "")
		if a.get("id") != ada || a.get("userName") != "" {
			t.Errorf("%s", a)
		}
		a = g.want(t, 200, "GET", "/Users/"+ada+"?attributes="+url.QueryEscape("password,"+userSchema+":userName"), "")
		if gjson.Get(a.Body, "password").Exists() || a.get("userName") == "" || a.get("name") != "" {
			t.Errorf("%s", a)
		}
		a = g.want(t, 201, "POST", "/Users?attributes=userName", userBody("pitfall.thirteen"))
		if a.get("id") == "" || a.get("userName") == "" || a.get("name") != "" {
			t.Errorf("%s", a)
		}
		a = g.want(t, 200, "PATCH", "/Users/"+a.get("id")+"?excludedAttributes=name", patchOf(operation("add", "title", "x")))
		if a.get("title") != "x" || a.get("name") != "" {
			t.Errorf("%s", a)
		}
	})
	t.Run("14 PUT creates nothing and leaves what is read-only", func(t *testing.T) {
		p.refused(t, 404, "", "PUT", "/Users/"+strings.Repeat("0", 8)+"-0000-0000-0000-000000000000", userBody("pitfall.fourteen"))
		p.finds(t, `userName eq "pitfall.fourteen"`, 0)
		a := g.want(t, 200, "PUT", "/Users/"+ada, `{"schemas":["`+userSchema+`"],"id":"other","meta":{"created":"1990-01-01T00:00:00Z"},"groups":[{"value":"x"}],"userName":"Ada.Lovelace"}`)
		if a.get("id") != ada || strings.HasPrefix(a.get("meta.created"), "1990") {
			t.Errorf("%s", a)
		}
	})
	t.Run("15 a PATCH is done as a whole, one operation after the other", func(t *testing.T) {
		path := user(t)
		p.refused(t, 400, invalidPath, "PATCH", path, patchOf(operation("add", "title", "kept?"), operation("replace", "name[", "x")))
		if a := g.want(t, 200, "GET", path, ""); a.get("title") != "" {
			t.Errorf("the first operation stayed: %s", a)
		}
		a := g.want(t, 200, "PATCH", path, patchOf(operation("add", "title", "a"), operation("remove", "title", nil), operation("add", "title", "b")))
		if a.get("title") != "b" {
			t.Errorf("%s", a)
		}
	})
	t.Run("16 remove", func(t *testing.T) {
		path := user(t)
		p.refused(t, 400, noTarget, "PATCH", path, patchOf(operation("remove", "", nil)))
		p.refused(t, 400, mutability, "PATCH", path, patchOf(operation("remove", "id", nil)))
		p.refused(t, 400, "", "PATCH", path, patchOf(operation("remove", "userName", nil)))
		g.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("remove", fmt.Sprintf("members[value eq %q]", g.create(t, "pitfall.sixteen")), nil)))
	})
	t.Run("17 add of what is there changes no version", func(t *testing.T) {
		path := user(t)
		before := g.want(t, 200, "PATCH", path, patchOf(operation("add", "title", "same")))
		after := g.want(t, 200, "PATCH", path, patchOf(operation("add", "title", "same")))
		if after.get("meta.version") != before.get("meta.version") || after.get("meta.lastModified") != before.get("meta.lastModified") {
			t.Errorf("before %s, after %s", before.get("meta"), after.get("meta"))
		}
		g.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("add", "members", members(grace, grace))))
		was := g.want(t, 200, "GET", "/Groups/"+group, "")
		g.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("add", "members", members(grace))))
		is := g.want(t, 200, "GET", "/Groups/"+group, "")
		if n := gjson.Get(is.Body, `members.#(value=="`+grace+`")#`).Array(); len(n) != 1 || was.get("meta.version") != is.get("meta.version") {
			t.Errorf("%d times a member, versions %s and %s", len(n), was.get("meta.version"), is.get("meta.version"))
		}
	})
	t.Run("18 replace of what is not there, and of a complex value", func(t *testing.T) {
		path := user(t)
		g.want(t, 200, "PATCH", path, patchOf(operation("replace", "title", "new")))
		a := g.want(t, 200, "PATCH", path, patchOf(operation("replace", "name", map[string]any{"givenName": "Given"})))
		if a.get("title") != "new" || a.get("name.givenName") != "Given" || a.get("name.familyName") != "Test" {
			t.Errorf("%s", a)
		}
	})
	t.Run("19 replace at a filter that matches nothing", func(t *testing.T) {
		path := user(t)
		a := g.want(t, 200, "PATCH", path, patchOf(operation("replace", `emails[type eq "work"].value`, "made@example.com")))
		if a.get(`emails.#(type=="work").value`) != "made@example.com" {
			t.Errorf("%s", a)
		}
		p.refused(t, 400, noTarget, "PATCH", path, patchOf(operation("replace", `emails[type ne "work"].value`, "x@example.com")))
	})
	t.Run("20 one primary", func(t *testing.T) {
		path := user(t)
		a := g.want(t, 200, "PATCH", path, patchOf(operation("add", "roles", []map[string]any{{"value": "a", "primary": true}, {"value": "b"}})))
		a = g.want(t, 200, "PATCH", path, patchOf(operation("replace", `roles[value eq "b"].primary`, true)))
		if got := a.get(`roles.#(primary==true)#.value`); got != `["b"]` {
			t.Errorf("primary are %s: %s", got, a)
		}
	})
	t.Run("21 the answer to a PATCH", func(t *testing.T) {
		if a := g.want(t, 200, "PATCH", user(t), patchOf(operation("add", "title", "x"))); a.get("id") == "" {
			t.Errorf("200 without a resource: %s", a)
		}
		if a := g.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("add", "members", members(ada)))); a.Body != "" {
			t.Errorf("204 with a body: %s", a)
		}
		if a := g.want(t, 200, "PATCH", "/Groups/"+group+"?attributes=displayName", patchOf(operation("add", "members", members(ada)))); a.get("displayName") != "Engineering" {
			t.Errorf("attributes were not answered: %s", a)
		}
	})
	t.Run("22 URNs in paths", func(t *testing.T) {
		path := user(t)
		a := g.want(t, 200, "PATCH", path, patchOf(
			operation("add", strings.ToUpper(enterprise)+":DEPARTMENT", "Numbers"),
			operation("add", userSchema+":name.givenName", "Urn")))
		if a.get(inAnswer(enterprise+":department")) != "Numbers" || a.get("name.givenName") != "Urn" || !strings.Contains(a.get("schemas"), enterprise) {
			t.Errorf("%s", a)
		}
		a = g.want(t, 200, "PATCH", path, patchOf(operation("add", enterprise+":manager.value", ada)))
		if a.get(inAnswer(enterprise+":manager")+".value") != ada {
			t.Errorf("%s", a)
		}
	})
	t.Run("23 null, an empty list and nothing are the same", func(t *testing.T) {
		a := g.want(t, 201, "POST", "/Users", `{"schemas":["`+userSchema+`"],"userName":"pitfall.null","name":{"familyName":"Null"},"title":null,"emails":[],"phoneNumbers":null}`)
		for _, name := range []string{"title", "emails", "phoneNumbers"} {
			if gjson.Get(a.Body, name).Exists() {
				t.Errorf("%s is in the answer: %s", name, a)
			}
		}
	})
	t.Run("24 errors", func(t *testing.T) {
		for _, wrong := range []struct {
			status       int
			method, path string
			headers      []string
		}{
			{401, "GET", "/Users", []string{"Authorization: Bearer wrong-token-wrong"}},
			{404, "GET", "/Users/nobody", nil}, {404, "GET", "/Nothing", nil}, {405, "DELETE", "/Users", nil},
			{406, "GET", "/Users", []string{"Accept: text/html"}}, {501, "GET", "/Me", nil},
		} {
			a := g.want(t, wrong.status, wrong.method, wrong.path, "", wrong.headers...)
			isSCIMError(t, a)
		}
		isSCIMError(t, g.want(t, 415, "POST", "/Users", "<user/>", "Content-Type: application/xml"))
		if got := g.want(t, 200, "GET", "/Users/"+ada, "", "Accept: application/json").Header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
			t.Errorf("Content-Type %q for Accept: application/json", got)
		}
		if got := g.want(t, 200, "GET", "/Users/"+ada, "", "Accept: */*").Header.Get("Content-Type"); !strings.HasPrefix(got, "application/scim+json") {
			t.Errorf("Content-Type %q by default", got)
		}
	})
	t.Run("25 cursors", p.cursors)

	t.Run("ids and meta are the server's", func(t *testing.T) {
		a := g.want(t, 201, "POST", "/Users", `{"schemas":["`+userSchema+`"],"id":"mine","meta":{"version":"mine"},"userName":"pitfall.id","name":{"familyName":"Id"}}`)
		if a.get("id") == "mine" || strings.Contains(a.get("id"), "bulkId") || strings.Contains(a.get("meta.version"), "mine") {
			t.Errorf("%s", a)
		}
	})
	t.Run("the ETag is weak and the version", func(t *testing.T) {
		a := g.want(t, 200, "GET", "/Users/"+ada, "")
		if etag := a.Header.Get("ETag"); !strings.HasPrefix(etag, `W/"`) || etag != a.get("meta.version") {
			t.Errorf("ETag %q, meta.version %q", etag, a.get("meta.version"))
		}
	})
	t.Run("discovery one by one, and without filters", func(t *testing.T) {
		for _, path := range []string{"/Schemas/" + userSchema, "/Schemas/" + enterprise, "/ResourceTypes/User", "/ResourceTypes/Group"} {
			g.want(t, 200, "GET", path, "")
		}
		for _, endpoint := range []string{"/Schemas", "/ResourceTypes", "/ServiceProviderConfig"} {
			p.refused(t, 403, "", "GET", filterPath(endpoint, `id eq "x"`), "")
		}
		a := g.want(t, 200, "GET", "/Schemas?count=1&startIndex=2", "")
		if a.get("Resources.#") != a.get("totalResults") {
			t.Errorf("schemas are paged away: %s of %s", a.get("Resources.#"), a.get("totalResults"))
		}
	})
	t.Run("a query at the root takes unknown attributes for absent", func(t *testing.T) {
		a := g.want(t, 200, "GET", "/?filter="+url.QueryEscape(`displayName eq "Engineering"`), "")
		if a.get("totalResults") != "1" || a.get("Resources.0.meta.resourceType") != "Group" {
			t.Errorf("%s", a)
		}
		if a := g.want(t, 200, "GET", "/?filter="+url.QueryEscape(`userName pr`), ""); a.get("totalResults") == "0" || strings.Contains(a.get("Resources.#.meta.resourceType"), "Group") {
			t.Errorf("groups have a userName, or nobody has: %s", a)
		}
	})
}

// pitfall holds what the cases share.
type pitfall struct{ g *gateway }

// refused sends what must be refused, with a type unless that is "".
func (p pitfall) refused(t *testing.T, status int, scimType, method, path, body string) {
	t.Helper()
	a := p.g.want(t, status, method, path, body)
	isSCIMError(t, a)
	if scimType != "" && a.get("scimType") != scimType {
		t.Errorf("%s %s: scimType %q, want %q: %s", method, path, a.get("scimType"), scimType, a)
	}
}

// finds searches users.
func (p pitfall) finds(t *testing.T, filter string, want int) {
	t.Helper()
	a := p.g.want(t, http.StatusOK, "GET", filterPath("/Users", filter), "")
	if got := gjson.Get(a.Body, "totalResults").Int(); got != int64(want) {
		t.Errorf("%s finds %d, want %d: %s", filter, got, want, a)
	}
}

// unreserved is what a cursor is made of (RFC 9865 §2, RFC 3986 §2.3).
var unreserved = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

// cursors pages through all users by cursors, there and back.
func (p pitfall) cursors(t *testing.T) {
	g := p.g
	first := g.want(t, 200, "GET", "/Users?cursor=&count=2", "")
	if gjson.Get(first.Body, "previousCursor").Exists() || gjson.Get(first.Body, "startIndex").Exists() {
		t.Errorf("the first page has a previousCursor or a startIndex: %s", first)
	}
	seen := make(map[string]bool)
	a, second := first, answer{}
	for pages := 1; ; pages++ {
		for _, id := range gjson.Get(a.Body, "Resources.#.id").Array() {
			if seen[id.String()] {
				t.Errorf("%s stands on two pages", id)
			}
			seen[id.String()] = true
		}
		next := a.get("nextCursor")
		if next == "" {
			break
		}
		if !unreserved.MatchString(next) {
			t.Errorf("the cursor %q has characters that a URL reserves", next)
		}
		a = g.want(t, 200, "GET", "/Users?count=2&cursor="+next, "")
		if pages == 1 {
			second = a
		}
		if pages > 1000 {
			t.Fatal("the list has no end")
		}
	}
	if total := gjson.Get(first.Body, "totalResults").Int(); int64(len(seen)) != total {
		t.Errorf("%d were seen, of %d", len(seen), total)
	}
	if back := g.want(t, 200, "GET", "/Users?count=2&cursor="+second.get("previousCursor"), ""); back.get("Resources.#.id") != first.get("Resources.#.id") {
		t.Errorf("back from the second page is %s, not the first", back.get("Resources.#.id"))
	}
	next := first.get("nextCursor")
	p.refused(t, 400, "invalidCursor", "GET", "/Users?count=2&cursor=nonsense", "")
	p.refused(t, 400, "invalidCursor", "GET", "/Users?count=2&cursor="+next[:len(next)-2], "")
	p.refused(t, 400, "invalidCursor", "GET", "/Groups?count=2&cursor="+next, "")
	p.refused(t, 400, "invalidCursor", "GET", "/Users?count=2&cursor="+next+"&filter="+url.QueryEscape(`userName sw "a"`), "")
	p.refused(t, 400, "invalidCount", "GET", "/Users?cursor=&count=two", "")
	config := g.want(t, 200, "GET", "/ServiceProviderConfig", "")
	for path, want := range map[string]string{"pagination.cursor": "true", "pagination.index": "true", "pagination.defaultPaginationMethod": "index"} {
		if config.get(path) != want {
			t.Errorf("%s is %q, want %q", path, config.get(path), want)
		}
	}
}

var pitfallNumber int

// nextNumber tells the users of the cases apart.
func nextNumber() int {
	pitfallNumber++
	return pitfallNumber
}
