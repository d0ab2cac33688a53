package ldap

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators"
)

// mapTo has slapd take the user of this process, or whoever shows a certificate
// for "gateway", for the account.
func mapTo(dn string) string {
	return `authz-regexp "gidNumber=[0-9]+\\+uidNumber=[0-9]+,cn=peercred,cn=external,cn=auth" "` + dn + `"` + "\n" +
		`authz-regexp "cn=gateway" "` + dn + `"` + "\n"
}

// TestExternal goes through the life of an account without any password of the
// gateway's own.
func TestExternal(t *testing.T) {
	server := slapd.Start(t, slapd.Options{NoSync: true, Global: "TLSVerifyClient demand\n" + mapTo(slapd.ServiceDN)})
	certificate, key := server.ClientCertificate(t, t.TempDir(), "gateway")
	withCertificate := "tls_ca " + server.CAFile() + "\ntls_certificate " + certificate + " " + key
	for name, test := range map[string]struct{ url, bind string }{
		"ldapi":    {server.LDAPIURL(), "bind external"},
		"ldaps":    {server.TLSURL(), "bind external\n" + withCertificate},
		"starttls": {server.URL(), "bind external " + slapd.ServiceDN + "\nstarttls\n" + withCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			tr := configure(t, test.url, test.bind, usersBlock, groupsBlock)
			id := add(t, tr, tr.users, withPassword(name))
			_, proof := mustCarryOut(t, tr, updating(t, tr.users, read(t, tr, tr.users, id), values{"active": "false"}))
			if proof.Status != translators.Proven || canSignIn(t, server, dnOf(name), password) {
				t.Errorf("the proof is %s %q", proof.Status, proof.Detail)
			}
			has(t, tr.Check(t.Context()), translators.LevelOK, "bind external: scimgate is signed in as "+slapd.ServiceDN)
		})
	}
}

// has fails the test unless a finding of that level speaks of something.
func has(t *testing.T, findings []translators.Finding, level translators.Level, text string) {
	t.Helper()
	for _, f := range findings {
		if f.Level == level && strings.Contains(f.Detail, text) {
			return
		}
	}
	t.Errorf("no finding of level %v says %q: %v", level, text, findings)
}

// people everywhere, so that the administrator is one of them.
const everybodyBlock = `
	users {
		base dc=example,dc=com
		filter (objectClass=person)
		object_class person
		rdn cn
		map userName cn
		map name.familyName sn
		delete remove
	}`

// TestTheOwnAccountIsFound checks that the account behind SASL EXTERNAL is
// protected, whoever says which it is.
func TestTheOwnAccountIsFound(t *testing.T) {
	admin := "dn: " + slapd.AdminDN + "\nobjectClass: person\ncn: admin\nsn: Admin\n\n"
	other := "dn: cn=other,dc=example,dc=com\nobjectClass: person\ncn: other\nsn: Other\n\n"
	server := slapd.Start(t, slapd.Options{NoSync: true, Global: mapTo(slapd.AdminDN), LDIF: admin + other})
	for name, test := range map[string]struct {
		bind      string
		protected []string
		level     translators.Level
		finding   string
	}{
		"by the directory":     {"bind external", []string{"admin"}, translators.LevelOK, "signed in as cn=admin"},
		"by the configuration": {"bind external CN=Admin,DC=example,DC=com", []string{"admin"}, translators.LevelOK, "signed in as cn=admin"},
		"by both, differently": {"bind external cn=other,dc=example,dc=com", []string{"admin", "other"}, translators.LevelError, "until then both are protected"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := configure(t, server.LDAPIURL(), test.bind, everybodyBlock)
			for _, login := range test.protected {
				id := idOf(t, tr, tr.users, `userName eq "`+login+`"`)
				_, err := tr.Plan(t.Context(), updating(t, tr.users, read(t, tr, tr.users, id), values{"name.familyName": "Changed"}))
				if translators.KindOf(err) != translators.Refused {
					t.Errorf("changing %s: %v, want that it is refused", login, err)
				}
			}
			has(t, tr.Check(t.Context()), test.level, test.finding)
		})
	}
	t.Run("by nobody", func(t *testing.T) {
		silent := slapd.Start(t, slapd.Options{NoSync: true, Global: "restrict extended=1.3.6.1.4.1.4203.1.11.3\n" + mapTo(slapd.AdminDN), LDIF: admin})
		tr := configure(t, silent.LDAPIURL(), "bind external", everybodyBlock)
		idOf(t, tr, tr.users, `userName eq "admin"`)
		has(t, tr.Check(t.Context()), translators.LevelWarning, "its own account is not protected: name it by bind external <dn>")
		told := configure(t, silent.LDAPIURL(), "bind external "+slapd.AdminDN, everybodyBlock)
		id := idOf(t, told, told.users, `userName eq "admin"`)
		if _, err := told.Plan(t.Context(), updating(t, told.users, read(t, told, told.users, id), values{"name.familyName": "Changed"})); translators.KindOf(err) != translators.Refused {
			t.Errorf("changing the account that the configuration names: %v, want that it is refused", err)
		}
	})
	t.Run("mapped to no entry", func(t *testing.T) {
		unmapped := slapd.Start(t, slapd.Options{NoSync: true, Database: `access to * by dn.regex=".*,cn=peercred,cn=external,cn=auth" manage`})
		tr := configure(t, unmapped.LDAPIURL(), "bind external", everybodyBlock)
		has(t, tr.Check(t.Context()), translators.LevelWarning, "cn=peercred,cn=external,cn=auth, which is no entry")
	})
}

// TestExternalMistakes checks that what can't work is said before anything runs.
func TestExternalMistakes(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	certificate, key := server.ClientCertificate(t, t.TempDir(), "gateway")
	for name, test := range map[string]struct{ head, want string }{
		"in the clear":            {"ldap://127.0.0.1:1 {\nbind external\n", "use ldapi://, or TLS"},
		"one of two in the clear": {"ldapi://%2Fx ldap://127.0.0.1:1 {\nbind external\n", "nothing says to ldap://127.0.0.1:1 who scimgate is"},
		"no certificate":          {"ldaps://127.0.0.1:1 {\nbind external\n", "add tls_certificate"},
		"no such file":            {"ldaps://127.0.0.1:1 {\nbind external\ntls_certificate /nonexistent " + key + "\n", "tls_certificate: open /nonexistent"},
		"another's key":           {"ldaps://127.0.0.1:1 {\nbind external\ntls_certificate " + certificate + " " + server.CAFile() + "\n", "tls_certificate"},
		"no name":                 {"ldapi://%2Fx {\nbind external scimgate\n", "is not a DN"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := provision(t, unprovisioned(t, test.head)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want that it says %q", err, test.want)
			}
		})
	}
	tr := unprovisioned(t, "ldapi://%2Fx {\nbind external\n")
	tr.BindPassword = "secret"
	if err := provision(t, tr); err == nil || !strings.Contains(err.Error(), "without a password") {
		t.Errorf("with a password: %v", err)
	}
}
