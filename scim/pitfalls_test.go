package scim

import (
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pitfalls are the rules of RFC 7643, 7644 and 9865 that are most often got wrong.
// They are tested here as far as the language alone decides them; the rest,
// such as 21 (the answer to a PATCH is 200 with the resource, or 204), is seen in
// the dialogues and at the gateway.
var pitfalls = map[int]string{
	1:  "Location and meta.location are the same, from the outside base",
	2:  "a duplicate is 409 uniqueness",
	3:  "no match is an empty list",
	4:  "startIndex below 1 is 1, a negative count is 0",
	5:  "startIndex and itemsPerPage are always there, and true",
	6:  "unknown parameters are passed over",
	7:  "a filter that is not understood is invalidFilter",
	8:  "names and operators are without case, values as caseExact says",
	9:  "not binds before and, and before or",
	10: "a selector means one element",
	11: "any value of several matches; emails means emails.value",
	12: "booleans and binaries have no order, dateTimes that of time",
	13: "attributes and excludedAttributes exclude each other; always and never stay so",
	14: "PUT never creates; what is read-only is passed over in it",
	15: "PATCH is atomic and sequential",
	16: "remove needs a path, may find nothing, and removes nothing required or read-only",
	17: "to add what is there changes nothing",
	18: "replace of nothing adds; of a complex value it merges",
	19: "replace at a selector that finds nothing creates, or is noTarget",
	20: "one value is primary",
	22: "URNs in paths are cut at their last colon",
	23: "null, [] and absent are the same",
	24: "errors are SCIM, in either media type; /Me may be 501",
	25: "cursors: the first is empty, and only no nextCursor is the end",
	26: "and further",
}

func pitfall(rule int, about string) string {
	return fmt.Sprintf("%d: %s/%s", rule, pitfalls[rule], about)
}

// TestPitfallsOfRequests: what a request becomes.
func TestPitfallsOfRequests(t *testing.T) {
	get := func(target string) Request {
		path, query, _ := strings.Cut(target, "?")
		return Request{Method: "GET", Path: path, RawQuery: query}
	}
	send := func(method, path, body string) Request {
		path, query, _ := strings.Cut(path, "?")
		return Request{Method: method, Path: path, RawQuery: query, Body: []byte(body)}
	}
	patch := func(operations string) Request {
		return send("PATCH", "/Users/1", `{"schemas":["`+MessagePatch+`"],"Operations":[`+operations+`]}`)
	}
	for _, c := range []struct {
		rule    int
		request Request
		want    string
	}{
		{3, get("/Users?filter=userName+eq+%22nobody%22"), "search User\n  filter userName eq \"nobody\""},
		{4, get("/Users?startIndex=0"), "search User"},
		{4, get("/Users?startIndex=-1&count=-1"), "search User\n  count 0"},
		{4, get("/Users?count=0"), "search User\n  count 0"},
		{6, get("/Users?aadOptscim062020&x=1&filter=userName+pr"), "search User\n  filter userName pr"},
		{6, get("/Users?filter=userName+pr&aadOptscim062020=true&"), "search User\n  filter userName pr"},
		{6, get("/Users?startIndex&count&attributes"), "search User"},
		{7, get("/Users?filter=userName+like+%22a%22"), "400 invalidFilter: filter, position 10: expected an operator after userName, found \"like\""},
		{7, get("/Users?filter"), "400 invalidFilter: filter, position 1: expected an attribute, not or (, found the end"},
		{7, get("/Users?filter=shoeSize+eq+4"), "400 invalidFilter: filter, position 1: the attribute \"shoeSize\" is not mapped by this gateway: unknown attribute \"shoeSize\" at position 1"},
		{8, get("/users?FILTER=USERNAME+EQ+%22Ada%22"), "search User\n  filter userName eq \"Ada\""},
		{9, get("/Users?filter=userName+eq+%22a%22+or+title+pr+and+not+(title+eq+%22b%22)"), "search User\n  filter userName eq \"a\" or title pr and not (title eq \"b\")"},
		{9, get("/Users?filter=(userName+eq+%22a%22+or+title+pr)+and+title+eq+%22b%22"), "search User\n  filter (userName eq \"a\" or title pr) and title eq \"b\""},
		{11, get("/Users?filter=emails+co+%22example.com%22"), "search User\n  filter emails.value co \"example.com\""},
		{11, get("/Users?filter=name+eq+%22Ada%22"), "400 invalidFilter: filter, position 1: name is complex: compare one of its sub-attributes: name.formatted, name.familyName, name.givenName, name.middleName, name.honorificPrefix, name.honorificSuffix"},
		{12, get("/Users?filter=active+gt+false"), "400 invalidFilter: filter, position 8: gt cannot be used with active, whose type is boolean"},
		{12, get("/Users?filter=x509Certificates.value+le+%22AA%3D%3D%22"), "400 invalidFilter: filter, position 24: le cannot be used with x509Certificates.value, whose type is binary"},
		{13, get("/Users/1?attributes=userName&excludedAttributes=emails"), "400 invalidValue: the parameters attributes and excludedAttributes exclude each other; send one of them"},
		{13, get("/Users/1?attributes=" + SchemaUser + ":name.familyName," + SchemaEnterprise + ":manager"), "read User 1\n  return only name.familyName, " + SchemaEnterprise + ":manager"},
		{13, send("POST", "/Users?attributes=userName", `{"userName":"a"}`), "create User\n  set userName \"a\"\n  return only userName"},
		{13, send("PUT", "/Users/1?excludedAttributes=emails", `{"title":"a"}`), "update User 1 (put)\n  replace title \"a\"\n  return all but emails"},
		{14, send("PUT", "/Users/1", `{"id":"2","meta":{"resourceType":"User","version":"x"},"groups":[{"value":"g"}],"title":"a"}`), "update User 1 (put)\n  replace title \"a\""},
		{14, send("PUT", "/Users", `{}`), `405 "PUT" is not possible at "/Users", only GET, HEAD, POST`},
		{16, patch(`{"op":"remove"}`), "400 noTarget: operation 1: remove needs a path"},
		{16, patch(`{"op":"remove","path":"userName"}`), "400 mutability: operation 1: userName is required and cannot be removed"},
		{16, patch(`{"op":"remove","path":"groups"}`), "400 mutability: operation 1: groups is read-only"},
		{16, patch(`{"op":"replace","path":"id","value":"2"}`), "400 mutability: operation 1: id is read-only"},
		{26, patch(`{"op":"replace","path":"manager.$ref","value":"https://scim.example.com/Users/2"}`), "400 mutability: operation 1: " + SchemaEnterprise + ":manager.$ref is read-only"},
		{17, send("PATCH", "/Groups/1", `{"Operations":[{"op":"add","path":"members","value":[{"value":"a"},{"value":"a","display":"A"}]}]}`), "update Group 1\n  members add a"},
		{22, patch(`{"op":"replace","path":"URN:ietf:params:scim:schemas:extension:Enterprise:2.0:user:Manager.Value","value":"7"}`), "update User 1\n  replace " + SchemaEnterprise + ":manager.value \"7\""},
		{22, patch(`{"op":"replace","path":"` + SchemaUser + `:name.familyName","value":"x"}`), "update User 1\n  replace name.familyName \"x\""},
		{22, patch(`{"op":"replace","path":"` + SchemaUser + `:emails[type eq \"work:2.0\"].value","value":"x"}`), "update User 1\n  replace emails[type eq \"work:2.0\"].value \"x\""},
		{23, patch(`{"op":"replace","value":{"title":null,"emails":[],"nickName":""}}`), "update User 1\n  remove title\n  remove emails\n  remove nickName"},
		{23, send("POST", "/Users", `{"userName":"a","title":null,"emails":[],"name":{}}`), "create User\n  set userName \"a\""},
		{23, patch(`{"op":"replace","path":"manager","value":{"value":""}}`), "update User 1\n  remove " + SchemaEnterprise + ":manager"},
		{24, Request{Method: "POST", Path: "/Users", ContentType: "application/json", Accept: "application/json", Body: []byte(`{"userName":"a"}`)}, "create User\n  set userName \"a\""},
		{24, send("POST", "/Me", `{"userName":"a"}`), "501 nobody can register at /Me; users are created by POST to /Users"},
		{25, get("/Users?cursor"), "search User\n  cursor \"\""},
		{25, get("/Users?cursor=a%20b"), `400 invalidCursor: "a b" is no cursor: send nextCursor or previousCursor of an answer as they came, or an empty cursor for the first page`},
		{25, get("/Users?cursor=&count=all"), `400 invalidCount: the parameter count is a whole number, not "all"`},
		// The runners-up.
		{26, send("POST", "/Users", `{"id":"mine","meta":{"created":"2020-01-01T00:00:00Z"},"userName":"a"}`), "create User\n  set userName \"a\""},
		{26, get("/Schemas?filter=id+pr"), "403 a filter cannot be applied to /Schemas"},
		{26, get("/Schemas?startIndex=2&count=1"), "discover /Schemas"},
		{26, get("/ResourceTypes/User"), "discover /ResourceTypes/User"},
		{26, get("/?filter=userName+eq+%22a%22+or+displayName+eq+%22a%22"), "search all\n  search User\n    filter userName eq \"a\" or displayName eq \"a\"\n  search Group\n    filter displayName eq \"a\""},
		{26, send("PATCH", "/Groups/1", `{"Operations":[{"op":"replace","path":"members[value eq \"a\"].value","value":"b"}]}`), "400 mutability: operation 1: members[value eq \"a\"].value: the value of a member cannot be changed; remove it and add the other one"},
		{26, send("PATCH", "/Groups/1", `{"Operations":[{"op":"add","path":"members","value":[{"value":"a"}]},{"op":"remove","path":"members[value eq \"a\"]"}]}`), "update Group 1\n  members remove a"},
	} {
		name := pitfall(c.rule, fmt.Sprint(c.request.Method, " ", c.request.Path, "?", c.request.RawQuery, " ", string(c.request.Body)))
		t.Run(name, func(t *testing.T) {
			if got := decoded(everything(), c.request); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestPitfallsOfChanges: what a PATCH makes of a user.
func TestPitfallsOfChanges(t *testing.T) {
	const mails = `"emails":[{"value":"w","type":"work","primary":true},{"value":"h","type":"home"}]`
	for _, c := range []struct {
		rule                     int
		before, operations, want string // want "" means before, an error begins with a digit
	}{
		{15, `{"title":"a"}`, `{"op":"replace","path":"title","value":"b"},{"op":"remove","path":"emails[value gt \"x\"]"},{"op":"replace","path":"emails[value gt \"x\"].display","value":"y"}`, "400 noTarget"},
		{15, `{"title":"a"}`, `{"op":"replace","path":"title","value":"b"},{"op":"remove","path":"title"},{"op":"add","path":"nickName","value":"n"}`, `{"nickName":"n"}`},
		{15, `{}`, `{"op":"add","path":"emails","value":[{"type":"work","value":"a"}]},{"op":"replace","path":"emails[type eq \"work\"].value","value":"b"}`, `{"emails":[{"type":"work","value":"b"}]}`},
		{16, `{` + mails + `}`, `{"op":"remove","path":"emails[type eq \"other\"]"}`, ""},
		{16, `{"title":"a"}`, `{"op":"remove","path":"nickName"}`, ""},
		{17, `{` + mails + `}`, `{"op":"add","path":"emails","value":[{"value":"h","type":"home"}]}`, ""},
		{17, `{"title":"a"}`, `{"op":"add","path":"title","value":"a"}`, ""},
		{18, `{}`, `{"op":"replace","path":"title","value":"a"}`, `{"title":"a"}`},
		{18, `{"name":{"givenName":"Ada","familyName":"Byron"}}`, `{"op":"replace","path":"name","value":{"familyName":"Lovelace"}}`, `{"name":{"givenName":"Ada","familyName":"Lovelace"}}`},
		{18, `{"name":{"givenName":"Ada","familyName":"Byron"}}`, `{"op":"replace","value":{"name":{"familyName":"Lovelace"}}}`, `{"name":{"givenName":"Ada","familyName":"Lovelace"}}`},
		{19, `{}`, `{"op":"replace","path":"emails[type eq \"work\"].value","value":"w"}`, `{"emails":[{"type":"work","value":"w"}]}`},
		{19, `{` + mails + `}`, `{"op":"replace","path":"emails[type ne \"work\" and type ne \"home\"].value","value":"w"}`, "400 noTarget"},
		{20, `{` + mails + `}`, `{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}`, `{"emails":[{"value":"w","type":"work","primary":false},{"value":"h","type":"home","primary":true}]}`},
		{20, `{` + mails + `}`, `{"op":"add","path":"emails","value":[{"value":"o","primary":"True"}]}`, `{"emails":[{"value":"w","type":"work","primary":false},{"value":"h","type":"home"},{"value":"o","primary":true}]}`},
		{22, `{}`, `{"op":"add","path":"` + SchemaEnterprise + `:department","value":"x"}`, `{"` + SchemaEnterprise + `":{"department":"x"}}`},
		{23, `{"title":"a",` + mails + `}`, `{"op":"replace","path":"title","value":null},{"op":"replace","path":"emails","value":[]}`, `{}`},
	} {
		t.Run(pitfall(c.rule, c.operations), func(t *testing.T) {
			d := everything()
			before := given(t, d.Types[0], c.before)
			op, err := d.Decode(Request{Method: "PATCH", Path: "/Users/1", Body: []byte(`{"Operations":[` + c.operations + `]}`)})
			if err != nil {
				t.Fatal(err)
			}
			after, err := Apply(before, op.Changes)
			holdsExactly(t, before, c.before)
			if strings.HasPrefix(c.want, "400") {
				if err == nil || !strings.HasPrefix(err.Error(), c.want) {
					t.Errorf("got %v, want %s", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" { // nothing is written, and the version stays
				if diff := Diff(before, after); len(diff) > 0 {
					t.Errorf("%d differences", len(diff))
				}
				c.want = c.before
			}
			holdsExactly(t, after, c.want)
			schemas := after.Get(AttributeSchemas).Items()
			if want := 1 + strings.Count(c.want, SchemaEnterprise); len(schemas) != want {
				t.Errorf("%d schemas, want %d", len(schemas), want)
			}
		})
	}
}

// TestPitfallsOfFilters: whom a filter finds.
func TestPitfallsOfFilters(t *testing.T) {
	const ada = `{"userName":"Ada","externalId":"E1","profileUrl":"http://a","active":true,
		"emails":[{"type":"work","value":"a@home.example"},{"type":"home","value":"b@work.example"}]}`
	for _, c := range []struct {
		rule   int
		filter string
		want   bool
	}{
		{8, `username Eq "ADA"`, true},
		{8, `externalId eq "e1"`, true}, // a divergence: validators ask in upper case
		{8, `profileUrl eq "HTTP://A"`, false},
		{8, `id eq "id1"`, true},
		{8, `ID eq "ID1"`, false},
		{8, `meta.resourceType eq "User"`, true},
		{8, `meta.resourceType eq "user"`, false},
		{8, `meta.version eq "W/\"v\""`, true},
		{8, `meta.version eq "W/\"V\""`, false},
		{9, `userName eq "Ada" or userName eq "x" and userName eq "y"`, true},
		{9, `(userName eq "Ada" or userName eq "x") and userName eq "y"`, false},
		{9, `not (userName eq "x") and active eq true`, true},
		{10, `emails[type eq "work" and value co "work"]`, false},
		{10, `emails.type eq "work" and emails.value co "work"`, true},
		{11, `emails.type eq "home"`, true},
		{11, `emails co "work.example"`, true},
		{12, `meta.lastModified gt "2026-01-01T00:30:00+01:00"`, true},
		{12, `meta.lastModified lt "2026-01-01T00:30:00Z"`, true},
		{12, `meta.lastModified eq "2026-01-01T01:00:00.000+01:00"`, true},
	} {
		t.Run(pitfall(c.rule, c.filter), func(t *testing.T) {
			rt := UserType()
			r := given(t, rt, ada)
			r.ID, r.Meta.Version = "id1", "v"
			r.Meta.LastModified, _ = ParseDateTime("2026-01-01T00:00:00Z")
			f, err := ParseFilter(rt, c.filter, FilterLimits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := Match(f, r); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestPitfallsOfAnswers: what is written.
func TestPitfallsOfAnswers(t *testing.T) {
	users := UserType()
	ada := fullUser(t, users)
	out := Output{Base: "https://outside.example.com/scim/v2"}
	resource := func(p Projection) map[string]any {
		body, err := AppendResource(nil, ada, p, out, nil)
		if err != nil {
			t.Fatal(err)
		}
		return givenJSON(t, string(body)).(map[string]any)
	}
	list := func(page Page, n int) map[string]any {
		l := NewListEncoder(nil, page, out)
		for range n {
			if err := l.Add(ada, Projection{Include: []Target{}}, nil); err != nil {
				t.Fatal(err)
			}
		}
		return givenJSON(t, string(l.Finish())).(map[string]any)
	}
	member := func(x map[string]any, name string) string { return fmt.Sprint(x[name]) }
	target := func(name string) []Target {
		found, ok := ParseTarget(users, name)
		if !ok {
			t.Fatal(name)
		}
		return []Target{found}
	}
	whole := resource(Projection{})
	meta := whole["meta"].(map[string]any)
	one := resource(Projection{Include: target("password")})
	rest := resource(Projection{Exclude: append(target("id"), append(target("schemas"), target("emails")...)...)})
	failed := givenJSON(t, string(AppendError(nil, &Error{Status: http.StatusConflict, Type: UniquenessErr, Detail: "taken"}, V2))).(map[string]any)
	nothing, page, last, byCursor := list(Page{StartIndex: 1}, 0), list(Page{Total: 12, StartIndex: 3}, 2), list(Page{Total: 12, Previous: "p"}, 0), list(Page{Total: 12, Next: "n"}, 1)
	for _, c := range []struct {
		rule      int
		what      string
		got, want string
	}{
		{1, "Location", Location(out.Base, ada), "https://outside.example.com/scim/v2/Users/2819c223-7f76"},
		{1, "meta.location", member(meta, "location"), Location(out.Base, ada)},
		{2, "status", member(failed, "status"), "409"},
		{2, "scimType", member(failed, "scimType"), "uniqueness"},
		{3, "totalResults", member(nothing, "totalResults"), "0"},
		{3, "Resources", member(nothing, "Resources"), "[]"},
		{5, "startIndex", member(page, "startIndex"), "3"},
		{5, "itemsPerPage", member(page, "itemsPerPage"), "2"},
		{5, "totalResults", member(page, "totalResults"), "12"},
		{13, "what is never returned", member(one, "password"), "<nil>"},
		{13, "what is always returned", member(one, "id"), "2819c223-7f76"},
		{13, "the id left out", member(rest, "id"), "2819c223-7f76"},
		{13, "the schemas left out", member(rest, "schemas"), "[" + SchemaUser + " " + SchemaEnterprise + "]"},
		{13, "the addresses left out", member(rest, "emails"), "<nil>"},
		{23, "what has no value", member(whole, "nickName"), "<nil>"},
		{24, "schemas", member(failed, "schemas"), "[" + MessageError + "]"},
		{24, "type of status", fmt.Sprintf("%T", failed["status"]), "string"},
		{25, "the last page", member(last, "nextCursor") + member(last, "previousCursor") + member(last, "startIndex"), "<nil>p<nil>"},
		{25, "another page", member(byCursor, "nextCursor") + member(byCursor, "previousCursor") + member(byCursor, "itemsPerPage"), "n<nil>1"},
		{26, "version", member(meta, "version"), ada.Meta.ETag()},
		{26, "resourceType, whose letters count", member(meta, "resourceType"), "User"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", pitfall(c.rule, c.what), c.got, c.want)
		}
	}
	if _, ok := AnswerType("application/json", V2); !ok {
		t.Error("rule 24: application/json is not answered")
	}
	if contentType, _ := AnswerType("*/*", V2); contentType != "application/scim+json" {
		t.Errorf("rule 24: answers are %s", contentType)
	}
}

// TestPitfallOfSchemas: each attribute that is mapped is found in /Schemas, as
// Microsoft's gallery validation looks for it, and nothing else is; they are not
// paged away.
func TestPitfallOfSchemas(t *testing.T) {
	mapped := map[string]bool{"userName": true, "name": true, "name.familyName": true, "emails": true, "emails.value": true,
		enterprise + ":manager": true, enterprise + ":manager.value": true, "displayName": true, "members": true, "members.value": true}
	keep := func(a *Attribute) bool { return mapped[a.String()] }
	d := &Discovery{Types: []*ResourceType{UserType().Narrow(keep, nil), GroupType().Narrow(keep, nil)}, MaxResults: 1}
	body, err := d.Answer("/Schemas", nil, Output{})
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, document := range givenJSON(t, string(body)).(map[string]any)["Resources"].([]any) {
		schema := document.(map[string]any)
		prefix := ""
		if id := schema["id"].(string); !isCoreSchema(id) {
			prefix = id + ":"
		}
		for name := range definedNames(schema["attributes"], prefix) {
			found[name] = true
		}
	}
	if diff := cmp.Diff(mapped, found); diff != "" {
		t.Error(diff)
	}
}

// definedNames yields the names of attributes in a schema, those of sub-attributes
// behind a dot.
func definedNames(attributes any, prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		list, _ := attributes.([]any)
		for _, x := range list {
			a := x.(map[string]any)
			name := prefix + a["name"].(string)
			if !yield(name) {
				return
			}
			for sub := range definedNames(a["subAttributes"], name+".") {
				if !yield(sub) {
					return
				}
			}
		}
	}
}
