package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// TestRule07TheIDIsTheBackends follows people and groups through renames and
// moves by their ids.
func TestRule07TheIDIsTheBackends(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{})
		id, group := g.id(t, "Ada.Lovelace"), g.groupID(t, "Engineering")
		if got := d.values(t, ada, "entryUUID"); !slices.Equal(got, []string{id}) {
			t.Errorf("the id is %s and the entryUUID %q", id, got)
		}
		if got := d.values(t, groupDN("Engineering"), "entryUUID"); !slices.Equal(got, []string{group}) {
			t.Errorf("the group's id is %s and the entryUUID %q", group, got)
		}
		for _, userName := range []string{"ada.byron", "Ada.Byron", "Ada+Byron, \"the\" #1; <Countess>\\", " ada "} {
			a := g.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "userName", userName)))
			if a.get("id") != id || a.get("userName") != userName {
				t.Errorf("renamed to %q: %s", userName, a)
			}
			if found := g.id(t, userName); found != id {
				t.Errorf("%q has the id %s, want %s", userName, found, id)
			}
			if dns := d.matching(t, "(entryUUID="+id+")"); len(dns) != 1 || !d.canBind(t, dns[0], "ada-password") {
				t.Errorf("after the rename to %q Ada is at %q", userName, dns)
			} else if members := d.values(t, groupDN("Engineering"), "member"); !slices.ContainsFunc(members, func(m string) bool { return sameDN(m, dns[0]) }) {
				t.Errorf("after the rename to %q the group has the members %q", userName, members)
			}
			if a := g.want(t, 200, "GET", "/Groups/"+group, ""); !strings.Contains(a.Body, id) {
				t.Errorf("after the rename to %q the group is %s", userName, a)
			}
		}
		g.want(t, 200, "PUT", "/Users/"+id, jsonOf(map[string]any{"schemas": []string{userSchema}, "userName": "countess"}))
		g.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Replace", "displayName", "Analytical Engines")))
		if got := d.values(t, groupDN("Analytical Engines"), "entryUUID"); !slices.Equal(got, []string{group}) {
			t.Errorf("the renamed group has the entryUUID %q", got)
		}

		// Moved by somebody else.
		d.with(t, func(conn *ldap.Conn) error {
			branch := ldap.NewAddRequest("ou=analysts,"+people, nil)
			branch.Attribute("objectClass", []string{"organizationalUnit"})
			branch.Attribute("ou", []string{"analysts"})
			if err := conn.Add(branch); err != nil {
				return err
			}
			return conn.ModifyDN(ldap.NewModifyDNRequest(userDN("countess"), "uid=countess", true, "ou=analysts,"+people))
		})
		if a := g.want(t, 200, "GET", "/Users/"+id, ""); a.get("userName") != "countess" {
			t.Errorf("after the move: %s", a)
		}
		g.want(t, 200, "PATCH", "/Users/"+id, disable)
		d.signsIn(t, "uid=countess,ou=analysts,"+people, "ada-password", false)
		g.want(t, 204, "PATCH", "/Groups/"+group, patchOf(operation("Remove", "members", members(id))))
		if a := g.want(t, 200, "GET", "/Groups/"+group, ""); strings.Contains(a.Body, id) || a.get("members.#") != "1" {
			t.Errorf("after the removal: %s", a)
		}

		// Somebody new of the same name is somebody else.
		g.want(t, 204, "DELETE", "/Users/"+id, "")
		again := g.create(t, "countess")
		if again == id {
			t.Error("the id was given twice")
		}
		g.want(t, 404, "GET", "/Users/"+id, "")
		g.want(t, 404, "PATCH", "/Users/"+id, disable)
		d.signsIn(t, userDN("countess"), passwordOf("countess"), true)

		// An id is compared exactly (RFC 7643 §3.1).
		g.want(t, 404, "GET", "/Users/"+strings.ToUpper(again), "")
		g.want(t, 404, "GET", "/Groups/"+again, "")
	})
}

func sameDN(a, b string) bool {
	x, err := ldap.ParseDN(a)
	if err != nil {
		return false
	}
	y, err := ldap.ParseDN(b)
	return err == nil && x.EqualFold(y)
}
