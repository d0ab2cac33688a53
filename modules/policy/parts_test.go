package policy

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/scim"
)

// A required part of a complex attribute is required in each value, and where there
// is no value nothing is missing.
func TestDemandParts(t *testing.T) {
	of, err := scim.NewResourceType("Device", "/Devices", "", &scim.Schema{ID: "urn:example:device", Attributes: []*scim.Attribute{
		{Name: "site", Type: scim.TypeComplex, MultiValued: true, SubAttributes: []*scim.Attribute{
			{Name: "value", Required: true}, {Name: "floor"}, {Name: "since", Required: true, Mutability: scim.ReadOnly},
			{Name: "code", Required: true, Mutability: scim.WriteOnly},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	site := of.Attribute("site")
	element := func(name string) scim.Value {
		return scim.Complex(scim.Field{Attribute: site.Sub(name), Value: scim.String("1")})
	}
	for _, tt := range []struct {
		name     string
		values   []scim.Value
		concerns bool
		ok       bool
	}{
		{"no value", nil, true, true},
		{"all have it", []scim.Value{element("value"), element("value")}, true, true},
		{"one lacks it", []scim.Value{element("value"), element("floor")}, true, false},
		{"nobody asks", []scim.Value{element("floor")}, false, true},
	} {
		r := scim.NewResource(of)
		r.Set(site, scim.List(tt.values...))
		err := Demand(nil, r, func(*scim.Attribute) bool { return tt.concerns })
		if tt.ok != (err == nil) || err != nil && !strings.Contains(err.Error(), "site.value is required in each site") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
