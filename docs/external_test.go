package docs_test

import (
	"crypto/x509/pkix"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestExternal signs in by certificates as the page about LDAP says. Only the
// certificate that its pattern means stands for scimgate, and no other one of the
// same authority.
func TestExternal(t *testing.T) {
	s := startStock(t)
	p := pageOf(t, "docs/translators/ldap.md")
	s.write(t, "tls.ldif", "dn: cn=config\nchangetype: modify\nreplace: olcTLSCACertificateFile\nolcTLSCACertificateFile: "+s.ca+
		"\n-\nreplace: olcTLSVerifyClient\nolcTLSVerifyClient: try\n")
	s.sh(t, "ldapmodify -Q -Y EXTERNAL -H ldapi:/// -f tls.ldif")

	const account = "dn:cn=scimgate,ou=services,dc=example,dc=com"
	whoami := func(subject pkix.Name) string {
		dir := t.TempDir()
		s.authority.ClientCertificateOf(t, dir, subject)
		return s.sh(t, strings.NewReplacer("/etc/scimgate/ldap-ca.crt", s.ca, "/etc/scimgate/", dir+"/",
			"-H ldaps://dir1.example.com", "-ZZ -H "+s.address).Replace(p.of("sh external")[0].text))
	}
	name := func(organization, unit, common string) pkix.Name {
		return pkix.Name{Organization: []string{organization}, OrganizationalUnit: []string{unit}, CommonName: common}
	}
	ours := name("Example", "Services", "scimgate.example.com")
	before := strings.TrimSpace(whoami(ours))
	if !strings.Contains(p.text, "It prints `"+before+"`") {
		t.Errorf("ldapwhoami prints %q before anything is mapped, and the page says otherwise", before)
	}

	s.write(t, "external.ldif", replaced(t, p.of("ldif external")[0].text, `gidNumber=990\+uidNumber=990`,
		fmt.Sprintf(`gidNumber=%d\+uidNumber=%d`, os.Getgid(), os.Getuid())))
	s.sh(t, "ldapmodify -Q -Y EXTERNAL -H ldapi:/// -f external.ldif")
	s.stop() // what counts is what slapd reads at its next start
	s.start(t)
	if got := strings.TrimSpace(whoami(ours)); got != account {
		t.Errorf("our certificate signs in as %s, want %s", got, account)
	}
	if got := strings.TrimSpace(s.sh(t, "ldapwhoami -Q -Y EXTERNAL -H ldapi:///")); got != account {
		t.Errorf("the user of this process signs in as %s, want %s", got, account)
	}
	foreign := map[string]pkix.Name{
		"a letter for the dot":         name("Guest", "Laptops", "scimgateXexample.com"),
		"a letter for the dot, inside": name("Example", "Services", "scimgateXexample.com"),
		"the same name elsewhere":      name("Guest", "Laptops", "scimgate.example.com"),
		"more before it":               name("Example", "Services", "x.scimgate.example.com"),
		"more behind it":               {Organization: []string{"Example"}, OrganizationalUnit: []string{"Services"}, CommonName: "scimgate.example.com", Country: []string{"GB"}},
		"ours within a name":           name("Guest", "Laptops", "x,cn=scimgate.example.com,ou=services,o=example"),
		"a user of the machine":        {CommonName: "gidNumber=990+uidNumber=990,cn=peercred,cn=external,cn=auth"},
	}
	for _, which := range slices.Sorted(maps.Keys(foreign)) {
		if got := strings.TrimSpace(whoami(foreign[which])); got == account || !strings.HasPrefix(got, "dn:cn=") {
			t.Errorf("%s: the certificate signs in as %s", which, got)
		}
	}
}
