package e2e

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
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
	keepsConfig(t)
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
	g.reload(t, func(s *setup) { s.Replace = s.Replace[:len(s.Replace)-2] }) // no dry run any more
	commands := g.tryCommands(t, tried{
		gateway: "tickets", address: app.URL, files: []string{"app", "app-password", "app-secret"}, how: []string{"right", "wrong", "echo", "down"},
		path: "/Users/" + id, change: operation("Replace", "title", "New"), password: next,
	})
	secrets := map[string]string{"the token": token, "the key": legacy.Key, "our password": legacy.Password, "the secret": legacy.Secret,
		"the first password": first, "the next password": next, "the short password": short}
	for i, session := range app.Sessions() {
		secrets[fmt.Sprintf("session %d", i)] = session
	}
	g.tellsNone(t, secrets, legacy.User, map[string]string{"what commands print": commands, "the answers": told.String()})
}

// keepsConfig has Caddy save its configuration in a place of the test's own.
func keepsConfig(t *testing.T) {
	old := caddy.ConfigAutosavePath
	caddy.ConfigAutosavePath = filepath.Join(t.TempDir(), "autosave.json")
	t.Cleanup(func() { caddy.ConfigAutosavePath = old })
}

// tellsNone looks for secrets, also as they stand in a URL, in base64 and behind the name
// of the gateway's own user, in these places and in all where the gateway leaves something.
func (g *gateway) tellsNone(t *testing.T, secrets map[string]string, user string, places map[string]string) {
	t.Helper()
	health, err := g.send("GET", g.Admin+"/health", "", "Authorization:")
	if err != nil {
		t.Fatal(err)
	}
	stored, err := os.ReadFile(g.Store)
	if err != nil {
		t.Fatal(err)
	}
	autosaved, err := os.ReadFile(caddy.ConfigAutosavePath)
	if err != nil || !strings.Contains(string(autosaved), "scim_gateway") {
		t.Fatalf("the configuration was not saved: %v", err)
	}
	places = maps.Clone(places)
	maps.Copy(places, map[string]string{
		"the journal": g.want200Text(t, g.Admin+"/scim/journal"), "the health": health.Body, "the log": g.log(t), "the metrics": g.metricsText(t),
		"the admin API": g.want200Text(t, g.Admin+"/config/"), "the store": string(stored), "the saved configuration": string(autosaved),
	})
	forms := make(map[string]string)
	for name, secret := range secrets {
		forms[name] = secret
		forms[name+", in a URL"] = url.QueryEscape(secret)
		forms[name+", in base64"] = base64.StdEncoding.EncodeToString([]byte(secret))
		forms[name+", with its user"] = base64.StdEncoding.EncodeToString([]byte(user + ":" + secret))
	}
	for name, secret := range forms {
		for place, text := range places {
			if before, after, found := strings.Cut(text, secret); found {
				t.Errorf("%s has %s: …%s…%s", place, name, before[max(0, len(before)-300):], brief(after))
			}
		}
	}
}

// tried is what commands that try a configuration out are given.
type tried struct {
	gateway  string
	address  string   // of the application
	files    []string // that have the secrets of its sign-in
	how      []string // as it is (right), with wrong secrets, before a page that repeats what was asked (echo), before nobody (down)
	path     string   // what is patched, with the password and
	change   map[string]any
	password string
}

// tryCommands are what the commands that try the gateway's configuration out print of it.
func (g *gateway) tryCommands(t *testing.T, c tried) string {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := httputil.DumpRequest(r, true)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, "<html><title>Not found: %s</title><pre>%s</pre></html>", r.URL.RequestURI(), text)
	}))
	defer echo.Close()
	home := t.TempDir()
	config := filepath.Join(home, "Caddyfile")
	good := g.caddyfile(t)
	wrong := good
	for _, file := range c.files {
		wrong = strings.ReplaceAll(wrong, filepath.Dir(g.LogFile)+"/"+file+"}", filepath.Dir(g.LogFile)+"/entra}")
	}
	var printed strings.Builder
	run := func(stdin string, args ...string) bool {
		t.Helper()
		command := exec.CommandContext(t.Context(), program, append(args, "--config", config, "--adapter", "caddyfile")...)
		command.Env = append(os.Environ(), "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
		command.Stdin = strings.NewReader(stdin)
		out, err := command.CombinedOutput()
		fmt.Fprintf(&printed, "%q\n%s\n", args, out)
		return err == nil
	}
	texts := map[string]string{
		"right": good, "wrong": wrong,
		"echo": strings.ReplaceAll(good, c.address, echo.URL), "down": strings.ReplaceAll(good, c.address, "http://127.0.0.1:"+freePort(t)),
	}
	for _, name := range c.how {
		text := texts[name]
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		checked := run("", "check")
		explained := run("PATCH "+c.path+"\n\n"+patchOf(operation("Replace", "password", c.password), c.change), "explain", "--gateway", c.gateway)
		if isRight := name == "right"; checked != isRight || explained != isRight {
			t.Errorf("%s: checked %t, explained %t: %s", name, checked, explained, tail(printed.String(), 20))
		}
	}
	return printed.String()
}
