package e2e

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/slapd"
)

// The error types of RFC 7644 §3.12 that are used below.
const (
	invalidFilter = "invalidFilter"
	invalidPath   = "invalidPath"
	invalidSyntax = "invalidSyntax"
	invalidValue  = "invalidValue"
	mutability    = "mutability"
	noTarget      = "noTarget"
	uniqueness    = "uniqueness"
)

func TestRule14OddIsAcceptedAndWrongIsTold(t *testing.T) {
	t.Run("odd", func(t *testing.T) { eachDirectory(t, oddIsAccepted) })
	t.Run("wrong", wrongIsTold)
	t.Run("two with one value", twoWithOneValue)
}

// oddIsAccepted sends what providers send and no specification asks for.
func oddIsAccepted(t *testing.T, d *directory) {
	g := startGateway(t, d, setup{})
	id, graceID, group := g.id(t, "Ada.Lovelace"), g.id(t, "Grace.Hopper"), g.groupID(t, "Engineering")
	user, groupPath := "/Users/"+id, "/Groups/"+group
	raw := func(operations string) string {
		return `{"schemas":["` + patchSchema + `"],"Operations":[` + operations + `]}`
	}
	for _, odd := range []struct {
		name string
		request
		status  int
		headers []string
		is      map[string]string // of the answer, or of the user read afterwards
	}{
		{"op in capitals", request{"PATCH", user, raw(`{"op":"REPLACE","path":"title","value":"a"}`)}, 200, nil, map[string]string{"title": "a"}},
		{"names in capitals", request{"PATCH", user, `{"SCHEMAS":["` + patchSchema + `"],"operations":[{"OP":"add","PATH":"TITLE","VALUE":"b"}]}`}, 200, nil, map[string]string{"title": "b"}},
		{"no schemas", request{"PATCH", user, `{"Operations":[{"op":"Replace","path":"title","value":"c"}]}`}, 200, nil, map[string]string{"title": "c"}},
		{"a list of one", request{"PATCH", user, raw(`{"op":"Replace","path":"title","value":["d"]}`)}, 200, nil, map[string]string{"title": "d"}},
		{"a list of one object", request{"PATCH", user, raw(`{"op":"Replace","path":"title","value":[{"value":"e"}]}`)}, 200, nil, map[string]string{"title": "e"}},
		{"dotted keys", request{"PATCH", user, raw(`{"op":"Replace","value":{"name.givenName":"f","title":"f"}}`)}, 200, nil, map[string]string{"name.givenName": "f", "title": "f"}},
		{"URN keys", request{"PATCH", user, raw(`{"op":"Replace","value":{"` + enterprise + `:department":"g"}}`)}, 200, nil, map[string]string{strings.ReplaceAll(enterprise, ".", `\.`) + ".department": "g"}},
		{"filtered keys", request{"PATCH", user, raw(`{"op":"Replace","value":{"emails[type eq \"work\"].value":"h@example.com"}}`)}, 200, nil, map[string]string{`emails.#(type=="work").value`: "h@example.com"}},
		{"a phone of its own", request{"PATCH", user, raw(`{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"+1 555 0100"}`)}, 200, nil, map[string]string{`phoneNumbers.#(type=="mobile").value`: "+1 555 0100"}},
		{"remove with a value", request{"PATCH", user, raw(`{"op":"Remove","path":"title","value":"whatever"}`)}, 200, nil, map[string]string{"title": ""}},
		{"remove what is not there", request{"PATCH", user, raw(`{"op":"Remove","path":"nickName"}`)}, 200, nil, nil},
		{"an empty text", request{"PATCH", user, raw(`{"op":"Replace","path":"nickName","value":""}`)}, 200, nil, map[string]string{"nickName": ""}},
		{"null", request{"PATCH", user, raw(`{"op":"Replace","path":"nickName","value":null}`)}, 200, nil, map[string]string{"nickName": ""}},
		{"a number for a text", request{"PATCH", user, raw(`{"op":"Replace","path":"` + enterprise + `:employeeNumber","value":701984}`)}, 200, nil, map[string]string{strings.ReplaceAll(enterprise, ".", `\.`) + ".employeeNumber": "701984"}},
		{"manager as text", request{"PATCH", user, raw(`{"op":"Add","path":"` + enterprise + `:manager","value":"` + graceID + `"}`)}, 200, nil, map[string]string{strings.ReplaceAll(enterprise, ".", `\.`) + ".manager.value": graceID}},
		{"manager as a list", request{"PATCH", user, raw(`{"op":"Add","path":"` + enterprise + `:manager","value":[{"$ref":"x","value":"` + graceID + `"}]}`)}, 200, nil, map[string]string{strings.ReplaceAll(enterprise, ".", `\.`) + ".manager.value": graceID}},
		{"manager as an empty text", request{"PATCH", user, raw(`{"op":"Replace","path":"` + enterprise + `:manager","value":""}`)}, 200, nil, map[string]string{strings.ReplaceAll(enterprise, ".", `\.`) + ".manager.value": ""}},
		{"the whole resource back", request{"PUT", user, g.want(t, 200, "GET", user, "").Body}, 200, nil, map[string]string{"userName": "Ada.Lovelace"}},
		{"a query on a write", request{"PATCH", user + "?aadOptscim062020", raw(`{"op":"Replace","path":"title","value":"i"}`)}, 200, nil, map[string]string{"title": "i"}},
		{"plain JSON", request{"PATCH", user, raw(`{"op":"Replace","path":"title","value":"j"}`)}, 200, []string{"Content-Type: application/json"}, map[string]string{"title": "j"}},
		{"no content type", request{"PATCH", user, raw(`{"op":"Replace","path":"title","value":"k"}`)}, 200, []string{"Content-Type:"}, map[string]string{"title": "k"}},
		{"a byte order mark", request{"PATCH", user, "\ufeff" + raw(`{"op":"Replace","path":"title","value":"l"}`)}, 200, nil, map[string]string{"title": "l"}},
		{"endpoints in lower case", request{"GET", "/users/" + id, ""}, 200, nil, map[string]string{"userName": "Ada.Lovelace"}},
		{"a slash at the end", request{"GET", "/Users/" + id + "/", ""}, 200, nil, map[string]string{"userName": "Ada.Lovelace"}},
		{"unquoted filter values", request{"GET", filterPath("/Users", `userName eq ada.lovelace`), ""}, 200, nil, map[string]string{"totalResults": "1"}},
		{"a filter in capitals", request{"GET", filterPath("/Users", `USERNAME EQ "ADA.LOVELACE" AND ACTIVE EQ True`), ""}, 200, nil, map[string]string{"totalResults": "1"}},
		{"a filter with a URN", request{"GET", filterPath("/Users", userSchema+`:userName eq "ada.lovelace"`), ""}, 200, nil, map[string]string{"totalResults": "1"}},
		{"count 0", request{"GET", "/Users?count=0", ""}, 200, nil, map[string]string{"totalResults": "4", "Resources.#": "0"}},
		{"count below 0", request{"GET", "/Users?count=-5", ""}, 200, nil, map[string]string{"totalResults": "4"}},
		{"startIndex below 1", request{"GET", "/Users?startIndex=0&count=1", ""}, 200, nil, map[string]string{"startIndex": "1"}},
		{"a huge count", request{"GET", "/Users?count=1000000000", ""}, 200, nil, map[string]string{"Resources.#": "4"}},
		{"a page beyond the end", request{"GET", "/Users?startIndex=1000000000", ""}, 200, nil, map[string]string{"totalResults": "4", "Resources.#": "0"}},
		{"sorting", request{"GET", "/Users?sortBy=userName&sortOrder=descending", ""}, 200, nil, map[string]string{"totalResults": "4"}},
		{"unknown parameters", request{"GET", "/Users?foo=bar&count=2&x", ""}, 200, nil, map[string]string{"totalResults": "4"}},
		{"accepting plain JSON", request{"GET", user, ""}, 200, []string{"Accept: application/json"}, map[string]string{"userName": "Ada.Lovelace"}},
		{"accepting anything", request{"GET", user, ""}, 200, []string{"Accept: text/html, */*;q=0.1"}, map[string]string{"userName": "Ada.Lovelace"}},
		{"HEAD", request{"HEAD", user, ""}, 200, nil, nil},
		{"members with displays", request{"PATCH", groupPath, raw(`{"op":"Add","path":"members","value":[{"value":"` + id + `","display":"Ada","type":"User","$ref":"../Users/x"}]}`)}, 204, nil, nil},
		{"one member, not in a list", request{"PATCH", groupPath, raw(`{"op":"Add","path":"members","value":{"value":"` + id + `"}}`)}, 204, nil, nil},
		{"a member as text", request{"PATCH", groupPath, raw(`{"op":"Add","path":"members","value":["` + id + `"]}`)}, 204, nil, nil},
		{"members without path", request{"PATCH", groupPath, raw(`{"op":"Replace","value":{"id":"` + group + `","displayName":"Engineering"}}`)}, 204, nil, nil},
		{"a member twice", request{"PATCH", groupPath, raw(`{"op":"Add","path":"members","value":[{"value":"` + id + `"},{"value":"` + id + `"}]}`)}, 204, nil, nil},
		{"a member who is none removed", request{"PATCH", groupPath, raw(`{"op":"Remove","path":"members[value eq \"00000000-0000-4000-8000-000000000000\"]"}`)}, 204, nil, nil},
		{"an empty member list", request{"PATCH", groupPath, raw(`{"op":"Add","path":"members","value":[]}`)}, 204, nil, nil},
		{"discovery by name", request{"GET", "/Schemas/User", ""}, 200, nil, map[string]string{"id": userSchema}},
		{"discovery with a slash", request{"GET", "/ServiceProviderConfig/", ""}, 200, nil, map[string]string{"patch.supported": "true"}},
		{"created with lists of one", request{"POST", "/Users", `{"userName":["odd.one"],"name":{"familyName":["One"]},"active":"TRUE","emails":{"type":"work","value":"odd@example.com"},"displayName":null,"externalId":""}`}, 201, nil, map[string]string{"userName": "odd.one", "active": "true", "emails.0.value": "odd@example.com"}},
		{"created with nothing but a name", request{"POST", "/Users", `{"userName":"bare.one"}`}, 201, nil, map[string]string{"userName": "bare.one", "active": "true"}},
	} {
		a := g.do(t, odd.method, odd.path, odd.body, odd.headers...)
		if a.Status != odd.status {
			t.Errorf("%s: %s, want %d", odd.name, a, odd.status)
			continue
		}
		for path, want := range odd.is {
			if got := a.get(path); got != want {
				t.Errorf("%s: %s is %q, want %q: %s", odd.name, path, got, want, a)
			}
		}
		if want := "application/json; charset=utf-8"; odd.name == "accepting plain JSON" && a.Header.Get("Content-Type") != want {
			t.Errorf("%s: answered as %s", odd.name, a.Header.Get("Content-Type"))
		}
	}
	if got := d.values(t, groupDN("Engineering"), "member"); len(got) != 2 {
		t.Errorf("the group has the members %q", got)
	}
}

// wrongIsTold sends what can't be right. Each gets its status and type, a detail
// that names what to change, and leaves the directory alone.
func wrongIsTold(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{Gateway: []string{"limit {\n body 2MiB\n members 3\n }"}})
	id, group := g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering")
	user, groupPath := "/Users/"+id, "/Groups/"+group
	raw := func(operations string) string {
		return `{"schemas":["` + patchSchema + `"],"Operations":[` + operations + `]}`
	}
	one := `{"op":"Replace","path":"title","value":"x"}`
	before := d.dump(t)
	for _, wrong := range []struct {
		name string
		request
		status int
		kind   string
		detail string // part of it
		header []string
	}{
		{"an empty body", request{"POST", "/Users", ""}, 400, invalidSyntax, "body", nil},
		{"blanks", request{"PATCH", user, "   "}, 400, invalidSyntax, "body", nil},
		{"a body that is too large", request{"POST", "/Users", `{"userName":"` + strings.Repeat("x", 3<<20) + `"}`}, 413, "", "limit body", nil},
		{"JSON that is too deep", request{"POST", "/Users", strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)}, 400, invalidSyntax, "limit depth", nil},
		{"too many operations", request{"PATCH", user, raw(strings.TrimSuffix(strings.Repeat(one+",", 10001), ","))}, 400, invalidValue, "limit operations", nil},
		{"too many members", request{"PATCH", groupPath, patchOf(operation("Add", "members", members("a", "b", "c", "d")))}, 400, invalidValue, "limit members", nil},
		{"a truncated body", request{"PATCH", user, raw(one)[:60]}, 400, invalidSyntax, "ends", nil},
		{"two bodies", request{"PATCH", user, raw(one) + raw(one)}, 400, invalidSyntax, "", nil},
		{"no JSON", request{"PATCH", user, "active=false"}, 400, invalidSyntax, "", nil},
		{"XML", request{"PATCH", user, "<user/>"}, 400, invalidSyntax, "", nil},
		{"a list", request{"PATCH", user, "[]"}, 400, invalidSyntax, "object", nil},
		{"a text", request{"POST", "/Users", `"x"`}, 400, invalidSyntax, "object", nil},
		{"bytes that are no UTF-8", request{"POST", "/Users", "{\"userName\":\"\xff\xfe\"}"}, 400, invalidSyntax, "", nil},
		{"half a surrogate", request{"POST", "/Users", `{"userName":"\ud83d"}`}, 400, invalidValue, "", nil},
		{"a NUL", request{"POST", "/Users", `{"userName":"a\u0000b"}`}, 400, "", "", nil},
		{"control characters", request{"POST", "/Users", "{\"userName\":\"a\nb\"}"}, 400, invalidSyntax, "", nil},
		{"a key twice", request{"POST", "/Users", `{"userName":"a","userName":"b"}`}, 400, invalidSyntax, "userName", nil},
		{"a key twice in other cases", request{"POST", "/Users", `{"userName":"a","username":"b"}`}, 400, "", "", nil},
		{"no userName", request{"POST", "/Users", `{"displayName":"x"}`}, 400, invalidValue, "userName", nil},
		{"an empty userName", request{"POST", "/Users", `{"userName":""}`}, 400, invalidValue, "userName", nil},
		{"a userName that is an object", request{"POST", "/Users", `{"userName":{"a":1}}`}, 400, invalidValue, "userName", nil},
		{"no displayName", request{"POST", "/Groups", `{"members":[]}`}, 400, invalidValue, "displayName", nil},
		{"the userName taken away", request{"PATCH", user, raw(`{"op":"Remove","path":"userName"}`)}, 400, "", "userName", nil},
		{"the userName emptied", request{"PATCH", user, raw(`{"op":"Replace","path":"userName","value":""}`)}, 400, "", "userName", nil},
		{"what exists", request{"POST", "/Users", `{"userName":"ada.lovelace"}`}, 409, uniqueness, "", nil},
		{"a name that is taken", request{"PATCH", user, raw(`{"op":"Replace","path":"userName","value":"grace.hopper"}`)}, 409, uniqueness, "", nil},
		{"a group's name that is taken", request{"PATCH", groupPath, raw(`{"op":"Replace","path":"displayName","value":"operators"}`)}, 409, uniqueness, "", nil},
		{"a mail that is taken", request{"PATCH", user, raw(`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"grace.hopper@example.com"}`)}, 0, "", "", nil},
		{"an op that is none", request{"PATCH", user, raw(`{"op":"upsert","path":"title","value":"x"}`)}, 400, invalidSyntax, "upsert", nil},
		{"no op", request{"PATCH", user, raw(`{"path":"title","value":"x"}`)}, 400, invalidSyntax, "op", nil},
		{"no value", request{"PATCH", user, raw(`{"op":"replace","path":"title"}`)}, 400, invalidValue, "value", nil},
		{"an empty list of operations", request{"PATCH", user, raw(``)}, 400, invalidSyntax, "Operations", nil},
		{"a parameter twice", request{"GET", "/Users?count=1&count=2", ""}, 400, "", "count", nil},
		{"no Operations", request{"PATCH", user, `{"schemas":["` + patchSchema + `"]}`}, 400, "", "Operations", nil},
		{"Operations that are no list", request{"PATCH", user, `{"Operations":5}`}, 400, "", "Operations", nil},
		{"remove without path", request{"PATCH", user, raw(`{"op":"remove"}`)}, 400, noTarget, "path", nil},
		{"an unfinished path", request{"PATCH", user, raw(`{"op":"replace","path":"emails[type eq","value":"x"}`)}, 400, invalidFilter, "path", nil},
		{"a path of nonsense", request{"PATCH", user, raw(`{"op":"replace","path":"((","value":"x"}`)}, 400, invalidPath, "", nil},
		{"a text for a complex value", request{"PATCH", user, raw(`{"op":"replace","path":"name","value":"Ada"}`)}, 400, invalidValue, "name", nil},
		{"an object for a text", request{"PATCH", user, raw(`{"op":"replace","path":"title","value":{"a":{"b":1}}}`)}, 400, invalidValue, "title", nil},
		{"two values for one", request{"PATCH", user, raw(`{"op":"replace","path":"title","value":["a","b"]}`)}, 400, invalidValue, "title", nil},
		{"a word for a boolean", request{"PATCH", user, raw(`{"op":"replace","path":"active","value":"maybe"}`)}, 400, invalidValue, "active", nil},
		{"what is read-only", request{"PATCH", user, raw(`{"op":"replace","path":"groups","value":[]}`)}, 400, mutability, "groups", nil},
		{"a manager who is nobody", request{"PATCH", user, raw(`{"op":"replace","path":"` + enterprise + `:manager","value":"00000000-0000-4000-8000-000000000000"}`)}, 400, invalidValue, "00000000-0000-4000-8000-000000000000", nil},
		{"a member who is nobody", request{"PATCH", groupPath, patchOf(operation("Add", "members", members("00000000-0000-4000-8000-000000000000")))}, 400, invalidValue, "00000000-0000-4000-8000-000000000000", nil},
		{"a member without an id", request{"PATCH", groupPath, raw(`{"op":"add","path":"members","value":[{"display":"x"}]}`)}, 400, invalidValue, "value", nil},
		{"a weak password", request{"PATCH", user, raw(`{"op":"replace","path":"password","value":"x"}`)}, 400, invalidValue, "password", nil},
		{"a phone that is none", request{"PATCH", user, raw(`{"op":"replace","path":"phoneNumbers[type eq \"work\"].value","value":"ж"}`)}, 400, invalidValue, "", nil},
		{"an unfinished filter", request{"GET", filterPath("/Users", `userName eq`), ""}, 400, invalidFilter, "", nil},
		{"an open quote", request{"GET", filterPath("/Users", `userName eq "ada`), ""}, 400, invalidFilter, "", nil},
		{"an operator that is none", request{"GET", filterPath("/Users", `userName like "a"`), ""}, 400, invalidFilter, "like", nil},
		{"a filter on what is not mapped", request{"GET", filterPath("/Users", `shoeSize eq 44`), ""}, 400, invalidFilter, "shoeSize", nil},
		{"a filter on the password", request{"GET", filterPath("/Users", `password pr`), ""}, 400, invalidFilter, "password", nil},
		{"an empty filter", request{"GET", "/Users?filter=", ""}, 400, invalidFilter, "", nil},
		{"a filter that is too long", request{"GET", filterPath("/Users", `userName eq "`+strings.Repeat("x", 20000)+`"`), ""}, 400, invalidFilter, "", nil},
		{"a filter that is too deep", request{"GET", filterPath("/Users", strings.Repeat("(", 200)+`userName pr`+strings.Repeat(")", 200)), ""}, 400, invalidFilter, "", nil},
		{"a filter of too many terms", request{"GET", filterPath("/Users", strings.Repeat(`userName pr or `, 400)+`userName pr`), ""}, 400, invalidFilter, "", nil},
		{"a count that is no number", request{"GET", "/Users?count=many", ""}, 400, invalidValue, "count", nil},
		{"a startIndex that is no number", request{"GET", "/Users?startIndex=x", ""}, 400, invalidValue, "startIndex", nil},
		{"both projections", request{"GET", "/Users?attributes=userName&excludedAttributes=emails", ""}, 400, "", "attributes", nil},
		{"a query that can't be read", request{"GET", "/Users?filter=%zz", ""}, 400, "", "", nil},
		{"another content type", request{"POST", "/Users", userBody("x")}, 415, "", "application/scim+json", []string{"Content-Type: text/plain"}},
		{"a form", request{"PATCH", user, "active=false"}, 415, "", "application/scim+json", []string{"Content-Type: application/x-www-form-urlencoded"}},
		{"nothing acceptable", request{"GET", user, ""}, 406, "", "application/scim+json", []string{"Accept: text/html"}},
		{"refusing JSON", request{"GET", user, ""}, 406, "", "application/scim+json", []string{"Accept: application/json;q=0"}},
		{"a method that is none", request{"POST", user, userBody("x")}, 405, "", "POST", nil},
		{"PATCH of all", request{"PATCH", "/Users", raw(one)}, 405, "", "PATCH", nil},
		{"DELETE of all", request{"DELETE", "/Users", ""}, 405, "", "DELETE", nil},
		{"DELETE of the schemas", request{"DELETE", "/Schemas", ""}, 405, "", "DELETE", nil},
		{"a method nobody knows", request{"FROB", user, ""}, 405, "", "FROB", nil},
		{"OPTIONS", request{"OPTIONS", "/Users", ""}, 405, "", "OPTIONS", nil},
		{"a bulk of nothing", request{"POST", "/Bulk", `{}`}, 400, "invalidSyntax", "Operations", nil},
		{"a bulk of too many", request{"POST", "/Bulk", bulkOf(0, slices.Repeat([]any{bulkOperation("DELETE", "/Users/nobody", "", nil)}, 1001)...)}, 413, "", "bulk_operations", nil},
		{"a search by POST", request{"POST", "/.search", `{"filter": "userName"}`}, 400, "invalidFilter", "userName", nil},
		{"a search of users by POST", request{"POST", "/Users/.search", `{"filter": 5}`}, 400, "", "filter", nil},
		{"a version that is none", request{"PATCH", user, raw(one)}, 400, "invalidValue", "If-Match", []string{`If-Match: W/"1`}},
		{"another version", request{"PATCH", user, raw(one)}, 412, "", "GET", []string{`If-Match: W/"1"`}},
		{"me", request{"GET", "/Me", ""}, 501, "", "Me", nil},
		{"an endpoint that is none", request{"GET", "/Printers", ""}, 404, "", "Printers", nil},
		{"an id that is none", request{"GET", "/Users/nobody", ""}, 404, "", "nobody", nil},
		{"a schema that is none", request{"GET", "/Schemas/urn:x", ""}, 404, "", "urn:x", nil},
		{"a filter on discovery", request{"GET", "/Schemas?filter=" + url.QueryEscape(`id pr`), ""}, 403, "", "filter", nil},
	} {
		a := g.do(t, wrong.method, wrong.path, wrong.body, wrong.header...)
		if wrong.status == 0 {
			if a.Status != 400 && a.Status != 409 {
				t.Errorf("%s: %s", wrong.name, a)
			}
			isSCIMError(t, a)
			continue
		}
		if a.Status != wrong.status || wrong.kind != "" && a.get("scimType") != wrong.kind || !strings.Contains(strings.ToLower(a.get("detail")), strings.ToLower(wrong.detail)) {
			t.Errorf("%s: %s, want %d %s with %q", wrong.name, a, wrong.status, wrong.kind, wrong.detail)
			continue
		}
		isSCIMError(t, a)
		if len(a.get("detail")) < 15 {
			t.Errorf("%s: the detail says too little: %s", wrong.name, a)
		}
		for _, leak := range []string{"dc=example", "ou=people", "goroutine", ".go:", "LDAP Result Code", d.ServicePassword} {
			if strings.Contains(a.Body, leak) {
				t.Errorf("%s: the answer shows %q: %s", wrong.name, leak, a)
			}
		}
		if allow := a.Header.Get("Allow"); a.Status == 405 && (!strings.Contains(allow, "GET") || strings.Contains(allow, wrong.method+",")) {
			t.Errorf("%s: Allow is %q", wrong.name, allow)
		}
		if wrong.status >= 500 && wrong.status != 501 {
			t.Errorf("%s: a mistake of the caller is answered %s", wrong.name, a)
		}
	}
	if after := d.dump(t); after != before {
		t.Errorf("the directory was changed:\n%s", difference(before, after))
	}
	// As many operations and members as are allowed are no mistake.
	if a := g.do(t, "PATCH", user, raw(strings.TrimSuffix(strings.Repeat(one+",", 10000), ","))); a.Status != 200 || a.get("title") != "x" {
		t.Errorf("10,000 operations: %s", a)
	}
	// A body that ends in nonsense.
	status := g.raw(t, fmt.Sprintf("PATCH /scim/v2%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", user, token))
	if status != 400 {
		t.Errorf("a broken body is answered %d", status)
	}
}

// twoWithOneValue is a directory with two accounts for one name: which of them is
// meant is never guessed.
func twoWithOneValue(t *testing.T) {
	d := startSlapd(t, slapd.Options{LDIF: strings.ReplaceAll("dn: uid=twin,ou=§,"+people+"\nobjectClass: inetOrgPerson\nuid: twin\ncn: Twin\nsn: Twin\n\n", "ou=§", "ou=disabled") +
		"dn: uid=twin," + people + "\nobjectClass: inetOrgPerson\nuid: twin\ncn: Twin\nsn: Twin\n\n"})
	g := startGateway(t, d, setup{})
	a := g.want(t, 409, "GET", filterPath("/Users", `userName eq "twin"`), "")
	isSCIMError(t, a)
	for _, dn := range d.matching(t, "(uid=twin)") {
		if id := d.values(t, dn, "entryUUID")[0]; !strings.Contains(gjson.Get(a.Body, "detail").String(), id) {
			t.Errorf("the answer does not name %s: %s", id, a)
		}
	}
	before := d.dump(t)
	g.want(t, 409, "POST", "/Users", userBody("twin"))
	if after := d.dump(t); after != before {
		t.Errorf("the directory was changed:\n%s", difference(before, after))
	}
}
