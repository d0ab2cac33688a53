package translators_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

const enterprise = scim.SchemaEnterprise + ":"

func people() []translators.MapConfig {
	return []translators.MapConfig{
		{Path: "userName", Fields: []string{"uid"}},
		{Path: "name.familyName", Fields: []string{"sn"}, DefaultFrom: []string{"displayName", "userName"}},
		{Path: "name.givenName", Fields: []string{"givenName"}},
		{Path: "displayName", Fields: []string{"cn", "displayName"}},
		{Path: "password", Fields: []string{"userPassword"}},
		{Path: `emails[type eq "work"].value`, Fields: []string{"mail"}},
		{Path: `emails[type eq "work"].primary`, Constant: "true"},
		{Path: `addresses[type eq "work"].formatted`, Fields: []string{"postalAddress"}, Codec: translators.CodecPostalAddress},
		{Path: `addresses[type eq "work"].postalCode`, Fields: []string{"postalCode"}},
		{Path: `addresses[type eq "other"].formatted`, Fields: []string{"physicalDeliveryOfficeName"}},
		{Path: "phoneNumbers.value", Fields: []string{"telephoneNumber"}},
		{Path: `phoneNumbers[type eq "mobile"].value`, Fields: []string{"mobile"}},
		{Path: "userType", Fields: []string{"employeeType"}, Default: "Employee", OneOf: []string{"Employee", "Contractor"}},
		{Path: "roles", Fields: []string{"roleInfo"}, Codec: translators.CodecJSON},
		{Path: enterprise + "manager.value", Fields: []string{"manager"}, Codec: translators.CodecReference},
		{Path: enterprise + "department", Fields: []string{"ou"}},
	}
}

func compile(t *testing.T, configs []translators.MapConfig, handled ...string) *translators.Mapping {
	t.Helper()
	m, err := translators.Compile(scim.UserType(), configs, handled...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// directory is a References over a fixed set.
type directory map[string]string // names by id

func (d directory) Name(_ *translators.Leaf, id string) (string, bool) {
	name, ok := d[id]
	return name, ok
}

func (d directory) ID(_ *translators.Leaf, name string) (string, bool) {
	for id, n := range d {
		if n == name {
			return id, true
		}
	}
	return "", false
}

func TestNarrowedTypeHoldsWhatIsMappedAndNoMore(t *testing.T) {
	m := compile(t, people(), "active", "groups")
	var names []string
	for _, a := range m.Type.Attributes() {
		names = append(names, a.String())
		for _, s := range a.SubAttributes {
			names = append(names, s.String())
		}
	}
	want := []string{
		"userName", "name", "name.familyName", "name.givenName", "displayName", "userType", "active", "password",
		"emails", "emails.value", "emails.type", "emails.primary",
		"phoneNumbers", "phoneNumbers.value", "phoneNumbers.type",
		"addresses", "addresses.formatted", "addresses.postalCode", "addresses.type",
		"groups", "groups.value", "groups.$ref", "groups.display", "groups.type",
		"roles", "roles.value", "roles.display", "roles.type", "roles.primary",
		enterprise + "department",
		enterprise + "manager", enterprise + "manager.value", enterprise + "manager.$ref",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	// Clients that fill in what a schema has write the address beside the value.
	if ref := m.Type.Attribute("manager").Sub("$ref"); ref.Mutability != scim.ReadWrite {
		t.Errorf("manager.$ref is %s", ref.Mutability)
	}
}
