package e2e

import "testing"

// The rest of this package stands on what is tested here.
func TestHarness(t *testing.T) {
	eachDirectory(t, func(t *testing.T, d *directory) {
		g := startGateway(t, d, setup{})
		if !d.canBind(t, ada, "ada-password") {
			t.Fatal("Ada can't sign in to begin with")
		}
		id := g.id(t, "ada.lovelace")
		a := g.want(t, 200, "PATCH", "/Users/"+id, disable)
		if a.get("active") != "false" {
			t.Errorf("the disable was answered %s", a)
		}
		if d.canBind(t, ada, "ada-password") {
			t.Error("Ada was disabled and can still sign in")
		}
		if lines := g.journal(t); len(lines) == 0 || lines[0].Operation != "disable" || lines[0].Resource != id {
			t.Errorf("the journal has %+v", lines)
		}
		waitFor(t, "the outcome", func() bool { return len(g.openIntents(t)) == 0 })
		if line := g.requestLine(t, a); line.Get("proof").String() != "proven" {
			t.Errorf("the log line is %s", line)
		}
		if n := g.metric(t, "caddy_scim_disables_total", `proof="proven"`); n < 1 {
			t.Errorf("%v disables are counted as proven:\n%s", n, g.metricsText(t))
		}
	})
}
