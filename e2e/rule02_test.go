package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
)

// signsIn checks whether a password is accepted.
func (d *directory) signsIn(t *testing.T, dn, password string, want bool) {
	t.Helper()
	if got := d.canBind(t, dn, password); got != want {
		t.Errorf("%s can sign in: %t, want %t", dn, got, want)
	}
}

// proofs returns the proofs in the journal's outcomes.
func (g *gateway) proofs(t *testing.T) []string {
	t.Helper()
	waitFor(t, "the outcomes", func() bool { return len(g.openIntents(t)) == 0 })
	var all []string
	for _, line := range g.journal(t) {
		if line.Kind == "outcome" {
			all = append(all, line.Proof)
		}
	}
	return all
}

// laxPolicy is a password policy that does not lock, and somebody under it.
const laxPolicy = `dn: cn=lax,ou=policies,dc=example,dc=com
objectClass: device
objectClass: pwdPolicy
cn: lax
pwdAttribute: userPassword
pwdLockout: FALSE

dn: uid=lax,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: lax
cn: Lax
sn: Lax
userPassword: lax-password
pwdPolicySubentry: cn=lax,ou=policies,dc=example,dc=com

`

func TestRule02ADisableIsProven(t *testing.T) {
	t.Run("in force", func(t *testing.T) { eachDirectory(t, disableInForce) })
	t.Run("not in force", disableNotInForce)
	t.Run("policy of one's own", disablePolicyOfOnesOwn)
	t.Run("switched off in between", disableSwitchedOff)
	t.Run("an attribute", disableByAttribute)
	t.Run("a container", disableByMove)
	t.Run("instead of deleting", disableInsteadOfDeleting)
	t.Run("password reset", func(t *testing.T) { eachDirectory(t, passwordReset) })
	t.Run("reading back fails", disableUnread)
}

// disableInForce disables in each of the ways that a provider has, enables, and
// finds the password refused and accepted.
func disableInForce(t *testing.T, d *directory) {
	g := startGateway(t, d, setup{})
	id := g.id(t, "Ada.Lovelace")
	put := func(active any) string {
		return jsonOf(map[string]any{"schemas": []string{userSchema}, "id": id, "userName": "Ada.Lovelace", "active": active})
	}
	for name, ways := range map[string][2]request{
		"Entra":           {{"PATCH", "/Users/" + id, disable}, {"PATCH", "/Users/" + id, enable}},
		"Entra, flag":     {{"PATCH", "/Users/" + id, patchOf(operation("replace", "active", false))}, {"PATCH", "/Users/" + id, patchOf(operation("replace", "active", true))}},
		"Okta":            {{"PATCH", "/Users/" + id, patchOf(operation("replace", "", map[string]any{"active": false}))}, {"PATCH", "/Users/" + id, patchOf(operation("replace", "", map[string]any{"active": true}))}},
		"PUT":             {{"PUT", "/Users/" + id, put(false)}, {"PUT", "/Users/" + id, put(true)}},
		"PUT of a string": {{"PUT", "/Users/" + id, put("False")}, {"PUT", "/Users/" + id, put("True")}},
		"add":             {{"PATCH", "/Users/" + id, patchOf(operation("Add", "active", "False"))}, {"PATCH", "/Users/" + id, patchOf(operation("add", "active", "true"))}},
		"full path":       {{"PATCH", "/Users/" + id, patchOf(operation("replace", userSchema+":active", false))}, {"PATCH", "/Users/" + id, patchOf(operation("replace", userSchema+":active", true))}},
	} {
		d.signsIn(t, ada, "ada-password", true)
		off := g.want(t, 200, ways[0].method, ways[0].path, ways[0].body)
		if off.get("active") != "false" || off.Header.Get("Scimgate-Proof") != "" {
			t.Errorf("%s: the disable was answered %v %s", name, off.Header, off)
		}
		d.signsIn(t, ada, "ada-password", false)
		if a := g.want(t, 200, "GET", "/Users/"+id, ""); a.get("active") != "false" {
			t.Errorf("%s: read afterwards: %s", name, a)
		}
		if on := g.want(t, 200, ways[1].method, ways[1].path, ways[1].body); on.get("active") != "true" {
			t.Errorf("%s: the enable was answered %s", name, on)
		}
		d.signsIn(t, ada, "ada-password", true)
	}
	for _, proof := range g.proofs(t) {
		if proof != "proven" {
			t.Errorf("the journal has the proof %q", proof)
		}
	}
	// Who is created disabled is off from the first moment.
	body := strings.Replace(userBody("newcomer"), `"active":true`, `"active":false`, 1)
	if a := g.want(t, 201, "POST", "/Users", body); a.get("active") != "false" {
		t.Errorf("created disabled: %s", a)
	}
	d.signsIn(t, userDN("newcomer"), passwordOf("newcomer"), false)
	g.want(t, 200, "PATCH", "/Users/"+g.id(t, "newcomer"), enable)
	d.signsIn(t, userDN("newcomer"), passwordOf("newcomer"), true)
}

// disableNotInForce are directories in which a lock does not lock, or can't be
// seen. What is no disable is never answered as one.
func disableNotInForce(t *testing.T) {
	withoutName := []string{"password_policy cn=default,ou=policies,dc=example,dc=com\n", "\n"}
	for _, c := range []struct {
		name    string
		options slapd.Options
		replace []string
		status  int    // 200 with the proof header, or an error
		proof   string // in the metric
		off     bool   // whether the account is off all the same
	}{
		{"pwdLockout FALSE", slapd.Options{NoLockout: true}, nil, 502, "refuted", false},
		{"pwdLockout FALSE, policy not named", slapd.Options{NoLockout: true}, withoutName, 200, "unprovable", false},
		{"no default policy", slapd.Options{NoDefaultPolicy: true}, withoutName, 200, "unprovable", false},
		{"no default policy, one is named", slapd.Options{NoDefaultPolicy: true}, nil, 200, "unprovable", false},
		{"no policy overlay", slapd.Options{NoPolicy: true}, nil, 403, "", false},
		{"the lock is hidden", slapd.Options{HideLock: true}, nil, 502, "refuted", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := startSlapd(t, c.options)
			g := startGateway(t, d, setup{Replace: c.replace})
			id := g.id(t, "Ada.Lovelace")
			counted := g.metric(t, "caddy_scim_disables_total", fmt.Sprintf("proof=%q", c.proof))
			for range 2 { // a repetition is no better
				a := g.want(t, c.status, "PATCH", "/Users/"+id, disable)
				d.signsIn(t, ada, "ada-password", !c.off)
				if c.status != 200 {
					isSCIMError(t, a)
				}
				if isUnprovable := c.proof == "unprovable"; (a.Header.Get("Scimgate-Proof") == "unprovable") != isUnprovable {
					t.Errorf("answered %v %s", a.Header, a)
				}
				if c.proof == "" {
					continue
				}
				if line := g.requestLine(t, a); line.Get("proof").String() != c.proof {
					t.Errorf("the log line is %s", line)
				}
				if c.status == 502 && a.Header.Get("Retry-After") == "" {
					t.Errorf("answered %s, without when to try again", a)
				}
			}
			if c.proof == "" {
				return
			}
			if n := g.metric(t, "caddy_scim_disables_total", fmt.Sprintf("proof=%q", c.proof)) - counted; n != 2 {
				t.Errorf("%v disables are counted as %s, want 2", n, c.proof)
			}
			if proofs := g.proofs(t); len(proofs) == 0 || slices.ContainsFunc(proofs, func(p string) bool { return p != c.proof }) {
				t.Errorf("the journal has the proofs %q", proofs)
			}
			message := "a change of active did not take effect in the backend"
			if c.proof == "unprovable" {
				message = "the backend accepted a change of active and can't prove it"
			}
			if len(g.logged(t, message)) == 0 {
				t.Errorf("the log does not say %q", message)
			}
		})
	}
}

// disablePolicyOfOnesOwn is an account to which another policy applies than to
// those that were proven before.
func disablePolicyOfOnesOwn(t *testing.T) {
	d := startSlapd(t, slapd.Options{LDIF: laxPolicy})
	g := startGateway(t, d, setup{})
	lax := g.id(t, "lax")
	for range 2 {
		g.want(t, 200, "PATCH", "/Users/"+g.id(t, "Ada.Lovelace"), disable)
		a := g.want(t, 502, "PATCH", "/Users/"+lax, disable)
		if !strings.Contains(a.get("detail"), "not proven to be disabled") {
			t.Errorf("answered %s", a)
		}
		d.signsIn(t, userDN("lax"), "lax-password", true)
	}
}

// disableSwitchedOff is a password policy that somebody takes the teeth out of
// between two disables. That the first was proven a moment ago proves nothing of
// the second.
func disableSwitchedOff(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{})
	lockout := func(value string) {
		t.Helper()
		request := ldap.NewModifyRequest(slapd.DefaultPolicy, nil)
		request.Replace("pwdLockout", []string{value})
		if err := d.Slapd.Admin(t).Modify(request); err != nil {
			t.Fatal(err)
		}
	}
	id := g.id(t, "Grace.Hopper")
	g.want(t, 200, "PATCH", "/Users/"+g.id(t, "Ada.Lovelace"), disable)
	d.signsIn(t, ada, "ada-password", false)
	lockout("FALSE")
	a := g.want(t, 502, "PATCH", "/Users/"+id, disable)
	if isSCIMError(t, a); !strings.Contains(a.get("detail"), "not proven to be disabled") || a.Header.Get("Retry-After") == "" {
		t.Errorf("answered %v %s", a.Header, a)
	}
	d.signsIn(t, userDN("Grace.Hopper"), "grace-password", true)
	g.want(t, 502, "PATCH", "/Users/"+g.id(t, "Ada.Lovelace"), disable) // a repetition is looked at as well
	lockout("TRUE")
	g.want(t, 200, "PATCH", "/Users/"+id, disable)
	d.signsIn(t, userDN("Grace.Hopper"), "grace-password", false)
	if got := g.proofs(t); !slices.Equal(got, []string{"proven", "refuted", "refuted"}) { // who was proven to be off already has no intent
		t.Errorf("the journal has the proofs %q", got)
	}
}

// disableByAttribute is a mark that only applications look at.
func disableByAttribute(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{Replace: []string{"disable password_policy", "disable attribute businessCategory disabled"}})
	id := g.id(t, "Ada.Lovelace")
	counted := g.metric(t, "caddy_scim_disables_total", `proof="unprovable"`)
	a := g.want(t, 200, "PATCH", "/Users/"+id, disable)
	if a.get("active") != "false" || a.Header.Get("Scimgate-Proof") != "unprovable" {
		t.Errorf("answered %v %s", a.Header, a)
	}
	if got := d.values(t, ada, "businessCategory"); !slices.Equal(got, []string{"disabled"}) {
		t.Errorf("the mark is %q", got)
	}
	if proofs := g.proofs(t); !slices.Equal(proofs, []string{"unprovable"}) {
		t.Errorf("the journal has the proofs %q", proofs)
	}
	if n := g.metric(t, "caddy_scim_disables_total", `proof="unprovable"`) - counted; n != 1 {
		t.Errorf("%v are counted", n)
	}
	if a := g.want(t, 200, "PATCH", "/Users/"+id, enable); a.get("active") != "true" {
		t.Errorf("enabled: %s", a)
	}
	if got := d.values(t, ada, "businessCategory"); len(got) != 0 {
		t.Errorf("the mark is %q", got)
	}
}

// disableByMove together with the policy: both must be in place.
func disableByMove(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{Replace: []string{"disable password_policy", "disable password_policy\ndisable move ou=disabled,ou=people,dc=example,dc=com\ncreate_in ou=people,dc=example,dc=com"}})
	id := g.id(t, "Ada.Lovelace")
	if a := g.want(t, 200, "PATCH", "/Users/"+id, disable); a.get("active") != "false" || a.get("id") != id {
		t.Errorf("disabled: %s", a)
	}
	moved := "uid=Ada.Lovelace,ou=disabled," + people
	if d.entry(t, moved) == nil || d.entry(t, ada) != nil {
		t.Errorf("Ada is at %q", d.matching(t, "(uid=Ada.Lovelace)"))
	}
	d.signsIn(t, moved, "ada-password", false)
	g.want(t, 200, "PATCH", "/Users/"+id, enable)
	d.signsIn(t, ada, "ada-password", true)
}

func disableInsteadOfDeleting(t *testing.T) {
	users := []string{"disable password_policy\n\t\t\t\tdelete remove", "disable password_policy\n\t\t\t\tdelete disable"}
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{Replace: users})
	id := g.id(t, "Ada.Lovelace")
	g.want(t, 204, "DELETE", "/Users/"+id, "")
	d.signsIn(t, ada, "ada-password", false)
	if d.entry(t, ada) == nil {
		t.Error("the entry is gone")
	}
	lax := startSlapd(t, slapd.Options{NoLockout: true})
	g2 := startGateway(t, lax, setup{Replace: users})
	g2.want(t, 502, "DELETE", "/Users/"+g2.id(t, "Ada.Lovelace"), "")
	lax.signsIn(t, ada, "ada-password", true)
}

// passwordReset is the trap of directories that take the lock away when the
// password is set (directories.md §4.1-3).
func passwordReset(t *testing.T, d *directory) {
	g := startGateway(t, d, setup{})
	id := g.id(t, "Ada.Lovelace")
	g.want(t, 200, "PATCH", "/Users/"+id, disable)
	const fresh = "Fresh-Password-19"
	for name, r := range map[string]request{
		"PATCH of the password":           {"PATCH", "/Users/" + id, patchOf(operation("Replace", "password", fresh))},
		"PATCH, password and off":         {"PATCH", "/Users/" + id, patchOf(operation("Replace", "password", fresh), operation("Replace", "active", "False"))},
		"PATCH, off and password":         {"PATCH", "/Users/" + id, patchOf(operation("Replace", "active", "False"), operation("Replace", "password", fresh))},
		"PUT, password and off":           {"PUT", "/Users/" + id, jsonOf(map[string]any{"schemas": []string{userSchema}, "userName": "Ada.Lovelace", "active": false, "password": fresh})},
		"PUT of the password":             {"PUT", "/Users/" + id, jsonOf(map[string]any{"schemas": []string{userSchema}, "userName": "Ada.Lovelace", "password": fresh})},
		"PATCH without path, and a title": {"PATCH", "/Users/" + id, patchOf(operation("replace", "", map[string]any{"password": fresh, "title": "Countess"}))},
	} {
		if a := g.want(t, 200, r.method, r.path, r.body); a.get("active") != "false" {
			t.Errorf("%s: %s", name, a)
		}
		d.signsIn(t, ada, fresh, false)
		d.signsIn(t, ada, "ada-password", false)
	}
	g.want(t, 200, "PATCH", "/Users/"+id, enable)
	d.signsIn(t, ada, fresh, true)

	// From on to off with a password in one request.
	if a := g.want(t, 200, "PUT", "/Users/"+id, jsonOf(map[string]any{"schemas": []string{userSchema},
		"userName": "Ada.Lovelace", "active": false, "password": fresh + "+"})); a.get("active") != "false" {
		t.Errorf("off with a password: %s", a)
	}
	d.signsIn(t, ada, fresh+"+", false)
	d.signsIn(t, ada, fresh, false)
	// And back, with another.
	g.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "active", "True"), operation("Replace", "password", fresh+"++")))
	d.signsIn(t, ada, fresh+"++", true)
}

// disableUnread is a lock that was written and could not be read back: neither
// success nor "nothing happened".
func disableUnread(t *testing.T) {
	d := startSlapd(t, slapd.Options{})
	proxy := slapd.NewProxy(t, d.Slapd.Addr())
	g := startGateway(t, d, setup{Servers: proxy.URL(), Translator: []string{briefly}})
	id := g.id(t, "Ada.Lovelace")
	silenceAfterModify(proxy)
	a := g.want(t, 504, "PATCH", "/Users/"+id, disable)
	isFault(t, "disable", a)
	proxy.BlackHole(false)
	proxy.OnResponse(nil)
	if a := g.eventually(t, 200, "PATCH", "/Users/"+id, disable); a.get("active") != "false" {
		t.Errorf("repeated: %s", a)
	}
	d.signsIn(t, ada, "ada-password", false)
}
