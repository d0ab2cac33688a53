package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/slapd"
)

// TestSCIM11 asks at the second base for what stands before and behind Decode:
// access, policy, journal, log, proof and faults are those of the gateway, and
// what is answered is SCIM 1.1.
func TestSCIM11(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{Gateway: []string{"external_url https://idm.example.com/tenant-a/scim/v2", "limit body 1MiB"}, Translator: []string{briefly}})
	at := func(status int, method, path, body string, headers ...string) answer {
		t.Helper()
		a := g.do(t, method, g.tenantURL("1.1")+path, body, append([]string{"Content-Type: application/json"}, headers...)...)
		if a.Status != status {
			t.Errorf("%s %s: %s, want %d", method, path, a, status)
		}
		if a.Status >= 400 {
			isSCIM11Error(t, a)
		}
		return a
	}
	ada, backup, engineering := g.id(t, "ada.lovelace"), g.id(t, "svc-backup"), g.groupID(t, "Engineering")
	const disable = `{"schemas":["urn:scim:schemas:core:1.0"],"active":false}`

	// The location is that of the second base at the same tenant.
	if a := at(200, "GET", "/Users/"+ada, ""); a.get("meta.location") != "https://idm.example.com/tenant-a/scim/v1/Users/"+ada {
		t.Errorf("the location is %s", a.get("meta.location"))
	}

	// Who is protected is protected here, too.
	before := d.dump(t)
	at(403, "PATCH", "/Users/"+backup, disable)
	at(403, "POST", "/Users/"+backup, disable, "X-HTTP-Method-Override: PATCH")
	at(403, "POST", "/Users/"+backup, "", "X-HTTP-Method-Override: DELETE")
	at(401, "PATCH", "/Users/"+ada, disable, "Authorization: Bearer nobody")
	at(413, "PATCH", "/Users/"+ada, `{"title":"`+strings.Repeat("x", 1<<20)+`"}`)
	at(400, "PATCH", "/Users/"+ada, strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100))
	if after := d.dump(t); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}

	// A disable is proven, journaled and logged.
	a := at(200, "PATCH", "/Users/"+ada, disable)
	if a.get("active") != "false" || d.canBind(t, "uid=Ada.Lovelace,ou=people,dc=example,dc=com", "ada-password") {
		t.Errorf("a disable: %s", a)
	}
	line := g.requestLine(t, a)
	if line.Get("scim").String() != "1.1" || line.Get("proof").String() != "proven" || line.Get("operation").String() != "update" {
		t.Errorf("logged: %s", line.Raw)
	}
	if second := g.do(t, "GET", "/Users/"+ada, ""); second.get("active") != "false" || g.requestLine(t, second).Get("scim").Exists() {
		t.Errorf("2.0 sees %s", second)
	}
	journal := g.journal(t)
	if n := len(journal); n < 2 || journal[n-2].Resource != ada || journal[n-2].Operation != "disable" || journal[n-1].Proof != "proven" {
		t.Errorf("the journal is %+v", journal)
	}

	// It can be explained before it is sent.
	text, err := g.explain(t, "PATCH", "/scim/v1/Users/"+ada, `{"active":true,"meta":{"attributes":["title"]}}`, true)
	if err != nil || !strings.HasPrefix(text, "# update User "+ada+"\n#   remove title\n#   replace active true\n") {
		t.Errorf("explained: %v\n%s", err, text)
	}

	// A fault is no absence.
	if err := d.Slapd.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, r := range [][3]string{{"GET", "/Users/" + ada}, {"GET", "/Users?filter=userName+eq+%22ada.lovelace%22"}, {"PATCH", "/Users/" + ada, disable}, {"PATCH", "/Groups/" + engineering, `{"members":[{"value":"1"}]}`}} {
		a := g.do(t, r[0], g.tenantURL("1.1")+r[1], r[2])
		if a.Status != http.StatusServiceUnavailable && a.Status != http.StatusGatewayTimeout || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s %s without a directory: %s", r[0], r[1], a)
		}
		isSCIM11Error(t, a)
	}
	if got := g.metric(t, "caddy_scim_requests_total", fmt.Sprintf("gateway=%q", "demo")); got < 10 {
		t.Errorf("%v requests are counted", got)
	}
}
