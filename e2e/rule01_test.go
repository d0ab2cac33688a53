package e2e

import (
	"crypto/tls"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
)

// request is one SCIM request.
type request struct{ method, path, body string }

// everyRequest asks for Ada, whose id is given, in every way that needs the
// directory.
func everyRequest(id, group string) map[string]request {
	return map[string]request{
		"find":             {"GET", filterPath("/Users", `userName eq "ada.lovelace"`), ""},
		"find nobody":      {"GET", filterPath("/Users", `userName eq "nobody"`), ""},
		"find externalId":  {"GET", filterPath("/Users", `externalId eq "nobody"`), ""},
		"find and":         {"GET", filterPath("/Users", `userName eq "ada.lovelace" and active eq true`), ""},
		"find id":          {"GET", filterPath("/Users", `id eq "`+id+`"`), ""},
		"find group":       {"GET", filterPath("/Groups", `displayName eq "Engineering"`) + "&excludedAttributes=members", ""},
		"find membership":  {"GET", filterPath("/Groups", fmt.Sprintf(`id eq %q and members eq %q`, group, id)), ""},
		"read":             {"GET", "/Users/" + id, ""},
		"read group":       {"GET", "/Groups/" + group, ""},
		"list":             {"GET", "/Users", ""},
		"list groups":      {"GET", "/Groups?count=1", ""},
		"count":            {"GET", "/Users?count=0", ""},
		"list sorted":      {"GET", "/Users?sortBy=emails.value&count=2", ""},
		"list by cursor":   {"GET", "/Users?cursor&count=2", ""},
		"list all types":   {"GET", "/?sortBy=displayName&attributes=displayName&cursor&count=2", ""},
		"find in all":      {"GET", filterPath("/", `userName eq "ada.lovelace"`), ""},
		"create":           {"POST", "/Users", userBody("fresh")},
		"patch":            {"PATCH", "/Users/" + id, patchOf(operation("Replace", "title", "Countess"))},
		"put":              {"PUT", "/Users/" + id, jsonOf(map[string]any{"schemas": []string{userSchema}, "userName": "Ada.Lovelace", "title": "Countess"})},
		"disable":          {"PATCH", "/Users/" + id, disable},
		"delete":           {"DELETE", "/Users/" + id, ""},
		"add a member":     {"PATCH", "/Groups/" + group, patchOf(operation("Add", "members", members(id)))},
		"remove a member":  {"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(id)))},
		"replace members":  {"PUT", "/Groups/" + group, jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "Engineering", "members": members(id)})},
		"delete the group": {"DELETE", "/Groups/" + group, ""},
	}
}

// sendAll sends requests at the same time.
func (g *gateway) sendAll(t *testing.T, requests map[string]request) map[string]answer {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	answers := make(map[string]answer)
	for name, r := range requests {
		all.Go(func() {
			a, err := g.send(r.method, r.path, r.body)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			answers[name] = a
		})
	}
	all.Wait()
	return answers
}

// areFaults checks that every answer says that there is a fault, and when to try
// again.
func areFaults(t *testing.T, answers map[string]answer) {
	t.Helper()
	for name, a := range answers {
		isFault(t, name, a)
	}
}

func isFault(t *testing.T, name string, a answer) {
	t.Helper()
	if a.Status != 503 && a.Status != 504 {
		t.Errorf("%s: answered %s, want 503 or 504", name, a)
		return
	}
	if after := a.Header.Get("Retry-After"); after == "" || after == "0" {
		t.Errorf("%s: answered %s, without when to try again", name, a)
	}
	isSCIMError(t, a)
}

// isWell checks that the gateway answers from the directory as it was filled.
func (g *gateway) isWell(t *testing.T) {
	t.Helper()
	waitFor(t, "the gateway to find Ada again", func() bool {
		a, err := g.send("GET", filterPath("/Users", `userName eq "ada.lovelace"`), "")
		return err == nil && a.Status == 200 && a.get("totalResults") == "1"
	})
	if a := g.want(t, 200, "GET", "/Users", ""); a.get("totalResults") != "4" || a.get("Resources.#") != "4" {
		t.Errorf("the list is %s, want 4 users", a)
	}
	if a := g.want(t, 200, "GET", filterPath("/Users", `userName eq "nobody"`), ""); a.get("totalResults") != "0" {
		t.Errorf("searching nobody: %s", a)
	}
	g.want(t, 404, "GET", "/Users/00000000-0000-4000-8000-000000000000", "")
}

func TestRule01AFaultIsNeverAbsence(t *testing.T) {
	t.Run("down and frozen", func(t *testing.T) {
		d := startSlapd(t, slapd.Options{})
		g := startGateway(t, d, setup{Translator: []string{briefly}})
		requests := everyRequest(g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering"))
		before := d.dump(t)

		for _, fault := range []struct {
			name        string
			begin, mend func() error
			keeps       bool // what it was sent, to be read later
		}{
			{"killed", d.Slapd.Kill, d.Slapd.Restart, false},
			{"frozen", d.Slapd.Freeze, d.Slapd.Thaw, true},
			{"stopped", d.Slapd.Stop, d.Slapd.Restart, false},
		} {
			asked := maps.Clone(requests)
			if fault.keeps {
				// What goes out without having read anything may be carried out
				// when the directory goes on. That is for rule 12.
				for _, blind := range []string{"create", "add a member", "remove a member"} {
					delete(asked, blind)
				}
			}
			if err := fault.begin(); err != nil {
				t.Fatal(err)
			}
			answers := g.sendAll(t, asked)
			if err := fault.mend(); err != nil {
				t.Fatal(err)
			}
			areFaults(t, answers)
			g.isWell(t)
			if after := d.dump(t); after != before {
				t.Errorf("%s: the directory was changed:\n%s", fault.name, difference(before, after))
			}
		}
	})
	t.Run("embedded directory frozen", func(t *testing.T) {
		d := startEmbedded(t)
		g := startGateway(t, d, setup{Translator: []string{briefly}})
		requests := everyRequest(g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering"))
		d.Embedded.Freeze()
		answers := g.sendAll(t, requests)
		d.Embedded.Cut() // nothing that waits is to be carried out later
		d.Embedded.Thaw()
		areFaults(t, answers)
		g.isWell(t)
	})
	t.Run("down from the start", func(t *testing.T) {
		d := startSlapd(t, slapd.Options{})
		if err := d.Slapd.Kill(); err != nil {
			t.Fatal(err)
		}
		g := startGateway(t, d, setup{Translator: []string{briefly}})
		const id = "00000000-0000-4000-8000-000000000000"
		areFaults(t, g.sendAll(t, everyRequest(id, id)))
		if err := d.Slapd.Restart(); err != nil {
			t.Fatal(err)
		}
		g.isWell(t)
	})
	t.Run("cut off", cutOff)
	t.Run("references", references)
	t.Run("misconfigured", misconfigured)
	t.Run("encryption", encryption)
	t.Run("size limit", sizeLimit)
	t.Run("failover", failover)
}

// cutOff ends answers behind their first entries and in their middle.
func cutOff(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL(), Translator: []string{briefly}})
	id, group := g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering")
	reading := everyRequest(id, group)
	for name, r := range reading {
		if r.method != "GET" {
			delete(reading, name)
		}
	}
	for _, action := range []slapd.Action{slapd.Cut, slapd.Drop} {
		proxy.OnResponse(func(operation int) slapd.Action {
			if operation == ldap.ApplicationSearchResultDone {
				return action
			}
			return slapd.Forward
		})
		answers := g.sendAll(t, reading)
		proxy.OnResponse(nil)
		areFaults(t, answers)
		g.isWell(t)
	}
	// In the middle of a message, wherever that is: whatever is answered is
	// whole or a fault. A read may be repeated on another connection.
	for name, r := range reading {
		// The gateway's own check of the backend may have been cut off as well, and
		// what is down is left alone for a second.
		whole := g.eventually(t, 200, r.method, r.path, r.body)
		for _, after := range []int{0, 1, 7, 100, 300, 700, 1200} {
			proxy.CutAfter(after)
			a := g.do(t, r.method, r.path, r.body)
			proxy.CutAfter(-1)
			if a.Status != 200 {
				isFault(t, name, a)
			} else if withoutCursor(a.Body) != withoutCursor(whole.Body) {
				t.Errorf("%s, cut off after %d bytes: answered\n%s\nwant\n%s", name, after, a.Body, whole.Body)
			}
		}
	}
}

// withoutCursor leaves out what is another one each time.
func withoutCursor(body string) string {
	return regexp.MustCompile(`"nextCursor":"[^"]+"`).ReplaceAllString(body, `"nextCursor":"…"`)
}

// references are pointers to other servers, in place of a base and within it.
func references(t *testing.T) {
	d := startSlapd(t, slapd.Options{Global: "referral ldap://127.0.0.1:1"})
	g := startGateway(t, d, setup{Replace: []string{
		"base ou=people,dc=example,dc=com", "base ou=people,dc=elsewhere,dc=com",
		"base ou=groups,dc=example,dc=com", "base ou=groups,dc=elsewhere,dc=com",
	}})
	const id = "00000000-0000-4000-8000-000000000000"
	areFaults(t, g.sendAll(t, everyRequest(id, id)))

	g.reload(t, func(s *setup) { s.Replace = nil })
	adaID := g.id(t, "Ada.Lovelace")
	d.with(t, func(conn *ldap.Conn) error {
		branch := ldap.NewAddRequest("ou=branch,"+people, []ldap.Control{ldap.NewControlManageDsaIT(true)})
		branch.Attribute("objectClass", []string{"referral", "extensibleObject"})
		branch.Attribute("ou", []string{"branch"})
		branch.Attribute("ref", []string{"ldap://127.0.0.1:1/ou=branch," + people})
		return conn.Add(branch)
	})
	areFaults(t, g.sendAll(t, map[string]request{
		"find":        {"GET", filterPath("/Users", `userName eq "ada.lovelace"`), ""},
		"find nobody": {"GET", filterPath("/Users", `userName eq "nobody"`), ""},
		"list":        {"GET", "/Users", ""},
		"count":       {"GET", "/Users?count=0", ""},
		"read":        {"GET", "/Users/" + adaID, ""},
	}))
}

// misconfigured are the mistakes by which everybody seems to be gone.
func misconfigured(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	requests := everyRequest(g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering"))
	before := d.dump(t)
	for name, replace := range map[string][]string{
		"bind refused":  {"{env.SCIMGATE_DEMO_PASSWORD}", "a-wrong-password"},
		"unknown bind":  {"bind cn=scimgate,ou=services", "bind cn=nobody,ou=services"},
		"no such bases": {"base ou=people,", "base ou=persons,ou=people,", "base ou=groups,", "base ou=group,ou=groups,"},
	} {
		g.reload(t, func(s *setup) { s.Replace = replace })
		for request, a := range g.sendAll(t, requests) {
			isFault(t, name+": "+request, a)
			if strings.Contains(a.Body, "dc=example") || strings.Contains(a.Body, "a-wrong-password") {
				t.Errorf("%s: %s: the answer tells too much: %s", name, request, a.Body)
			}
		}
	}
	g.reload(t, func(s *setup) { s.Replace = nil })
	g.isWell(t)
	if after := d.dump(t); after != before {
		t.Errorf("the directory was changed:\n%s", difference(before, after))
	}
}

// encryption is a directory that speaks over TLS alone, with a certificate of its
// operator's own authority.
func encryption(t *testing.T) {
	d := startSlapd(t, slapd.Options{RequireTLS: true})
	ca := d.CAFile
	g := startGateway(t, d, setup{})
	id, group := g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering")
	for name, change := range map[string]func(*setup){
		"in the clear":          func(s *setup) { s.Servers = d.Plain },
		"an unknown authority":  func(*setup) { d.CAFile = "" },
		"another server's name": func(s *setup) { s.Translator = []string{"tls_server_name ldap.example.org"} },
		"StartTLS, untrusted":   func(s *setup) { s.Servers, s.Translator = d.Plain, []string{"starttls"} },
	} {
		g.reload(t, change)
		for request, a := range g.sendAll(t, everyRequest(id, group)) {
			isFault(t, name+": "+request, a)
		}
		d.CAFile = ca
		g.reload(t, func(s *setup) { s.Servers, s.Translator = "", nil })
		g.isWell(t)
	}
	g.reload(t, func(s *setup) { s.Servers, s.Translator = d.Plain, []string{"starttls", "tls_ca " + ca} })
	g.isWell(t)
	g.want(t, 200, "PATCH", "/Users/"+id, disable)
	d.signsInOver(t, ada, "ada-password", false)
}

// signsInOver is signsIn over TLS, whose certificate is not what is tested.
func (d *directory) signsInOver(t *testing.T, dn, password string, want bool) {
	t.Helper()
	conn, err := ldap.DialURL(d.URL, ldap.DialWithTLSConfig(&tls.Config{InsecureSkipVerify: true}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	err = conn.Bind(dn, password)
	if err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) || (err == nil) != want {
		t.Errorf("%s signs in: %v, want %t", dn, err, want)
	}
}

// sizeLimit is a directory that returns few entries to our account.
func sizeLimit(t *testing.T) {
	var many strings.Builder
	for i := range 30 {
		fmt.Fprintf(&many, "dn: uid=u%d,%s\nobjectClass: inetOrgPerson\nuid: u%d\ncn: u%d\nsn: u\ntitle: many\n\n", i, people, i, i)
	}
	many.WriteString("dn: cn=Many," + groups + "\nobjectClass: groupOfNames\ncn: Many\n")
	for i := range 30 {
		fmt.Fprintf(&many, "member: uid=u%d,%s\n", i, people)
	}
	d := startSlapd(t, slapd.Options{SizeLimit: 5, PageLimit: 4, LDIF: many.String()})
	g := startGateway(t, d, setup{})
	if got := g.want(t, 200, "GET", filterPath("/Users", `userName eq "u7"`), "").get("totalResults"); got != "1" {
		t.Errorf("one user is found %s times", got)
	}
	// A filter that is too wide to be answered is the provider's to narrow.
	tooWide := g.want(t, 400, "GET", filterPath("/Users", `id sw "0"`), "")
	if tooWide.get("scimType") != "tooMany" {
		t.Errorf("a filter that finds too many is answered %s", tooWide)
	}
	areFaults(t, g.sendAll(t, map[string]request{
		"list":  {"GET", "/Users", ""},
		"count": {"GET", "/Users?count=0", ""},
	}))
	if a := g.want(t, 200, "GET", "/Groups/"+g.groupIDWithoutMembers(t, "Many"), ""); a.get("members.#") != "30" {
		t.Errorf("a group of 30 is %s", a)
	}
	// Pages that fit are no limit at all.
	g.reload(t, func(s *setup) { s.Translator = []string{"page_size 4"} })
	if a := g.want(t, 200, "GET", "/Users?count=0", ""); a.get("totalResults") != "34" {
		t.Errorf("with pages of 4, the list is %s", a)
	}
}

// groupIDWithoutMembers is groupID for a group whose members are many.
func (g *gateway) groupIDWithoutMembers(t *testing.T, displayName string) string {
	t.Helper()
	return g.want(t, 200, "GET", filterPath("/Groups", fmt.Sprintf("displayName eq %q", displayName))+"&excludedAttributes=members", "").get("Resources.0.id")
}

// failover takes requests to a second server and back.
func failover(t *testing.T) {
	// Replicas have the same ids.
	const twin = "dn: uid=twin," + people + "\nobjectClass: inetOrgPerson\nuid: twin\ncn: Twin\nsn: Twin\nuserPassword: twin-password\n" +
		"entryUUID: 6f1a4e57-5d5a-4b9c-9a0f-3b1f0c9a7e11\n\n"
	first, second := startSlapd(t, slapd.Options{LDIF: twin}), startSlapd(t, slapd.Options{LDIF: twin})
	g := startGateway(t, first, setup{Servers: first.Plain + " " + second.Plain, Translator: []string{briefly}})
	id := g.id(t, "twin")
	if err := first.Slapd.Kill(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the second server to take over", func() bool {
		return g.do(t, "GET", "/Users/"+id, "").Status == 200
	})
	g.want(t, 200, "PATCH", "/Users/"+id, disable)
	if second.canBind(t, userDN("twin"), "twin-password") {
		t.Error("the second server accepts the password of whom the gateway has disabled")
	}
	if err := second.Slapd.Kill(); err != nil {
		t.Fatal(err)
	}
	areFaults(t, g.sendAll(t, everyRequest(id, id)))
	if err := first.Slapd.Restart(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the first server to be asked again", func() bool {
		a := g.do(t, "GET", "/Users/"+id, "")
		return a.Status == 200 && a.get("active") == "true"
	})
}

// difference shows the lines that only one of two texts has.
func difference(before, after string) string {
	count := make(map[string]int)
	for line := range strings.Lines(before) {
		count[line]--
	}
	for line := range strings.Lines(after) {
		count[line]++
	}
	var b strings.Builder
	for line := range strings.Lines(before + "\n" + after) {
		switch n := count[line]; {
		case n < 0:
			b.WriteString("- " + line)
		case n > 0:
			b.WriteString("+ " + line)
		}
		delete(count, line)
	}
	return b.String()
}
