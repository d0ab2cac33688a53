package ldap

import (
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/scim"
)

// FuzzFilter holds that a value never becomes a part of an LDAP filter's grammar:
// whatever stands in a SCIM filter, the filter that is sent parses, names only
// mapped attributes, and holds only values that stood in the SCIM filter.
func FuzzFilter(f *testing.F) {
	for _, text := range []string{
		`userName eq "ada"`,
		`userName eq "*)(uid=*" or not (title pr)`,
		`emails[type eq "work" and value co "\\2a*"]`,
		`(id eq "6b1c2a3e-0000-4000-8000-00000000000a" or displayName sw " x") and active ne true`,
		`meta.created gt "2026-01-02T03:04:05Z" and manager eq "6b1c2a3e-0000-4000-8000-00000000000a"`,
		`groups.value eq "x" and name.givenName ew "\u0000\uffff" and addresses.locality eq null`,
	} {
		f.Add(text)
	}
	tr := configure(f, "", "", usersBlock, groupsBlock)
	known := map[string]bool{}
	for _, field := range []string{"uid", "sn", "givenName", "cn", "displayName", "title", "employeeNumber", "mail", "mobile",
		"street", "l", "employeeType", "manager", "memberOf", "entryUUID", "createTimestamp", "modifyTimestamp", "pwdAccountLockedTime"} {
		known[field] = true
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := scim.ParseFilter(tr.users.served.ResourceType, text, scim.FilterLimits{})
		if err != nil {
			return
		}
		values := map[string]bool{tr.profile.locked: true}
		walkFilter(parsed, func(f scim.Filter) {
			if c, ok := f.(scim.Compare); ok {
				values[c.Value.Text()] = true
			}
		})
		c := &filterCompiler{kind: tr.users, profile: tr.profile, rules: tr.rules, named: sameNames(map[string]string{adaID: "uid=ada,ou=people,dc=example,dc=com"})}
		values[c.values[adaID]] = true
		got := c.bounds(parsed)
		for _, bound := range []clause{got.may, got.must} {
			if bound == everything || bound == nothing {
				continue
			}
			packet, err := goldap.CompileFilter(string(bound))
			if err != nil {
				t.Fatalf("%q became %q: %v", text, bound, err)
			}
			checkPacket(t, packet, known, values)
		}
		for _, a := range c.used {
			if field, _ := a.parts(); !known[field] {
				t.Fatalf("%q is about %q", a, field)
			}
		}
	})
}

func checkPacket(t *testing.T, p *ber.Packet, known, values map[string]bool) {
	t.Helper()
	field, value := "", ""
	switch p.Tag {
	case goldap.FilterAnd, goldap.FilterOr, goldap.FilterNot:
		for _, child := range p.Children {
			checkPacket(t, child, known, values)
		}
		return
	case goldap.FilterPresent:
		field = p.Data.String()
	case goldap.FilterEqualityMatch, goldap.FilterGreaterOrEqual, goldap.FilterLessOrEqual:
		field, value = p.Children[0].Data.String(), p.Children[1].Data.String()
	case goldap.FilterSubstrings:
		parts := p.Children[1].Children
		if len(parts) != 1 {
			t.Fatalf("a value became %d parts", len(parts))
		}
		field, value = p.Children[0].Data.String(), parts[0].Data.String()
	default:
		t.Fatalf("unexpected filter choice %d", p.Tag)
	}
	if !known[field] {
		t.Fatalf("the filter is about %q", field)
	}
	if value == "" || values[value] || field == "createTimestamp" || field == "modifyTimestamp" {
		return
	}
	for v := range values { // spaces at the ends of a part are cut off
		if p.Tag == goldap.FilterSubstrings && trimSpaces(v) == value {
			return
		}
	}
	t.Fatalf("the filter holds the value %q, which nobody asked for", value)
}

func trimSpaces(s string) string {
	for len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}
