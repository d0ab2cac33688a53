package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A tenant URL that was mistyped must not lead past the gateway: Caddy answers a
// request that nobody takes with an empty 200, and a disable would look done.
func TestMistypedTenantURLDisablesOrRefuses(t *testing.T) {
	d := startEmbedded(t)
	g := startGateway(t, d, setup{})
	id := g.id(t, "Alan.Turing")
	for _, base := range []string{"/SCIM/v2", "//scim/v2", "/scim//v2", "/scim/%76%32", "/Scim/V2", "/scim/./v2"} {
		g.want(t, http.StatusOK, "PATCH", "/Users/"+id, patchOf(operation("Replace", "active", true)))
		a := g.do(t, "PATCH", g.Site+base+"/Users/"+id, disable)
		if canBind := d.canBind(t, alan, "alan-password"); canBind == (a.Status < 300) {
			t.Errorf("%s: answered %s, and the account works: %t", base, a, canBind)
		}
		if a := g.do(t, "PATCH", g.Site+base+"/Users/"+id, disable, "Authorization:"); a.Status != http.StatusUnauthorized {
			t.Errorf("%s without a token: %s", base, a)
		}
	}
}

// Whoever may choose a name at the provider does not get one that the directory
// takes for a protected account's.
func TestLookalikesOfProtectedNames(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{})
		before := d.dump(t)
		ada := g.id(t, "Ada.Lovelace")
		for _, name := range []string{" svc-new", "\uff53vc-new", "svc\uff0dnew", "SVC-new", "\u00adsvc-new", "\u00a0svc-new"} {
			g.want(t, http.StatusForbidden, "POST", "/Users", userBody(name))
			g.want(t, http.StatusForbidden, "PATCH", "/Users/"+ada, patchOf(operation("Replace", "userName", name)))
			g.want(t, http.StatusForbidden, "PUT", "/Users/"+ada, userBody(name))
		}
		if after := d.dump(t); after != before {
			t.Errorf("the directory has changed from\n%s\nto\n%s", before, after)
		}
	})
}

// A password for somebody who was disabled neither lets him in nor uses the
// brake up, and it is no disable in the journal.
func TestPasswordsOfTheDisabledAndTheBrake(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{Replace: []string{"brake disable 50 per 10m", "brake disable 2 per 10m"}})
		id := g.id(t, "Alan.Turing")
		g.want(t, http.StatusOK, "PATCH", "/Users/"+id, disable)
		for n := range 4 {
			password := fmt.Sprintf("another-password-%d", n)
			g.want(t, http.StatusOK, "PATCH", "/Users/"+id, patchOf(operation("Replace", "password", password)))
			if d.canBind(t, alan, password) {
				t.Fatal("a password has enabled a disabled account")
			}
		}
		g.want(t, http.StatusOK, "PATCH", "/Users/"+g.id(t, "Grace.Hopper"), disable)
		a := g.want(t, http.StatusServiceUnavailable, "PATCH", "/Users/"+g.id(t, "Ada.Lovelace"), disable)
		if !strings.Contains(a.get("detail"), "brake") {
			t.Errorf("the third disable: %s", a)
		}
	})
}

// One lock of two counts as active, and keeps the person out. Who is said to be
// active gets in, though nothing differs; who is not spoken of does not.
func TestHalfDisabledIsEnabled(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{Replace: []string{"disable password_policy", "disable password_policy\ndisable attribute description Disabled"}})
		id := g.id(t, "Alan.Turing")
		put := func(more string) string {
			return fmt.Sprintf(`{"schemas":[%q],"userName":"Alan.Turing"%s}`, userSchema, more)
		}
		for name, r := range map[string]request{
			"PATCH":                 {"PATCH", "/Users/" + id, patchOf(operation("Replace", "active", true))},
			"PATCH with another":    {"PATCH", "/Users/" + id, patchOf(operation("Replace", "active", "True"), operation("Replace", "title", "Reader"))},
			"PUT":                   {"PUT", "/Users/" + id, put(`,"active":true`)},
			"PUT of something else": {"PUT", "/Users/" + id, put(`,"active":true,"title":"Fellow"`)},
		} {
			d.modify(t, alan, "pwdAccountLockedTime", "000001010000Z")
			if a := g.want(t, http.StatusOK, "GET", "/Users/"+id, ""); a.get("active") != "true" {
				t.Fatalf("it reads as disabled: %s", a)
			}
			g.want(t, http.StatusOK, "PATCH", "/Users/"+id, patchOf(operation("Replace", "nickName", name)))
			g.want(t, http.StatusOK, "PUT", "/Users/"+id, put(""))
			if d.canBind(t, alan, "alan-password") {
				t.Fatalf("%s: another change has enabled the account", name)
			}
			g.want(t, http.StatusOK, r.method, r.path, r.body)
			if !d.canBind(t, alan, "alan-password") {
				t.Errorf("%s: the account is still locked", name)
			}
			writes := len(g.journal(t))
			g.want(t, http.StatusOK, r.method, r.path, r.body)
			if again := len(g.journal(t)); again != writes {
				t.Errorf("%s again: %d more lines in the journal", name, again-writes)
			}
		}
	})
}
