package scim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestDecodeSearchRequest(t *testing.T) {
	for name, c := range map[string]struct{ path, query, body, want string }{
		"everything": {"/Users/.search", "", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"attributes":["userName","name.givenName"],
			"filter":"userName sw \"a\"","sortBy":"userName","sortOrder":"descending","startIndex":11,"count":10}`,
			"search User\n  filter userName sw \"a\"\n  startIndex 11\n  count 10\n  sort by userName descending\n  return only userName, name.givenName"},
		"in another way":              {"/users/.SEARCH", "", `{"EXCLUDEDATTRIBUTES":"emails, title","Count":"5","STARTINDEX":"0","x":{"filter":1}}`, "search User\n  count 5\n  return all but emails, title"},
		"nothing":                     {"/Users/.search/", "", `{}`, "search User"},
		"nulls":                       {"/Users/.search", "", `{"filter":null,"attributes":null,"count":null,"cursor":null,"sortBy":null}`, "search User"},
		"an empty list of attributes": {"/Users/.search", "", `{"attributes":[]}`, "search User"},
		"the first page by cursor":    {"/Users/.search", "", `{"cursor":"","count":10}`, "search User\n  count 10\n  cursor \"\""},
		"the next page by cursor":     {"/Users/.search", "", `{"cursor":"VZUTiyhEQJ94IR"}`, "search User\n  cursor VZUTiyhEQJ94IR"},
		"a cursor of another kind":    {"/Users/.search", "", `{"cursor":1}`, "400 invalidValue: cursor is a number; a string is needed"},
		"a filter of another kind":    {"/Users/.search", "", `{"filter":["userName pr"]}`, "400 invalidValue: filter is an array; a string is needed"},
		"a count of another kind":     {"/Users/.search", "", `{"count":[1]}`, `400 invalidValue: the parameter count is a whole number, not "[1]"`},
		"attributes of another kind":  {"/Users/.search", "", `{"attributes":{"a":1}}`, "400 invalidValue: attributes is an object; an array of names is needed"},
		"attributes within":           {"/Users/.search", "", `{"attributes":["userName",["title"]]}`, "400 invalidValue: attributes holds an array; an array of names is needed"},
		"a broken filter":             {"/Users/.search", "", `{"filter":"userName"}`, "400 invalidFilter: filter, position 9: expected an operator after userName, found the end"},
		"a filter with a NUL":         {"/Users/.search", "", `{"filter":"userName eq \"\u0000\""}`, `400 invalidValue: filter cannot be read: it holds the character NUL (\u0000)`},
		"in the URL as well":          {"/Users/.search", "count=5", `{"filter":"title pr"}`, "search User\n  filter title pr\n  count 5"},
		"twice":                       {"/Users/.search", "filter=title+pr", `{"filter":"title pr"}`, "400 invalidSyntax: the parameter filter stands twice in the request"},
		"two keys":                    {"/Users/.search", "", `{"filter":"title pr","Filter":"x pr"}`, `400 invalidSyntax: the body cannot be read: line 1, column 22 (byte 21): the name "Filter" stands twice in one object (names are compared without case)`},
		"no body":                     {"/Users/.search", "", ``, "400 invalidSyntax: the request has no body; a JSON object is needed"},
		"no object":                   {"/.search", "", `[]`, "400 invalidSyntax: the body is an array; a JSON object is needed"},
		"too deep":                    {"/.search", "", `{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "400 invalidSyntax: the body cannot be read: line 1, column 37 (byte 36): objects and arrays are nested deeper than 32 levels; raise \"limit depth\" in the gateway's configuration to allow more"},
		"at the root":                 {"/.search", "", `{"filter":"displayName eq \"x\"","count":3,"cursor":""}`, "search all\n  count 3\n  cursor \"\"\n  search User\n    filter displayName eq \"x\"\n    count 3\n  search Group\n    filter displayName eq \"x\"\n    count 3"},
		"what is not served":          {"/Machines/.search", "", `{}`, `404 there is no endpoint "/Machines/.search"; users are at /Users, groups at /Groups`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decoded(everything(), Request{Method: "POST", Path: c.path, RawQuery: c.query, Body: []byte(c.body)}); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	usersOnly := &Decoder{Types: []*ResourceType{UserType()}}
	if got := decoded(usersOnly, Request{Method: "POST", Path: "/Groups/.search", Body: []byte(`{"filter":"x y","count":2}`)}); got != "search none\n  count 2" {
		t.Errorf("groups are not served: got %s", got)
	}
	for _, r := range []Request{{Method: "GET", Path: "/.search"}, {Method: "GET", Path: "/Users/.search"}, {Method: "DELETE", Path: "/Users/.search"}} {
		if _, err := everything().Decode(r); AsError(err) == nil || AsError(err).Status != 405 || AsError(err).Allow != "POST" {
			t.Errorf("%s %s: %v", r.Method, r.Path, err)
		}
	}
}

func TestDecodeCursor(t *testing.T) {
	for query, want := range map[string]string{
		"cursor":                "search User\n  cursor \"\"",
		"cursor=&count=10":      "search User\n  count 10\n  cursor \"\"",
		"cursor=aZ09-._~":       "search User\n  cursor aZ09-._~",
		"cursor=a&startIndex=1": "search User\n  cursor a",
		"cursor=a&startIndex=2": "400 invalidCursor: the parameters cursor and startIndex exclude each other; send one of them",
		"cursor=a%2Fb":          `400 invalidCursor: "a/b" is no cursor: send nextCursor or previousCursor of an answer as they came, or an empty cursor for the first page`,
		"cursor=%C3%BC":         `400 invalidCursor: "ü" is no cursor: send nextCursor or previousCursor of an answer as they came, or an empty cursor for the first page`,
		"cursor&count=ten":      `400 invalidCount: the parameter count is a whole number, not "ten"`,
		"count=-5&cursor":       "search User\n  count 0\n  cursor \"\"",
		"count=5000&cursor":     "search User\n  count 1000\n  cursor \"\"",
		"cursor=a&cursor=b":     "400 invalidSyntax: the parameter cursor stands twice in the request",
	} {
		got := decoded(everything(), Request{Method: "GET", Path: "/Users", RawQuery: query})
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", query, got, want)
		}
	}
}

func TestDecodeSearchAll(t *testing.T) {
	both := func(user, group string) string {
		text := "search all"
		if user != "-" {
			text += "\n  search User" + strings.TrimSuffix("\n    filter "+user, "\n    filter ")
		}
		if group != "-" {
			text += "\n  search Group" + strings.TrimSuffix("\n    filter "+group, "\n    filter ")
		}
		return text
	}
	for filter, want := range map[string]string{
		`displayName eq "x"`:                     both(`displayName eq "x"`, `displayName eq "x"`),
		`userName eq "x"`:                        both(`userName eq "x"`, "-"),
		`userName ne "x"`:                        both(`userName ne "x"`, ""),
		`userName pr`:                            both(`userName pr`, "-"),
		`userName eq null`:                       both(`userName eq null`, ""),
		`userName ne null`:                       both(`userName ne null`, "-"),
		`not (userName pr)`:                      both(`not (userName pr)`, ""),
		`not (userName ne "x")`:                  both(`not (userName ne "x")`, "-"),
		`userName sw "x" or displayName sw "x"`:  both(`userName sw "x" or displayName sw "x"`, `displayName sw "x"`),
		`userName sw "x" and displayName sw "x"`: both(`userName sw "x" and displayName sw "x"`, "-"),
		`userName ne "x" and displayName sw "x"`: both(`userName ne "x" and displayName sw "x"`, `displayName sw "x"`),
		`meta.resourceType eq "User"`:            both("", "-"),
		`meta.resourceType eq "user"`:            both("-", "-"),
		`meta.resourceType eq "User" or meta.resourceType eq "Group" and displayName pr`: both("", "displayName pr"),
		`meta.resourceType ne "User"`:                                  both("-", ""),
		`meta.resourceType pr`:                                         both("", ""),
		`schemas eq "` + SchemaGroup + `"`:                             both("-", ""),
		`schemas eq "` + SchemaEnterprise + `"`:                        both(`schemas eq "`+SchemaEnterprise+`"`, "-"),
		`schemas eq "urn:x"`:                                           both("-", "-"),
		`members[value eq "1"]`:                                        both("-", `members[value eq "1"]`),
		`not (members[value eq "1"])`:                                  both("", `not (members[value eq "1"])`),
		`members[value eq "1"].type eq "User"`:                         both("-", `members[value eq "1" and type eq "User"]`),
		`members[value eq "1"].type eq null`:                           both("", `not (members[value eq "1" and type ne null])`),
		`emails[type eq "work" and value co "x"] or id eq "1"`:         both(`emails[type eq "work" and value co "x"] or id eq "1"`, `id eq "1"`),
		`(userName pr or displayName pr) and (id pr and title ne "x")`: both(`(userName pr or displayName pr) and id pr and title ne "x"`, `displayName pr and id pr`),
		`shoeSize eq 4`:                                                `400 invalidFilter: filter, position 1: the attribute "shoeSize" is not mapped by this gateway: unknown attribute "shoeSize" at position 1`,
		`userName pr or shoeSize pr`:                                   `400 invalidFilter: filter, position 16: the attribute "shoeSize" is not mapped by this gateway: unknown attribute "shoeSize" at position 16`,
		`members[size eq 1]`:                                           `400 invalidFilter: filter, position 9: the attribute "size" is not mapped by this gateway: unknown attribute "size" at position 9`,
		`active gt true`:                                               "400 invalidFilter: filter, position 8: gt cannot be used with active, whose type is boolean",
		`password eq "x"`:                                              "400 invalidFilter: filter, position 1: the attribute password can only be written, it cannot be searched",
		`userName eq`:                                                  "400 invalidFilter: filter, position 12: expected a value after eq, found the end",
		`userName[value eq "x"]`:                                       "400 invalidFilter: filter, position 9: userName has no elements to select: only multi-valued attributes have",
		`emails[members[x eq 1] eq 1]`:                                 "400 invalidFilter: filter, position 15: a selector cannot stand within another one",
	} {
		t.Run(filter, func(t *testing.T) {
			body := string(append(appendString([]byte(`{"filter":`), filter), '}'))
			if got := decoded(everything(), Request{Method: "POST", Path: "/.search", Body: []byte(body)}); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	for query, want := range map[string]string{
		"":                                 both("", ""),
		"startIndex=3&attributes=userName": "search all\n  startIndex 3\n  search User\n    return only userName\n  search Group\n    return only what is always returned",
		"sortBy=userName":                  "search all\n  sort by userName\n  search User\n    sort by userName\n  search Group",
		"sortBy=displayName&sortOrder=descending":  "search all\n  sort by displayName descending\n  search User\n    sort by displayName descending\n  search Group\n    sort by displayName descending",
		"sortBy=shoeSize":                          `400 invalidValue: sortBy: the attribute "shoeSize" is not mapped by this gateway; sort by one that /Schemas shows, by id or by meta.lastModified: unknown attribute "shoeSize" at position 1`,
		"sortBy=members":                           "400 invalidValue: sortBy: members are references to others, which have no order; sort by another attribute",
		"attributes=id&excludedAttributes=members": "400 invalidValue: the parameters attributes and excludedAttributes exclude each other; send one of them",
	} {
		for _, path := range []string{"", "/"} {
			if got := decoded(everything(), Request{Method: "GET", Path: path, RawQuery: query}); got != want {
				t.Errorf("%q: got  %s\nwant %s", query, got, want)
			}
		}
	}
	if _, err := everything().Decode(Request{Method: "POST", Path: "/"}); AsError(err) == nil || AsError(err).Allow != "GET, HEAD" {
		t.Errorf("POST to the base: %v", err)
	}
}

// TestRestrictedMatchesWithoutTheAttribute compares what remains of random filters
// for a type with the filters themselves, held against resources of the whole type
// that have none of the values which the type does not map.
func TestRestrictedMatchesWithoutTheAttribute(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	var term func(depth int) string
	term = func(depth int) string {
		switch n := random.IntN(8); {
		case depth > 2 || n < 3:
			return one("userName", "title", "nickName", "emails.value", "emails.display", "phoneNumbers.value") + " " +
				one(`eq "a"`, `ne "a"`, `pr`, `eq null`, `ne null`, `co "a"`, `gt "a"`)
		case n == 3:
			return "not (" + term(depth+1) + ")"
		case n == 4:
			return one("emails", "phoneNumbers") + "[" + one("value", "display", "type") + " " + one(`eq "a"`, `ne "a"`, `pr`, `eq null`) + one("", ` and value pr`, ` or display ne "a"`) + "]" +
				one("", "", `.display eq null`, `.display ne "a"`, `.value sw "a"`)
		case n == 5:
			return `meta.resourceType ` + one("eq", "ne") + " " + one(`"User"`, `"Group"`)
		}
		return "(" + term(depth+1) + one(" and ", " or ") + term(depth+1) + ")"
	}
	whole := UserType()
	narrow := whole.Narrow(func(a *Attribute) bool {
		return a.Name != "nickName" && a.Name != "phoneNumbers" && a.String() != "emails.display"
	}, nil)
	var resources []*Resource
	for _, text := range []string{`{}`, `{"userName":"a"}`, `{"userName":"b","title":"a"}`, `{"emails":[{"value":"a"}]}`, `{"userName":"a","emails":[{"value":"b","type":"a"},{"value":"a"}]}`} {
		resources = append(resources, given(t, whole, text))
	}
	for range 2000 {
		text := term(0)
		f, err := ParseFilter(whole, text, FilterLimits{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		p := parser{lexer: lexer{text: text, noun: "filter", kind: InvalidFilter}, t: narrow, limits: FilterLimits{}.withDefaults(), lacks: map[int]*Error{}}
		lenient, err := p.filter()
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		rest := restrict(lenient, narrow)
		if rest.filter != nil {
			if _, err := ParseFilter(narrow, rest.filter.String(), FilterLimits{Depth: -1}); err != nil {
				t.Fatalf("%s became %s: %v", text, rest.filter, err)
			}
		}
		for _, r := range resources {
			got := rest.isTrue
			if rest.filter != nil {
				got = Match(rest.filter, r)
			}
			if want := Match(f, r); got != want {
				t.Fatalf("%s became %s: %v, want %v", text, fmt.Sprint(rest.filter), got, want)
			}
		}
	}
}
