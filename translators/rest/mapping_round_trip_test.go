package rest

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// TestMappingRoundTrip is what a check says of records: what would be another record if
// it was written as it was read, and nothing of what would not.
func TestMappingRoundTrip(t *testing.T) {
	lines := `map displayName name
map active status {
	true 1
	false 3 2
}
map name.givenName full {
	part 1 of 2
}
map name.familyName full {
	part 2 of 2
}
map emails mails {
	element value address
	element type kind
}
map nickName n {
	as number
}
map password pass
`
	const sound = `{"login":"ada","name":"Ada","status":3,"full":"Ada L","mails":[{"id":1,"address":"a","kind":"work"}],"n":7}`
	m := mapped(t, lines)
	for _, test := range []struct {
		name, old, new string
		want           []string
	}{
		{"nothing", "", "", nil},
		{"another value that means the same", `"status":3`, `"status":2`, []string{"active (status): writing what was read would make a number of a number"}},
		{"an unknown value", `"status":3`, `"status":9`, []string{"active (status): it cannot be read: the table says nothing", "active (status): writing what was read would make null of a number"}},
		{"a text for a number", `"n":7`, `"n":"7"`, []string{"nickName (n): writing what was read would make a number of a text"}},
		{"a number of other letters", `"n":7`, `"n":7.0`, nil},
		{"a text that is no number", `"n":7`, `"n":"seven"`, []string{"nickName: it can't be written as it was read: the application keeps it as a number"}},
		{"blanks at the end", `"Ada L"`, `"Ada L "`, []string{"the last part must be there"}},
		{"an element that is none", `"mails":[`, `"mails":["x",`, []string{"an element of it is no object", "writing what was read would make an array of 2 of an array of 2"}},
		{"several for one", `"name":"Ada"`, `"name":["Ada","Eve"]`, []string{"it has 2 values and only the first is served", "would make an array of 1 of an array of 2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := problemsOf(m.roundTrip(gjson.Parse(strings.Replace(sound, test.old, test.new, 1)), nil))
			if len(got) != len(test.want) {
				t.Fatal(cmp.Diff(test.want, got))
			}
			for i := range got {
				if !strings.Contains(got[i], test.want[i]) {
					t.Error(cmp.Diff(test.want, got))
				}
			}
		})
	}
}

// TestMappingMasks are what stands for values where requests are printed.
func TestMappingMasks(t *testing.T) {
	m := mapped(t, "map password pass\nmap title title {\nprivate\n}\nmap `phoneNumbers[type eq \"home\"].value` phones.#(kind==home).number {\nprivate\n}\nmap `phoneNumbers[type eq \"work\"].value` phones.#(kind==work).number")
	r := resourceOf(t, m, `{"userName":"ada","password":"secret","title":"Countess","phoneNumbers":[{"type":"home","value":"1"},{"type":"work","value":"2"}]}`)
	fields, _, err := m.encode(r, nil, gjson.Result{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, f := range fields {
		got[f.path.String()] = f.mask
	}
	want := map[string]string{"login": "", "pass": maskSecret, "title": maskPrivate, "phones": maskPrivate}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestMappingReferences asks for what references refer to, by ids without quotes.
func TestMappingReferences(t *testing.T) {
	m := mapped(t, "map "+enterprise+":manager.value boss {\nreference\nas number\n}")
	r := scim.NewResource(m.Type)
	problems := m.decode(r, translators.Selection{All: true}, gjson.Parse(`{"boss":7}`), onlyServed{"8"})
	if len(problems) != 1 || !strings.Contains(problems[0].Why, "not served here") {
		t.Errorf("a reference to what is not served: %v", problems)
	}
	if problems = m.decode(r, translators.Selection{All: true}, gjson.Parse(`{"boss":8}`), onlyServed{"8"}); problems != nil {
		t.Errorf("a reference: %v", problems)
	}
	fields, _, err := m.encode(r, nil, gjson.Result{}, onlyServed{"8"})
	if err != nil || len(fields) != 1 || fields[0].raw != "8" {
		t.Errorf("a reference is written as %v: %v", fields, err)
	}
	if _, _, err = m.encode(r, nil, gjson.Result{}, onlyServed{"9"}); translators.KindOf(err) != translators.Invalid {
		t.Errorf("a reference to nobody: %v", err)
	}
}

// onlyServed are references of which one id is served.
type onlyServed struct{ id string }

func (o onlyServed) Name(_ *translators.Leaf, id string) (string, bool) { return id, id == o.id }
func (o onlyServed) ID(_ *translators.Leaf, name string) (string, bool) { return name, name == o.id }

// every is a map of each kind of text, all of which take any text or refuse it.
const every = `map displayName a
map nickName b {
	as number
}
map title c {
	as boolean
}
map userType d {
	value Employee 4
	value Contractor ""
	value Guest null
}
map name.formatted e f {
	join " "
}
map name.givenName g {
	part 1 of 2 ", "
}
map name.familyName g {
	part 2 of 2 ", "
}
map emails.value h {
	as list
}
map phoneNumbers i {
	element value n.v
	element type t {
		value work W
		value "the rest" R
	}
	element display d x {
		join -
	}
}
map addresses j {
	json
}
map roles k {
	json
	as string
}
map preferredLanguage l {
	read ` + "`value.lang`" + `
	write ` + "`{\"lang\": value}`" + `
}
map ims.value m.#(kind=="\u0001").x
map timezone o {
	postal_address
}
`

// FuzzMapping writes texts to every kind of field, beside another record or without
// one. What is taken comes back.
func FuzzMapping(f *testing.F) {
	for _, text := range []string{"", "x", "007", "1e5", "-0", "true", "null", "4", "Employee", "a b c", "a, b", " ", "\"", "{}", "[]", "é\u2028😀",
		"{env.HOME}", "W", "the rest", "a-b", "\\", "$\\24", strings.Repeat("x ", 50)} {
		f.Add(text, "y", uint16(0), `{}`)
		f.Add("a", text, uint16(0xffff), `{"a":1,"g":"p, q","h":"s","i":[{"n":{"v":"a","w":1},"t":"X"},7],"j":{},"m":[{"kind":"z"}]}`)
	}
	m := mapped(f, every)
	names := []string{"displayName", "nickName", "title", "userType", "name", "emails", "phoneNumbers", "addresses", "roles", "preferredLanguage", "ims", "timezone"}
	f.Fuzz(func(t *testing.T, one, two string, which uint16, record string) {
		if !utf8.ValidString(one) || !utf8.ValidString(two) || record != "" && (!gjson.Valid(record) || !gjson.Parse(record).IsObject()) {
			return
		}
		for i, name := range names {
			if which != 0 && which&(1<<i) == 0 {
				continue
			}
			a := m.Type.Attribute(name)
			r := scim.NewResource(m.Type)
			r.Set(a, textsIn(a, one, two))
			want := func(b *scim.Attribute) bool { return a == b }
			fields, _, err := m.encode(r, want, gjson.Parse(record), nil)
			if err != nil {
				// A record may have something else where a path leads through.
				if kind := translators.KindOf(err); kind != translators.Invalid && kind != translators.Refused {
					t.Fatalf("%s: %v", name, err)
				}
				continue
			}
			written, err := apply([]byte(record), fields)
			if err != nil {
				continue
			}
			if !gjson.ValidBytes(written) {
				t.Fatalf("%s: %s is no JSON", name, written)
			}
			back := scim.NewResource(m.Type)
			m.decode(back, translators.Selection{Attributes: []*scim.Attribute{a}}, gjson.ParseBytes(written), nil)
			if got, want := keyOf(back.Get(a)), keyOf(r.Get(a)); got != want {
				t.Errorf("%s: %s\ncomes back from %s\nas %s", name, want, written, got)
			}
		}
	})
}

// textsIn gives an attribute two texts, in as many ways as it has places.
func textsIn(a *scim.Attribute, one, two string) scim.Value {
	if !a.IsComplex() {
		return nonEmpty(one)
	}
	var fields []scim.Field
	for i, s := range a.SubAttributes {
		text := []string{one, two}[i%2]
		if s.Type == scim.TypeString && !s.MultiValued {
			fields = append(fields, scim.Field{Attribute: s, Value: nonEmpty(text)})
		}
	}
	v := scim.Complex(fields...)
	if a.MultiValued && !v.IsAbsent() {
		return scim.List(v)
	}
	return v
}

func nonEmpty(text string) scim.Value { return textValue(text) }

// keyOf is the same for values that are the same; a list is a set, as in SCIM.
func keyOf(v scim.Value) string {
	switch v.Kind() {
	case scim.KindComplex:
		fields := make(map[string]string)
		for _, f := range v.Fields() {
			fields[f.Attribute.Name] = keyOf(f.Value)
		}
		return fmt.Sprint(fields)
	case scim.KindList:
		items := make(map[string]bool)
		for _, item := range v.Items() {
			items[keyOf(item)] = true
		}
		return fmt.Sprint(items)
	}
	return fmt.Sprintf("%d%q", v.Kind(), v.Text())
}
