package e2e

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scimgate/scimgate/internal/postgres"
	"github.com/scimgate/scimgate/internal/slapd"
)

// TestNoSecretIsWritten has each secret that a gateway ever learns used, and looks for
// it in all that the process has left: its files, the whole database, and what it tells
// whoever asks.
func TestNoSecretIsWritten(t *testing.T) {
	const (
		basicPassword = "basic-Kq83Zt-secret"
		smtpPassword  = "smtp-Vx27Lp-secret"
		hookSecret    = "hook-Bn64Ry-secret"
		dbPassword    = "db-Mw59Cs-secret"
		wrongToken    = "wrong-Df12Jh-token"
	)
	for name, value := range map[string]string{"E2E_BASIC": basicPassword, "E2E_SMTP": smtpPassword, "E2E_HOOK": hookSecret, "E2E_DB": dbPassword} {
		t.Setenv(name, value)
	}
	server := postgres.Start(t)
	dsn := server.Database(t)
	d := startSlapd(t, slapd.Options{})
	f := startFederation(t)
	nobody := "127.0.0.1:" + freePort(t) // where neither mail nor hook is taken
	m := newMortal(t, d, dsn, setup{
		Gateway: []string{
			"token_endpoint", "basic okta {\n user okta\n secret {env.E2E_BASIC}\n }",
			"jwt federated {\n issuer https://login.example.com/tenant/v2.0\n audience api://scimgate\n subject sync-fabric\n jwks " + f.URL + "\n }",
		},
		Replace: []string{
			"persist_config off", "",
			"scim {", "scim {\nexpiry_warning {\nsmtp " + nobody + " {\nfrom a@example.com\nto b@example.com\nuser scimgate\npassword {env.E2E_SMTP}\n}\nwebhook http://" + nobody + "/ {\nsecret {env.E2E_HOOK}\n}\n}",
			"token demo {env.SCIMGATE_DEMO_TOKEN}", "token demo {\nsecret {env.SCIMGATE_DEMO_TOKEN}\nexpires " + time.Now().Add(5*24*time.Hour).UTC().Format(time.RFC3339) + "\n}",
		},
	})
	text, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	good := replaced(t, string(text), `store postgres "`+dsn+`"`, "store postgres {\ndsn "+dsn+"\npassword {env.E2E_DB}\n}")
	if err := os.WriteFile(m.config, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start(t)
	m.hasStore(t)

	var told strings.Builder
	ops := operator{config: m.config, home: t.TempDir()}
	created, aside := ops.run(t, 0, "token", "create", "--name", "entra", "--expires", "20d")
	issued := strings.TrimSpace(created)
	id := strings.Split(issued, "_")[1]
	assertion := f.assertion(t, nil)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {issued}}
	access := m.want(t, 200, "POST", "/oauth2/token", form.Encode(), "Authorization:", "Content-Type: application/x-www-form-urlencoded").get("access_token")
	password := passwordOf("keeper")
	user := m.want(t, 201, "POST", "/Users", userBody("keeper"), "Authorization: Bearer "+issued).get("id")
	for _, authorization := range []string{"Bearer " + access, "Bearer " + assertion, basicAuthorization("okta", basicPassword)} {
		a := m.want(t, 200, "PATCH", "/Users/"+user, patchOf(operation("replace", "password", password+"2")), "Authorization: "+authorization)
		fmt.Fprintln(&told, a.Header, a.Body)
	}
	for _, authorization := range []string{"Bearer " + wrongToken, "Bearer " + issued[:60], "Bearer " + access + "x", "Bearer " + assertion[:len(assertion)-9], basicAuthorization("okta", wrongToken)} {
		a := m.want(t, 401, "GET", "/Users", "", "Authorization: "+authorization)
		fmt.Fprintln(&told, a.Header, a.Body)
	}
	m.want(t, 200, "GET", "/Users?count=0&access_token="+url.QueryEscape(wrongToken), "")
	m.want(t, 200, "PATCH", "/Users/"+user, disable)
	waitFor(t, "an e-mail and a hook that fail", func() bool {
		return len(m.logged(t, "a warning of an expiry could not be sent: it is tried again")) >= 2
	})
	waitFor(t, "the journal", func() bool { return strings.Contains(m.want200Text(t, m.Admin+"/scim/journal"), "keeper") })
	for _, path := range []string{"/metrics", "/config/", "/scim/journal"} {
		fmt.Fprintln(&told, path, m.want200Text(t, m.Admin+path))
	}
	health, err := m.send("GET", m.Admin+"/health", "", "Authorization:")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&told, "/health", health.Body)
	out, more := ops.run(t, 0, "token", "list", "--json")
	fmt.Fprintln(&told, aside, out, more)
	_, complaints := ops.run(t, 1, "notice", "test")
	fmt.Fprintln(&told, complaints)

	// Configurations that are wrong, each beside a secret.
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for _, mistake := range [][2]string{
		{"user okta", "user okta:x"}, {"password {env.E2E_SMTP}", "password {env.E2E_SMTP} more"}, {"secret {env.E2E_HOOK}", "secret {env.E2E_HOOK}\nheader"},
		{"password {env.E2E_DB}", "password {env.E2E_DB}\nmax_connections x"}, {"{env.E2E_BASIC}", "{env.E2E_BASIC}\nexpires soon"}, {"base /scim/v2", "base scim"},
	} {
		broken := filepath.Join(t.TempDir(), "Caddyfile")
		if err := os.WriteFile(broken, []byte(replaced(t, good, mistake[0], mistake[1])), 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := exec.CommandContext(t.Context(), program, "validate", "--config", broken).CombinedOutput()
		if err == nil {
			t.Errorf("%q is no mistake", mistake[1])
		}
		told.Write(said)
	}
	if err := m.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-m.ended

	places := map[string]string{"what was told": told.String(), "the log of the database": server.Log()}
	dump, err := exec.CommandContext(t.Context(), "/usr/lib/postgresql/15/bin/pg_dump", "--dbname", dsn).Output()
	if err != nil || !strings.Contains(string(dump), "keeper") {
		t.Fatalf("dumping the database: %v", err)
	}
	places["the database"] = string(dump)
	found := ""
	for _, dir := range []string{m.scratch, ops.home} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() || path == m.config {
				return err
			}
			text, err := os.ReadFile(path)
			places[path], found = string(text), found+" "+entry.Name()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"autosave.json", "control-", "log.jsonl", "spool"} {
		if !strings.Contains(found, file) {
			t.Errorf("no file %s was left; there are%s", file, found)
		}
	}
	secrets := map[string]string{
		"the issued token": issued, "the secret of the issued token": issued[18:], "the token of the Caddyfile": token, "the password of Basic": basicPassword,
		"the bind password": d.ServicePassword, "the password of the database": dbPassword, "the password of the mail server": smtpPassword,
		"the secret of the webhook": hookSecret, "the access token": access[strings.LastIndex(access, "."):], "the JWT": assertion[strings.LastIndex(assertion, "."):][:40],
		"a wrong token": wrongToken, "a user's password": password,
	}
	for place, text := range places {
		for name, secret := range secrets {
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte("okta:" + secret)), fmt.Sprintf("%x", secret)} {
				if at := strings.Index(text, form); at >= 0 {
					t.Errorf("%s stands in %s: …%s…", name, place, text[max(0, at-200):min(len(text), at+len(form)+50)])
				}
			}
		}
	}
	// The keys that gateways share are in the database, and nowhere else.
	keys := regexp.MustCompile(`key:[^\t]*\t([0-9a-f]{64})`).FindAllStringSubmatch(string(dump), -1)
	if len(keys) == 0 {
		t.Error("the database has no key")
	}
	for _, key := range keys {
		for place, text := range places {
			if place != "the database" && strings.Contains(text, key[1]) {
				t.Errorf("%s stands in %s", key[0], place)
			}
		}
	}
}
