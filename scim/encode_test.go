package scim

import (
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const testBase = "https://scim.example.com/directory/scim/v2"

func fullUser(tb testing.TB, typ *ResourceType) *Resource {
	tb.Helper()
	r := given(tb, typ, `{"externalId":"e1","userName":"ada","name":{"givenName":"Ada","familyName":"Lovelace"},
		"displayName":"Ada Lovelace","title":"Countess","active":true,"password":"s3cret","locale":"en","timezone":"Europe/London",
		"emails":[{"value":"ada@example.com","type":"work","primary":true},{"value":"ada@home.example","type":"home"}],
		"phoneNumbers":[{"value":"+44 1","type":"mobile"}],
		"groups":[{"value":"g/1","display":"Analysts","type":"direct"}],
		"`+enterprise+`":{"employeeNumber":"7","department":"Engines","manager":{"value":"m1","displayName":"Charles"}}}`)
	r.ID = "2819c223-7f76"
	r.Meta = Meta{
		Created:      time.Date(2024, 2, 29, 13, 14, 15, 678_900_000, time.FixedZone("", 3600)),
		LastModified: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		Version:      "20250101Z",
	}
	return r
}

func TestAppendResource(t *testing.T) {
	typ := UserType()
	got, err := AppendResource([]byte("before "), fullUser(t, typ), Projection{}, Output{Base: testBase + "/"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Written out to the letter: the order and the absence of the password count.
	want := `before {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],` +
		`"id":"2819c223-7f76","externalId":"e1","userName":"ada","name":{"familyName":"Lovelace","givenName":"Ada"},` +
		`"displayName":"Ada Lovelace","title":"Countess","locale":"en","timezone":"Europe/London","active":true,` +
		`"emails":[{"value":"ada@example.com","type":"work","primary":true},{"value":"ada@home.example","type":"home"}],` +
		`"phoneNumbers":[{"value":"+44 1","type":"mobile"}],` +
		`"groups":[{"value":"g/1","$ref":"https://scim.example.com/directory/scim/v2/Groups/g%2F1","display":"Analysts","type":"direct"}],` +
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"7","department":"Engines",` +
		`"manager":{"value":"m1","$ref":"https://scim.example.com/directory/scim/v2/Users/m1","displayName":"Charles"}},` +
		`"meta":{"resourceType":"User","created":"2024-02-29T12:14:15.678Z","lastModified":"2025-01-01T00:00:00.000Z",` +
		`"location":"https://scim.example.com/directory/scim/v2/Users/2819c223-7f76","version":"W/\"20250101Z\""}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestAppendResourceProjected(t *testing.T) {
	typ := UserType()
	for _, name := range []string{"nickName", "title"} {
		typ.Attribute(name).Returned = ReturnedRequest
	}
	typ.Attribute("emails").Sub("display").Returned = ReturnedRequest
	typ.Attribute("name").Sub("middleName").Returned = ReturnedNever
	typ.Attribute("userName").Returned = ReturnedAlways
	r := given(t, typ, `{"userName":"ada","title":"Countess","password":"s3cret","name":{"givenName":"Ada","middleName":"secret"},
		"emails":[{"value":"a@x","display":"A","type":"work"},{"display":"only"}],
		"`+enterprise+`":{"department":"Engines","manager":{"value":"m1"}}}`)
	r.ID = "1"
	const core, ext = `"schemas":["` + SchemaUser + `"]`, `"schemas":["` + SchemaUser + `","` + SchemaEnterprise + `"]`
	tests := []struct {
		name             string
		include, exclude []string
		want             string
	}{
		{"by default", nil, nil, `{` + ext + `,"id":"1","userName":"ada","name":{"givenName":"Ada"},"emails":[{"value":"a@x","type":"work"}],
			"` + enterprise + `":{"department":"Engines","manager":{"value":"m1","$ref":"/Users/m1"}},"meta":{"resourceType":"User","location":"/Users/1"}}`},
		{"nothing that exists", []string{}, nil, `{` + core + `,"id":"1","userName":"ada"}`},
		{"one attribute", []string{"displayName"}, nil, `{` + core + `,"id":"1","userName":"ada"}`},
		{"on request", []string{"title", "emails.display"}, nil, `{` + core + `,"id":"1","userName":"ada","title":"Countess","emails":[{"display":"A"},{"display":"only"}]}`},
		{"never, whoever asks", []string{"password", "name.middleName"}, nil, `{` + core + `,"id":"1","userName":"ada"}`},
		{"a sub-attribute", []string{"emails.type"}, nil, `{` + core + `,"id":"1","userName":"ada","emails":[{"type":"work"}]}`},
		{"an extension's", []string{enterprise + ":department"}, nil, `{` + ext + `,"id":"1","userName":"ada","` + enterprise + `":{"department":"Engines"}}`},
		{"only the address of the manager", []string{"manager.$ref"}, nil, `{` + ext + `,"id":"1","userName":"ada","` + enterprise + `":{"manager":{"$ref":"/Users/m1"}}}`},
		{"what the manager does not have", []string{"manager.displayName"}, nil, `{` + core + `,"id":"1","userName":"ada"}`},
		{"meta", []string{"meta.location"}, nil, `{` + core + `,"id":"1","userName":"ada","meta":{"location":"/Users/1"}}`},
		{"what meta does not have", []string{"meta.version"}, nil, `{` + core + `,"id":"1","userName":"ada"}`},
		{"without some", nil, []string{"name", "emails.type", "manager", "meta", "userName", "id"},
			`{` + ext + `,"id":"1","userName":"ada","emails":[{"value":"a@x"}],"` + enterprise + `":{"department":"Engines"}}`},
		{"without any of the extension", nil, []string{"department", "manager", "name", "emails", "meta"}, `{` + core + `,"id":"1","userName":"ada"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := Projection{Include: givenTargets(t, typ, test.include), Exclude: givenTargets(t, typ, test.exclude)}
			got, err := AppendResource(nil, r, p, Output{Base: ""}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(givenJSON(t, test.want), givenJSON(t, string(got))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func givenTargets(tb testing.TB, typ *ResourceType, names []string) []Target {
	tb.Helper()
	if names == nil {
		return nil
	}
	targets := []Target{}
	for _, name := range names {
		target, ok := ParseTarget(typ, name)
		if !ok {
			tb.Fatalf("there is no attribute %s", name)
		}
		targets = append(targets, target)
	}
	return targets
}

func membersOf(members ...Member) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		for _, m := range members {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func TestAppendResourceWithMembers(t *testing.T) {
	group := GroupType()
	r := given(t, group, `{"displayName":"Analysts"}`)
	r.ID = "g1"
	some := membersOf(Member{ID: "u1", Display: "Ada", Type: "User"}, Member{ID: "g 2", Type: "Group"}, Member{ID: "x"})
	const head = `{"schemas":["` + SchemaGroup + `"],"id":"g1"`
	const meta = `"meta":{"resourceType":"Group","location":"` + testBase + `/Groups/g1"}`
	tests := []struct {
		name             string
		members          iter.Seq2[Member, error]
		include, exclude []string
		want             string
	}{
		{"all of them", some, nil, nil, head + `,"displayName":"Analysts","members":[
			{"value":"u1","$ref":"` + testBase + `/Users/u1","display":"Ada","type":"User"},
			{"value":"g 2","$ref":"` + testBase + `/Groups/g%202","type":"Group"},{"value":"x"}],` + meta + `}`},
		{"none", membersOf(), nil, nil, head + `,"displayName":"Analysts",` + meta + `}`},
		{"not known", nil, nil, nil, head + `,"displayName":"Analysts",` + meta + `}`},
		{"only their values", some, []string{"members.value"}, nil, head + `,"members":[{"value":"u1"},{"value":"g 2"},{"value":"x"}]}`},
		{"only their displays", some, []string{"members.display"}, nil, head + `,"members":[{"display":"Ada"}]}`},
		{"without a part", some, nil, []string{"members.$ref", "members.type", "meta"},
			head + `,"displayName":"Analysts","members":[{"value":"u1","display":"Ada"},{"value":"g 2"},{"value":"x"}]}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := Projection{Include: givenTargets(t, group, test.include), Exclude: givenTargets(t, group, test.exclude)}
			got, err := AppendResource(nil, r, p, Output{Base: testBase}, test.members)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(givenJSON(t, test.want), givenJSON(t, string(got))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}

	t.Run("excluded members are not read", func(t *testing.T) {
		forbidden := func(func(Member, error) bool) { t.Error("the members are read") }
		got, err := AppendResource(nil, r, Projection{Exclude: givenTargets(t, group, []string{"members"})}, Output{Base: testBase}, forbidden)
		if err != nil || strings.Contains(string(got), "members") {
			t.Errorf("got %s, %v", got, err)
		}
	})
	t.Run("what is not mapped is not written", func(t *testing.T) {
		narrow := group.Narrow(func(a *Attribute) bool { return a.Name == "members" || a.Name == "value" }, nil)
		got, err := AppendResource(nil, NewResource(narrow), Projection{Exclude: []Target{{Attribute: AttributeMeta}}}, Output{Base: testBase}, some)
		if want := `{"schemas":["` + SchemaGroup + `"],"members":[{"value":"u1"},{"value":"g 2"},{"value":"x"}]}`; err != nil || string(got) != want {
			t.Errorf("got %s, %v", got, err)
		}
	})
	t.Run("an error while reading", func(t *testing.T) {
		broken := &Error{Status: http.StatusServiceUnavailable, Detail: "gone"}
		failing := func(yield func(Member, error) bool) {
			if yield(Member{ID: "u1"}, nil) {
				yield(Member{}, broken)
			}
		}
		got, err := AppendResource([]byte("kept"), r, Projection{}, Output{Base: testBase}, failing)
		if !errors.Is(err, broken) || string(got) != "kept" {
			t.Errorf("got %s, %v", got, err)
		}
	})
	t.Run("a member without an id is a fault", func(t *testing.T) {
		if got, err := AppendResource(nil, r, Projection{}, Output{Base: testBase}, membersOf(Member{Display: "?"})); err == nil {
			t.Errorf("got %s", got)
		}
	})
}

func TestAppendResourceWithoutReferences(t *testing.T) {
	user := UserType()
	narrow := user.Narrow(func(a *Attribute) bool { return a.Name != "$ref" }, nil)
	r := given(t, narrow, `{"groups":[{"value":"g"}]}`)
	got, err := AppendResource(nil, r, Projection{}, Output{Base: testBase}, nil)
	if err != nil || strings.Contains(string(got), "$ref") {
		t.Errorf("got %s, %v", got, err)
	}
	// Of a reference whose value is not known what is known is written.
	holdsExactly(t, given(t, user, `{"`+enterprise+`":{"manager":{"$ref":"../Users/1"}}}`), `{"`+enterprise+`":{"manager":{"$ref":"../Users/1"}}}`)
}

// A translation that yields such values has a fault; hiding it would show a
// person wrongly.
func TestAppendResourceRefusesWhatDoesNotFit(t *testing.T) {
	user := UserType()
	name, title, emails := user.Attribute("name"), user.Attribute("title"), user.Attribute("emails")
	tests := []struct {
		name      string
		attribute *Attribute
		value     Value
		isRight   bool
	}{
		{"several values of a single-valued attribute", title, List(String("a"), String("b")), false},
		{"several of a complex one", name, List(Complex(Field{name.Sub("givenName"), String("a")})), false},
		{"a text for a complex value", name, String("Ada"), false},
		{"a complex value for a text", title, Complex(Field{name.Sub("givenName"), String("a")}), false},
		{"a text among complex values", emails, List(String("a")), false},
		{"a number that is none", title, Number("007"), false},
		{"no number at all", title, Number(""), false},
		{"a number", title, Number("-1.50E+7"), true},
		{"a single value of a multi-valued attribute", emails, Complex(Field{emails.Sub("value"), String("a")}), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := NewResource(user)
			r.Set(test.attribute, test.value)
			got, err := AppendResource(nil, r, Projection{}, Output{Base: ""}, nil)
			if test.isRight != (err == nil) {
				t.Fatalf("got %s, %v", got, err)
			}
			if err != nil && !strings.Contains(err.Error(), test.attribute.Name) {
				t.Errorf("the error does not name the attribute: %v", err)
			}
		})
	}
}

func TestLocation(t *testing.T) {
	r := NewResource(UserType())
	r.ID = "cn=Ada Lovelace/ä"
	const want = testBase + "/Users/cn%3DAda%20Lovelace%2F%C3%A4"
	for _, base := range []string{testBase, testBase + "/"} {
		if got := Location(base, r); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestListEncoder(t *testing.T) {
	user := UserType()
	title := user.Attribute("title")
	title.Returned = ReturnedAlways
	r := NewResource(user)
	r.ID = "1"
	bad := NewResource(user)
	bad.Set(title, List(String("a"), String("b")))
	only := Projection{Include: []Target{}}
	const entry = `{"schemas":["` + SchemaUser + `"],"id":"1"}`
	tests := []struct {
		name      string
		resources []*Resource
		want      string
	}{
		{"empty", nil, `{"schemas":["` + MessageList + `"],"totalResults":7,"startIndex":3,"Resources":[],"itemsPerPage":0}`},
		{"one", []*Resource{r}, `{"schemas":["` + MessageList + `"],"totalResults":7,"startIndex":3,"Resources":[` + entry + `],"itemsPerPage":1}`},
		{"two and one that fails", []*Resource{r, bad, r},
			`{"schemas":["` + MessageList + `"],"totalResults":7,"startIndex":3,"Resources":[` + entry + `,` + entry + `],"itemsPerPage":2}`},
		{"one that fails at first", []*Resource{bad, r},
			`{"schemas":["` + MessageList + `"],"totalResults":7,"startIndex":3,"Resources":[` + entry + `],"itemsPerPage":1}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := NewListEncoder([]byte("> "), Page{Total: 7, StartIndex: 3}, Output{Base: testBase})
			for _, x := range test.resources {
				if err := l.Add(x, only, nil); (x == bad) != (err != nil) {
					t.Fatal(err)
				}
			}
			if got := string(l.Finish()); got != "> "+test.want {
				t.Errorf("got  %s\nwant > %s", got, test.want)
			}
		})
	}
}

func TestAppendError(t *testing.T) {
	tests := []struct {
		name string
		err  *Error
		want string
	}{
		{"with a type", Invalid(NoTarget, "no %s", `"x"`), `{"schemas":["` + MessageError + `"],"status":"400","scimType":"noTarget","detail":"no \"x\""}`},
		{"without", &Error{Status: 404, Detail: "gone", Err: errors.New("secret")}, `{"schemas":["` + MessageError + `"],"status":"404","detail":"gone"}`},
		{"nothing known", &Error{}, `{"schemas":["` + MessageError + `"],"status":"500"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := string(AppendError(nil, test.err, V2)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAppendString(t *testing.T) {
	tests := []struct{ name, s, want string }{
		{"plain", "Ada", `"Ada"`},
		{"nothing", "", `""`},
		{"quotes and backslashes", `a"b\c`, `"a\"b\\c"`},
		{"white space", "a\n\r\tb", `"a\n\r\tb"`},
		{"control characters", "\x00\x1f\x7f", "\"\\u0000\\u001f\x7f\""},
		{"HTML", "<a href='x'>&</a>", `"<a href='x'>&</a>"`},
		{"beyond ASCII", "Ådå 😀", `"Ådå 😀"`},
		{"line separators", "a\u2028b\u2029", `"a\u2028b\u2029"`},
		{"not UTF-8", "a\xffb\xc3", `"a\ufffdb\ufffd"`},
		{"a surrogate", "\xed\xa0\x80", `"\ufffd\ufffd\ufffd"`},
		{"the replacement character itself", "\ufffd", "\"\ufffd\""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := string(appendString(nil, test.s))
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			var back string
			if err := json.Unmarshal([]byte(got), &back); err != nil || back != string([]rune(test.s)) {
				t.Errorf("read back: %q, %v", back, err)
			}
		})
	}
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x05\x0d\x03\x01\x01\x01\x05\x02\x01\x03\x02\x0d\x00\x01\x01\x05\x06\x00\x02\x00\x05"))
	user, thing, group := UserType(), thingType(f), GroupType()
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &choices{data}
		typ := choose(c, user, thing, group)
		r := c.resource(typ)
		r.ID = choose(c, "", "1", "a/b\"\xff")
		r.Meta.Version = choose(c, "", "v\"\\")
		var p Projection
		for range c.below(3) {
			a := choose(c, append(typ.Attributes(), AttributeMeta, AttributeID)...)
			target := Target{Attribute: a}
			if a.IsComplex() && c.below(2) == 1 {
				target.Sub = choose(c, a.SubAttributes...)
			}
			if c.below(2) == 1 {
				p.Include = append(p.Include, target)
			} else {
				p.Exclude = append(p.Exclude, target)
			}
		}
		base := choose(c, "https://x/y", "", "http://a\"b\u2028\xff/")
		members := membersOf(slices.Repeat([]Member{{ID: r.ID + "m", Display: "\\d", Type: "User"}}, c.below(3))...)
		got, err := AppendResource(nil, r, p, Output{Base: base}, members)
		if err != nil {
			t.Fatalf("encoding what fits its schema: %v", err)
		}
		var object map[string]any
		if err := json.Unmarshal(got, &object); err != nil {
			t.Fatalf("%s is not JSON: %v", got, err)
		}
		if _, ok := object["password"]; ok {
			t.Fatalf("%s has the password", got)
		}
		if _, err := scanJSON(got, 10); err != nil {
			t.Fatalf("%s would not be accepted by ourselves: %v", got, err)
		}
		assertNothingEmpty(t, object, string(got))

		l := NewListEncoder(nil, Page{Total: 2, StartIndex: 1}, Output{Base: base})
		for range 2 {
			if err := l.Add(r, p, nil); err != nil {
				t.Fatal(err)
			}
		}
		if got := l.Finish(); !json.Valid(got) {
			t.Fatalf("%s is not JSON", got)
		}
		e := &Error{Status: c.below(600), Type: ErrorType(data), Detail: string(data)}
		if got := AppendError(nil, e, V2); !json.Valid(got) {
			t.Fatalf("%s is not JSON", got)
		}
		var text string
		if err := json.Unmarshal(appendString(nil, string(data)), &text); err != nil || text != string([]rune(string(data))) {
			t.Fatalf("%q reads back as %q, %v", data, text, err)
		}
	})
}

// assertNothingEmpty fails where an answer has null, {} or [].
func assertNothingEmpty(t *testing.T, x any, whole string) {
	t.Helper()
	switch x := x.(type) {
	case nil:
		t.Fatalf("%s has null", whole)
	case map[string]any:
		if len(x) == 0 {
			t.Fatalf("%s has {}", whole)
		}
		for _, v := range x {
			assertNothingEmpty(t, v, whole)
		}
	case []any:
		if len(x) == 0 {
			t.Fatalf("%s has []", whole)
		}
		for _, v := range x {
			assertNothingEmpty(t, v, whole)
		}
	}
}

func BenchmarkAppendResource(b *testing.B) {
	r := fullUser(b, UserType())
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := AppendResource(dst, r, Projection{}, Output{Base: testBase}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendResourceOf100000Members(b *testing.B) {
	r := given(b, GroupType(), `{"displayName":"All"}`)
	r.ID = "g1"
	members := func(yield func(Member, error) bool) {
		for range 100_000 {
			if !yield(Member{ID: "2819c223-7f76-453a-919d-413861904646", Display: "Ada Lovelace", Type: "User"}, nil) {
				return
			}
		}
	}
	dst, err := AppendResource(nil, r, Projection{}, Output{Base: testBase}, members)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := AppendResource(dst[:0], r, Projection{}, Output{Base: testBase}, members); err != nil {
			b.Fatal(err)
		}
	}
}
