package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/postgres"
	"github.com/scimgate/scimgate/internal/slapd"
)

// operator gives commands on a machine of its own: nothing is in its directories that a
// gateway has left behind.
type operator struct {
	config string
	home   string
}

// run runs a command of scimgate, and returns what it prints.
func (o operator) run(t *testing.T, status int, args ...string) (out, aside string) {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatalf("building scimgate: %v", err)
	}
	command := exec.CommandContext(t.Context(), program, append(args, "--config", o.config, "--adapter", "caddyfile")...)
	command.Env = append(os.Environ(), "XDG_DATA_HOME="+o.home, "XDG_CONFIG_HOME="+o.home)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); command.ProcessState.ExitCode() != status {
		t.Fatalf("scimgate %q: %v, want the status %d:\n%s%s", args, err, status, &stdout, &stderr)
	}
	return stdout.String(), stderr.String()
}

// Two processes with one PostgreSQL are one gateway for who calls: what an operator
// decides on a third machine holds in both within seconds, without a reload, and is
// told of once.
func TestTwoGatewaysOnOneStore(t *testing.T) {
	dsn := postgres.Start(t).Database(t)
	d := startSlapd(t, slapd.Options{})
	var mu sync.Mutex
	warned := make(map[string]int) // by credential
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		warned[gjson.GetBytes(body, "token").String()]++
	}))
	defer hook.Close()
	warnings := func(name string) int {
		mu.Lock()
		defer mu.Unlock()
		return warned[name]
	}
	lines := setup{Gateway: []string{"token_endpoint"}, Replace: []string{
		"token demo {env.SCIMGATE_DEMO_TOKEN}", "token demo {\nsecret {env.SCIMGATE_DEMO_TOKEN}\nexpires " + time.Now().Add(5*24*time.Hour).UTC().Format(time.RFC3339) + "\n}",
		"scim {", "scim {\nexpiry_warning {\nwebhook " + hook.URL + "\n}",
	}}
	pair := []*mortal{newMortal(t, d, dsn, lines), newMortal(t, d, dsn, lines)}
	for _, m := range pair {
		m.start(t)
		m.hasStore(t)
	}
	ops := operator{config: pair[0].config, home: t.TempDir()}
	name := "demo"

	// A new token is accepted by both, and that at once.
	created, aside := ops.run(t, 0, "token", "create", "--gateway", name, "--name", "entra", "--expires", "20d")
	first := strings.TrimSpace(created)
	id := strings.Split(first, "_")[1]
	if !strings.Contains(aside, id) || strings.Contains(aside, first) {
		t.Errorf("beside the token there is printed %s", aside)
	}
	by := func(token string) string { return "Authorization: Bearer " + token }
	uses := 0
	both := func(what string, status int, token string) {
		t.Helper()
		for i, m := range pair {
			if a := m.do(t, "GET", "/Users?count=0", "", by(token)); a.Status != status {
				t.Errorf("%s: gateway %d answers %s, want %d", what, i, a, status)
			}
			if status == 200 {
				uses++
			}
		}
	}
	soon := func(what string, holds func(*mortal) bool) {
		t.Helper()
		begin := time.Now()
		for _, m := range pair {
			waitFor(t, what, func() bool { return holds(m) })
		}
		t.Logf("%s: after %.1f s", what, time.Since(begin).Seconds())
	}
	both("a new token", 200, first)

	// An access token of one is accepted by the other.
	ask := func(m *mortal, secret string) string {
		t.Helper()
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
		a := m.want(t, 200, "POST", "/oauth2/token", form.Encode(), "Authorization:", "Content-Type: application/x-www-form-urlencoded")
		uses++
		return a.get("access_token")
	}
	access := ask(pair[0], first)
	both("an access token of the first", 200, access)
	both("an access token of the second", 200, ask(pair[1], first))

	// How it was used is told for both together.
	waitFor(t, "the uses of both", func() bool {
		out, _ := ops.run(t, 0, "token", "list", "--json")
		return gjson.Get(out, fmt.Sprintf("#(id==%q).uses", id)).Int() == int64(uses)
	})

	// Switches.
	isStatus := func(status int, method, path, body string) func(*mortal) bool {
		return func(m *mortal) bool { return m.do(t, method, path, body).Status == status }
	}
	ada := "/Users/" + pair[0].id(t, "ada.lovelace")
	title := patchOf(operation("replace", "title", "Countess"))
	ops.run(t, 0, "gateway", "disable", name, "--why", "an attack")
	soon("disabled", isStatus(403, "GET", "/Users?count=0", ""))
	ops.run(t, 0, "gateway", "enable", name)
	soon("enabled", isStatus(200, "GET", "/Users?count=0", ""))
	ops.run(t, 0, "freeze", name, "--why", "maintenance")
	soon("frozen", isStatus(503, "PATCH", ada, title))
	both("frozen, a read", 200, first)
	ops.run(t, 0, "unfreeze", name)
	soon("released", isStatus(200, "PATCH", ada, title))

	// Rotation: both are accepted until the old one is revoked, with what it had got.
	created, _ = ops.run(t, 0, "token", "rotate", "entra")
	second := strings.TrimSpace(created)
	both("the next token", 200, second)
	both("the old one", 200, first)
	ops.run(t, 0, "token", "revoke", id, "--why", "replaced")
	soon("revoked", func(m *mortal) bool { return m.do(t, "GET", "/Users?count=0", "", by(first)).Status == 401 })
	both("an access token of the revoked one", 401, access)
	both("the next token", 200, second)

	// Of each credential that expires soon one has told, also behind a restart.
	for _, m := range pair {
		m.kill(t)
		m.start(t)
	}
	for _, credential := range []string{name, "entra"} {
		waitFor(t, "the warning about "+credential, func() bool { return warnings(credential) > 0 })
	}
	for _, m := range pair {
		if err := m.command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		<-m.ended // so that none is under way
	}
	for _, credential := range []string{name, "entra"} {
		if n := warnings(credential); n != 1 {
			t.Errorf("%s was warned about %d times", credential, n)
		}
	}
}
