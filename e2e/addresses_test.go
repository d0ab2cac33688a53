package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/slapd"
	_ "github.com/scimgate/scimgate/modules/admin"
)

// from is a request's header by which a trusted proxy says whom it speaks for.
func from(address string) string { return "X-Forwarded-For: " + address }

// putFile writes a file and renames it into its place.
func putFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// Lists of addresses are read again without a reload; a broken one keeps the last good
// list, an emptied one lets nobody in.
func TestAddressLists(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	dir := t.TempDir()
	office, proxies := filepath.Join(dir, "office.txt"), filepath.Join(dir, "proxies.txt")
	tags := filepath.Join(dir, "ServiceTags_Public.json")
	published, err := os.ReadFile("../testdata/ServiceTags_Public.json")
	if err != nil {
		t.Fatal(err)
	}
	putFile(t, office, "\ufeff# the office\r\n192.0.2.0/28\r\n")
	putFile(t, tags, string(published))
	putFile(t, proxies, "127.0.0.1\n::1\n")
	g := startGateway(t, d, setup{
		Gateway: []string{
			"allow 203.0.113.250",
			"allow file " + office,
			"allow service_tag azureactivedirectory " + tags,
			"allow source static 10.0.0.0/8",
			"token regional {\n secret a-regional-token-abc\n allow service_tag AzureCloud.WestEurope " + tags + "\n allow file " + office + "\n }",
		},
		Replace: []string{"trusted_proxies static 127.0.0.1/32 ::1/128", "trusted_proxies file " + proxies},
	})
	status := func(headers ...string) int {
		t.Helper()
		return g.do(t, "GET", "/Users?count=0", "", headers...).Status
	}
	// What is counted goes on from gateway to gateway of a process.
	outside := func(token string) float64 {
		return g.metric(t, "caddy_scim_outside_total", `gateway="demo"`, `token="`+token+`"`)
	}
	ofAll, ofRegional := outside(""), outside("regional")
	const regional = "Authorization: Bearer a-regional-token-abc"
	for address, want := range map[string]int{
		"203.0.113.250": 200, "192.0.2.15": 200, "192.0.2.16": 403, "198.51.100.63": 200, "198.51.100.64": 403, "198.51.100.193": 403,
		"2001:db8:2::7": 200, "2001:db8:3::7": 403, "10.1.2.3": 200, "::ffff:192.0.2.1": 200, "127.0.0.1": 403,
	} {
		if got := status(from(address)); got != want {
			t.Errorf("from %s: %d, want %d", address, got, want)
		}
	}
	if got := status(regional, from("192.0.2.1")); got != 200 {
		t.Errorf("the regional token from the office: %d", got)
	}
	if got := status(regional, from("10.1.2.3")); got != 403 {
		t.Errorf("the regional token from elsewhere: %d", got)
	}
	if n := outside("") - ofAll; n != 5 {
		t.Errorf("%v callers were outside of the gateway's list, want 5", n)
	}
	if n := outside("regional") - ofRegional; n != 1 {
		t.Errorf("%v callers were outside of the token's list, want 1", n)
	}

	// A change counts without a reload.
	putFile(t, office, "192.0.2.0/28\n198.51.100.64 # a new one\n")
	waitFor(t, "the new address to be let in", func() bool { return status(from("198.51.100.64")) == 200 })
	putFile(t, tags, strings.Replace(strings.Replace(string(published), "391", "392", 1), "198.51.100.0/26", "198.51.100.224/27", 1))
	waitFor(t, "the new tags to be in force", func() bool { return status(from("198.51.100.230")) == 200 })
	if got := status(from("198.51.100.63")); got != 403 {
		t.Errorf("an address that the tag has no more: %d", got)
	}
	if n := g.metric(t, "caddy_scim_address_list_change_number", `tags="azureactivedirectory"`); n != 392 {
		t.Errorf("the change number is %v", n)
	}

	// What is broken changes nothing, and is told.
	usable := func(file string) float64 {
		return g.metric(t, "caddy_scim_address_list_usable", "file="+strconv.Quote(file), `tags=""`)
	}
	putFile(t, office, "192.0.2.0/28\n198.51.100.64/8\n")
	waitFor(t, "the broken list to be told", func() bool { return usable(office) == 0 })
	if got := status(from("198.51.100.64")); got != 200 {
		t.Errorf("the last good list is not in force: %d", got)
	}
	putFile(t, tags, string(published)[:len(published)/2])
	waitFor(t, "the half file to be told", func() bool {
		return g.metric(t, "caddy_scim_address_list_usable", "file="+strconv.Quote(tags)) == 0
	})
	if got := status(from("198.51.100.230")); got != 200 {
		t.Errorf("the last good tags are not in force: %d", got)
	}
	if told := g.logged(t, "the address list can't be used: the last good one stays in force"); len(told) != 3 { // two lists of tags
		t.Errorf("broken lists are told %d times: %v", len(told), told)
	}

	// A configuration with a broken list is refused; the one before goes on.
	if err := g.load(t); err == nil || !strings.Contains(err.Error(), "address list "+office+": line 2: \"198.51.100.64/8\" has address bits") &&
		!strings.Contains(err.Error(), "it ends too soon") {
		t.Errorf("a reload with a broken list: %v", err)
	}
	if got := status(from("198.51.100.64")); got != 200 {
		t.Errorf("after the reload that was refused: %d", got)
	}

	// An emptied list has nobody.
	putFile(t, tags, string(published))
	putFile(t, office, "# nobody any more\n")
	waitFor(t, "the emptied list to be in force", func() bool { return status(from("192.0.2.1")) == 403 })
	if told := g.logged(t, "the address list is empty: nobody is on it"); len(told) != 1 || told[0].Get("level").String() != "error" {
		t.Errorf("an emptied list is told so: %v", told)
	}
	if got := status(from("203.0.113.250")); got != 200 {
		t.Errorf("who is on another list: %d", got)
	}
	g.reload(t, func(s *setup) { s.Gateway = []string{"allow file " + office} })
	if got := status(from("203.0.113.250")); got != 403 {
		t.Errorf("an empty list as the only one: %d", got)
	}

	// A proxy that is trusted no more is not believed.
	putFile(t, office, "192.0.2.1\n127.0.0.1\n")
	waitFor(t, "the list to be filled", func() bool { return status() == 200 })
	if got := status(from("203.0.113.1")); got != 403 {
		t.Errorf("a trusted proxy is not believed: %d", got)
	}
	putFile(t, proxies, "192.0.2.80\n")
	waitFor(t, "the proxy to be trusted no more", func() bool { return status(from("203.0.113.1")) == 200 })
}

// Whoever sends wrong tokens can't keep the provider out, from the same address or
// another one; the log does not overflow.
func TestWrongTokens(t *testing.T) {
	g := startGateway(t, startSlapd(t, slapd.Options{}), setup{})
	wrong := []string{"Authorization: Bearer guess-guess-guess", from("192.0.2.1")}
	unknown := func() float64 { return g.metric(t, "caddy_scim_refusals_total", `gateway="demo"`, `reason="unknown"`) }
	before := unknown()
	limited := 0
	for n := range 200 {
		a := g.do(t, "GET", "/Users?count=0", "", wrong...)
		switch a.Status {
		case 429:
			isSCIMError(t, a)
			if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 900 {
				t.Fatalf("429 with Retry-After %q", a.Header.Get("Retry-After"))
			}
			if a.Header.Get("WWW-Authenticate") != "" {
				t.Errorf("429 challenges: %s", a)
			}
			limited++
		case 401:
			if n >= 190 {
				continue // who has waited long enough, on a slow machine
			}
		default:
			t.Fatalf("a wrong token is answered with %s", a)
		}
		if n%10 == 0 {
			if a := g.do(t, "GET", "/Users?count=0", "", from("192.0.2.1")); a.Status != 200 {
				t.Fatalf("the right token is kept out: %s", a)
			}
		}
	}
	if limited < 100 {
		t.Errorf("%d of 200 wrong tokens were limited", limited)
	}
	if a := g.do(t, "GET", "/Users?count=0", "", wrong[0], from("192.0.2.2")); a.Status != 401 {
		t.Errorf("another address: %s", a)
	}
	if n := unknown() - before; n != 201 {
		t.Errorf("%v wrong tokens are counted, want 201", n)
	}
	count := func() (single, summed int) {
		for _, line := range g.logged(t, "scim request") {
			if line.Get("operation").String() == "refused" {
				single++
			}
		}
		for _, line := range g.logged(t, "callers were refused") {
			if line.Get("address").String() == "192.0.2.1" {
				summed += int(line.Get("unknown").Int())
			}
		}
		return single, summed
	}
	g.reload(t, func(*setup) {}) // what is left to be told is told then
	waitFor(t, "the refusals to be summed up", func() bool { single, summed := count(); return single+summed == 201 })
	if single, _ := count(); single > 30 {
		t.Errorf("there are %d lines for 201 wrong tokens", single)
	}
	if strings.Contains(g.log(t), "guess-guess") {
		t.Error("the log has the tokens")
	}
}

// /health tells the parts apart, and which one does not serve.
func TestHealth(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	health := func(query string) answer {
		t.Helper()
		return g.do(t, "GET", g.Admin+"/health"+query, "")
	}
	is := func(a answer, status int, want map[string]string) {
		t.Helper()
		if a.Status != status {
			t.Errorf("health: %s, want %d", a, status)
		}
		for path, value := range want {
			if got := a.get(path); got != value {
				t.Errorf("health: %s is %q, want %q, in %s", path, got, value, a)
			}
		}
		if strings.Contains(a.Body, token) || strings.Contains(a.Body, d.ServicePassword) {
			t.Errorf("health tells a secret: %s", a)
		}
	}
	waitFor(t, "everything to serve", func() bool { return health("").Status == 200 })
	is(health("?probe"), 200, map[string]string{"status": "ok", "gateways.#": "1", "gateways.0.name": "demo", "gateways.0.serves": "true",
		"gateways.0.backend.type": "ldap", "gateways.0.backend.state": "usable", "store.available": "true", "store.error": "", "spool.usable": "true", "spool.waiting": "0"})
	before := health("").get("gateways.0.backend.since")
	is(health("?probe=true"), 200, map[string]string{"gateways.0.backend.since": before})

	if err := d.Slapd.Kill(); err != nil {
		t.Fatal(err)
	}
	is(health("?probe"), 503, map[string]string{"status": "failing", "gateways.0.serves": "false", "gateways.0.backend.state": "unusable",
		"store.available": "true", "gateways.0.backend.findings.0.level": "error"})
	is(health(""), 503, map[string]string{"gateways.0.backend.state": "unusable"})
	if since := health("").get("gateways.0.backend.since"); since == before {
		t.Errorf("it is unusable since %s, and was usable since then", since)
	}
	if err := d.Slapd.Restart(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "everything to serve again", func() bool { return health("?probe").Status == 200 })

	is(g.do(t, "POST", g.Admin+"/health", "{}"), 405, nil)
	is(health("?probe=maybe"), 400, nil)
	g.reload(t, func(*setup) {})
	waitFor(t, "everything to serve after a reload", func() bool { return health("").Status == 200 })
	is(health(""), 200, map[string]string{"gateways.#": "1"})
}
