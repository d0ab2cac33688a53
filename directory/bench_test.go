package directory_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/scimgate/scimgate/directory"
)

// manyPeople writes n people and one group with the first half of them.
func manyPeople(n int) string {
	var text strings.Builder
	text.WriteString(seed)
	for i := range n {
		fmt.Fprintf(&text, "\ndn: uid=user%d,%s\nobjectClass: inetOrgPerson\nuid: user%d\ncn: User %d\nsn: User\ngivenName: N%d\nmail: user%d@example.com\nemployeeNumber: %d\nuserPassword: secret-%d\n", i, people, i, i, i, i, i, i)
	}
	fmt.Fprintf(&text, "\ndn: cn=half,%s\nobjectClass: groupOfNames\ncn: half\n", groups)
	for i := range n / 2 {
		fmt.Fprintf(&text, "member: uid=user%d,%s\n", i, people)
	}
	return text.String()
}

func BenchmarkLoad10000(b *testing.B) {
	ldif := manyPeople(10000)
	for b.Loop() {
		s, err := directory.New(options())
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Load(strings.NewReader(ldif)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOperations(b *testing.B) {
	_, addr := start(b, options(), manyPeople(10000))
	c := admin(b, addr)
	ask := func(scope int, under, filter string, attributes ...string) {
		if _, err := c.Search(ldap.NewSearchRequest(under, scope, 0, 0, 0, false, filter, attributes, nil)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("find by uid", func(b *testing.B) {
		for b.Loop() {
			ask(ldap.ScopeWholeSubtree, base, "(&(objectClass=inetOrgPerson)(uid=user77))", "*")
		}
	})
	b.Run("find in parallel", func(b *testing.B) {
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				ask(ldap.ScopeWholeSubtree, base, "(uid=user77)", "*")
			}
		})
	})
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			ask(ldap.ScopeWholeSubtree, base, "(cn=user 77)", "1.1")
		}
	})
	b.Run("read a group of 5000", func(b *testing.B) {
		for b.Loop() {
			ask(ldap.ScopeBaseObject, "cn=half,"+groups, "(objectClass=*)", "member")
		}
	})
	b.Run("one member more and less, group of 5000", func(b *testing.B) {
		for b.Loop() {
			for _, change := range []ldap.Change{more("member", "uid=user9999,"+people), less("member", "uid=user9999,"+people)} {
				if err := c.Modify(modifyRequest("cn=half,"+groups, nil, change)); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("rename a member of the group", func(b *testing.B) {
		for b.Loop() {
			for _, names := range [][2]string{{"user1", "renamed"}, {"renamed", "user1"}} {
				if err := c.ModifyDN(ldap.NewModifyDNRequest("uid="+names[0]+","+people, "uid="+names[1], true, "")); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("page of 100", func(b *testing.B) {
		for b.Loop() {
			paging := ldap.NewControlPaging(100)
			if _, err := c.Search(ldap.NewSearchRequest(people, 1, 0, 0, 0, false, "(objectClass=inetOrgPerson)", nil, []ldap.Control{paging})); err != nil {
				b.Fatal(err)
			}
		}
	})
}
