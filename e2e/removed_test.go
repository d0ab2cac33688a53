package e2e

import "testing"

// TestRemovedPassword: what is never shown can be removed all the same. Whoever
// takes a password away takes it for done when the answer says so.
func TestRemovedPassword(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{})
		for name, send := range map[string]func(id string) answer{
			"patched": func(id string) answer {
				return g.do(t, "PATCH", "/Users/"+id, `{"Operations":[{"op":"remove","path":"password"},{"op":"remove","path":"password"}]}`)
			},
			"patched-with-more": func(id string) answer {
				return g.do(t, "PATCH", "/Users/"+id, `{"Operations":[{"op":"remove","path":"password"},{"op":"replace","path":"title","value":"x"}]}`)
			},
			"patched-in-1-1": func(id string) answer {
				return g.do(t, "PATCH", g.tenantURL("1.1")+"/Users/"+id, `{"meta":{"attributes":["password"]}}`)
			},
		} {
			a := g.want(t, 201, "POST", "/Users", jsonOf(bulkUser(name)))
			d.signsIn(t, userDN(name), passwordOf(name), true)
			for range 2 { // twice is once
				if a := send(a.get("id")); a.Status != 200 {
					t.Errorf("%s: %s", name, a)
				}
				d.signsIn(t, userDN(name), passwordOf(name), false)
			}
		}
	})
}
