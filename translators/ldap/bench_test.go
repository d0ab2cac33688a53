package ldap

import (
	"context"
	"fmt"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/scimgate/scimgate/internal/slapd"
	"github.com/scimgate/scimgate/scim"
	"github.com/scimgate/scimgate/translators"
)

// BenchmarkLookup finds a user by userName, and makes the same search without
// what turns it into SCIM.
func BenchmarkLookup(b *testing.B) {
	const n = 10_000
	tr, _ := serve(b, slapd.Options{LDIF: crowd(n, "groupOfNames", "member", "uid=", ",ou=people,dc=example,dc=com"), NoSync: true})
	rt := tr.users.served.ResourceType
	selection := translators.Selection{All: true}
	attributes := tr.attributesOf(tr.users, selection)
	b.Run("translator", func(b *testing.B) {
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				f, err := scim.ParseFilter(rt, fmt.Sprintf(`userName eq "u%06d"`, i%n), scim.FilterLimits{})
				if err != nil {
					b.Error(err)
				}
				result, err := tr.Search(b.Context(), translators.Query{Type: rt, Filter: f, Selection: selection, Limit: 2})
				if err != nil || len(result.Entries) != 1 {
					b.Errorf("%d entries, %v", len(result.Entries), err)
				}
			}
		})
	})
	b.Run("pool", func(b *testing.B) {
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				result, err := tr.pool.Search(b.Context(), goldap.NewSearchRequest(slapd.People, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases,
					2, 0, false, fmt.Sprintf("(&(objectClass=inetOrgPerson)(uid=u%06d))", i%n), attributes, nil))
				if err != nil || len(result.Entries) != 1 {
					b.Errorf("%v", err)
				}
			}
		})
	})
}

// BenchmarkMembers reads a group of 5,000 with the ids of its members, and makes
// the same searches without what turns them into SCIM.
func BenchmarkMembers(b *testing.B) {
	const n = 5000
	tr, _ := serve(b, slapd.Options{LDIF: crowd(n, "groupOfNames", "member", "uid=", ",ou=people,dc=example,dc=com"), NoSync: true})
	group := idOf(b, tr, tr.groups, `displayName eq "crowd"`)
	b.Run("translator", func(b *testing.B) {
		for b.Loop() {
			read := 0
			eachMember(b, b.Context(), tr, group, func(string) bool { read++; return true })
			if read != n {
				b.Fatalf("read %d members", read)
			}
		}
	})
	b.Run("pool", func(b *testing.B) {
		for b.Loop() {
			found, err := tr.locate(b.Context(), tr.groups, []string{group}, []string{"member"})
			if err != nil {
				b.Fatal(err)
			}
			values := attributeValues(found[group], "member")
			err = inBatches(b.Context(), values, func(ctx context.Context, batch []string) error {
				var filters []string
				for _, v := range batch {
					filters = append(filters, "(uid="+v[len("uid="):len("uid=u000000")]+")")
				}
				_, err := tr.pool.Search(ctx, tr.users.request(anyOf(filters), []string{"entryUUID"}, 0))
				return err
			})
			if err != nil || len(values) != n {
				b.Fatalf("%d members, %v", len(values), err)
			}
		}
	})
}
