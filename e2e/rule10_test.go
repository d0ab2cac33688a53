package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/slapd"
)

// injections are texts that mean something to one of the languages on the way:
// LDAP filters and DNs, LDIF, JSON paths, SCIM filters, URLs, HTTP, Caddy's
// placeholders.
var injections = []string{
	"*", "ada*", "*)(uid=*", "*))(|(uid=*", "ada.lovelace)(|(objectClass=*)", "Ada.Lovelace)(&", "\\2a", "\\", "\\00", "(&)", "!(x=y)",
	"ada.lovelace,ou=people,dc=example,dc=com", "x,ou=groups,dc=example,dc=com", "x+cn=y", "#0403616461", " x", "x ", `"x"`, "<x>", ";x", "x=y",
	"{env.HOME}", "{file./etc/passwd}", "{http.request.header.Authorization}", "{env.SCIMGATE_DEMO_PASSWORD}", "{1.id}", "{{.Password}}", "${HOME}",
	`" or userName pr or userName eq "`, `" or "" eq "`, "' or 1=1 --", `\" or userName pr`, "emails.#.value", "@this", "a.b.c", "#", "..0",
	"x\ny", "x\r\nuserPassword: injected", "x\n-\nreplace: userPassword", "dn: cn=x", "\u0000", "x\u0000y", "\u2028", "%2f", "%00", "%", "+", "../../etc/passwd", "<script>",
}

func TestRule10EverythingFromOutsideIsData(t *testing.T) {
	t.Run("in filters", injectionInFilters)
	t.Run("in values", injectionInValues)
	t.Run("in ids", injectionInIDs)
	t.Run("in paths of changes", injectionInPaths)
	t.Run("in headers", injectionInHeaders)
	t.Run("placeholders", placeholdersAreText)
}

// injectionInFilters searches for texts that nobody has: they find nobody, or
// are refused, whatever they would mean to the directory.
func injectionInFilters(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{})
		group := g.groupID(t, "Engineering")
		g.want(t, 200, "PATCH", "/Users/"+g.id(t, "Alan.Turing"), patchOf(operation("Replace", "title", "5* (best)")))
		before := d.dump(t)
		for _, text := range injections {
			for _, filter := range []string{
				`userName eq %s`, `externalId eq %s`, `emails[type eq "work"].value eq %s`, `id eq %s`, `userName eq %s and active eq true`,
				`name.familyName eq %s`, `emails[type eq %s].value eq "ada.lovelace@example.com"`, `groups.value eq %s`, enterprise + `:manager.value eq %s`,
			} {
				a := g.do(t, "GET", filterPath("/Users", fmt.Sprintf(filter, quoted(text))), "")
				if a.Status == 200 && a.get("totalResults") != "0" || a.Status != 200 && a.Status != 400 {
					t.Errorf("%s with %q: %s", filter, text, a)
				}
			}
			for _, filter := range []string{`displayName eq %s`, `externalId eq %s`, `members eq %s`, `members.value eq %s`, `members[value eq %s]`} {
				a := g.do(t, "GET", filterPath("/Groups", fmt.Sprintf(filter, quoted(text))), "")
				if a.Status == 200 && a.get("totalResults") != "0" || a.Status != 200 && a.Status != 400 {
					t.Errorf("%s with %q: %s", filter, text, a)
				}
			}
			if a := g.do(t, "GET", filterPath("/Groups", fmt.Sprintf(`id eq %q and members eq %s`, group, quoted(text))), ""); a.Status == 200 && a.get("totalResults") != "0" {
				t.Errorf("members eq %q: %s", text, a)
			}
		}
		// A wildcard in a value is a character, in every operator.
		for filter, want := range map[string]string{
			`title eq "*"`: "0", `title sw "*"`: "0", `title ew "*"`: "0", `title co "*"`: "1", `title co "5* ("`: "1", `title sw "5*"`: "1",
			`title co "**"`: "0", `title eq "5* (best)"`: "1", `userName sw "*"`: "0", `userName co "*"`: "0", `userName sw "ada"`: "1",
		} {
			if a := g.want(t, 200, "GET", filterPath("/Users", filter), ""); a.get("totalResults") != want {
				t.Errorf("%s: %s, want %s", filter, a, want)
			}
		}
		if after := d.dump(t); after != before {
			t.Errorf("searching changed the directory:\n%s", difference(before, after))
		}
	})
}

// injectionInValues writes the texts: what is accepted is there as it was sent,
// below the container, and nothing else happened.
func injectionInValues(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{Replace: []string{"brake disable 50 per 10m", ""}})
		adaID, others := g.id(t, "Ada.Lovelace"), d.matching(t, "(objectClass=*)")
		before := d.entry(t, ada)["userpassword"]
		for _, text := range injections {
			body := jsonOf(map[string]any{"schemas": []string{userSchema}, "userName": "§" + text, "displayName": text,
				"name": map[string]any{"familyName": text}, "roles": []any{map[string]any{"value": text}}})
			a := g.do(t, "POST", "/Users", body)
			if a.Status == 400 && strings.Contains(text, "\x00") {
				isSCIMError(t, a)
				continue // no text of a directory has a NUL
			}
			if a.Status != 201 || a.get("userName") != "§"+text || a.get("displayName") != text || a.get("roles.0.value") != text {
				t.Errorf("created with %q: %s", text, a)
				continue
			}
			id := a.get("id")
			if found := g.id(t, "§"+text); found != id {
				t.Errorf("%q is found as %s, want %s", text, found, id)
			}
			dns := d.matching(t, "(entryUUID="+id+")")
			if len(dns) != 1 || !strings.HasSuffix(dns[0], ","+people) {
				t.Fatalf("%q is at %q", text, dns)
			}
			if got := d.entry(t, dns[0]); !slices.Equal(got["uid"], []string{"§" + text}) || !slices.Equal(got["displayname"], []string{text}) || got["userpassword"] != nil {
				t.Errorf("%q: the entry is %v", text, got)
			}
			if a := g.want(t, 201, "POST", "/Groups", jsonOf(map[string]any{"schemas": []string{groupSchema}, "displayName": "§" + text, "members": members(id)})); a.get("displayName") != "§"+text {
				t.Errorf("a group %q: %s", text, a)
			} else {
				g.want(t, 204, "DELETE", "/Groups/"+a.get("id"), "")
			}
			g.want(t, 204, "DELETE", "/Users/"+id, "")

			// As members and managers they are nobody.
			for name, r := range map[string]request{
				"manager":       {"PATCH", "/Users/" + adaID, patchOf(operation("Replace", enterprise+":manager", text))},
				"add member":    {"PATCH", "/Groups/" + g.groupID(t, "Engineering"), patchOf(operation("Add", "members", members(text)))},
				"remove member": {"PATCH", "/Groups/" + g.groupID(t, "Engineering"), patchOf(operation("Remove", "members", members(text)))},
			} {
				if a := g.do(t, r.method, r.path, r.body); a.Status != 400 && a.Status != 204 {
					t.Errorf("%s %q: %s", name, text, a)
				}
			}
		}
		if now := d.matching(t, "(objectClass=*)"); !slices.Equal(now, others) {
			t.Errorf("there are the entries %q, and were %q", now, others)
		}
		if got := d.entry(t, ada); !slices.Equal(got["userpassword"], before) || got["manager"] != nil {
			t.Errorf("Ada is %v", got)
		}
		if got := d.values(t, groupDN("Engineering"), "member"); len(got) != 2 {
			t.Errorf("the group has the members %q", got)
		}
	})
}

// injectionInIDs asks for ids that are none, with odd bytes in the path.
func injectionInIDs(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	id := g.id(t, "Ada.Lovelace")
	before := d.dump(t)
	paths := []string{"*", "%2a", id + "%00", id + "%2f..", "..%2f..", id + "*", "(entryUUID=*)", "%ff%fe", "%c0%ae", id + "%20", "%20" + id, "{" + id + "}",
		"%7Benv.HOME%7D", "urn:uuid:" + id, strings.ReplaceAll(id, "-", ""), strings.ToUpper(id), id + "%0d%0aX-Injected:%20yes", strings.Repeat("a", 4000), "." + id, id + ";x", id + "/members"}
	for _, text := range injections {
		if text != "../../etc/passwd" && text != "#" {
			paths = append(paths, url.PathEscape(text))
		}
	}
	for _, path := range paths {
		for _, endpoint := range []string{"/Users/", "/Groups/"} {
			for _, r := range []request{{"GET", "", ""}, {"DELETE", "", ""}, {"PATCH", "", disable}, {"PUT", "", jsonOf(map[string]any{"schemas": []string{userSchema}, "userName": "x", "displayName": "x"})}} {
				a := g.do(t, r.method, endpoint+path, r.body)
				if strings.HasPrefix(path, "..") && a.Header.Get("X-Request-Id") == "" {
					continue // it leads out of the base, and so to the next handler
				}
				if a.Status != 404 && a.Status != 400 || a.Header.Get("X-Injected") != "" {
					t.Errorf("%s %s%s: %s", r.method, endpoint, path, a)
				} else {
					isSCIMError(t, a)
				}
			}
		}
	}
	if after := d.dump(t); after != before {
		t.Errorf("the directory was changed:\n%s", difference(before, after))
	}
}

// injectionInPaths uses the texts as paths and names of attributes.
func injectionInPaths(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	id := g.id(t, "Ada.Lovelace")
	before := d.dump(t)
	for _, text := range injections {
		for name, body := range map[string]string{
			"path":       patchOf(operation("Replace", text, "x")),
			"selector":   patchOf(operation("Remove", fmt.Sprintf(`emails[type eq %s]`, quoted(text)), nil)),
			"remove":     patchOf(operation("Remove", text, nil)),
			"attribute":  patchOf(operation("Replace", "", map[string]any{text: "x"})),
			"urn":        patchOf(operation("Replace", userSchema+":"+text, "x")),
			"op":         patchOf(operation(text, "title", "x")),
			"sub":        patchOf(operation("Replace", "name", map[string]any{text: "x"})),
			"PUT member": jsonOf(map[string]any{"schemas": []string{userSchema, text}, "userName": "Ada.Lovelace", text: "x"}),
		} {
			method := "PATCH"
			if strings.HasPrefix(name, "PUT") {
				method = "PUT"
			}
			if a := g.do(t, method, "/Users/"+id, body); a.Status != 200 && a.Status != 400 {
				t.Errorf("%s %q: %s", name, text, a)
			}
		}
		for _, query := range []string{"attributes", "excludedAttributes", "sortBy", "sortOrder", "startIndex", "count", "filter", text} {
			if a := g.do(t, "GET", "/Users?"+url.QueryEscape(query)+"="+url.QueryEscape(text), ""); a.Status != 200 && a.Status != 400 {
				t.Errorf("?%s=%q: %s", query, text, a)
			}
		}
	}
	if after := d.dump(t); after != before {
		t.Errorf("the directory was changed:\n%s", difference(before, after))
	}
}

// injectionInHeaders sends what no client library would.
func injectionInHeaders(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	for i, text := range append(injections, "{env.SCIMGATE_DEMO_TOKEN}", "Bearer", "Bearer ", "Bearer  "+token+" x", token+" "+token) {
		raw := strings.Map(func(r rune) rune {
			if r == '\n' || r == '\r' || r == 0 {
				return ' '
			}
			return r
		}, text)
		elsewhere := from("192.0.2." + strconv.Itoa(i)) // whoever guesses is answered 429 in the end
		for _, header := range []string{"Authorization: Bearer " + raw, "Authorization: " + raw, "Authorization: Basic " + raw} {
			a := g.raw(t, "GET /scim/v2/Users?count=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+elsewhere+"\r\n"+header+"\r\n\r\n")
			if a != 401 && a != 400 {
				t.Errorf("%q: answered %d", header, a)
			}
		}
		good := "Authorization: Bearer " + token + "\r\n"
		for _, header := range []string{"Accept: ", "Content-Type: ", "X-Forwarded-For: ", "X-Forwarded-Host: ", "X-Forwarded-Proto: ", "X-Request-Id: ", "User-Agent: "} {
			a := g.raw(t, "GET /scim/v2/Users?count=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+good+header+raw+"\r\n\r\n")
			if a != 200 && a != 400 && a != 406 && a != 415 {
				t.Errorf("%s%q: answered %d", header, raw, a)
			}
		}
	}
	// Two credentials are none.
	if a := g.raw(t, "GET /scim/v2/Users?count=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "+token+"\r\nAuthorization: Bearer x\r\n\r\n"); a != 401 {
		t.Errorf("two credentials: answered %d", a)
	}
	for _, host := range []string{"evil\"onload=x", "<script>", "a b"} {
		a := g.raw(t, "GET /scim/v2/Users?count=1 HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\nAuthorization: Bearer "+token+"\r\n\r\n")
		if a != 400 && a != 200 {
			t.Errorf("host %q: answered %d", host, a)
		}
	}
}

// raw sends bytes and returns the status of the answer.
func (g *gateway) raw(t *testing.T, text string) int {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.Site, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.200q: %v", text, err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// placeholdersAreText puts placeholders of Caddy wherever data is: they come
// back as they are, and what they would stand for is nowhere.
func placeholdersAreText(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	secretFile := g.LogFile + ".secret"
	if err := os.WriteFile(secretFile, []byte("what-a-placeholder-reads"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"{env.SCIMGATE_DEMO_PASSWORD}", "{file." + secretFile + "}", "{http.request.header.Authorization}", "{system.hostname}", "{http.vars.client_ip}"} {
		a := g.want(t, 201, "POST", "/Users", jsonOf(document(fmt.Sprintf("u%x", text), text, g.id(t, "Ada.Lovelace"))))
		bodies := []answer{a, g.want(t, 200, "GET", "/Users/"+a.get("id"), ""),
			g.want(t, 200, "PATCH", "/Users/"+a.get("id"), patchOf(operation("Replace", "nickName", text+text))),
			g.want(t, 200, "GET", filterPath("/Users", "title eq "+quoted(text)), ""),
			g.want(t, 404, "GET", "/Users/"+url.PathEscape(text), ""),
			g.want(t, 400, "GET", filterPath("/Users", text), ""),
			g.want(t, 409, "POST", "/Users", jsonOf(document(fmt.Sprintf("u%x", text), text, g.id(t, "Ada.Lovelace"))))}
		if got := a.get("title"); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
		if got := bodies[1].get("title"); got != text {
			t.Errorf("%q is read as %q", text, got)
		}
		if got := d.values(t, userDN(fmt.Sprintf("u%x", text)), "title"); !slices.Equal(got, []string{text}) {
			t.Errorf("%q is in the directory as %q", text, got)
		}
		for _, a := range bodies {
			for _, secret := range []string{d.ServicePassword, "what-a-placeholder-reads", token} {
				if strings.Contains(a.Body, secret) {
					t.Errorf("%q: the answer has what the placeholder stands for: %s", text, a)
				}
			}
		}
	}
	if strings.Contains(g.log(t), "what-a-placeholder-reads") {
		t.Error("the log has what a placeholder stands for")
	}
}
