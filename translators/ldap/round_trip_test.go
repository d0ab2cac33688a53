package ldap

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// TestRoundTrip: what is read of entries would be written as it is, and what would not is
// named.
func TestRoundTrip(t *testing.T) {
	entry := func(login, more string) string {
		return "dn: " + dnOf(login) + "\nobjectClass: inetOrgPerson\nuid: " + login + "\ncn: Name of " + login + "\nsn: Family of " + login + "\n" + more + "\n"
	}
	const group = "dn: cn=staff,ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: staff\ndescription: E-7\nmember: uid=whole,ou=people,dc=example,dc=com\n\n"
	tr, server := serve(t, slapd.Options{NoSync: true}, usersBlock, groupsBlock)
	server.Add(t, entry("whole", "givenName: W\ntitle: Countess\nmail: whole@example.com\nmobile: 1\nstreet: S\nl: L\nemployeeType: E\n")+
		entry("managed", "manager: "+dnOf("whole")+"\n")+
		entry("estranged", "manager: "+dnOf("nobody")+"\n")+
		entry("letters", "mail: a@example.com\nmail: b@example.com\n")+
		entry("titled", "title: Countess\ntitle: Duchess\n")+group)
	before := stored(t, server, "(uid=letters)")
	for login, want := range map[string][]string{
		"whole":     nil,
		"managed":   nil,
		"letters":   nil, // two mails of one type
		"titled":    {"title (title)"},
		"estranged": {"manager"},
	} {
		t.Run(login, func(t *testing.T) {
			e := read(t, tr, tr.users, idOf(t, tr, tr.users, `userName eq "`+login+`"`))
			problems, err := tr.RoundTrip(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
				if strings.Contains(p.String(), "@example.com") || strings.Contains(p.String(), "Duchess") {
					t.Errorf("it tells a value: %s", p)
				}
			}
			for _, part := range want {
				if !strings.Contains(strings.Join(got, "\n"), part) {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			if want == nil && got != nil {
				t.Errorf("got %q", got)
			}
		})
	}
	t.Run("a group", func(t *testing.T) {
		e := read(t, tr, tr.groups, idOf(t, tr, tr.groups, `displayName eq "staff"`))
		if problems, err := tr.RoundTrip(t.Context(), e); err != nil || len(problems) > 0 {
			t.Errorf("got %v, %v", problems, err)
		}
	})
	t.Run("of others", func(t *testing.T) {
		foreign := &translators.Entry{Resource: scim.NewResource(scim.UserType())}
		of := read(t, tr, tr.users, idOf(t, tr, tr.users, `userName eq "whole"`))
		bare := &translators.Entry{Resource: of.Resource}
		for _, e := range []*translators.Entry{foreign, bare} {
			if problems, err := tr.RoundTrip(t.Context(), e); err == nil || problems != nil {
				t.Errorf("got %v, %v", problems, err)
			}
		}
	})
	t.Run("the directory is away", func(t *testing.T) {
		e := read(t, tr, tr.users, idOf(t, tr, tr.users, `userName eq "managed"`))
		tr.names = newNameCache() // who was resolved before is known
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
		if problems, err := tr.RoundTrip(t.Context(), e); translators.KindOf(err) != translators.Unavailable || problems != nil {
			t.Errorf("got %v, %v", problems, err)
		}
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
	})
	if diff := cmp.Diff(before.Attributes, stored(t, server, "(uid=letters)").Attributes); diff != "" {
		t.Errorf("it has written: %s", diff)
	}
}
