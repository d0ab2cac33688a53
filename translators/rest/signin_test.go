package rest

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// Each way of signing in, before an application whose sessions are good for two
// requests: requests are let in, and printed with stars where something secret is sent.
func TestSignIn(t *testing.T) {
	tests := []struct {
		shape   string
		options legacy.Options
		printed []string // in the reading of a user
	}{
		{"plain", legacy.Options{}, []string{"\nX-Api-Key: ***"}},
		{"sign-in-basic", legacy.Options{SignIn: legacy.ByBasic}, []string{"\nAuthorization: Basic ***"}},
		{"sign-in-query-key", legacy.Options{SignIn: legacy.ByQuery}, []string{"?key=***\n"}},
		{"sign-in-session", legacy.Options{SignIn: legacy.ByLogin, TokenUses: 2}, []string{"\nX-Session: ***"}},
		{"sign-in-cookie", legacy.Options{SignIn: legacy.ByCookie, TokenUses: 2}, []string{"\nCookie: session=***"}},
		{"sign-in-oauth", legacy.Options{SignIn: legacy.ByOAuth, TokenUses: 2}, []string{"\nAuthorization: Bearer ***"}},
		{"sign-in-hmac", legacy.Options{SignIn: legacy.ByHMAC}, []string{"\nX-Timestamp: {request.timestamp}", "\nX-Nonce: {request.nonce}", "\nX-Signature: ***"}},
		{"rpc", legacy.Options{SignIn: legacy.ByLogin, Wire: legacy.RPC, TokenUses: 2}, []string{"\nX-Session: ***"}},
	}
	for _, test := range tests {
		t.Run(test.shape, func(t *testing.T) {
			app := legacy.Start(t, test.options)
			tr := provisionShape(t, test.shape, app, "{file./etc/scimgate/app-password}", legacy.Password, "{file./etc/scimgate/app-secret}", legacy.Secret)
			users := tr.Types()[0]
			filter, err := scim.ParseFilter(users.ResourceType, `userName eq "ada"`, scim.FilterLimits{})
			if err != nil {
				t.Fatal(err)
			}
			for range 5 {
				result, err := tr.Search(t.Context(), translators.Query{Type: users.ResourceType, Filter: filter, Limit: 2})
				if err != nil || len(result.Entries) != 0 {
					t.Fatalf("%v, %v", result, err)
				}
				app.EndSessions()
			}
			text := tr.users.steps[OpRead][0].print(tr, &scope{kind: tr.users, id: "1"}) + "\n"
			for _, want := range test.printed {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not printed in\n%s", want, text)
				}
			}
			for _, secret := range append(app.Sessions(), legacy.Key, legacy.Password, legacy.Secret) {
				if strings.Contains(text, secret) {
					t.Errorf("a secret is printed:\n%s", text)
				}
			}
		})
	}
}
