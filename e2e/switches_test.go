package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/slapd"
)

// command runs scimgate with the gateway's Caddyfile beside the running gateway.
func (g *gateway) command(t *testing.T, status int, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte(g.caddyfile(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, complaints, got := cabinet{file: file}.run(t, args[0], args[1:]...)
	if got != status {
		t.Fatalf("scimgate %q exits with %d, want %d:\n%s%s", args, got, status, out, complaints)
	}
	return out
}

// hasStore waits until the store is open, which begins behind the first answers.
func (g *gateway) hasStore(t *testing.T) {
	t.Helper()
	waitFor(t, "the store", func() bool { return len(g.logged(t, "the store is available")) > 0 })
}

// A freeze is in force within seconds, under load and without a reload: reads go on,
// no write is done from the first that is refused on, and a disable that is held
// back is told. Break-glass passes, and says who and why in the journal.
func TestFreeze(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	g.hasStore(t)
	id := g.id(t, "grace.hopper")
	var stop atomic.Bool
	var frozen atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			isFrozen := false
			for n := 0; !stop.Load(); n++ {
				title := patchOf(operation("replace", "title", strings.Repeat("x", n%7+1)))
				if a, err := g.send("PATCH", "/Users/"+id, title); err != nil || a.Status != 200 && a.Status != 503 {
					t.Errorf("a write is answered %v, %v", a, err)
				} else if a.Status == 503 {
					if !isFrozen {
						isFrozen = true
						frozen.Add(1)
					}
				} else if isFrozen {
					t.Error("a write is done behind one that was held back")
				}
				if a, err := g.send("GET", "/Users/"+id, ""); err != nil || a.Status != 200 {
					t.Errorf("a read is answered %v, %v", a, err)
				}
			}
		})
	}
	g.command(t, 0, "freeze", "demo", "--why", "the directory is moved")
	waitFor(t, "all callers to notice", func() bool { return frozen.Load() == 4 })
	stop.Store(true)
	all.Wait()
	before := d.dump(t)

	a := g.want(t, 503, "PATCH", "/Users/"+g.id(t, "ada.lovelace"), disable)
	isSCIMError(t, a)
	if a.Header.Get("Retry-After") == "" || !strings.Contains(a.get("detail"), "frozen by its operator") {
		t.Errorf("a disable is answered %s", a)
	}
	g.want(t, 200, "GET", "/ServiceProviderConfig", "")
	g.want(t, 503, "POST", "/Users", userBody("new"))
	if line := g.requestLine(t, a); line.Get("wanted").String() != "disabled" || line.Get("level").String() != "error" {
		t.Errorf("its line is %s", line)
	}
	if told := g.logged(t, "the gateway is frozen: a disable is held back"); len(told) != 1 || told[0].Get("why").String() != "the directory is moved" {
		t.Errorf("the log has %v", told)
	}
	if n := g.metric(t, "caddy_scim_gateway_frozen", `gateway="demo"`); n != 1 {
		t.Errorf("the metric is %v", n)
	}
	if n := g.metric(t, "caddy_scim_disables_total", `gateway="demo"`, `proof="held_back"`); n < 1 {
		t.Errorf("%v disables are counted as held back", n)
	}
	if after := d.dump(t); after != before {
		t.Errorf("the directory was changed:\n%s", after)
	}
	state := g.command(t, 0, "gateway", "list", "--json")
	if w := gjson.Get(state, "0.switches.0"); w.Get("kind").String() != "frozen" || w.Get("why").String() != "the directory is moved" || !strings.Contains(w.Get("who").String(), "@") {
		t.Errorf("the list is %s", state)
	}

	g.command(t, 0, "disable", "ada.lovelace", "--yes", "--why", "left today")
	d.signsIn(t, ada, "ada-password", false)
	entries := g.entries(t)
	last := entries[len(entries)-1]
	if last.Operation != "disable" || last.Name != "Ada.Lovelace" || last.Why != "left today" || !strings.Contains(last.Caller, "@") ||
		last.Address != "" || last.Result != "applied" || last.Proof != "proven" {
		t.Errorf("the journal has %+v", last)
	}

	g.command(t, 0, "unfreeze", "demo")
	waitFor(t, "the release", func() bool { return g.do(t, "PATCH", "/Users/"+id, disable).Status == 200 })
	d.signsIn(t, grace, "grace-password", false)
	if state := g.command(t, 0, "gateway", "list"); !strings.Contains(state, "in service") {
		t.Errorf("the list is %s", state)
	}
}

// A gateway that is switched off answers 403 to those who have a right token, and
// tells nobody else.
func TestGatewayDisabled(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	g.hasStore(t)
	before := d.dump(t)
	g.command(t, 0, "gateway", "disable", "demo", "--why", "leaked")
	waitFor(t, "the switch", func() bool { return g.do(t, "GET", "/Users?count=1", "").Status == 403 })
	for _, r := range []request{{"GET", "/ServiceProviderConfig", ""}, {"PATCH", "/Users/x", disable}, {"POST", "/Users", userBody("new")}} {
		a := g.want(t, 403, r.method, r.path, r.body)
		isSCIMError(t, a)
		if !strings.Contains(a.get("detail"), "switched off by its operator") {
			t.Errorf("%s %s: %s", r.method, r.path, a)
		}
	}
	if a := g.want(t, 401, "GET", "/Users", "", "Authorization: Bearer wrong-token-of-somebody"); strings.Contains(a.Body, "switched") {
		t.Errorf("a stranger is told %s", a)
	}
	if after := d.dump(t); after != before {
		t.Errorf("the directory was changed:\n%s", after)
	}
	// Twice is once, and leaves who was first and why.
	g.command(t, 0, "gateway", "disable", "demo", "--why", "another reason")
	if state := g.command(t, 0, "gateway", "list"); !strings.Contains(state, "leaked") || strings.Contains(state, "another") {
		t.Errorf("the list is %s", state)
	}
	g.command(t, 1, "gateway", "disable", "demo")
	g.command(t, 1, "gateway", "disable", "typo", "--why", "x")
	g.command(t, 0, "gateway", "enable", "demo")
	waitFor(t, "the switch", func() bool { return g.do(t, "GET", "/Users?count=1", "").Status == 200 })
}

// A gateway that is started while the store is away is as it was switched last.
func TestSwitchOutlivesTheStore(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	g := startGateway(t, d, setup{})
	g.hasStore(t)
	g.command(t, 0, "freeze", "demo", "--why", "maintenance")
	waitFor(t, "the freeze", func() bool { return g.do(t, "POST", "/Users", userBody("new")).Status == 503 })
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the store to be closed", func() bool {
		_, err := os.Stat(g.Store + "-wal")
		return os.IsNotExist(err)
	})
	if err := os.Rename(g.Store, g.Store+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(g.Store, 0o700); err != nil { // nothing can be opened there
		t.Fatal(err)
	}
	if err := g.load(t); err != nil {
		t.Fatal(err)
	}
	a := g.want(t, 503, "PATCH", "/Users/"+g.id(t, "ada.lovelace"), disable)
	if !strings.Contains(a.get("detail"), "frozen by its operator") {
		t.Errorf("a disable is answered %s", a)
	}
	// Break-glass needs neither.
	g.command(t, 0, "disable", "ada.lovelace", "--yes")
	d.signsIn(t, ada, "ada-password", false)
}

// Who runs a gateway is warned once, also behind a reload: by log, event and webhook.
func TestExpiryWarning(t *testing.T) {
	var came atomic.Value
	came.Store("")
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		came.Store(came.Load().(string) + string(body))
	}))
	defer hook.Close()
	g := startGateway(t, startEmbedded(t), setup{Replace: []string{
		"token demo {env.SCIMGATE_DEMO_TOKEN}", "token demo {\nsecret {env.SCIMGATE_DEMO_TOKEN}\nexpires " + time.Now().Add(5*24*time.Hour).UTC().Format(time.RFC3339) + "\n}",
		"scim {", "scim {\nexpiry_warning {\nwebhook " + hook.URL + "\n}",
	}})
	waitFor(t, "the webhook", func() bool { return came.Load() != "" })
	waitFor(t, "the event", func() bool {
		for _, line := range g.logged(t, "event") {
			if line.Get("name").String() == "scim_token_expiring" && line.Get("data.token").String() == "demo" {
				return true
			}
		}
		return false
	})
	if told := g.logged(t, "a credential expires soon"); len(told) != 1 || told[0].Get("credential").String() != "demo" || told[0].Get("level").String() != "warn" {
		t.Errorf("the log has %v", told)
	}
	if at := g.metric(t, "caddy_scim_token_expires_seconds", `token="demo"`); at < float64(time.Now().Unix()) {
		t.Errorf("it expires at %v", at)
	}
	g.reload(t, func(s *setup) { s.Gateway = []string{"timeout 10s"} })
	if out := g.command(t, 0, "notice", "test"); !strings.Contains(out, "sent") {
		t.Errorf("the test says %s", out)
	}
	lines := strings.Split(strings.TrimSpace(came.Load().(string)), "\n")
	if len(lines) != 2 || gjson.Get(lines[0], "event").String() != "scim_token_expiring" || gjson.Get(lines[0], "days_left").Int() != 5 ||
		gjson.Get(lines[1], "event").String() != "scim_notice_test" {
		t.Errorf("there came %q", lines)
	}
}
