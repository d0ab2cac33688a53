package ldap

import (
	"fmt"
	"sync/atomic"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators"
)

// displace gives ada another name and puts another entry under the name that she
// had.
func displace(t *testing.T, server *slapd.Server, other string) {
	t.Helper()
	if err := server.Admin(t).ModifyDN(goldap.NewModifyDNRequest(dnOf("ada"), "uid=countess", true, "")); err != nil {
		t.Error(err)
	}
	server.Add(t, "dn: "+dnOf("ada")+"\n"+other)
}

// The entries that take ada's name: somebody else, and what is no person.
const (
	anotherPerson = "objectClass: inetOrgPerson\nuid: ada\ncn: Another\nsn: Another\nuserPassword: another\n"
	anotherThing  = "objectClass: account\nobjectClass: simpleSecurityObject\nuid: ada\nuserPassword: another\n"
)

// TestRule02ADisableOfAnotherProvesNothing is rule 2 where somebody renames the
// entry just before the lock is written, and something else has its name then:
// what stands there says nothing of who is meant.
func TestRule02ADisableOfAnotherProvesNothing(t *testing.T) {
	const unguarded = "directory generic {\nid entryUUID uuid\nversion entryCSN\nlock pwdAccountLockedTime 000001010000Z\nassertion off\n}\n"
	for name, test := range map[string]struct{ head, disable, other string }{
		"a person, guarded":       {"", byPolicy, anotherPerson},
		"no person, guarded":      {"", byPolicy, anotherThing},
		"a person, not guarded":   {unguarded, "disable lock", anotherPerson},
		"no person, not guarded":  {unguarded, "disable lock", anotherThing},
		"no person, with a value": {"", byPolicy + "\n" + byAttribute, anotherThing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := slapd.Start(t, slapd.Options{NoSync: true})
			proxy := slapd.NewProxy(t, server.Addr())
			tr := configure(t, proxy.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\n"+test.head, users(t, test.disable), groupsBlock)
			id := add(t, tr, tr.users, withPassword("ada"))
			plan := planOf(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
			var done atomic.Bool
			proxy.OnRequest(func(operation int) slapd.Action {
				if operation == goldap.ApplicationModifyRequest && done.CompareAndSwap(false, true) {
					displace(t, server, test.other)
				}
				return slapd.Forward
			})
			report := translators.Execute(t.Context(), plan)
			proof := tr.Prove(t.Context(), plan, report)
			isOff := !canSignIn(t, server, dnOf("countess"), password)
			if report.Outcome == translators.Applied && proof.Status == translators.Proven && !isOff {
				t.Errorf("the disable was proven and the account can sign in")
			}
			if report.Outcome == translators.Applied && report.Last() != nil && report.Last().Resource.ID != id {
				t.Errorf("the answer is about %s, want %s", report.Last().Resource.ID, id)
			}
			if test.head == "" && (!isOff || !canSignIn(t, server, dnOf("ada"), "another")) {
				t.Error("the lock is not on the one who is meant alone")
			}
		})
	}
}

// TestADeleteMeansOneEntry checks that nothing else is removed that has taken the
// name of the entry, whatever it is.
func TestADeleteMeansOneEntry(t *testing.T) {
	for name, other := range map[string]string{"a person": anotherPerson, "no person": anotherThing} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr, server := serve(t, slapd.Options{NoSync: true})
			id := add(t, tr, tr.users, person("ada"))
			plan := planOf(t, tr, translators.Intent{Action: "delete", Type: tr.users.served.ResourceType, ID: id, Before: read(t, tr, tr.users, id)})
			displace(t, server, other)
			if report := translators.Execute(t.Context(), plan); report.Outcome != translators.Applied {
				t.Errorf("the delete is %s: %v", report.Outcome, report.Err)
			}
			if exists(t, server, "(uid=countess)") || !exists(t, server, "(uid=ada)") {
				t.Error("another than the one who is meant was deleted")
			}
		})
	}
}

// TestRule02WhatIsSaidOfEverybodyTellsNothing is rule 2 where a directory has
// refused a locked account otherwise than others, and then, while it is busy or
// under maintenance, everybody alike.
func TestRule02WhatIsSaidOfEverybodyTellsNothing(t *testing.T) {
	const locked, unlocked = goldap.LDAPResultUnwillingToPerform, goldap.LDAPResultInvalidCredentials
	for name, answers := range map[string][]int{ // to the account, to nobody, and so on
		"busy when it is asked":     {locked, goldap.LDAPResultBusy},
		"busy, and then maintained": {locked, goldap.LDAPResultBusy, locked, locked},
		"maintained later":          {locked, unlocked, locked, locked},
		"unavailable later":         {locked, unlocked, locked, goldap.LDAPResultUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := slapd.Start(t, slapd.Options{NoSync: true, NoLockout: true})
			proxy := slapd.NewProxy(t, server.Addr())
			var asked atomic.Int64
			proxy.RewriteResponses(refusing(func(bool) (int, string) { return answers[asked.Add(1)-1], "" }))
			tr := configure(t, proxy.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\n"+fmt.Sprintf(genericHead, "lock_tells 53"), users(t, "disable lock"), groupsBlock)
			id := add(t, tr, tr.users, withPassword("ada"))
			var proof translators.Proof
			for range len(answers) / 2 {
				_, proof = mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
			}
			if proof.Status != translators.Unprovable || !canSignIn(t, server, dnOf("ada"), password) {
				t.Errorf("the proof is %s %q", proof.Status, proof.Detail)
			}
			if int(asked.Load()) != len(answers) {
				t.Errorf("%d attempts to sign in were made, want %d", asked.Load(), len(answers))
			}
		})
	}
}
