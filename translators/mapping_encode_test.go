package translators_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// encoded returns what Encode makes of a resource, without the empty fields.
func encoded(t *testing.T, m *translators.Mapping, r *scim.Resource, refs translators.References) (map[string]string, []string) {
	t.Helper()
	values, dropped, err := m.Encode(r, nil, refs)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, v := range values {
		if len(v.Values) > 0 {
			got[v.Field] = strings.Join(v.Values, "|")
		}
		if v.Secret != (v.Field == "userPassword") {
			t.Errorf("%s: secret is %t", v.Field, v.Secret)
		}
	}
	return got, dropped
}

func TestEncode(t *testing.T) {
	m := compile(t, people(), "active", "groups")
	at := m.Type.Attribute
	emails, phones, addresses, name, manager := at("emails"), at("phoneNumbers"), at("addresses"), at("name"), at("manager")
	tests := []struct {
		name    string
		a       *scim.Attribute
		v       scim.Value
		want    map[string]string
		dropped []string
	}{
		{"a text goes to all fields", at("displayName"), scim.String("Ada"), map[string]string{"cn": "Ada", "displayName": "Ada"}, nil},
		{"an empty text is none", at("displayName"), scim.String(""), map[string]string{}, nil},
		{"parts of a complex value", name, complexOf(name, "familyName", "L", "givenName", "A"), map[string]string{"sn": "L", "givenName": "A"}, nil},
		{"a password", at("password"), scim.String("secret"), map[string]string{"userPassword": "secret"}, nil},
		{"by type in another case", emails, scim.List(complexOf(emails, "type", "WORK", "value", "a")), map[string]string{"mail": "a"}, nil},
		{"two for one field of many values", emails, scim.List(complexOf(emails, "type", "work", "value", "a"), complexOf(emails, "type", "work", "value", "b")), map[string]string{"mail": "a|b"}, nil},
		{"the same twice is once", emails, scim.List(complexOf(emails, "type", "work", "value", "a"), complexOf(emails, "type", "work", "value", "a", "primary", "true")), map[string]string{"mail": "a"}, nil},
		{"without type to the only slot", emails, scim.List(complexOf(emails, "value", "a")), map[string]string{"mail": "a"}, nil},
		{"of a type without place", emails, scim.List(complexOf(emails, "type", "home", "value", "a")), map[string]string{}, []string{`emails[type eq "home"]`}},
		{"against a constant", emails, scim.List(complexOf(emails, "type", "work", "value", "a", "primary", "false")), map[string]string{"mail": "a"}, []string{`emails[type eq "work"].primary`}},
		{"without type to the leaf without terms", phones, scim.List(complexOf(phones, "value", "1"), complexOf(phones, "value", "2", "type", "mobile")), map[string]string{"telephoneNumber": "1", "mobile": "2"}, nil},
		{"a type that would be lost", phones, scim.List(complexOf(phones, "value", "1", "type", "home")), map[string]string{}, []string{`phoneNumbers[type eq "home"]`}},
		{"without type among several", addresses, scim.List(complexOf(addresses, "formatted", "x")), map[string]string{}, []string{"addresses"}},
		{"a part without place", addresses, scim.List(complexOf(addresses, "type", "other", "formatted", "x", "postalCode", "1")), map[string]string{"physicalDeliveryOfficeName": "x"}, []string{`addresses[type eq "other"].postalCode`}},
		{"an empty element", addresses, scim.List(complexOf(addresses, "type", "work", "formatted", "")), map[string]string{}, nil},
		{"a reference", manager, complexOf(manager, "value", "7", "$ref", "https://x/Users/7"), map[string]string{"manager": "uid=eve"}, nil},
		{"an emptied reference", manager, complexOf(manager, "value", ""), map[string]string{}, nil},
		{"whole values", at("roles"), scim.List(complexOf(at("roles"), "value", "admin", "primary", "true")), map[string]string{"roleInfo": `{"value":"admin","primary":true}`}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := scim.NewResource(m.Type)
			r.Set(tt.a, tt.v)
			got, dropped := encoded(t, m, r, directory{"7": "uid=eve"})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.dropped, dropped); diff != "" {
				t.Errorf("dropped: %s", diff)
			}
		})
	}
}

func TestEncodeSaysWhichFieldsAreToBeEmpty(t *testing.T) {
	m := compile(t, append(people(), translators.MapConfig{Path: "title", Fields: []string{"title"}, ReadOnly: true}), "active", "groups")
	wanted := []*scim.Attribute{m.Type.Attribute("displayName"), m.Type.Attribute("password"), m.Type.Attribute("title"), m.Type.Attribute("active")}
	values, _, err := m.Encode(scim.NewResource(m.Type), func(a *scim.Attribute) bool { return slices.Contains(wanted, a) }, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Not the password: nobody knows whether there is one.
	want := []translators.FieldValues{{Field: "cn"}, {Field: "displayName"}}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
}

// Where no selector tells the values apart, a type does not help.
func TestASecondValueWithoutSelectors(t *testing.T) {
	m := compile(t, []translators.MapConfig{{Path: "userName", Fields: []string{"uid"}},
		{Path: "ims.value", Fields: []string{"a"}}, {Path: "ims.display", Fields: []string{"b"}}})
	ims := m.Type.Attribute("ims")
	r := scim.NewResource(m.Type)
	r.Set(ims, scim.List(complexOf(ims, "value", "1", "display", "x"), complexOf(ims, "value", "2")))
	_, _, err := m.Encode(r, nil, nil)
	const want = "ims: there are two such values and a place for one: send one, or have the gateway map ims as a whole, with json"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestEncodeRefuses(t *testing.T) {
	m := compile(t, people(), "active", "groups")
	addresses, manager := m.Type.Attribute("addresses"), m.Type.Attribute("manager")
	tests := []struct {
		name string
		a    *scim.Attribute
		v    scim.Value
		path string
		says string
	}{
		{"two for one place", addresses, scim.List(complexOf(addresses, "type", "work", "formatted", "1"), complexOf(addresses, "type", "Work", "formatted", "2")), `addresses[type eq "work"]`, "two such values and a place for one: send one, or give each a type of its own that is mapped"},
		{"an id that nobody has", manager, complexOf(manager, "value", "8"), enterprise + "manager.value", `"8"`},
		{"what the codec refuses", m.Type.Attribute("displayName"), scim.String("a\x00b"), "displayName", "NUL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := scim.NewResource(m.Type)
			r.Set(tt.a, tt.v)
			_, _, err := m.Encode(r, nil, directory{"7": "uid=eve"})
			e, is := errors.AsType[*translators.Error](err)
			if !is || e.Kind != translators.Invalid || e.Path != tt.path || !strings.Contains(e.Detail, tt.path) || !strings.Contains(e.Detail, tt.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	r := scim.NewResource(m.Type)
	r.Set(manager, complexOf(manager, "value", "8"))
	if _, _, err := m.Encode(r, nil, nil); translators.KindOf(err) != translators.Invalid {
		t.Errorf("without references: %v", err)
	}
	if got := m.IDs(r, nil); !slices.Equal(got, []string{"8"}) {
		t.Errorf("ids %v", got)
	}
	if got := m.IDs(r, func(a *scim.Attribute) bool { return a != manager }); got != nil {
		t.Errorf("ids %v", got)
	}
}

func TestTheSlotWithMostTermsTakesTheElement(t *testing.T) {
	m := compile(t, []translators.MapConfig{
		{Path: "userName", Fields: []string{"uid"}},
		{Path: `emails[type eq "work"].value`, Fields: []string{"mail"}},
		{Path: `emails[type eq "work" and primary eq true].value`, Fields: []string{"mainMail"}},
		{Path: `emails[primary eq false].value`, Fields: []string{"otherMail"}},
	})
	emails := m.Type.Attribute("emails")
	r := scim.NewResource(m.Type)
	r.Set(emails, scim.List(complexOf(emails, "value", "1", "type", "work", "primary", "true"), complexOf(emails, "value", "2", "type", "work"),
		complexOf(emails, "value", "3", "type", "home"), complexOf(emails, "value", "4", "type", "home", "primary", "true")))
	got, dropped := encoded(t, m, r, nil)
	if diff := cmp.Diff(map[string]string{"mainMail": "1", "mail": "2", "otherMail": "3"}, got); diff != "" {
		t.Error(diff)
	}
	// The third has a place, but its type has none there; the fourth has none at all.
	if !slices.Equal(dropped, []string{"emails[primary eq false].type", `emails[type eq "home"]`}) {
		t.Errorf("dropped %v", dropped)
	}
}

// TestWrittenIsRead writes whole resources and reads them back through the
// fields alone.
func TestWrittenIsRead(t *testing.T) {
	m := compile(t, people(), "active", "groups")
	at := m.Type.Attribute
	for _, s := range []string{"x", " leading", "trailing ", "a\nb\r\nc", `$\24\5c`, "日本語", "*)(uid=*", "#,+\"<>;="} {
		r := scim.NewResource(m.Type)
		r.Set(at("userName"), scim.String(s))
		r.Set(at("name"), complexOf(at("name"), "familyName", s, "givenName", s))
		r.Set(at("displayName"), scim.String(s))
		r.Set(at("userType"), scim.String(s))
		r.Set(at("emails"), scim.List(complexOf(at("emails"), "type", "work", "value", s, "primary", "true")))
		r.Set(at("phoneNumbers"), scim.List(complexOf(at("phoneNumbers"), "value", s), complexOf(at("phoneNumbers"), "value", s+s), complexOf(at("phoneNumbers"), "value", s, "type", "mobile")))
		r.Set(at("addresses"), scim.List(complexOf(at("addresses"), "type", "work", "formatted", s, "postalCode", s), complexOf(at("addresses"), "type", "other", "formatted", s)))
		r.Set(at("roles"), scim.List(complexOf(at("roles"), "value", s, "display", s, "type", s, "primary", "false")))
		r.Set(at("manager"), complexOf(at("manager"), "value", s))
		r.Set(at("department"), scim.String(s))
		refs := directory{s: "cn=" + s}
		values, dropped, err := m.Encode(r, nil, refs)
		if err != nil || dropped != nil {
			t.Fatal(err, dropped)
		}
		stored := make(fields)
		for _, v := range values {
			stored[v.Field] = v.Values
		}
		back := scim.NewResource(m.Type)
		if problems := m.Decode(back, everything, stored.get, refs); len(problems) > 0 {
			t.Error(problems)
		}
		if d := scim.Diff(r, back); len(d) > 0 {
			t.Errorf("%q: %s: sent %s, came %s", s, d[0].Attribute, text(d[0].Before), text(d[0].After))
		}
	}
}
