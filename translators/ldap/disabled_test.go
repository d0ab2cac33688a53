package ldap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators"
)

// TestFilterOfLocked: what a filter says of accounts that are locked.
func TestFilterOfLocked(t *testing.T) {
	k := &kind{locks: []lock{attributeLock{"employeeType", "left", "here"}, directoryLock{name: lockedTime, locked: "000001010000Z"}}}
	for filter, want := range map[string]clause{
		"(objectClass=person)":                                      "(objectClass=person)",
		"(&(objectClass=person)(!(employeeType=left)))":             nothing,
		"(&(objectClass=person)(!(employeeType=LEFT)))":             nothing,
		"(&(objectClass=person)(employeeType=here))":                nothing,
		"(&(objectClass=person)(employeeType=left))":                "(objectClass=person)",
		"(&(objectClass=person)(EMPLOYEETYPE=*))":                   "(objectClass=person)",
		"(&(objectClass=person)(employeeType=other))":               "(objectClass=person)",
		"(!(employeeType=other))":                                   everything,
		"(!(employeeType;lang-en=left))":                            nothing,
		"(&(ou=x)(!(pwdAccountLockedTime=*)))":                      nothing,
		"(&(ou=x)(!(|(pwdAccountLockedTime=*)(ou=y))))":             nothing,
		"(|(ou=x)(!(pwdAccountLockedTime=*)))":                      "(ou=x)",
		"(&(ou=x)(!(pwdAccountLockedTime>=20200101000000Z)))":       "(ou=x)",
		"(&(ou=x)(!(employeeType=le*)))":                            "(ou=x)",
		"(&(ou=x)(!(employeeType:caseExactMatch:=left)))":           "(ou=x)",
		"(&(ou=x)(employeeType~=here))":                             "(ou=x)",
		`(&(cn=a\2ab)(mail=*@example.com)(!(ou:dn:2.5.13.5:=A B)))`: `(&(cn=a\2ab)(mail=*@example.com)(!(ou:dn:2.5.13.5:=A B)))`,
	} {
		k.filter = filter
		if got, err := k.filterOfLocked(); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", filter, got, err, want)
		}
	}
}

// TestFilterThatHidesTheDisabledIsRefused while the Caddyfile is read.
func TestFilterThatHidesTheDisabledIsRefused(t *testing.T) {
	for filter, want := range map[string]string{
		"(&(objectClass=inetOrgPerson)(!(pwdAccountLockedTime=*)))": "leaves out who is disabled, so that disabled accounts would not be found, nor enabled again: take pwdAccountLockedTime out of it",
		"(&(objectClass=inetOrgPerson)(!(employeeType=left)))":      "",
	} {
		users := strings.Replace(usersBlock, "rdn uid", "rdn uid\nfilter "+filter, 1)
		err := new(Translator).UnmarshalCaddyfile(caddyfile.NewTestDispenser("ldap ldap://127.0.0.1:1 {\n" + users + groupsBlock + "\n}"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", filter, err)
		}
	}
}

// TestFindDisabled: somebody who is disabled is found by another way than the search for
// the name, so that it shows when the search hides them.
func TestFindDisabled(t *testing.T) {
	byType := "disable attribute employeeType left here"
	for name, tt := range map[string]struct {
		disable  string
		filter   string // besides the object class
		isHidden bool
	}{
		"by the password policy": {disable: "disable password_policy"},
		"by an attribute":        {disable: byType},
		"by a container":         {disable: "disable move ou=disabled,ou=people,dc=example,dc=com"},
		"by all of them":         {disable: byType + "\ndisable password_policy\ndisable move ou=disabled,ou=people,dc=example,dc=com"},
		"hidden by a value":      {disable: byType, filter: "(!(employeeType:caseExactMatch:=left))", isHidden: true},
		"hidden by a part":       {disable: byType, filter: "(!(employeeType=le*))", isHidden: true},
	} {
		t.Run(name, func(t *testing.T) {
			users := strings.NewReplacer("disable password_policy", tt.disable, "rdn uid", "rdn uid\nfilter (&(objectClass=inetOrgPerson)"+tt.filter+")", "map userType employeeType", "").Replace(usersBlock)
			tr, server := serve(t, slapd.Options{NoSync: true}, users, groupsBlock)
			account, err := tr.FindDisabled(t.Context())
			if err != nil || account.Entry != nil || !strings.Contains(account.Remedy, "nobody there is disabled") {
				t.Fatalf("of nobody: %+v, %v", account, err)
			}
			var crowd strings.Builder // more than are looked at
			for i := range mostDisabled + 1 {
				fmt.Fprintf(&crowd, "dn: %s\nobjectClass: inetOrgPerson\nuid: u%[2]d\ncn: U\nsn: U\n\n", dnOf(fmt.Sprint("u", i)), i)
			}
			server.Add(t, crowd.String())
			grace := person("grace")
			grace["active"] = "false"
			if !tt.isHidden {
				mustCarryOut(t, tr, creation(t, tr.users, grace))
			} else {
				server.Add(t, "dn: "+dnOf("grace")+"\nobjectClass: inetOrgPerson\nuid: grace\ncn: Grace\nsn: Grace\nemployeeType: left\n")
			}
			account, err = tr.FindDisabled(t.Context())
			if err != nil || account.Entry == nil {
				t.Fatalf("found %+v, %v", account, err)
			}
			r := account.Entry.Resource
			active, isKnown := r.IsActive()
			if r.Get(r.Type.Attribute("userName")).Text() != "grace" || active || !isKnown {
				t.Errorf("found %v", r)
			}
			found := find(t, tr, tr.users, `userName eq "grace"`).Entries
			if isHidden := len(found) == 0; isHidden != tt.isHidden || !isHidden && found[0].Resource.ID != r.ID {
				t.Errorf("the search finds %d", len(found))
			}
			if !strings.Contains(account.Remedy, "the filter of users, (&(objectClass=inetOrgPerson)") {
				t.Errorf("the remedy is %q", account.Remedy)
			}
		})
	}
	t.Run("no directory", func(t *testing.T) {
		account, err := configure(t, "", "", usersBlock, groupsBlock).FindDisabled(t.Context())
		if translators.KindOf(err) != translators.Unavailable || account.Entry != nil {
			t.Errorf("found %+v, %v", account, err)
		}
	})
}

// TestFindDisabledIsNotMisled: entries of others, which the filter leaves out for another
// reason than their lock, are none of ours, and who is only locked out is not disabled.
func TestFindDisabledIsNotMisled(t *testing.T) {
	users := strings.NewReplacer("rdn uid", "rdn uid\nfilter (&(objectClass=inetOrgPerson)(l=London))").Replace(usersBlock)
	tr, server := serve(t, slapd.Options{NoSync: true}, users, groupsBlock)
	for login, lock := range map[string]string{"paris": "000001010000Z", "london": "20260102030405Z"} {
		server.Add(t, "dn: "+dnOf(login)+"\nobjectClass: inetOrgPerson\nuid: "+login+"\ncn: X\nsn: X\nl: "+login+"\n")
		modify := goldap.NewModifyRequest(dnOf(login), nil)
		modify.Replace(lockedTime, []string{lock})
		if err := server.Admin(t).Modify(modify); err != nil {
			t.Fatal(err)
		}
	}
	if account, err := tr.FindDisabled(t.Context()); err != nil || account.Entry != nil {
		t.Errorf("found %+v, %v", account, err)
	}
}
