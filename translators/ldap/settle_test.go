package ldap

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// loss is a way in which one exchange gets lost.
type loss struct {
	name   string
	reach  func(*slapd.Proxy, int) // lets the next operation of that sort get lost
	isMade bool                    // whether the directory has done it
}

// once makes the first request, or answer, of an operation meet with action.
func once(operation int, action slapd.Action) func(int) slapd.Action {
	var done atomic.Bool
	return func(o int) slapd.Action {
		if o == operation && done.CompareAndSwap(false, true) {
			return action
		}
		return slapd.Forward
	}
}

var losses = []loss{
	{"the answer is lost", func(p *slapd.Proxy, request int) { p.OnResponse(once(request+1, slapd.Drop)) }, true},
	{"the answer is cut off", func(p *slapd.Proxy, request int) { p.OnResponse(once(request+1, slapd.Cut)) }, true},
	{"the request is lost", func(p *slapd.Proxy, request int) { p.OnRequest(once(request, slapd.Drop)) }, false},
	{"the request is cut off", func(p *slapd.Proxy, request int) { p.OnRequest(once(request, slapd.Cut)) }, false},
}

// serveBehind serves a directory behind a proxy, with little patience.
func serveBehind(t *testing.T, disable ...string) (*Translator, *slapd.Server, *slapd.Proxy) {
	t.Helper()
	server := slapd.Start(t, slapd.Options{NoSync: true})
	proxy := slapd.NewProxy(t, server.Addr())
	bind := "bind " + server.ServiceDN + " " + server.ServicePassword + "\nconnections {\nrequest_timeout 400ms\ndial_timeout 1s\n}"
	return configure(t, proxy.URL(), bind, users(t, disable...), groupsBlock), server, proxy
}

// TestRule12AnUnknownOutcomeIsResolved is rule 12 of DESIGN §4 for every kind of call:
// what got no answer is read back, and the answer is what the directory holds.
func TestRule12AnUnknownOutcomeIsResolved(t *testing.T) {
	member := func(change func(id string) *scim.MemberChange) func(*testing.T, *Translator) translators.Intent {
		return func(t *testing.T, tr *Translator) translators.Intent {
			ids := []string{add(t, tr, tr.users, person("ada")), add(t, tr, tr.users, person("bob"))}
			return translators.Intent{Action: scim.ActionUpdate, Type: tr.groups.served.ResourceType,
				ID: add(t, tr, tr.groups, values{"displayName": "g"}, ids[0]), Members: change(ids[1])}
		}
	}
	update := func(before, after values) func(*testing.T, *Translator) translators.Intent {
		return func(t *testing.T, tr *Translator) translators.Intent {
			id := add(t, tr, tr.users, withPassword("ada"))
			if before != nil {
				change(t, tr, tr.users, id, before)
			}
			return updating(t, tr.users, read(t, tr, tr.users, id), after)
		}
	}
	tests := []struct {
		name    string
		disable string
		request int
		intent  func(*testing.T, *Translator) translators.Intent
		isMade  func(*testing.T, *slapd.Server) bool
	}{
		{"create", byPolicy, goldap.ApplicationAddRequest,
			func(t *testing.T, tr *Translator) translators.Intent {
				return creation(t, tr.users, withPassword("ada"))
			},
			func(t *testing.T, s *slapd.Server) bool { return exists(t, s, "(uid=ada)") }},
		{"create disabled", byPolicy, goldap.ApplicationAddRequest,
			func(t *testing.T, tr *Translator) translators.Intent {
				v := withPassword("ada")
				v["active"] = "false"
				return creation(t, tr.users, v)
			},
			func(t *testing.T, s *slapd.Server) bool { return exists(t, s, "(uid=ada)") }},
		{"create a group", byPolicy, goldap.ApplicationAddRequest,
			func(t *testing.T, tr *Translator) translators.Intent {
				return creation(t, tr.groups, values{"displayName": "g"}, add(t, tr, tr.users, person("ada")))
			},
			func(t *testing.T, s *slapd.Server) bool { return exists(t, s, "(cn=g)") }},
		{"change", byPolicy, goldap.ApplicationModifyRequest, update(nil, values{"title": "Analyst", "name.familyName": "King"}),
			func(t *testing.T, s *slapd.Server) bool { return exists(t, s, "(&(title=Analyst)(sn=King))") }},
		{"remove a value", byPolicy, goldap.ApplicationModifyRequest, update(values{"title": "Analyst"}, values{"title": ""}),
			func(t *testing.T, s *slapd.Server) bool { return !exists(t, s, "(title=Analyst)") }},
		{"set a password", byPolicy, goldap.ApplicationModifyRequest, update(nil, values{"password": newPassword}),
			func(t *testing.T, s *slapd.Server) bool { return canSignIn(t, s, dnOf("ada"), newPassword) }},
		{"disable", byPolicy, goldap.ApplicationModifyRequest, update(nil, values{"active": "false"}),
			func(t *testing.T, s *slapd.Server) bool { return !canSignIn(t, s, dnOf("ada"), password) }},
		{"enable", byPolicy, goldap.ApplicationModifyRequest, update(values{"active": "false"}, values{"active": "true"}),
			func(t *testing.T, s *slapd.Server) bool { return canSignIn(t, s, dnOf("ada"), password) }},
		{"rename", byPolicy, goldap.ApplicationModifyDNRequest, update(nil, values{"userName": "countess"}),
			func(t *testing.T, s *slapd.Server) bool { return exists(t, s, "(uid=countess)") }},
		{"rename in case", byPolicy, goldap.ApplicationModifyDNRequest, update(nil, values{"userName": "Ada"}),
			func(t *testing.T, s *slapd.Server) bool {
				return stored(t, s, "(uid=ada)").GetAttributeValue("uid") == "Ada"
			}},
		{"move", byMove, goldap.ApplicationModifyDNRequest, update(nil, values{"active": "false"}),
			func(t *testing.T, s *slapd.Server) bool {
				return strings.HasSuffix(stored(t, s, "(uid=ada)").DN, slapd.Disabled)
			}},
		{"delete", byPolicy, goldap.ApplicationDelRequest,
			func(t *testing.T, tr *Translator) translators.Intent {
				return translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: add(t, tr, tr.users, person("ada"))}
			},
			func(t *testing.T, s *slapd.Server) bool { return !exists(t, s, "(uid=ada)") }},
		{"add a member", byPolicy, goldap.ApplicationModifyRequest,
			member(func(id string) *scim.MemberChange { return &scim.MemberChange{Add: []string{id}} }),
			func(t *testing.T, s *slapd.Server) bool { return slices.Contains(membersIn(t, s, "g"), dnOf("bob")) }},
		{"replace the members", byPolicy, goldap.ApplicationModifyRequest,
			member(func(id string) *scim.MemberChange {
				return &scim.MemberChange{ReplaceAll: true, Add: []string{id}}
			}),
			func(t *testing.T, s *slapd.Server) bool {
				return slices.Equal(membersIn(t, s, "g"), []string{dnOf("bob")})
			}},
	}
	for _, test := range tests {
		for _, loss := range losses {
			t.Run(test.name+", "+loss.name, func(t *testing.T) {
				t.Parallel()
				tr, server, proxy := serveBehind(t, test.disable)
				intent := test.intent(t, tr)
				plan := planOf(t, tr, intent)
				loss.reach(proxy, test.request)
				report := translators.Execute(t.Context(), plan)
				proxy.OnRequest(nil)
				proxy.OnResponse(nil)
				if got := test.isMade(t, server); got != loss.isMade {
					t.Fatalf("the directory has made it: %v, want %v", got, loss.isMade)
				}
				if !loss.isMade {
					if report.Outcome != translators.NotApplied || translators.KindOf(report.Err) != translators.Unavailable {
						t.Errorf("the outcome is %s: %v", report.Outcome, report.Err)
					}
					return
				}
				if report.Outcome != translators.Applied || report.Err != nil {
					t.Fatalf("the outcome is %s: %v", report.Outcome, report.Err)
				}
				if intent.Action == scim.ActionCreate && report.ID() == "" {
					t.Error("the report of a creation has no id")
				}
				if intent.Action != scim.ActionDelete && intent.Members.IsEmpty() && report.Last() == nil {
					t.Error("the report brings no entry")
				}
				if proof := tr.Prove(t.Context(), plan, report); proof.Status == translators.Refuted || proof.Err != nil {
					t.Errorf("the proof is %s %q: %v", proof.Status, proof.Detail, proof.Err)
				}
			})
		}
	}
}

// TestAnUnknownReleaseIsResolved is the same for the groups of somebody deleted,
// which are tried again at once: the provider will not.
func TestAnUnknownReleaseIsResolved(t *testing.T) {
	for _, loss := range losses {
		t.Run(loss.name, func(t *testing.T) {
			t.Parallel()
			server := slapd.Start(t, slapd.Options{NoSync: true, NoRefint: true, NoMemberOf: true})
			proxy := slapd.NewProxy(t, server.Addr())
			bind := "bind " + server.ServiceDN + " " + server.ServicePassword + "\nconnections {\nrequest_timeout 400ms\n}"
			tr := configure(t, proxy.URL(), bind, strings.Replace(usersBlock, "map groups memberOf", "", 1), groupsBlock)
			id := add(t, tr, tr.users, person("ada"))
			add(t, tr, tr.groups, values{"displayName": "g"}, id)
			plan := planOf(t, tr, translators.Intent{Action: scim.ActionDelete, Type: tr.users.served.ResourceType, ID: id})
			loss.reach(proxy, goldap.ApplicationModifyRequest)
			report := translators.Execute(t.Context(), plan)
			if exists(t, server, "(uid=ada)") {
				t.Error("the person is still there")
			}
			if got := membersIn(t, server, "g"); !slices.Equal(got, []string{""}) || report.Outcome != translators.Applied {
				t.Errorf("the members are %q, the outcome %s: %v", got, report.Outcome, report.Err)
			}
		})
	}
}

// TestACreationIsNotTakenForAnother checks that an account which was there before
// is not taken for the one whose creation got no answer.
func TestACreationIsNotTakenForAnother(t *testing.T) {
	tr, server, proxy := serveBehind(t, byPolicy)
	// The same in every value, but made by somebody else.
	server.Add(t, "dn: "+dnOf("ada")+"\nobjectClass: inetOrgPerson\nuid: ada\ncn: Name of ada\nsn: Family of ada\nmail: ada@example.com\n")
	plan := planOf(t, tr, creation(t, tr.users, person("ada")))
	proxy.OnResponse(once(goldap.ApplicationAddResponse, slapd.Drop))
	report := translators.Execute(t.Context(), plan)
	if report.Outcome != translators.NotApplied || translators.KindOf(report.Err) != translators.Conflict {
		t.Errorf("the outcome is %s: %v", report.Outcome, report.Err)
	}
	if asError(t, report.Err).Path != "userName" || report.ID() != "" {
		t.Errorf("the error is %v, the id %q", report.Err, report.ID())
	}
}

// TestAFrozenDirectory and the next check what is answered while nothing can be
// known, and that it is found out later.
func TestAFrozenDirectory(t *testing.T) {
	tr, server, _ := serveBehind(t, byPolicy)
	id := add(t, tr, tr.users, withPassword("ada"))
	plan := planOf(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	report := translators.Execute(t.Context(), plan)
	if report.Outcome != translators.Unknown || report.Err == nil || translators.KindOf(report.Err) != translators.Indefinite {
		t.Errorf("the outcome is %s: %v", report.Outcome, report.Err)
	}
	if proof := tr.Prove(t.Context(), plan, report); proof.Status == translators.Proven {
		t.Error("the disable is proven")
	}
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	var settled translators.CallResult
	wait(t, "the outcome to be known", func() bool {
		settled = plan.Calls[0].Settle(t.Context(), nil)
		return settled.Outcome != translators.Unknown
	})
	if settled.Outcome == translators.Applied && canSignIn(t, server, dnOf("ada"), password) {
		t.Error("the disable is said to be applied and the account can sign in")
	}
}

func TestAKilledDirectory(t *testing.T) {
	tr, server, proxy := serveBehind(t, byPolicy)
	id := add(t, tr, tr.users, withPassword("ada"))
	plan := planOf(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
	proxy.OnRequest(func(operation int) slapd.Action {
		if operation == goldap.ApplicationModifyRequest {
			if err := server.Kill(); err != nil {
				t.Error(err)
			}
		}
		return slapd.Forward
	})
	report := translators.Execute(t.Context(), plan)
	if report.Outcome != translators.Unknown || report.Err == nil {
		t.Errorf("the outcome is %s: %v", report.Outcome, report.Err)
	}
	proxy.OnRequest(nil)
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	var settled translators.CallResult
	wait(t, "the outcome to be known", func() bool {
		settled = plan.Calls[0].Settle(t.Context(), nil)
		return settled.Outcome != translators.Unknown
	})
	if settled.Outcome != translators.NotApplied || !canSignIn(t, server, dnOf("ada"), password) {
		t.Errorf("settled it is %s", settled.Outcome)
	}
}

// TestAnOfflinePlanIsNotMade checks that what is for looking at can't be carried
// out.
func TestAnOfflinePlanIsNotMade(t *testing.T) {
	tr, _ := serve(t, slapd.Options{NoSync: true})
	in := updating(t, tr.users, read(t, tr, tr.users, add(t, tr, tr.users, person("ada"))), values{"title": "x"})
	in.Before, in.Offline = nil, true
	if report := translators.Execute(t.Context(), planOf(t, tr, in)); report.Outcome != translators.NotApplied {
		t.Errorf("the outcome is %s: %v", report.Outcome, report.Err)
	}
}
