package translators_test

import (
	"testing"

	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// stored is a person as a backend holds one.
var stored = fields{
	"uid": {"ada"}, "sn": {"Lovelace"}, "givenName": {"Ada"}, "cn": {"Ada Lovelace"}, "mail": {"ada@example.com"},
	"postalAddress": {"1 Main St$Floor 2"}, "telephoneNumber": {"+44 20 1"}, "employeeType": {"Employee"}, "manager": {"uid=eve"}, "ou": {"Engines"},
}

func benchmarkMapping(b *testing.B) *translators.Mapping {
	b.Helper()
	m, err := translators.Compile(scim.UserType(), people(), "active", "groups")
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func BenchmarkDecode(b *testing.B) {
	m, refs := benchmarkMapping(b), directory{"7": "uid=eve"}
	b.ReportAllocs()
	for b.Loop() {
		if problems := m.Decode(scim.NewResource(m.Type), everything, stored.get, refs); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	m, refs := benchmarkMapping(b), directory{"7": "uid=eve"}
	r := scim.NewResource(m.Type)
	m.Decode(r, everything, stored.get, refs)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := m.Encode(r, nil, refs); err != nil {
			b.Fatal(err)
		}
	}
}
