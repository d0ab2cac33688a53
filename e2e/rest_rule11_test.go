package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/internal/legacy"
)

func TestRestRule11SecretsAreOnlyInMemory(t *testing.T) {
	for shape, options := range map[string]legacy.Options{
		"plain": {}, "sign-in-basic": {SignIn: legacy.ByBasic}, "sign-in-query-key": {SignIn: legacy.ByQuery},
		"sign-in-session": {SignIn: legacy.ByLogin, TokenUses: 40}, "sign-in-cookie": {SignIn: legacy.ByCookie, TokenUses: 40},
		"sign-in-oauth": {SignIn: legacy.ByOAuth, TokenUses: 40}, "sign-in-hmac": {SignIn: legacy.ByHMAC},
		"rpc": {Wire: legacy.RPC, SignIn: legacy.ByLogin, TokenUses: 40}, "soap": {Wire: legacy.SOAP}, "form": {Wire: legacy.Form, Nested: true},
	} {
		t.Run(shape, func(t *testing.T) { restSecrets(t, shape, options) })
	}
}

func restSecrets(t *testing.T, shape string, options legacy.Options) {
	const first, next, short = "first-Jc90Ub-password", "next-Xe14Fa-password", "sh0rt!!"
	old := caddy.ConfigAutosavePath
	caddy.ConfigAutosavePath = filepath.Join(t.TempDir(), "autosave.json")
	t.Cleanup(func() { caddy.ConfigAutosavePath = old })
	app := legacy.Start(t, options)
	g := startRest(t, app, shape, restQuick...)
	var told strings.Builder // what was answered
	do := func(status int, method, path, body string) answer {
		t.Helper()
		a := g.want(t, status, method, path, body)
		fmt.Fprintf(&told, "%v %s\n", a.Header, a.Body)
		return a
	}
	body := strings.Replace(restUser("ada"), passwordOf("ada"), first, 1)
	id := do(201, "POST", "/Users", body).get("id")
	do(409, "POST", "/Users", body)
	do(200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password", next)))
	do(400, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password", short)))
	do(200, "GET", "/Users/"+id, "")
	do(200, "PATCH", "/Users/"+id, disable)
	// The application refuses who signs in, tells what it was sent, and fails.
	app.EndSessions()
	do(200, "GET", "/Users/"+id, "")
	for _, fault := range []legacy.Fault{{Kind: legacy.CutAfter}, {Kind: legacy.Broken}, {Kind: legacy.HTML, Status: 500}, {Kind: legacy.Echo}} {
		app.Fail(fault)
		fmt.Fprintln(&told, g.do(t, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password", next+"+"))))
		fmt.Fprintln(&told, g.do(t, "GET", filterPath("/Users", `userName eq "nobody"`), ""))
		fmt.Fprintln(&told, g.do(t, "POST", "/Users", strings.Replace(body, `"ada"`, `"other"`, 1)))
		app.Mend()
	}
	g.reload(t, func(s *setup) { s.Replace = append(s.Replace, "base /scim/v2\n", "base /scim/v2\ndry_run\n") })
	do(503, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password", next)))
	do(503, "POST", "/Users", strings.Replace(body, `"ada"`, `"third"`, 1))
	if plans := g.logged(t, "dry run: this plan was not carried out"); len(plans) != 2 {
		t.Errorf("the plans are %v", plans)
	}
	metrics, config := g.metricsText(t), g.want200Text(t, g.Admin+"/config/")
	stored, err := os.ReadFile(g.Store)
	if err != nil {
		t.Fatal(err)
	}
	autosaved, err := os.ReadFile(caddy.ConfigAutosavePath)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	secrets := map[string]string{"the token": token, "the key": legacy.Key, "our password": legacy.Password, "the secret": legacy.Secret,
		"the first password": first, "the next password": next, "the short password": short}
	for i, session := range app.Sessions() {
		secrets[fmt.Sprintf("session %d", i)] = session
	}
	for name, secret := range secrets {
		for place, text := range map[string]string{
			"the answers": told.String(), "the log": g.log(t), "the metrics": metrics, "the admin API": config, "the store": string(stored), "the saved configuration": string(autosaved),
		} {
			if before, after, found := strings.Cut(text, secret); found {
				t.Errorf("%s has %s: …%s…%s", place, name, before[max(0, len(before)-300):], brief(after))
			}
		}
	}
}
