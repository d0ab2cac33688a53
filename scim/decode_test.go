package scim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// decoded writes what a request becomes, the error as status, type and detail.
func decoded(d *Decoder, r Request) string {
	op, err := d.Decode(r)
	var parts []string
	if op != nil {
		parts = append(parts, op.String())
	}
	if err != nil {
		parts = append(parts, err.Error())
	}
	return strings.Join(parts, "\n")
}

func everything() *Decoder { return &Decoder{Types: []*ResourceType{UserType(), GroupType()}} }

func TestDecodePatchValues(t *testing.T) {
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	for name, c := range map[string]struct{ operations, want string }{
		"a list of one for a single value":      {`{"op":"replace","path":"title","value":["x"]}`, `replace title "x"`},
		"an object for a single value":          {`{"op":"replace","path":"title","value":[{"$ref":null,"value":"x"}]}`, `replace title "x"`},
		"a list of two for a single value":      {`{"op":"replace","path":"title","value":["x","y"]}`, "400 invalidValue: operation 1: title: expected one value, found several"},
		"a list of two for a complex value":     {`{"op":"replace","path":"name","value":[{"givenName":"x"},{"givenName":"y"}]}`, "400 invalidValue: operation 1: name: expected one value, found several"},
		"a number for a string":                 {`{"op":"replace","path":"employeeNumber","value":1e400}`, "replace " + enterprise + `:employeeNumber "1e400"`},
		"a string for name":                     {`{"op":"replace","path":"name","value":"Ada"}`, "400 invalidValue: operation 1: name: expected an object of sub-attributes, found a string"},
		"a boolean for a manager":               {`{"op":"replace","path":"manager","value":true}`, "replace " + enterprise + `:manager {value "true"}`},
		"a number for a manager":                {`{"op":"replace","path":"manager","value":271}`, "replace " + enterprise + `:manager {value "271"}`},
		"null for a manager":                    {`{"op":"add","path":"manager","value":null}`, "remove " + enterprise + ":manager"},
		"an empty list for a manager":           {`{"op":"replace","path":"manager","value":[]}`, "remove " + enterprise + ":manager"},
		"an empty object says nothing":          {`{"op":"replace","path":"manager","value":{}}`, ""},
		"read-only parts of a value":            {`{"op":"replace","path":"manager","value":{"value":"1","displayName":"Ada"}}`, "replace " + enterprise + `:manager {value "1"}`},
		"a read-only part at the path":          {`{"op":"replace","path":"manager.displayName","value":"Ada"}`, "400 mutability: operation 1: " + enterprise + ":manager.displayName is read-only"},
		"part of an extension's attribute":      {`{"op":"replace","value":{"` + enterprise + `":{"manager.value":"7"}}}`, "replace " + enterprise + `:manager.value "7"`},
		"null for an extension":                 {`{"op":"replace","path":"` + enterprise + `","value":null}`, "remove " + strings.Join([]string{enterprise + ":employeeNumber", enterprise + ":costCenter", enterprise + ":organization", enterprise + ":division", enterprise + ":department", enterprise + ":manager"}, "\nremove ")},
		"remove of a part of an extension":      {`{"op":"remove","path":"` + enterprise + `:department"}`, "remove " + enterprise + ":department"},
		"remove of the base schema":             {`{"op":"remove","path":"` + SchemaUser + `"}`, "400 noTarget: operation 1: name the attribute to be removed behind " + SchemaUser + " and a colon"},
		"the base schema as path":               {`{"op":"add","path":"` + SchemaUser + `","value":{"title":"x"}}`, `replace title "x"`},
		"a string for an extension":             {`{"op":"add","path":"` + enterprise + `","value":"x"}`, "400 invalidValue: operation 1: " + enterprise + ": expected an object of attributes, found a string"},
		"an extension that is a URL":            {`{"op":"add","value":{"http://example.com/a(b)":{"x":1}}}`, "ignored http://example.com/a(b)"},
		"null for what is unknown":              {`{"op":"add","value":{"shoeSize":null}}`, ""},
		"what is unknown, twice":                {`{"op":"add","value":{"shoeSize":1}},{"op":"replace","path":"shoeSize","value":2}`, "ignored shoeSize"},
		"an unknown part of a value":            {`{"op":"add","path":"emails","value":[{"value":"a@b","verified":true}]}`, "add emails [{value \"a@b\"}]\nignored emails.verified"},
		"remove of what is unknown":             {`{"op":"remove","path":"shoeSize"}`, "ignored shoeSize"},
		"a path within a value":                 {`{"op":"replace","value":{"emails[type eq \"work\"].value":"a@b"}}`, `replace emails[type eq "work"].value "a@b"`},
		"a broken path within a value":          {`{"op":"replace","value":{"emails[type eq":"a@b"}}`, "400 invalidFilter: operation 1: path, position 15: expected"},
		"a bare string for an element":          {`{"op":"add","path":"emails","value":"a@b"}`, `add emails [{value "a@b"}]`},
		"bare strings for elements":             {`{"op":"replace","path":"emails","value":["a@b","",null,"c@d"]}`, `replace emails [{value "a@b"}, {value "c@d"}]`},
		"an element without value":              {`{"op":"replace","path":"emails","value":[{"type":"work","value":""}]}`, "remove emails"},
		"an empty list added":                   {`{"op":"add","path":"emails","value":[]}`, ""},
		"an empty list as replacement":          {`{"op":"replace","path":"emails","value":[]}`, "remove emails"},
		"an empty list removed":                 {`{"op":"remove","path":"emails","value":[]}`, ""},
		"remove with null":                      {`{"op":"remove","path":"emails","value":null}`, "remove emails"},
		"remove of a single value with it":      {`{"op":"remove","path":"title","value":"x"}`, "remove title"},
		"an element at a selector":              {`{"op":"add","path":"emails[type eq \"work\"]","value":[{"value":"a@b","primary":"true","display":null}]}`, "replace emails[type eq \"work\"] {value \"a@b\", primary true}\nremove emails[type eq \"work\"].display"},
		"nothing at a selector":                 {`{"op":"replace","path":"emails[type eq \"work\"]","value":null}`, `remove emails[type eq "work"]`},
		"parts of a single complex value":       {`{"op":"replace","path":"name","value":{"givenName":"Ada","middleName":"","familyName":null}}`, "replace name {givenName \"Ada\"}\nremove name.middleName\nremove name.familyName"},
		"an empty password":                     {`{"op":"replace","path":"password","value":""}`, "400 invalidValue: operation 1: the password is empty"},
		"the removal of a password":             {`{"op":"remove","path":"password"}`, "remove password"},
		"an empty userName":                     {`{"op":"replace","path":"userName","value":""}`, "400 invalidValue: operation 1: userName is required and cannot be empty"},
		"control characters but NUL":            {`{"op":"replace","path":"title","value":"a\u0001\n"}`, `replace title "a\u0001\n"`},
		"half a pair in the path":               {`{"op":"replace","path":"\ud800","value":"x"}`, "400 invalidPath: operation 1: the path cannot be read"},
		"half a pair where nobody reads it":     {`{"op":"replace","path":"title","value":"x","note":"\ud800"}`, `replace title "x"`},
		"no value":                              {`{"op":"add","path":"title"}`, "400 invalidValue: operation 1: add needs a value"},
		"a value without path that is a string": {`{"op":"add","value":"x"}`, "400 invalidValue: operation 1: a value without path must be an object of attributes"},
		"an empty path is none":                 {`{"op":"add","path":" ","value":{"title":"x"}}`, `replace title "x"`},
		"a path that is a number":               {`{"op":"add","path":1,"value":"x"}`, "400 invalidPath: operation 1: the path is a number; a string is needed"},
		"an operation that is a string":         {`"x"`, "400 invalidSyntax: operation 1: expected an object, found a string"},
		"no op":                                 {`{"path":"title","value":"x"}`, "400 invalidSyntax: operation 1: there is no op; expected add, remove or replace"},
		"a filter in the path that is no list":  {`{"op":"add","path":"name[givenName eq \"x\"]","value":"x"}`, "400 invalidPath: operation 1: path, position 5: name has no elements to select"},
		"an error and then no disable":          {`{"op":"x"},{"op":"replace","path":"active","value":false},{"op":"replace","path":"active","value":true}`, `400 invalidSyntax: operation 1: op is "x"`},
		"an error before a disable":             {`{"op":"x"},{"op":"add","path":"title","value":"x"},{"op":"replace","path":"active","value":false}`, "replace active false\n400 invalidSyntax: operation 1: op is \"x\""},
	} {
		t.Run(name, func(t *testing.T) {
			got := decoded(everything(), Request{Method: "PATCH", Path: "/Users/1", Body: []byte(`{"Operations":[` + c.operations + `]}`)})
			got = strings.TrimPrefix(strings.TrimPrefix(strings.ReplaceAll(got, "\n  ", "\n"), "update User 1"), "\n")
			if got != c.want && (!strings.Contains(c.want, "400 ") || !strings.HasPrefix(got, c.want)) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestDecodeMembers(t *testing.T) {
	for name, c := range map[string]struct{ method, body, want string }{
		"numbers":                  {"PATCH", `{"Operations":[{"op":"add","path":"members","value":[1,{"value":2}]}]}`, "members add 1, 2"},
		"nothing added":            {"PATCH", `{"Operations":[{"op":"add","path":"members","value":[]}]}`, ""},
		"null is nobody":           {"PATCH", `{"Operations":[{"op":"replace","path":"members","value":null}]}`, "members clear"},
		"nobody removed":           {"PATCH", `{"Operations":[{"op":"remove","path":"members","value":[]}]}`, ""},
		"null removed is all":      {"PATCH", `{"Operations":[{"op":"remove","path":"members","value":null}]}`, "members clear"},
		"an empty string removed":  {"PATCH", `{"Operations":[{"op":"remove","path":"members","value":""}]}`, "400 invalidValue: operation 1: members: each member needs a value, the id of a user or group"},
		"the value at the path":    {"PATCH", `{"Operations":[{"op":"add","path":"members.value","value":"a"}]}`, "members add a"},
		"display at the path":      {"PATCH", `{"Operations":[{"op":"add","path":"members.display","value":"a"}]}`, "400 mutability: operation 1: members.display cannot be changed; members are added and removed by their value"},
		"the value at a selector":  {"PATCH", `{"Operations":[{"op":"remove","path":"members[value eq \"a\"].value"}]}`, "members remove a"},
		"null at a selector":       {"PATCH", `{"Operations":[{"op":"replace","path":"members[value eq \"a\"]","value":null}]}`, "members remove a"},
		"not equal":                {"PATCH", `{"Operations":[{"op":"remove","path":"members[value ne \"a\"]"}]}`, `400 invalidPath: operation 1: members[value ne "a"]: members are selected by value eq "id", or by several of these joined by or`},
		"and":                      {"PATCH", `{"Operations":[{"op":"remove","path":"members[value eq \"a\" and type eq \"User\"]"}]}`, `400 invalidPath: operation 1: members[value eq "a" and type eq "User"]: members are selected by value eq "id", or by several of these joined by or`},
		"added, cleared, removed":  {"PATCH", `{"Operations":[{"op":"add","path":"members","value":["a","b"]},{"op":"remove","path":"members"},{"op":"add","path":"members","value":["c","d"]},{"op":"remove","path":"members","value":["d"]}]}`, "members replace c"},
		"the same one twice":       {"PATCH", `{"Operations":[{"op":"add","path":"members","value":["a","a"]}]}`, "members add a"},
		"ids are caseExact":        {"PATCH", `{"Operations":[{"op":"add","path":"members","value":["a","A"]}]}`, "members add a, A"},
		"PUT null":                 {"PUT", `{"members":null}`, "members clear"},
		"PUT with a null":          {"PUT", `{"members":[null]}`, "400 invalidValue: members: each member needs a value, the id of a user or group"},
		"a null beside a member":   {"PUT", `{"members":[{"value":"a"},null]}`, "400 invalidValue: members: each member needs a value, the id of a user or group"},
		"replaced by a null":       {"PATCH", `{"Operations":[{"op":"replace","path":"members","value":[null]}]}`, "400 invalidValue: operation 1: members: each member needs a value, the id of a user or group"},
		"a null added":             {"PATCH", `{"Operations":[{"op":"add","value":{"members":[null]}}]}`, "400 invalidValue: operation 1: members: each member needs a value, the id of a user or group"},
		"a null removed":           {"PATCH", `{"Operations":[{"op":"remove","path":"members","value":[null]}]}`, "400 invalidValue: operation 1: members: each member needs a value, the id of a user or group"},
		"PUT with dots":            {"PUT", `{"members.value":["a"]}`, "members replace a"},
		"an error and no disable":  {"PATCH", `{"Operations":[{"op":"add","path":"members","value":["a"]},{"op":"x"}]}`, `400 invalidSyntax: operation 2: op is "x"; expected add, remove or replace`},
		"groups have no active":    {"PATCH", `{"Operations":[{"op":"replace","path":"active","value":false}]}`, "ignored active"},
		"too many of them":         {"PATCH", `{"Operations":[{"op":"add","path":"members","value":["a","b","c","d"]}]}`, `400 invalidValue: the request names more than 3 members; raise "limit members" in the gateway's configuration to allow more`},
		"too many operations":      {"PATCH", `{"Operations":[{"op":"remove","path":"displayName"},{"op":"x"},{"op":"x"},{"op":"x"},{"op":"x"},{"op":"x"}]}`, `400 mutability: operation 1: displayName is required and cannot be removed`},
		"too many good operations": {"PATCH", `{"Operations":[` + strings.Repeat(`{"op":"add","path":"members","value":"a"},`, 5) + `{"op":"x"}]}`, `400 invalidValue: operation 6: a PATCH may have 5 operations; raise "limit operations" in the gateway's configuration to allow more`},
	} {
		t.Run(name, func(t *testing.T) {
			d := everything()
			d.Limits = Limits{Members: 3, Operations: 5}
			got := decoded(d, Request{Method: c.method, Path: "/Groups/1", Body: []byte(c.body)})
			got = strings.TrimPrefix(strings.TrimPrefix(got, "update Group 1"), " (put)")
			if got = strings.TrimSpace(got); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestMemberFoldIsSequential applies random operations one by one to a set, and
// folded at once, and compares.
func TestMemberFoldIsSequential(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	id := func() string { return string(rune('a' + random.IntN(5))) }
	for range 2000 {
		start := map[string]bool{}
		for range random.IntN(4) {
			start[id()] = true
		}
		want := map[string]bool{}
		for m := range start {
			want[m] = true
		}
		var operations []string
		for range 1 + random.IntN(6) {
			m := id()
			switch random.IntN(5) {
			case 0:
				operations = append(operations, fmt.Sprintf(`{"op":"Add","path":"members","value":[{"value":%q}]}`, m))
				want[m] = true
			case 1:
				operations = append(operations, fmt.Sprintf(`{"op":"remove","path":"members[value eq \"%s\"]"}`, m))
				delete(want, m)
			case 2:
				operations = append(operations, fmt.Sprintf(`{"op":"Remove","path":"members","value":[{"value":%q}]}`, m))
				delete(want, m)
			case 3:
				operations = append(operations, fmt.Sprintf(`{"op":"replace","value":{"members":[%q]}}`, m))
				want = map[string]bool{m: true}
			case 4:
				operations = append(operations, `{"op":"remove","path":"members"}`)
				want = map[string]bool{}
			}
		}
		body := `{"Operations":[` + strings.Join(operations, ",") + `]}`
		op, err := everything().Decode(Request{Method: "PATCH", Path: "/Groups/1", Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		if !op.Members.ReplaceAll {
			for m := range start {
				got[m] = true
			}
		} else if len(op.Members.Remove) > 0 {
			t.Errorf("%s: replaces all and removes %v", body, op.Members.Remove)
		}
		for _, m := range op.Members.Remove {
			delete(got, m)
		}
		for _, m := range op.Members.Add {
			if slices.Contains(op.Members.Remove, m) {
				t.Errorf("%s: %s is both added and removed", body, m)
			}
			got[m] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%v, %s: (-want +got)\n%s", start, body, diff)
		}
	}
}

func TestDecodeClearOmitted(t *testing.T) {
	user := UserType().Narrow(func(a *Attribute) bool {
		if a.Parent() != nil && a.Parent().Name == "name" {
			return a.Name == "givenName" || a.Name == "familyName" || a.Name == "middleName"
		}
		return slices.Contains([]string{"userName", "name", "title", "active", "password", "emails", "externalId", "manager", "groups", "department"}, a.Name) ||
			a.Parent() != nil
	}, func(_, a *Attribute) {
		switch a.Name {
		case "externalId":
			a.Mutability = Immutable
		case "familyName":
			a.Required = true
		}
	})
	d := &Decoder{Types: []*ResourceType{user, GroupType()}, ClearOmitted: true}
	got := decoded(d, Request{Method: "PUT", Path: "/Users/1", Body: []byte(
		`{"userName":"ada","name":{"givenName":"Ada"},"manager":"7"}`)})
	want := `update User 1 (put)
  replace userName "ada"
  replace name {givenName "Ada"}
  replace urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager {value "7"}
  remove name.middleName
  remove title
  remove emails
  remove urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department
  remove urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.$ref`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = decoded(d, Request{Method: "PUT", Path: "/Groups/1", Body: []byte(`{"displayName":"x"}`)})
	if want := "update Group 1 (put)\n  replace displayName \"x\"\n  remove externalId"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got = decoded(d, Request{Method: "PATCH", Path: "/Users/1", Body: []byte(`{"Operations":[{"op":"replace","value":{"title":"x"}}]}`)})
	if want := "update User 1\n  replace title \"x\""; got != want {
		t.Errorf("a PATCH clears: %s", got)
	}
}

// TestDecodeUnmappedActive holds that a disable which nothing is mapped for is
// refused: dropped, it would be answered with success.
func TestDecodeUnmappedActive(t *testing.T) {
	without := UserType().Narrow(func(a *Attribute) bool { return a.Name != "active" }, nil)
	readOnly := UserType().Narrow(func(*Attribute) bool { return true }, func(_, a *Attribute) {
		if a.Name == "active" {
			a.Mutability = ReadOnly
		}
	})
	const unmapped = "400 invalidValue: %sactive cannot be set to false: this gateway's configuration names no way to disable users: no attribute takes the disable"
	for name, c := range map[string]struct {
		t                  *ResourceType
		method, body, want string
	}{
		"PATCH with a path":     {without, "PATCH", `{"Operations":[{"op":"replace","path":"active","value":"False"}]}`, fmt.Sprintf(unmapped, "operation 1: ")},
		"PATCH without a path":  {without, "PATCH", `{"Operations":[{"op":"replace","value":{"Active":false}}]}`, fmt.Sprintf(unmapped, "operation 1: ")},
		"PATCH by the URN":      {without, "PATCH", `{"Operations":[{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:active","value":[false]}]}`, fmt.Sprintf(unmapped, "operation 1: ")},
		"PATCH in the schema":   {without, "PATCH", `{"Operations":[{"op":"replace","value":{"urn:ietf:params:scim:schemas:core:2.0:User":{"active":false}}}]}`, fmt.Sprintf(unmapped, "operation 1: ")},
		"PUT":                   {without, "PUT", `{"userName":"x","active":false}`, fmt.Sprintf(unmapped, "")},
		"POST":                  {without, "POST", `{"userName":"x","active":false}`, fmt.Sprintf(unmapped, "")},
		"enabling is no matter": {without, "PUT", `{"active":true}`, "update User 1 (put)\n  ignored active"},
		"read-only, PUT":        {readOnly, "PUT", `{"active":false}`, "400 mutability: active is read-only"},
		"read-only, enabling":   {readOnly, "PUT", `{"active":true}`, "update User 1 (put)"},
		"read-only, PATCH":      {readOnly, "PATCH", `{"Operations":[{"op":"replace","path":"active","value":true}]}`, "400 mutability: operation 1: active is read-only"},
	} {
		t.Run(name, func(t *testing.T) {
			path := "/Users/1"
			if c.method == "POST" {
				path = "/Users"
			}
			d := &Decoder{Types: []*ResourceType{c.t}}
			if got := decoded(d, Request{Method: c.method, Path: path, Body: []byte(c.body)}); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestDecodeDisableSurvives puts one thing after another that is wrong beside a
// disable, which must be what comes out, alone, with the error.
func TestDecodeDisableSurvives(t *testing.T) {
	patch := func(o string) string {
		return `{"schemas":["urn:x"],"Operations":[` + o + `,{"op":"Replace","path":"active","value":"False"}]}`
	}
	many := strings.Repeat(`{"op":"add","path":"title","value":"x"},`, 10_000)
	for name, r := range map[string]Request{
		"wrong value":            {Body: []byte(patch(`{"op":"replace","path":"emails","value":[{"value":{}}]}`))},
		"wrong path":             {Body: []byte(patch(`{"op":"replace","path":"title[","value":1}`))},
		"wrong op":               {Body: []byte(patch(`{"op":"put"}`))},
		"no operation":           {Body: []byte(patch(`17`))},
		"NUL":                    {Body: []byte(patch(`{"op":"replace","path":"title","value":"\u0000"}`))},
		"read-only":              {Body: []byte(patch(`{"op":"replace","path":"groups","value":[]}`))},
		"required":               {Body: []byte(patch(`{"op":"remove","path":"userName"}`))},
		"too many operations":    {Body: []byte(patch(many + `{"op":"add","path":"title","value":"x"}`))},
		"wrong active before":    {Body: []byte(patch(`{"op":"replace","path":"active","value":"perhaps"}`))},
		"removal of active":      {Body: []byte(patch(`{"op":"remove","path":"active"}`))},
		"wrong query":            {RawQuery: "attributes=id&excludedAttributes=name", Body: []byte(patch(`{"op":"add","path":"title","value":"x"}`))},
		"broken encoding":        {RawQuery: "attributes=%zz", Body: []byte(patch(`{"op":"add","path":"title","value":"x"}`))},
		"unacceptable":           {Accept: "text/html", Body: []byte(patch(`{"op":"add","path":"title","value":"x"}`))},
		"in one value":           {Body: []byte(`{"Operations":[{"op":"replace","value":{"active":"false","title":[1,2],"name":7}}]}`)},
		"in one value, reversed": {Body: []byte(`{"Operations":[{"op":"replace","value":{"name":7,"title":[1,2],"active":"false"}}]}`)},
		"PUT":                    {Method: "PUT", Body: []byte(`{"userName":"","name":7,"active":"False","emails":[{"value":{}}]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			if r.Method == "" {
				r.Method = "PATCH"
			}
			r.Path = "/Users/1"
			op, err := everything().Decode(r)
			if err == nil {
				t.Fatal("there is no error")
			}
			if op == nil {
				t.Fatalf("the disable is lost: %v", err)
			}
			want := "update User 1\n  replace active false"
			if r.Method == "PUT" {
				want = "update User 1 (put)\n  replace active false"
			}
			got := op.String()
			got, _, _ = strings.Cut(got, "\n  return") // a projection does no harm
			if got != want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestDecodeRoutes(t *testing.T) {
	usersOnly := &Decoder{Types: []*ResourceType{UserType()}, Limits: Limits{Body: 30, Filter: FilterLimits{Length: 30}}}
	for name, c := range map[string]struct {
		r    Request
		want string
	}{
		"an id is kept as it is":        {Request{Method: "GET", Path: "/Users/a b%2F/Ü"}, "read User \"a b%2F/Ü\""},
		"HEAD":                          {Request{Method: "HEAD", Path: "/Users/1/"}, "read User 1"},
		"an id that leads elsewhere":    {Request{Method: "GET", Path: "/Users/.."}, `404 User ".." does not exist`},
		"an id that leads elsewhere, 2": {Request{Method: "DELETE", Path: "/Users/1/../2"}, `404 User "1/../2" does not exist`},
		"an id without anything":        {Request{Method: "GET", Path: "/Users//"}, `404 User "" does not exist`},
		"an id with a NUL":              {Request{Method: "GET", Path: "/Users/a\x00"}, `404 User "a\x00" does not exist`},
		"an id that is not UTF-8":       {Request{Method: "GET", Path: "/Users/\xff"}, `404 User "\xff" does not exist`},
		"/Me":                           {Request{Method: "GET", Path: "/me", RawQuery: "attributes=userName"}, "read User me\n  return only userName"},
		"below /Me":                     {Request{Method: "GET", Path: "/Me/1"}, `404 there is no endpoint "/Me/1"; users are at /Users, groups at /Groups`},
		"DELETE /Me":                    {Request{Method: "DELETE", Path: "/Me/"}, "delete User me"},
		"POST to /Me":                   {Request{Method: "POST", Path: "/Me"}, "501 nobody can register at /Me; users are created by POST to /Users"},
		"PUT to all":                    {Request{Method: "PUT", Path: "/Users"}, `405 "PUT" is not possible at "/Users", only GET, HEAD, POST`},
		"POST to the schemas":           {Request{Method: "POST", Path: "/schemas/"}, `405 "POST" is not possible at "/schemas", only GET, HEAD`},
		"a schema":                      {Request{Method: "GET", Path: "/Schemas/urn:x", RawQuery: "attributes=id"}, "discover /Schemas/urn:x"},
		"groups are not served: search": {Request{Method: "GET", Path: "/Groups", RawQuery: "filter=x+y&count=3"}, "search none\n  count 3"},
		"groups are not served: read":   {Request{Method: "GET", Path: "/Groups/1"}, `404 Group "1" does not exist`},
		"groups are not served: create": {Request{Method: "POST", Path: "/Groups", Body: []byte("{}")}, "501 this gateway does not provision resources of the type Group: its configuration maps none"},
		"a body that is too large":      {Request{Method: "POST", Path: "/Users", Body: []byte(`{"userName":"` + strings.Repeat("x", 30) + `"}`)}, `413 the request body is larger than 30 bytes; raise "limit body" in the gateway's configuration to allow more`},
		"a filter that is too long":     {Request{Method: "GET", Path: "/Users", RawQuery: "filter=userName+eq+%22" + strings.Repeat("x", 30) + "%22"}, "400 invalidFilter: filter: longer than 30 bytes, the limit"},
		"a body where none belongs":     {Request{Method: "DELETE", Path: "/Users/1", RawQuery: "attributes=a&excludedAttributes=b", ContentType: "text/plain", Body: []byte(`x`)}, "delete User 1"},
		"a parameter twice":             {Request{Method: "GET", Path: "/Users", RawQuery: "count=1&Count=2"}, "400 invalidSyntax: the parameter count stands twice in the request"},
		"a parameter that is not UTF-8": {Request{Method: "GET", Path: "/Users", RawQuery: "filter=%ff"}, "400 invalidSyntax: the parameter filter is not UTF-8"},
		"huge numbers":                  {Request{Method: "GET", Path: "/Users", RawQuery: "startIndex=99999999999999999999&count=99999999999999999999"}, "search User\n  startIndex 9223372036854775807\n  count 1000"},
		"numbers below all":             {Request{Method: "GET", Path: "/Users", RawQuery: "startIndex=-99999999999999999999&count=0"}, "search User\n  count 0"},
		"numbers with nothing":          {Request{Method: "GET", Path: "/Users", RawQuery: "startIndex&count="}, "search User"},
		"a fraction":                    {Request{Method: "GET", Path: "/Users", RawQuery: "startIndex=1.5"}, `400 invalidValue: the parameter startIndex is a whole number, not "1.5"`},
		"a semicolon":                   {Request{Method: "GET", Path: "/Users", RawQuery: "filter=userName+eq+\"a;b\""}, "search User\n  filter userName eq \"a;b\""},
		"attributes":                    {Request{Method: "GET", Path: "/Users/1", RawQuery: "attributes=userName,%20NAME.givenName,shoeSize,urn:ietf:params:scim:schemas:core:2.0:User:title"}, "read User 1\n  return only userName, name.givenName, title"},
		"attributes nobody has":         {Request{Method: "GET", Path: "/Users/1", RawQuery: "attributes=shoeSize"}, "read User 1\n  return only what is always returned"},
		"attributes without anything":   {Request{Method: "GET", Path: "/Users/1", RawQuery: "attributes=&excludedAttributes=emails"}, "read User 1\n  return all but emails"},
		"an extension as attribute":     {Request{Method: "GET", Path: "/Users/1", RawQuery: "excludedAttributes=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}, "read User 1\n  return all but " + strings.Join([]string{SchemaEnterprise + ":employeeNumber", SchemaEnterprise + ":costCenter", SchemaEnterprise + ":organization", SchemaEnterprise + ":division", SchemaEnterprise + ":department", SchemaEnterprise + ":manager"}, ", ")},
		"charset":                       {Request{Method: "PUT", Path: "/Users/1", ContentType: "Application/SCIM+JSON ; charset=UTF-8", Body: []byte(`{"title":"x"}`)}, "update User 1 (put)\n  replace title \"x\""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decoded(usersOnly, c.r); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	_, err := usersOnly.Decode(Request{Method: "PUT", Path: "/Users"})
	if e := AsError(err); e == nil || e.Allow != "GET, HEAD, POST" {
		t.Errorf("the 405 does not say what is allowed: %v", err)
	}
}

func TestAnswerType(t *testing.T) {
	for accept, want := range map[string]string{
		"":                                contentSCIM,
		"*/*":                             contentSCIM,
		"application/*;q=0.5":             contentSCIM,
		"application/scim+json":           contentSCIM,
		"application/json":                contentJSON,
		"Application/JSON; charset=utf-8": contentJSON,
		"application/json, application/scim+json;q=0.1":   contentSCIM,
		"application/json, text/plain, */*":               contentSCIM,
		"text/html, application/json;q=0.9":               contentJSON,
		"text/*":                                          "",
		"text/html":                                       "",
		"application/scim+json;q=0":                       "",
		"application/scim+json;q=0.000, application/json": contentJSON,
		"application/xml":                                 "",
		"application/jsonp":                               "",
		", ,":                                             "",
	} {
		got, ok := AnswerType(accept, V2)
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", accept, got, ok, want)
		}
	}
}

func TestIgnoredIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `,"unknown%d":%d`, i, i)
	}
	b.WriteString(`,"` + strings.Repeat("ü", 500) + `":1`)
	op, err := everything().Decode(Request{Method: "PUT", Path: "/Users/1", Body: []byte("{" + b.String()[1:] + "}")})
	if err != nil {
		t.Fatal(err)
	}
	if len(op.Ignored) != 100 {
		t.Errorf("%d paths are noted", len(op.Ignored))
	}
}

func TestLimitsWithDefaults(t *testing.T) {
	want := Limits{Body: 16 << 20, Depth: 32, Operations: 10_000, BulkOperations: 1000, Members: unlimited, PageMax: 1000, PageDefault: 100}
	if got := (Limits{}).WithDefaults(); got != want {
		t.Errorf("got %+v", got)
	}
	want = Limits{Body: int64(unlimited), Depth: 1000, Operations: unlimited, BulkOperations: unlimited, Members: 7, PageMax: 50, PageDefault: 50}
	if got := (Limits{Body: -1, Depth: -1, Operations: -1, BulkOperations: -1, Members: 7, PageMax: 50}).WithDefaults(); got != want {
		t.Errorf("got %+v", got)
	}
}
