package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/scimgate/scimgate/internal/slapd"
)

// isRefused checks an answer to somebody who was not let in: a SCIM body that
// says no more than it must, and a log line that says why.
func (g *gateway) isRefused(t *testing.T, name string, a answer, status int, reason string) {
	t.Helper()
	if a.Status != status {
		t.Errorf("%s: %s, want %d", name, a, status)
		return
	}
	isSCIMError(t, a)
	if (a.Header.Get("WWW-Authenticate") != "") != (status == 401) {
		t.Errorf("%s: WWW-Authenticate is %q with %d", name, a.Header.Values("WWW-Authenticate"), a.Status)
	}
	if len(a.get("detail")) > 60 || strings.Contains(a.Body, "expired") || strings.Contains(a.Body, "known") {
		t.Errorf("%s: the answer says too much: %s", name, a)
	}
	line := g.requestLine(t, a)
	if !strings.Contains(line.Get("error").String(), reason) || line.Get("level").String() != "warn" || line.Get("operation").String() != "refused" {
		t.Errorf("%s: the log does not say %q: %s", name, reason, line)
	}
}

func TestAccess(t *testing.T) {
	const secret, limited, expired, hashed = "a-basic-password", "limited-token-abc", "expired-token-abc", "hashed-token-abcdef"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("token-from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{Gateway: []string{
		"allow 127.0.0.1 192.0.2.0/24 2001:db8::/32",
		"basic okta {\n user okta\n secret " + secret + "\n }",
		"token limited {\n secret " + limited + "\n allow 192.0.2.7\n }",
		"token expired {\n secret " + expired + "\n expires 2020-01-01\n }",
		"token tomorrow {\n secret not-yet-expired-token\n expires " + time.Now().Add(48*time.Hour).UTC().Format(time.DateOnly) + "\n }",
		fmt.Sprintf("token hashed {\n sha256 %x\n }", sha256.Sum256([]byte(hashed))),
		"token file {file." + file + "}",
	}})
	basic := func(user, password string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	const unknown, unusable, foreign = "credential is not known", "no usable Authorization header", "allow-list"
	for _, c := range []struct {
		name    string
		headers []string
		status  int
		reason  string
	}{
		{"the token", nil, 200, ""},
		{"the scheme in lower case", []string{"Authorization: bearer " + token}, 200, ""},
		{"the bare token", []string{"Authorization: " + token}, 200, ""},
		{"a hashed token", []string{"Authorization: Bearer " + hashed}, 200, ""},
		{"a token of a file", []string{"Authorization: Bearer token-from-a-file"}, 200, ""},
		{"a token that expires", []string{"Authorization: Bearer not-yet-expired-token"}, 200, ""},
		{"Basic", []string{basic("okta", secret)}, 200, ""},
		{"nothing", []string{"Authorization:"}, 401, unusable},
		{"no token", []string{"Authorization: Bearer"}, 401, ""},
		{"another token", []string{"Authorization: Bearer " + token + "x"}, 401, unknown},
		{"a part of the token", []string{"Authorization: Bearer " + token[:len(token)-1]}, 401, unknown},
		{"the token in another case", []string{"Authorization: Bearer " + strings.ToUpper(token)}, 401, unknown},
		{"the hash", []string{fmt.Sprintf("Authorization: Bearer %x", sha256.Sum256([]byte(hashed)))}, 401, unknown},
		{"the placeholder", []string{"Authorization: Bearer {env.SCIMGATE_DEMO_TOKEN}"}, 401, unknown},
		{"an expired token", []string{"Authorization: Bearer " + expired}, 401, "expired on 2020-01-01"},
		{"a wrong password", []string{basic("okta", secret+"x")}, 401, unknown},
		{"another user", []string{basic("admin", secret)}, 401, unknown},
		{"a token as a password", []string{basic("demo", token)}, 401, unknown},
		{"a password as a token", []string{"Authorization: Bearer " + secret}, 401, unknown},
		{"Digest", []string{"Authorization: Digest username=okta"}, 401, unusable},
		{"a token with its list, from elsewhere", []string{"Authorization: Bearer " + limited}, 403, "the credential's allow-list"},
		// The demo trusts 127.0.0.1 to tell whom it speaks for, and looks for the
		// last address that it does not trust (trusted_proxies_strict).
		{"from a range, by a proxy", []string{"X-Forwarded-For: 192.0.2.200"}, 200, ""},
		{"from IPv6, by a proxy", []string{"X-Forwarded-For: 2001:db8::1"}, 200, ""},
		{"mapped into IPv6", []string{"X-Forwarded-For: ::ffff:192.0.2.200"}, 200, ""},
		{"mapped, from elsewhere", []string{"X-Forwarded-For: ::ffff:198.51.100.1"}, 403, foreign},
		{"from elsewhere", []string{"X-Forwarded-For: 198.51.100.1"}, 403, foreign},
		{"from elsewhere with a wrong token", []string{"X-Forwarded-For: 198.51.100.1", "Authorization: Bearer x"}, 403, foreign},
		{"a forged address before one's own", []string{"X-Forwarded-For: 192.0.2.200, 198.51.100.1"}, 403, foreign},
		{"a trusted one behind one's own", []string{"X-Forwarded-For: 198.51.100.1, 127.0.0.1"}, 403, foreign},
		{"the right one behind a forged one", []string{"X-Forwarded-For: 198.51.100.1, 192.0.2.200"}, 200, ""},
		{"a token with its list", []string{"Authorization: Bearer " + limited, "X-Forwarded-For: 192.0.2.7"}, 200, ""},
		{"a token with its list, in the range", []string{"Authorization: Bearer " + limited, "X-Forwarded-For: 192.0.2.8"}, 403, "the credential's allow-list"},
		{"Forwarded is not asked", []string{"Forwarded: for=198.51.100.1"}, 200, ""},
		{"nor is X-Real-IP", []string{"X-Real-IP: 198.51.100.1"}, 200, ""},
	} {
		a := g.do(t, "GET", filterPath("/Users", `userName eq "ada.lovelace"`), "", c.headers...)
		if c.status == 200 {
			if a.Status != 200 || a.get("totalResults") != "1" {
				t.Errorf("%s: %s", c.name, a)
			}
			continue
		}
		g.isRefused(t, c.name, a, c.status, c.reason)
		if a.Status == 401 {
			if challenges := a.Header.Values("WWW-Authenticate"); len(challenges) != 2 || !strings.HasPrefix(challenges[0], "Bearer ") || !strings.HasPrefix(challenges[1], "Basic ") {
				t.Errorf("%s: the challenges are %q", c.name, challenges)
			}
		}
	}

	// Whoever is not let in learns nothing and does nothing, wherever they ask.
	before := d.dump(t)
	id := g.id(t, "Ada.Lovelace")
	from := 9
	for _, r := range everyRequest(id, g.groupID(t, "Engineering")) { // each from somewhere else: wrong tokens of one address are limited
		from++
		g.isRefused(t, r.method, g.do(t, r.method, r.path, r.body, "Authorization: Bearer nobody", fmt.Sprint("X-Forwarded-For: 192.0.2.", from)), 401, unknown)
	}
	for _, path := range []string{"", "/", "/Schemas", "/ServiceProviderConfig", "/ResourceTypes", "/Me", "/Bulk", "/nowhere", "/Users/../Schemas"} {
		g.isRefused(t, path, g.do(t, "GET", path, "", "Authorization:", "X-Forwarded-For: 192.0.2.9"), 401, unusable)
	}
	if after := d.dump(t); after != before {
		t.Errorf("the directory was changed:\n%s", difference(before, after))
	}

	// Nothing of the body is read before: the answer comes although it does not.
	status := g.raw(t, "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nobody\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n")
	if status != 401 {
		t.Errorf("a caller who is not let in, and sends no body, is answered %d", status)
	}

	// Without trusted_proxies nobody is believed.
	g.reload(t, func(s *setup) {
		s.Replace = []string{"trusted_proxies static 127.0.0.1/32 ::1/128", "", "trusted_proxies_strict", ""}
		s.Gateway[0] = "allow 192.0.2.0/24"
	})
	for _, header := range []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.1, 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Real-IP: 192.0.2.1", "True-Client-IP: 192.0.2.1", "CF-Connecting-IP: 192.0.2.1"} {
		g.isRefused(t, header, g.do(t, "GET", "/Users", "", header), 403, foreign)
	}
	g.reload(t, func(s *setup) { s.Gateway[0] = "allow 127.0.0.1" })
	g.want(t, 200, "GET", "/Users", "", "X-Forwarded-For: 198.51.100.1")
}

// TestAccessOverIPv6 calls from an IPv4 address that reaches the gateway as one
// mapped into IPv6.
func TestAccessOverIPv6(t *testing.T) {
	d := startEmbedded(t)
	g := startGateway(t, d, setup{Gateway: []string{"allow 127.0.0.0/8"}, Replace: []string{"bind 127.0.0.1\n", "bind ::\n"}})
	g.want(t, 200, "GET", "/Users", "")
	six := "http://[::1]:" + g.port + "/scim/v2/Users"
	if conn, err := net.Dial("tcp", "[::1]:"+g.port); err == nil {
		_ = conn.Close()
		g.isRefused(t, "over IPv6", g.do(t, "GET", six, ""), 403, "allow-list")
	}
}

// TestSeveralGateways has nested bases on one site, a second site, and something
// else behind them.
func TestSeveralGateways(t *testing.T) {
	d, eu := startSlapd(t, slapd.Options{}), startEmbedded(t)
	t.Setenv("E2E_EU", eu.ServicePassword)
	nested := func(name, base, token, url, bindDN string) string {
		return fmt.Sprintf(`scim_gateway %s {
			base %s
			token %s %s
			journal off
			translator ldap %s {
				bind %s {env.E2E_EU}
				users {
					base ou=people,dc=example,dc=com
					object_class inetOrgPerson
					rdn uid
					delete refuse
					map userName uid
					map name.familyName sn
					map name.formatted cn
				}
			}
		}`, name, base, name, token, url, bindDN)
	}
	other := freePort(t)
	g := startGateway(t, d, setup{
		Replace: []string{"base /scim/v2\n", "base /scim\n", "	scim_gateway demo {", "	respond /scimitar \"a sword\"\n	respond \"elsewhere\" 418\n" +
			nested("eu", "/scim/eu", "token-of-europe", eu.Plain, eu.ServiceDN) + "\n	scim_gateway demo {"},
		Sites: "http://127.0.0.1:" + other + " {\n" + nested("alone", "/other/scim/v2", "token-of-the-other", eu.Plain, eu.ServiceDN) + "\n}\n",
	})
	at := func(path, token string) answer {
		t.Helper()
		return g.do(t, "GET", g.Site+path, "", "Authorization: Bearer "+token)
	}
	find := "?filter=" + strings.ReplaceAll(`userName eq "ada.lovelace"`, " ", "+")
	inner, outer := at("/scim/eu/Users"+find, "token-of-europe"), at("/scim/Users"+find, token)
	if inner.get("totalResults") != "1" || outer.get("totalResults") != "1" || inner.get("Resources.0.id") == outer.get("Resources.0.id") {
		t.Errorf("the gateways answered %s and %s", inner, outer)
	}
	if got := inner.get("Resources.0.meta.location"); got != g.Site+"/scim/eu/Users/"+inner.get("Resources.0.id") {
		t.Errorf("the location is %s", got)
	}
	for path, want := range map[string]int{"/scim/eu/Users": 401, "/scim/eu": 401, "/scim/eu/": 401, "/scim/Users": 200, "/scim/europe": 404, "/scim": 200} {
		if a := at(path, token); a.Status != want {
			t.Errorf("%s with the other token: %s, want %d", path, a, want)
		}
	}
	if a := at("/scimitar", "x"); a.Status != 200 || a.Body != "a sword" {
		t.Errorf("/scimitar: %s", a)
	}
	for _, path := range []string{"/", "/users", "/scim2/Users", "/other/scim/v2/Users"} {
		if a := at(path, token); a.Status != 418 || a.Body != "elsewhere" {
			t.Errorf("%s: %s, want what stands behind the gateways", path, a)
		}
	}
	site := "http://127.0.0.1:" + other
	if a := g.do(t, "GET", site+"/other/scim/v2/Users"+find, "", "Authorization: Bearer token-of-the-other"); a.get("totalResults") != "1" {
		t.Errorf("the other site: %s", a)
	}
	if a := g.do(t, "GET", site+"/other/scim/v2/Users", ""); a.Status != 401 {
		t.Errorf("the other site with the first one's token: %s", a)
	}
	// Groups that nobody mapped are none, and not an error (Entra asks for them).
	if a := at("/scim/eu/Groups"+strings.ReplaceAll(find, "userName", "displayName"), "token-of-europe"); a.Status != 200 || a.get("totalResults") != "0" {
		t.Errorf("groups that are not served: %s", a)
	}
	for name, n := range map[string]float64{"demo": 1, "eu": 1, "alone": 1} {
		if got := g.metric(t, "caddy_scim_requests_total", fmt.Sprintf("gateway=%q", name)); got < n {
			t.Errorf("%v requests of %s are counted", got, name)
		}
	}
	if a := at("/scim/eu/Users/"+inner.get("Resources.0.id"), "token-of-europe"); a.Status != 200 {
		t.Errorf("reading: %s", a)
	}
	gone := g.do(t, "DELETE", g.Site+"/scim/eu/Users/"+inner.get("Resources.0.id"), "", "Authorization: Bearer token-of-europe")
	if gone.Status != 403 || !strings.Contains(gone.get("detail"), "delete refuse") {
		t.Errorf("a delete that is refused: %s", gone)
	}
}

// TestExternalURLs looks at the locations in answers: as a proxy that is trusted
// tells, as the operator says, and never as anybody else would have it.
func TestExternalURLs(t *testing.T) {
	d := startEmbedded(t)
	g := startGateway(t, d, setup{})
	id, group := g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering")
	check := func(name, want string, headers ...string) {
		t.Helper()
		a := g.want(t, 200, "GET", "/Users/"+id, "", headers...)
		list := g.want(t, 200, "GET", filterPath("/Users", `userName eq "ada.lovelace"`), "", headers...)
		types := g.want(t, 200, "GET", "/ResourceTypes/User", "", headers...)
		for what, got := range map[string]string{
			"meta.location": a.get("meta.location"), "Content-Location": a.Header.Get("Content-Location"), "in a list": list.get("Resources.0.meta.location"),
		} {
			if got != want+"/Users/"+id {
				t.Errorf("%s: %s is %s, want below %s", name, what, got, want)
			}
		}
		if got := a.get("groups.0.$ref"); got != "" && got != want+"/Groups/"+group {
			t.Errorf("%s: the group's $ref is %s", name, got)
		}
		if got := gjson.Get(a.Body, `groups.0.\$ref`).String(); got != want+"/Groups/"+group {
			t.Errorf("%s: the group's $ref is %s", name, got)
		}
		if got := types.get("meta.location"); got != want+"/ResourceTypes/User" {
			t.Errorf("%s: the resource type's location is %s", name, got)
		}
	}
	proxied := []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: scim.example.com", "X-Forwarded-For: 203.0.113.9"}
	check("asked directly", g.URL)
	check("by another name", "http://localhost:"+g.port+"/scim/v2", "Host: localhost:"+g.port)
	check("behind a proxy", "https://scim.example.com/scim/v2", proxied...)
	check("behind two", "https://scim.example.com:8443/scim/v2", "X-Forwarded-Proto: https, http", "X-Forwarded-Host: scim.example.com:8443, inner")
	check("an odd host", g.URL, "X-Forwarded-Host: evil.example/\"<>")
	check("an odd scheme", g.URL, "X-Forwarded-Proto: javascript")
	created := g.want(t, 201, "POST", "/Users", userBody("located"), proxied...)
	if got, want := created.Header.Get("Location"), "https://scim.example.com/scim/v2/Users/"+created.get("id"); got != want {
		t.Errorf("Location is %s, want %s", got, want)
	}
	g.reload(t, func(s *setup) {
		s.Replace = []string{"trusted_proxies static 127.0.0.1/32 ::1/128", "", "trusted_proxies_strict", ""}
	})
	check("a proxy that is not trusted", g.URL, proxied...)
	g.reload(t, func(s *setup) { s.Gateway = []string{"external_url https://id.example.org/tenant/scim/"} })
	check("as the operator says", "https://id.example.org/tenant/scim")
	check("whoever says what", "https://id.example.org/tenant/scim", proxied...)
}

// TestLogLine has one line for each request, with what it was about and no value
// of it.
func TestLogLine(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{Replace: []string{"level DEBUG", "level INFO"}})
	id, group := g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering")
	before := len(g.logged(t, "scim request"))
	const value = "a-value-that-is-nobodys-business"
	sent := 0
	for _, c := range []struct {
		request
		operation, kind, id, result, level string
		status                             int
	}{
		{request{"GET", filterPath("/Users", fmt.Sprintf("userName eq %q", value)), ""}, "search", "User", "", "ok", "info", 200},
		{request{"GET", "/Users/" + id, ""}, "read", "User", id, "ok", "info", 200},
		{request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", value))}, "update", "User", id, "ok", "info", 200},
		{request{"PATCH", "/Users/" + id, disable}, "update", "User", id, "ok", "info", 200},
		{request{"PATCH", "/Users/" + id, patchOf(operation("Replace", "name", value))}, "", "", "", "invalidValue", "info", 400},
		{request{"POST", "/Users", strings.Replace(userBody(value), passwordOf(value), value, 1)}, "create", "User", "*", "ok", "info", 201},
		{request{"POST", "/Users", userBody(value)}, "create", "User", "", "conflict", "info", 409},
		{request{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(id)))}, "update", "Group", group, "ok", "info", 204},
		{request{"GET", "/Schemas", ""}, "discover", "", "*", "ok", "info", 200},
		{request{"GET", "/Users/" + value, ""}, "read", "User", value, "*", "info", 404},
		{request{"GET", "/" + value, ""}, "none", "", "", "*", "info", 404},
		{request{"DELETE", "/Users/" + id, ""}, "delete", "User", id, "ok", "info", 204},
	} {
		a := g.want(t, c.status, c.method, c.path, c.body)
		sent++
		line := g.requestLine(t, a)
		for field, want := range map[string]string{
			"operation": c.operation, "resource_type": c.kind, "resource_id": c.id, "result": c.result, "level": c.level,
			"status": fmt.Sprint(c.status), "method": c.method, "gateway": "demo", "backend": "ldap", "caller": "demo", "address": "127.0.0.1",
		} {
			got := line.Get(field)
			if want == "*" || c.operation == "" && want == "" {
				continue
			}
			if got.String() != want {
				t.Errorf("%s %s: %s is %q, want %q: %s", c.method, c.path, field, got, want, line)
			}
		}
		if !line.Get("duration").Exists() {
			t.Errorf("%s %s: there is no duration: %s", c.method, c.path, line)
		}
		if strings.Contains(line.Raw, value) && c.id != value {
			t.Errorf("%s %s: the log line has a value: %s", c.method, c.path, line)
		}
		if c.method == "PATCH" && c.status < 300 && (!line.Get("backend_duration").Exists() || line.Get("backend_writes").Int() != 1) {
			t.Errorf("%s %s: the writes are not told: %s", c.method, c.path, line)
		}
	}
	if n := len(g.logged(t, "scim request")) - before; n != sent {
		t.Errorf("there are %d log lines for %d requests", n, sent)
	}
	for line := range strings.Lines(g.log(t)) {
		if strings.Contains(line, value) && gjson.Get(line, "resource_id").String() != value {
			t.Errorf("the log has a value: %s", line)
		}
	}
}

// TestMetrics looks at what Prometheus scrapes.
func TestMetrics(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{Gateway: []string{"token silent silent-token-abcdef"}})
	count := func(name string, labels ...string) float64 {
		return g.metric(t, name, append(labels, `gateway="demo"`)...)
	}
	begun := map[string]float64{
		"search": count("caddy_scim_requests_total", `operation="search"`, `resource="User"`, `code="200"`),
		"modify": count("caddy_scim_backend_calls_total", `operation="modify"`, `result="ok"`),
	}
	id := g.id(t, "Ada.Lovelace")
	g.want(t, 200, "PATCH", "/Users/"+id, disable)
	g.want(t, 401, "GET", "/Users", "", "Authorization: Bearer nobody")
	waitFor(t, "requests to be counted", func() bool {
		return count("caddy_scim_requests_total", `operation="search"`, `resource="User"`, `code="200"`)-begun["search"] == 1 &&
			count("caddy_scim_backend_calls_total", `operation="modify"`, `result="ok"`)-begun["modify"] == 1
	})
	for _, name := range []string{"caddy_scim_request_duration_seconds_count", "caddy_scim_backend_call_duration_seconds_count", "caddy_scim_disables_total"} {
		if count(name) == 0 {
			t.Errorf("%s is not counted", name)
		}
	}
	if count("caddy_scim_requests_total", `operation="refused"`, `code="401"`) == 0 {
		t.Error("refused callers are not counted")
	}
	// The token that is used is fresh, the silent one ages.
	used, silent := count("caddy_scim_token_idle_seconds", `token="demo"`), count("caddy_scim_token_idle_seconds", `token="silent"`)
	if used > silent || silent <= 0 {
		t.Errorf("the tokens are idle for %v and %v s", used, silent)
	}
	waitFor(t, "the silent token to age", func() bool {
		g.want(t, 200, "GET", "/Users?count=0", "")
		return count("caddy_scim_token_idle_seconds", `token="silent"`) > silent+0.2
	})
	if n := count("caddy_scim_token_idle_seconds", `token="demo"`); n > count("caddy_scim_token_idle_seconds", `token="silent"`)/2 {
		t.Errorf("the token that is used is idle for %v s", n)
	}
	// No label is made of what callers send.
	g.do(t, "FROB", "/Users/"+id, "")
	g.do(t, "GET", "/odd-endpoint/x", "", "Authorization: Bearer odd-token-abcdef")
	if text := g.metricsText(t); strings.Contains(text, "odd-") || strings.Contains(text, id) || strings.Contains(text, "Ada") {
		t.Error("the metrics have something that a caller sent")
	}
}

// TestSlowBody is a body that does not come: the request ends with the
// gateway's timeout.
func TestSlowBody(t *testing.T) {
	d := startEmbedded(t)
	g := startGateway(t, d, setup{Gateway: []string{"timeout 1s"}})
	status := g.raw(t, "PATCH /scim/v2/Users/"+g.id(t, "Ada.Lovelace")+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+
		"\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"Operations\":")
	if !slices.Contains([]int{http.StatusRequestTimeout, http.StatusBadRequest}, status) {
		t.Errorf("answered %d", status)
	}
}
