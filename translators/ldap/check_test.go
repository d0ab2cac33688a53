package ldap

import (
	"slices"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators"
)

func TestCheck(t *testing.T) {
	policy := "password_policy " + slapd.DefaultPolicy
	move := strings.Replace(usersBlock, "disable password_policy", "disable move ou=gone,ou=people,dc=example,dc=com", 1)
	for _, c := range []struct {
		name    string
		options slapd.Options
		head    string
		users   string
		want    []string // level and a part of the detail; nothing else but ok
	}{
		{"all is well", slapd.Options{}, policy, usersBlock, nil},
		{"no policy is named", slapd.Options{}, "", usersBlock, []string{"warning: name its default policy by password_policy"}},
		{"a policy that does not exist", slapd.Options{}, "password_policy cn=x," + slapd.Policies, usersBlock, []string{"error: does not exist"}},
		{"locks are not enforced", slapd.Options{NoLockout: true}, policy, usersBlock, []string{"error: Set it to TRUE"}},
		{"no policy overlay", slapd.Options{NoPolicy: true}, "", usersBlock, []string{"error: can't see pwdAccountLockedTime", "error: The password policy overlay is not in force", "warning: name its default policy"}},
		{"no overlay, though its module is loaded", slapd.Options{NoOverlay: true}, policy, usersBlock, []string{"error: The password policy overlay is not in force"}},
		{"no default policy", slapd.Options{NoDefaultPolicy: true}, policy, usersBlock, nil},
		{"a silent policy", slapd.Options{NoUseLockout: true}, policy, usersBlock, nil},
		{"a hidden lock", slapd.Options{HideLock: true}, policy, usersBlock, []string{"error: can't see pwdAccountLockedTime"}},
		{"no memberOf", slapd.Options{NoMemberOf: true}, policy, usersBlock, []string{"warning: every user looks like a member of no group"}},
		{"no base", slapd.Options{}, policy, strings.Replace(usersBlock, "ou=people", "ou=persons", 1), []string{"error: base ou=persons"}},
		{"a base in other words", slapd.Options{}, policy, strings.Replace(usersBlock, "ou=people,dc", "organizationalUnitName=people,dc", 1), []string{"error: the directory writes the base organizationalUnitName=people,dc=example,dc=com as ou=people,dc=example,dc=com"}},
		{"a base in other letters", slapd.Options{}, policy, strings.Replace(usersBlock, "ou=people,dc", "OU=People,DC", 1), nil},
		{"an unknown attribute", slapd.Options{}, policy, strings.Replace(usersBlock, "map title title", "map title noSuchAttribute", 1), []string{"warning: can't search noSuchAttribute"}},
		{"no container", slapd.Options{}, policy, move, []string{"error: the container ou=gone"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := c.options
			server := slapd.Start(t, options)
			server.Add(t, strings.Replace(strings.Replace(people, "pwdAccountLockedTime: 000001010000Z\n", "", 1), "pwdAccountLockedTime: 20260102030405Z\n", "", 1))
			tr := configure(t, server.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\n"+c.head, c.users, groupsBlock)
			var bad []string
			for _, f := range tr.Check(t.Context()) {
				if f.Level != translators.LevelOK {
					bad = append(bad, string(f.Level)+": "+f.Detail)
				}
				if strings.Contains(f.Detail, server.ServicePassword) {
					t.Errorf("%q tells the password", f.Detail)
				}
			}
			if len(bad) != len(c.want) {
				t.Fatalf("found %q, want %q", bad, c.want)
			}
			for _, want := range c.want {
				level, part, _ := strings.Cut(want, ": ")
				if !slices.ContainsFunc(bad, func(b string) bool { return strings.HasPrefix(b, level) && strings.Contains(b, part) }) {
					t.Errorf("found %q, want %q", bad, want)
				}
			}
		})
	}
	// Of the rootdn, to which no policy applies, a disabled account tells.
	t.Run("the overlay, asked by the rootdn", func(t *testing.T) {
		for _, c := range []struct {
			options  slapd.Options
			isLocked bool
			want     string // of a finding
		}{
			{slapd.Options{}, true, "ok: a password policy has a part"},
			{slapd.Options{NoOverlay: true}, true, "error: a disabled account can still sign in"},
			{slapd.Options{}, false, "error: If the account of scimgate is the rootdn"},
		} {
			server := slapd.Start(t, c.options)
			tr := configure(t, server.URL(), "bind "+server.AdminDN+" "+server.AdminPassword, usersBlock, groupsBlock)
			v := person("ada")
			if c.isLocked {
				v["active"] = "false"
			}
			mustCarryOut(t, tr, creation(t, tr.users, v))
			level, part, _ := strings.Cut(c.want, ": ")
			found := tr.Check(t.Context())
			if !slices.ContainsFunc(found, func(f translators.Finding) bool {
				return string(f.Level) == level && strings.Contains(f.Detail, part)
			}) {
				t.Errorf("found %v, want %q", found, c.want)
			}
		}
	})
	t.Run("an empty directory", func(t *testing.T) {
		tr, _ := serve(t, slapd.Options{})
		for _, f := range tr.Check(t.Context()) {
			if f.Level == translators.LevelError {
				t.Errorf("found %s", f.Detail)
			}
		}
	})
	t.Run("no directory", func(t *testing.T) {
		findings := configure(t, "", "", usersBlock, groupsBlock).Check(t.Context())
		if len(findings) != 1 || findings[0].Level != translators.LevelError {
			t.Errorf("found %v", findings)
		}
	})
}
