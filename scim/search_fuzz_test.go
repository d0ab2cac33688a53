package scim

import (
	"strings"
	"testing"
)

// FuzzSearchRequest holds what Decode promises for the body of a POST to /.search:
// everything it asks for is of the type that it is asked of, and what remains of a
// filter for a type can be read again.
func FuzzSearchRequest(f *testing.F) {
	for _, s := range []string{
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"attributes":["userName"],"filter":"userName sw \"a\" or members pr","sortBy":"displayName","sortOrder":"descending","startIndex":"2","count":10}`,
		`{"filter":"not (emails[type eq \"work\"].x ne \"y\") and meta.resourceType eq \"User\"","cursor":"aZ-._~","excludedAttributes":"members,name.givenName"}`,
		`{"filter":"schemas eq \"urn:ietf:params:scim:schemas:core:2.0:Group\" or members[x eq 1].value eq null","cursor":"","count":-1,"sortBy":"meta.lastModified"}`,
	} {
		f.Add("", []byte(s))
		f.Add("count=1&cursor&sortBy=userName", []byte(s))
	}
	d := everything()
	f.Fuzz(func(t *testing.T, query string, body []byte) {
		for _, path := range []string{"/.search", "/Users/.search"} {
			op, err := d.Decode(Request{Method: "POST", Path: path, RawQuery: query, Body: body})
			check(t, op, err)
			if op == nil {
				continue
			}
			searches := op.Parts
			if path != "/.search" {
				searches = []*Operation{op}
			}
			for _, s := range searches {
				checkSearch(t, s)
			}
			if c := op.Query.Cursor; c != nil && strings.Trim(*c, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~") != "" {
				t.Fatalf("the cursor %q", *c)
			}
		}
	})
}

// checkSearch holds a search against its type.
func checkSearch(t *testing.T, op *Operation) {
	t.Helper()
	isOf := func(target Target) bool {
		switch target.Attribute {
		case AttributeID, AttributeMeta, AttributeSchemas:
		default:
			if op.Type.Attribute(target.Attribute.schema+":"+target.Attribute.Name) != target.Attribute {
				return false
			}
		}
		return target.Sub == nil || target.Sub.parent == target.Attribute
	}
	for _, target := range append(op.Projection.Include, op.Projection.Exclude...) {
		if !isOf(target) {
			t.Fatalf("%v is no attribute of %s", target, op.Type.Name)
		}
	}
	if s := op.Query.Sort; s != nil {
		if !isOf(s.By) {
			t.Fatalf("sorted by %v, which is none of %s", s, op.Type.Name)
		}
		if s.Compare(NewResource(op.Type), NewResource(op.Type)) != 0 {
			t.Fatalf("nothing differs from nothing by %v", s)
		}
	}
	if op.Query.Filter == nil {
		return
	}
	for _, target := range Targets(op.Query.Filter) {
		if !isOf(target) {
			t.Fatalf("%v is no attribute of %s", target, op.Type.Name)
		}
	}
	text := op.Query.Filter.String()
	again, err := ParseFilter(op.Type, text, FilterLimits{Length: -1, Depth: -1, Terms: -1})
	if err != nil {
		t.Fatalf("%s cannot be read again: %v", text, err)
	}
	if got := again.String(); got != text {
		t.Fatalf("%s became %s", text, got)
	}
}

// FuzzCondition holds that any header is either refused or read as versions, and
// that a version of ours is found whatever else stands there.
func FuzzCondition(f *testing.F) {
	for _, s := range []string{"*", `W/"1"`, `"a,b" , w/c,"*"`, `""`, `"`, "W/", "\x00", ",,"} {
		f.Add(s, "20260101000000.123456Z#000000#001#000000")
	}
	d := everything()
	f.Fuzz(func(t *testing.T, header, version string) {
		op, err := d.Decode(Request{Method: "DELETE", Path: "/Users/1", IfMatch: header})
		check(t, op, err)
		if err != nil {
			return
		}
		for _, tag := range op.Condition.Match {
			if strings.ContainsFunc(tag, func(r rune) bool { return r == '"' || r < ' ' || r == 0x7f }) {
				t.Fatalf("%q has the version %q", header, tag)
			}
		}
		if version == "" || strings.ContainsFunc(version, func(r rune) bool { return r == '"' || r < ' ' || r == 0x7f }) {
			return
		}
		op, err = d.Decode(Request{Method: "DELETE", Path: "/Users/1", IfMatch: header + "," + Meta{Version: version}.ETag()})
		if err != nil {
			t.Fatalf("%q before %q: %v", header, version, err)
		}
		if version != "*" && !op.Condition.Holds(version) {
			t.Fatalf("%q is not found behind %q", version, header)
		}
	})
}
