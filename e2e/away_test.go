package e2e

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	servers "github.com/scimgate/scimgate/internal/postgres"
	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/modules/journal"
	"github.com/scimgate/scimgate/modules/store/storetest"
)

// The PostgreSQL of the store goes away. Writes are refused before the directory sees
// them, reads go on, and a disable is carried out and proven. Its entry is in the
// journal once the store is back, also if the gateway ended before, and once.
func TestStoreIsAway(t *testing.T) {
	for name, fault := range map[string]func(*servers.Server) error{
		"stopped": (*servers.Server).Stop, "killed": (*servers.Server).Kill, "frozen": (*servers.Server).Freeze,
	} {
		t.Run(name, func(t *testing.T) {
			server := servers.Start(t)
			dsn := server.Database(t)
			d := startSlapd(t, slapd.Options{})
			proxy := slapd.NewProxy(t, d.Slapd.Addr())
			g := startGateway(t, d, setup{Servers: proxy.URL(), Replace: []string{"store sqlite", "store postgres " + dsn + " #"}})
			alan, leaver := g.id(t, "Alan.Turing"), g.create(t, "leaver")
			g.want(t, 200, "PATCH", "/Users/"+alan, patchOf(operation("Replace", "title", "before")))

			if err := fault(server); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the store to be missed", func() bool {
				return g.do(t, "PATCH", "/Users/"+alan, patchOf(operation("Replace", "title", "found out"))).Status == 503
			})
			before := d.dump(t)
			for _, write := range []request{
				{"PATCH", "/Users/" + alan, patchOf(operation("Replace", "title", "refused"))},
				{"POST", "/Users", userBody("refused")},
				{"POST", "/Users", strings.Replace(userBody("refused"), `"active":true`, `"active":false`, 1)},
				{"DELETE", "/Users/" + alan, ""},
				{"POST", "/Groups", `{"displayName":"refused"}`},
			} {
				a := g.want(t, 503, write.method, write.path, write.body)
				isSCIMError(t, a)
				if a.Header.Get("Retry-After") == "" {
					t.Errorf("%s %s: there is no Retry-After", write.method, write.path)
				}
			}
			if after := d.dump(t); after != before {
				t.Errorf("the directory was changed:\n%s", difference(before, after))
			}
			g.want(t, 200, "GET", "/Users/"+alan, "")
			if a := g.want(t, 200, "PATCH", "/Users/"+leaver, disable); a.get("active") != "false" {
				t.Errorf("disabling: %s", a)
			}
			d.signsIn(t, userDN("leaver"), passwordOf("leaver"), false)
			g.want(t, 503, "PATCH", "/Users/"+leaver, enable)
			if got := g.metric(t, "caddy_scim_journal_spooled"); got != 1 {
				t.Errorf("the metric says that %v disables are in the local file", got)
			}
			if got := g.metric(t, "caddy_scim_journal_usable"); got != 0 {
				t.Errorf("the metric says that the journal is usable: %v", got)
			}

			// The gateway ends, the store comes back, and the gateway.
			if err := caddy.Stop(); err != nil {
				t.Fatal(err)
			}
			if name == "frozen" {
				if err := server.Thaw(); err != nil {
					t.Fatal(err)
				}
			} else if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
			if err := g.load(t); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the local file to be imported", func() bool {
				return g.metric(t, "caddy_scim_journal_spooled") == 0 && g.metric(t, "caddy_scim_journal_usable") == 1
			})
			g.want(t, 200, "PATCH", "/Users/"+alan, patchOf(operation("Replace", "title", "afterwards")))
			disables := 0
			for e, err := range journal.Read(t.Context(), storetest.Open(t, storetest.At(t, dsn)), journal.Query{}) {
				switch {
				case err != nil:
					t.Fatal(err)
				case e.Operation == "disable":
					disables++
					if e.Resource != leaver || e.Name != "leaver" || e.Proof != "proven" || e.Result != journal.Applied || !strings.Contains(e.Calls[0].Text, "pwdAccountLockedTime") {
						t.Errorf("the entry is %+v", e)
					}
				case strings.Contains(string(changeOf(e, "title")), "refused"):
					t.Errorf("a write that was refused at once has the entry %+v", e)
				case strings.Contains(string(changeOf(e, "title")), "found out") && e.Result != journal.NotApplied && e.Result != journal.Applied:
					t.Errorf("the write that was refused first is open: %+v", e)
				}
			}
			if disables != 1 {
				t.Errorf("the journal has %d disables, want 1", disables)
			}
		})
	}
}

// changeOf returns what an attribute is changed to.
func changeOf(e journal.Entry, attribute string) []byte {
	for _, c := range e.Changes {
		if c.Attribute == attribute {
			return c.To
		}
	}
	return nil
}
