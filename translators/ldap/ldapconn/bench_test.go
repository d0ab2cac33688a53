package ldapconn_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
)

// BenchmarkSearchByID compares a search by entryUUID through the pool with the
// same on a bare go-ldap connection, both with a request timeout. "bare-2"
// shares two connections as the pool does.
func BenchmarkSearchByID(b *testing.B) {
	s := startServer(b, slapd.Options{LDIF: people(1000)})
	pool := newPool(b, nil, s.URL())
	found, err := pool.Search(b.Context(), findAda())
	if err != nil {
		b.Fatal(err)
	}
	filter := "(entryUUID=" + ldap.EscapeFilter(found.Entries[0].GetAttributeValue("entryUUID")) + ")"
	request := func() *ldap.SearchRequest {
		return ldap.NewSearchRequest(slapd.People, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, 10, false,
			filter, []string{"uid", "cn", "sn", "mail", "entryUUID", "entryCSN"}, nil)
	}
	bare := func(n int) func(context.Context, int) error {
		var conns []*ldap.Conn
		for range n {
			conn, err := ldap.DialURL(s.URL())
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = conn.Close() })
			conn.SetTimeout(10_000_000_000)
			if err := conn.Bind(slapd.ServiceDN, slapd.ServicePassword); err != nil {
				b.Fatal(err)
			}
			conns = append(conns, conn)
		}
		return func(_ context.Context, client int) error {
			_, err := conns[client%n].Search(request())
			return err
		}
	}
	through := func(ctx context.Context, _ int) error {
		_, err := pool.Search(ctx, request())
		return err
	}
	for _, clients := range []int{1, 8, 32} {
		for _, way := range []struct {
			name   string
			search func(context.Context, int) error
		}{{"bare-1", bare(1)}, {"bare-2", bare(2)}, {"pool", through}} {
			b.Run(fmt.Sprintf("clients=%d/%s", clients, way.name), func(b *testing.B) {
				b.ReportAllocs()
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				var group sync.WaitGroup
				for client := range clients {
					group.Go(func() {
						for i := client; i < b.N; i += clients {
							if err := way.search(ctx, client); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				group.Wait()
			})
		}
	}
}
