package translators_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// text writes a value in a form to be compared at a glance.
func text(v scim.Value) string {
	switch v.Kind() {
	case scim.KindBool:
		if v.IsTrue() {
			return "true"
		}
		return "false"
	case scim.KindComplex:
		var parts []string
		for _, f := range v.Fields() {
			parts = append(parts, f.Attribute.Name+"="+text(f.Value))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case scim.KindList:
		var parts []string
		for _, i := range v.Items() {
			parts = append(parts, text(i))
		}
		return strings.Join(parts, " ")
	}
	return v.Text()
}

func texts(r *scim.Resource) map[string]string {
	m := make(map[string]string)
	for _, f := range r.Fields() {
		m[f.Attribute.String()] = text(f.Value)
	}
	return m
}

type fields map[string][]string

func (f fields) get(name string) []string { return f[name] }

var everything = translators.Selection{All: true}

// complexOf makes a complex value of names and values.
func complexOf(a *scim.Attribute, pairs ...string) scim.Value {
	var fs []scim.Field
	for i := 0; i < len(pairs); i += 2 {
		sub := a.Sub(pairs[i])
		v, err := scim.Coerce(sub, scim.String(pairs[i+1]))
		if err != nil {
			panic(err)
		}
		fs = append(fs, scim.Field{Attribute: sub, Value: v})
	}
	return scim.Complex(fs...)
}

func TestDecode(t *testing.T) {
	m := compile(t, people(), "active", "groups")
	r := scim.NewResource(m.Type)
	problems := m.Decode(r, everything, fields{
		"uid": {"ada"}, "sn": {"Lovelace"}, "displayName": {"Ada L."}, "userPassword": {"secret"}, "mail": {"a@example.com", "b@example.com"},
		"postalAddress": {"1 Main St$Floor 2"}, "physicalDeliveryOfficeName": {"B12"},
		"telephoneNumber": {"1", "2"}, "mobile": {"3"},
		"roleInfo": {`{"value":"admin","primary":true}`, `{"value":"user"}`}, "manager": {"uid=eve"}, "ou": {""},
	}.get, directory{"7": "uid=eve"})
	want := map[string]string{
		"userName": "ada", "name": "{familyName=Lovelace}", "displayName": "Ada L.",
		"emails":       "{value=a@example.com primary=true type=work} {value=b@example.com primary=true type=work}",
		"addresses":    "{formatted=1 Main St\nFloor 2 type=work} {formatted=B12 type=other}",
		"phoneNumbers": "{value=1} {value=2} {value=3 type=mobile}",
		"roles":        "{value=admin primary=true} {value=user}", enterprise + "manager": "{value=7}",
	}
	if diff := cmp.Diff(want, texts(r)); diff != "" {
		t.Error(diff)
	}
	if len(problems) > 0 {
		t.Error(problems)
	}
}

func TestDecodeOfNothingIsNothing(t *testing.T) {
	m := compile(t, people(), "active", "groups")
	r := scim.NewResource(m.Type)
	problems := m.Decode(r, everything, fields{}.get, nil)
	if got := texts(r); len(got) > 0 || len(problems) > 0 {
		t.Errorf("got %v, %v", got, problems)
	}
}

func TestDecodeReportsWhatItLeavesOut(t *testing.T) {
	m := compile(t, append(people(), translators.MapConfig{Path: "ims.primary", Fields: []string{"im"}}), "active", "groups")
	r := scim.NewResource(m.Type)
	problems := m.Decode(r, everything, fields{
		"uid": {"ada", "countess"}, "sn": {"\xff"}, "manager": {"uid=nobody"}, "im": {"perhaps", "TRUE"}, "roleInfo": {"hunter2"},
	}.get, directory{})
	if diff := cmp.Diff(map[string]string{"userName": "ada", "ims": "{primary=true}"}, texts(r)); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.Path+" "+p.Field)
		if s := p.String(); strings.Contains(s, "hunter2") || strings.Contains(s, "countess") || strings.Contains(s, "nobody") {
			t.Errorf("the report holds the value: %s", s)
		}
	}
	slices.Sort(got)
	want := []string{"ims.primary im", "name.familyName sn", "roles roleInfo", enterprise + "manager.value manager", "userName uid"}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConstants(t *testing.T) {
	m := compile(t, []translators.MapConfig{
		{Path: "userName", Fields: []string{"uid"}},
		{Path: "userType", Constant: "Employee"},
		{Path: `roles[type eq "fixed"].value`, Constant: "user"},
		{Path: `emails.value`, Fields: []string{"mail"}},
		{Path: `emails.type`, Constant: "work"},
	})
	r := scim.NewResource(m.Type)
	m.Decode(r, everything, fields{"uid": {"ada"}, "mail": {"a", "b"}}.get, nil)
	want := map[string]string{"userName": "ada", "userType": "Employee", "roles": "{value=user type=fixed}", "emails": "{value=a type=work} {value=b type=work}"}
	if diff := cmp.Diff(want, texts(r)); diff != "" {
		t.Error(diff)
	}
	// What was read can be written back, and what differs is told.
	values, dropped, err := m.Encode(r, nil, nil)
	if diff := cmp.Diff([]translators.FieldValues{{Field: "uid", Values: []string{"ada"}}, {Field: "mail", Values: []string{"a", "b"}}}, values); diff != "" || dropped != nil || err != nil {
		t.Error(diff, dropped, err)
	}
	r.Set(m.Type.Attribute("userType"), scim.String("Contractor"))
	if _, dropped, _ = m.Encode(r, nil, nil); !slices.Equal(dropped, []string{"userType"}) {
		t.Errorf("dropped %v", dropped)
	}
}

func TestFieldsAndSelections(t *testing.T) {
	m := compile(t, people(), "active", "groups")
	all := []string{"uid", "sn", "givenName", "cn", "displayName", "mail", "postalAddress", "postalCode", "physicalDeliveryOfficeName",
		"telephoneNumber", "mobile", "employeeType", "roleInfo", "manager", "ou"}
	if diff := cmp.Diff(all, m.Fields(everything)); diff != "" {
		t.Error(diff)
	}
	some := translators.Selection{Attributes: []*scim.Attribute{m.Type.Attribute("emails"), m.Type.Attribute("password"), m.Type.Attribute("active")}}
	if diff := cmp.Diff([]string{"mail"}, m.Fields(some)); diff != "" {
		t.Error(diff)
	}
	if got := m.Fields(translators.Selection{}); len(got) > 0 {
		t.Errorf("nothing needs %v", got)
	}
	r := scim.NewResource(m.Type)
	m.Decode(r, some, fields{"uid": {"ada"}, "mail": {"a"}, "userPassword": {"secret"}}.get, nil)
	if diff := cmp.Diff(map[string]string{"emails": "{value=a primary=true type=work}"}, texts(r)); diff != "" {
		t.Error(diff)
	}
	names := fields{"manager": {"uid=eve", "uid=eve"}}.get
	if got := m.Names(everything, names); !slices.Equal(got, []string{"uid=eve"}) {
		t.Errorf("names %v", got)
	}
	if got := m.Names(some, names); got != nil {
		t.Errorf("names %v", got)
	}
}
