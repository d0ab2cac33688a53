package ldap

import (
	"fmt"
	"sync"
	"testing"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/translators"
)

// TestTwoGatewaysCompareAndSet has two gateways, which share no lock, change one
// entry at a time, each for the version that it has read: of each version one
// write comes through.
func TestTwoGatewaysCompareAndSet(t *testing.T) {
	for name, head := range map[string]string{"openldap": "", "generic": "directory generic {\nid entryUUID uuid\nversion entryCSN\n}\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := slapd.Start(t, slapd.Options{NoSync: true})
			var gateways []*Translator
			for range 2 {
				gateways = append(gateways, configure(t, server.URL(), "bind "+server.ServiceDN+" "+server.ServicePassword+"\n"+head, users(t, byAttribute), groupsBlock))
			}
			first := gateways[0]
			id := add(t, first, first.users, person("ada"))
			change(t, first, first.users, id, values{"title": "0"})
			const writers, writes = 4, 10 // of each gateway
			var all sync.WaitGroup
			for n := range 2 * writers {
				tr := gateways[n%2]
				all.Go(func() {
					for done := 0; done < writes; {
						entries, err := tr.Read(t.Context(), tr.users.served.ResourceType, []string{id}, whole)
						if err != nil || len(entries) != 1 {
							t.Errorf("reading: %v", err)
							return
						}
						var count int
						r := entries[0].Resource
						_, _ = fmt.Sscan(r.Get(r.Type.Attribute("title")).Text(), &count)
						in := updating(t, tr.users, entries[0], values{"title": fmt.Sprint(count + 1)})
						in.Version = r.Meta.Version
						plan, err := tr.Plan(t.Context(), in)
						if err == nil {
							err = translators.Execute(t.Context(), plan).Err
						}
						switch translators.KindOf(err) {
						case "":
							if err != nil {
								t.Errorf("writing: %v", err)
								return
							}
							done++
						case translators.Changed:
							// another was quicker
						default:
							t.Errorf("writing: %v", err)
							return
						}
					}
				})
			}
			all.Wait()
			if got, want := stored(t, server, "(uid=ada)").GetAttributeValue("title"), fmt.Sprint(2*writers*writes); got != want {
				t.Errorf("after %s writes that were answered with success the count is %s", want, got)
			}
		})
	}
}
