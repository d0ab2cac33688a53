package ldap

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// odd are values that mean something in names, filters or LDIF.
var odd = []string{
	`a,b+c="d"<e>;f\g`, "#hash", `"quoted"`, "(star)*", `back\slash`, "ünïcödé", "日本", "a=b", "two  spaces", "null", "$&|!", "x/y",
}

// TestRule07WhatNamesComesBack is rule 6 and rule 10 of DESIGN §4 for the attribute
// that names entries: created and renamed, it reads back as it was sent, and the
// id stays (rule 7).
func TestRule07WhatNamesComesBack(t *testing.T) {
	tr, server := serve(t, slapd.Options{NoSync: true})
	ids := map[string]string{}
	for _, name := range odd {
		ids[name] = add(t, tr, tr.users, values{"userName": name, "name.familyName": name, "name.formatted": name})
		got := read(t, tr, tr.users, ids[name]).Resource
		if got.Get(got.Type.Attribute("userName")).Text() != name {
			t.Errorf("created as %q it reads back as %q", name, got.Get(got.Type.Attribute("userName")).Text())
		}
	}
	for _, name := range odd {
		renamed := "Z " + name
		e := change(t, tr, tr.users, ids[name], values{"userName": renamed})
		if e.Resource.Get(e.Resource.Type.Attribute("userName")).Text() != renamed || e.Resource.ID != ids[name] {
			t.Errorf("renamed to %q it reads back as %q", renamed, e.Resource.Get(e.Resource.Type.Attribute("userName")).Text())
		}
	}
	if result, err := server.Admin(t).Search(goldap.NewSearchRequest(slapd.People, goldap.ScopeSingleLevel, goldap.NeverDerefAliases, 0, 0, false,
		"(objectClass=inetOrgPerson)", []string{"uid"}, nil)); err != nil || len(result.Entries) != len(odd) {
		t.Errorf("there are %d entries, want %d: %v", len(result.Entries), len(odd), err)
	} else {
		for _, e := range result.Entries {
			if len(e.GetAttributeValues("uid")) != 1 {
				t.Errorf("%s has kept its former name: %q", e.DN, e.GetAttributeValues("uid"))
			}
		}
	}
}

// TestRename renames what has members, other names and other parents.
func TestRename(t *testing.T) {
	tr, server := serve(t, slapd.Options{NoSync: true})
	t.Run("memberships follow", func(t *testing.T) {
		id := add(t, tr, tr.users, person("ada"))
		group := add(t, tr, tr.groups, values{"displayName": "engineers"}, id)
		change(t, tr, tr.users, id, values{"userName": "countess", "title": "Analyst"})
		if got := membersIn(t, server, "engineers"); !slices.Contains(got, dnOf("countess")) {
			t.Errorf("the members are %q", got)
		}
		change(t, tr, tr.groups, group, values{"displayName": "analysts"})
		if got := stored(t, server, "(uid=countess)").GetAttributeValue("memberOf"); got != "cn=analysts,"+slapd.Groups {
			t.Errorf("the user is member of %q", got)
		}
	})
	t.Run("and where the directory does not see to it", func(t *testing.T) {
		tr, server := serve(t, slapd.Options{NoSync: true, NoRefint: true, NoMemberOf: true}, strings.Replace(usersBlock, "map groups memberOf", "", 1), groupsBlock)
		id := add(t, tr, tr.users, person("ada"))
		inner := add(t, tr, tr.groups, values{"displayName": "inner"}, id)
		add(t, tr, tr.groups, values{"displayName": "outer"}, id, inner)
		change(t, tr, tr.users, id, values{"userName": "countess"})
		change(t, tr, tr.groups, inner, values{"displayName": "innermost"})
		if got := membersIn(t, server, "innermost"); !slices.Equal(got, []string{dnOf("countess")}) {
			t.Errorf("the members are %q", got)
		}
		if got := membersIn(t, server, "outer"); !slices.Equal(got, []string{"cn=innermost," + slapd.Groups, dnOf("countess")}) {
			t.Errorf("the members are %q", got)
		}
	})
	t.Run("and where groups hold login names", func(t *testing.T) {
		tr, server := serve(t, slapd.Options{NoSync: true}, usersBlock, posixBlock)
		id := add(t, tr, tr.users, person("ada"))
		group := add(t, tr, tr.groups, values{"displayName": "g", "externalId": "7"}, id)
		e := change(t, tr, tr.users, id, values{"userName": "countess", "title": "Analyst"})
		if got := membersIn(t, server, "g"); !slices.Equal(got, []string{"countess"}) || e.Resource.ID != id {
			t.Errorf("the members are %q", got)
		}
		change(t, tr, tr.groups, group, values{"displayName": "h"})
		if got := membersIn(t, server, "h"); !slices.Equal(got, []string{"countess"}) {
			t.Errorf("the members are %q", got)
		}
	})
	t.Run("or is taken back with the groups", func(t *testing.T) {
		tr, server := serve(t, slapd.Options{NoSync: true}, usersBlock, posixBlock)
		id := add(t, tr, tr.users, person("ada"))
		add(t, tr, tr.groups, values{"displayName": "a", "externalId": "7"}, id)
		in := updating(t, tr.users, read(t, tr, tr.users, id), values{"userName": "countess"})
		plan := planOf(t, tr, in)
		plan.Calls = append(plan.Calls, failingCall{})
		report := translators.Execute(t.Context(), plan)
		if report.Outcome != translators.NotApplied || report.Partial {
			t.Errorf("the outcome is %s, partial %v: %v", report.Outcome, report.Partial, report.Err)
		}
		if got := membersIn(t, server, "a"); !slices.Equal(got, []string{"ada"}) || !exists(t, server, "(uid=ada)") {
			t.Errorf("the members are %q", got)
		}
	})
	t.Run("in case alone", func(t *testing.T) {
		id := add(t, tr, tr.users, person("bob"))
		if e := change(t, tr, tr.users, id, values{"userName": "Bob"}); e.Resource.Get(e.Resource.Type.Attribute("userName")).Text() != "Bob" {
			t.Error("the case has not changed")
		}
	})
	t.Run("other values of what names stay", func(t *testing.T) {
		id := add(t, tr, tr.users, person("carl"))
		modify := goldap.NewModifyRequest(dnOf("carl"), nil)
		modify.Add("uid", []string{"carolus"})
		if err := server.Admin(t).Modify(modify); err != nil {
			t.Fatal(err)
		}
		change(t, tr, tr.users, id, values{"userName": "charles"})
		if got := stored(t, server, "(uid=charles)").GetAttributeValues("uid"); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"carolus", "charles"}) {
			t.Errorf("the values are %q", got)
		}
	})
	t.Run("an entry that another attribute names", func(t *testing.T) {
		server.Add(t, "dn: cn=Dan+uid=dan,"+slapd.People+"\nobjectClass: inetOrgPerson\ncn: Dan\nuid: dan\nsn: Dan\n")
		id := idOf(t, tr, tr.users, `userName eq "dan"`)
		change(t, tr, tr.users, id, values{"userName": "daniel", "name.formatted": "Daniel"})
		if got := stored(t, server, "(uid=daniel)").DN; nameKey(got) != nameKey("cn=Daniel+uid=daniel,"+slapd.People) {
			t.Errorf("the entry is %s", got)
		}
	})
	t.Run("below another entry it stays there", func(t *testing.T) {
		server.Add(t, "dn: ou=research,"+slapd.People+"\nobjectClass: organizationalUnit\nou: research\n\n"+
			"dn: uid=eve,ou=research,"+slapd.People+"\nobjectClass: inetOrgPerson\ncn: Eve\nuid: eve\nsn: Eve\n")
		change(t, tr, tr.users, idOf(t, tr, tr.users, `userName eq "eve"`), values{"userName": "eva"})
		if got := stored(t, server, "(uid=eva)").DN; got != "uid=eva,ou=research,"+slapd.People {
			t.Errorf("the entry is %s", got)
		}
	})
}

// failingCall is a call that is refused.
type failingCall struct{ translators.Call }

func (failingCall) Do(context.Context, []translators.CallResult) translators.CallResult {
	return translators.CallResult{Outcome: translators.NotApplied, Err: errors.New("refused")}
}

// TestConflicts checks what is said when a value is taken, and that nothing is
// changed and no words of the directory get out.
func TestConflicts(t *testing.T) {
	tr, server := serve(t, slapd.Options{NoSync: true})
	server.Add(t, "dn: uid=service,"+slapd.People+"\nobjectClass: account\nuid: service\n")
	add(t, tr, tr.users, person("ada"))
	bob := add(t, tr, tr.users, person("bob"))
	add(t, tr, tr.groups, values{"displayName": "engineers"})
	other := add(t, tr, tr.groups, values{"displayName": "others"})
	withMail := func(login, mail string) values {
		v := person(login)
		v[`emails[type eq "work"].value`] = mail
		return v
	}
	const mail = `emails[type eq "work"].value`
	tests := []struct {
		name   string
		intent translators.Intent
		path   string
	}{
		{"create", creation(t, tr.users, withMail("ada", "other@example.com")), "userName"},
		{"create in another case", creation(t, tr.users, withMail("ADA", "other@example.com")), "userName"},
		{"create with a taken mail", creation(t, tr.users, withMail("carl", "ADA@example.com")), mail},
		{"create where something else is", creation(t, tr.users, person("service")), "userName"},
		{"rename", updating(t, tr.users, read(t, tr, tr.users, bob), values{"userName": "Ada", "title": "x"}), "userName"},
		{"change of mail", updating(t, tr.users, read(t, tr, tr.users, bob), values{mail: "ada@example.com", "title": "x"}), mail},
		{"create a group", creation(t, tr.groups, values{"displayName": "Engineers"}), "displayName"},
		{"rename a group", updating(t, tr.groups, read(t, tr, tr.groups, other), values{"displayName": "engineers"}), "displayName"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			report, _ := carryOut(t, tr, test.intent)
			if report.Outcome != translators.NotApplied || translators.KindOf(report.Err) != translators.Conflict {
				t.Fatalf("it is %s: %v", report.Outcome, report.Err)
			}
			conflict := asError(t, report.Err)
			if conflict.Path != test.path {
				t.Errorf("the conflict is about %q, want %q", conflict.Path, test.path)
			}
			for _, word := range []string{"ou=", "dc=", "non-unique", "ada"} {
				if strings.Contains(strings.ToLower(conflict.Detail), word) {
					t.Errorf("the detail %q lets %q out", conflict.Detail, word)
				}
			}
		})
	}
	if e := stored(t, server, "(uid=bob)"); e.GetAttributeValue("title") != "" || e.GetAttributeValue("mail") != "bob@example.com" {
		t.Error("a refused change has changed something")
	}
}

// TestAStaleNameIsNeverWritten checks that what was read under a name is not
// written to another entry that has got the name since (DESIGN §3).
func TestAStaleNameIsNeverWritten(t *testing.T) {
	intents := map[string]func(*testing.T, *Translator, *translators.Entry) translators.Intent{
		"disable": func(t *testing.T, tr *Translator, e *translators.Entry) translators.Intent {
			return updating(t, tr.users, e, values{"active": "false"})
		},
		"change": func(t *testing.T, tr *Translator, e *translators.Entry) translators.Intent {
			return updating(t, tr.users, e, values{"title": "Former"})
		},
		"change of what is unique": func(t *testing.T, tr *Translator, e *translators.Entry) translators.Intent {
			return updating(t, tr.users, e, values{`emails[type eq "work"].value`: "new@example.com"})
		},
		"rename": func(t *testing.T, tr *Translator, e *translators.Entry) translators.Intent {
			return updating(t, tr.users, e, values{"userName": "former"})
		},
		"delete": func(_ *testing.T, tr *Translator, e *translators.Entry) translators.Intent {
			return translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: e.Resource.ID, Before: e}
		},
	}
	for name, intent := range intents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr, server := serve(t, slapd.Options{NoSync: true})
			admin := server.Admin(t)
			id := add(t, tr, tr.users, person("ada"))
			plan := planOf(t, tr, intent(t, tr, read(t, tr, tr.users, id)))
			if err := admin.ModifyDN(goldap.NewModifyDNRequest(dnOf("ada"), "uid=countess", true, slapd.Disabled)); err != nil {
				t.Fatal(err)
			}
			server.Add(t, "dn: "+dnOf("ada")+"\nobjectClass: inetOrgPerson\nuid: ada\ncn: another\nsn: another\n")
			another := stored(t, server, "(cn=another)").GetAttributeValue("entryCSN")

			report := translators.Execute(t.Context(), plan)
			if report.Outcome != translators.Applied {
				t.Errorf("it is %s: %v", report.Outcome, report.Err)
			}
			if got := stored(t, server, "(cn=another)").GetAttributeValue("entryCSN"); got != another {
				t.Error("it was done to another person")
			}
			if name == "delete" {
				if exists(t, server, "(entryUUID="+id+")") {
					t.Error("the person is still there")
				}
				return
			}
			if last := report.Last(); last == nil || last.Resource.ID != id {
				t.Errorf("the report brings %v", last)
			}
		})
		t.Run(name+" of what is gone", func(t *testing.T) {
			t.Parallel()
			tr, server := serve(t, slapd.Options{NoSync: true})
			plan := planOf(t, tr, intent(t, tr, read(t, tr, tr.users, add(t, tr, tr.users, person("ada")))))
			if err := server.Admin(t).Del(goldap.NewDelRequest(dnOf("ada"), nil)); err != nil {
				t.Fatal(err)
			}
			if report := translators.Execute(t.Context(), plan); report.Outcome != translators.NotApplied || translators.KindOf(report.Err) != translators.NotFound {
				t.Errorf("it is %s: %v", report.Outcome, report.Err)
			}
		})
	}
}

// TestAnEnableIsForWhatWasRead checks that a request which enables names the
// version that it was planned for: one that arrives late must not undo a disable
// that came after it.
func TestAnEnableIsForWhatWasRead(t *testing.T) {
	tr, server := serve(t, slapd.Options{NoSync: true})
	id := add(t, tr, tr.users, person("ada"))
	change(t, tr, tr.users, id, values{"active": "false"})
	enable := planOf(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "true"})).Calls[0].(*modifyCall)
	change(t, tr, tr.users, id, values{"active": "true"})
	change(t, tr, tr.users, id, values{"active": "false"})

	late := &modifyWork{modifyCall: enable, changes: enable.changes}
	if err := late.sendOnce(t.Context(), aim{dn: enable.dn}); resultCode(err) != goldap.LDAPResultAssertionFailed {
		t.Errorf("the late request is answered with %v", err)
	}
	if got := stored(t, server, "(uid=ada)").GetAttributeValue(lockedTime); got == "" {
		t.Error("the late request has enabled the account")
	}
	if result := enable.Do(t.Context(), nil); result.Outcome != translators.Applied {
		t.Errorf("made in time the call is %s: %v", result.Outcome, result.Err)
	}
}

func asError(t testing.TB, err error) *translators.Error {
	t.Helper()
	e, ok := errors.AsType[*translators.Error](err)
	if !ok {
		t.Fatalf("%v is no *translators.Error", err)
	}
	return e
}

// TestNameTooLong checks that a name which the directory can't hold, of which it
// says no more than that something went wrong, is the sender's to change: asked
// again it would fail for ever.
func TestNameTooLong(t *testing.T) {
	tr, server := serve(t, slapd.Options{NoSync: true})
	ada := add(t, tr, tr.users, person("ada"))
	group := add(t, tr, tr.groups, values{"displayName": "engineers"}, ada)
	for _, length := range []int{300, 3000, 20_000} {
		name := strings.Repeat("x", length)
		for what, c := range map[string]struct {
			intent translators.Intent
			path   string
		}{
			"renaming a user":  {updating(t, tr.users, read(t, tr, tr.users, ada), values{"userName": name, "title": "Analyst"}), "userName"},
			"creating a user":  {creation(t, tr.users, person(name)), "userName"},
			"renaming a group": {updating(t, tr.groups, read(t, tr, tr.groups, group), values{"displayName": name}), "displayName"},
			"creating a group": {creation(t, tr.groups, values{"displayName": name}, ada), "displayName"},
		} {
			report, _ := carryOut(t, tr, c.intent)
			fault, is := errors.AsType[*translators.Error](report.Err)
			if report.Outcome != translators.NotApplied || report.Partial || !is || fault.Kind != translators.Invalid ||
				fault.Path != c.path || !strings.Contains(fault.Detail, "too long") {
				t.Errorf("%s, %d: %s, %v", what, length, report.Outcome, report.Err)
			}
		}
		if exists(t, server, "(|(uid=x*)(cn=x*))") || !exists(t, server, "(uid=ada)") || exists(t, server, "(title=Analyst)") {
			t.Errorf("%d: something was changed", length)
		}
	}
}
