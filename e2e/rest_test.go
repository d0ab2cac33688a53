package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/legacy"
	_ "github.com/scimgate/scimgate/translators/rest"
)

// applicationFiles are the secrets that the Caddyfiles of testdata/rest name.
var applicationFiles = map[string]string{
	"entra": token, "app": legacy.Key, "app-password": legacy.Password, "app-secret": legacy.Secret,
}

// startRest loads Caddy with a Caddyfile of testdata/rest before an application.
func startRest(t *testing.T, app *legacy.App, shape string, replace ...string) *gateway {
	t.Helper()
	return startGateway(t, new(directory), setup{File: "rest/" + shape + ".caddyfile", Application: app, Replace: replace})
}

// application returns the Caddyfile of an application with the files and the address
// of this test.
func (g *gateway) application(t *testing.T, text string) string {
	t.Helper()
	dir := filepath.Dir(g.LogFile)
	for name, secret := range applicationFiles {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text = strings.ReplaceAll(text, "/etc/scimgate/", dir+"/")
	return replaced(t, text, append([]string{
		"scim.example.com {", "http://:" + g.port + " {\n\tbind 127.0.0.1",
		"https://app.example.com", g.setup.Application.URL,
	}, g.setup.Replace...)...)
}

// signIn tells whether the application lets somebody in at its own login page.
func signIn(t *testing.T, app *legacy.App, login, password string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app.URL+"/login", strings.NewReader(jsonOf(map[string]string{"login": login, "password": password})))
	if err != nil {
		t.Fatal(err)
	}
	a, err := roundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	return a.Status == http.StatusNoContent
}

// restUser is the body of a user with all that the shapes map.
func restUser(userName string) string {
	return jsonOf(map[string]any{
		"schemas": []string{userSchema, enterprise}, "userName": userName, "password": passwordOf(userName), "active": true,
		"name":   map[string]any{"givenName": "Zoë", "familyName": "Ångström-<&>"},
		"title":  "Countess",
		"emails": []map[string]any{{"type": "work", "value": userName + "@example.com"}},
		enterprise: map[string]any{
			"employeeNumber": "4711",
		},
	})
}
