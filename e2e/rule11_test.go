package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/scimgate/scimgate/internal/slapd"
)

// TestRule11SecretsAreOnlyInMemory makes everything that has to do with secrets
// happen, then looks for them wherever something was written or told.
func TestRule11SecretsAreOnlyInMemory(t *testing.T) {
	const (
		basicPassword = "basic-Hw52Qm-secret"
		fileToken     = "file-Rt77Zx-secret-token"
		wrongToken    = "wrong-Pv31Lk-token"
		wrongPassword = "wrong-Ns68Yd-bind"
		firstPassword = "first-Jc90Ub-password"
		nextPassword  = "next-Xe14Fa-password"
		shortPassword = "sh0rt!"

		numericPassword = "9087654321234"
	)
	tokenFile := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokenFile, []byte(fileToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("E2E_BASIC", basicPassword)
	t.Setenv("E2E_WRONG", wrongPassword)
	old := caddy.ConfigAutosavePath
	caddy.ConfigAutosavePath = filepath.Join(t.TempDir(), "autosave.json")
	t.Cleanup(func() { caddy.ConfigAutosavePath = old })

	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	d.Plain = "ldap://" + proxy.Addr()
	persist := []string{"persist_config off", ""}
	g := startGateway(t, d, setup{
		Servers: proxy.URL(), Replace: persist, Translator: []string{briefly},
		Gateway: []string{"basic okta {\n user okta\n secret {env.E2E_BASIC}\n }", "token file {file." + tokenFile + "}"},
	})
	secrets := map[string]string{
		"the token": token, "the token of a file": fileToken, "the password of Basic": basicPassword,
		"a wrong token": wrongToken, "the bind password": d.ServicePassword, "a wrong bind password": wrongPassword,
		"a user's first password": firstPassword, "a user's next password": nextPassword, "a refused password": shortPassword, "a password that is a number": numericPassword,
	}
	var told strings.Builder // what was answered
	do := func(status int, method, path, body string, headers ...string) answer {
		t.Helper()
		a := g.want(t, status, method, path, body, headers...)
		fmt.Fprintf(&told, "%v %s\n", a.Header, a.Body)
		return a
	}
	withPassword := func(password string) string {
		return jsonOf(map[string]any{"schemas": []string{userSchema}, "userName": "keeper", "password": password, "name": map[string]any{"familyName": "K"}})
	}
	basic := func(password string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("okta:"+password))
	}
	do(200, "GET", "/Users?count=1", "", "Authorization: Bearer "+fileToken)
	do(200, "GET", "/Users?count=1", "", basic(basicPassword))
	do(401, "GET", "/Users?count=1", "", "Authorization: Bearer "+wrongToken)
	do(401, "GET", "/Users?count=1", "", "Authorization: "+wrongToken)
	do(401, "GET", "/Users?count=1", "", basic(wrongToken))
	id := do(201, "POST", "/Users", withPassword(firstPassword)).get("id")
	d.signsIn(t, userDN("keeper"), firstPassword, true)
	do(409, "POST", "/Users", withPassword(firstPassword))
	do(200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password", nextPassword)))
	do(200, "PUT", "/Users/"+id, withPassword(nextPassword))
	do(400, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password", shortPassword)))
	do(400, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password", map[string]any{"value": map[string]any{"x": nextPassword}})))
	do(400, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password", []any{nextPassword, firstPassword})))
	do(200, "PATCH", "/Users/"+id, strings.Replace(patchOf(operation("Replace", "password", 1)), ":1}", ":"+numericPassword+"}", 1))
	do(400, "PATCH", "/Users/"+id, patchOf(operation("Replace", fmt.Sprintf("password[value eq %q]", nextPassword), "x")))
	do(200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password.value", nextPassword)))
	do(400, "PUT", "/Users/"+id, strings.Replace(withPassword(firstPassword), `"password"`, `"password":"`+nextPassword+`","password"`, 1))
	do(400, "PATCH", "/Users/"+id, strings.Replace(patchOf(operation("Replace", "password", nextPassword)), `]}`, `]`, 1))
	do(400, "GET", filterPath("/Users", fmt.Sprintf("password eq %q", nextPassword)), "")
	do(200, "GET", "/Users/"+id+"?attributes=password,userName", "")
	do(200, "PATCH", "/Users/"+id, disable)
	proxy.BlackHole(true)
	isFault(t, "an unknown outcome", do(504, "POST", "/Users", strings.Replace(withPassword(firstPassword), "keeper", "other", 1)))
	proxy.BlackHole(false)
	g.eventually(t, 200, "GET", "/Users/"+id, "")

	// A rehearsal prints the plan, and so does explain.
	g.reload(t, func(s *setup) { s.Gateway = append(s.Gateway, "dry_run") })
	do(503, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password", nextPassword+"+")))
	do(503, "POST", "/Users", strings.Replace(withPassword(firstPassword), "keeper", "third", 1))
	if plans := g.logged(t, "dry run: this plan was not carried out"); len(plans) != 2 || !strings.Contains(plans[0].Get("plan").String(), "userPassword") {
		t.Errorf("the plans are %v", plans)
	}
	text, err := g.explain(t, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password", firstPassword+"+")), false)
	fmt.Fprintln(&told, text, err)
	if !strings.Contains(text, "userPassword") {
		t.Errorf("the explanation is %s, %v", text, err)
	}

	// A bind that is refused, and configurations that are.
	g.reload(t, func(s *setup) {
		s.Gateway = s.Gateway[:2]
		s.Replace = append(persist, "{env.SCIMGATE_DEMO_PASSWORD}", "{env.E2E_WRONG}")
	})
	isFault(t, "a refused bind", do(503, "GET", "/Users?count=1", ""))
	metrics := g.metricsText(t)
	config := g.want200Text(t, g.Admin+"/config/")
	if !strings.Contains(config, "scim_gateway") {
		t.Errorf("the admin API shows %s", brief(config))
	}
	for _, mistake := range [][]string{
		{"{env.SCIMGATE_DEMO_TOKEN}", "{env.SCIMGATE_DEMO_TOKEN} {\n expires never\n }"},
		{"protect `userName sw \"svc-\"`", "protect `userName`"},
		{"token demo {env.SCIMGATE_DEMO_TOKEN}", "token demo {env.SCIMGATE_DEMO_TOKEN}\ntoken demo {env.SCIMGATE_DEMO_TOKEN}"},
		{"{env.SCIMGATE_DEMO_TOKEN}", "{env.E2E_NOT_SET}"},
	} {
		g.setup.Replace = append(persist, mistake...)
		if err := g.load(t); err == nil {
			t.Errorf("a configuration with %q was loaded", mistake)
		} else {
			fmt.Fprintln(&told, err)
		}
	}
	autosaved, err := os.ReadFile(caddy.ConfigAutosavePath)
	if err != nil || !strings.Contains(string(autosaved), "scim_gateway") {
		t.Fatalf("the configuration was not saved: %v", err)
	}
	if len(g.entries(t)) == 0 {
		t.Fatal("the journal is empty")
	}
	var stored []byte // with what is not in the file itself yet
	for _, file := range []string{g.Store, g.Store + "-wal"} {
		text, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		stored = append(stored, text...)
	}
	log := g.log(t)
	if !strings.Contains(log, `"debug"`) {
		t.Error("the log has no line at the debug level")
	}
	for place, text := range map[string]string{
		"log": log, "store": string(stored), "metrics": metrics, "admin API": config,
		"autosaved configuration": string(autosaved), "answers": told.String(),
	} {
		for name, secret := range secrets {
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte("okta:" + secret)), fmt.Sprintf("%x", secret)} {
				if at := strings.Index(text, form); at >= 0 {
					t.Errorf("%s stands in the %s: …%s…", name, place, text[max(0, at-200):min(len(text), at+len(form)+50)])
				}
			}
		}
	}
}
