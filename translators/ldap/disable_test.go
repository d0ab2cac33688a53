package ldap

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators"
)

const password = "countess-of-lovelace"

// withPassword is person with a password.
func withPassword(login string) values {
	v := person(login)
	v["password"] = password
	return v
}

// disableWith serves a directory whose accounts are disabled so.
func serveDisabling(t *testing.T, options slapd.Options, more string, disable ...string) (*Translator, *slapd.Server) {
	t.Helper()
	options.NoSync = true
	server := slapd.Start(t, options)
	return configure(t, server.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\n"+more, users(t, disable...), groupsBlock), server
}

// TestRule02ADisableIsProven is rule 2 of DESIGN §4: whatever the directory is like, a
// disable is proven only when the account can't sign in any more.
func TestRule02ADisableIsProven(t *testing.T) {
	tests := []struct {
		name      string
		options   slapd.Options
		more      string
		disable   []string
		status    translators.ProofStatus
		detail    string
		canSignIn bool
	}{
		{name: "policy in force", disable: []string{byPolicy}, status: translators.Proven},
		{name: "policy in force, everything together", disable: []string{byPolicy, byValue, byMove}, status: translators.Proven},
		{name: "pwdLockout FALSE", options: slapd.Options{NoLockout: true}, disable: []string{byPolicy},
			status: translators.Unprovable, detail: "does not tell whether it enforces that", canSignIn: true},
		{name: "pwdLockout FALSE, policy known", options: slapd.Options{NoLockout: true}, more: "password_policy " + slapd.DefaultPolicy, disable: []string{byPolicy},
			status: translators.Refuted, detail: "The pwdLockout of its password policy is not TRUE", canSignIn: true},
		{name: "no default policy", options: slapd.Options{NoDefaultPolicy: true}, disable: []string{byPolicy},
			status: translators.Unprovable, detail: "does not tell whether it enforces that", canSignIn: true},
		{name: "no overlay", options: slapd.Options{NoOverlay: true}, disable: []string{byPolicy},
			status: translators.Refuted, detail: "The password policy overlay is not in force for this database", canSignIn: true},
		{name: "no overlay, a policy is known", options: slapd.Options{NoOverlay: true}, more: "password_policy " + slapd.DefaultPolicy, disable: []string{byPolicy},
			status: translators.Refuted, detail: "let the proxy between scimgate and the directory pass controls on", canSignIn: true},
		{name: "policy in force and silent", options: slapd.Options{NoUseLockout: true}, disable: []string{byPolicy},
			status: translators.Unprovable, detail: "Switch on ppolicy_use_lockout"},
		{name: "policy in force, silent and known", options: slapd.Options{NoUseLockout: true}, more: "password_policy " + slapd.DefaultPolicy,
			disable: []string{byPolicy}, status: translators.Unprovable, detail: "whether it is the one that applies can't be seen"},
		{name: "no default policy, another is known", options: slapd.Options{NoDefaultPolicy: true}, more: "password_policy " + slapd.DefaultPolicy,
			disable: []string{byPolicy}, status: translators.Unprovable, detail: "whether it is the one that applies can't be seen", canSignIn: true},
		{name: "policy that does not exist", options: slapd.Options{NoUseLockout: true}, more: "password_policy cn=other," + slapd.Policies,
			disable: []string{byPolicy}, status: translators.Unprovable, detail: "does not exist, or the account of scimgate may not read it"},
		{name: "lock that can't be read", options: slapd.Options{HideLock: true}, disable: []string{byPolicy},
			status: translators.Refuted, detail: "Let it read and search pwdAccountLockedTime"},
		{name: "attribute", disable: []string{byAttribute}, status: translators.Unprovable, detail: "the applications have to look at the mark", canSignIn: true},
		{name: "move", disable: []string{byMove}, status: translators.Unprovable, detail: "the applications have to look at the mark", canSignIn: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tr, server := serveDisabling(t, test.options, test.more, test.disable...)
			id := add(t, tr, tr.users, withPassword("ada"))
			if !canSignIn(t, server, dnOf("ada"), password) {
				t.Fatal("the new account can't sign in")
			}
			_, proof := mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
			if proof.Err != nil {
				t.Fatalf("proving: %v", proof.Err)
			}
			if proof.Status != test.status || !strings.Contains(proof.Detail, test.detail) {
				t.Errorf("the proof is %s %q, want %s %q", proof.Status, proof.Detail, test.status, test.detail)
			}
			dn := stored(t, server, "(uid=ada)").DN
			if got := canSignIn(t, server, dn, password); got != test.canSignIn {
				t.Errorf("the account can sign in: %v, want %v", got, test.canSignIn)
			}
			if proof.Status == translators.Proven && canSignIn(t, server, dn, password) {
				t.Error("the disable was proven and the account can sign in")
			}
		})
	}
}

// TestRule02AProofIsOfThisMoment is rule 2 where somebody takes the teeth out of
// the password policy between two disables.
func TestRule02AProofIsOfThisMoment(t *testing.T) {
	for name, test := range map[string]struct {
		options slapd.Options
		own     bool // whether the accounts name their policy themselves
	}{
		"policy that tells":            {slapd.Options{}, false},
		"policy of the account itself": {slapd.Options{}, true},
		"policy that has to be read":   {slapd.Options{NoUseLockout: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr, server := serveDisabling(t, test.options, "", byPolicy)
			for i, login := range []string{"ada", "bob", "carl"} {
				lockout := []string{"TRUE", "FALSE", "TRUE"}[i]
				id := add(t, tr, tr.users, withPassword(login))
				modify := goldap.NewModifyRequest(slapd.DefaultPolicy, nil)
				modify.Replace("pwdLockout", []string{lockout})
				if err := server.Admin(t).Modify(modify); err != nil {
					t.Fatal(err)
				}
				if test.own {
					modify := goldap.NewModifyRequest(dnOf(login), nil)
					modify.Replace("pwdPolicySubentry", []string{slapd.DefaultPolicy})
					if err := server.Admin(t).Modify(modify); err != nil {
						t.Fatal(err)
					}
				}
				want := translators.Proven
				if lockout == "FALSE" {
					want = translators.Refuted
				}
				_, proof := mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
				if proof.Status != want {
					t.Errorf("pwdLockout %s: the proof is %s %q, want %s", lockout, proof.Status, proof.Detail, want)
				}
				if canSignIn(t, server, dnOf(login), password) != (want == translators.Refuted) {
					t.Errorf("pwdLockout %s: whether %s can sign in is not what was proven", lockout, login)
				}
			}
		})
	}
}

// TestAProofIsForOnePolicy checks that what was seen of one password policy is
// not taken for another.
func TestAProofIsForOnePolicy(t *testing.T) {
	tr, server := serveDisabling(t, slapd.Options{}, "", byPolicy)
	const lax = "cn=lax," + slapd.Policies
	server.Add(t, "dn: "+lax+"\nobjectClass: device\nobjectClass: pwdPolicy\ncn: lax\npwdAttribute: userPassword\npwdLockout: FALSE\n")
	ids := map[string]string{}
	for _, login := range []string{"ada", "bob", "carl"} {
		ids[login] = add(t, tr, tr.users, withPassword(login))
	}
	modify := goldap.NewModifyRequest(dnOf("bob"), nil)
	modify.Replace("pwdPolicySubentry", []string{lax})
	if err := server.Admin(t).Modify(modify); err != nil {
		t.Fatal(err)
	}
	for login, want := range map[string]translators.ProofStatus{"ada": translators.Proven, "bob": translators.Refuted, "carl": translators.Proven} {
		_, proof := mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, ids[login]), values{"active": "false"}))
		if proof.Status != want {
			t.Errorf("%s: the proof is %s %q, want %s", login, proof.Status, proof.Detail, want)
		}
		if canSignIn(t, server, dnOf(login), password) != (want != translators.Proven) {
			t.Errorf("%s: whether the account can sign in is not what was proven", login)
		}
	}
}

// TestEachDisableIsProvenByAnAttempt checks that every disable is tried, on one
// connection that is kept, and costs the directory nothing else.
func TestEachDisableIsProvenByAnAttempt(t *testing.T) {
	server := slapd.Start(t, slapd.Options{NoSync: true})
	proxy := slapd.NewProxy(t, server.Addr())
	tr := configure(t, proxy.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\nconnections {\n shared 1\n }", usersBlock, groupsBlock)
	var intents []translators.Intent
	for _, login := range []string{"ada", "bob", "carl", "dan"} {
		intents = append(intents, updating(t, tr.users, read(t, tr, tr.users, add(t, tr, tr.users, withPassword(login))), values{"active": "false"}))
	}
	var binds, others atomic.Int64
	proxy.OnRequest(func(operation int) slapd.Action {
		switch operation {
		case goldap.ApplicationBindRequest:
			binds.Add(1)
		case goldap.ApplicationModifyRequest, goldap.ApplicationSearchRequest:
			others.Add(1)
		}
		return slapd.Forward
	})
	before := proxy.Accepted()
	for _, in := range intents {
		if _, proof := mustCarryOut(t, tr, in); proof.Status != translators.Proven {
			t.Fatalf("the proof is %s %q", proof.Status, proof.Detail)
		}
	}
	if binds.Load() != 4 || others.Load() != 4 || proxy.Accepted()-before != 1 {
		t.Errorf("4 disables took %d attempts to sign in, %d requests and %d connections, want 4, 4 and 1",
			binds.Load(), others.Load(), proxy.Accepted()-before)
	}
}

// TestAnAttemptToProveLeavesNoTrace checks what an attempt to sign in does to an
// account: nothing while its lock is enforced, the entry keeps its version. Where
// nothing enforces the lock it is counted as a failed attempt like any other.
func TestAnAttemptToProveLeavesNoTrace(t *testing.T) {
	for _, isEnforced := range []bool{true, false} {
		t.Run(fmt.Sprintf("enforced %t", isEnforced), func(t *testing.T) {
			t.Parallel()
			tr, server := serveDisabling(t, slapd.Options{NoLockout: !isEnforced}, "", byPolicy)
			id := add(t, tr, tr.users, withPassword("ada"))
			mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
			first := stored(t, server, "(uid=ada)", "pwdFailureTime")
			for range 3 { // a repetition writes nothing, and tries
				_, proof := mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
				if (proof.Status == translators.Proven) != isEnforced {
					t.Fatalf("the proof is %s %q", proof.Status, proof.Detail)
				}
			}
			last := stored(t, server, "(uid=ada)", "pwdFailureTime")
			if n := len(last.GetAttributeValues("pwdFailureTime")); (n == 0) != isEnforced {
				t.Errorf("pwdFailureTime has %d values", n)
			}
			if a, b := first.GetAttributeValue("entryCSN"), last.GetAttributeValue("entryCSN"); (a == b) != isEnforced {
				t.Errorf("the version was %s and is %s", a, b)
			}
		})
	}
}

// TestADisableIsProvenToTheLast checks what keeps a proof from being made.
func TestADisableIsProvenToTheLast(t *testing.T) {
	server := slapd.Start(t, slapd.Options{NoSync: true})
	proxy := slapd.NewProxy(t, server.Addr())
	tr := configure(t, proxy.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword, usersBlock, groupsBlock)
	id := add(t, tr, tr.users, withPassword("ada"))

	t.Run("the attempt to sign in is cut off", func(t *testing.T) {
		proxy.OnRequest(func(operation int) slapd.Action {
			if operation == goldap.ApplicationBindRequest {
				return slapd.Cut
			}
			return slapd.Forward
		})
		defer proxy.OnRequest(nil)
		_, proof := mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
		if proof.Status == translators.Proven || proof.Err == nil {
			t.Errorf("the proof is %s, error %v", proof.Status, proof.Err)
		}
	})
	t.Run("somebody enables it before the proof", func(t *testing.T) {
		plan := planOf(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
		if len(plan.Calls) != 0 || plan.Proves != translators.ProofDisabled {
			t.Fatalf("a repeated disable has %d calls and proves %q", len(plan.Calls), plan.Proves)
		}
		modify := goldap.NewModifyRequest(dnOf("ada"), nil)
		modify.Replace(lockedTime, nil)
		if err := server.Admin(t).Modify(modify); err != nil {
			t.Fatal(err)
		}
		if proof := tr.Prove(t.Context(), plan, translators.Report{Outcome: translators.Applied}); proof.Status != translators.Refuted {
			t.Errorf("the proof is %s %q", proof.Status, proof.Detail)
		}
	})
}

// TestWithoutPolicyOverlayADisableFails checks that a directory without the
// overlay is not taken for one that has disabled an account.
func TestWithoutPolicyOverlayADisableFails(t *testing.T) {
	tr, server := serveDisabling(t, slapd.Options{NoPolicy: true}, "", byPolicy)
	id := add(t, tr, tr.users, withPassword("ada"))
	report, _ := carryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
	if report.Outcome != translators.NotApplied || translators.KindOf(report.Err) != translators.Refused ||
		!strings.Contains(report.Err.Error(), "load the overlay with the password policy") {
		t.Errorf("the disable is %s: %v", report.Outcome, report.Err)
	}
	if !canSignIn(t, server, dnOf("ada"), password) {
		t.Error("the account can't sign in")
	}
}

// TestACreatedDisabledAccountIsProven checks that the lock is part of the entry
// from the first moment.
func TestACreatedDisabledAccountIsProven(t *testing.T) {
	for _, disable := range [][]string{{byPolicy}, {byPolicy, byValue, byMove}} {
		tr, server := serveDisabling(t, slapd.Options{}, "", disable...)
		v := withPassword("ada")
		v["active"] = "false"
		report, proof := mustCarryOut(t, tr, creation(t, tr.users, v))
		if proof.Status != translators.Proven || canSignIn(t, server, stored(t, server, "(uid=ada)").DN, password) {
			t.Errorf("%v: the proof is %s %q", disable, proof.Status, proof.Detail)
		}
		if active, known := report.Last().Resource.IsActive(); active || !known {
			t.Errorf("%v: the created account reads as active", disable)
		}
	}
}

// TestRule04DisableAndEnable goes there and back by every method, and checks that both
// are done once (rule 4): a repetition writes nothing.
func TestRule04DisableAndEnable(t *testing.T) {
	for _, disable := range [][]string{{byPolicy}, {byAttribute}, {byValue}, {byMove}, {byPolicy, byMove}, {byMove, byValue, byPolicy}} {
		t.Run(strings.Join(disable, ","), func(t *testing.T) {
			t.Parallel()
			tr, server := serveDisabling(t, slapd.Options{}, "", disable...)
			id := add(t, tr, tr.users, withPassword("ada"))
			fresh := stored(t, server, "(uid=ada)")
			version := func() string { return stored(t, server, "(uid=ada)").GetAttributeValue("entryCSN") }
			for range 2 {
				for _, active := range []string{"false", "true"} {
					_, proof := mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": active}))
					if proof.Status == translators.Refuted {
						t.Fatalf("active %s is refuted: %s", active, proof.Detail)
					}
					if got, _ := read(t, tr, tr.users, id).Resource.IsActive(); got != (active == "true") {
						t.Fatalf("after active %s it reads as %v", active, got)
					}
					if isPolicy := slices.Contains(disable, byPolicy); canSignIn(t, server, stored(t, server, "(uid=ada)").DN, password) != (active == "true" || !isPolicy) {
						t.Fatalf("after active %s signing in is not as it should be", active)
					}
					before := version()
					again := updating(t, tr.users, read(t, tr, tr.users, id), values{"active": active})
					if plan := planOf(t, tr, again); len(plan.Calls) > 0 {
						t.Errorf("active %s again has a plan:\n%s", active, text(plan))
					}
					if version() != before {
						t.Errorf("active %s again has changed the version", active)
					}
				}
			}
			if e := stored(t, server, "(uid=ada)"); e.DN != fresh.DN {
				t.Errorf("the account is now %s, and was %s", e.DN, fresh.DN)
			}
			if exists(t, server, "(pwdAccountLockedTime=*)") {
				t.Error("a lock is left")
			}
		})
	}
}

// TestAPartialDisableIsCompleted checks that an account with some of its locks
// counts as active, so that a disable puts the others in.
func TestAPartialDisableIsCompleted(t *testing.T) {
	tr, server := serveDisabling(t, slapd.Options{}, "", byPolicy, byValue, byMove)
	id := add(t, tr, tr.users, withPassword("ada"))
	modify := goldap.NewModifyRequest(dnOf("ada"), nil)
	modify.Replace(lockedTime, []string{"000001010000Z"})
	if err := server.Admin(t).Modify(modify); err != nil {
		t.Fatal(err)
	}
	before := read(t, tr, tr.users, id)
	if active, _ := before.Resource.IsActive(); !active {
		t.Error("with one lock of three the account reads as disabled")
	}
	_, proof := mustCarryOut(t, tr, updating(t, tr.users, before, values{"active": "false"}))
	e := stored(t, server, "(uid=ada)")
	if proof.Status != translators.Proven || e.GetAttributeValue("employeeType") != "gone" || !strings.HasSuffix(e.DN, slapd.Disabled) {
		t.Errorf("the proof is %s %q, the entry %s", proof.Status, proof.Detail, e.DN)
	}
}

// TestAPartialDisableIsUndone checks that an account with some of its locks, which
// counts as active, loses those when it is said to be active, and nothing else.
func TestAPartialDisableIsUndone(t *testing.T) {
	lock := map[string]func(*testing.T, *goldap.Conn){
		byPolicy: func(t *testing.T, admin *goldap.Conn) {
			modify := goldap.NewModifyRequest(dnOf("ada"), nil)
			modify.Replace(lockedTime, []string{"000001010000Z"})
			if err := admin.Modify(modify); err != nil {
				t.Fatal(err)
			}
		},
		byValue: func(t *testing.T, admin *goldap.Conn) {
			modify := goldap.NewModifyRequest(dnOf("ada"), nil)
			modify.Replace("employeeType", []string{"gone"})
			if err := admin.Modify(modify); err != nil {
				t.Fatal(err)
			}
		},
		byMove: func(t *testing.T, admin *goldap.Conn) {
			if err := admin.ModifyDN(goldap.NewModifyDNRequest(dnOf("ada"), "uid=ada", true, slapd.Disabled)); err != nil {
				t.Fatal(err)
			}
		},
	}
	for _, present := range [][]string{{byPolicy}, {byValue}, {byMove}, {byPolicy, byValue}, {byPolicy, byMove}, {byValue, byMove}} {
		for _, more := range []values{{}, {"title": "Countess"}, {"password": "lady-of-the-engine"}, {"userName": "countess", "title": "Countess"}} {
			t.Run(fmt.Sprint(present, more), func(t *testing.T) {
				t.Parallel()
				tr, server := serveDisabling(t, slapd.Options{}, "", byPolicy, byValue, byMove)
				id := add(t, tr, tr.users, withPassword("ada"))
				admin := server.Admin(t)
				if !slices.Contains(present, byValue) {
					modify := goldap.NewModifyRequest(dnOf("ada"), nil)
					modify.Replace("employeeType", []string{"Contractor"})
					if err := admin.Modify(modify); err != nil {
						t.Fatal(err)
					}
				}
				for _, method := range present {
					lock[method](t, admin)
				}
				before := read(t, tr, tr.users, id)
				if active, _ := before.Resource.IsActive(); !active {
					t.Fatal("it reads as disabled")
				}
				// What does not speak of active leaves the locks alone.
				change(t, tr, tr.users, id, values{"displayName": "Ada"})
				if slices.Contains(present, byPolicy) == canSignIn(t, server, stored(t, server, "(uid=ada)").DN, password) {
					t.Fatal("another change has changed a lock")
				}
				wanted, login, secret := values{"active": "true"}, "ada", password
				for name, value := range more {
					wanted[name] = value
				}
				if more["userName"] != "" {
					login = more["userName"]
				}
				if more["password"] != "" {
					secret = more["password"]
				}
				_, proof := mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), wanted))
				if proof.Status != translators.Proven {
					t.Errorf("the proof is %s %q", proof.Status, proof.Detail)
				}
				e := stored(t, server, "(uid="+login+")")
				if e.DN != dnOf(login) || exists(t, server, "(pwdAccountLockedTime=*)") || !canSignIn(t, server, e.DN, secret) {
					t.Errorf("%s is still locked", e.DN)
				}
				if got := e.GetAttributeValue("employeeType"); slices.Contains(present, byValue) != (got != "Contractor") || got == "gone" {
					t.Errorf("employeeType is %q", got)
				}
				again := updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "true"})
				if plan := planOf(t, tr, again); len(plan.Calls) > 0 {
					t.Errorf("again there is a plan:\n%s", text(plan))
				}
			})
		}
	}
}

// TestALockoutIsNotADisable checks that an account that was locked by wrong
// passwords is active, and that its lockout is left to the directory.
func TestALockoutIsNotADisable(t *testing.T) {
	tr, server := serveDisabling(t, slapd.Options{}, "", byPolicy)
	id := add(t, tr, tr.users, withPassword("ada"))
	for range 6 {
		canSignIn(t, server, dnOf("ada"), "wrong")
	}
	lock := stored(t, server, "(uid=ada)").GetAttributeValue(lockedTime)
	if lock == "" {
		t.Fatal("wrong passwords have not locked the account")
	}
	before := read(t, tr, tr.users, id)
	if active, _ := before.Resource.IsActive(); !active {
		t.Error("it reads as disabled")
	}
	if plan := planOf(t, tr, updating(t, tr.users, before, values{"active": "true"})); len(plan.Calls) > 0 {
		t.Errorf("enabling it has a plan:\n%s", text(plan))
	}
	_, proof := mustCarryOut(t, tr, updating(t, tr.users, before, values{"active": "false"}))
	if got := stored(t, server, "(uid=ada)").GetAttributeValue(lockedTime); proof.Status != translators.Proven || got != "000001010000Z" {
		t.Errorf("disabling it is %s %q, the lock %s", proof.Status, proof.Detail, got)
	}
}

// TestRule03NothingTakesADisableBack is the translator's part of rule 3: what follows
// in the same plan may fail, the account stays locked.
func TestRule03NothingTakesADisableBack(t *testing.T) {
	tr, server := serveDisabling(t, slapd.Options{}, "", byPolicy, byMove)
	add(t, tr, tr.users, person("taken"))
	id := add(t, tr, tr.users, withPassword("ada"))
	report, _ := carryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false", "userName": "taken"}))
	if report.Err == nil || translators.KindOf(report.Err) != translators.Conflict || !report.Partial {
		t.Errorf("renaming to what is taken: %v, partial %v", report.Err, report.Partial)
	}
	e := stored(t, server, "(uid=ada)")
	if canSignIn(t, server, e.DN, password) || !strings.HasSuffix(e.DN, slapd.Disabled) {
		t.Error("the account is not disabled")
	}
}
