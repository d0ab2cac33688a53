package scim

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	patch := func(operations string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
	}
	many := func(n int, format, separator string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf(format, fmt.Sprintf("2819c223-7f76-453a-919d-%012d", i))
		}
		return strings.Join(all, separator)
	}
	user := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"externalId":"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef","userName":"Test_User_ab6490ee","active":true,
		"emails":[{"primary":true,"type":"work","value":"Test_User_fd0ea19b@testuser.com"}],
		"name":{"formatted":"givenName familyName","familyName":"familyName","givenName":"givenName"},"roles":[],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Sales","employeeNumber":"701984"}}`
	for _, c := range []struct {
		name string
		r    Request
	}{
		{"find", Request{Method: "GET", Path: "/Users", RawQuery: "filter=userName+eq+%22ada%40example.com%22"}},
		{"disable", Request{Method: "PATCH", Path: "/Users/1", Body: []byte(patch(`{"op":"Replace","path":"active","value":"False"}`))}},
		{"create", Request{Method: "POST", Path: "/Users", Body: []byte(user)}},
		{"add a member", Request{Method: "PATCH", Path: "/Groups/1", Body: []byte(patch(`{"op":"Add","path":"members","value":[{"$ref":null,"value":"2819c223-7f76-453a-919d-413861904646"}]}`))}},
		{"10000 operations of one member", Request{Method: "PATCH", Path: "/Groups/1", Body: []byte(patch(many(10_000, `{"op":"remove","path":"members[value eq \"%s\"]"}`, ",")))}},
		{"10000 members in one operation", Request{Method: "PATCH", Path: "/Groups/1", Body: []byte(patch(`{"op":"Add","path":"members","value":[` + many(10_000, `{"$ref":null,"value":"%s"}`, ",") + `]}`))}},
		{"5 MB PUT", Request{Method: "PUT", Path: "/Groups/1", Body: []byte(`{"displayName":"x","members":[` + many(55_000, `{"value":"%s","display":"somebody@example.com","type":"User"}`, ",\n") + `]}`)}},
		{"16 MB of nested nothing", Request{Method: "PUT", Path: "/Users/1", Body: []byte(`{"x":[` + strings.Repeat(`[[[[]]]],`, 16<<20/9-10) + `1]}`)}},
		{"16 MB of names", Request{Method: "PUT", Path: "/Users/1", Body: []byte(`{` + many(16<<20/45, `"x%s":0`, ",") + `}`)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := everything()
			b.SetBytes(int64(len(c.r.Body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(c.r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
