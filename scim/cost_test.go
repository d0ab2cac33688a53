package scim

import (
	"fmt"
	"iter"
	"strings"
	"testing"
)

// cost is a piece of work of the language alone, and how many allocations it may
// take. A ceiling stands a little above what it takes today; who raises one says
// why.
type cost struct {
	name    string
	ceiling float64
	run     func() error
}

// costs returns what a gateway does all day, and what is large.
func costs(tb testing.TB) []cost {
	tb.Helper()
	d := everything()
	users, groups := d.Types[0], d.Types[1]
	decode := func(r Request) func() error {
		return func() error {
			_, err := d.Decode(r)
			return err
		}
	}
	user := fullUser(tb, users)
	group := given(tb, groups, `{"displayName":"Engineering"}`)
	group.ID = "9a1b"
	out := Output{Base: testBase}
	dst := make([]byte, 0, 4<<20)

	const lookup = `userName eq "ada.lovelace@example.com"`
	bulk := Request{Method: "POST", Path: "/Bulk", Body: []byte(bulkOf(100))}
	return []cost{
		{"decode: lookup", 6, decode(Request{Method: "GET", Path: "/Users", RawQuery: "filter=userName+eq+%22ada.lovelace%40example.com%22"})},
		{"decode: read", 2, decode(Request{Method: "GET", Path: "/Users/2819c223-7f76-453a-919d-413861904646"})},
		{"decode: Entra creates", 80, decode(Request{Method: "POST", Path: "/Users", ContentType: "application/scim+json; charset=utf-8", Body: []byte(entraCreate)})},
		{"decode: Entra changes", 34, decode(Request{Method: "PATCH", Path: "/Users/2819c223", ContentType: "application/scim+json; charset=utf-8", Body: []byte(entraPatch)})},
		{"decode: Entra disables", 14, decode(Request{Method: "PATCH", Path: "/Users/2819c223", Body: []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`)})},
		{"decode: a Bulk of 100, each with a reference", 9800, func() error {
			op, err := d.Decode(bulk)
			if err != nil {
				return err
			}
			ids := map[string]string{}
			for _, o := range op.Bulk.Operations {
				for _, bulkID := range o.References() {
					ids[bulkID] = "2819c223"
				}
				if _, err := d.Decode(o.Resolve(ids).Request()); err != nil {
					return err
				}
			}
			return nil
		}},
		{"filter: a lookup is read and held against a user", 3, func() error {
			f, err := ParseFilter(users, lookup, FilterLimits{})
			if err == nil && Match(f, user) {
				err = fmt.Errorf("ada matches %s", lookup)
			}
			return err
		}},
		{"encode: a user", 2, func() error {
			_, err := AppendResource(dst, user, Projection{}, out, nil)
			return err
		}},
		{"encode: a list of 100 users", 105, func() error {
			list := NewListEncoder(dst, Page{Total: 100, StartIndex: 1}, out)
			for range 100 {
				if err := list.Add(user, Projection{}, nil); err != nil {
					return err
				}
			}
			list.Finish()
			return nil
		}},
		{"encode: a group of 5,000 members", 6, func() error {
			_, err := AppendResource(dst, group, Projection{}, out, sameMember(5_000))
			return err
		}},
	}
}

// BenchmarkCosts measures the same work that [TestCosts] counts.
func BenchmarkCosts(b *testing.B) {
	for _, c := range costs(b) {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func sameMember(n int) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		for range n {
			if !yield(Member{ID: "2819c223-7f76-453a-919d-413861904646", Type: "User"}, nil) {
				return
			}
		}
	}
}

// bulkOf returns a Bulk that creates users, each with the one before as manager.
func bulkOf(n int) string {
	var b strings.Builder
	b.WriteString(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":1,"Operations":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"method":"POST","path":"/Users","bulkId":"u%d","data":{"schemas":["%s","%s"],"userName":"user%d","active":true,
			"name":{"givenName":"Ada","familyName":"Lovelace"},"%s":{"manager":{"value":"bulkId:u%d"}}}}`,
			i, SchemaUser, SchemaEnterprise, i, SchemaEnterprise, max(i-1, 0))
	}
	b.WriteString("]}")
	return b.String()
}

const entraCreate = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
	"externalId":"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef","userName":"Test_User_ab6490ee","active":true,
	"emails":[{"primary":true,"type":"work","value":"Test_User_fd0ea19b@testuser.com"}],"meta":{"resourceType":"User"},
	"name":{"formatted":"givenName familyName","familyName":"familyName","givenName":"givenName"},"roles":[],
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Sales","employeeNumber":"701984"}}`

const entraPatch = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[
	{"op":"Replace","path":"emails[type eq \"work\"].value","value":"ada@example.com"},
	{"op":"Replace","path":"name.familyName","value":"Lovelace"},
	{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"2819c223"},
	{"op":"Replace","path":"active","value":"True"}]}`
