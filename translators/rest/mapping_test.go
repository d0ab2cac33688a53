package rest

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// readMaps reads lines of a Caddyfile.
func readMaps(lines string) (maps []MapConfig, err error) {
	d := caddyfile.NewTestDispenser(lines)
	for d.Next() {
		m, err := parseMap(d, scim.UserType())
		if err != nil {
			return nil, err
		}
		maps = append(maps, m)
	}
	return maps, nil
}

// mapped compiles lines of a Caddyfile, besides map userName login.
func mapped(t testing.TB, lines string) *mapping {
	t.Helper()
	maps, err := readMaps("map userName login\n" + lines)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMapping(scim.UserType(), maps)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// resourceOf makes a resource of JSON.
func resourceOf(t testing.TB, m *mapping, text string) *scim.Resource {
	t.Helper()
	r := scim.NewResource(m.Type)
	gjson.Parse(text).ForEach(func(name, value gjson.Result) bool {
		a := m.Type.Attribute(name.Str)
		if a == nil {
			t.Fatalf("%s is not mapped", name.Str)
		}
		r.Set(a, valueOf(t, a, value))
		return true
	})
	return r
}

func valueOf(t testing.TB, a *scim.Attribute, value gjson.Result) scim.Value {
	t.Helper()
	if value.IsArray() {
		var items []scim.Value
		for _, item := range value.Array() {
			items = append(items, valueOf(t, a, item))
		}
		return scim.List(items...)
	}
	if a.IsComplex() {
		var fields []scim.Field
		value.ForEach(func(name, part gjson.Result) bool {
			sub := a.Sub(name.Str)
			if sub == nil {
				t.Fatalf("%s.%s is not mapped", a, name.Str)
			}
			fields = append(fields, scim.Field{Attribute: sub, Value: valueOf(t, sub, part)})
			return true
		})
		return scim.Complex(fields...)
	}
	v := scim.String(value.String())
	if value.Type == gjson.Number {
		v = scim.Number(value.Raw)
	}
	v, err := scim.Coerce(a, v)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// shown is a resource as JSON, without what all have.
func shown(t testing.TB, r *scim.Resource) string {
	t.Helper()
	raw, err := scim.AppendResource(nil, r, scim.Projection{}, scim.Output{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	gjson.ParseBytes(raw).ForEach(func(name, value gjson.Result) bool {
		if name.Str != "schemas" && name.Str != "meta" {
			parts = append(parts, name.Raw+":"+value.Raw)
		}
		return true
	})
	return "{" + strings.Join(parts, ",") + "}"
}

func problemsOf(problems []translators.Problem) (texts []string) {
	for _, p := range problems {
		texts = append(texts, p.String())
	}
	return texts
}

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// TestMappingBothWays has for each kind of map a record, the resource that it is, and
// the record that is sent when it is written as a new one. What came comes back.
func TestMappingBothWays(t *testing.T) {
	for _, test := range []struct {
		name, lines string
		record      string
		resource    string
		written     string // "": the record
	}{
		{"a field", "", `{"login":"ada"}`, `{"userName":"ada"}`, ""},
		{"a number for a text", "map displayName n", `{"n":7}`, `{"displayName":"7"}`, `{"n":"7"}`},
		{"a text as a number", "map displayName n {\nas number\n}", `{"n":7}`, `{"displayName":"7"}`, ""},
		{"a number as it is", "map displayName n {\nas number\n}", `{"n":123456789012345678901234567890}`, `{"displayName":"123456789012345678901234567890"}`, ""},
		{"another way of writing a number", "map displayName n {\nas number\n}", `{"n":1.50e3}`, `{"displayName":"1.50e3"}`, ""},
		{"nested", "map name.givenName profile.name.first\nmap name.familyName profile.name.last", `{"profile":{"name":{"first":"Ada","last":"L"}}}`, `{"name":{"givenName":"Ada","familyName":"L"}}`, ""},
		{"a dot in a name", `map displayName custom\.name`, `{"custom.name":"x"}`, `{"displayName":"x"}`, ""},
		{"the first that has a value", "map displayName a b", `{"a":"","b":"x"}`, `{"displayName":"x"}`, `{"a":"x","b":"x"}`},
		{"null is nothing", "map displayName a", `{"a":null}`, `{}`, `{}`},
		{"false is something", "map active a", `{"a":false}`, `{"active":false}`, ""},
		{"a boolean as a text", "map active a {\nas string\n}", `{"a":"true"}`, `{"active":true}`, ""},
		{"a boolean as 0 and 1", "map active a {\nas number\n}", `{"a":0}`, `{"active":false}`, ""},
		{"a selector", "map `emails[type eq \"work\"].value` mail", `{"mail":"a@b"}`, `{"emails":[{"value":"a@b","type":"work"}]}`, ""},
		{"an element of an array", "map `emails[type eq \"work\"].value` mails.#(kind==work).address", `{"mails":[{"kind":"work","address":"a@b"}]}`, `{"emails":[{"value":"a@b","type":"work"}]}`, ""},
		{"two elements of an array", "map `emails[type eq \"work\"].value` mails.#(kind==w).address\nmap `emails[type eq \"home\"].value` mails.#(kind==h).address",
			`{"mails":[{"kind":"w","address":"a"},{"kind":"h","address":"b"}]}`, `{"emails":[{"value":"a","type":"work"},{"value":"b","type":"home"}]}`, ""},
		{"simple values", "map emails.value mails {\nas list\n}", `{"mails":["a","b"]}`, `{"emails":[{"value":"a"},{"value":"b"}]}`, ""},
		{"simple values, one", "map emails.value mails {\nas list\n}", `{"mails":["a"]}`, `{"emails":[{"value":"a"}]}`, ""},
		{"numbers in an array", "map emails.value mails {\nas list number\n}", `{"mails":[1,22]}`, `{"emails":[{"value":"1"},{"value":"22"}]}`, ""},
		{"one value of many", "map emails.value mail", `{"mail":"a"}`, `{"emails":[{"value":"a"}]}`, ""},
		{"objects", "map emails mails {\nelement value address\nelement type kind {\nvalue work W\nvalue home H\n}\nelement primary main\n}",
			`{"mails":[{"address":"a","kind":"W","main":true},{"address":"b","kind":"H"}]}`, `{"emails":[{"value":"a","type":"work","primary":true},{"value":"b","type":"home"}]}`, ""},
		{"objects with a constant", "map phoneNumbers numbers {\nelement value number.text\nelement type {\nconstant work\n}\n}",
			`{"numbers":[{"number":{"text":"1"}},{"number":{"text":"2"}}]}`, `{"phoneNumbers":[{"value":"1","type":"work"},{"value":"2","type":"work"}]}`, ""},
		{"true and false", "map active status {\ntrue 1\nfalse 3\n}", `{"status":3}`, `{"active":false}`, ""},
		{"true and false in a text", "map active status {\ntrue 1\nfalse 3\n}", `{"status":"3"}`, `{"active":false}`, `{"status":3}`},
		{"several for one", "map active status {\ntrue 1\nfalse 3 2\n}", `{"status":2}`, `{"active":false}`, `{"status":3}`},
		{"inverted", "map active locked {\ntrue false\nfalse true\n}", `{"locked":true}`, `{"active":false}`, ""},
		{"inverted and missing", "map active locked {\ntrue false\nfalse true\n}", `{}`, `{}`, ""},
		{"null stands for something", "map active lock {\ntrue null\nfalse now\n}", `{"lock":null}`, `{"active":true}`, ""},
		{"null is not missing", "map active lock {\ntrue null\nfalse now\n}", `{}`, `{}`, ""},
		{"all else", "map active lock {\ntrue null\nfalse now *\n}", `{"lock":"2020"}`, `{"active":false}`, `{"lock":"now"}`},
		{"all else can only be read", "map active lock {\ntrue null\nfalse *\n}", `{"lock":"2020"}`, `{"active":false}`, `{}`},
		{"nothing stands for something", "map active lock {\ntrue \"\"\nfalse now\n}", `{"lock":""}`, `{"active":true}`, ""},
		{"the shared boolean", "map active on {\nboolean Y N\n}", `{"on":"N"}`, `{"active":false}`, ""},
		{"an enumeration", "map userType role {\nvalue Employee 4\nvalue Contractor 5 6\n}", `{"role":6}`, `{"userType":"Contractor"}`, `{"role":5}`},
		{"an enumeration of texts", "map userType role {\nvalue Employee 4\nas string\n}", `{"role":"4"}`, `{"userType":"Employee"}`, ""},
		{"joined", "map name.formatted first last {\njoin \" \"\n}", `{"first":"Ada King","last":"Lovelace"}`, `{"name":{"formatted":"Ada King Lovelace"}}`, ""},
		{"joined, one of them", "map name.formatted first last {\njoin \" \"\n}", `{"last":"Lovelace"}`, `{"name":{"formatted":"Lovelace"}}`, ""},
		{"split", "map name.givenName full {\npart 1 of 2\n}\nmap name.familyName full {\npart 2 of 2\n}", `{"full":"Ada King Lovelace"}`, `{"name":{"givenName":"Ada King","familyName":"Lovelace"}}`, ""},
		{"split otherwise", "map name.familyName full {\npart 1 of 2 \", \"\n}\nmap name.givenName full {\npart 2 of 2 \", \"\n}", `{"full":"van der Berg, Ada"}`, `{"name":{"familyName":"van der Berg","givenName":"Ada"}}`, ""},
		{"expressions", "map displayName n {\nread `string(value * 2)`\nwrite `int(value) / 2`\n}", `{"n":21}`, `{"displayName":"42"}`, ""},
		{"an expression of several", "map displayName a b {\nread `values[0] + \"-\" + values[1]`\nwrite `value.split(\"-\")`\n}", `{"a":"x","b":"y"}`, `{"displayName":"x-y"}`, ""},
		{"an expression of a list", "map active roles {\nread `\"login\" in value`\nwrite `value ? [\"login\"] : []`\n}", `{"roles":["login"]}`, `{"active":true}`, ""},
		{"an expression of an empty list", "map active roles {\nread `\"login\" in value`\nwrite `value ? [\"login\"] : []`\n}", `{"roles":[]}`, `{"active":false}`, ""},
		{"an expression of null", "map active lock {\nread `value == null`\nwrite `value ? dyn(null) : dyn(1)`\n}", `{"lock":null}`, `{"active":true}`, ""},
		{"an expression of what is missing", "map active lock {\nread `value == null`\nwrite `value ? dyn(null) : dyn(1)`\n}", `{}`, `{}`, ""},
		{"an expression for each", "map emails.value mails {\nas list\nread `value + \"@b\"`\nwrite `value.replace(\"@b\", \"\")`\n}", `{"mails":["x","y"]}`, `{"emails":[{"value":"x@b"},{"value":"y@b"}]}`, ""},
		{"a reference", "map " + enterprise + ":manager.value boss {\nas number\n}", `{"boss":7}`, `{"` + enterprise + `":{"manager":{"value":"7","$ref":"/Users/7"}}}`, ""},
		{"the codec of references", "map " + enterprise + ":manager.value boss {\nreference\n}", `{"boss":"7"}`, `{"` + enterprise + `":{"manager":{"value":"7","$ref":"/Users/7"}}}`, ""},
		{"an object", "map addresses place {\njson\n}", `{"place":[{"locality":"London","country":"GB"}]}`, `{"addresses":[{"locality":"London","country":"GB"}]}`, ""},
		{"an object as a text", "map name n {\njson\nas string\n}", `{"n":"{\"formatted\":\"<A & B>\"}"}`, `{"name":{"formatted":"<A & B>"}}`, ""},
		{"lines of an address", "map `addresses[type eq \"work\"].formatted` place {\npostal_address\n}", `{"place":"a$b"}`, `{"addresses":[{"formatted":"a\nb","type":"work"}]}`, ""},
		{"a constant", "map `emails[type eq \"work\"].value` mail\nmap `emails[type eq \"work\"].primary` {\nconstant true\n}", `{"mail":"a"}`, `{"emails":[{"value":"a","type":"work","primary":true}]}`, ""},
		{"only read", "map nickName id {\nread_only\n}", `{"id":7}`, `{"nickName":"7"}`, `{}`},
		{"of all in an array, only read", "map emails.value mails.#.address {\nread_only\n}", `{"mails":[{"address":"a"},{"address":"b"}]}`, `{"emails":[{"value":"a"},{"value":"b"}]}`, `{}`},
		{"awkward texts", "map displayName a", `{"a":"\u0001<>&\"\\\u2028é\ud83d\ude00{env.HOME}"}`, `{"displayName":"\u0001<>&\"\\\u2028é😀{env.HOME}"}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := mapped(t, test.lines)
			record := gjson.Parse(test.record)
			r := scim.NewResource(m.Type)
			if problems := m.decode(r, translators.Selection{All: true}, record, nil); problems != nil {
				t.Errorf("decoding: %v", problems)
			}
			if got, want := shown(t, r), test.resource; !sameJSON(gjson.Parse(got), gjson.Parse(want)) {
				t.Errorf("the resource is\n%s, not\n%s", got, want)
			}
			fields, dropped, err := m.encode(r, nil, gjson.Result{}, nil)
			if err != nil || dropped != nil {
				t.Fatalf("encoding: %v, dropped %v", err, dropped)
			}
			written, err := apply(nil, fields)
			if err != nil {
				t.Fatal(err)
			}
			want := test.written
			if want == "" {
				want = test.record
			}
			if !sameJSON(gjson.ParseBytes(written), gjson.Parse(want)) {
				t.Errorf("written is\n%s, not\n%s", written, want)
			}
			again := scim.NewResource(m.Type)
			m.decode(again, translators.Selection{All: true}, gjson.ParseBytes(written), nil)
			if test.written != "{}" && shown(t, again) != shown(t, r) {
				t.Errorf("what comes back is %s", shown(t, again))
			}
		})
	}
}

// TestMappingProblems are values that are left out, and why. None of them is taken for
// something that it may not be.
func TestMappingProblems(t *testing.T) {
	status := "map active status {\ntrue 1\nfalse 3\n}"
	for _, test := range []struct{ name, lines, record, resource, problem string }{
		{"an unknown value for active", status, `{"status":2}`, `{}`, "active (status): it cannot be read: the table says nothing about this value"},
		{"an object for active", status, `{"status":{}}`, `{}`, "the table says nothing"},
		{"nothing for active", status, `{"status":""}`, `{}`, ""},
		{"neither true nor false", "map active on", `{"on":1}`, `{}`, "say what stands for them, such as true 1 and false 0"},
		{"an object for a text", "map displayName a", `{"a":{"b":1}}`, `{}`, "it is an object, and a single value was expected"},
		{"several for one", "map displayName a", `{"a":["x","y"]}`, `{"displayName":"x"}`, "it has 2 values and only the first is served"},
		{"a character NUL", "map displayName a", `{"a":"x\u0000"}`, `{}`, "NUL"},
		{"an expression that fails", "map active a {\nread `value > 3`\nwrite `value ? 4 : 1`\n}", `{"a":"x"}`, `{}`, "read: "},
		{"an expression of another type", "map active a {\nread `value`\nwrite `value`\n}", `{"a":"x"}`, `{}`, "read: it is no boolean"},
		{"an element that is none", "map emails mails {\nelement value address\n}", `{"mails":["a",{"address":"b"}]}`, `{"emails":[{"value":"b"}]}`, "an element of it is no object"},
		{"an unknown type", "map emails mails {\nelement value address\nelement type kind {\nvalue work W\n}\n}", `{"mails":[{"address":"a","kind":"X"}]}`, `{}`, "type: the table says nothing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := mapped(t, test.lines)
			r := scim.NewResource(m.Type)
			problems := m.decode(r, translators.Selection{All: true}, gjson.Parse(test.record), nil)
			if got := strings.Join(problemsOf(problems), "; "); (got == "") != (test.problem == "") || !strings.Contains(got, test.problem) {
				t.Errorf("the problem is %q, not %q", got, test.problem)
			}
			if got := shown(t, r); !sameJSON(gjson.Parse(got), gjson.Parse(test.resource)) {
				t.Errorf("the resource is %s, not %s", got, test.resource)
			}
		})
	}
}

// TestMappingRefuses are values that would not come back as they were sent.
func TestMappingRefuses(t *testing.T) {
	parts := "map name.givenName full {\npart 1 of 2\n}\nmap name.familyName full {\npart 2 of 2\n}"
	for _, test := range []struct{ name, lines, resource, detail string }{
		{"no number", "map displayName n {\nas number\n}", `{"displayName":"007"}`, "displayName: the application keeps it as a number"},
		{"not in the table", "map userType role {\nvalue Employee 4\n}", `{"userType":"Guest"}`, "userType: the application has a value for Employee alone"},
		{"two for one", "map emails.value mail", `{"emails":[{"value":"a"},{"value":"b"}]}`, "there are 2 values and the application has a place for one"},
		{"a part with the separator in it", parts, `{"name":{"givenName":"Ada","familyName":"van Berg"}}`, "none but the first may contain"},
		{"the last part missing", parts, `{"name":{"givenName":"Ada"}}`, "the last part must be there"},
		{"joined with blanks", "map name.formatted first last {\njoin \" \"\n}", `{"name":{"formatted":" L"}}`, "would not come back"},
		{"an expression that loses", "map displayName n {\nread `value`\nwrite `value.lowerAscii()`\n}", `{"displayName":"Ada"}`, "displayName: the application would not give it back as it is"},
		{"an expression that fails", "map displayName n {\nread `value`\nwrite `int(value)`\n}", `{"displayName":"Ada"}`, "fails on this value"},
		{"not the constant", "map phoneNumbers numbers {\nelement value number\nelement type {\nconstant work\n}\n}", `{"phoneNumbers":[{"value":"1","type":"home"}]}`, "type is always work"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := mapped(t, test.lines)
			_, _, err := m.encode(resourceOf(t, m, test.resource), nil, gjson.Result{}, nil)
			if translators.KindOf(err) != translators.Invalid || !strings.Contains(err.Error(), test.detail) {
				t.Errorf("the error is %v, not %q", err, test.detail)
			}
		})
	}
}

// TestMappingUpdates writes a resource over a record: what is not mapped stays.
func TestMappingUpdates(t *testing.T) {
	mails := "map emails mails {\nelement value address\nelement type kind\n}"
	for _, test := range []struct{ name, lines, record, resource, written string }{
		{"a value goes", "map displayName a", `{"a":"x","b":1}`, `{}`, `{"a":null,"b":1}`},
		{"it becomes empty", "map displayName a {\nclear empty\n}", `{"a":"x","b":1}`, `{}`, `{"a":"","b":1}`},
		{"it is left out", "map displayName a {\nclear omit\n}", `{"a":"x","b":1}`, `{}`, `{"b":1}`},
		{"there was none", "map displayName a {\nclear empty\n}", `{"b":1}`, `{}`, `{"b":1}`},
		{"an array goes", "map emails.value mails {\nas list\n}", `{"mails":["x"],"b":1}`, `{}`, `{"mails":[],"b":1}`},
		{"what is an array stays one", "map `emails[type eq \"work\"].value` mails", `{"mails":["x"]}`, `{"emails":[{"type":"work","value":"y"}]}`, `{"mails":["y"]}`},
		{"a password stays", "map password pass", `{"b":1}`, `{}`, `{"b":1}`},
		{"nested beside others", "map name.givenName p.n.first", `{"p":{"n":{"first":"a","middle":"m"},"q":2}}`, `{"name":{"givenName":"b"}}`, `{"p":{"n":{"first":"b","middle":"m"},"q":2}}`},
		{"one element of an array", "map `emails[type eq \"work\"].value` mails.#(kind==work).address", `{"mails":[{"id":9,"kind":"home","address":"h"},{"id":8,"kind":"work","address":"w","ok":true}]}`,
			`{"emails":[{"type":"work","value":"x"}]}`, `{"mails":[{"id":9,"kind":"home","address":"h"},{"id":8,"kind":"work","address":"x","ok":true}]}`},
		{"one element more", "map `emails[type eq \"work\"].value` mails.#(kind==work).address", `{"mails":[{"id":9,"kind":"home","address":"h"}]}`,
			`{"emails":[{"type":"work","value":"x"}]}`, `{"mails":[{"id":9,"kind":"home","address":"h"},{"kind":"work","address":"x"}]}`},
		{"objects keep what is not mapped", mails, `{"mails":[{"id":1,"address":"a","kind":"work"},{"id":2,"address":"b","kind":"home"}]}`,
			`{"emails":[{"value":"b","type":"home"},{"value":"c","type":"work"}]}`, `{"mails":[{"id":2,"address":"b","kind":"home"},{"id":1,"address":"c","kind":"work"}]}`},
		{"a single object is an array of one", mails, `{"mails":{"id":1,"address":"a","kind":"work"}}`,
			`{"emails":[{"value":"b","type":"work"}]}`, `{"mails":[{"id":1,"address":"b","kind":"work"}]}`},
		{"an object goes", mails, `{"mails":[{"id":1,"address":"a","kind":"work"},{"id":2,"address":"b","kind":"home"}]}`,
			`{"emails":[{"value":"b","type":"home"}]}`, `{"mails":[{"id":2,"address":"b","kind":"home"}]}`},
		{"the type of an object changes", mails, `{"mails":[{"id":1,"address":"a","kind":"work"}]}`,
			`{"emails":[{"value":"a","type":"home"}]}`, `{"mails":[{"id":1,"address":"a","kind":"home"}]}`},
		{"objects that nobody can read stay", "map emails mails {\nelement value address\nelement type kind {\nvalue work W\n}\n}", `{"mails":[{"address":"a","kind":"X"},{"address":"b","kind":"W"}]}`,
			`{"emails":[{"value":"c","type":"work"}]}`, `{"mails":[{"address":"c","kind":"W"},{"address":"a","kind":"X"}]}`},
		{"a part beside one that is not mapped", "map name.givenName full {\npart 1 of 2\n}", `{"full":"Ada Lovelace"}`, `{"name":{"givenName":"Eve"}}`, `{"full":"Eve Lovelace"}`},
		{"to the byte", "map displayName a", `{"a":"x", "big":123456789012345678901.50,"e":1E+2,"s":"\u00e9\/"}`, `{"displayName":"y"}`, `{"a":"y", "big":123456789012345678901.50,"e":1E+2,"s":"\u00e9\/"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := mapped(t, test.lines)
			record := gjson.Parse(test.record)
			r := resourceOf(t, m, test.resource)
			want := func(a *scim.Attribute) bool { return a.Name != "userName" }
			fields, _, err := m.encode(r, want, record, nil)
			if err != nil {
				t.Fatal(err)
			}
			seen := make(map[string]bool)
			for _, f := range fields {
				if seen[f.path.String()] {
					t.Errorf("%s is written twice", f.path)
				}
				seen[f.path.String()] = true
			}
			written, err := apply([]byte(test.record), fields)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.written, string(written)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
