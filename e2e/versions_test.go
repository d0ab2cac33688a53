package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
)

// TestVersions reads a resource and writes it for the version that was read, on
// every verb (RFC 7644 §3.14).
func TestVersions(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{})
		user, group := "/Users/"+g.id(t, "Ada.Lovelace"), "/Groups/"+g.groupID(t, "Engineering")
		alanID := g.id(t, "Alan.Turing")
		for path, changes := range map[string][2]string{
			user:  {patchOf(operation("Replace", "title", "Countess")), patchOf(operation("Replace", "title", "Poet"))},
			group: {patchOf(operation("Add", "members", members(alanID))), patchOf(operation("Remove", "members", members(alanID)))},
		} {
			first := g.want(t, 200, "GET", path, "")
			etag := first.Header.Get("ETag")
			if etag == "" || etag != first.get("meta.version") {
				t.Fatalf("%s has the version %s and the ETag %s", path, first.get("meta.version"), etag)
			}
			for _, method := range []string{"GET", "HEAD"} {
				if a := g.want(t, 304, method, path, "", "If-None-Match: "+etag); a.Header.Get("ETag") != etag || a.Body != "" {
					t.Errorf("%s of what is known: %v %s", method, a.Header, a)
				}
			}
			a := g.do(t, "PATCH", path, changes[0], "If-Match: "+etag)
			if a.Status != 200 && a.Status != 204 {
				t.Errorf("PATCH of the version that was read: %s", a)
			}
			now := g.want(t, 200, "GET", path, "", "If-None-Match: "+etag)
			if told := a.Header.Get("ETag"); told == etag || told != "" && told != now.Header.Get("ETag") {
				t.Errorf("%s: the write told the version %s, it is %s", path, told, now.Header.Get("ETag"))
			}
			before := d.dump(t)
			for _, method := range []string{"PATCH", "PUT", "DELETE"} {
				body := map[string]string{"PATCH": changes[1], "PUT": jsonOf(map[string]any{"userName": "Ada.Lovelace", "displayName": "Engineering", "title": "x"})}[method]
				a := g.want(t, 412, method, path, body, "If-Match: "+etag)
				isSCIMError(t, a)
				if !strings.Contains(a.get("detail"), "GET") {
					t.Errorf("%s: %s", method, a)
				}
			}
			if after := d.dump(t); after != before {
				t.Errorf("the directory was changed:\n%s", difference(before, after))
			}
			if a := g.do(t, "PATCH", path, changes[1], "If-Match: "+now.Header.Get("ETag")); a.Status != 200 && a.Status != 204 {
				t.Errorf("PATCH of the new version: %s", a)
			}
		}
		g.want(t, 404, "PATCH", "/Users/00000000-0000-4000-8000-000000000000", disable, "If-Match: *")
		g.want(t, 204, "DELETE", user, "", "If-Match: "+g.want(t, 200, "GET", user, "").Header.Get("ETag"))
	})
}

// TestLostUpdate has several clients change what they have read, at the same time:
// exactly one wins, and whoever loses is told.
func TestLostUpdate(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{})
		path := "/Users/" + g.id(t, "Ada.Lovelace")
		for round := range 5 {
			etag := g.want(t, 200, "GET", path, "").Header.Get("ETag")
			answers := make([]answer, 6)
			var all sync.WaitGroup
			for i := range answers {
				all.Go(func() {
					var err error
					if answers[i], err = g.send("PATCH", path, patchOf(operation("Replace", "title", fmt.Sprintf("title %d of %d", i, round))), "If-Match: "+etag); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			winner := ""
			for i, a := range answers {
				switch {
				case a.Status == 200 && winner == "":
					winner = fmt.Sprintf("title %d of %d", i, round)
				case a.Status != 412:
					t.Errorf("client %d: %s", i, a)
				}
			}
			if got := g.want(t, 200, "GET", path, "").get("title"); got != winner || winner == "" {
				t.Errorf("the title is %q, want %q", got, winner)
			}
		}
	})
}

// TestLostUpdateBehindTheGateway has somebody change the directory itself between
// the gateway's read and its write.
func TestLostUpdateBehindTheGateway(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL()})
	g.isChecked(t)
	id, group := g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering")
	for name, c := range map[string]struct {
		path, body, dn, attribute string
		write                     int
	}{
		"a user":    {"/Users/" + id, patchOf(operation("Replace", "title", "Countess")), ada, "description", ldap.ApplicationModifyRequest},
		"a member":  {"/Groups/" + group, patchOf(operation("Add", "members", members(g.id(t, "Alan.Turing")))), groupDN("Engineering"), "description", ldap.ApplicationModifyRequest},
		"a removal": {"/Users/" + g.create(t, "passer-by"), "", userDN("passer-by"), "description", ldap.ApplicationDelRequest},
	} {
		etag := g.want(t, 200, "GET", c.path, "").Header.Get("ETag")
		once := new(sync.Once)
		proxy.OnRequest(func(operation int) slapd.Action {
			if operation == c.write {
				once.Do(func() { d.modify(t, c.dn, c.attribute, "by hand, "+name) })
			}
			return slapd.Forward
		})
		method := "PATCH"
		if c.body == "" {
			method = "DELETE"
		}
		a := g.do(t, method, c.path, c.body, "If-Match: "+etag)
		proxy.OnRequest(nil)
		if a.Status != 412 {
			t.Errorf("%s: answered %s, want 412", name, a)
		}
		if got := d.values(t, c.dn, c.attribute); len(got) != 1 || got[0] != "by hand, "+name {
			t.Errorf("%s: what was written by hand is %q", name, got)
		}
		if a := g.do(t, method, c.path, c.body, "If-Match: "+g.want(t, 200, "GET", c.path, "").Header.Get("ETag")); a.Status >= 300 {
			t.Errorf("%s, of the version that it has now: %s", name, a)
		}
	}
	waitFor(t, "all outcomes in the journal", func() bool { return len(g.openIntents(t)) == 0 })
}

// TestVersionStopsNoDisable disables an account whose version is not the one that
// was asked for (DESIGN §4 rule 3).
func TestVersionStopsNoDisable(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{})
		path := "/Users/" + g.id(t, "Ada.Lovelace")
		offAndMore := patchOf(operation("Replace", "active", "False"), operation("Replace", "title", "Countess"))
		for _, body := range []string{disable, offAndMore} {
			a := g.want(t, 412, "PATCH", path, body, `If-Match: W/"1"`)
			if !strings.HasPrefix(a.get("detail"), "The account was disabled") {
				t.Errorf("answered %s", a)
			}
			d.signsIn(t, ada, "ada-password", false)
			if line := g.requestLine(t, a); line.Get("proof").String() != "proven" {
				t.Errorf("logged %s", line)
			}
			g.want(t, 200, "PATCH", path, enable)
		}
		// Of the version that it has, all of it is done: what the disable itself
		// changes is nobody else's change.
		etag := g.want(t, 200, "GET", path, "").Header.Get("ETag")
		if a := g.want(t, 200, "PATCH", path, offAndMore, "If-Match: "+etag); a.get("title") != "Countess" {
			t.Errorf("answered %s", a)
		}
		d.signsIn(t, ada, "ada-password", false)
	})
}

// TestMe acts for the user whom the token is mapped to.
func TestMe(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		const mine = "token-of-ada-K2p9Vx7Lm"
		g := startGateway(t, d, setup{Gateway: []string{"token ada {\nsecret " + mine + "\nme `userName eq \"ada.lovelace\"`\n}"}})
		id := g.id(t, "Ada.Lovelace")
		a := g.want(t, 200, "GET", "/Me", "", "Authorization: Bearer "+mine)
		if a.get("id") != id || a.Header.Get("Location") != g.URL+"/Users/"+id || a.get("meta.location") != g.URL+"/Users/"+id {
			t.Errorf("GET: %v %s", a.Header, a)
		}
		a = g.want(t, 200, "PATCH", "/Me", patchOf(operation("Replace", "title", "Countess")), "Authorization: Bearer "+mine, "If-Match: "+a.Header.Get("ETag"))
		if a.get("title") != "Countess" || a.get("id") != id {
			t.Errorf("PATCH: %s", a)
		}
		isSCIMError(t, g.want(t, 501, "GET", "/Me", ""))
		g.want(t, 204, "DELETE", "/Me", "", "Authorization: Bearer "+mine)
		if d.entry(t, ada) != nil {
			t.Error("Ada is still there")
		}
		isSCIMError(t, g.want(t, 404, "GET", "/Me", "", "Authorization: Bearer "+mine))
	})
}
