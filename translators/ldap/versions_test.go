package ldap

import (
	"strings"
	"sync/atomic"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// forVersion makes an intent one for the version that the resource has.
func forVersion(t testing.TB, tr *Translator, k *kind, in translators.Intent) translators.Intent {
	t.Helper()
	if in.Version = read(t, tr, k, in.ID).Resource.Meta.Version; in.Version == "" {
		t.Fatal("there is no version")
	}
	return in
}

// TestAVersionGoesWithTheEntry checks what a call for one version does about an
// entry that is not where it was: it follows one that is the same, and leaves
// alone one that is not, and whatever else has taken the name.
func TestAVersionGoesWithTheEntry(t *testing.T) {
	const research, labs = "ou=research," + slapd.People, "ou=labs," + slapd.People
	move := func(dn, rdn string) func(*testing.T, *slapd.Server) {
		return func(t *testing.T, s *slapd.Server) {
			if err := s.Admin(t).ModifyDN(goldap.NewModifyDNRequest(dn, rdn, true, "")); err != nil {
				t.Fatal(err)
			}
		}
	}
	entry := func(dn, login string) string {
		return "dn: " + dn + "\nobjectClass: inetOrgPerson\nuid: " + login + "\ncn: " + login + "\nsn: " + login + "\n"
	}
	tests := []struct {
		name   string
		change func(*testing.T, *slapd.Server)
		want   translators.ErrorKind // "" when it is done
	}{
		{"the container was renamed", move(research, "ou=labs"), ""},
		{"another has the name of the same", func(t *testing.T, s *slapd.Server) {
			move(research, "ou=labs")(t, s)
			s.Add(t, "dn: "+research+"\nobjectClass: organizationalUnit\nou: research\n\n"+entry("uid=ada,"+research, "adele"))
		}, ""},
		{"the entry was renamed", move("uid=ada,"+research, "uid=countess"), translators.Changed},
		{"it was removed", func(t *testing.T, s *slapd.Server) {
			if err := s.Admin(t).Del(goldap.NewDelRequest("uid=ada,"+research, nil)); err != nil {
				t.Fatal(err)
			}
		}, translators.NotFound},
		{"it was made anew", func(t *testing.T, s *slapd.Server) {
			if err := s.Admin(t).Del(goldap.NewDelRequest("uid=ada,"+research, nil)); err != nil {
				t.Fatal(err)
			}
			s.Add(t, entry("uid=ada,"+research, "ada"))
		}, translators.NotFound},
	}
	intents := map[string]func(*testing.T, *Translator, *translators.Entry) translators.Intent{
		"change": func(t *testing.T, tr *Translator, e *translators.Entry) translators.Intent {
			return updating(t, tr.users, e, values{"title": "Analyst"})
		},
		"disable": func(t *testing.T, tr *Translator, e *translators.Entry) translators.Intent {
			return updating(t, tr.users, e, values{"active": "false"})
		},
		"rename": func(t *testing.T, tr *Translator, e *translators.Entry) translators.Intent {
			return updating(t, tr.users, e, values{"userName": "lovelace"})
		},
		"delete": func(_ *testing.T, tr *Translator, e *translators.Entry) translators.Intent {
			return translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: e.Resource.ID, Before: e}
		},
	}
	for _, test := range tests {
		for name, intent := range intents {
			t.Run(name+", "+test.name, func(t *testing.T) {
				t.Parallel()
				tr, server := serve(t, slapd.Options{NoSync: true})
				server.Add(t, "dn: "+research+"\nobjectClass: organizationalUnit\nou: research\n\n"+entry("uid=ada,"+research, "ada"))
				in := intent(t, tr, read(t, tr, tr.users, idOf(t, tr, tr.users, `userName eq "ada"`)))
				plan := planOf(t, tr, forVersion(t, tr, tr.users, in))
				test.change(t, server)
				version := func(filter string) string {
					if !exists(t, server, filter) {
						return ""
					}
					return stored(t, server, filter).GetAttributeValue("entryCSN")
				}
				self := "(entryUUID=" + in.ID + ")"
				others := "(&(objectClass=inetOrgPerson)(!" + self + "))"
				before, another := version(self), version(others)
				report := translators.Execute(t.Context(), plan)
				if got := translators.KindOf(report.Err); got != test.want || (report.Outcome == translators.Applied) != (test.want == "") {
					t.Errorf("it is %s: %v", report.Outcome, report.Err)
				}
				if (version(self) != before) != (test.want == "") {
					t.Error("whether it was done is not what is said")
				}
				if version(others) != another {
					t.Error("it was done to another entry")
				}
			})
		}
	}
}

// TestAVersionCostsNothing counts the requests of writes for a version: those of
// a group whose name alone is remembered too.
func TestAVersionCostsNothing(t *testing.T) {
	server := slapd.Start(t, slapd.Options{NoSync: true})
	proxy := slapd.NewProxy(t, server.Addr())
	tr := configure(t, proxy.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword, usersBlock, groupsBlock)
	ada, bob := add(t, tr, tr.users, person("ada")), add(t, tr, tr.users, person("bob"))
	group := add(t, tr, tr.groups, values{"displayName": "g"}, ada)
	var requests atomic.Int64
	proxy.OnRequest(func(int) slapd.Action { requests.Add(1); return slapd.Forward })
	carry := func(what string, in translators.Intent, want translators.ErrorKind, most int64) {
		t.Helper()
		requests.Store(0)
		plan, err := tr.Plan(t.Context(), in)
		if err == nil {
			err = translators.Execute(t.Context(), plan).Err
		}
		if translators.KindOf(err) != want || (err == nil) != (want == "") {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
		if got := requests.Load(); got > most {
			t.Errorf("%s took %d requests, want %d at most", what, got, most)
		}
	}
	e := read(t, tr, tr.users, ada)
	in := updating(t, tr.users, e, values{"title": "Analyst"})
	in.Version = e.Resource.Meta.Version
	carry("a change", in, "", 1)
	carry("the same for the version before", in, translators.Changed, 2)

	members := func(change scim.MemberChange) translators.Intent {
		return translators.Intent{Action: scim.ActionUpdate, Type: tr.groups.served.ResourceType, ID: group, Members: &change}
	}
	carry("a member more, of any version", members(scim.MemberChange{Add: []string{bob}}), "", 3)
	if _, isRemembered := tr.places.get(group); !isRemembered {
		t.Fatal("the name of the group is not remembered")
	}
	old := forVersion(t, tr, tr.groups, members(scim.MemberChange{Remove: []string{bob}}))
	carry("a member less", old, "", 2)
	carry("a member less, for the version before", old, translators.Changed, 3)
	if got := membersIn(t, server, "g"); len(got) != 1 || got[0] != dnOf("ada") {
		t.Errorf("the members are %q", got)
	}
	again := forVersion(t, tr, tr.groups, members(scim.MemberChange{Add: []string{ada}}))
	carry("one who is a member", again, "", 3)
}

// TestAVersionWithoutAssertions: a directory that can't compare and set is read
// once more before the write.
func TestAVersionWithoutAssertions(t *testing.T) {
	tr, server := serve(t, slapd.Options{NoSync: true})
	without := *openLDAP
	without.assertionControl = ""
	tr.profile = &without
	id := add(t, tr, tr.users, person("ada"))
	e := read(t, tr, tr.users, id)
	in := updating(t, tr.users, e, values{"title": "Analyst"})
	in.Version = e.Resource.Meta.Version
	plan := planOf(t, tr, in)
	if report := translators.Execute(t.Context(), plan); report.Outcome != translators.Applied {
		t.Fatalf("for the version that it has: %v", report.Err)
	}
	if report := translators.Execute(t.Context(), plan); translators.KindOf(report.Err) != translators.Changed {
		t.Errorf("for the version before: %s, %v", report.Outcome, report.Err)
	}
	if _, err := tr.Plan(t.Context(), translators.Intent{Action: scim.ActionDelete, Type: in.Type, ID: id, Version: in.Version}); translators.KindOf(err) != translators.Changed {
		t.Errorf("planning to delete the version before: %v", err)
	}
	if !exists(t, server, "(uid=ada)") {
		t.Error("it is gone")
	}
}

// TestAnUnknownOutcomeForAVersionIsResolved is rule 12 of DESIGN §4 for calls that
// are for one version.
func TestAnUnknownOutcomeForAVersionIsResolved(t *testing.T) {
	tests := []struct {
		name    string
		request int
		k       func(*Translator) *kind
		intent  func(*testing.T, *Translator) translators.Intent
		isMade  func(*testing.T, *slapd.Server) bool
		other   string // the DN of an entry that somebody else changes afterwards
	}{
		{"change", goldap.ApplicationModifyRequest, func(tr *Translator) *kind { return tr.users },
			func(t *testing.T, tr *Translator) translators.Intent {
				return updating(t, tr.users, read(t, tr, tr.users, add(t, tr, tr.users, person("ada"))), values{"title": "Analyst"})
			},
			func(t *testing.T, s *slapd.Server) bool { return exists(t, s, "(title=Analyst)") }, dnOf("ada")},
		{"rename", goldap.ApplicationModifyDNRequest, func(tr *Translator) *kind { return tr.users },
			func(t *testing.T, tr *Translator) translators.Intent {
				return updating(t, tr.users, read(t, tr, tr.users, add(t, tr, tr.users, person("ada"))), values{"userName": "countess"})
			},
			func(t *testing.T, s *slapd.Server) bool { return exists(t, s, "(uid=countess)") }, dnOf("ada")},
		{"delete", goldap.ApplicationDelRequest, func(tr *Translator) *kind { return tr.users },
			func(t *testing.T, tr *Translator) translators.Intent {
				return translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: add(t, tr, tr.users, person("ada"))}
			},
			func(t *testing.T, s *slapd.Server) bool { return !exists(t, s, "(uid=ada)") }, dnOf("ada")},
		{"member", goldap.ApplicationModifyRequest, func(tr *Translator) *kind { return tr.groups },
			func(t *testing.T, tr *Translator) translators.Intent {
				bob := add(t, tr, tr.users, person("bob"))
				return translators.Intent{Action: scim.ActionUpdate, Type: tr.groups.served.ResourceType,
					ID: add(t, tr, tr.groups, values{"displayName": "g"}), Members: &scim.MemberChange{Add: []string{bob}}}
			},
			func(t *testing.T, s *slapd.Server) bool { return exists(t, s, "(member="+dnOf("bob")+")") }, "cn=g," + slapd.Groups},
	}
	for _, test := range tests {
		for _, loss := range losses {
			t.Run(test.name+", "+loss.name, func(t *testing.T) {
				t.Parallel()
				tr, server, proxy := serveBehind(t, byPolicy)
				in := forVersion(t, tr, test.k(tr), test.intent(t, tr))
				plan := planOf(t, tr, in)
				loss.reach(proxy, test.request)
				report := translators.Execute(t.Context(), plan)
				if got := test.isMade(t, server); got != loss.isMade {
					t.Fatalf("the directory has made it: %v, want %v", got, loss.isMade)
				}
				if loss.isMade {
					if report.Outcome != translators.Applied || report.Err != nil {
						t.Errorf("the outcome is %s: %v", report.Outcome, report.Err)
					}
					return
				}
				if report.Outcome != translators.NotApplied || translators.KindOf(report.Err) != translators.Unavailable {
					t.Errorf("the outcome is %s: %v", report.Outcome, report.Err)
				}
				// Had somebody else been there meanwhile, to try again would not help.
				request := goldap.NewModifyRequest(test.other, nil)
				request.Replace("description", []string{"changed"})
				if err := server.Admin(t).Modify(request); err != nil {
					t.Fatal(err)
				}
				wait(t, "the change to be seen", func() bool { return read(t, tr, test.k(tr), in.ID).Resource.Meta.Version != in.Version })
				if settled := plan.Calls[0].Settle(t.Context(), nil); settled.Outcome != translators.NotApplied || translators.KindOf(settled.Err) != translators.Changed {
					t.Errorf("settled it is %s: %v", settled.Outcome, settled.Err)
				}
			})
		}
	}
}

// TestWhatTakesBackIsForNoVersion: the call that it takes back has made another.
func TestWhatTakesBackIsForNoVersion(t *testing.T) {
	tr := configure(t, "", "", alone(t, strings.Replace(usersBlock, "map groups memberOf", "", 1)))
	in := updating(t, tr.users, asRead(t, tr, tr.users, ada(attributes{"title": {"Analyst"}})), values{"userName": "countess", "title": "Engineer"})
	in.Version = in.Before.Resource.Meta.Version
	plan := planOf(t, tr, in)
	for i, c := range plan.Calls {
		if strings.Contains(c.String(), in.Version) != (i == 0) {
			t.Errorf("call %d:\n%s", i, c)
		}
		if undo := c.Undo(); undo == nil || strings.Contains(undo.String(), in.Version) {
			t.Errorf("call %d is taken back by:\n%s", i, undo)
		}
	}
}
