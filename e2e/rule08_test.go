package e2e

import (
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// TestRule08TheBackendIsTheTruth changes the directory behind the gateway's
// back: the next answer shows it.
func TestRule08TheBackendIsTheTruth(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{})
		id, group := g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering")
		read := func() answer { return g.want(t, 200, "GET", "/Users/"+id, "") }
		for range 2 { // anything that could be remembered is
			read()
			g.want(t, 200, "GET", "/Groups/"+group, "")
			g.want(t, 200, "GET", "/Users", "")
		}
		version := read().get("meta.version")

		d.modify(t, ada, "title", "Countess")
		a := read()
		if a.get("title") != "Countess" || a.get("meta.version") == version {
			t.Errorf("after a change of the title: %s", a)
		}
		if got := g.only(t, "/Users", `title eq "Countess"`); got != id {
			t.Errorf("the new title is that of %s", got)
		}

		d.modify(t, ada, "pwdAccountLockedTime", "000001010000Z")
		if a := read(); a.get("active") != "false" {
			t.Errorf("after a lock: %s", a)
		}
		d.modify(t, ada, "pwdAccountLockedTime")
		if a := read(); a.get("active") != "true" {
			t.Errorf("after the lock was taken away: %s", a)
		}

		rename := func(dn, rdn string) {
			d.with(t, func(conn *ldap.Conn) error { return conn.ModifyDN(ldap.NewModifyDNRequest(dn, rdn, true, "")) })
		}
		rename(groupDN("Engineering"), "cn=Poetry")
		if a := read(); a.get("groups.0.display") != "Poetry" || a.get("groups.0.value") != group {
			t.Errorf("after the group was renamed: %s", a)
		}
		if a := g.want(t, 200, "GET", "/Groups/"+group, ""); a.get("displayName") != "Poetry" {
			t.Errorf("after the group was renamed: %s", a)
		}
		g.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Add", "members", members(g.id(t, "Alan.Turing")))))

		// Names that moved on: Ada becomes Lady, and Alan becomes Ada.
		rename(ada, "uid=Lady")
		rename(alan, "uid=Ada.Lovelace")
		if a := read(); a.get("userName") != "Lady" {
			t.Errorf("after the names moved on: %s", a)
		}
		g.want(t, 200, "PATCH", "/Users/"+id, disable)
		d.signsIn(t, userDN("Lady"), "ada-password", false)
		d.signsIn(t, ada, "alan-password", true)
		g.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Remove", "members", members(id))))
		if got := d.values(t, groupDN("Poetry"), "member"); len(got) != 2 || strings.Contains(strings.Join(got, "\n"), "Lady") {
			t.Errorf("the group has the members %q", got)
		}
		g.want(t, 200, "PATCH", "/Users/"+g.id(t, "Grace.Hopper"), patchOf(operation("Replace", enterprise+":manager", id)))
		if got := d.values(t, grace, "manager"); len(got) != 1 || !sameDN(got[0], userDN("Lady")) {
			t.Errorf("the manager is %q", got)
		}

		d.with(t, func(conn *ldap.Conn) error { return conn.Del(ldap.NewDelRequest(userDN("Lady"), nil)) })
		g.want(t, 404, "GET", "/Users/"+id, "")
		g.want(t, 404, "PATCH", "/Users/"+id, enable)
		if a := g.want(t, 200, "GET", filterPath("/Users", `userName eq "Lady"`), ""); a.get("totalResults") != "0" {
			t.Errorf("after the entry was deleted: %s", a)
		}
		if a := g.want(t, 200, "GET", "/Users", ""); a.get("totalResults") != "3" {
			t.Errorf("after the entry was deleted: %s", a)
		}

		// The next page of a list that was begun before leaves out who is gone.
		first := g.want(t, 200, "GET", "/Users?startIndex=1&count=2", "")
		var rest []string
		for _, r := range []string{"Grace.Hopper", "svc-backup", "Ada.Lovelace"} {
			if other := g.id(t, r); !strings.Contains(first.Body, other) {
				rest = append(rest, r)
			}
		}
		d.with(t, func(conn *ldap.Conn) error { return conn.Del(ldap.NewDelRequest(userDN(rest[0]), nil)) })
		if a := g.want(t, 200, "GET", "/Users?startIndex=3&count=2", ""); a.get("Resources.#") != "0" {
			t.Errorf("the second page is %s", a)
		}
	})
}
