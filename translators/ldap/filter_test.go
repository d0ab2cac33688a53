package ldap

import (
	"errors"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/scimgate/scimgate/scim"
)

const (
	adaID       = "6b1c2a3e-0000-4000-8000-00000000000a"
	bobID       = "6b1c2a3e-0000-4000-8000-00000000000b"
	engineersID = "6b1c2a3e-0000-4000-8000-0000000000e0"
)

// sameNames are names for members and references alike.
func sameNames(names map[string]string) named { return named{values: names, names: names} }

// compile returns the bounds of a filter, with some ids known.
func compile(t testing.TB, tr *Translator, k *kind, text string, undefined ...clause) bounds {
	t.Helper()
	c := &filterCompiler{kind: k, profile: tr.profile, rules: tr.rules, undefined: undefined, named: sameNames(map[string]string{
		adaID:       "uid=ada,ou=people,dc=example,dc=com",
		engineersID: "cn=R\\26D (all),ou=groups,dc=example,dc=com",
	})}
	return c.bounds(parse(t, k, text))
}

func TestFilterBounds(t *testing.T) {
	tr := configure(t, "", "", usersBlock, groupsBlock)
	const exact = "exact"
	cases := []struct {
		name      string
		onGroups  bool
		scim      string
		may, must string // must is "" for none, exact for the same as may
	}{
		{"a text", false, `userName eq "ada"`, `(uid=ada)`, ""},
		{"wildcards in a value are data", false, `userName eq "a*d(a)\\"`, `(uid=a\2ad\28a\29\5c)`, ""},
		{"a nil byte is no text", false, `userName eq "a\u0000"`, `(uid=*)`, ""},
		{"other letters", false, `userName eq "Zoë"`, `(uid=Zo\c3\ab)`, ""},
		{"an id", false, `id eq "` + adaID + `"`, `(entryUUID=` + adaID + `)`, exact},
		{"an id in another case is another id", false, `id eq "` + strings.ToUpper(adaID) + `"`, `(|)`, exact},
		{"what is no id", false, `id eq "*"`, `(|)`, exact},
		{"every id but one", false, `id ne "` + adaID + `"`, `(!(entryUUID=` + adaID + `))`, exact},
		{"a part of an id", false, `id sw "6b"`, `(&)`, ""},
		{"an e-mail address of a type", false, `emails[type eq "work"].value eq "a@b"`, `(mail=a@b)`, ""},
		{"the type within the brackets", false, `emails[type eq "work" and value eq "a@b"]`, `(mail=a@b)`, ""},
		{"a type that is not mapped", false, `emails[type eq "home"].value eq "a@b"`, `(|)`, exact},
		{"any e-mail address", false, `emails.value co "@b"`, `(mail=*@b*)`, ""},
		{"the complex attribute alone", false, `emails eq "a@b"`, `(mail=a@b)`, ""},
		{"a constant", false, `emails.primary eq true`, `(mail=*)`, exact},
		{"two fields of one element", false, `addresses[locality eq "Paris" and streetAddress sw "Rue"]`,
			`(&(l=Paris)(street=Rue*))`, ""},
		{"a value that is not the one", false, `userType ne "Contractor"`, `(&)`, ""},
		{"not a value", false, `not (userType eq "Contractor")`, `(&)`, `(!(employeeType=Contractor))`},
		{"present", false, `title pr`, `(title=*)`, exact},
		{"not present", false, `not (title pr)`, `(!(title=*))`, exact},
		{"null", false, `title eq null`, `(!(title=*))`, exact},
		{"not null", false, `title ne null`, `(title=*)`, exact},
		{"a name is present", false, `name pr`, `(|(sn=*)(givenName=*)(cn=*))`, ""},
		{"the beginning", false, `userName sw "a"`, `(uid=a*)`, ""},
		{"the end", false, `userName ew "a"`, `(uid=*a)`, ""},
		{"a part", false, `displayName co "d *"`, `(displayName=*d \2a*)`, ""},
		{"spaces at the ends of a part", false, `displayName co " Love "`, `(displayName=*Love*)`, ""},
		{"spaces alone", false, `displayName co " "`, `(displayName=*)`, ""},
		{"an order of texts", false, `userName gt "a"`, `(uid=*)`, ""},
		{"active", false, `active eq true`, `(!(pwdAccountLockedTime=000001010000Z))`, exact},
		{"not active", false, `active eq false`, `(pwdAccountLockedTime=000001010000Z)`, exact},
		{"active ne", false, `active ne false`, `(!(pwdAccountLockedTime=000001010000Z))`, exact},
		{"active is there", false, `active pr`, `(&)`, exact},
		{"a time", false, `meta.lastModified ge "2026-01-02T03:04:05Z"`, `(modifyTimestamp>=20260102030405Z)`, exact},
		{"a time in another zone", false, `meta.created le "2026-01-02T03:04:05.5+01:00"`, `(createTimestamp<=20260102020405.5Z)`, exact},
		{"after a time", false, `meta.created gt "2026-01-02T03:04:05Z"`, `(createTimestamp>=20260102030405Z)`, ""},
		{"the type of the resource", false, `meta.resourceType eq "User"`, `(&)`, exact},
		{"another type", false, `meta.resourceType eq "Group"`, `(|)`, exact},
		{"a schema", false, `schemas eq "urn:x"`, `(&)`, ""},
		{"a manager", false, `manager eq "` + adaID + `"`, `(manager=uid=ada,ou=people,dc=example,dc=com)`, ""},
		{"a manager nobody has", false, `manager eq "` + bobID + `"`, `(|)`, exact},
		{"a group", false, `groups.value eq "` + engineersID + `"`, `(memberOf=cn=R\5c26D \28all\29,ou=groups,dc=example,dc=com)`, exact},
		{"a group by its element", false, `groups[value eq "` + engineersID + `"]`, `(memberOf=cn=R\5c26D \28all\29,ou=groups,dc=example,dc=com)`, exact},
		{"a group by its name", false, `groups.display eq "R&D"`, `(memberOf=*)`, ""},
		{"a member", true, `members eq "` + adaID + `"`, `(member=uid=ada,ou=people,dc=example,dc=com)`, exact},
		{"not a member", true, `not (members.value eq "` + adaID + `")`, `(!(member=uid=ada,ou=people,dc=example,dc=com))`, exact},
		{"a member nobody is", true, `members eq "` + bobID + `"`, `(|)`, exact},
		{"and", true, `displayName eq "x" and members eq "` + adaID + `"`,
			`(&(cn=x)(member=uid=ada,ou=people,dc=example,dc=com))`, ""},
		{"or with what is unknown", false, `userName eq "a" or id sw "6"`, `(&)`, ""},
		{"and with what is unknown", false, `userName eq "a" and id sw "6"`, `(uid=a)`, ""},
		{"and with what is impossible", false, `userName eq "a" and id eq "x"`, `(|)`, exact},
		{"not and", false, `not (title pr and active eq true)`,
			`(!(&(title=*)(!(pwdAccountLockedTime=000001010000Z))))`, exact},
		{"not with a text inside", false, `not (title pr and userName eq "a")`, `(&)`, `(!(&(title=*)(uid=a)))`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := tr.users
			if c.onGroups {
				k = tr.groups
			}
			if c.must == exact {
				c.must = c.may
			} else if c.must == "" {
				c.must = string(nothing)
			}
			got := compile(t, tr, k, c.scim)
			if diff := cmp.Diff([]string{c.may, c.must}, []string{string(got.may), string(got.must)}); diff != "" {
				t.Errorf("bounds of %s (-want +got):\n%s", c.scim, diff)
			}
			for _, text := range []clause{got.may, got.must} {
				if text == everything || text == nothing {
					continue
				}
				if _, err := goldap.CompileFilter(string(text)); err != nil {
					t.Errorf("%s is no LDAP filter: %v", text, err)
				}
			}
		})
	}
}

// What the directory can't evaluate must not be negated, nor be taken for false.
func TestFilterWithoutUndefined(t *testing.T) {
	tr := configure(t, "", "", usersBlock, groupsBlock)
	got := compile(t, tr, tr.users, `active eq true and title pr`, "(pwdAccountLockedTime=000001010000Z)")
	if got != (bounds{"(title=*)", nothing}) {
		t.Errorf("got %v", got)
	}
}

func TestFilterWithOtherLocks(t *testing.T) {
	users := strings.Replace(usersBlock, "disable password_policy", `disable password_policy
		disable attribute employeeType disabled
		disable move ou=disabled,ou=people,dc=example,dc=com`, 1)
	tr := configure(t, "", "", strings.Replace(users, "map userType employeeType", "", 1), groupsBlock)
	if got, want := compile(t, tr, tr.users, `active eq false`), (bounds{
		"(&(pwdAccountLockedTime=000001010000Z)(employeeType=disabled))", nothing}); got != want {
		t.Errorf("active eq false: got %v, want %v", got, want)
	}
	if got := compile(t, tr, tr.users, `active eq true`); got != unknown {
		t.Errorf("active eq true: got %v, want nothing known", got)
	}
}

// Members are never read to evaluate a filter.
func TestFilterOnMembersIsRefused(t *testing.T) {
	tr := configure(t, "", "", usersBlock, groupsBlock)
	for _, text := range []string{`members pr`, `members.type eq "User"`, `members co "6b"`, `members ne "x"`, `members eq null`,
		`displayName pr and not (members[type eq "User" and value eq "x"])`} {
		_, err := tr.ask(t.Context(), tr.groups, parse(t, tr.groups, text))
		var refused *scim.Error
		if !errors.As(err, &refused) || refused.Type != scim.InvalidFilter {
			t.Errorf("%s: got %v, want invalidFilter", text, err)
		}
	}
}
