package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/modules/store"
)

// TestMicrosoftGallery makes the requests of Microsoft's gallery validation
// (Logic App, 2026) and asks of the answers what it asks for. The first fourteen
// of its tests look at Entra's own logs besides; what of them reaches a gateway
// is here.
func TestMicrosoftGallery(t *testing.T) { eachDirectory(t, microsoftGallery) }

func microsoftGallery(t *testing.T, d *directory) {
	f := startFederation(t)
	g := startGateway(t, d, setup{Gateway: []string{"token_endpoint", f.credential("federated")}})
	found := func(t *testing.T, filter string) gjson.Result {
		t.Helper()
		a := g.want(t, 200, "GET", filterPath("/Users", filter), "")
		if a.get("totalResults") != "1" {
			t.Fatalf("%s: %s, want one", filter, a)
		}
		return gjson.Get(a.Body, "Resources.0")
	}
	patch := func(t *testing.T, path string, operations ...any) {
		t.Helper()
		if a := g.do(t, "PATCH", path, patchOf(operations...)); a.Status != 200 && a.Status != 204 {
			t.Fatalf("PATCH %s: %s, want 200 or 204", path, a)
		}
	}
	is := func(t *testing.T, resource gjson.Result, path, want string) {
		t.Helper()
		if got := resource.Get(path).String(); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	read := func(t *testing.T, path string) gjson.Result {
		t.Helper()
		return gjson.Parse(g.want(t, 200, "GET", path, "").Body)
	}
	urn := strings.ReplaceAll(enterprise, ".", `\.`)

	id := g.create(t, "gallery.user")
	user := "/Users/" + id
	t.Run("1 Create_User", func(t *testing.T) {
		is(t, found(t, `userName eq "gallery.user"`), "id", id)
	})
	t.Run("2 Update_User", func(t *testing.T) {
		patch(t, user, operation("Replace", "title", "Analyst"), operation("Add", enterprise+":department", "Numbers"))
		is(t, read(t, user), "title", "Analyst")
		is(t, read(t, user), urn+".department", "Numbers")
	})
	t.Run("3 Disable_User", func(t *testing.T) {
		patch(t, user, operation("Replace", "active", "False"))
		is(t, found(t, `userName eq "gallery.user"`), "active", "false")
		if d.canBind(t, "uid=gallery.user,"+people, passwordOf("gallery.user")) {
			t.Error("the account signs in although it is disabled")
		}
	})
	t.Run("6 Restore_User", func(t *testing.T) {
		patch(t, user, operation("Replace", "active", "True"))
		is(t, found(t, `userName eq "gallery.user"`), "active", "true")
		if !d.canBind(t, "uid=gallery.user,"+people, passwordOf("gallery.user")) {
			t.Error("the account does not sign in although it is enabled")
		}
	})
	manager, other := g.id(t, "Grace.Hopper"), g.id(t, "Alan.Turing")
	for _, test := range []struct{ name, op, value string }{
		{"5 User_Update_Manager: assign", "Add", manager},
		{"5 User_Update_Manager: change", "Replace", other},
		{"25 SCIM_Update_Manager: remove", "Replace", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			patch(t, user, operation(test.op, enterprise+":manager", test.value))
			is(t, read(t, user), urn+".manager.value", test.value)
		})
	}
	var group string
	t.Run("8 and 19 Create_Group", func(t *testing.T) {
		a := g.want(t, 201, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "Gallery"}))
		group = "/Groups/" + a.get("id")
		if got := g.groupID(t, "Gallery"); "/Groups/"+got != group || a.get("displayName") != "Gallery" {
			t.Errorf("found %s, want %s: %s", got, group, a)
		}
	})
	t.Run("9 and 20 Update_Group", func(t *testing.T) {
		patch(t, group, operation("Replace", "displayName", "Gallery 2"))
		if "/Groups/"+g.groupID(t, "Gallery 2") != group {
			t.Error("the group is not found by its new name")
		}
	})
	t.Run("11 Group_Update_Add_Member", func(t *testing.T) {
		patch(t, group, operation("Add", "members", members(id)))
		is(t, read(t, group), "members.0.value", id)
	})
	t.Run("12 Group_Update_Remove_Member", func(t *testing.T) {
		patch(t, group, operation("Remove", "members", members(id)))
		is(t, read(t, group), "members", "")
	})
	t.Run("14 Restore_Group", func(t *testing.T) {
		g.want(t, 204, "DELETE", group, "")
		if a := g.want(t, 200, "GET", filterPath("/Groups", `displayName eq "Gallery 2"`), ""); a.get("totalResults") != "0" {
			t.Errorf("the group is found although it was deleted: %s", a)
		}
		group = "/Groups/" + g.want(t, 201, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "Gallery 2"})).get("id")
	})
	t.Run("10 Delete_Group", func(t *testing.T) {
		g.want(t, 204, "DELETE", group, "")
		if a := g.want(t, 200, "GET", filterPath("/Groups", `displayName eq "Gallery 2"`), ""); a.get("totalResults") != "0" {
			t.Errorf("the group is found although it was deleted: %s", a)
		}
	})

	schemas := read(t, "/Schemas")
	t.Run("15 Schema_Discoverability", func(t *testing.T) {
		for _, path := range []string{
			`Resources.#(id=="` + userSchema + `").attributes.#(name=="userName")`,
			`Resources.#(id=="` + userSchema + `").attributes.#(name=="active")`,
			`Resources.#(id=="` + userSchema + `").attributes.#(name=="emails").subAttributes.#(name=="value")`,
			`Resources.#(id=="` + enterprise + `").attributes.#(name=="manager").subAttributes.#(name=="value")`,
			`Resources.#(id=="` + groupSchema + `").attributes.#(name=="displayName")`,
			`Resources.#(id=="` + groupSchema + `").attributes.#(name=="members")`,
		} {
			if !schemas.Get(path).Exists() {
				t.Errorf("/Schemas has no %s", path)
			}
		}
	})
	single := singleValued(schemas, userSchema, enterprise)
	if len(single) < 15 {
		t.Fatalf("the demo maps %d single-valued attributes only: %v", len(single), single)
	}
	t.Run("18 SCIM_User_Update", func(t *testing.T) {
		for i, path := range single {
			value := fmt.Sprintf("gallery.%d", i)
			patch(t, user, operation("Add", path, value))
			is(t, read(t, user), inAnswer(path), value)
			patch(t, user, operation("Replace", path, value+"x"))
			is(t, read(t, user), inAnswer(path), value+"x")
		}
		is(t, read(t, user), "userName", found(t, fmt.Sprintf("id eq %q", id)).Get("userName").String())
	})
	t.Run("16 SCIM_Null_Update", func(t *testing.T) {
		for _, path := range single {
			if path == "userName" || hasDefault[path] {
				continue
			}
			patch(t, user, operation("Replace", path, ""))
			is(t, read(t, user), inAnswer(path), "")
			patch(t, user, operation("Add", path, "again"))
			g.want(t, 200, "PATCH", user, fmt.Sprintf(`{"schemas":[%q],"Operations":[{"op":"Replace","path":%q,"value":null}]}`, patchSchema, path))
			is(t, read(t, user), inAnswer(path), "")
		}
	})
	t.Run("17 SCIM_User_Create", func(t *testing.T) {
		a := g.want(t, 201, "POST", "/Users", userBody("gallery.second"))
		if a.get("id") == "" || a.get("userName") != "gallery.second" {
			t.Errorf("the answer lacks id or userName: %s", a)
		}
	})
	t.Run("23 SCIM_User_Pagination", func(t *testing.T) {
		for i := range 11 {
			g.create(t, fmt.Sprintf("gallery.page%d", i))
		}
		pagesOf5(t, g, "/Users", 11)
	})
	t.Run("24 SCIM_Group_Pagination", func(t *testing.T) {
		for i := range 11 {
			g.want(t, 201, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": fmt.Sprintf("Gallery page %d", i)}))
		}
		pagesOf5(t, g, "/Groups", 11)
	})
	t.Run("21 Validate_Credentials", func(t *testing.T) { g.validatesCredentials(t) })
	t.Run("22 Federated_Identity", func(t *testing.T) {
		g.signsIn(t, url.Values{
			"client_id": {"2f7c0e5a-0000-0000-0000-b6a3f2c1d4e5"}, "scope": {"scim"}, "client_assertion": {f.assertion(t, nil)},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		})
	})
	t.Run("4 Delete_User", func(t *testing.T) {
		g.want(t, 204, "DELETE", user, "")
		g.want(t, 404, "GET", user, "")
	})
}

// validatesCredentials signs in with client credentials, in each of the three ways that
// Entra offers. Of one client several secrets are active at once, and one that has
// expired is refused.
func (g *gateway) validatesCredentials(t *testing.T) {
	t.Helper()
	now := time.Now()
	first, s := issue(t, store.Token{Gateway: "demo", Name: "entra", Expires: now.AddDate(1, 0, 0)})
	second, _ := issue(t, store.Token{Gateway: "demo", Name: "entra", Expires: now.AddDate(3, 0, 0), Replaces: s.Control().Tokens[0].ID})
	gone, _ := issue(t, store.Token{Gateway: "demo", Name: "gone", Expires: now.Add(-time.Second)})
	for _, secret := range []string{first, second} {
		body := url.Values{"client_id": {"entra"}, "client_secret": {secret}, "scope": {"scim"}}
		header := "Authorization: " + basicAuthorization("entra", secret)
		g.signsIn(t, body)
		g.signsIn(t, url.Values{}, header)
		g.signsIn(t, body, header)
	}
	if a := g.tokenRequest(t, url.Values{"client_id": {"gone"}, "client_secret": {gone}}); a.Status != 401 || a.get("error") != "invalid_client" {
		t.Errorf("with a secret that has expired: %s", a)
	}
}

// signsIn gets an access token that lives as long as the gallery asks for, and calls
// with it.
func (g *gateway) signsIn(t *testing.T, form url.Values, headers ...string) {
	t.Helper()
	a := g.tokenRequest(t, form, headers...)
	if a.Status != 200 || a.get("access_token") == "" || !strings.EqualFold(a.get("token_type"), "Bearer") {
		t.Fatalf("no access token: %s", a)
	}
	life := time.Duration(gjson.Get(a.Body, "expires_in").Int()) * time.Second
	if life < 60*time.Minute || life > 360*time.Minute {
		t.Errorf("the access token lives for %s, want 60 to 360 minutes", life)
	}
	g.want(t, 200, "GET", filterPath("/Users", `userName eq "nobody"`), "", "Authorization: Bearer "+a.get("access_token"))
}

// tokenRequest asks the token endpoint for an access token, with client credentials.
func (g *gateway) tokenRequest(t *testing.T, form url.Values, headers ...string) answer {
	t.Helper()
	form.Set("grant_type", "client_credentials")
	a, err := g.send("POST", "/oauth2/token", form.Encode(), append([]string{"Authorization:", "Content-Type: application/x-www-form-urlencoded"}, headers...)...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// hasDefault are attributes of the demo that an entry can't be without: what is
// taken away comes back from the other names.
var hasDefault = map[string]bool{"name.familyName": true, "name.formatted": true, "displayName": true}

// singleValued returns the paths of all single-valued texts that can be written
// and read, as /Schemas has them.
func singleValued(schemas gjson.Result, urns ...string) []string {
	var paths []string
	for _, urn := range urns {
		prefix := ""
		if urn == enterprise {
			prefix = enterprise + ":"
		}
		var collect func(prefix string, attributes gjson.Result)
		collect = func(prefix string, attributes gjson.Result) {
			attributes.ForEach(func(_, a gjson.Result) bool {
				switch name := a.Get("name").String(); {
				case a.Get("multiValued").Bool() || a.Get("mutability").String() != "readWrite" || name == "manager":
				case a.Get("type").String() == "complex":
					collect(prefix+name+".", a.Get("subAttributes"))
				case a.Get("type").String() == "string" && a.Get("returned").String() == "default" && !a.Get("canonicalValues").Exists():
					paths = append(paths, prefix+name)
				}
				return true
			})
		}
		collect(prefix, schemas.Get(`Resources.#(id=="`+urn+`").attributes`))
	}
	return paths
}

// inAnswer is a SCIM path as gjson finds it in a resource.
func inAnswer(path string) string {
	name, isExtension := strings.CutPrefix(path, enterprise+":")
	if isExtension {
		return strings.ReplaceAll(enterprise, ".", `\.`) + "." + name
	}
	return name
}

// pagesOf5 pages through a list and asks for what the validation asks for.
func pagesOf5(t *testing.T, g *gateway, endpoint string, least int) {
	t.Helper()
	seen := make(map[string]bool)
	for page := 0; ; page++ {
		a := g.want(t, 200, "GET", fmt.Sprintf("%s?startIndex=%d&count=5", endpoint, page*5+1), "")
		if got := a.get("startIndex"); got != fmt.Sprint(page*5+1) {
			t.Fatalf("page %d: startIndex %s", page, got)
		}
		items := gjson.Get(a.Body, "Resources.#.id").Array()
		for _, item := range items {
			if seen[item.String()] {
				t.Errorf("%s stands on two pages", item)
			}
			seen[item.String()] = true
		}
		if len(items) == 0 {
			if total := gjson.Get(a.Body, "totalResults").Int(); int64(len(seen)) != total || len(seen) < least {
				t.Errorf("%d were seen, of %d", len(seen), total)
			}
			return
		}
	}
}
