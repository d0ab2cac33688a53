package ldap

import (
	"os"
	"path/filepath"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators"
)

// TestCheckingLocksNobodyOut changes the password of scimgate's account while it is
// signed in: however often the check is made, the account must not be locked out,
// neither by the former password nor by one that is still to be put into the file.
func TestCheckingLocksNobodyOut(t *testing.T) {
	const changed = "another-password"
	for name, isTold := range map[string]bool{"the file has it": true, "the file has it not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := slapd.Start(t, slapd.Options{NoSync: true})
			file := filepath.Join(t.TempDir(), "password")
			write := func(password string) {
				if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(server.ServicePassword)
			tr := configure(t, server.URL(), "bind "+server.ServiceDN+" {file."+file+"}", usersBlock, groupsBlock)
			const governed = "a password policy has a part in signing in"
			has(t, tr.Check(t.Context()), translators.LevelOK, governed)
			modify := goldap.NewModifyRequest(server.ServiceDN, nil)
			modify.Replace("userPassword", []string{changed})
			if err := server.Admin(t).Modify(modify); err != nil {
				t.Fatal(err)
			}
			if isTold {
				write(changed)
			}
			for range 8 { // the policy allows five wrong passwords
				found := tr.Check(t.Context())
				if isTold {
					has(t, found, translators.LevelOK, governed)
				} else {
					has(t, found, translators.LevelError, "refuses the password of scimgate's account")
				}
			}
			if !canSignIn(t, server, server.ServiceDN, changed) {
				t.Error("the account of scimgate is locked out")
			}
			write(changed)
			has(t, tr.Check(t.Context()), translators.LevelOK, governed)
		})
	}
}
