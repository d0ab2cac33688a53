package ldap

import (
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

const newPassword = "another-long-secret"

// setLock writes the lock of a password policy past the translator.
func setLock(t *testing.T, server *slapd.Server, dn string, values ...string) {
	t.Helper()
	modify := goldap.NewModifyRequest(dn, nil)
	modify.Replace(lockedTime, values)
	if err := server.Admin(t).Modify(modify); err != nil {
		t.Fatalf("writing the lock: %v", err)
	}
}

// TestAPasswordKeepsTheLock is the trap of slapd's password policy: whoever sets
// a password takes the lock away.
func TestAPasswordKeepsTheLock(t *testing.T) {
	t.Run("of an account that is disabled", func(t *testing.T) {
		tr, server := serveDisabling(t, slapd.Options{}, "", byPolicy)
		id := add(t, tr, tr.users, withPassword("ada"))
		change(t, tr, tr.users, id, values{"active": "false"})
		_, proof := mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"password": newPassword, "title": "Former"}))
		if proof.Status != translators.Proven {
			t.Errorf("that it stays disabled is %s %q", proof.Status, proof.Detail)
		}
		e := read(t, tr, tr.users, id)
		if active, _ := e.Resource.IsActive(); active || canSignIn(t, server, dnOf("ada"), newPassword) {
			t.Error("setting the password has enabled the account")
		}
		change(t, tr, tr.users, id, values{"active": "true"})
		if !canSignIn(t, server, dnOf("ada"), newPassword) {
			t.Error("the new password was not set")
		}
	})
	t.Run("of an account that is disabled in the meantime", func(t *testing.T) {
		tr, server := serveDisabling(t, slapd.Options{}, "", byPolicy)
		id := add(t, tr, tr.users, withPassword("ada"))
		plan := planOf(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"password": newPassword}))
		setLock(t, server, dnOf("ada"), "000001010000Z")
		if report := translators.Execute(t.Context(), plan); report.Err != nil {
			t.Fatal(report.Err)
		}
		if canSignIn(t, server, dnOf("ada"), newPassword) {
			t.Error("setting the password has enabled the account")
		}
	})
	t.Run("of an account that is enabled in the meantime", func(t *testing.T) {
		tr, server := serveDisabling(t, slapd.Options{}, "", byPolicy)
		id := add(t, tr, tr.users, withPassword("ada"))
		setLock(t, server, dnOf("ada"), "000001010000Z")
		plan := planOf(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"password": newPassword}))
		setLock(t, server, dnOf("ada"))
		if report := translators.Execute(t.Context(), plan); report.Err != nil {
			t.Fatal(report.Err)
		}
		if !canSignIn(t, server, dnOf("ada"), newPassword) {
			t.Error("setting the password has disabled the account")
		}
	})
	t.Run("also when the request has to be repeated in another form", func(t *testing.T) {
		for _, disable := range []string{byPolicy, byValue} {
			block := strings.Replace(users(t, disable), "map `emails[type eq \"work\"].value` mail", "map emails.value mail", 1)
			block = strings.Replace(block, "map `emails[type eq \"work\"].primary` {\n\t\t\tconstant true\n\t\t}", "", 1)
			tr, server := serve(t, slapd.Options{NoSync: true}, block, groupsBlock)
			id := add(t, tr, tr.users, values{"userName": "ada", "name.familyName": "x", "name.formatted": "x", "password": password})
			mail := goldap.NewModifyRequest(dnOf("ada"), nil)
			mail.Replace("mail", []string{"a@example.com", "b@example.com"})
			if err := server.Admin(t).Modify(mail); err != nil {
				t.Fatal(err)
			}
			setLock(t, server, dnOf("ada"), "000001010000Z")
			before := read(t, tr, tr.users, id)
			in := updating(t, tr.users, before, values{"password": newPassword, "title": "Former"})
			emails := before.Resource.Type.Attribute("emails")
			in.After.Set(emails, scim.List(
				scim.Complex(scim.Field{Attribute: emails.Sub("value"), Value: scim.String("a@example.com")}),
				scim.Complex(scim.Field{Attribute: emails.Sub("value"), Value: scim.String("c@example.com")})))
			in.Changes = scim.Diff(before.Resource, in.After)
			plan := planOf(t, tr, in)
			mail.Changes = nil
			mail.Replace("mail", []string{"a@example.com"})
			if err := server.Admin(t).Modify(mail); err != nil {
				t.Fatal(err)
			}
			if report := translators.Execute(t.Context(), plan); report.Err != nil {
				t.Fatalf("%v of\n%s", report.Err, text(plan))
			}
			e := stored(t, server, "(uid=ada)")
			if got := e.GetAttributeValues("mail"); len(got) != 2 || e.GetAttributeValue(lockedTime) != "000001010000Z" || canSignIn(t, server, dnOf("ada"), newPassword) {
				t.Errorf("%s: setting the password has enabled the account; its addresses are %q", disable, got)
			}
		}
	})
	t.Run("that somebody else has set, where active is not served", func(t *testing.T) {
		tr, server := serveDisabling(t, slapd.Options{}, "")
		id := add(t, tr, tr.users, withPassword("ada"))
		setLock(t, server, dnOf("ada"), "000001010000Z")
		change(t, tr, tr.users, id, values{"password": newPassword})
		if canSignIn(t, server, dnOf("ada"), newPassword) {
			t.Error("setting the password has enabled the account")
		}
	})
	t.Run("and leaves what wrong passwords have locked to the directory", func(t *testing.T) {
		tr, server := serveDisabling(t, slapd.Options{}, "", byPolicy)
		id := add(t, tr, tr.users, withPassword("ada"))
		setLock(t, server, dnOf("ada"), "20991231235959Z")
		change(t, tr, tr.users, id, values{"password": newPassword})
		if !canSignIn(t, server, dnOf("ada"), newPassword) {
			t.Error("the account is locked for ever")
		}
	})
}

// TestAHiddenLockKeepsThePassword checks that no password is set where nobody
// can see whether that enables an account.
func TestAHiddenLockKeepsThePassword(t *testing.T) {
	for name, options := range map[string]slapd.Options{"no right to read it": {HideLock: true}, "no such attribute": {NoPolicy: true}} {
		t.Run(name, func(t *testing.T) {
			tr, server := serveDisabling(t, options, "", byPolicy)
			id := add(t, tr, tr.users, withPassword("ada"))
			report, _ := carryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"password": newPassword}))
			if report.Outcome != translators.NotApplied || translators.KindOf(report.Err) != translators.Refused ||
				!strings.Contains(report.Err.Error(), "can't see whether the account is locked") {
				t.Errorf("setting the password: %s: %v", report.Outcome, report.Err)
			}
			if canSignIn(t, server, dnOf("ada"), newPassword) {
				t.Error("the password was set")
			}
		})
	}
}

// TestEnablingWithAPassword checks that both take effect although the password
// alone would.
func TestEnablingWithAPassword(t *testing.T) {
	tr, server := serveDisabling(t, slapd.Options{}, "", byPolicy, byValue, byMove)
	v := withPassword("ada")
	v["active"] = "false"
	id := add(t, tr, tr.users, v)
	e := change(t, tr, tr.users, id, values{"active": "true", "password": newPassword, "userName": "countess"})
	if active, _ := e.Resource.IsActive(); !active || !canSignIn(t, server, dnOf("countess"), newPassword) {
		t.Error("the account is not enabled with its new password")
	}
}

// TestARefusedPasswordChangesNothing checks that a password which the policy
// refuses takes the rename before it back.
func TestARefusedPasswordChangesNothing(t *testing.T) {
	tr, server := serveDisabling(t, slapd.Options{}, "", byPolicy)
	id := add(t, tr, tr.users, withPassword("ada"))
	report, _ := carryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"password": "x", "userName": "countess", "title": "Analyst"}))
	if report.Outcome != translators.NotApplied || translators.KindOf(report.Err) != translators.Invalid || report.Partial {
		t.Errorf("the change is %s, partial %v: %v", report.Outcome, report.Partial, report.Err)
	}
	if e := stored(t, server, "(uid=ada)"); e.DN != dnOf("ada") || e.GetAttributeValue("title") != "" {
		t.Errorf("the entry is %s", e.DN)
	}
	if !canSignIn(t, server, dnOf("ada"), password) {
		t.Error("the former password is not accepted any more")
	}
}
